// ratings_documents.c - what other servers may read: one like, and who likes a video.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>
#include <string.h>

#include "ratings.h"

#define CACHE_S 5 // sums move no epoch, and who was told of a change reads them at once

SHOAL_SQL(ratings_documents_total,
    "SELECT COUNT(*) FROM ratings_rate r JOIN v1_account a ON a.id = r.account_id "
    "WHERE r.video_id = $1 AND r.is_like = $2 AND (a.host = '' OR r.url IS NOT NULL)");
SHOAL_SQL(ratings_documents_page,
    "SELECT a.name, r.url FROM ratings_rate r JOIN v1_account a ON a.id = r.account_id "
    "WHERE r.video_id = $1 AND r.is_like = $2 AND (a.host = '' OR r.url IS NOT NULL) "
    "ORDER BY r.created, r.account_id LIMIT CAST($3 AS BIGINT) OFFSET CAST($4 AS BIGINT)");

// GET /accounts/NAME/likes/VIDEOID
static int get_one(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_actor actor;
    struct shoal_video_ref video;
    enum ratings_value value = RATINGS_NONE;
    bool is_like = *(const bool *)arg;
    int code = federate_need(call, err);
    code = code == 0 ? shoal_actor_named(call, shoal_request_param(request, "name"), "", &actor, err)
                     : code;
    code = code == 0
               ? shoal_video_by_id(call, shoal_request_param(request, "videoId"), &video, err)
               : code;
    code = code == 0 ? ratings_get(shoal_call_db(call), actor.account_id, video.id, &value, err) : code;
    bool is_open = code == 0 && (video.is_federated || *video.origin_host != '\0');
    if (code == 0 && (!is_open || value != (is_like ? RATINGS_LIKE : RATINGS_DISLIKE))) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "there is no such rating");
    }
    struct shoal_actor owner;
    code = code == 0 ? shoal_actor_get(call, video.account_actor_id, &owner, err) : code;
    if (code != 0) {
        return code;
    }
    json_t *document = ratings_activity(value,
        ratings_activity_id(shoal_call_arena(call), actor.url, is_like, video.id), actor.url,
        video.url, owner.url);
    json_t *noun = json_pack("{s:s, s:s, s:s}", "rating", ratings_word(value), "account",
        actor.name, "video", video.uuid);
    code = federate_answer(
        call, request, NULL, is_like ? "Like" : "Dislike", noun, document, err);
    json_decref(noun);
    return code;
}

struct listing {
    int64_t video_id;
    bool is_like;
};

static int collection_page(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    (void)path_id;
    const struct listing *listing = arg;
    struct shoal_db *db = shoal_call_db(call);
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_value video = SHOAL_I64(listing->video_id), like = SHOAL_BOOL(listing->is_like);
    int code = shoal_db_i64(db, &ratings_documents_total, SHOAL_ARGS(video, like), total, err);
    struct shoal_rows *rows = code == 0 && room > 0
                                  ? shoal_db_query(db, &ratings_documents_page,
                                        SHOAL_ARGS(video, like, SHOAL_I64(room), SHOAL_I64(offset)),
                                        err)
                                  : NULL;
    while (rows != NULL && shoal_rows_next(rows)) {
        const char *url = shoal_col_text(rows, 1);
        json_array_append_new(items,
            json_string(!shoal_col_null(rows, 1)
                            ? url
                            : ratings_activity_id(arena,
                                  shoal_url(call, shoal_arena_printf(arena, "/accounts/%s",
                                                      shoal_col_text(rows, 0))),
                                  listing->is_like, listing->video_id)));
    }
    return rows != NULL ? shoal_rows_close(rows, err) : code;
}

// GET /videos/watch/ID/likes
static int get_collection(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_video_ref video;
    bool is_like = *(const bool *)arg;
    const char *name = is_like ? "likes" : "dislikes";
    struct shoal_arena *arena = shoal_call_arena(call);
    int code = federate_need(call, err);
    code = code == 0 ? shoal_video_by_id(call, shoal_request_param(request, "id"), &video, err)
                     : code;
    if (code == 0 && *video.origin_host != '\0') {
        return shoal_answer_redirect(
            request, 302, shoal_arena_printf(arena, "%s/%s", video.url, name));
    }
    if (code == 0 && !video.is_federated && video.privacy != SHOAL_PRIVACY_UNLISTED) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    if (code != 0) {
        return code;
    }
    struct listing listing = {video.id, is_like};
    return federate_answer_collection(call, request,
        shoal_arena_printf(arena, "/videos/watch/%s/%s", video.uuid, name), video.uuid,
        collection_page, &listing, err);
}

int ratings_documents_start(struct ratings *ratings, struct shoal_err *err)
{
    static bool is_like[] = {false, true};
    static const struct {
        const char *path;
        shoal_handler_fn *handler;
        bool *is_like;
    } rows[] = {
        {"/accounts/{name}/likes/{videoId}", get_one, &is_like[1]},
        {"/accounts/{name}/dislikes/{videoId}", get_one, &is_like[0]},
        {"/videos/watch/{id}/likes", get_collection, &is_like[1]},
        {"/videos/watch/{id}/dislikes", get_collection, &is_like[0]},
    };
    int code = 0;
    // Without federation the addresses are unknown ones.
    bool is_there = federate_is_there();
    for (size_t i = 0; is_there && i < sizeof rows / sizeof *rows && code == 0; i++) {
        const struct shoal_route route = {.method = "GET",
            .path = rows[i].path,
            .handler = rows[i].handler,
            .arg = rows[i].is_like,
            .auth = SHOAL_AUTH_NONE,
            .cache_s = CACHE_S,
            .cors = true};
        code = shoal_route_add(ratings->self, &route, err);
    }
    return code;
}
