// db.h - statements, rows and transactions, in the SQL that SQLite and PostgreSQL share.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_DB_H
#define SHOAL_DB_H
#include <jansson.h>

#include <shoal/version.h>

enum shoal_type {
    SHOAL_TYPE_NULL = 0,
    SHOAL_TYPE_I64 = 1,
    SHOAL_TYPE_TEXT = 2,
    SHOAL_TYPE_BYTES = 3,
    SHOAL_TYPE_BOOL = 4,
    SHOAL_TYPE_REAL = 5,
};

/// One argument of a statement. Text and bytes are borrowed for the call.
struct shoal_value {
    enum shoal_type type;
    int64_t i64;
    double real;
    const void *data;
    size_t length;
};
#define SHOAL_I64(x)  ((struct shoal_value){.type = SHOAL_TYPE_I64, .i64 = (int64_t)(x)})
#define SHOAL_BOOL(x) ((struct shoal_value){.type = SHOAL_TYPE_BOOL, .i64 = (x) ? 1 : 0})
#define SHOAL_REAL(x) ((struct shoal_value){.type = SHOAL_TYPE_REAL, .real = (x)})
#define SHOAL_NULL    ((struct shoal_value){.type = SHOAL_TYPE_NULL})
#define SHOAL_BYTES(p, n)                                                                          \
    ((struct shoal_value){.type = SHOAL_TYPE_BYTES, .data = (p), .length = (n)})
/// NULL text binds NULL.
SHOAL_API struct shoal_value shoal_value_text(const char *text);
#define SHOAL_TEXT(s) shoal_value_text(s)
/// A time in ms since 1970, or NULL for 0.
SHOAL_API struct shoal_value shoal_value_time(int64_t time_ms);
#define SHOAL_TIME(ms) shoal_value_time(ms)
#define SHOAL_ARGS(...)                                                                            \
    (const struct shoal_value[]){__VA_ARGS__},                                                     \
        sizeof((const struct shoal_value[]){__VA_ARGS__}) / sizeof(struct shoal_value)
#define SHOAL_NOARGS NULL, 0

/// A statement: a constant, registered by being defined, so that tests can prepare every one of them
/// on each database. Parameters are $1, $2, …; give them casts where the type is not plain.
struct shoal_sql {
    const char *name;
    const char *text;
};
#define SHOAL_SQL(id, sql)                                                                         \
    static const struct shoal_sql id = {#id, sql};                                                 \
    static const struct shoal_sql *const id##_registered                                           \
        __attribute__((section("shoal_sql"), used)) = &id

/// The connection of this call. Outside a transaction it reads; inside shoal_tx() it is the writer.
///
/// Returns: borrowed for the call. Errors: none. Thread: [worker]. Blocks: no. Since: 1.0.
SHOAL_API struct shoal_db *shoal_call_db(struct shoal_call *call);

/// Runs a statement and gives its rows, which shoal_rows_close() ends.
///
/// args, count: SHOAL_ARGS(...) or SHOAL_NOARGS.
/// Returns: NULL on an error. Errors: SHOAL_EIO, SHOAL_EFULL, SHOAL_ECONFLICT (a constraint),
///          SHOAL_EFORBIDDEN (a table that is not the plugin's), SHOAL_ECANCELLED, SHOAL_EINTERNAL.
/// Thread:  [worker]. Blocks: yes. Since: 1.0.
SHOAL_API struct shoal_rows *shoal_db_query(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, struct shoal_err *err);
/// Steps to the next row. Returns: false at the end and on an error, which close() reports.
SHOAL_API bool shoal_rows_next(struct shoal_rows *rows);
SHOAL_API int shoal_rows_close(struct shoal_rows *rows, struct shoal_err *err);
// Columns by index, from 0. Text and bytes live until the next step. NULL is 0 and NULL.
SHOAL_API int64_t shoal_col_i64(const struct shoal_rows *rows, int column);
SHOAL_API double shoal_col_real(const struct shoal_rows *rows, int column);
SHOAL_API bool shoal_col_bool(const struct shoal_rows *rows, int column);
SHOAL_API const char *shoal_col_text(const struct shoal_rows *rows, int column);
SHOAL_API const void *shoal_col_bytes(const struct shoal_rows *rows, int column, size_t *length);
SHOAL_API bool shoal_col_null(const struct shoal_rows *rows, int column);
SHOAL_API int shoal_rows_columns(const struct shoal_rows *rows);
SHOAL_API const char *shoal_col_name(const struct shoal_rows *rows, int column);
/// The row as an object, by column name; a new reference.
SHOAL_API json_t *shoal_row_json(const struct shoal_rows *rows);

/// Runs a statement whose rows do not matter. changed (or NULL): rows touched.
///
/// Returns: 0 or a negative error. Errors: as shoal_db_query(). Thread: [worker]. Blocks: yes.
/// Since:   1.0.
SHOAL_API int shoal_db_exec(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, int64_t *changed, struct shoal_err *err);
/// Runs a statement and reads column 0 of its first row (as for RETURNING id, COUNT(*)).
/// Returns: 0, SHOAL_ENOTFOUND without a row, or a negative error.
SHOAL_API int shoal_db_i64(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, int64_t *out, struct shoal_err *err);

/// What happens in one transaction. It may run again: it must depend on its arguments alone.
/// No hook, service, Lua or network inside.
typedef int shoal_tx_fn(struct shoal_call *call, struct shoal_db *tx, void *arg,
    struct shoal_err *err);
/// Runs fn as the one writer and commits when it returns 0; when this returns 0 the change is on
/// disk. Inside another shoal_tx() of the same call it joins that one (a savepoint).
///
/// Returns: 0, what fn returned, or the error of the commit. Errors: as shoal_db_query().
/// Thread:  [worker]; fn runs on the writer's thread while the caller waits. Blocks: yes. Since: 1.0.
SHOAL_API int shoal_tx(struct shoal_call *call, shoal_tx_fn *fn, void *arg, struct shoal_err *err);

/// Moves the epoch of this plugin (NULL tx: in a transaction of its own): cached answers that read it
/// are made anew.
SHOAL_API int shoal_touch(struct shoal_call *call, struct shoal_db *tx, const char *epoch,
    struct shoal_err *err);
/// This answer depends on the epoch of a plugin (the catalog's and the instance's are implied).
SHOAL_API void shoal_depends(struct shoal_request *request, const char *epoch);

#endif
