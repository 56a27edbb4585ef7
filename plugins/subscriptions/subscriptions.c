// subscriptions.c - which path is answered by whom.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "subscriptions.h"

#define MINE     "/api/v1/users/me/subscriptions"
#define FETCH_MS 20000 // another server may have to be asked

#define GET(auth_, path_, fn)                                                                      \
    {.method = "GET", .path = (path_), .handler = (fn), .auth = SHOAL_AUTH_##auth_, .cors = true}

static const struct shoal_route routes[] = {
    GET(USER, MINE, subscriptions_list),
    {.method = "POST",
        .path = MINE,
        .handler = subscriptions_add,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 16384,
        .timeout_ms = FETCH_MS,
        .rate = SHOAL_RATE_WRITE,
        .cors = true},
    GET(USER, MINE "/exist", subscriptions_exist),
    GET(USER, MINE "/videos", subscriptions_videos),
    GET(USER, MINE "/{handle}", subscriptions_get),
    {.method = "DELETE",
        .path = MINE "/{handle}",
        .handler = subscriptions_remove,
        .auth = SHOAL_AUTH_USER,
        .rate = SHOAL_RATE_WRITE,
        .cors = true},
    GET(USER, "/api/v1/video-channels/{handle}/followers", subscriptions_channel_followers),
    GET(USER, "/api/v1/accounts/{handle}/followers", subscriptions_account_followers),
    {.method = "GET",
        .path = "/api/v1/subscriptions/target",
        .handler = subscriptions_target,
        .auth = SHOAL_AUTH_USER,
        .timeout_ms = FETCH_MS,
        .rate = SHOAL_RATE_SEARCH,
        .cors = true},
    {.method = "GET",
        .path = "/api/v1/subscriptions/remote",
        .handler = subscriptions_remote,
        .auth = SHOAL_AUTH_NONE,
        .cors = true},
};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    if (code == 0 && shoal_filter(self, "page.data", subscriptions_page, NULL) != 0) {
        code = shoal_fail(err, SHOAL_EINTERNAL, "the pages' data cannot be heard");
    }
    return code;
}

SHOAL_PLUGIN(.name = "subscriptions", .start = start);
