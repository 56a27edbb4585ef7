// copies.c - copies of the whole database: for backups, and before migrations.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "data/db_priv.h"
#include "data/migrate_priv.h"

#define REUSE_MS 60000
#define STAMP    24

static struct {
    pthread_mutex_t lock;
    char path[PATH_MAX]; ///< of the last copy, "" when there is none
    int64_t tick_ms;
} last = {.lock = PTHREAD_MUTEX_INITIALIZER};

/// Copies all pages in one step: they are those of one moment, since a reader sees one.
static int copy_pages(sqlite3 *to, struct shoal_err *err)
{
    struct shoal_db *from = db_reader_take(NULL);
    if (!from->handle) {
        int code = db_fail(from, SQLITE_CANTOPEN, "the copy", err);
        db_reader_give(from);
        return code;
    }
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->handle, "main");
    int stepped = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(to);
    sqlite3_backup_finish(backup);
    db_reader_give(from);
    if (stepped == SQLITE_DONE) {
        return 0;
    }
    int code = stepped == SQLITE_FULL ? SHOAL_EFULL : SHOAL_EIO;
    return shoal_fail(err, code, "the database cannot be copied: %s", sqlite3_errstr(stepped));
}

static int sync_file(const char *path, struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "open", path);
    }
    int code = shoal_file()->fsync(fd) == 0 ? 0 : shoal_file_fail(err, errno, "sync", path);
    close(fd);
    return code;
}

/// A copy is a plain file without a log beside it.
static int write_copy(const char *path, struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "make", path);
    }
    close(fd);
    sqlite3 *to = NULL;
    int opened = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    int code = opened == SQLITE_OK
                   ? copy_pages(to, err)
                   : shoal_fail(err, SHOAL_EIO, "%s: %s", path, sqlite3_errstr(opened));
    if (code == 0 &&
        sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK) {
        code = shoal_fail(err, SHOAL_EIO, "%s: %s", path, sqlite3_errmsg(to));
    }
    sqlite3_close(to);
    return code == 0 ? sync_file(path, err) : code;
}

int shoal_data_backup(const char *to_path, struct shoal_err *err)
{
    char beside[PATH_MAX];
    char folder[PATH_MAX];
    int length = snprintf(beside, sizeof(beside), "%s.new", to_path);
    if (length < 0 || (size_t)length >= sizeof(beside)) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the copy is too long");
    }
    shoal_file()->unlink(beside);
    int code = write_copy(beside, err);
    if (code == 0 && shoal_file()->rename(beside, to_path) != 0) {
        code = shoal_file_fail(err, errno, "replace", to_path);
    }
    if (code < 0) {
        shoal_file()->unlink(beside);
        return code;
    }
    const char *slash = strrchr(to_path, '/');
    snprintf(
        folder, sizeof(folder), "%.*s", slash ? (int)(slash - to_path) : 1, slash ? to_path : ".");
    return shoal_folder_sync(folder[0] ? folder : "/", err);
}

/// "20260131T120000000Z": sorts as time does.
static void stamp_of(int64_t time_ms, char out[STAMP])
{
    char time[32];
    shoal_time_format(time_ms, time);
    size_t length = 0;
    for (const char *c = time; *c && length + 1 < STAMP; c++) {
        if (*c != '-' && *c != ':' && *c != '.') {
            out[length++] = *c;
        }
    }
    out[length] = 0;
}

static int folder_of_copies(char folder[PATH_MAX])
{
    const char *path = data_path();
    const char *slash = strrchr(path, '/');
    int length = snprintf(
        folder, PATH_MAX, "%.*s/backups", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return length > 0 && length < PATH_MAX ? 0 : SHOAL_EINVAL;
}

static int make(const char *owner, int number, char *path, struct shoal_err *err)
{
    char folder[PATH_MAX];
    char stamp[STAMP];
    stamp_of(shoal_now_ms(), stamp);
    if (folder_of_copies(folder) < 0) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the database is too long");
    }
    int code = shoal_folder_make(folder, 0700, err);
    if (code < 0) {
        return code;
    }
    int length = snprintf(
        path, PATH_MAX, "%s/shoal-before-%s-%03d-%s.sqlite3", folder, owner, number, stamp);
    if (length < 0 || length >= PATH_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "the path of the copy is too long");
    }
    return shoal_data_backup(path, err);
}

int copies_make(const char *owner, int number, char *path, struct shoal_err *err)
{
    pthread_mutex_lock(&last.lock);
    int64_t now = shoal_tick_ms();
    int code = 0;
    if (last.path[0] && now >= last.tick_ms && now - last.tick_ms < REUSE_MS) {
        memcpy(path, last.path, PATH_MAX);
    } else {
        memset(path, 0, PATH_MAX);
        code = make(owner, number, path, err);
        if (code == 0) {
            memcpy(last.path, path, PATH_MAX);
            last.tick_ms = now;
            shoal_info("the database was copied to %s", path);
        }
    }
    pthread_mutex_unlock(&last.lock);
    return code;
}

void copies_forget(void)
{
    pthread_mutex_lock(&last.lock);
    last.path[0] = 0;
    pthread_mutex_unlock(&last.lock);
}

/// The stamp in "shoal-before-OWNER-NNN-STAMP.sqlite3", or NULL.
static const char *stamp_in(const char *name)
{
    static const char tail[] = ".sqlite3";
    size_t length = strlen(name);
    if (strncmp(name, "shoal-before-", 13) != 0 || length < 13 + sizeof(tail) ||
        strcmp(name + length - (sizeof(tail) - 1), tail) != 0) {
        return NULL;
    }
    const char *dash = strrchr(name, '-');
    return dash + 1;
}

void copies_find(int64_t before_ms, char *path)
{
    char folder[PATH_MAX];
    char best[STAMP] = "";
    char limit[STAMP];
    path[0] = 0;
    stamp_of(before_ms, limit);
    DIR *dir = folder_of_copies(folder) == 0 ? opendir(folder) : NULL;
    if (!dir) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir))) {
        const char *found = stamp_in(entry->d_name);
        char stamp[STAMP];
        if (!found) {
            continue;
        }
        snprintf(stamp, sizeof(stamp), "%.*s", (int)strcspn(found, "."), found);
        if (strcmp(stamp, limit) <= 0 && strcmp(stamp, best) > 0) {
            memcpy(best, stamp, sizeof(stamp));
            int length = snprintf(path, PATH_MAX, "%s/%s", folder, entry->d_name);
            if (length < 0 || length >= PATH_MAX) {
                path[0] = 0;
            }
        }
    }
    closedir(dir);
}
