// api_tools.c - small things that every handler needs: answers, parameters, filters over JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "api_views.h"

const char *api_visitor(struct shoal_call *call)
{
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    if (viewer->kind != SHOAL_VIEWER_USER) {
        return "anonymous";
    }
    switch (viewer->role) {
    case SHOAL_ROLE_ADMIN:
        return "admin";
    case SHOAL_ROLE_MODERATOR:
        return "moderator";
    case SHOAL_ROLE_USER:
        break;
    }
    return "user";
}

bool api_is_staff(struct shoal_call *call)
{
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    return viewer->kind == SHOAL_VIEWER_USER &&
           (viewer->role == SHOAL_ROLE_ADMIN || viewer->role == SHOAL_ROLE_MODERATOR);
}

int api_answer(struct shoal_request *request, json_t *value, const struct shoal_err *err)
{
    if (value == NULL) {
        return err->code != 0 ? err->code : SHOAL_EINTERNAL;
    }
    return shoal_answer_json(request, 200, value);
}

int api_done(struct shoal_request *request, int code)
{
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int api_param_id(
    struct shoal_request *request, const char *name, int64_t *out, struct shoal_err *err)
{
    const char *text = shoal_request_param(request, name);
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > 15 || text[digits] != '\0') {
        return shoal_fail_field(err, name, "Should have a valid %s", name);
    }
    *out = strtoll(text, NULL, 10);
    return *out > 0 ? 0 : shoal_fail_field(err, name, "Should have a valid %s", name);
}

json_t *api_filter(
    struct shoal_call *call, const char *hook, const char *key, json_t *value, json_t *extra)
{
    if (value == NULL || !shoal_hook_heard(hook)) {
        json_decref(extra);
        return value;
    }
    json_t *payload = extra != NULL ? extra : json_object();
    json_object_set(payload, key, value);
    shoal_fire_filter(call, hook, &payload);
    json_t *filtered = json_object_get(payload, key);
    // A filter that drops the value, or turns it into something else, is as good as one that
    // failed.
    if (filtered != NULL && json_typeof(filtered) == json_typeof(value)) {
        json_incref(filtered);
        json_decref(value);
        value = filtered;
    }
    json_decref(payload);
    return value;
}

static void viewers_set(const struct api *api, json_t *video)
{
    int64_t viewers = api_views_present(api->views, shoal_integer(video, "id", 0), shoal_tick_ms());
    json_object_set_new(video, "viewers", json_integer(viewers));
}

json_t *api_view_video(
    struct shoal_call *call, const struct api *api, json_t *video, const char *shape)
{
    if (video != NULL) {
        viewers_set(api, video);
    }
    return api_filter(call, "video.view", "video", video,
        json_pack("{s:s, s:s}", "shape", shape, "visitor", api_visitor(call)));
}

json_t *api_view_list(struct shoal_call *call, const struct api *api, json_t *list)
{
    json_t *data = json_object_get(list, "data");
    for (size_t i = 0; i < json_array_size(data); i++) {
        json_t *video = json_incref(json_array_get(data, i));
        json_array_set_new(data, i, api_view_video(call, api, video, "list"));
    }
    return list;
}
