// statement.c - prepared statements, kept per connection, and their arguments.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <limits.h>
#include <string.h>

#include "data/db_priv.h"

static struct db_slot *set_of(struct shoal_db *db, const struct shoal_sql *sql)
{
    uintptr_t key = (uintptr_t)sql;
    key ^= key >> 15;
    key *= (uintptr_t)0x9E3779B97F4A7C15u;
    return db->slots[(key >> 24) % DB_SETS];
}

static int prepare(struct shoal_db *db, const struct shoal_sql *sql, sqlite3_stmt **statement,
    unsigned flags, struct shoal_err *err)
{
    const char *rest = NULL;
    db->seen_count = 0;
    if (db->guard && db_guard_shadows(db->guard, sql->text)) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "%s: it defines something named as a view", sql->name);
    }
    int code = sqlite3_prepare_v3(db->handle, sql->text, -1, flags, statement, &rest);
    if (code != SQLITE_OK) {
        return db_fail(db, code, sql->name, err);
    }
    if (!*statement || (rest && rest[strspn(rest, " \t\r\n;")] != 0)) {
        sqlite3_finalize(*statement);
        *statement = NULL;
        return shoal_fail(err, SHOAL_EINTERNAL, "%s: it is not one statement", sql->name);
    }
    return 0;
}

/// The kept text is compared too: the constant of a reloaded script may lie where another one lay.
static bool is_same(
    const struct db_slot *slot, const struct shoal_sql *sql, const struct shoal_plugin_id *guard)
{
    return slot->statement && slot->sql == sql && slot->guard == guard &&
           strcmp(sqlite3_sql(slot->statement), sql->text) == 0;
}

int db_statement_take(struct shoal_db *db, const struct shoal_sql *sql,
    const struct shoal_plugin_id *guard, sqlite3_stmt **statement, struct db_slot **slot,
    struct shoal_err *err)
{
    *statement = NULL;
    *slot = NULL;
    if (!db->handle) {
        return db_fail(db, SQLITE_CANTOPEN, sql->name, err);
    }
    if (db_is_lost(db)) {
        return shoal_fail(err, SHOAL_EIO, "%s: the database took the transaction back", sql->name);
    }
    struct db_slot *set = set_of(db, sql);
    struct db_slot *oldest = NULL;
    db->guard = guard;
    for (size_t i = 0; i < DB_WAYS; i++) {
        if (set[i].is_taken) {
            continue;
        }
        if (is_same(&set[i], sql, guard)) {
            set[i].is_taken = true;
            set[i].used = ++db->uses;
            *slot = &set[i];
            *statement = set[i].statement;
            return 0;
        }
        if (!oldest || set[i].used < oldest->used) {
            oldest = &set[i];
        }
    }
    int code = prepare(db, sql, statement, oldest ? SQLITE_PREPARE_PERSISTENT : 0, err);
    if (code < 0 || !oldest) {
        return code;
    }
    sqlite3_finalize(oldest->statement);
    *oldest = (struct db_slot){
        .sql = sql, .guard = guard, .statement = *statement, .used = ++db->uses, .is_taken = true};
    *slot = oldest;
    return 0;
}

void db_statement_give(struct db_slot *slot, sqlite3_stmt *statement)
{
    if (!slot) {
        sqlite3_finalize(statement);
        return;
    }
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    slot->is_taken = false;
}

void db_statements_drop(struct shoal_db *db)
{
    for (size_t set = 0; set < DB_SETS; set++) {
        for (size_t way = 0; way < DB_WAYS; way++) {
            sqlite3_finalize(db->slots[set][way].statement);
            db->slots[set][way] = (struct db_slot){0};
        }
    }
}

/// "$12" is 12; 0 for any other name.
static size_t number_of(const char *name)
{
    size_t number = 0;
    if (!name || name[0] != '$' || name[1] == 0) {
        return 0;
    }
    for (const char *c = name + 1; *c; c++) {
        if (*c < '0' || *c > '9' || number > 999) {
            return 0;
        }
        number = number * 10 + (size_t)(*c - '0');
    }
    return number;
}

static int bind_one(
    sqlite3_stmt *statement, int index, const struct shoal_value *value, bool is_borrowed)
{
    sqlite3_destructor_type life = is_borrowed ? SQLITE_STATIC : SQLITE_TRANSIENT;
    switch (value->type) {
    case SHOAL_TYPE_I64:
    case SHOAL_TYPE_BOOL:
        return sqlite3_bind_int64(statement, index, value->i64);
    case SHOAL_TYPE_REAL:
        return sqlite3_bind_double(statement, index, value->real);
    case SHOAL_TYPE_TEXT:
        return sqlite3_bind_text64(statement, index, value->data, value->length, life, SQLITE_UTF8);
    case SHOAL_TYPE_BYTES:
        if (value->length == 0) {
            return sqlite3_bind_zeroblob(statement, index, 0);
        }
        return sqlite3_bind_blob64(statement, index, value->data, value->length, life);
    case SHOAL_TYPE_NULL:
    default:
        return sqlite3_bind_null(statement, index);
    }
}

int db_bind(struct shoal_db *db, sqlite3_stmt *statement, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, bool is_borrowed, struct shoal_err *err)
{
    int places = sqlite3_bind_parameter_count(statement);
    size_t highest = 0;
    for (int index = 1; index <= places; index++) {
        size_t number = number_of(sqlite3_bind_parameter_name(statement, index));
        if (number == 0 || number > count) {
            return shoal_fail(err, SHOAL_EINTERNAL, "%s: parameter %d has no argument among %zu",
                sql->name, index, count);
        }
        highest = number > highest ? number : highest;
        int code = bind_one(statement, index, &args[number - 1], is_borrowed);
        if (code != SQLITE_OK) {
            return db_fail(db, code, sql->name, err);
        }
    }
    if (highest != count) {
        return shoal_fail(err, SHOAL_EINTERNAL, "%s: %zu arguments for %zu parameters", sql->name,
            count, highest);
    }
    return 0;
}
