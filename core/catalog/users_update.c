// users_update.c - what users and administrators change of a user, and what goes with a removed
// one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_priv.h"
#include "catalog/channels_priv.h"
#include "catalog/follows_priv.h"
#include "catalog/users_priv.h"
#include "host/permissions.h"

SHOAL_SQL(user_set,
    "UPDATE catalog_user SET email = $2, password = $3, role = $4, video_quota = $5, "
    "video_quota_daily = $6, is_email_verified = $7, settings = $8, updated = $9 WHERE id = $1 "
    "AND role = $10 AND password = $11 AND email = $12 AND video_quota = $13 "
    "AND video_quota_daily = $14");
SHOAL_SQL(account_set,
    "UPDATE catalog_account SET display_name = COALESCE(CAST($2 AS TEXT), display_name), "
    "description = CASE WHEN CAST($4 AS BOOLEAN) = TRUE THEN CAST($3 AS TEXT) ELSE description END "
    "WHERE id = $1");
SHOAL_SQL(account_videos,
    "SELECT v.uuid FROM catalog_video v JOIN catalog_channel c ON c.id = v.channel_id "
    "WHERE c.account_id = $1 LIMIT 1");
SHOAL_SQL(account_actors_remove,
    "DELETE FROM catalog_actor WHERE id IN (SELECT c.actor_id FROM catalog_channel c "
    "WHERE c.account_id = $1) OR id IN (SELECT a.actor_id FROM catalog_account a WHERE a.id = $1)");
SHOAL_SQL(account_channel_next,
    "SELECT id FROM catalog_channel WHERE account_id = $1 AND id > $2 ORDER BY id LIMIT 1");
SHOAL_SQL(user_remove, "DELETE FROM catalog_user WHERE id = $1");

struct update {
    struct catalog_user user;
    struct catalog_user was; // what was read; nobody's change of it is undone
    const char *display_name, *description;
    bool has_description, drops_tokens;
    int64_t but_token;
};

// Settings that users make for themselves, by the JSON type that they must have.
static const struct {
    const char *key;
    json_type type;
} own_settings[] = {
    {"nsfwPolicy", JSON_STRING},
    {"nsfwFlagsDisplayed", JSON_INTEGER},
    {"nsfwFlagsHidden", JSON_INTEGER},
    {"nsfwFlagsBlurred", JSON_INTEGER},
    {"nsfwFlagsWarned", JSON_INTEGER},
    {"autoPlayVideo", JSON_TRUE},
    {"autoPlayNextVideo", JSON_TRUE},
    {"autoPlayNextVideoPlaylist", JSON_TRUE},
    {"p2pEnabled", JSON_TRUE},
    {"videosHistoryEnabled", JSON_TRUE},
    {"videoLanguages", JSON_ARRAY},
    {"language", JSON_STRING},
    {"theme", JSON_STRING},
    {"noInstanceConfigWarningModal", JSON_TRUE},
    {"noWelcomeModal", JSON_TRUE},
    {"noAccountSetupWarningModal", JSON_TRUE},
    {"emailPublic", JSON_TRUE},
    {"notificationSettings", JSON_OBJECT},
};

static bool policy_known(const char *policy)
{
    return strcmp(policy, "do_not_list") == 0 || strcmp(policy, "warn") == 0 ||
           strcmp(policy, "blur") == 0 || strcmp(policy, "display") == 0;
}

static int settings_merge(
    struct shoal_call *call, const json_t *fields, struct update *update, struct shoal_err *err)
{
    json_t *stored = shoal_json_parse(update->user.settings, strlen(update->user.settings), NULL);
    if (stored == NULL) {
        stored = json_object();
    }
    int code = 0;
    for (size_t i = 0; i < sizeof(own_settings) / sizeof(own_settings[0]) && code == 0; i++) {
        const char *key = own_settings[i].key;
        json_t *value = json_object_get(fields, key);
        bool flag = false;
        if (value == NULL || json_is_null(value)) {
            continue;
        }
        if (own_settings[i].type == JSON_TRUE) {
            code = catalog_field_bool(fields, key, &flag, err);
            json_object_set_new(stored, key, json_boolean(flag));
        } else if (json_typeof(value) != own_settings[i].type) {
            code = shoal_fail_field(err, key, "%s is of another type", key);
        } else {
            json_object_set(stored, key, value);
        }
    }
    if (code == 0 && !policy_known(shoal_text(stored, "nsfwPolicy", "blur"))) {
        code = shoal_fail_field(err, "nsfwPolicy", "Should have a valid NSFW policy");
    }
    char *text = json_dumps(stored, JSON_COMPACT);
    json_decref(stored);
    if (code == 0 && (text == NULL || strlen(text) > 16 * 1024)) {
        code = shoal_fail_field(err, "notificationSettings", "these settings are too long");
    }
    update->user.settings = code == 0 ? shoal_arena_strdup(call->arena, text) : NULL;
    free(text);
    return code;
}

static int credentials_read(struct shoal_call *call, const json_t *fields, bool is_self,
    struct update *update, struct shoal_err *err)
{
    bool changes = catalog_field_has(fields, "password") || catalog_field_has(fields, "email");
    if (!changes) {
        return 0;
    }
    // Whoever holds a stolen token must not be able to lock its owner out.
    if (is_self &&
        !catalog_password_check(update->user.password, shoal_text(fields, "currentPassword", ""))) {
        return shoal_fail_api(
            err, SHOAL_EAUTH, "current_password_is_invalid", "currentPassword is invalid.");
    }
    int code = 0;
    if (catalog_field_has(fields, "email")) {
        const char *email = NULL;
        code = catalog_field_text(fields, "email", 3, 400, &email, err);
        if (code == 0 && !catalog_email_valid(email)) {
            code = shoal_fail_field(err, "email", "Should have a valid email");
        }
        if (code == 0) {
            update->user.email = catalog_fold(call->arena, email);
            update->user.is_email_verified = false;
        }
    }
    const char *password = NULL;
    if (code == 0 && catalog_field_has(fields, "password")) {
        code = catalog_field_text(
            fields, "password", CATALOG_PASSWORD_MIN, CATALOG_PASSWORD_MAX, &password, err);
    }
    if (code == 0 && password != NULL) {
        char *hash = shoal_arena_alloc(call->arena, 128);
        code = catalog_password_hash(password, hash, err);
        update->user.password = hash;
        update->drops_tokens = true;
        update->but_token = is_self ? call->viewer.token_id : 0;
    }
    return code;
}

static int profile_read(const json_t *fields, struct update *update, struct shoal_err *err)
{
    int code = 0;
    if (catalog_field_has(fields, "displayName")) {
        code = catalog_field_text(fields, "displayName", 1, 120, &update->display_name, err);
    }
    update->has_description = json_object_get(fields, "description") != NULL;
    if (code == 0 && catalog_field_has(fields, "description")) {
        code = catalog_field_text(fields, "description", 0, 1000, &update->description, err);
        if (code == 0 && update->description[0] == '\0') {
            update->description = NULL;
        }
    }
    return code;
}

static int admin_read(
    struct shoal_call *call, const json_t *fields, struct update *update, struct shoal_err *err)
{
    struct catalog_user *user = &update->user;
    int64_t role = user->role;
    int code = 0;
    if (catalog_field_has(fields, "videoQuota")) {
        code = catalog_field_i64(fields, "videoQuota", &user->video_quota, err);
    }
    if (code == 0 && catalog_field_has(fields, "videoQuotaDaily")) {
        code = catalog_field_i64(fields, "videoQuotaDaily", &user->video_quota_daily, err);
    }
    if (code == 0 && catalog_field_has(fields, "role")) {
        code = catalog_field_i64(fields, "role", &role, err);
    }
    if (code == 0 && catalog_field_has(fields, "emailVerified")) {
        code = catalog_field_bool(fields, "emailVerified", &user->is_email_verified, err);
    }
    if (code == 0 && (user->video_quota < -1 || user->video_quota_daily < -1)) {
        code = shoal_fail_field(err, "videoQuota", "Should have a valid quota (-1: unlimited)");
    }
    if (code == 0 && (role < SHOAL_ROLE_ADMIN || role > SHOAL_ROLE_USER)) {
        code = shoal_fail_field(err, "role", "Should have a valid role");
    }
    if (code == 0 && role != (int64_t)user->role && !catalog_is_admin(&call->viewer)) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "only administrators change roles");
    }
    if (code == 0 && role != (int64_t)user->role) {
        user->role = (enum shoal_role)role;
        update->drops_tokens = true;
    }
    return code;
}

static int update_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct update *update = arg;
    const struct catalog_user *user = &update->user;
    const struct catalog_user *was = &update->was;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &user_set,
        SHOAL_ARGS(SHOAL_I64(user->id), SHOAL_TEXT(user->email), SHOAL_TEXT(user->password),
            SHOAL_I64(user->role), SHOAL_I64(user->video_quota), SHOAL_I64(user->video_quota_daily),
            SHOAL_BOOL(user->is_email_verified), SHOAL_TEXT(user->settings),
            SHOAL_I64(shoal_now_ms()), SHOAL_I64(was->role), SHOAL_TEXT(was->password),
            SHOAL_TEXT(was->email), SHOAL_I64(was->video_quota), SHOAL_I64(was->video_quota_daily)),
        &changed, err);
    if (code == 0 && changed == 0) {
        return shoal_fail(err, SHOAL_EBUSY, "this user was changed just now: please try again");
    }
    if (code == 0 && (update->display_name != NULL || update->has_description)) {
        code = shoal_db_exec(tx, &account_set,
            SHOAL_ARGS(SHOAL_I64(user->account_id), SHOAL_TEXT(update->display_name),
                SHOAL_TEXT(update->description), SHOAL_BOOL(update->has_description)),
            NULL, err);
        code = code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
    }
    if (code == 0 && update->drops_tokens) {
        code = catalog_token_drop(tx, user->id, update->but_token, err);
    }
    return code == 0 ? catalog_user_tell(call, tx, user->id, "updated", err) : code;
}

// What was signed for media goes with the tokens of its user.
static void media_end(int64_t user_id)
{
    char subject[32];
    snprintf(subject, sizeof(subject), "u:%lld", (long long)user_id);
    catalog_media_revoke(subject, shoal_now_ms());
}

int shoal_user_update(
    struct shoal_call *call, int64_t id, const json_t *fields, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct update update = {0};
    int code = catalog_user_manage(call, id, true, &update.user, err);
    update.was = update.user;
    bool is_self = call->viewer.kind == SHOAL_VIEWER_USER && call->viewer.user_id == id;
    bool as_admin = catalog_is_staff(&call->viewer) && !shoal_flag(fields, "me", false);
    if (code == 0 && as_admin) {
        code = admin_read(call, fields, &update, err);
    }
    if (code == 0) {
        code = credentials_read(call, fields, is_self, &update, err);
    }
    if (code == 0) {
        code = profile_read(fields, &update, err);
    }
    if (code == 0) {
        code = settings_merge(call, fields, &update, err);
    }
    if (code != 0) {
        return code;
    }
    struct shoal_err taken = {0};
    code = shoal_tx(call, update_tx, &update, &taken);
    if (update.drops_tokens || update.user.role != update.was.role) {
        catalog_token_cache_forget(id, 0);
    } else {
        catalog_token_cache_refresh(id);
    }
    if (code == 0 && update.drops_tokens) {
        media_end(id);
    }
    if (code == SHOAL_ECONFLICT) {
        return shoal_fail(err, code, "Another user already has this email address.");
    }
    return code == 0 ? 0 : shoal_fail(err, code, "%s", taken.text);
}

static int videos_remove(struct shoal_call *call, int64_t account_id, struct shoal_err *err)
{
    for (;;) {
        struct shoal_rows *rows = shoal_db_query(
            shoal_call_db(call), &account_videos, SHOAL_ARGS(SHOAL_I64(account_id)), err);
        if (rows == NULL) {
            return SHOAL_EIO;
        }
        const char *uuid = NULL;
        if (shoal_rows_next(rows)) {
            uuid = catalog_col_text(call, rows, 0);
        }
        int code = shoal_rows_close(rows, err);
        if (code != 0 || uuid == NULL) {
            return code;
        }
        code = catalog_video_delete(call, uuid, err);
        if (code != 0) {
            return code;
        }
    }
}

// They go with their account, and each is told of.
static int channels_tell(
    struct shoal_call *call, struct shoal_db *tx, int64_t account_id, struct shoal_err *err)
{
    int64_t id = 0;
    int code = 0;
    while (code == 0) {
        code = shoal_db_i64(tx, &account_channel_next,
            SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(id)), &id, NULL);
        code = code == 0 ? catalog_channel_tell(call, tx, id, "deleted", err) : code;
    }
    return code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "the channels cannot be read");
}

static int delete_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct catalog_user *user = arg;
    char subject[32];
    snprintf(subject, sizeof(subject), "user:%lld", (long long)user->id);
    int code = channels_tell(call, tx, user->account_id, err);
    if (code == 0) {
        code = catalog_user_tell(call, tx, user->id, "deleted", err);
    }
    if (code == 0) {
        code = shoal_held_remove(tx, "user.register", subject, err);
    }
    if (code == 0) {
        code = catalog_actor_images_remove(tx, user->account_id, 0, err);
    }
    if (code == 0) {
        code = catalog_follows_forget(call, tx, user->account_id, 0, err);
    }
    if (code == 0) {
        code = shoal_db_exec(
            tx, &account_actors_remove, SHOAL_ARGS(SHOAL_I64(user->account_id)), NULL, err);
    }
    if (code == 0) {
        code = catalog_media_end(tx, user->id, err);
    }
    if (code == 0) {
        code = shoal_db_exec(tx, &user_remove, SHOAL_ARGS(SHOAL_I64(user->id)), NULL, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

int shoal_user_delete(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct catalog_user user;
    int code = catalog_user_manage(call, id, true, &user, err);
    if (code == 0 && user.role == SHOAL_ROLE_ADMIN && strcmp(user.username, "root") == 0) {
        code = shoal_fail(err, SHOAL_EINVAL, "Cannot remove the root user");
    }
    if (code != 0) {
        return code;
    }
    struct shoal_viewer old = catalog_viewer_swap(call, catalog_viewer_system());
    code = videos_remove(call, user.account_id, err);
    if (code == 0) {
        code = shoal_tx(call, delete_tx, &user, err);
    }
    catalog_viewer_swap(call, old);
    catalog_token_cache_forget(id, 0);
    if (code == 0) {
        media_end(id);
    }
    return code;
}
