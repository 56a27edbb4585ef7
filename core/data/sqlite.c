// sqlite.c - opens SQLite connections as we want them and turns their errors into ours.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "data/db_priv.h"

#define BUSY_TIMEOUT_MS 10000
#define REST_AFTER_MS   5000
#define PROGRESS_STEPS  2000
#define VALUE_BYTES_MAX (64 << 20)
#define SQL_BYTES_MAX   (1 << 20)
#define WRITER_CACHE    "PRAGMA cache_size=-2048"
#define READER_CACHE    "PRAGMA cache_size=-2048" // of who answers a request
#define WORK_CACHE      "PRAGMA cache_size=-512"  // of a job or a timer, which may read for hours
#define WAL_BYTES_KEPT  "PRAGMA journal_size_limit=67108864"

/// Called every few thousand steps of a statement: a call that ended ends its statement.
static int check_progress(void *user)
{
    const struct shoal_db *db = user;
    const struct shoal_call *call = db->call;
    return call && (shoal_call_cancelled(call) || shoal_call_left_ms(call) == 0);
}

/// The errno of the last write or sync of the database's file that failed, or of its log's.
static int last_errno(const struct shoal_db *db, bool is_log)
{
    sqlite3_file *file = NULL;
    int number = 0;
    int which = is_log ? SQLITE_FCNTL_JOURNAL_POINTER : SQLITE_FCNTL_FILE_POINTER;
    if (sqlite3_file_control(db->handle, "main", which, &file) == SQLITE_OK && file &&
        file->pMethods) {
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number);
    }
    return number;
}

static bool means_full(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG;
}

/// SQLite says SQLITE_FULL of ENOSPC in a write alone: not of a quota that is used up, of a sync, or
/// of the file beside the log.
static bool is_full(const struct shoal_db *db, int sqlite_code)
{
    if (sqlite_code == SQLITE_IOERR_WRITE || sqlite_code == SQLITE_IOERR_FSYNC ||
        sqlite_code == SQLITE_IOERR_TRUNCATE) {
        return means_full(last_errno(db, true)) || means_full(last_errno(db, false));
    }
    return means_full(sqlite3_system_errno(db->handle));
}

static int code_of(const struct shoal_db *db, int sqlite_code)
{
    switch (sqlite_code & 0xFF) {
    case SQLITE_FULL:
        return SHOAL_EFULL;
    case SQLITE_CONSTRAINT:
        return SHOAL_ECONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return SHOAL_EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return SHOAL_ECORRUPT;
    case SQLITE_AUTH:
        return SHOAL_EFORBIDDEN;
    case SQLITE_TOOBIG:
        return SHOAL_ETOOLARGE;
    case SQLITE_INTERRUPT:
        return db->call && !shoal_call_cancelled(db->call) ? SHOAL_ETIMEOUT : SHOAL_ECANCELLED;
    case SQLITE_NOMEM:
        return SHOAL_EBUSY;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return is_full(db, sqlite_code) ? SHOAL_EFULL : SHOAL_EIO;
    case SQLITE_PERM:
    case SQLITE_NOLFS:
    case SQLITE_PROTOCOL:
        return SHOAL_EIO;
    default:
        return SHOAL_EINTERNAL;
    }
}

int db_fail(struct shoal_db *db, int sqlite_code, const char *what, struct shoal_err *err)
{
    if (!db->handle) {
        return shoal_fail(
            err, SHOAL_EIO, "%s: the database cannot be opened: %s", what, db->open_error);
    }
    int code = code_of(db, sqlite_code);
    if ((sqlite_code & 0xFF) == SQLITE_READONLY && !db->is_writer) {
        return shoal_fail(err, code, "%s: it writes, but not inside a transaction", what);
    }
    const char *text = sqlite3_errmsg(db->handle);
    if ((sqlite3_errcode(db->handle) & 0xFF) != (sqlite_code & 0xFF)) {
        text = sqlite3_errstr(sqlite_code);
    }
    if ((sqlite_code & 0xFF) == SQLITE_AUTH && db->guard && strncmp(db->denied, "v1_", 3) == 0) {
        return shoal_fail(err, code,
            "%s: plugin %s may not use %s: its plugin.json lacks the permission \"read:%ss\"", what,
            db->guard->name, db->denied, db->denied + 3);
    }
    if ((sqlite_code & 0xFF) == SQLITE_AUTH && db->guard) {
        return shoal_fail(err, code, "%s: a plugin may not use %s; its own tables begin with %s",
            what, db->denied[0] ? db->denied : "this",
            db->guard->table_prefix ? db->guard->table_prefix : "its name");
    }
    return shoal_fail(err, code, "%s: %s", what, text);
}

int db_run(struct shoal_db *db, const char *text, struct shoal_err *err)
{
    db->guard = NULL; // our own words, whoever's statement came before
    int code = sqlite3_exec(db->handle, text, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : db_fail(db, code, text, err);
}

static void set_limits(sqlite3 *handle)
{
    sqlite3_busy_timeout(handle, BUSY_TIMEOUT_MS);
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX);
    sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX);
    sqlite3_limit(handle, SQLITE_LIMIT_WORKER_THREADS, 0);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
}

static int set_pragmas(struct shoal_db *db, struct shoal_err *err)
{
    static const char *const writer[] = {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON", "PRAGMA mmap_size=0", WRITER_CACHE, WAL_BYTES_KEPT, NULL};
    static const char *const reader[] = {"PRAGMA synchronous=FULL", "PRAGMA foreign_keys=ON",
        "PRAGMA mmap_size=0", READER_CACHE, "PRAGMA query_only=ON", NULL};
    for (const char *const *pragma = db->is_writer ? writer : reader; *pragma; pragma++) {
        int code = db_run(db, *pragma, err);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

int db_open(struct shoal_db *db, const char *path, bool is_writer, struct shoal_err *err)
{
    memset(db, 0, sizeof(*db));
    db->is_writer = is_writer;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (is_writer ? SQLITE_OPEN_CREATE : 0);
    int opened = sqlite3_open_v2(path, &db->handle, flags, NULL);
    int code = 0;
    struct shoal_err inner = {0};
    if (opened != SQLITE_OK) {
        code = shoal_fail(&inner, db->handle ? code_of(db, opened) : SHOAL_EBUSY, "%s: %s", path,
            db->handle ? sqlite3_errmsg(db->handle) : "no memory");
    } else {
        set_limits(db->handle);
        code = set_pragmas(db, &inner);
    }
    if (code < 0) {
        sqlite3_close_v2(db->handle);
        db->handle = NULL;
        snprintf(db->open_error, sizeof(db->open_error), "%.255s", inner.text);
        return shoal_fail(err, code, "the database cannot be opened: %s", inner.text);
    }
    sqlite3_set_authorizer(db->handle, db_guard, db);
    sqlite3_progress_handler(db->handle, PROGRESS_STEPS, check_progress, db);
    return 0;
}

void db_work(struct shoal_db *db, bool is_work)
{
    if (db->handle && db->is_work != is_work) {
        db->is_work = is_work;
        db_run(db, is_work ? WORK_CACHE : READER_CACHE, NULL);
    }
}

bool db_rest(struct shoal_db *db, int64_t now_tick_ms)
{
    if (!db->handle || db->is_resting || now_tick_ms - db->used_tick_ms < REST_AFTER_MS) {
        return false;
    }
    db->is_resting = true;
    sqlite3_db_release_memory(db->handle);
    return true;
}

void db_close(struct shoal_db *db)
{
    db_rows_drop(db);
    db_rows_free(db);
    db_statements_drop(db);
    if (db->handle && sqlite3_close(db->handle) != SQLITE_OK) {
        shoal_error("a database connection still has statements: %s", sqlite3_errmsg(db->handle));
        sqlite3_close_v2(db->handle);
    }
    db->handle = NULL;
}
