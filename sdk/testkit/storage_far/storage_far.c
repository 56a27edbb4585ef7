// storage_far.c - a storage for tests that is far away: no paths, slow, and one call in fifty fails.
//
// Objects are files of one folder, whatever their keys look like; nobody outside learns where. Every
// call waits first, and each n-th call fails with SHOAL_EUPSTREAM: counted, so that a test that failed
// fails again.
// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/plugin.h>
#include <shoal/svc/storage.h>

#define KEY_MAX 200

struct far {
    struct shoal_plugin *self;
    int fd; ///< the folder
    atomic_uint_fast64_t calls;
    struct shoal_svc_storage table;
};

struct put {
    struct far *far;
    int fd;
    char temp[48];
    char name[KEY_MAX + 1];
};

/// Waits as long as the way is, and maybe loses the call.
static int travel(struct shoal_call *call, struct far *far, struct shoal_err *err)
{
    int64_t delay_ms = shoal_setting_i64(far->self, "delay");
    if (delay_ms > 0 && shoal_call_sleep(call, delay_ms) != 0) {
        return shoal_fail(err, SHOAL_ECANCELLED, "storage_far: the call was cancelled");
    }
    uint64_t every = (uint64_t)shoal_setting_i64(far->self, "fail_one_in");
    uint64_t number = atomic_fetch_add(&far->calls, 1) + 1;
    if (every > 0 && number % every == 0) {
        return shoal_fail(err, SHOAL_EUPSTREAM, "storage_far: call %llu was lost on its way",
            (unsigned long long)number);
    }
    return 0;
}

/// A key as the name of a file: '%' is in no key and stands for '/'.
static int name_of(const char *key, char name[KEY_MAX + 1], struct shoal_err *err)
{
    size_t length = strnlen(key, KEY_MAX + 1);
    bool fits = length > 0 && length <= KEY_MAX && strstr(key, "..") == NULL && key[0] != '.' &&
                strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789._/-") == length;
    if (!fits) {
        return shoal_fail(err, SHOAL_EINVAL, "storage_far: this is not a key");
    }
    for (size_t i = 0; i <= length; i++) {
        name[i] = key[i] == '/' ? '%' : key[i];
    }
    return 0;
}

static int fail_errno(struct shoal_err *err, const char *key)
{
    bool is_full = errno == ENOSPC || errno == EDQUOT;
    int code = errno == ENOENT ? SHOAL_ENOTFOUND : is_full ? SHOAL_EFULL : SHOAL_EIO;
    return shoal_fail(err, code, "storage_far: %s: %s", key, shoal_error_text(code));
}

static int far_put_begin(struct shoal_call *call, void *arg, const char *key, const char *mime,
    int64_t size_bytes, void **out, struct shoal_err *err)
{
    (void)mime;
    (void)size_bytes;
    struct far *far = arg;
    char name[KEY_MAX + 1];
    int rc = name_of(key, name, err);
    rc = rc == 0 ? travel(call, far, err) : rc;
    struct put *put = rc == 0 ? calloc(1, sizeof(*put)) : NULL;
    if (put == NULL) {
        return rc != 0 ? rc : shoal_fail(err, SHOAL_EBUSY, "storage_far: no memory");
    }
    put->far = far;
    memcpy(put->name, name, sizeof(name));
    char id[25];
    shoal_random_hex(id, 12);
    snprintf(put->temp, sizeof(put->temp), ".put-%s", id);
    put->fd = openat(far->fd, put->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (put->fd < 0) {
        rc = fail_errno(err, key);
        free(put);
        return rc;
    }
    *out = put;
    return 0;
}

static int write_all(int fd, const void *data, size_t length)
{
    const char *bytes = data;
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        bytes += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int far_put_write(struct shoal_call *call, void *state, const void *data, size_t length,
    struct shoal_err *err)
{
    struct put *put = state;
    int rc = travel(call, put->far, err);
    return rc != 0                                  ? rc
           : write_all(put->fd, data, length) == 0 ? 0
                                                    : fail_errno(err, put->name);
}

static void far_put_abort(struct shoal_call *call, void *state)
{
    (void)call;
    struct put *put = state;
    if (put != NULL) {
        close(put->fd);
        unlinkat(put->far->fd, put->temp, 0);
        free(put);
    }
}

static int far_put_commit(struct shoal_call *call, void *state, struct shoal_err *err)
{
    struct put *put = state;
    int rc = travel(call, put->far, err);
    if (rc == 0 && (fsync(put->fd) != 0 ||
                       renameat(put->far->fd, put->temp, put->far->fd, put->name) != 0 ||
                       fsync(put->far->fd) != 0)) {
        rc = fail_errno(err, put->name);
    }
    // After the rename there is nothing left under the temporary name.
    far_put_abort(call, put);
    return rc;
}

static int64_t far_read(struct shoal_call *call, void *arg, const char *key, uint64_t offset,
    void *out, size_t length, struct shoal_err *err)
{
    struct far *far = arg;
    char name[KEY_MAX + 1];
    int rc = name_of(key, name, err);
    rc = rc == 0 ? travel(call, far, err) : rc;
    if (rc != 0) {
        return rc;
    }
    int fd = openat(far->fd, name, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, out, length, (off_t)(offset > INT64_MAX ? INT64_MAX : offset));
    int64_t result = n < 0 ? fail_errno(err, key) : n;
    if (fd >= 0) {
        close(fd);
    }
    return result;
}

static int64_t far_stat(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    struct far *far = arg;
    char name[KEY_MAX + 1];
    int rc = name_of(key, name, err);
    rc = rc == 0 ? travel(call, far, err) : rc;
    struct stat st;
    if (rc == 0 && fstatat(far->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        rc = fail_errno(err, key);
    }
    return rc != 0 ? rc : st.st_size;
}

static int far_remove(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    struct far *far = arg;
    char name[KEY_MAX + 1];
    int rc = name_of(key, name, err);
    rc = rc == 0 ? travel(call, far, err) : rc;
    if (rc == 0 && unlinkat(far->fd, name, 0) != 0 && errno != ENOENT) {
        rc = fail_errno(err, key);
    }
    return rc;
}

static int far_list(struct shoal_call *call, void *arg, const char *prefix,
    bool (*each)(const char *key, int64_t size_bytes, void *user), void *user,
    struct shoal_err *err)
{
    struct far *far = arg;
    int rc = travel(call, far, err);
    if (rc != 0) {
        return rc;
    }
    int fd = openat(far->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        rc = fail_errno(err, "the list");
        if (fd >= 0) {
            close(fd);
        }
        return rc;
    }
    bool goes_on = true;
    for (struct dirent *entry; goes_on && (entry = readdir(folder)) != NULL;) {
        char key[KEY_MAX + 1];
        struct stat st;
        size_t length = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || length > KEY_MAX || fstatat(fd, entry->d_name, &st, 0) != 0) {
            continue;
        }
        for (size_t i = 0; i <= length; i++) {
            key[i] = (char)(entry->d_name[i] == '%' ? '/' : entry->d_name[i]);
        }
        if (prefix == NULL || strncmp(key, prefix, strlen(prefix)) == 0) {
            goes_on = each(key, st.st_size, user);
        }
    }
    closedir(folder);
    return 0;
}

static int far_copy(struct shoal_call *call, void *arg, const char *from, const char *to,
    struct shoal_err *err)
{
    void *put = NULL;
    int rc = far_put_begin(call, arg, to, "", -1, &put, err);
    char bytes[64 * 1024];
    for (uint64_t offset = 0; rc == 0;) {
        int64_t n = far_read(call, arg, from, offset, bytes, sizeof(bytes), err);
        if (n <= 0) {
            rc = (int)n;
            break;
        }
        rc = far_put_write(call, put, bytes, (size_t)n, err);
        offset += (uint64_t)n;
    }
    if (rc != 0) {
        far_put_abort(call, put);
        return rc;
    }
    return far_put_commit(call, put, err);
}

static void close_deferred(void *arg)
{
    close(((struct far *)arg)->fd);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct far *far = shoal_arena_alloc(shoal_plugin_arena(self), sizeof(*far));
    const char *path = shoal_plugin_data(self, err);
    if (path == NULL) {
        return SHOAL_EIO;
    }
    far->self = self;
    far->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (far->fd < 0) {
        return fail_errno(err, "its folder");
    }
    shoal_arena_defer(shoal_plugin_arena(self), close_deferred, far);
    far->table = (struct shoal_svc_storage){
        .size = sizeof(struct shoal_svc_storage),
        .put_begin = far_put_begin,
        .put_write = far_put_write,
        .put_commit = far_put_commit,
        .put_abort = far_put_abort,
        .read = far_read,
        .stat = far_stat,
        .remove = far_remove,
        .list = far_list,
        .copy = far_copy,
        .durable = true,
        .max_age_s = 60,
    };
    return shoal_provide(self, "storage", &far->table, far, err);
}

SHOAL_PLUGIN(.name = "storage_far", .start = start);
