// catalog.h - the nouns of the instance: users, accounts, channels, videos and their files.
//
// Nouns travel as JSON with the names and shapes of PeerTube's public API; every find and list takes
// its viewer from the call, and nobody gets what they may not see.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_CATALOG_H
#define SHOAL_CATALOG_H
#include <jansson.h>

#include <shoal/version.h>

enum shoal_viewer_kind {
    SHOAL_VIEWER_ANONYMOUS = 0,
    SHOAL_VIEWER_USER = 1,
    SHOAL_VIEWER_ACTOR = 2,  ///< a remote actor
    SHOAL_VIEWER_SYSTEM = 3, ///< jobs, timers, the command line
};
/// PeerTube's numbers.
enum shoal_role { SHOAL_ROLE_ADMIN = 0, SHOAL_ROLE_MODERATOR = 1, SHOAL_ROLE_USER = 2 };

/// Who asks. Append only.
struct shoal_viewer {
    enum shoal_viewer_kind kind;
    enum shoal_role role;  ///< of a user
    int64_t user_id;       ///< 0 when not a user
    int64_t account_id;
    int64_t token_id;
    bool by_cookie;        ///< the credential came in a cookie: state changes need a form token
    const char *username;  ///< NULL when not a user
    const char *actor_url; ///< of a remote actor
};

/// PeerTube's numbers.
enum shoal_privacy {
    SHOAL_PRIVACY_PUBLIC = 1,
    SHOAL_PRIVACY_UNLISTED = 2,
    SHOAL_PRIVACY_PRIVATE = 3,
    SHOAL_PRIVACY_INTERNAL = 4,
    SHOAL_PRIVACY_PASSWORD = 5,
};
/// PeerTube's numbers.
enum shoal_video_state {
    SHOAL_STATE_PUBLISHED = 1,
    SHOAL_STATE_TO_TRANSCODE = 2,
    SHOAL_STATE_TO_IMPORT = 3,
    SHOAL_STATE_WAITING_FOR_LIVE = 4,
    SHOAL_STATE_LIVE_ENDED = 5,
    SHOAL_STATE_TO_MOVE_TO_EXTERNAL = 6,
    SHOAL_STATE_TRANSCODING_FAILED = 7,
    SHOAL_STATE_MOVE_TO_EXTERNAL_FAILED = 8,
    SHOAL_STATE_TO_EDIT = 9,
    SHOAL_STATE_TO_MOVE_TO_FILE_SYSTEM = 10,
    SHOAL_STATE_MOVE_TO_FILE_SYSTEM_FAILED = 11,
    SHOAL_STATE_IMPORT_FAILED = 12,
};

/// What somebody wants to do with something; shoal_may() is the one place that knows.
enum shoal_verb {
    SHOAL_MAY_SEE = 0,      ///< read its page and JSON
    SHOAL_MAY_LIST = 1,     ///< find it in lists
    SHOAL_MAY_WATCH = 2,    ///< get its media
    SHOAL_MAY_DOWNLOAD = 3,
    SHOAL_MAY_UPDATE = 4,
    SHOAL_MAY_DELETE = 5,
    SHOAL_MAY_MODERATE = 6,
};

// Results are new references (JSON) that the caller releases, NULL or negative on an error.
// Errors: SHOAL_ENOTFOUND, SHOAL_EAUTH, SHOAL_EFORBIDDEN, SHOAL_EINVAL with the field,
// SHOAL_ECONFLICT, SHOAL_EIO. Thread: [worker]. Blocks: yes. Since: 1.0.

/// May the viewer of this call do that with the video? password: of a password video, or NULL.
SHOAL_API int shoal_may_video(struct shoal_call *call, enum shoal_verb verb, const char *id,
    const char *password, struct shoal_err *err);

// Users, tokens.

/// {client_id, client_secret} of this instance.
SHOAL_API json_t *shoal_oauth_client(struct shoal_call *call, struct shoal_err *err);
/// Logs in: {token_type, access_token, refresh_token, expires_in, refresh_token_expires_in}.
/// meta: {device, address, session (bool: a long-lived token for a page's cookie), otp}.
SHOAL_API json_t *shoal_token_grant(struct shoal_call *call, const char *username,
    const char *password, const json_t *meta, struct shoal_err *err);
SHOAL_API json_t *shoal_token_refresh(struct shoal_call *call, const char *refresh_token,
    const json_t *meta, struct shoal_err *err);
/// Ends the token of this call.
SHOAL_API int shoal_token_revoke(struct shoal_call *call, struct shoal_err *err);

/// The user of the call in the shape of GET /users/me; any user by id (administrators).
SHOAL_API json_t *shoal_user_me(struct shoal_call *call, struct shoal_err *err);
SHOAL_API json_t *shoal_user_get(struct shoal_call *call, int64_t id, struct shoal_err *err);
/// {total, data}. query: {start, count, sort, search}.
SHOAL_API json_t *shoal_user_list(struct shoal_call *call, const json_t *query,
    struct shoal_err *err);
/// fields: {username, password, email, role, displayName, videoQuota, channelName}. source: register
/// or admin. Result: {user: {id, account: {id}}}.
SHOAL_API json_t *shoal_user_create(struct shoal_call *call, const json_t *fields,
    const char *source, struct shoal_err *err);
SHOAL_API int shoal_user_update(struct shoal_call *call, int64_t id, const json_t *fields,
    struct shoal_err *err);
SHOAL_API int shoal_user_delete(struct shoal_call *call, int64_t id, struct shoal_err *err);
SHOAL_API int shoal_user_block(struct shoal_call *call, int64_t id, bool blocked,
    const char *reason, struct shoal_err *err);
/// {videoQuotaUsed, videoQuotaUsedDaily}.
SHOAL_API json_t *shoal_user_quota(struct shoal_call *call, int64_t id, struct shoal_err *err);

// Accounts and channels, by "name" or "name@host".

SHOAL_API json_t *shoal_account_get(struct shoal_call *call, const char *handle,
    struct shoal_err *err);
SHOAL_API json_t *shoal_account_list(struct shoal_call *call, const json_t *query,
    struct shoal_err *err);
SHOAL_API json_t *shoal_channel_get(struct shoal_call *call, const char *handle,
    struct shoal_err *err);
/// query: {start, count, sort, search, host, account (handle)}. Of other servers: those that are followed from
/// here; with an account all of that.
SHOAL_API json_t *shoal_channel_list(struct shoal_call *call, const json_t *query,
    struct shoal_err *err);
/// fields: {name, displayName, description, support}. Result: {videoChannel: {id}}.
SHOAL_API json_t *shoal_channel_create(struct shoal_call *call, const json_t *fields,
    struct shoal_err *err);
SHOAL_API int shoal_channel_update(struct shoal_call *call, const char *handle,
    const json_t *fields, struct shoal_err *err);
SHOAL_API int shoal_channel_delete(struct shoal_call *call, const char *handle,
    struct shoal_err *err);

/// Makes an image file the picture of the viewer's account, or of a channel; the file is copied.
/// kind: "avatar", or of a channel "banner". channel: handle, or NULL for the account. path: NULL
/// removes the picture.
///
/// Returns: {avatars: […]} or {banners: […]} as they are then, or NULL. Errors: SHOAL_EINVAL with the
/// field ("avatarfile") of a file that is no picture, SHOAL_ENOTFOUND, SHOAL_EFORBIDDEN, SHOAL_EIO.
/// Thread: [worker]. Blocks: yes. Since: 1.0.
SHOAL_API json_t *shoal_actor_image(struct shoal_call *call, const char *kind, const char *channel,
    const char *path, struct shoal_err *err);

// Videos, by number, UUID or short UUID.

/// VideoDetails. password: for a password video, or NULL.
SHOAL_API json_t *shoal_video_get(struct shoal_call *call, const char *id, const char *password,
    struct shoal_err *err);
/// {total, data} of Video. query has the names of GET /api/v1/videos (arrays for …OneOf), checked;
/// besides: account, channel (handles), mine (bool: every video of the viewer's account),
/// subscribed (bool: of the channels that the viewer subscribes to), and "policy" for nsfw: as the
/// viewer, or for who is not logged in the instance, wants it.
SHOAL_API json_t *shoal_video_list(struct shoal_call *call, const json_t *query,
    struct shoal_err *err);
/// Changes fields as PUT /videos/ID names them; null clears. Widening privacy asks video.publish.
SHOAL_API int shoal_video_update(struct shoal_call *call, const char *id, const json_t *fields,
    struct shoal_err *err);
/// The same with new pictures, as shoal_video_image() sets them (NULL: as they are): all of it, or
/// nothing.
SHOAL_API int shoal_video_update_pictured(struct shoal_call *call, const char *id,
    const json_t *fields, const char *thumbnail, const char *preview, struct shoal_err *err);
SHOAL_API int shoal_video_delete(struct shoal_call *call, const char *id, struct shoal_err *err);
/// Sets a picture of the video from an image file (the file is copied). kind: "thumbnail", "preview".
SHOAL_API int shoal_video_image(struct shoal_call *call, const char *id, const char *kind,
    const char *path, struct shoal_err *err);
/// Whether an image file could become such a picture; asked before a long upload is taken in.
SHOAL_API int shoal_video_image_check(struct shoal_call *call, const char *kind, const char *path,
    struct shoal_err *err);
/// Counts views gathered elsewhere; not an epoch.
SHOAL_API int shoal_video_views_add(struct shoal_call *call, int64_t video_id, int64_t views,
    struct shoal_err *err);
/// ffprobe's JSON of one file of a video.
SHOAL_API json_t *shoal_video_metadata(struct shoal_call *call, const char *id,
    const char *password, int64_t file_id, struct shoal_err *err);

/// {"1": "Music", …}: categories, licences, languages, privacies.
SHOAL_API json_t *shoal_constants(struct shoal_call *call, const char *what);
/// The catalog's numbers for /server/stats and nodeinfo.
SHOAL_API json_t *shoal_catalog_stats(struct shoal_call *call, struct shoal_err *err);

#endif
