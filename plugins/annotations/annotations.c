// annotations.c - captions, chapters and storyboards over HTTP: the routes, and what they share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "annotations.h"

#define VIDEO "/api/v1/videos/{id}"

int annotations_answer(struct shoal_call *call, struct shoal_request *request,
    named_read_fn *list, struct shoal_err *err)
{
    json_t *value = named_read(call, request, shoal_request_param(request, "id"), list, NULL, err);
    return value == NULL ? err->code : shoal_answer_json(request, 200, value);
}

int annotations_done(struct shoal_request *request, int code)
{
    return code == 0 ? shoal_answer_status(request, 204) : code;
}

static const struct shoal_route routes[] = {
    {.method = "GET",
        .path = VIDEO "/captions",
        .handler = annotations_captions_get,
        .cache_s = ANNOTATIONS_CACHE_S,
        .cors = true},
    {.method = "PUT",
        .path = VIDEO "/captions/{captionLanguage}",
        .handler = annotations_captions_put,
        .head = annotations_captions_head,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_FILES,
        .timeout_ms = 60000,
        .rate = SHOAL_RATE_WRITE,
        .cors = true},
    {.method = "DELETE",
        .path = VIDEO "/captions/{captionLanguage}",
        .handler = annotations_captions_delete,
        .auth = SHOAL_AUTH_USER,
        .rate = SHOAL_RATE_WRITE,
        .cors = true},
    {.method = "GET",
        .path = VIDEO "/chapters",
        .handler = annotations_chapters_get,
        .cache_s = ANNOTATIONS_CACHE_S,
        .cors = true},
    {.method = "PUT",
        .path = VIDEO "/chapters",
        .handler = annotations_chapters_put,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_DATA,
        .rate = SHOAL_RATE_WRITE,
        .cors = true},
    {.method = "GET",
        .path = VIDEO "/storyboards",
        .handler = annotations_storyboards_get,
        .cache_s = ANNOTATIONS_CACHE_S,
        .cors = true},
};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    return code;
}

SHOAL_PLUGIN(.name = "annotations", .start = start);
