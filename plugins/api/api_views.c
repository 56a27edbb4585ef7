// api_views.c - POST /videos/ID/views: players say where they are; counted views go to the catalog.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include <named.h>

#include "api_views.h"

#define ID_MAX      36
#define SESSION_MAX 100

static bool is_public(const json_t *video)
{
    int64_t privacy = shoal_integer(video, "privacy.id", 0);
    return privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED;
}

// Finds the video of a beat, from memory where it was looked up in the last minute.
static int find(struct shoal_call *call, struct shoal_request *request, struct api *api,
    const char *id, struct api_watched *out, struct shoal_err *err)
{
    bool is_anonymous = shoal_call_viewer(call)->kind == SHOAL_VIEWER_ANONYMOUS;
    if (is_anonymous && api_views_known(api->views, id, shoal_tick_ms(), out)) {
        return out->id != 0 ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    json_t *video = named_read(call, request, id, shoal_video_get, NULL, err);
    *out = (struct api_watched){0};
    if (video == NULL) {
        if (is_anonymous && err->code == SHOAL_ENOTFOUND) {
            api_views_know(api->views, id, shoal_tick_ms(), out);
        }
        return err->code;
    }
    out->id = shoal_integer(video, "id", 0);
    out->duration_s = shoal_integer(video, "duration", 0);
    if (is_anonymous && is_public(video)) {
        api_views_know(api->views, id, shoal_tick_ms(), out);
    }
    json_decref(video);
    return 0;
}

static int read_time(const json_t *body, int64_t duration_s, int64_t *out, struct shoal_err *err)
{
    const json_t *time = json_object_get(body, "currentTime");
    *out = json_integer_value(time);
    if (!json_is_integer(time) || *out < 0) {
        return shoal_fail_field(err, "currentTime", "Should have an integer currentTime");
    }
    if (*out > duration_s && duration_s > 0) {
        return shoal_fail_field(err, "currentTime", "Current time is greater than the duration");
    }
    return 0;
}

// Who counts as one viewer: the session that the player named, from its address; else the address.
static const char *session_of(struct shoal_call *call, struct shoal_request *request,
    const json_t *body)
{
    const char *address = shoal_request_address(request);
    const char *session = shoal_text(body, "sessionId", "");
    size_t length = strlen(session);
    return shoal_arena_printf(shoal_call_arena(call), "%s/%s", address != NULL ? address : "",
        length <= SESSION_MAX ? session : "");
}

int api_views_post(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct api *api = arg;
    const char *id = shoal_request_param(request, "id");
    if (strlen(id) > ID_MAX) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    const json_t *event = json_object_get(body, "viewEvent");
    bool is_seek = strcmp(shoal_text(body, "viewEvent", ""), "seek") == 0;
    if (event != NULL && !json_is_null(event) && !is_seek) {
        return shoal_fail_field(err, "viewEvent", "Should have a valid view event");
    }
    struct api_watched video;
    int64_t time_s = 0;
    int code = find(call, request, api, id, &video, err);
    if (code == 0) {
        code = read_time(body, video.duration_s, &time_s, err);
    }
    if (code != 0) {
        return code;
    }
    const struct api_beat beat = {
        .video_id = video.id,
        .duration_s = video.duration_s,
        .time_s = time_s,
        .is_seek = is_seek,
        .is_user = shoal_call_viewer(call)->kind == SHOAL_VIEWER_USER,
        .session = session_of(call, request, body),
    };
    api_views_beat(api->views, &beat, shoal_tick_ms());
    return shoal_answer_status(request, 204);
}

// What was counted since the last flush is not lost with this process.
int api_views_stopping(struct shoal_call *call, const json_t *event, void *arg,
    struct shoal_err *err)
{
    (void)event;
    return api_views_flush(call, arg, err);
}

int api_views_flush(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct api *api = arg;
    struct shoal_err failed = {0};
    struct api_viewed *viewed =
        shoal_arena_alloc(shoal_call_arena(call), API_VIEWED_MAX * sizeof *viewed);
    size_t count = api_views_take(api->views, viewed);
    json_t *event = json_array();
    for (size_t i = 0; i < count; i++) {
        // After one that could not be stored the rest is not tried: a full disk is full for all.
        int code = failed.code != 0
                       ? failed.code
                       : shoal_video_views_add(
                             call, viewed[i].video_id, viewed[i].views, &failed);
        if (code == SHOAL_ENOTFOUND || code == SHOAL_EINVAL) {
            failed = (struct shoal_err){0}; // another try would not change that
            continue;
        }
        if (code != 0) {
            api_views_give_back(api->views, &viewed[i]);
            continue;
        }
        json_array_append_new(event,
            json_pack("{s:I, s:I, s:I, s:I}", "video_id", (json_int_t)viewed[i].video_id, "views",
                (json_int_t)viewed[i].views, "watch_s", (json_int_t)viewed[i].watch_s, "logged_in",
                (json_int_t)viewed[i].logged_in));
    }
    if (json_array_size(event) > 0 && shoal_hook_heard("video.viewed")) {
        shoal_fire_tell("video.viewed", event);
    } else {
        json_decref(event);
    }
    return failed.code == 0 ? 0
                            : shoal_fail(err, failed.code, "views wait to be counted: %s", failed.text);
}
