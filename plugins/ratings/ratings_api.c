// ratings_api.c - PUT /videos/ID/rate, and what somebody has rated.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <paging.h>

#include "ratings.h"

#define COUNT     15
#define COUNT_MAX 100

#define LIST_SQL(id, order)                                                                        \
    SHOAL_SQL(id, "SELECT v.uuid, r.is_like FROM ratings_rate r "                                  \
                  "JOIN v1_video v ON v.id = r.video_id WHERE r.account_id = $1 "                  \
                  "AND (CAST($2 AS BOOLEAN) IS NULL OR r.is_like = CAST($2 AS BOOLEAN)) "          \
                  "ORDER BY " order " LIMIT CAST($3 AS BIGINT) OFFSET CAST($4 AS BIGINT)")
LIST_SQL(ratings_list_newest, "r.created DESC, r.video_id DESC");
LIST_SQL(ratings_list_oldest, "r.created, r.video_id");
SHOAL_SQL(ratings_list_total,
    "SELECT COUNT(*) FROM ratings_rate r JOIN v1_video v ON v.id = r.video_id "
    "WHERE r.account_id = $1 "
    "AND (CAST($2 AS BOOLEAN) IS NULL OR r.is_like = CAST($2 AS BOOLEAN))");

int ratings_put(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    struct ratings_change change = {.account_id = viewer->account_id, .handle = viewer->username};
    json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    if (!ratings_parse(shoal_text(body, "rating", NULL), &change.to)) {
        return shoal_fail_field(err, "rating", "Should have a valid rating (like, dislike or none)");
    }
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    change.video_id = shoal_integer(video, "id", 0);
    change.video_uuid = shoal_text(video, "uuid", "");
    change.is_for_others = !shoal_flag(video, "isLocal", true) && federate_enabled(call);
    int code = ratings_set(call, arg, &change, err);
    json_decref(video);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int ratings_mine(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    int64_t video_id = shoal_integer(video, "id", 0);
    json_decref(video);
    enum ratings_value value = RATINGS_NONE;
    int code = ratings_get(
        shoal_call_db(call), shoal_call_viewer(call)->account_id, video_id, &value, err);
    return code != 0 ? code
                     : shoal_answer_json(request, 200,
                           json_pack("{s:I, s:s}", "videoId", (json_int_t)video_id, "rating",
                               ratings_word(value)));
}

struct listing {
    int64_t start, count;
    bool is_oldest_first;
    struct shoal_value is_like; // NULL: both
};

static int read_listing(struct shoal_request *request, struct listing *out, struct shoal_err *err)
{
    int code = paging_read(request, COUNT_MAX, &out->start, &out->count, err);
    const char *sort = shoal_request_query(request, "sort");
    const char *rating = shoal_request_query(request, "rating");
    enum ratings_value value = RATINGS_NONE;
    if (code != 0) {
        return code;
    }
    if (sort != NULL && strcmp(sort, "createdAt") != 0 && strcmp(sort, "-createdAt") != 0) {
        return shoal_fail_field(err, "sort", "Should have a valid sort (createdAt)");
    }
    if (rating != NULL && (!ratings_parse(rating, &value) || value == RATINGS_NONE)) {
        return shoal_fail_field(err, "rating", "Should have a valid rating (like or dislike)");
    }
    out->is_oldest_first = sort != NULL && *sort != '-';
    out->is_like = rating != NULL ? SHOAL_BOOL(value == RATINGS_LIKE) : SHOAL_NULL;
    return 0;
}

// What lists do not show of a video.
static json_t *without_details(json_t *video)
{
    static const char *const details[] = {"files", "streamingPlaylists", "trackerUrls", "tags",
        "support", "descriptionPath", "inputFileUpdatedAt"};
    for (size_t i = 0; i < sizeof details / sizeof *details; i++) {
        json_object_del(video, details[i]);
    }
    return video;
}

// A video that its owner has hidden since is left out.
static json_t *read_rows(
    struct shoal_call *call, const struct listing *listing, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *uuids[COUNT_MAX];
    enum ratings_value values[COUNT_MAX];
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call),
        listing->is_oldest_first ? &ratings_list_oldest : &ratings_list_newest,
        SHOAL_ARGS(SHOAL_I64(shoal_call_viewer(call)->account_id), listing->is_like,
            SHOAL_I64(listing->count), SHOAL_I64(listing->start)),
        err);
    while (rows != NULL && count < COUNT_MAX && shoal_rows_next(rows)) {
        uuids[count] = shoal_arena_strdup(arena, shoal_col_text(rows, 0));
        values[count++] = shoal_col_bool(rows, 1) ? RATINGS_LIKE : RATINGS_DISLIKE;
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *video = shoal_video_get(call, uuids[i], NULL, NULL);
        if (video != NULL) {
            json_array_append_new(data, json_pack("{s:o, s:s}", "video", without_details(video),
                                            "rating", ratings_word(values[i])));
        }
    }
    return data;
}

int ratings_list(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct listing listing = {.count = COUNT};
    int64_t total = 0;
    json_t *account = shoal_account_get(call, shoal_request_param(request, "handle"), err);
    if (account == NULL) {
        return err->code;
    }
    int64_t account_id = shoal_integer(account, "id", 0);
    json_decref(account);
    if (account_id != shoal_call_viewer(call)->account_id) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "Only owner of this account can access this resource.");
    }
    int code = read_listing(request, &listing, err);
    code = code != 0 ? code
                     : shoal_db_i64(shoal_call_db(call), &ratings_list_total,
                           SHOAL_ARGS(SHOAL_I64(account_id), listing.is_like), &total, err);
    json_t *data = code == 0 ? read_rows(call, &listing, err) : NULL;
    if (data == NULL) {
        return err->code;
    }
    return shoal_answer_json(
        request, 200, json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data));
}
