// discovery_search.c - /api/v1/search: words are passed on to the lists, addresses give what they name.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <named.h>

#include "discovery.h"

#define HANDLES_MAX  100
#define CHANNELS_MAX 100

static json_t *list_of(json_t *data)
{
    return json_pack("{s:I, s:o}", "total", (json_int_t)json_array_size(data), "data", data);
}

// What is searched for, or NULL. An address may be longer than words may be.
static int text_read(struct shoal_request *request, const char **text, struct shoal_err *err)
{
    *text = shoal_request_query(request, "search");
    return *text != NULL && strnlen(*text, DISCOVERY_TEXT_MAX + 1) > DISCOVERY_TEXT_MAX
               ? shoal_fail_field(err, "search", "Should have a search of at most %d characters",
                     DISCOVERY_TEXT_MAX)
               : 0;
}

// The list of everybody's videos or channels, asked as the viewer, with all its filters.
static int pass_on(
    struct shoal_call *call, struct shoal_request *request, const char *path, struct shoal_err *err)
{
    const char *query = shoal_request_query_string(request);
    const char *sort = shoal_request_query(request, "sort");
    const char *text = shoal_request_query(request, "search");
    bool is_sorted = (sort != NULL && *sort != '\0') || text == NULL || *text == '\0';
    return named_pass_on(call, request,
        shoal_arena_printf(shoal_call_arena(call), "%s?%s%s", path, is_sorted ? "" : "sort=-match&",
            query != NULL ? query : ""),
        err);
}

static int answer_video(
    struct shoal_call *call, struct shoal_request *request, const char *id, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    json_t *data = json_array();
    json_t *video = NULL;
    int status = 0;
    int code = id == NULL ? 0
                          : shoal_inprocess_from(call, request, "GET",
                                shoal_arena_printf(
                                    arena, "/api/v1/videos/%s", shoal_url_encode(arena, id)),
                                NULL, &status, &video, err);
    if (code == 0 && status == 200) {
        json_array_append(data, video);
    }
    json_decref(video);
    shoal_answer_private(request);
    return shoal_answer_json(request, 200, list_of(data));
}

int discovery_videos(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const char *text = NULL;
    int code = text_read(request, &text, err);
    if (code != 0 || discovery_kind(text) != DISCOVERY_URL) {
        return code != 0 ? code : pass_on(call, request, "/api/v1/videos", err);
    }
    return answer_video(call, request, discovery_find(call, arg, text).video, err);
}

static json_t *channels_of(struct shoal_call *call, const char *account)
{
    struct shoal_err none = {0};
    json_t *query = json_pack("{s:i, s:i, s:s}", "start", 0, "count", CHANNELS_MAX, "account", account);
    json_t *list = shoal_channel_list(call, query, &none);
    json_decref(query);
    json_t *data = json_incref(json_object_get(list, "data"));
    json_decref(list);
    return data != NULL ? data : json_array();
}

// A channel, or all of an account. Those of an account that is new here are known by its videos alone.
static json_t *channels_found(struct shoal_call *call, const struct discovery_found *found)
{
    struct shoal_err none = {0};
    json_t *channel = found->handle != NULL ? shoal_channel_get(call, found->handle, &none) : NULL;
    if (found->handle == NULL || channel != NULL) {
        return channel != NULL ? json_pack("[o]", channel) : json_array();
    }
    json_t *data = channels_of(call, found->handle);
    struct shoal_actor actor;
    if (json_array_size(data) == 0 && found->actor_id != 0 &&
        shoal_actor_get(call, found->actor_id, &actor, &none) == 0) {
        (void)discovery_outbox_read(call, &actor, 1, &none);
        json_decref(data);
        data = channels_of(call, found->handle);
    }
    return data;
}

static json_t *channels_named(struct shoal_call *call, const char *const *handles)
{
    json_t *data = json_array();
    for (size_t i = 0; i < HANDLES_MAX && handles[i] != NULL; i++) {
        struct shoal_err none = {0};
        json_t *channel = shoal_channel_get(call, handles[i], &none);
        if (channel != NULL) {
            json_array_append_new(data, channel);
        }
    }
    return data;
}

int discovery_channels(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const char *text = NULL;
    int code = text_read(request, &text, err);
    const char *const *handles = shoal_request_query_all(request, "handles");
    if (code != 0) {
        return code;
    }
    if (handles != NULL && handles[0] != NULL) {
        return shoal_answer_json(request, 200, list_of(channels_named(call, handles)));
    }
    if (discovery_kind(text) == DISCOVERY_WORDS) {
        return pass_on(call, request, "/api/v1/video-channels", err);
    }
    struct discovery_found found = discovery_find(call, arg, text);
    shoal_answer_private(request);
    return shoal_answer_json(request, 200, list_of(channels_found(call, &found)));
}

// There are no playlists here: none matches.
int discovery_playlists(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    const char *text = NULL;
    int code = text_read(request, &text, err);
    return code != 0 ? code : shoal_answer_json(request, 200, list_of(json_array()));
}
