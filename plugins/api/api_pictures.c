// api_pictures.c - avatars of oneself and of channels, banners of channels.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "api.h"

#define PICTURE_MAX ((uint64_t)4 << 20) // as /config says: avatar.file.size.max
#define FORM_BYTES  65536

// What stands behind the handle: a channel itself may be called "banner".
static const char *kind_of(struct shoal_request *request)
{
    static const char channels[] = "/video-channels/";
    const char *at = strstr(shoal_request_path(request), channels);
    at = at != NULL ? strchr(at + sizeof channels - 1, '/') : NULL;
    return at != NULL && strncmp(at, "/banner", 7) == 0 ? "banner" : "avatar";
}

int api_picture_head(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    shoal_request_limit(request, PICTURE_MAX + FORM_BYTES);
    return 0;
}

int api_picture_pick(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *kind = kind_of(request);
    const char *field = shoal_arena_printf(shoal_call_arena(call), "%sfile", kind);
    const struct shoal_upload *file = shoal_request_upload(request, field);
    if (file == NULL || file->size_bytes == 0 || file->size_bytes > PICTURE_MAX) {
        return shoal_fail_field(err, field, "Should have a picture of at most 4 MiB");
    }
    const char *channel = shoal_request_param(request, "handle");
    return api_answer(request, shoal_actor_image(call, kind, channel, file->path, err), err);
}

int api_picture_delete(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const char *channel = shoal_request_param(request, "handle");
    json_t *left = shoal_actor_image(call, kind_of(request), channel, NULL, err);
    int code = left != NULL ? 0 : err->code;
    json_decref(left);
    return api_done(request, code);
}
