// uploads.c - file parts of a multipart body become temporary files, hashed on the way.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/file.h"
#include "net/sink_priv.h"

#define FILES_MAX ((int)(sizeof((struct shoal_uploads *)0)->items / sizeof(struct shoal_upload)))

static int open_file(struct shoal_uploading *uploading, const struct shoal_part *part,
    struct shoal_err *err)
{
    struct shoal_request *request = uploading->request;
    struct shoal_arena *arena = request->call.arena;
    if (!request->uploads) {
        request->uploads = shoal_arena_alloc(arena, sizeof *request->uploads);
        request->owns_uploads = true;
    }
    if (request->uploads->count == FILES_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "there are more than %d files", FILES_MAX);
    }
    if (!uploading->sum) {
        uploading->sum = shoal_sha256_new();
    }
    if (!uploading->sum) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory to hash a file");
    }
    char name[33];
    shoal_random_hex(name, 16);
    const char *path =
        shoal_arena_printf(arena, "%s/upload-%s", request->server->options.temp_path, name);
    uploading->file = shoal_file()->open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (uploading->file < 0) {
        return shoal_file_fail(err, errno, "create", path);
    }
    uploading->upload = &request->uploads->items[request->uploads->count++];
    *uploading->upload = (struct shoal_upload){
        .field = shoal_arena_strdup(arena, part->name),
        .filename = shoal_arena_strdup(arena, part->filename),
        .mime = shoal_arena_strdup(arena, part->mime[0] ? part->mime : "application/octet-stream"),
        .path = path,
        .sha256 = "",
    };
    return 0;
}

// A browser sends a file field that was left empty as a part without name and bytes.
static int on_begin(void *user, const struct shoal_part *part, struct shoal_err *err)
{
    struct shoal_uploading *uploading = user;
    uploading->upload = NULL;
    uploading->is_skipped = part->is_file && !part->filename[0];
    if (uploading->is_skipped) {
        return 0;
    }
    return part->is_file ? open_file(uploading, part, err)
                         : shoal_fields_begin(&uploading->fields, part, err);
}

static int on_data(void *user, const char *data, size_t length, struct shoal_err *err)
{
    struct shoal_uploading *uploading = user;
    if (uploading->is_skipped) {
        return 0;
    }
    if (!uploading->upload) {
        return shoal_fields_data(&uploading->fields, data, length, err);
    }
    shoal_sha256_add(uploading->sum, data, length);
    uploading->upload->size_bytes += length;
    return shoal_file_write(uploading->file, data, length, uploading->upload->path, err);
}

static int on_end(void *user, struct shoal_err *err)
{
    struct shoal_uploading *uploading = user;
    if (uploading->is_skipped) {
        return 0;
    }
    if (!uploading->upload) {
        return shoal_fields_end(&uploading->fields, err);
    }
    char hex[65];
    shoal_sha256_end(uploading->sum, hex);
    uploading->upload->sha256 = shoal_arena_strdup(uploading->request->call.arena, hex);
    uploading->upload = NULL;
    int rc = close(uploading->file);
    uploading->file = -1;
    return rc == 0 ? 0 : shoal_fail(err, SHOAL_EIO, "an uploaded file cannot be closed");
}

const struct shoal_part_ops shoal_upload_ops = {on_begin, on_data, on_end};

void shoal_uploading_fini(struct shoal_uploading *uploading)
{
    shoal_fields_fini(&uploading->fields);
    shoal_sha256_free(uploading->sum);
    uploading->sum = NULL;
    if (uploading->file >= 0) {
        close(uploading->file);
        uploading->file = -1;
    }
}

void shoal_uploads_remove(struct shoal_request *request)
{
    for (int i = 0; request->owns_uploads && i < request->uploads->count; i++) {
        shoal_file()->unlink(request->uploads->items[i].path); // gone already where it was renamed
    }
    request->owns_uploads = false;
    request->uploads = NULL;
}
