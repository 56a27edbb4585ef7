// api.h - what the files of this plugin share: its state, its handlers, and readers of input.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_H
#define API_H
#include <shoal/plugin.h>

struct api_views;
struct api_running;

/// The plugin's state: made in start(), handed to every handler as its arg.
struct api {
    struct shoal_plugin *plugin;
    struct api_views *views;     ///< who watches what; see api_views.c
    struct api_running *running; ///< hashes of uploads on their way; see api_digest.c
};

#define API_PREFIX     "/api/v1"
#define API_COUNT_MAX  100
#define API_COUNT      15
#define API_CACHE_S    10 ///< counters move no epoch
#define API_IMAGES_MAX ((uint64_t)16 << 20)

/// "admin", "moderator", "user" or "anonymous": what filters may know about who asks.
const char *api_visitor(struct shoal_call *call);
/// Whether the viewer is an administrator or a moderator (PeerTube's SEE_ALL_VIDEOS and the like).
bool api_is_staff(struct shoal_call *call);
/// Answers 200 with value, or passes the error on when value is NULL. Takes the reference.
int api_answer(struct shoal_request *request, json_t *value, const struct shoal_err *err);
/// Answers 204 when code is 0, and passes code on otherwise.
int api_done(struct shoal_request *request, int code);
/// Reads a path parameter that must be a positive number.
int api_param_id(
    struct shoal_request *request, const char *name, int64_t *out, struct shoal_err *err);
/// Passes a value through a filter whose payload is {key: value, …extra}. Takes both references and
/// gives the value back.
json_t *api_filter(
    struct shoal_call *call, const char *hook, const char *key, json_t *value, json_t *extra);
/// Who watches now, and then the filter video.view, for one video (shape "detail") or data[] of a
/// list (shape "list").
json_t *api_view_video(
    struct shoal_call *call, const struct api *api, json_t *video, const char *shape);
json_t *api_view_list(struct shoal_call *call, const struct api *api, json_t *list);

shoal_handler_fn api_oauth_client, api_token, api_revoke;
shoal_handler_fn api_me, api_me_update, api_me_quota, api_me_videos;
shoal_handler_fn api_users_list, api_users_create, api_users_get, api_users_update,
    api_users_delete, api_users_block, api_users_unblock;
shoal_handler_fn api_accounts_list, api_accounts_get, api_accounts_videos, api_accounts_channels;
shoal_handler_fn api_channels_list, api_channels_get, api_channels_create, api_channels_update,
    api_channels_delete, api_channels_videos;
shoal_handler_fn api_picture_head, api_picture_pick, api_picture_delete;
shoal_handler_fn api_videos_list, api_videos_get, api_videos_update_head, api_videos_update,
    api_videos_delete, api_videos_description, api_videos_token, api_videos_metadata;
shoal_handler_fn api_videos_categories, api_videos_licences, api_videos_languages,
    api_videos_privacies;
shoal_handler_fn api_upload_head, api_upload;
shoal_handler_fn api_resumable_head, api_resumable_begin, api_resumable_put_head, api_resumable_put,
    api_resumable_delete;
shoal_handler_fn api_views_post;
shoal_handler_fn api_config, api_config_about, api_stats, api_oembed;
shoal_handler_fn api_ping, api_nodeinfo, api_nodeinfo_links;

#endif
