// data.c - opens and closes the database of the instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data.h"

#include <shoal/base.h>
#include <shoal/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "data/db_priv.h"
#include "data/jobs_priv.h"
#include "data/migrate_priv.h"

static struct {
    char path[PATH_MAX];
    bool is_open;
    bool was_empty;
} data;

SHOAL_SQL(sql_migration_count, "SELECT COUNT(*) FROM migration");

const char *data_path(void)
{
    return data.path;
}

bool data_was_empty(void)
{
    return data.was_empty;
}

/// The file, or the file in the folder. It and the logs beside it are the owner's alone.
static int find_file(const char *path, struct shoal_err *err)
{
    struct stat info;
    bool is_folder = stat(path, &info) == 0 && S_ISDIR(info.st_mode);
    int length =
        snprintf(data.path, sizeof(data.path), "%s%s", path, is_folder ? "/shoal.sqlite3" : "");
    if (length < 0 || (size_t)length >= sizeof(data.path)) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the database is too long");
    }
    int fd = shoal_file()->open(data.path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "open the database", data.path);
    }
    close(fd);
    return 0;
}

/// The table of migrations is the one that no migration makes.
static int start_table(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    int code = db_run(tx, data_migration_table, err);
    int64_t count = 0;
    if (code == 0) {
        code = shoal_db_i64(tx, &sql_migration_count, SHOAL_NOARGS, &count, err);
    }
    data.was_empty = count == 0;
    return code;
}

static int start_tables(struct shoal_err *err)
{
    struct shoal_call call;
    shoal_call_init(&call);
    int code = db_tx_alone(&call, start_table, NULL, err);
    if (code == 0) {
        code = shoal_migrate_builtin("core.data", data_schema, data_schema_count, NULL, err);
    }
    if (code == 0) {
        struct shoal_db *db = shoal_call_db(&call);
        db_epoch_set(db_epoch_read(db));
        db_settings_load(db);
    }
    shoal_call_fini(&call);
    return code;
}

int shoal_data_open(const char *path, struct shoal_err *err)
{
    if (data.is_open) {
        return shoal_fail(err, SHOAL_ECONFLICT, "a database is open already");
    }
    if (!sqlite3_threadsafe()) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "this SQLite was built without threads");
    }
    int code = find_file(path, err);
    if (code == 0) {
        code = db_writer_start(data.path, err);
    }
    if (code < 0) {
        return code;
    }
    data.is_open = true;
    db_readers_start(data.path);
    code = start_tables(err);
    if (code < 0) {
        shoal_data_close();
    }
    return code;
}

void shoal_data_close(void)
{
    if (!data.is_open) {
        return;
    }
    shoal_timers_stop();
    shoal_jobs_stop();
    shoal_topics_stop();
    db_writer_stop();
    db_readers_stop();
    db_settings_drop();
    copies_forget();
    data.is_open = false;
}

void shoal_sql_each(const struct shoal_sql *const *start, const struct shoal_sql *const *stop,
    int (*each)(const struct shoal_sql *sql, void *user), void *user)
{
    for (const struct shoal_sql *const *at = start; at < stop; at++) {
        if (*at && each(*at, user) != 0) {
            return;
        }
    }
}

static int print_one(const struct shoal_sql *sql, void *user)
{
    FILE *out = user;
    fprintf(out, "%s\t%s\n", sql->name, sql->text);
    return ferror(out);
}

int shoal_sql_print(FILE *out)
{
    shoal_sql_each(__start_shoal_sql, __stop_shoal_sql, print_one, out);
    return ferror(out) ? SHOAL_EIO : 0;
}
