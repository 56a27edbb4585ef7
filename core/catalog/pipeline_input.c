// pipeline_input.c - what pictures are made of once the source is gone: a stored rendition, or a copy of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/pipeline_priv.h"

#include "base/file.h"

#define COPY_BYTES (256 * 1024)
// A rendition that lies far away is copied first; the smallest of a day is smaller.
#define FETCH_BYTES_MAX (INT64_C(4) << 30)

// The smallest that is wide enough; where none is, the widest.
static bool is_better(const struct catalog_file *file, const struct catalog_file *than, int width)
{
    if (file->width < width || than->width < width) {
        return file->width > than->width;
    }
    return file->size_bytes < than->size_bytes;
}

int catalog_input_find(struct shoal_call *call, const struct catalog_video *video, int width,
    struct catalog_file *out, bool *found, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    *found = false;
    int code = catalog_files_get(call, video->id, NULL, &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        const struct catalog_file *file = &files[i];
        bool is_media = strcmp(file->kind, "hls_media") == 0 || strcmp(file->kind, "web_video") == 0;
        bool has_picture = file->has_video && file->width > 0 && file->height > 0;
        if (is_media && has_picture && file->is_ready && file->version == video->version &&
            (!*found || is_better(file, out, width))) {
            *out = *file;
            *found = true;
        }
    }
    return code;
}

static int object_copy(struct shoal_call *call, const struct shoal_service *service,
    const struct catalog_file *file, const char *to, struct shoal_err *err)
{
    const struct shoal_svc_storage *table = service->table;
    int fd = shoal_file()->open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char *room = fd < 0 ? NULL : malloc(COPY_BYTES);
    int code = fd < 0         ? shoal_file_fail(err, errno, "make", to)
               : room == NULL ? shoal_fail(err, SHOAL_EBUSY, "there is no memory to copy a file")
                              : 0;
    int64_t at = 0;
    while (code == 0) {
        shoal_enter(call, service);
        int64_t got = table->read(call, service->arg, file->key, (uint64_t)at, room, COPY_BYTES, err);
        shoal_leave(call);
        if (got <= 0) {
            code = (int)got;
            break;
        }
        at += got;
        code = at > FETCH_BYTES_MAX
                   ? shoal_fail(err, SHOAL_EUNREADABLE, "%s is too large to be copied", file->name)
                   : shoal_file_write(fd, room, (size_t)got, to, err);
    }
    free(room);
    if (fd >= 0) {
        close(fd);
    }
    return code;
}

int catalog_input_path(struct shoal_call *call, const struct catalog_file *file, const char *work,
    const char **path, struct shoal_err *err)
{
    struct shoal_service service;
    if (!shoal_service_find("storage", file->storage, &service)) {
        return shoal_fail(err, SHOAL_EBUSY, "the storage %s is not here now", file->storage);
    }
    const struct shoal_svc_storage *table = service.table;
    *path = NULL;
    if (SHOAL_HAS(table, local_path)) {
        shoal_enter(call, &service);
        *path = table->local_path(call, service.arg, file->key);
        shoal_leave(call);
    }
    if (*path != NULL) {
        return 0;
    }
    *path = shoal_arena_printf(call->arena, "%s/input.mp4", work);
    return object_copy(call, &service, file, *path, err);
}
