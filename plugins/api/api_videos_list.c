// api_videos_list.c - lists of videos: everybody's, an account's, a channel's, one's own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "api.h"
#include "api_query.h"

static const struct api_query_row rows[] = {
    {"search", API_QUERY_TEXT, 0, 200},
    {"nsfw", API_QUERY_BOTH, 0, 0},
    {"nsfwFlagsIncluded", API_QUERY_INT, 0, 255},
    {"nsfwFlagsExcluded", API_QUERY_INT, 0, 255},
    {"isLive", API_QUERY_BOOL, 0, 0},
    {"includeScheduledLive", API_QUERY_BOOL, 0, 0},
    {"isLocal", API_QUERY_BOOL, 0, 0},
    {"host", API_QUERY_TEXT, 1, 253},
    {"uuids", API_QUERY_TEXTS, 1, 40},
    {"startDate", API_QUERY_TEXT, 1, 40},
    {"endDate", API_QUERY_TEXT, 1, 40},
    {"originallyPublishedStartDate", API_QUERY_TEXT, 1, 40},
    {"originallyPublishedEndDate", API_QUERY_TEXT, 1, 40},
    {"durationMin", API_QUERY_INT, 0, INT32_MAX},
    {"durationMax", API_QUERY_INT, 0, INT32_MAX},
    {"categoryOneOf", API_QUERY_INTS, 0, INT32_MAX},
    {"licenceOneOf", API_QUERY_INTS, 0, INT32_MAX},
    {"languageOneOf", API_QUERY_TEXTS, 1, 20},
    {"tagsOneOf", API_QUERY_TEXTS, 1, 30},
    {"tagsAllOf", API_QUERY_TEXTS, 1, 30},
    {"hasHLSFiles", API_QUERY_BOOL, 0, 0},
    {"hasWebVideoFiles", API_QUERY_BOOL, 0, 0},
    {"privacyOneOf", API_QUERY_INTS, 1, 5},
    {"stateOneOf", API_QUERY_INTS, 1, 12},
    {"include", API_QUERY_INT, 0, 255},
    {"autoTagOneOf", API_QUERY_TEXTS, 1, 120},
    {"channelNameOneOf", API_QUERY_TEXTS, 1, 120},
    {"excludeAlreadyWatched", API_QUERY_BOOL, 0, 0},
    {"subscribed", API_QUERY_BOOL, 0, 0}, // of who asks; users/me/subscriptions/videos
};
static const struct api_list videos = {
    .name = "videos",
    .sorts = "name duration createdAt publishedAt originallyPublishedAt views likes comments "
             "trending hot best localVideoFilesSize match",
    .sort = "-publishedAt",
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
};

// 1 NOT_PUBLISHED_STATE, 2 BLACKLISTED, 4 BLOCKED_OWNER, 32 SOURCE, 64 AUTOMATIC_TAGS: for those
// who see all videos. 8 FILES, 16 CAPTIONS and 128 TAGS are for everybody.
#define INCLUDE_STAFF (1 | 2 | 4 | 32 | 64)

static int check_rights(struct shoal_call *call, struct shoal_request *request, const json_t *query,
    struct shoal_err *err)
{
    if (shoal_request_query(request, "filter") != NULL) {
        return shoal_fail_field(
            err, "filter", "\"filter\" is deprecated, use \"include\" and \"isLocal\"");
    }
    bool is_anonymous = shoal_call_viewer(call)->kind != SHOAL_VIEWER_USER;
    if (is_anonymous && shoal_flag(query, "excludeAlreadyWatched", false)) {
        return shoal_fail_field(err, "excludeAlreadyWatched",
            "Cannot use excludeAlreadyWatched when not authenticated");
    }
    bool wants_all = (shoal_integer(query, "include", 0) & INCLUDE_STAFF) != 0 ||
                     json_object_get(query, "privacyOneOf") != NULL ||
                     json_object_get(query, "stateOneOf") != NULL ||
                     json_object_get(query, "autoTagOneOf") != NULL;
    if (wants_all && !api_is_staff(call)) {
        return shoal_fail(err, SHOAL_EAUTH, "You are not allowed to see all videos");
    }
    return 0;
}

// Lists videos; key and value narrow the list ("account", "channel"), or "mine" with NULL.
static int list_videos(struct shoal_call *call, struct shoal_request *request,
    const struct api *api, const char *key, const char *value, struct shoal_err *err)
{
    json_t *query = api_query_read(request, &videos, err);
    if (query == NULL) {
        return err->code;
    }
    bool is_mine = key != NULL && value == NULL;
    int code = is_mine ? 0 : check_rights(call, request, query, err);
    if (code != 0) {
        json_decref(query);
        return code;
    }
    if (!is_mine && json_object_get(query, "nsfw") == NULL) {
        json_object_set_new(query, "nsfw", json_string("policy"));
    }
    query = api_query_filter(call, &videos, query);
    if (key != NULL) {
        json_object_set_new(query, key, is_mine ? json_true() : json_string(value));
    }
    json_t *list = shoal_video_list(call, query, err);
    json_decref(query);
    return api_answer(request, list != NULL ? api_view_list(call, api, list) : NULL, err);
}

int api_videos_list(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    return list_videos(call, request, arg, NULL, NULL, err);
}

int api_me_videos(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    return list_videos(call, request, arg, "mine", NULL, err);
}

int api_accounts_videos(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const char *handle = shoal_request_param(request, "handle");
    json_t *account = shoal_account_get(call, handle, err);
    if (account == NULL) {
        return err->code;
    }
    json_decref(account);
    return list_videos(call, request, arg, "account", handle, err);
}

int api_channels_videos(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const char *handle = shoal_request_param(request, "handle");
    json_t *channel = shoal_channel_get(call, handle, err);
    if (channel == NULL) {
        return err->code;
    }
    json_decref(channel);
    return list_videos(call, request, arg, "channel", handle, err);
}
