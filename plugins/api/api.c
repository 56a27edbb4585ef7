// api.c - the REST API: which path is answered by whom, and under which rules.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "api.h"
#include "api_digest.h"
#include "api_session.h"
#include "api_views.h"

#define FLUSH_MS 5000

#define GET(path_, fn)                                                                             \
    {.method = "GET", .path = API_PREFIX path_, .handler = (fn), .cache_s = API_CACHE_S,           \
        .cors = true}
#define GET_AS(auth_, path_, fn)                                                                   \
    {.method = "GET", .path = API_PREFIX path_, .handler = (fn), .auth = SHOAL_AUTH_##auth_,       \
        .cors = true}
#define WRITE(method_, auth_, path_, fn)                                                           \
    {.method = (method_), .path = API_PREFIX path_, .handler = (fn), .auth = SHOAL_AUTH_##auth_,   \
        .body = SHOAL_BODY_DATA, .rate = SHOAL_RATE_WRITE, .cors = true}
#define DELETE(auth_, path_, fn)                                                                   \
    {.method = "DELETE", .path = API_PREFIX path_, .handler = (fn), .auth = SHOAL_AUTH_##auth_,    \
        .rate = SHOAL_RATE_WRITE, .cors = true}
#define PICTURE(path_)                                                                             \
    {.method = "POST", .path = API_PREFIX path_, .handler = api_picture_pick,                      \
        .head = api_picture_head, .auth = SHOAL_AUTH_USER, .body = SHOAL_BODY_FILES,               \
        .rate = SHOAL_RATE_FFMPEG, .cors = true}
// What players say every few seconds: in memory, and a whole school sits behind one address.
#define BEAT(method_, path_)                                                                       \
    {.method = (method_), .path = API_PREFIX path_, .handler = api_views_post,                     \
        .body = SHOAL_BODY_DATA, .body_max_bytes = 4096, .rate = SHOAL_RATE_NONE, .cors = true}

static const struct shoal_route routes[] = {
    GET_AS(OPTIONAL, "/oauth-clients/local", api_oauth_client),
    {.method = "POST",
        .path = API_PREFIX "/users/token",
        .handler = api_token,
        .auth = SHOAL_AUTH_NONE,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 16384,
        .rate = SHOAL_RATE_LOGIN,
        .cors = true},
    WRITE("POST", USER, "/users/revoke-token", api_revoke),

    GET_AS(USER, "/users/me", api_me),
    WRITE("PUT", USER, "/users/me", api_me_update),
    GET_AS(USER, "/users/me/video-quota-used", api_me_quota),
    GET_AS(USER, "/users/me/videos", api_me_videos),
    PICTURE("/users/me/avatar/pick"),
    DELETE(USER, "/users/me/avatar", api_picture_delete),
    GET_AS(MODERATOR, "/users", api_users_list),
    WRITE("POST", MODERATOR, "/users", api_users_create),
    GET_AS(MODERATOR, "/users/{id}", api_users_get),
    WRITE("PUT", MODERATOR, "/users/{id}", api_users_update),
    DELETE(MODERATOR, "/users/{id}", api_users_delete),
    WRITE("POST", MODERATOR, "/users/{id}/block", api_users_block),
    WRITE("POST", MODERATOR, "/users/{id}/unblock", api_users_unblock),

    GET("/accounts", api_accounts_list),
    GET("/accounts/{handle}", api_accounts_get),
    GET("/accounts/{handle}/videos", api_accounts_videos),
    GET("/accounts/{handle}/video-channels", api_accounts_channels),
    GET("/video-channels", api_channels_list),
    WRITE("POST", USER, "/video-channels", api_channels_create),
    GET("/video-channels/{handle}", api_channels_get),
    WRITE("PUT", USER, "/video-channels/{handle}", api_channels_update),
    DELETE(USER, "/video-channels/{handle}", api_channels_delete),
    GET("/video-channels/{handle}/videos", api_channels_videos),
    PICTURE("/video-channels/{handle}/avatar/pick"),
    DELETE(USER, "/video-channels/{handle}/avatar", api_picture_delete),
    PICTURE("/video-channels/{handle}/banner/pick"),
    DELETE(USER, "/video-channels/{handle}/banner", api_picture_delete),

    GET("/videos", api_videos_list),
    GET("/videos/categories", api_videos_categories),
    GET("/videos/licences", api_videos_licences),
    GET("/videos/languages", api_videos_languages),
    GET("/videos/privacies", api_videos_privacies),
    GET("/videos/{id}", api_videos_get),
    {.method = "PUT",
        .path = API_PREFIX "/videos/{id}",
        .handler = api_videos_update,
        .head = api_videos_update_head,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_FILES,
        .rate = SHOAL_RATE_WRITE,
        .cors = true},
    DELETE(USER, "/videos/{id}", api_videos_delete),
    GET("/videos/{id}/description", api_videos_description),
    WRITE("POST", OPTIONAL, "/videos/{id}/token", api_videos_token),
    GET("/videos/{id}/metadata/{fileId}", api_videos_metadata),
    BEAT("POST", "/videos/{id}/views"),
    BEAT("PUT", "/videos/{id}/views"),
    BEAT("POST", "/videos/{id}/watching"),
    BEAT("PUT", "/videos/{id}/watching"),

    {.method = "POST",
        .path = API_PREFIX "/videos/upload",
        .handler = api_upload,
        .head = api_upload_head,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_FILES,
        .timeout_ms = 120000,
        .rate = SHOAL_RATE_FFMPEG,
        .cors = true},
    {.method = "POST",
        .path = API_PREFIX "/videos/upload-resumable",
        .handler = api_resumable_begin,
        .head = api_resumable_head,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_FILES,
        .rate = SHOAL_RATE_FFMPEG,
        .cors = true},
    {.method = "PUT",
        .path = API_PREFIX "/videos/upload-resumable",
        .handler = api_resumable_put,
        .head = api_resumable_put_head,
        .auth = SHOAL_AUTH_USER,
        .body = SHOAL_BODY_RAW,
        .timeout_ms = 300000,
        .rate = SHOAL_RATE_NONE,
        .cors = true},
    DELETE(USER, "/videos/upload-resumable", api_resumable_delete),

    GET("/config", api_config),
    GET("/config/about", api_config_about),
    GET("/server/stats", api_stats),
    {.method = "GET",
        .path = API_PREFIX "/ping",
        .handler = api_ping,
        .auth = SHOAL_AUTH_NONE,
        .rate = SHOAL_RATE_NONE,
        .cors = true},
    {.method = "GET",
        .path = "/services/oembed",
        .handler = api_oembed,
        .auth = SHOAL_AUTH_NONE,
        .cache_s = API_CACHE_S,
        .cors = true},
    {.method = "GET",
        .path = "/.well-known/nodeinfo",
        .handler = api_nodeinfo_links,
        .auth = SHOAL_AUTH_NONE,
        .cache_s = API_CACHE_S,
        .cors = true},
    {.method = "GET",
        .path = "/nodeinfo/2.0.json",
        .handler = api_nodeinfo,
        .auth = SHOAL_AUTH_NONE,
        .cache_s = API_CACHE_S,
        .cors = true},
};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct api *api = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *api);
    api->plugin = self;
    api->views = api_views_new();
    api->running = api_running_new();
    shoal_plugin_keep(self, api);
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        struct shoal_route route = routes[i];
        route.arg = api;
        int code = shoal_route_add(self, &route, err);
        if (code != 0) {
            return code;
        }
    }
    int code = shoal_timer_add(self, "views", FLUSH_MS, false, api_views_flush, api);
    if (code != 0) {
        return shoal_fail(err, code, "the timer of the views cannot be added");
    }
    code = shoal_tell(self, "instance.stopping", api_views_stopping, api);
    if (code != 0) {
        return shoal_fail(err, code, "the views cannot be counted when the instance stops");
    }
    code = shoal_timer_add(self, "uploads", API_SESSION_SWEEP_MS, true, api_session_sweep, api);
    return code != 0 ? shoal_fail(err, code, "the timer of the uploads cannot be added") : 0;
}

static void stop(struct shoal_plugin *self)
{
    struct api *api = shoal_plugin_kept(self);
    if (api != NULL) {
        api_views_free(api->views);
        api_running_free(api->running);
    }
}

SHOAL_PLUGIN(.name = "api", .start = start, .stop = stop);
