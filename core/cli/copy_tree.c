// copy_tree.c - copies what changed, file by file, never half a file.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/copy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define DEPTH_MAX 32
#define TEMPORARY ".shoal-copy"

static bool same(const struct stat *a, const struct stat *b)
{
    return S_ISREG(b->st_mode) && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/// Bytes by the kernel where the two file systems let it. Returns: how many, -1: it cannot at all.
static int64_t pour_inside(int in, int out)
{
    int64_t total = 0;
    for (;;) {
        ssize_t got = copy_file_range(in, NULL, out, NULL, 1 << 24, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && total > 0) {
            return total; // the rest goes the other way, from here on
        }
        if (got <= 0) {
            return got < 0 ? -1 : total;
        }
        total += got;
    }
}

/// Returns: how many bytes, or a negative error.
static int64_t pour(int in, int out, const char *to, struct shoal_err *err)
{
    int64_t total = pour_inside(in, out);
    total = total < 0 ? 0 : total;
    char data[32768];
    for (;;) {
        ssize_t got = read(in, data, sizeof data);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return shoal_file_fail(err, errno, "read for", to);
        }
        int code = got > 0 ? shoal_file_write(out, data, (size_t)got, to, err) : 0;
        if (got == 0 || code != 0) {
            return code != 0 ? code : total;
        }
        total += got;
    }
}

int shoal_copy_file(const char *from, const char *to, struct shoal_copied *copied,
    struct shoal_err *err)
{
    struct stat source, target;
    int in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (in < 0 && errno == ENOENT) {
        return 0;
    }
    if (in < 0 || fstat(in, &source) != 0) {
        int number = errno;
        if (in >= 0) {
            close(in);
        }
        return shoal_file_fail(err, number, "read", from);
    }
    if (lstat(to, &target) == 0 && same(&source, &target)) {
        close(in);
        copied->same++;
        return 0;
    }
    char temporary[PATH_MAX + 16];
    snprintf(temporary, sizeof temporary, "%s%s", to, TEMPORARY);
    unlink(temporary);
    int out = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, source.st_mode & 0777);
    if (out < 0) {
        int number = errno;
        close(in);
        return shoal_file_fail(err, number, "write", temporary);
    }
    int64_t bytes = pour(in, out, to, err);
    const struct timespec times[2] = {source.st_atim, source.st_mtim};
    int code = bytes < 0 ? (int)bytes : 0;
    if (code == 0 && (futimens(out, times) != 0 || fsync(out) != 0 || rename(temporary, to) != 0)) {
        code = shoal_file_fail(err, errno, "write", to);
    }
    close(in);
    close(out);
    if (code != 0) {
        unlink(temporary);
        return code;
    }
    copied->files++;
    copied->bytes += (uint64_t)bytes;
    return 0;
}

const struct dirent *shoal_copy_next(DIR *folder, const char *path, int *code, struct shoal_err *err)
{
    errno = 0;
    const struct dirent *entry = readdir(folder);
    if (entry == NULL && errno != 0) {
        *code = shoal_file_fail(err, errno, "read", path);
    }
    return entry;
}

static int tree(const char *from, const char *to, bool removes, int depth,
    struct shoal_copied *copied, struct shoal_err *err);

/// What stands at the target and no longer at the source.
static int prune(const char *from, const char *to, struct shoal_copied *copied,
    struct shoal_err *err)
{
    DIR *folder = opendir(to);
    int code = 0;
    const struct dirent *entry;
    while (folder != NULL && code == 0 && (entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        char source[PATH_MAX], target[PATH_MAX];
        struct stat info;
        if (snprintf(source, sizeof source, "%s/%s", from, entry->d_name) >= (int)sizeof source ||
            snprintf(target, sizeof target, "%s/%s", to, entry->d_name) >= (int)sizeof target) {
            continue;
        }
        if (lstat(source, &info) != 0 && errno == ENOENT) {
            code = shoal_tree_remove(target, err);
            copied->removed += code == 0 ? 1 : 0;
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return code;
}

static int one(const char *source, const char *target, bool removes, int depth,
    struct shoal_copied *copied, struct shoal_err *err)
{
    struct stat info;
    if (lstat(source, &info) != 0) {
        return errno == ENOENT ? 0 : shoal_file_fail(err, errno, "read", source);
    }
    if (S_ISDIR(info.st_mode)) {
        return tree(source, target, removes, depth + 1, copied, err);
    }
    copied->links += S_ISLNK(info.st_mode) ? 1 : 0;
    return S_ISREG(info.st_mode) ? shoal_copy_file(source, target, copied, err) : 0;
}

static int tree(const char *from, const char *to, bool removes, int depth,
    struct shoal_copied *copied, struct shoal_err *err)
{
    if (depth > DEPTH_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "%s is nested too deeply", from);
    }
    DIR *folder = opendir(from);
    if (folder == NULL) {
        return errno == ENOENT ? 0 : shoal_file_fail(err, errno, "read", from);
    }
    int code = shoal_folder_make(to, 0750, err);
    for (const struct dirent *entry;
         code == 0 && (entry = shoal_copy_next(folder, from, &code, err));) {
        char source[PATH_MAX], target[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (snprintf(source, sizeof source, "%s/%s", from, entry->d_name) >= (int)sizeof source ||
            snprintf(target, sizeof target, "%s/%s", to, entry->d_name) >= (int)sizeof target) {
            code = shoal_fail(err, SHOAL_EINVAL, "a path below %s is too long", from);
        } else {
            code = one(source, target, removes, depth, copied, err);
        }
    }
    closedir(folder);
    return code == 0 && removes ? prune(from, to, copied, err) : code;
}

int shoal_copy_tree(const char *from, const char *to, bool removes, struct shoal_copied *copied,
    struct shoal_err *err)
{
    return tree(from, to, removes, 0, copied, err);
}
