// file.c - file calls by a table that tests replace, and whole files on it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/file.h"

#include <shoal/base.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags, mode);
}

static const struct shoal_file_calls system_calls = {
    .open = system_open,
    .read = read,
    .write = write,
    .pwrite = pwrite,
    .fsync = fsync,
    .rename = rename,
    .link = link,
    .unlink = unlink,
    .mkdir = mkdir,
    .statvfs = statvfs,
};
static const struct shoal_file_calls *_Atomic current = &system_calls;

const struct shoal_file_calls *shoal_file(void)
{
    return atomic_load_explicit(&current, memory_order_acquire);
}

void shoal_file_set(const struct shoal_file_calls *calls)
{
    atomic_store(&current, calls ? calls : &system_calls);
}

const struct shoal_file_calls *shoal_file_system(void)
{
    return &system_calls;
}

int shoal_file_fail(struct shoal_err *err, int number, const char *verb, const char *path)
{
    int code = SHOAL_EIO;
    if (number == ENOENT) {
        code = SHOAL_ENOTFOUND;
    } else if (number == ENOSPC || number == EDQUOT) {
        code = SHOAL_EFULL;
    } else if (number == EEXIST) {
        code = SHOAL_ECONFLICT;
    }
    char text[128];
    const char *why = strerror_r(number, text, sizeof(text));
    return shoal_fail(err, code, "cannot %s %s: %s", verb, path, why);
}

int shoal_file_write(
    int fd, const void *data, size_t length, const char *path, struct shoal_err *err)
{
    const char *bytes = data;
    while (length > 0) {
        ssize_t count = shoal_file()->write(fd, bytes, length);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return shoal_file_fail(err, count < 0 ? errno : ENOSPC, "write", path);
        }
        bytes += count;
        length -= (size_t)count;
    }
    return 0;
}

/// Where the folder of a path ends; "." for a bare name.
static int folder_of(const char *path, char folder[PATH_MAX], struct shoal_err *err)
{
    const char *slash = strrchr(path, '/');
    size_t length = slash ? (size_t)(slash - path) : 1;
    if (length >= PATH_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "a path is longer than %d bytes", PATH_MAX);
    }
    memcpy(folder, slash ? path : ".", length);
    folder[length] = 0;
    if (slash == path) {
        memcpy(folder, "/", 2);
    }
    return 0;
}

static int write_synced(
    const char *path, const void *data, size_t length, mode_t mode, struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "make", path);
    }
    int code = shoal_file_write(fd, data, length, path, err);
    if (code == 0 && shoal_file()->fsync(fd) != 0) {
        code = shoal_file_fail(err, errno, "sync", path);
    }
    if (close(fd) != 0 && code == 0) {
        code = shoal_file_fail(err, errno, "close", path);
    }
    return code;
}

int shoal_file_write_whole(
    const char *path, const void *data, size_t length, mode_t mode, struct shoal_err *err)
{
    char folder[PATH_MAX];
    char beside[PATH_MAX];
    char chance[17];
    shoal_random_hex(chance, 8);
    int code = folder_of(path, folder, err);
    if (code < 0) {
        return code;
    }
    int count = snprintf(beside, sizeof(beside), "%s.%s.new", path, chance);
    if (count < 0 || (size_t)count >= sizeof(beside)) {
        return shoal_fail(err, SHOAL_EINVAL, "a path is longer than %d bytes", PATH_MAX);
    }
    code = write_synced(beside, data, length, mode, err);
    if (code == 0 && shoal_file()->rename(beside, path) != 0) {
        code = shoal_file_fail(err, errno, "replace", path);
    }
    if (code < 0) {
        shoal_file()->unlink(beside);
        return code;
    }
    return shoal_folder_sync(folder, err);
}

/// The size that a file claims is only a hint: what is read is counted.
static int read_all(
    int fd, size_t most, struct shoal_buf *out, const char *path, struct shoal_err *err)
{
    size_t start = out->length;
    for (;;) {
        char block[16384];
        ssize_t count = shoal_file()->read(fd, block, sizeof(block));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return shoal_file_fail(err, errno, "read", path);
        }
        if (count == 0) {
            return 0;
        }
        bool fits = (size_t)count <= most - (out->length - start);
        int code = fits ? shoal_buf_add(out, block, (size_t)count) : SHOAL_ETOOLARGE;
        if (code == SHOAL_EBUSY) {
            return shoal_fail(err, code, "there is no memory to read %s", path);
        }
        if (code < 0) {
            return shoal_fail(err, code, "%s is larger than %zu bytes", path, most);
        }
    }
}

int shoal_file_read_whole(
    const char *path, size_t most, struct shoal_buf *out, struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "open", path);
    }
    size_t before = out->length;
    struct stat info;
    int code = 0;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        code = shoal_fail(err, SHOAL_EIO, "%s is not a regular file", path);
    } else {
        code = shoal_buf_reserve(out, 0);
    }
    if (code == 0) {
        code = read_all(fd, most, out, path, err);
    }
    if (code < 0 && out->data) {
        out->length = before;
        out->data[before] = 0;
    }
    close(fd);
    return code;
}
