// storage_fs_read.c - reading, sizes, removal, lists and paths.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage_fs.h"

int64_t storage_fs_read(struct shoal_call *call, void *arg, const char *key, uint64_t offset,
    void *out, size_t length, struct shoal_err *err)
{
    const struct storage_fs *fs = arg;
    int rc = storage_fs_key_check(key, err);
    if (rc == 0) {
        rc = storage_fs_go_on(call, err);
    }
    if (rc != 0) {
        return rc;
    }
    if (offset > INT64_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "storage_fs: %s: no file is that long", key);
    }
    int fd = openat(fs->root_fd, key, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return storage_fs_fail(err, errno, "cannot read", key);
    }
    size_t done = 0;
    ssize_t n = 1;
    while (done < length && n > 0) {
        n = pread(fd, (char *)out + done, length - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) {
            n = 1;
            continue;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    int error_number = errno;
    close(fd);
    if (n < 0) {
        return storage_fs_fail(err, error_number, "cannot read", key);
    }
    return (int64_t)done;
}

int64_t storage_fs_stat(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    (void)call;
    const struct storage_fs *fs = arg;
    int rc = storage_fs_key_check(key, err);
    if (rc != 0) {
        return rc;
    }
    struct stat st;
    if (fstatat(fs->root_fd, key, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return storage_fs_fail(err, errno, "cannot find", key);
    }
    if (!S_ISREG(st.st_mode)) {
        return storage_fs_fail(err, ENOENT, "cannot find", key);
    }
    return st.st_size;
}

int storage_fs_remove(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    (void)call;
    const struct storage_fs *fs = arg;
    int rc = storage_fs_key_check(key, err);
    if (rc != 0) {
        return rc;
    }
    if (unlinkat(fs->root_fd, key, 0) != 0) {
        // EISDIR: a folder has that name; no object does.
        return errno == ENOENT || errno == ENOTDIR || errno == EISDIR
                   ? 0
                   : storage_fs_fail(err, errno, "cannot remove", key);
    }
    storage_fs_parents_prune(fs, key);
    return 0;
}

/// A walk through the folders that may hold keys with the prefix.
struct walk {
    struct shoal_call *call;
    const char *prefix;
    size_t prefix_length;
    bool (*each)(const char *key, int64_t size_bytes, void *user);
    void *user;
    struct shoal_err *err;
    bool is_over;
};

static int walk_folder(struct walk *walk, int at_fd, const char *name, const char *above);

static int walk_entry(struct walk *walk, int fd, const char *name, const char *above)
{
    char key[STORAGE_FS_KEY_MAX + 1];
    int length = snprintf(key, sizeof(key), "%s%s%s", above, above[0] == '\0' ? "" : "/", name);
    if (length < 0 || (size_t)length >= sizeof(key) || !storage_fs_key_valid(key)) {
        return 0;
    }
    struct stat st;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        return 0;
    }
    size_t common = (size_t)length < walk->prefix_length ? (size_t)length : walk->prefix_length;
    if (strncmp(key, walk->prefix, common) != 0) {
        return 0;
    }
    if (S_ISDIR(st.st_mode)) {
        return walk_folder(walk, fd, name, key);
    }
    if (S_ISREG(st.st_mode) && (size_t)length >= walk->prefix_length) {
        walk->is_over = !walk->each(key, st.st_size, walk->user);
    }
    return 0;
}

/// Recursion ends with the length of a key.
static int walk_folder(struct walk *walk, int at_fd, const char *name, const char *above)
{
    int rc = storage_fs_go_on(walk->call, walk->err);
    if (rc != 0) {
        return rc;
    }
    int fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? 0 : storage_fs_fail(walk->err, errno, "cannot list", name);
    }
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return storage_fs_fail(walk->err, errno, "cannot list", name);
    }
    struct dirent *entry;
    while (rc == 0 && !walk->is_over && (entry = readdir(folder)) != NULL) {
        rc = walk_entry(walk, fd, entry->d_name, above);
    }
    closedir(folder);
    return rc;
}

int storage_fs_list(struct shoal_call *call, void *arg, const char *prefix,
    bool (*each)(const char *key, int64_t size_bytes, void *user), void *user,
    struct shoal_err *err)
{
    const struct storage_fs *fs = arg;
    struct walk walk = {
        .call = call,
        .prefix = prefix == NULL ? "" : prefix,
        .each = each,
        .user = user,
        .err = err,
    };
    walk.prefix_length = strlen(walk.prefix);
    return walk_folder(&walk, fs->root_fd, ".", "");
}

const char *storage_fs_local_path(struct shoal_call *call, void *arg, const char *key)
{
    const struct storage_fs *fs = arg;
    if (!storage_fs_key_valid(key)) {
        return NULL;
    }
    return shoal_arena_printf(shoal_call_arena(call), "%s/%s", fs->root, key);
}
