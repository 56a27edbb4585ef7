// folder.c - makes folders, makes their names durable, removes trees.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TREE_DEPTH_MAX 64

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/// Makes the name of a folder durable: what is synced in it later is lost with the name otherwise.
static int sync_above(const char *path, struct shoal_err *err)
{
    char above[PATH_MAX];
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/') {
        length--;
    }
    while (length > 0 && path[length - 1] != '/') {
        length--;
    }
    memcpy(above, length > 0 ? path : ".", length > 0 ? length : 1);
    above[length > 0 ? length : 1] = 0;
    return shoal_folder_sync(above, err);
}

static int make_one(const char *path, mode_t mode, struct shoal_err *err)
{
    if (shoal_file()->mkdir(path, mode) == 0) {
        return sync_above(path, err);
    }
    int number = errno;
    if (number == EEXIST && is_folder(path)) {
        return 0;
    }
    return shoal_file_fail(err, number, "make the folder", path);
}

int shoal_folder_make(const char *path, mode_t mode, struct shoal_err *err)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof(part)) {
        return shoal_fail(err, SHOAL_EINVAL, "a folder's path is empty or too long");
    }
    if (is_folder(path)) {
        return 0;
    }
    memcpy(part, path, length + 1);
    for (size_t i = 1; i < length; i++) {
        if (part[i] != '/' || part[i - 1] == '/') {
            continue;
        }
        part[i] = 0;
        int code = is_folder(part) ? 0 : make_one(part, mode, err);
        if (code < 0) {
            return code;
        }
        part[i] = '/';
    }
    return make_one(path, mode, err);
}

int shoal_folder_sync(const char *path, struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "open the folder", path);
    }
    int code = 0;
    if (shoal_file()->fsync(fd) != 0) {
        code = shoal_file_fail(err, errno, "sync the folder", path);
    }
    close(fd);
    return code;
}

/// NAME.0123456789abcdef.new
static bool is_left_behind(const char *name)
{
    size_t length = strlen(name);
    const char *end = length > 21 ? name + length - 21 : "";
    return *end == '.' && strspn(end + 1, "0123456789abcdef") == 16 && strcmp(end + 17, ".new") == 0;
}

void shoal_folder_tidy(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (is_left_behind(entry->d_name)) {
            unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static int remove_at(int parent, const char *name, int depth);

/// Removes what is in an open folder, which it closes.
static int empty_folder(int fd, int depth)
{
    DIR *dir = fdopendir(fd);
    if (!dir) {
        int number = errno;
        close(fd);
        return number;
    }
    int number = 0;
    while (number == 0) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            number = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            number = remove_at(dirfd(dir), entry->d_name, depth + 1);
        }
    }
    closedir(dir);
    return number;
}

/// Returns: 0 or errno's number.
static int remove_at(int parent, const char *name, int depth)
{
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) {
        return 0;
    }
    if (errno != EISDIR && errno != EPERM) {
        return errno;
    }
    if (depth > TREE_DEPTH_MAX) {
        return ELOOP;
    }
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int number = empty_folder(fd, depth);
    if (number == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0) {
        number = errno;
    }
    return number;
}

int shoal_tree_remove(const char *path, struct shoal_err *err)
{
    int number = remove_at(AT_FDCWD, path, 0);
    return number == 0 ? 0 : shoal_file_fail(err, number, "remove", path);
}
