// storage_fs_put.c - writing: a temporary file, synced, then renamed to its key.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage_fs.h"

#define COPY_TURN (8 * 1024 * 1024)
#define COPY_BUFFER (256 * 1024)
#define RENAME_TRIES 5

/// A file that is being written; one owner, freed by commit or abort.
struct put {
    const struct storage_fs *fs;
    int fd;
    char temp[sizeof(STORAGE_FS_TEMP) + 40];
    char key[STORAGE_FS_KEY_MAX + 1];
};

static int has_room(const struct storage_fs *fs, const char *key, int64_t size_bytes,
    struct shoal_err *err)
{
    struct statvfs st;
    if (size_bytes <= 0 || fstatvfs(fs->root_fd, &st) != 0) {
        return 0;
    }
    if ((uint64_t)size_bytes > (uint64_t)st.f_bavail * st.f_frsize) {
        return storage_fs_fail(err, ENOSPC, "cannot write", key);
    }
    return 0;
}

static int put_open(const struct storage_fs *fs, const char *key, struct put **out,
    struct shoal_err *err)
{
    struct put *put = calloc(1, sizeof(*put));
    if (put == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "storage_fs: no memory");
    }
    put->fs = fs;
    snprintf(put->key, sizeof(put->key), "%s", key);
    char name[33];
    shoal_random_hex(name, 16);
    snprintf(put->temp, sizeof(put->temp), STORAGE_FS_TEMP "/%s", name);
    put->fd = openat(fs->root_fd, put->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (put->fd < 0) {
        int rc = storage_fs_fail(err, errno, "cannot write", key);
        free(put);
        // The folder of temporary files is missing: our trouble, not a missing object.
        return rc == SHOAL_ENOTFOUND ? shoal_fail(err, SHOAL_EIO, "storage_fs: no temporary folder")
                                     : rc;
    }
    *out = put;
    return 0;
}

int storage_fs_put_begin(struct shoal_call *call, void *arg, const char *key, const char *mime,
    int64_t size_bytes, void **put, struct shoal_err *err)
{
    (void)mime;
    struct storage_fs *fs = arg;
    int rc = storage_fs_key_check(key, err);
    if (rc == 0) {
        rc = storage_fs_go_on(call, err);
    }
    if (rc == 0) {
        rc = has_room(fs, key, size_bytes, err);
    }
    if (rc != 0) {
        return rc;
    }
    return put_open(fs, key, (struct put **)put, err);
}

int storage_fs_put_write(struct shoal_call *call, void *state, const void *data, size_t length,
    struct shoal_err *err)
{
    struct put *put = state;
    const char *bytes = data;
    while (length > 0) {
        int rc = storage_fs_go_on(call, err);
        if (rc != 0) {
            return rc;
        }
        ssize_t n = write(put->fd, bytes, length < COPY_TURN ? length : COPY_TURN);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return storage_fs_fail(err, errno, "cannot write", put->key);
        }
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

/// Renames a file of any folder on the same file system to key. Another call may prune the empty
/// folder between making it and the rename, hence the tries.
static int rename_to(const struct storage_fs *fs, int from_fd, const char *from, const char *key,
    int *error_number, struct shoal_err *err)
{
    for (int i = 0; i < RENAME_TRIES; i++) {
        int rc = storage_fs_parents_make(fs, key, err);
        if (rc != 0 && rc != SHOAL_ENOTFOUND) {
            return rc;
        }
        if (rc == 0 && renameat(from_fd, from, fs->root_fd, key) == 0) {
            return storage_fs_parent_sync(fs, key, err);
        }
        *error_number = rc == 0 ? errno : ENOENT;
        if (*error_number != ENOENT) {
            break;
        }
    }
    if (*error_number == EISDIR || *error_number == ENOTDIR) {
        return shoal_fail(err, SHOAL_ECONFLICT, "storage_fs: %s: a folder has that name", key);
    }
    return storage_fs_fail(err, *error_number, "cannot place", key);
}

int storage_fs_put_commit(struct shoal_call *call, void *state, struct shoal_err *err)
{
    (void)call;
    struct put *put = state;
    int rc = 0;
    if (fsync(put->fd) != 0) {
        rc = storage_fs_fail(err, errno, "cannot sync", put->key);
    }
    if (close(put->fd) != 0 && rc == 0) {
        rc = storage_fs_fail(err, errno, "cannot close", put->key);
    }
    put->fd = -1;
    int error_number = 0;
    if (rc == 0) {
        rc = rename_to(put->fs, put->fs->root_fd, put->temp, put->key, &error_number, err);
    }
    if (rc != 0) {
        unlinkat(put->fs->root_fd, put->temp, 0);
    }
    free(put);
    return rc;
}

void storage_fs_put_abort(struct shoal_call *call, void *state)
{
    (void)call;
    struct put *put = state;
    if (put == NULL) {
        return;
    }
    close(put->fd);
    unlinkat(put->fs->root_fd, put->temp, 0);
    free(put);
}

static int copy_by_hand(struct shoal_call *call, int from, struct put *put, struct shoal_err *err)
{
    char *buffer = malloc(COPY_BUFFER);
    if (buffer == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "storage_fs: no memory");
    }
    int rc = 0;
    while (rc == 0) {
        ssize_t n = read(from, buffer, COPY_BUFFER);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            rc = storage_fs_fail(err, errno, "cannot read for", put->key);
        }
        if (n <= 0) {
            break;
        }
        rc = storage_fs_put_write(call, put, buffer, (size_t)n, err);
    }
    free(buffer);
    return rc;
}

/// Copies the rest of `from` into put; the file system shares the blocks where it can.
static int copy_into(struct shoal_call *call, int from, struct put *put, struct shoal_err *err)
{
    bool is_first = true;
    for (;;) {
        int rc = storage_fs_go_on(call, err);
        if (rc != 0) {
            return rc;
        }
        ssize_t n = copy_file_range(from, NULL, put->fd, NULL, COPY_TURN, 0);
        if (n == 0 && !is_first) {
            return 0;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        // Some file systems cannot, and some say 0 at once for files that have no size.
        if (n <= 0 && is_first) {
            return copy_by_hand(call, from, put, err);
        }
        if (n < 0) {
            return storage_fs_fail(err, errno, "cannot copy", put->key);
        }
        is_first = false;
    }
}

/// Copies an open file to key, whole.
static int put_copy(struct shoal_call *call, const struct storage_fs *fs, int from, const char *key,
    struct shoal_err *err)
{
    struct stat st;
    if (fstat(from, &st) != 0 || !S_ISREG(st.st_mode)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "storage_fs: cannot copy to %s: not a file", key);
    }
    struct put *put = NULL;
    int rc = has_room(fs, key, st.st_size, err);
    if (rc == 0) {
        rc = put_open(fs, key, &put, err);
    }
    if (rc != 0) {
        return rc;
    }
    rc = copy_into(call, from, put, err);
    if (rc != 0) {
        storage_fs_put_abort(call, put);
        return rc;
    }
    return storage_fs_put_commit(call, put, err);
}

int storage_fs_put_file(struct shoal_call *call, void *arg, const char *key, const char *mime,
    const char *path, struct shoal_err *err)
{
    (void)mime;
    const struct storage_fs *fs = arg;
    int rc = storage_fs_key_check(key, err);
    if (rc != 0) {
        return rc;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        rc = storage_fs_fail(err, errno, "cannot take a file in as", key);
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        rc = shoal_fail(err, SHOAL_EINVAL, "storage_fs: %s: only files are taken in", key);
        goto done;
    }
    if (fsync(fd) != 0) {
        rc = storage_fs_fail(err, errno, "cannot sync", key);
        goto done;
    }
    int error_number = 0;
    rc = rename_to(fs, AT_FDCWD, path, key, &error_number, err);
    if (rc != 0 && error_number == EXDEV) {
        rc = put_copy(call, fs, fd, key, err);
        if (rc == 0) {
            unlink(path);
        }
    }
done:
    if (fd >= 0) {
        close(fd);
    }
    return rc;
}

int storage_fs_copy(struct shoal_call *call, void *arg, const char *from, const char *to,
    struct shoal_err *err)
{
    const struct storage_fs *fs = arg;
    int rc = storage_fs_key_check(from, err);
    if (rc == 0) {
        rc = storage_fs_key_check(to, err);
    }
    if (rc != 0) {
        return rc;
    }
    int fd = openat(fs->root_fd, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return storage_fs_fail(err, errno, "cannot copy", from);
    }
    rc = put_copy(call, fs, fd, to, err);
    close(fd);
    return rc;
}
