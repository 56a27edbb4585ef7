// api_videos.c - one video: read, change, delete, token, metadata; and the lists of constants.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <named.h>

#include "api.h"
#include "api_fields.h"

int api_videos_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    json_t *video = named_video(call, request, NULL, err);
    return api_answer(request, api_view_video(call, arg, video, "detail"), err);
}

int api_videos_description(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    json_t *description = json_object_get(video, "description");
    json_t *answer = json_object();
    json_object_set_new(answer, "description",
        json_is_string(description) ? json_incref(description) : json_null());
    json_decref(video);
    return api_answer(request, answer, err);
}

// The password is checked by the catalog, which also asks the decide media.read.
int api_videos_token(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *password = NULL;
    json_t *video = named_video(call, request, &password, err);
    if (video == NULL) {
        return err->code;
    }
    json_t *token = shoal_media_token(call, shoal_text(video, "uuid", ""), password, "play", err);
    json_decref(video);
    if (token == NULL) {
        return err->code;
    }
    shoal_answer_private(request);
    shoal_answer_header(request, "Cache-Control", "no-store");
    return api_answer(request, json_pack("{s:o}", "files", token), err);
}

// What a camera wrote into the file (where, when, whose it is) and where the file lies are no business
// of those who may watch it.
static void forget_tags(json_t *value)
{
    json_object_del(value, "tags");
    json_object_del(value, "filename");
    const char *key = NULL;
    json_t *child = NULL;
    size_t i = 0;
    json_object_foreach(value, key, child)
    {
        forget_tags(child);
    }
    json_array_foreach(value, i, child)
    {
        forget_tags(child);
    }
}

int api_videos_metadata(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int64_t file_id = 0;
    int code = api_param_id(request, "fileId", &file_id, err);
    if (code != 0) {
        return code;
    }
    const char *password = NULL;
    json_t *video = named_video(call, request, &password, err);
    if (video == NULL) {
        return err->code;
    }
    json_t *metadata =
        shoal_video_metadata(call, shoal_text(video, "uuid", ""), password, file_id, err);
    json_decref(video);
    forget_tags(metadata);
    return api_answer(request, metadata, err);
}

int api_videos_update_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    shoal_request_limit(request, API_IMAGES_MAX);
    return shoal_may_video(call, SHOAL_MAY_UPDATE, shoal_request_param(request, "id"), NULL, err);
}

static const char *image_path(struct shoal_request *request, const char *field)
{
    const struct shoal_upload *file = shoal_request_upload(request, field);
    return file != NULL ? file->path : NULL;
}

int api_videos_update(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    json_t *fields = body != NULL ? api_fields_video(body, false, err) : NULL;
    if (fields == NULL) {
        return err->code;
    }
    int code = shoal_video_update_pictured(call, shoal_request_param(request, "id"), fields,
        image_path(request, "thumbnailfile"), image_path(request, "previewfile"), err);
    json_decref(fields);
    return api_done(request, code);
}

int api_videos_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return api_done(request, shoal_video_delete(call, shoal_request_param(request, "id"), err));
}

static int constants(struct shoal_call *call, struct shoal_request *request, const char *what,
    struct shoal_err *err)
{
    json_t *value = shoal_constants(call, what);
    if (value == NULL) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the catalog has no %s", what);
    }
    return shoal_answer_json(request, 200, value);
}

int api_videos_categories(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return constants(call, request, "categories", err);
}

int api_videos_licences(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return constants(call, request, "licences", err);
}

int api_videos_languages(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return constants(call, request, "languages", err);
}

int api_videos_privacies(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return constants(call, request, "privacies", err);
}
