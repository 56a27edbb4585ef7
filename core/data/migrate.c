// migrate.c - applies numbered migrations, each in a transaction of its own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/arena.h>
#include <shoal/base.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/drill.h"
#include "data/db_priv.h"
#include "data/migrate_priv.h"

#define SHA256_HEX 65

SHOAL_SQL(sql_migration_list,
    "SELECT number, name, sha256, applied_ms FROM migration WHERE owner = $1 ORDER BY number");
SHOAL_SQL(sql_migration_add, "INSERT INTO migration (owner, number, name, sha256, applied_ms)"
                             " VALUES ($1, $2, $3, $4, $5)");

static void hash(const char *text, char out[SHA256_HEX])
{
    unsigned char bytes[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(bytes, (const unsigned char *)text, strlen(text));
    sodium_bin2hex(out, SHA256_HEX, bytes, sizeof(bytes));
}

struct job {
    const char *owner;
    const struct shoal_migration *list;
    size_t count;
    size_t applied; ///< how many of the list the database knows
};

static int refuse_newer(
    const struct job *job, int number, const char *name, int64_t applied_ms, struct shoal_err *err)
{
    char copy[PATH_MAX];
    copies_find(applied_ms, copy);
    if (copy[0] == 0) {
        return shoal_fail(err, SHOAL_ECONFLICT,
            "the database is newer than this program: it knows the migration %03d_%s of %s, and no"
            " copy from before is left",
            number, name, job->owner);
    }
    return shoal_fail(err, SHOAL_ECONFLICT,
        "the database is newer than this program: it knows the migration %03d_%s of %s; the copy"
        " from before is %.200s",
        number, name, job->owner, copy);
}

static int check_row(struct job *job, const struct shoal_rows *rows, struct shoal_err *err)
{
    int64_t number = shoal_col_i64(rows, 0);
    const char *name = shoal_col_text(rows, 1);
    if (number < 1 || (size_t)number > job->count) {
        return refuse_newer(job, (int)number, name, shoal_col_i64(rows, 3), err);
    }
    const struct shoal_migration *known = &job->list[number - 1];
    char now[SHA256_HEX];
    hash(known->sql, now);
    if (strcmp(now, shoal_col_text(rows, 2)) != 0) {
        return shoal_fail(err, SHOAL_ECONFLICT,
            "the migration %03d_%s of %s was changed after it had been applied", known->number,
            known->name, job->owner);
    }
    job->applied++;
    return 0;
}

/// Compares the list with what the database knows.
static int check(struct shoal_call *call, struct job *job, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &sql_migration_list, SHOAL_ARGS(SHOAL_TEXT(job->owner)), err);
    if (!rows) {
        return err->code;
    }
    int code = 0;
    while (code == 0 && shoal_rows_next(rows)) {
        code = check_row(job, rows, err);
    }
    if (code < 0) {
        shoal_rows_close(rows, NULL);
        return code;
    }
    return shoal_rows_close(rows, err);
}

/// Runs every statement of a script.
static int run_script(struct shoal_db *tx, const char *text, struct shoal_err *err)
{
    while (!migrate_is_blank(text)) {
        tx->seen_count = 0;
        sqlite3_stmt *statement = NULL;
        const char *rest = NULL;
        int code = sqlite3_prepare_v2(tx->handle, text, -1, &statement, &rest);
        if (code == SQLITE_OK) {
            do {
                code = sqlite3_step(statement);
            } while (code == SQLITE_ROW);
        }
        int failed = code == SQLITE_DONE ? 0 : db_fail(tx, code, "a statement", err);
        sqlite3_finalize(statement);
        if (failed < 0) {
            return failed;
        }
        text = rest;
    }
    return 0;
}

struct step {
    const struct job *job;
    const struct shoal_migration *migration;
    const struct shoal_plugin_id *guard;
};

static int apply(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct step *step = arg;
    const struct shoal_migration *migration = step->migration;
    char *sql = shoal_migration_translate(migration->sql, "sqlite", err);
    if (!sql) {
        return err->code;
    }
    tx->guard = step->guard;
    tx->is_migrating = true;
    int code = 0;
    if (tx->guard && db_guard_shadows(tx->guard, sql)) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "it defines something named as a view");
    } else {
        code = run_script(tx, sql, err);
    }
    tx->is_migrating = false;
    tx->guard = NULL;
    free(sql);
    if (code < 0) {
        return code;
    }
    shoal_drill_point("migration.applied");
    char sha256[SHA256_HEX];
    hash(migration->sql, sha256);
    return shoal_db_exec(tx, &sql_migration_add,
        SHOAL_ARGS(SHOAL_TEXT(step->job->owner), SHOAL_I64(migration->number),
            SHOAL_TEXT(migration->name), SHOAL_TEXT(sha256), SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

/// Whom a plugin's migrations are checked as: the plugin that is being started, or one that has
/// nothing but its prefix. NULL for the core ("core", "core.data").
static const struct shoal_plugin_id *guard_of(
    struct shoal_call *call, const char *owner, struct shoal_plugin_id *made)
{
    if (strcmp(owner, "core") == 0 || strncmp(owner, "core.", 5) == 0) {
        return NULL;
    }
    for (const struct shoal_call *outer = call->outer; outer; outer = outer->outer) {
        const struct shoal_plugin_id *plugin = (const void *)shoal_call_plugin(outer);
        if (plugin && strcmp(plugin->name, owner) == 0) {
            return plugin;
        }
    }
    made->name = owner;
    made->table_prefix = shoal_arena_printf(call->arena, "%s_", owner);
    return made;
}

static int apply_missing(
    struct shoal_call *call, const struct job *job, char *copied, struct shoal_err *err)
{
    struct shoal_plugin_id made = {0};
    const struct shoal_plugin_id *guard = guard_of(call, job->owner, &made);
    if (job->applied < job->count && !data_was_empty()) {
        char path[PATH_MAX];
        int code = copies_make(job->owner, job->list[job->applied].number, path, err);
        if (code < 0) {
            return code;
        }
        if (copied) {
            memcpy(copied, path, sizeof(path));
        }
        shoal_drill_point("migration.copied");
    }
    for (size_t i = job->applied; i < job->count; i++) {
        struct step step = {.job = job, .migration = &job->list[i], .guard = guard};
        struct shoal_err inner = {0};
        int code = db_tx_alone(call, apply, &step, &inner);
        if (code < 0) {
            return shoal_fail(err, code, "the migration %03d_%s of %s failed: %s",
                job->list[i].number, job->list[i].name, job->owner, inner.text);
        }
        shoal_info("migration %03d_%s of %s was applied", job->list[i].number, job->list[i].name,
            job->owner);
    }
    return 0;
}

int shoal_migrate_builtin(const char *owner, const struct shoal_migration *list, size_t count,
    char *copied, struct shoal_err *err)
{
    struct shoal_err inner = {0};
    struct job job = {.owner = owner, .list = list, .count = count};
    struct shoal_call call;
    shoal_call_init(&call);
    if (copied) {
        copied[0] = 0;
    }
    int code = check(&call, &job, &inner);
    if (code == 0) {
        code = apply_missing(&call, &job, copied, &inner);
    }
    shoal_call_fini(&call);
    if (code < 0 && err) {
        *err = inner;
    }
    return code;
}

int shoal_migrate(const char *owner, const char *folder, char *copied, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    const struct shoal_migration *list;
    size_t count;
    int code = migrate_read_folder(arena, folder, &list, &count, err);
    if (code == 0) {
        code = shoal_migrate_builtin(owner, list, count, copied, err);
    }
    shoal_arena_free(arena);
    return code;
}

int shoal_migrations_pending_builtin(const char *owner, const struct shoal_migration *list,
    size_t count, struct shoal_err *err)
{
    struct shoal_err inner = {0};
    struct shoal_call call;
    shoal_call_init(&call);
    struct job job = {.owner = owner, .list = list, .count = count};
    int code = check(&call, &job, &inner);
    shoal_call_fini(&call);
    if (code < 0 && err) {
        *err = inner;
    }
    return code < 0 ? code : (int)(job.count - job.applied);
}

int shoal_migrations_pending(const char *owner, const char *folder, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    const struct shoal_migration *list;
    size_t count;
    int code = migrate_read_folder(arena, folder, &list, &count, err);
    if (code == 0) {
        code = shoal_migrations_pending_builtin(owner, list, count, err);
    }
    shoal_arena_free(arena);
    return code;
}
