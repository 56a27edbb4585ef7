// users_json.c - users as the API shows them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/catalog_priv.h"

// What users may set for themselves and what it is before they did; stored as one JSON object.
static json_t *settings_default(void)
{
    return json_pack("{s:s, s:i, s:i, s:i, s:i, s:b, s:b, s:b, s:b, s:b, s:[], s:s, s:s, s:b, s:b, "
                     "s:b, s:i, s:b}",
        "nsfwPolicy", "do_not_list", "nsfwFlagsDisplayed", 0, "nsfwFlagsHidden", 0,
        "nsfwFlagsBlurred", 0, "nsfwFlagsWarned", 0, "autoPlayVideo", 1, "autoPlayNextVideo", 0,
        "autoPlayNextVideoPlaylist", 1, "p2pEnabled", 1, "videosHistoryEnabled", 1,
        "videoLanguages", "language", "en-US", "theme", "instance-default",
        "noInstanceConfigWarningModal", 0, "noWelcomeModal", 0, "noAccountSetupWarningModal", 0,
        "newFeaturesInfoRead", 0, "emailPublic", 0);
}

static const char *const notifications[] = {"abuseAsModerator", "videoAutoBlacklistAsModerator",
    "newUserRegistration", "newVideoFromSubscription", "blacklistOnMyVideo", "myVideoPublished",
    "myVideoImportFinished", "commentMention", "newCommentOnMyVideo", "newFollow",
    "newInstanceFollower", "autoInstanceFollowing", "abuseStateChange", "abuseNewMessage",
    "newPeerTubeVersion", "newPluginVersion", "myVideoStudioEditionFinished",
    "myVideoTranscriptionGenerated"};

static const char *role_label(enum shoal_role role)
{
    switch (role) {
    case SHOAL_ROLE_ADMIN:
        return "Administrator";
    case SHOAL_ROLE_MODERATOR:
        return "Moderator";
    case SHOAL_ROLE_USER:
        break;
    }
    return "User";
}

static json_t *user_settings(const struct catalog_user *user)
{
    json_t *out = settings_default();
    json_t *stored = shoal_json_parse(user->settings, strlen(user->settings), NULL);
    json_object_update_existing(out, stored);
    json_t *notify = json_object();
    for (size_t i = 0; i < sizeof(notifications) / sizeof(notifications[0]); i++) {
        json_t *value =
            json_object_get(json_object_get(stored, "notificationSettings"), notifications[i]);
        json_object_set_new(notify, notifications[i],
            json_is_integer(value) ? json_incref(value) : json_integer(1));
    }
    json_object_set_new(out, "notificationSettings", notify);
    json_decref(stored);
    return out;
}

bool catalog_hides_nsfw(struct shoal_call *call)
{
    struct catalog_user user;
    bool is_user = call->viewer.kind == SHOAL_VIEWER_USER &&
                   catalog_user_by_id(call, call->viewer.user_id, &user, NULL) == 0;
    json_t *settings = is_user ? user_settings(&user) : NULL;
    json_t *policy = is_user ? json_incref(json_object_get(settings, "nsfwPolicy"))
                             : shoal_instance_setting("instance.nsfw_policy");
    bool hides = !json_is_string(policy) || strcmp(json_string_value(policy), "do_not_list") == 0;
    json_decref(policy);
    json_decref(settings);
    return hides;
}

json_t *catalog_user_json(
    struct shoal_call *call, const struct catalog_user *user, bool me, struct shoal_err *err)
{
    json_t *account = catalog_account_json(call, user->account_id, false, err);
    json_t *channels = account == NULL ? NULL : catalog_channels_of(call, user->account_id, err);
    if (channels == NULL) {
        json_decref(account);
        return NULL;
    }
    json_t *out = user_settings(user);
    json_object_set_new(out, "id", json_integer(user->id));
    json_object_set_new(out, "username", json_string(user->username));
    json_object_set_new(out, "email", json_string(user->email));
    json_object_set_new(out, "pendingEmail", json_null());
    json_object_set_new(out, "emailVerified", json_boolean(user->is_email_verified));
    json_object_set_new(out, "adminFlags", json_integer(0));
    json_object_set_new(out, "role", catalog_labelled(user->role, role_label(user->role)));
    json_object_set_new(out, "videoQuota", json_integer(user->video_quota));
    json_object_set_new(out, "videoQuotaDaily", json_integer(user->video_quota_daily));
    json_object_set_new(out, "account", account);
    json_object_set_new(out, "videoChannels", channels);
    json_object_set_new(out, "blocked", json_boolean(user->is_blocked));
    json_object_set_new(out, "blockedReason", catalog_text_or_null(user->blocked_reason));
    json_object_set_new(out, "createdAt", catalog_time(user->created_ms));
    json_object_set_new(out, "lastLoginDate", catalog_time(user->last_login_ms));
    json_object_set_new(out, "pluginAuth", json_null());
    json_object_set_new(out, "twoFactorEnabled", json_false());
    if (me) {
        json_object_set_new(out, "specialPlaylists", json_array());
        json_object_set_new(out, "videoChannelCollaborations", json_array());
    } else {
        int64_t used = 0;
        if (catalog_quota_used(call, user->account_id, 0, &used, NULL) == 0) {
            json_object_set_new(out, "videoQuotaUsed", json_integer(used));
        }
    }
    return out;
}

json_t *catalog_user_brief(struct shoal_call *call, int64_t user_id)
{
    struct catalog_user user;
    if (user_id == 0 || catalog_user_by_id(call, user_id, &user, NULL) != 0) {
        return NULL;
    }
    json_t *account = catalog_account_json(call, user.account_id, true, NULL);
    return json_pack("{s:I, s:s, s:s, s:{s:i, s:s}, s:b, s:o?, s:o}", "id", (json_int_t)user.id,
        "username", user.username, "email", user.email, "role", "id", (int)user.role, "label",
        role_label(user.role), "blocked", user.is_blocked, "account", account, "createdAt",
        catalog_time(user.created_ms));
}

int catalog_user_tell(struct shoal_call *call, struct shoal_db *tx, int64_t user_id,
    const char *what, struct shoal_err *err)
{
    if (!shoal_hook_heard("user.changed")) {
        return 0;
    }
    json_t *user = catalog_user_brief(call, user_id);
    int64_t actor_id = catalog_actor_id(call, shoal_integer(user, "account.id", 0), 0);
    json_t *event = json_pack("{s:o?, s:I, s:s, s:s?}", "user", user, "actorId",
        (json_int_t)actor_id, "what", what, "by", call->viewer.username);
    int code = shoal_fire_durable(tx, "user.changed", event, err);
    json_decref(event);
    return code;
}
