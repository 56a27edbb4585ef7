// storage_fs_folder.c - the folders above a key: made, synced and pruned.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage_fs.h"

/// Copies the first length bytes of key; "." for none.
static void part_of(const char *key, size_t length, char out[STORAGE_FS_KEY_MAX + 1])
{
    if (length == 0) {
        memcpy(out, ".", 2);
        return;
    }
    memcpy(out, key, length);
    out[length] = '\0';
}

static int folder_sync(const struct storage_fs *fs, const char *folder)
{
    int fd = openat(fs->root_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return -1;
    }
    int rc = fsync(fd);
    int error_number = errno;
    close(fd);
    errno = error_number;
    return rc;
}

int storage_fs_parents_make(const struct storage_fs *fs, const char *key, struct shoal_err *err)
{
    char part[STORAGE_FS_KEY_MAX + 1];
    size_t above = 0;
    for (size_t i = 0; key[i] != '\0'; i++) {
        if (key[i] != '/') {
            continue;
        }
        part_of(key, i, part);
        if (mkdirat(fs->root_fd, part, 0750) != 0 && errno != EEXIST) {
            return storage_fs_fail(err, errno, "cannot make the folder of", key);
        }
        // Also of one that is there: whoever made it may not have come to this yet.
        char parent[STORAGE_FS_KEY_MAX + 1];
        part_of(key, above, parent);
        if (folder_sync(fs, parent) != 0 && errno != ENOENT) {
            return storage_fs_fail(err, errno, "cannot sync the folder of", key);
        }
        above = i;
    }
    return 0;
}

int storage_fs_parent_sync(const struct storage_fs *fs, const char *key, struct shoal_err *err)
{
    char part[STORAGE_FS_KEY_MAX + 1];
    const char *slash = strrchr(key, '/');
    part_of(key, slash == NULL ? 0 : (size_t)(slash - key), part);
    // A folder that is gone was pruned: somebody removed the object meanwhile.
    if (folder_sync(fs, part) != 0 && errno != ENOENT) {
        return storage_fs_fail(err, errno, "cannot sync the folder of", key);
    }
    return 0;
}

void storage_fs_parents_prune(const struct storage_fs *fs, const char *key)
{
    char part[STORAGE_FS_KEY_MAX + 1];
    for (size_t i = strlen(key); i-- > 0;) {
        if (key[i] != '/') {
            continue;
        }
        part_of(key, i, part);
        if (unlinkat(fs->root_fd, part, AT_REMOVEDIR) != 0) {
            return;
        }
    }
}

void storage_fs_temp_sweep(const struct storage_fs *fs, int64_t age_s)
{
    int fd = openat(fs->root_fd, STORAGE_FS_TEMP, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    int64_t now_s = shoal_now_ms() / 1000;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct stat st;
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            now_s - (int64_t)st.st_mtim.tv_sec >= age_s) {
            unlinkat(fd, entry->d_name, 0);
        }
    }
    closedir(folder);
}
