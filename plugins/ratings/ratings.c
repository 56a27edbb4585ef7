// ratings.c - likes and dislikes: routes, and what is forgotten when a video or an account goes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "ratings.h"

#define SWEEP_MS (15 * 60 * 1000)

static int video_deleted(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    return ratings_forget_video(call, shoal_integer(event, "video.id", 0), err);
}

static int user_changed(
    struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)arg;
    int64_t account_id = shoal_integer(event, "user.account.id", 0);
    return strcmp(shoal_text(event, "what", ""), "deleted") == 0 && account_id > 0
               ? ratings_forget_account(call, account_id, err)
               : 0;
}

// Who rated something here is needed.
static enum shoal_verdict actor_forget(struct shoal_call *call, json_t *event, void *arg)
{
    (void)arg;
    return ratings_has_account(call, shoal_integer(event, "actor.accountId", 0))
               ? shoal_refuse(call, "it rated videos")
               : SHOAL_PASS;
}

static int add_routes(struct ratings *ratings, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "PUT",
            .path = "/api/v1/videos/{id}/rate",
            .handler = ratings_put,
            .auth = SHOAL_AUTH_USER,
            .body = SHOAL_BODY_DATA,
            .body_max_bytes = 4096,
            .rate = SHOAL_RATE_WRITE},
        {.method = "GET",
            .path = "/api/v1/users/me/videos/{id}/rating",
            .handler = ratings_mine,
            .auth = SHOAL_AUTH_USER},
        {.method = "GET",
            .path = "/api/v1/accounts/{handle}/ratings",
            .handler = ratings_list,
            .auth = SHOAL_AUTH_USER},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        struct shoal_route route = routes[i];
        route.arg = ratings;
        route.cors = true;
        code = shoal_route_add(ratings->self, &route, err);
    }
    return code;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct ratings *ratings = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *ratings);
    ratings->self = self;
    int code = add_routes(ratings, err);
    code = code != 0 ? code : shoal_tell(self, "video.deleted", video_deleted, ratings);
    code = code != 0 ? code : shoal_tell(self, "user.changed", user_changed, ratings);
    code = code != 0 ? code : shoal_decide(self, "actor.forget", actor_forget, ratings);
    code = code != 0 ? code : shoal_timer_add(self, "sweep", SWEEP_MS, true, ratings_sweep, ratings);
    code = code != 0 ? code : ratings_federation_start(ratings, err);
    code = code != 0 ? code : ratings_documents_start(ratings, err);
    return code != 0 ? code : ratings_receive_start(ratings, err);
}

SHOAL_PLUGIN(.name = "ratings", .start = start);
