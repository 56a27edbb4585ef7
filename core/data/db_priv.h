// db_priv.h - what the files of the database driver share: connections, statements, the writer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_DB_PRIV_H
#define SHOAL_CORE_DATA_DB_PRIV_H
#include <sqlite3.h>

#include <shoal/db.h>
#include <shoal/error.h>

#include "base/context.h"

#define DB_SETS 32
#define DB_WAYS 8
#define DB_SEEN 32

/// One prepared statement, kept under the constant and the plugin that it was prepared for.
struct db_slot {
    const struct shoal_sql *sql;
    const struct shoal_plugin_id *guard;
    sqlite3_stmt *statement;
    uint64_t used; ///< the connection's count of uses when it was last taken
    bool is_taken;
};

/// One connection. A reader belongs to one call at a time, the writer to its thread.
struct shoal_db {
    sqlite3 *handle; ///< NULL: it could not be opened and every statement says so
    bool is_writer;
    char denied[80];         ///< what the guard refused last
    bool is_migrating;       ///< the guard lets a plugin make and change its own tables
    struct shoal_call *call; ///< whose deadline and cancel flag statements obey; or NULL
    const struct shoal_plugin_id *guard; ///< whom the authorizer checks; NULL: the core
    uint32_t seen[DB_SEEN]; ///< hashes of the tables that views read in the prepared statement
    size_t seen_count;
    struct db_slot slots[DB_SETS][DB_WAYS];
    uint64_t uses;
    struct shoal_rows *open;  ///< rows that were not closed yet
    struct shoal_rows *spare; ///< closed ones, to be used again
    struct shoal_rows *lost;  ///< left open by their call; freed with the connection
    int savepoints;           ///< how deep closures are nested
    bool is_touched;          ///< an epoch moved
    bool has_new_jobs;        ///< a job can be claimed after the commit
    bool has_new_settings;    ///< the stored settings changed
    char open_error[256];     ///< why handle is NULL
    struct shoal_db *next;    ///< in the pool
    int64_t used_tick_ms;     ///< when its call ended, or its last commit
    bool is_resting;          ///< its pages went back since
    bool is_work;             ///< it has the smaller cache of what nobody waits for
};

struct shoal_rows {
    struct shoal_db *db;
    const struct shoal_sql *sql;
    const struct shoal_plugin_id *guard;
    struct db_slot *slot; ///< NULL: the statement is finalized when it is closed
    sqlite3_stmt *statement;
    struct shoal_rows *next, *previous; ///< among the open rows of the connection
    int code;                           ///< 0 or what stopped it
    bool is_done;
    struct shoal_err err;
};

// sqlite.c

/// Opens a connection with the pragmas and limits that all of ours have.
int db_open(struct shoal_db *db, const char *path, bool is_writer, struct shoal_err *err);
void db_close(struct shoal_db *db);
/// How many pages a reader may keep: fewer where it works for no request.
void db_work(struct shoal_db *db, bool is_work);
/// Gives back the pages that a connection keeps, where nobody used it for a while. Returns: whether it did.
bool db_rest(struct shoal_db *db, int64_t now_tick_ms);
/// Fills err from what the connection says; what: the statement's name or a phrase.
int db_fail(struct shoal_db *db, int sqlite_code, const char *what, struct shoal_err *err);
/// Runs words of our own that need no arguments: BEGIN, COMMIT, a pragma.
int db_run(struct shoal_db *db, const char *text, struct shoal_err *err);

// guard.c

/// The authorizer: what a plugin's statement may touch. User data is the struct shoal_db.
int db_guard(
    void *user, int action, const char *a, const char *b, const char *database, const char *within);
/// Whom a statement is checked as: NULL for the core's own statements, whoever asks for them.
const struct shoal_plugin_id *db_guard_for(
    const struct shoal_call *call, const struct shoal_sql *sql);

/// Whether the text defines something under the name of a published view, to be taken for it.
bool db_guard_shadows(const struct shoal_plugin_id *plugin, const char *text);

// statement.c

/// Takes a prepared statement for sql. *slot is NULL when it is not a kept one.
int db_statement_take(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_plugin_id *guard, sqlite3_stmt **statement, struct db_slot **slot,
    struct shoal_err *err);
void db_statement_give(struct db_slot *slot, sqlite3_stmt *statement);
void db_statements_drop(struct shoal_db *db);
/// Binds $1, $2, … to args by name. is_borrowed: the values outlive the statement's run.
int db_bind(struct shoal_db *db, sqlite3_stmt *statement, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, bool is_borrowed, struct shoal_err *err);

// rows.c

/// Ends rows that a call left open and says so in the log.
void db_rows_drop(struct shoal_db *db);
void db_rows_free(struct shoal_db *db);

// readers.c

/// A reader without a call: for lists that the kernel reads itself.
struct shoal_db *db_reader_take(struct shoal_call *call);
void db_reader_give(struct shoal_db *db);
void db_readers_start(const char *path);
/// db_rest() of each that is idle. Returns: whether one did.
bool db_readers_rest(int64_t now_tick_ms);
void db_readers_stop(void);

// tx.c

int db_writer_start(const char *path, struct shoal_err *err);
void db_writer_stop(void);
/// Like shoal_tx(), but nothing else is in the same commit.
int db_tx_alone(struct shoal_call *call, shoal_tx_fn *fn, void *arg, struct shoal_err *err);
/// Whether the transaction that a closure runs in is gone: nothing more may be written in its name.
bool db_is_lost(const struct shoal_db *db);

// epoch.c

/// Reads the number of all epochs, on the writer before its commit and at the start.
int64_t db_epoch_read(struct shoal_db *db);
void db_epoch_set(int64_t value);

// settings.c

/// Reads all stored settings into memory.
void db_settings_load(struct shoal_db *db);
void db_settings_drop(void);

#endif
