// storage_fs.c - media in a folder of this machine: start, and the folder itself.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage_fs.h"

static const int64_t DAY_S = 24 * 60 * 60;

/// Makes the name of a new folder durable, or all that is stored in it may go with it.
static int name_sync(const char *path, struct shoal_err *err)
{
    char above[4100];
    snprintf(above, sizeof(above), "%s/..", path);
    int fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) != 0 ? storage_fs_fail(err, errno, "cannot sync what holds", path) : 0;
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

static int folder_make(const char *path, struct shoal_err *err)
{
    char part[4096];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(part)) {
        return shoal_fail(err, SHOAL_EINVAL, "storage_fs: the path is empty or too long");
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        bool is_new = mkdir(part, 0750) == 0;
        if (!is_new && errno != EEXIST) {
            return storage_fs_fail(err, errno, "cannot make the folder", part);
        }
        int rc = is_new ? name_sync(part, err) : 0;
        if (rc != 0) {
            return rc;
        }
    }
    return 0;
}

int storage_fs_open(struct storage_fs *fs, const char *root, struct shoal_err *err)
{
    *fs = (struct storage_fs){.root_fd = -1};
    int rc = folder_make(root, err);
    if (rc != 0) {
        return rc;
    }
    // An absolute path: local_path() is used by whoever has another current folder.
    fs->root = realpath(root, NULL);
    if (fs->root == NULL) {
        return storage_fs_fail(err, errno, "cannot open", root);
    }
    fs->root_fd = open(fs->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fs->root_fd < 0) {
        rc = storage_fs_fail(err, errno, "cannot open", root);
        goto fail;
    }
    if (mkdirat(fs->root_fd, STORAGE_FS_TEMP, 0750) != 0 && errno != EEXIST) {
        rc = storage_fs_fail(err, errno, "cannot write in", root);
        goto fail;
    }
    storage_fs_temp_sweep(fs, DAY_S);
    return 0;
fail:
    storage_fs_close(fs);
    return rc;
}

void storage_fs_close(struct storage_fs *fs)
{
    if (fs->root_fd >= 0) {
        close(fs->root_fd);
    }
    free(fs->root);
    *fs = (struct storage_fs){.root_fd = -1};
}

void storage_fs_table(struct storage_fs *fs, uint32_t max_age_s)
{
    fs->table = (struct shoal_svc_storage){
        .size = sizeof(struct shoal_svc_storage),
        .put_begin = storage_fs_put_begin,
        .put_write = storage_fs_put_write,
        .put_commit = storage_fs_put_commit,
        .put_abort = storage_fs_put_abort,
        .put_file = storage_fs_put_file,
        .read = storage_fs_read,
        .stat = storage_fs_stat,
        .remove = storage_fs_remove,
        .list = storage_fs_list,
        .copy = storage_fs_copy,
        .local_path = storage_fs_local_path,
        .durable = true,
        .max_age_s = max_age_s,
    };
}

static void close_deferred(void *arg)
{
    storage_fs_close(arg);
}

static int temp_tick(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    storage_fs_temp_sweep(arg, DAY_S);
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct storage_fs *fs = shoal_arena_alloc(shoal_plugin_arena(self), sizeof(*fs));
    const char *path = shoal_setting_text(self, NULL, "path");
    if (path == NULL || path[0] == '\0') {
        path = shoal_instance_path("media");
    }
    int rc = storage_fs_open(fs, path, err);
    if (rc != 0) {
        return rc;
    }
    shoal_arena_defer(shoal_plugin_arena(self), close_deferred, fs);
    storage_fs_table(fs, (uint32_t)(shoal_setting_i64(self, "max_age") / 1000));
    shoal_plugin_keep(self, fs);
    rc = shoal_timer_add(self, "temporary", DAY_S * 1000, false, temp_tick, fs);
    return rc != 0 ? rc : shoal_provide(self, "storage", &fs->table, fs, err);
}

SHOAL_PLUGIN(.name = "storage_fs", .start = start);
