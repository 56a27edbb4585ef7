// pipeline_store.c - objects into storage and out of it, sources on this disk.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catalog/pipeline_priv.h"

#include "base/file.h"
#include "data/data.h"

#define COPY_BYTES     (256 * 1024)
#define STORE_TRIES    5
#define STORE_PAUSE_MS 25

int catalog_transcoder_find(struct shoal_service *out, struct shoal_err *err)
{
    return shoal_service_find("transcoder", NULL, out)
               ? 0
               : shoal_fail(
                     err, SHOAL_EUNSUPPORTED, "this server has no transcoder: it takes no videos");
}

int catalog_storage_find(struct shoal_service *out, struct shoal_err *err)
{
    return shoal_service_find("storage", NULL, out)
               ? 0
               : shoal_fail(
                     err, SHOAL_EUNSUPPORTED, "this server has no storage: it takes no videos");
}

int catalog_away(int code, bool is_transcoder)
{
    bool passes = code == SHOAL_EBUSY || code == SHOAL_EUPSTREAM || code == SHOAL_ERATE;
    // SHOAL_EUNSUPPORTED: the plugin is off; there was one when the upload was taken.
    passes = passes || (!is_transcoder && (code == SHOAL_EIO || code == SHOAL_ETIMEOUT ||
                                              code == SHOAL_EUNSUPPORTED));
    return passes ? SHOAL_JOB_EAWAY : code;
}

int64_t catalog_size_of(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : -1;
}

static int copy_bytes(int in, int out, const char *to, struct shoal_err *err)
{
    char *room = malloc(COPY_BYTES);
    if (room == NULL) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory to copy a file");
    }
    int code = 0;
    while (code == 0) {
        ssize_t got = shoal_file()->read(in, room, COPY_BYTES);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            code = shoal_file_fail(err, errno, "read", to);
        } else if (got > 0) {
            code = shoal_file_write(out, room, (size_t)got, to, err);
        }
    }
    if (code == 0 && shoal_file()->fsync(out) != 0) {
        code = shoal_file_fail(err, errno, "sync", to);
    }
    free(room);
    return code;
}

static int copy_file(const char *from, const char *to, struct shoal_err *err)
{
    int in = shoal_file()->open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    if (in < 0) {
        return shoal_file_fail(err, errno, "open", from);
    }
    int out = shoal_file()->open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int code = out < 0 ? shoal_file_fail(err, errno, "make", to) : copy_bytes(in, out, to, err);
    close(in);
    if (out >= 0) {
        close(out);
    }
    if (code != 0) {
        shoal_file()->unlink(to);
    }
    return code;
}

/// What a failed sync has dropped from memory no later one brings back: the file goes, so that nobody
/// takes it for whole.
static int sync_or_drop(const char *path, struct shoal_err *err)
{
    int fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) {
        return shoal_file_fail(err, errno, "open", path);
    }
    int code = 0;
    if (shoal_file()->fsync(fd) != 0) {
        code = shoal_file_fail(err, errno, "sync", path);
        shoal_file()->unlink(path);
    }
    close(fd);
    return code;
}

int catalog_keep(const char *from, const char *to, struct shoal_err *err)
{
    const char *end = strrchr(to, '/');
    char folder[4096];
    if (end == NULL || (size_t)(end - to) >= sizeof(folder)) {
        return shoal_fail(err, SHOAL_EINTERNAL, "%s is no path to keep a file at", to);
    }
    memcpy(folder, to, (size_t)(end - to));
    folder[end - to] = '\0';
    // It may have lain somewhere for days; the sweep takes what is old and has no row yet.
    utimensat(AT_FDCWD, from, NULL, 0);
    int code = sync_or_drop(from, err);
    if (code != 0) {
        return code;
    }
    shoal_file()->unlink(to); // what a crash left
    if (shoal_file()->link(from, to) != 0) {
        // Another file system, or one without second names.
        code = errno == EXDEV || errno == EPERM || errno == EOPNOTSUPP || errno == EMLINK
                   ? copy_file(from, to, err)
                   : shoal_file_fail(err, errno, "keep", from);
    }
    return code == 0 ? shoal_folder_sync(folder, err) : code;
}

// What passes by itself: another try may do.
static bool may_try_again(struct shoal_call *call, int code, int tries, struct shoal_err *err)
{
    bool passes = code == SHOAL_EUPSTREAM || code == SHOAL_EBUSY || code == SHOAL_ETIMEOUT ||
                  code == SHOAL_ERATE;
    if (!passes || tries >= STORE_TRIES ||
        shoal_call_sleep(call, (int64_t)STORE_PAUSE_MS << tries) != 0) {
        return false;
    }
    if (err != NULL) {
        *err = (struct shoal_err){0};
    }
    return true;
}

static int put_write(struct shoal_call *call, const struct shoal_svc_storage *table, void *put,
    const void *data, size_t length, struct shoal_err *err)
{
    int code = 0;
    int tries = 0;
    do {
        code = table->put_write(call, put, data, length, err);
    } while (code != 0 && may_try_again(call, code, ++tries, err));
    return code;
}

static int put_from(struct shoal_call *call, const struct shoal_svc_storage *table, void *put,
    int fd, const char *path, struct shoal_err *err)
{
    char *room = malloc(COPY_BYTES);
    int code = room == NULL ? shoal_fail(err, SHOAL_EBUSY, "there is no memory to copy a file") : 0;
    while (code == 0) {
        ssize_t got = shoal_file()->read(fd, room, COPY_BYTES);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            code = shoal_file_fail(err, errno, "read", path);
        } else if (got > 0) {
            code = put_write(call, table, put, room, (size_t)got, err);
        }
    }
    free(room);
    return code;
}

// What is to be stored: the file at path, or bytes.
struct content {
    const char *path;
    const void *data;
    size_t length;
};

static int put_once(struct shoal_call *call, const struct shoal_service *service,
    const struct catalog_file *file, const struct content *what, struct shoal_err *err)
{
    const struct shoal_svc_storage *table = service->table;
    void *put = NULL;
    int fd = what->path != NULL ? shoal_file()->open(what->path, O_RDONLY | O_CLOEXEC, 0) : -1;
    if (what->path != NULL && fd < 0) {
        return shoal_file_fail(err, errno, "open", what->path);
    }
    int64_t size = what->path != NULL ? catalog_size_of(what->path) : (int64_t)what->length;
    int code = table->put_begin(call, service->arg, file->key, file->mime, size, &put, err);
    if (code == 0) {
        code = what->path != NULL ? put_from(call, table, put, fd, what->path, err)
                                  : put_write(call, table, put, what->data, what->length, err);
        if (code == 0) {
            code = table->put_commit(call, put, err);
        } else {
            table->put_abort(call, put);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

static int put_whole(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *file, const struct content *what, struct shoal_err *err)
{
    struct shoal_service service;
    int tries = 0;
    int code = catalog_place(call, video, file, 0, &service, err);
    if (code != 0) {
        return code;
    }
    const struct shoal_svc_storage *table = service.table;
    file->storage = shoal_arena_strdup(call->arena, service.plugin);
    shoal_enter(call, &service);
    if (what->path != NULL && SHOAL_HAS(table, put_file)) {
        code = table->put_file(call, service.arg, file->key, file->mime, what->path, err);
    } else {
        do {
            code = put_once(call, &service, file, what, err);
        } while (code != 0 && may_try_again(call, code, ++tries, err));
        if (code == 0 && what->path != NULL) {
            shoal_file()->unlink(what->path);
        }
    }
    shoal_leave(call);
    return code;
}

int catalog_store_file(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *file, const char *path, struct shoal_err *err)
{
    return put_whole(call, video, file, &(struct content){.path = path}, err);
}

int catalog_store_bytes(struct shoal_call *call, const struct catalog_video *video,
    struct catalog_file *file, const void *data, size_t length, struct shoal_err *err)
{
    return put_whole(call, video, file, &(struct content){.data = data, .length = length}, err);
}

const char *catalog_source_path(
    struct shoal_call *call, const struct catalog_video *video, struct shoal_err *err)
{
    const char *folder = catalog_folder(call, CATALOG_UPLOADS, err);
    return folder == NULL ? NULL
                          : shoal_arena_printf(call->arena, "%s/%s-%lld.source", folder,
                                video->uuid, (long long)video->version);
}

static int source_remove(struct shoal_call *call, const char *key, struct shoal_err *err)
{
    size_t prefix = strlen(CATALOG_UPLOADS "/");
    const char *folder = catalog_folder(call, CATALOG_UPLOADS, err);
    if (folder == NULL) {
        return SHOAL_EIO;
    }
    if (strncmp(key, CATALOG_UPLOADS "/", prefix) != 0 || strchr(key + prefix, '/') != NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "%s is no source", key);
    }
    const char *path = shoal_arena_printf(call->arena, "%s/%s", folder, key + prefix);
    if (shoal_file()->unlink(path) != 0 && errno != ENOENT) {
        return shoal_file_fail(err, errno, "remove", path);
    }
    return 0;
}

int catalog_object_remove(
    struct shoal_call *call, const char *storage, const char *key, struct shoal_err *err)
{
    bool known = false;
    int code = catalog_object_known(call, storage, key, &known, err);
    if (code != 0 || known) {
        return code; // somebody has it again (a restored backup)
    }
    if (storage[0] == '\0') {
        return source_remove(call, key, err);
    }
    struct shoal_service service;
    if (!shoal_service_find("storage", storage, &service)) {
        return shoal_fail(err, SHOAL_EBUSY, "the storage %s is not here now", storage);
    }
    shoal_enter(call, &service);
    const struct shoal_svc_storage *table = service.table;
    code = table->remove(call, service.arg, key, err);
    shoal_leave(call);
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

int catalog_stored_tx(struct shoal_call *call, const struct catalog_file *files, size_t count,
    shoal_tx_fn *fn, void *arg, struct shoal_err *err)
{
    int code = shoal_tx(call, fn, arg, err);
    for (size_t i = 0; i < count && code != 0; i++) {
        struct shoal_err left; // the sweep finds it then
        catalog_object_remove(call, files[i].storage, files[i].key, &left);
    }
    return code;
}

int catalog_remove_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    const json_t *objects = json_object_get(job->payload, "objects");
    for (size_t i = 0; i < json_array_size(objects); i++) {
        const json_t *object = json_array_get(objects, i);
        const char *key = shoal_text(object, "key", NULL);
        if (key == NULL) {
            continue;
        }
        int code = catalog_object_remove(call, shoal_text(object, "storage", ""), key, err);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}
