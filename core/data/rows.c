// rows.c - runs statements and reads their rows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "data/db_priv.h"

struct shoal_value shoal_value_text(const char *text)
{
    if (!text) {
        return SHOAL_NULL;
    }
    return (struct shoal_value){.type = SHOAL_TYPE_TEXT, .data = text, .length = strlen(text)};
}

struct shoal_value shoal_value_time(int64_t time_ms)
{
    return time_ms == 0 ? SHOAL_NULL : SHOAL_I64(time_ms);
}

static struct shoal_rows *rows_new(struct shoal_db *db)
{
    struct shoal_rows *rows = db->spare;
    if (rows) {
        db->spare = rows->next;
        memset(rows, 0, sizeof(*rows));
    } else {
        rows = shoal_alloc(1, sizeof(*rows));
    }
    rows->db = db;
    rows->next = db->open;
    if (db->open) {
        db->open->previous = rows;
    }
    db->open = rows;
    return rows;
}

static void rows_unlink(struct shoal_rows *rows)
{
    if (rows->previous) {
        rows->previous->next = rows->next;
    } else {
        rows->db->open = rows->next;
    }
    if (rows->next) {
        rows->next->previous = rows->previous;
    }
}

static void rows_end(struct shoal_rows *rows)
{
    if (rows->statement) {
        db_statement_give(rows->slot, rows->statement);
        rows->statement = NULL;
    }
}

static int start(struct shoal_db *db, const struct shoal_sql *sql, const struct shoal_value *args,
    size_t count, bool is_borrowed, struct shoal_rows **out, struct shoal_err *err)
{
    const struct shoal_plugin_id *guard = db_guard_for(db->call, sql);
    sqlite3_stmt *statement;
    struct db_slot *slot;
    int code = db_statement_take(db, sql, guard, &statement, &slot, err);
    if (code < 0) {
        return code;
    }
    code = db_bind(db, statement, sql, args, count, is_borrowed, err);
    if (code < 0) {
        db_statement_give(slot, statement);
        return code;
    }
    struct shoal_rows *rows = rows_new(db);
    rows->sql = sql;
    rows->guard = guard;
    rows->slot = slot;
    rows->statement = statement;
    *out = rows;
    return 0;
}

struct shoal_rows *shoal_db_query(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, struct shoal_err *err)
{
    struct shoal_rows *rows = NULL;
    return start(db, sql, args, count, false, &rows, err) == 0 ? rows : NULL;
}

/// The statement may be prepared again while it steps: the guard is set for that.
bool shoal_rows_next(struct shoal_rows *rows)
{
    if (rows->is_done || !rows->statement) {
        return false;
    }
    struct shoal_db *db = rows->db;
    db->guard = rows->guard;
    if (db->call && (shoal_call_cancelled(db->call) || shoal_call_left_ms(db->call) == 0)) {
        rows->is_done = true;
        rows->code = db_fail(db, SQLITE_INTERRUPT, rows->sql->name, &rows->err);
        return false;
    }
    int code = sqlite3_step(rows->statement);
    if (code == SQLITE_ROW) {
        return true;
    }
    rows->is_done = true;
    if (code != SQLITE_DONE) {
        rows->code = db_fail(db, code, rows->sql->name, &rows->err);
    }
    return false;
}

int shoal_rows_close(struct shoal_rows *rows, struct shoal_err *err)
{
    if (!rows) {
        return 0;
    }
    int code = rows->code;
    if (code < 0 && err) {
        *err = rows->err;
    }
    rows_end(rows);
    rows_unlink(rows);
    rows->next = rows->db->spare;
    rows->db->spare = rows;
    return code;
}

void db_rows_drop(struct shoal_db *db)
{
    while (db->open) {
        struct shoal_rows *rows = db->open;
        shoal_warn("the rows of %s were never closed", rows->sql->name);
        rows_end(rows);
        rows_unlink(rows);
        rows->is_done = true;
        rows->next = db->lost;
        db->lost = rows;
    }
}

static void free_list(struct shoal_rows *rows)
{
    while (rows) {
        struct shoal_rows *next = rows->next;
        free(rows);
        rows = next;
    }
}

void db_rows_free(struct shoal_db *db)
{
    free_list(db->spare);
    free_list(db->lost);
    db->spare = NULL;
    db->lost = NULL;
}

int shoal_db_exec(struct shoal_db *db, const struct shoal_sql *sql, const struct shoal_value *args,
    size_t count, int64_t *changed, struct shoal_err *err)
{
    struct shoal_rows *rows = NULL;
    int code = start(db, sql, args, count, true, &rows, err);
    if (code < 0) {
        return code;
    }
    while (shoal_rows_next(rows)) {
    }
    if (changed) {
        *changed = sqlite3_stmt_readonly(rows->statement) ? 0 : sqlite3_changes64(db->handle);
    }
    return shoal_rows_close(rows, err);
}

int shoal_db_i64(struct shoal_db *db, const struct shoal_sql *sql, const struct shoal_value *args,
    size_t count, int64_t *out, struct shoal_err *err)
{
    struct shoal_rows *rows = NULL;
    int code = start(db, sql, args, count, true, &rows, err);
    if (code < 0) {
        return code;
    }
    bool is_found = shoal_rows_next(rows);
    if (is_found && out) {
        *out = sqlite3_column_int64(rows->statement, 0);
    }
    // A statement that changes something goes on to its end: RETURNING gives rows before that.
    while (is_found && shoal_rows_next(rows)) {
    }
    code = shoal_rows_close(rows, err);
    if (code < 0 || is_found) {
        return code;
    }
    return shoal_fail(err, SHOAL_ENOTFOUND, "%s: no such row", sql->name);
}
