// users_write.c - makes, changes, blocks and removes users.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_priv.h"
#include "catalog/users_priv.h"
#include "host/permissions.h"

#define EMAIL_MAX 400

SHOAL_SQL(user_set_waiting, "UPDATE catalog_user SET is_waiting = $2, updated = $3 WHERE id = $1");
SHOAL_SQL(user_set_blocked,
    "UPDATE catalog_user SET is_blocked = $2, blocked_reason = $3, updated = $4 WHERE id = $1");

bool catalog_email_valid(const char *email)
{
    size_t length = strnlen(email, EMAIL_MAX + 1);
    const char *at = strchr(email, '@');
    if (length < 3 || length > EMAIL_MAX || at == NULL || at == email || at[1] == '\0' ||
        strchr(at + 1, '@') != NULL) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)email[i];
        if (c <= ' ' || c == 0x7f || c == '<' || c == '>' || c == '"' || c == ',') {
            return false;
        }
    }
    return true;
}

static int new_read(struct shoal_call *call, const json_t *fields, struct catalog_new_user *user,
    const char **password, struct shoal_err *err)
{
    const char *email = NULL;
    int code = catalog_field_text(fields, "username", 1, 50, &user->username, err);
    if (code == 0 && !catalog_name_valid(user->username)) {
        code = shoal_fail_field(
            err, "username", "Should have a valid username (lowercase alphanumeric characters)");
    }
    if (code == 0) {
        code = catalog_field_text(
            fields, "password", CATALOG_PASSWORD_MIN, CATALOG_PASSWORD_MAX, password, err);
    }
    if (code == 0) {
        code = catalog_field_text(fields, "email", 3, EMAIL_MAX, &email, err);
    }
    if (code == 0 && !catalog_email_valid(email)) {
        code = shoal_fail_field(err, "email", "Should have a valid email");
    }
    if (code == 0 && catalog_field_has(fields, "displayName")) {
        code = catalog_field_text(fields, "displayName", 1, 120, &user->display_name, err);
    }
    if (code == 0 && catalog_field_has(fields, "channelName")) {
        user->channel = shoal_text(fields, "channelName", "");
        if (!catalog_name_valid(user->channel) || strcmp(user->channel, user->username) == 0) {
            code = shoal_fail_field(
                err, "channelName", "Should have a valid channel name that is not the user's");
        }
    }
    user->email = code == 0 ? catalog_fold(call->arena, email) : NULL;
    return code;
}

// What only administrators say: a registration that sends it is not heard (T04).
static int new_read_admin(
    const json_t *fields, struct catalog_new_user *user, struct shoal_err *err)
{
    int64_t role = SHOAL_ROLE_USER;
    int code = 0;
    if (catalog_field_has(fields, "role")) {
        code = catalog_field_i64(fields, "role", &role, err);
    }
    if (code == 0 && (role < SHOAL_ROLE_ADMIN || role > SHOAL_ROLE_USER)) {
        code = shoal_fail_field(err, "role", "Should have a valid role");
    }
    user->role = (enum shoal_role)role;
    if (code == 0 && catalog_field_has(fields, "videoQuota")) {
        code = catalog_field_i64(fields, "videoQuota", &user->quota, err);
    }
    if (code == 0 && catalog_field_has(fields, "videoQuotaDaily")) {
        code = catalog_field_i64(fields, "videoQuotaDaily", &user->quota_daily, err);
    }
    if (code == 0 && (user->quota < -1 || user->quota_daily < -1)) {
        code = shoal_fail_field(err, "videoQuota", "Should have a valid quota (-1: unlimited)");
    }
    return code;
}

struct creation {
    struct catalog_new_user user;
    const struct shoal_decision *decision; // held, or NULL
};

static int create_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct creation *creation = arg;
    int code = catalog_user_insert(call, tx, &creation->user, err);
    if (code == 0 && creation->decision != NULL) {
        char subject[32];
        snprintf(subject, sizeof(subject), "user:%lld", (long long)creation->user.user_id);
        code = shoal_held_add(tx, "user.register", subject, creation->decision, err);
    } else if (code == 0) {
        code = catalog_user_tell(call, tx, creation->user.user_id, "registered", err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int register_decide(struct shoal_call *call, const json_t *fields,
    const struct catalog_new_user *user, struct shoal_decision *decision, struct shoal_err *err)
{
    json_t *payload = json_pack("{s:s, s:s, s:s?, s:s, s:s}", "username", user->username, "email",
        user->email, "displayName", user->display_name, "reason",
        shoal_text(fields, "registrationReason", ""), "address_prefix",
        call->request == NULL ? "" : shoal_request_address_prefix(call->request));
    enum shoal_verdict verdict = shoal_fire_decide(call, "user.register", payload, decision);
    json_decref(payload);
    if (verdict == SHOAL_REFUSE) {
        return shoal_fail(err, decision->failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
            decision->sentence[0] != '\0' ? decision->sentence : "this registration was refused");
    }
    return 0;
}

json_t *shoal_user_create(
    struct shoal_call *call, const json_t *fields, const char *source, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return NULL;
    }
    bool is_admin = strcmp(source, "admin") == 0;
    struct shoal_decision decision = {0};
    struct creation creation = {
        .user = {
            .role = SHOAL_ROLE_USER,
            .quota = catalog_setting_i64("user.video_quota", -1),
            .quota_daily = catalog_setting_i64("user.video_quota_daily", -1),
        }};
    if (is_admin && !catalog_is_admin(&call->viewer)) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "only administrators make users");
        return NULL;
    }
    const char *password = NULL;
    if (new_read(call, fields, &creation.user, &password, err) != 0 ||
        (is_admin && new_read_admin(fields, &creation.user, err) != 0) ||
        (!is_admin && register_decide(call, fields, &creation.user, &decision, err) != 0)) {
        return NULL;
    }
    if (decision.verdict == SHOAL_HOLD) {
        creation.user.is_waiting = true;
        creation.decision = &decision;
    }
    char hash[128];
    if (catalog_password_hash(password, hash, err) != 0) {
        return NULL;
    }
    creation.user.password_hash = hash;
    if (shoal_tx(call, create_tx, &creation, err) != 0) {
        return NULL;
    }
    return json_pack("{s:{s:I, s:{s:I}}}", "user", "id", (json_int_t)creation.user.user_id,
        "account", "id", (json_int_t)creation.user.account_id);
}

struct change {
    int64_t user_id, by_token;
    bool is_blocked;
    const char *reason;
};

static int admit_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct change *change = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &user_set_waiting,
        SHOAL_ARGS(SHOAL_I64(change->user_id), SHOAL_BOOL(false), SHOAL_I64(shoal_now_ms())),
        &changed, err);
    return code == 0 && changed == 1
               ? catalog_user_tell(call, tx, change->user_id, "registered", err)
               : code;
}

int catalog_user_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err)
{
    (void)hook;
    (void)sentence;
    (void)arg;
    struct change change = {
        .user_id = strncmp(subject, "user:", 5) == 0 ? strtoll(subject + 5, NULL, 10) : 0};
    if (released) {
        return shoal_tx(call, admit_tx, &change, err);
    }
    struct shoal_viewer old = catalog_viewer_swap(call, catalog_viewer_system());
    int code = shoal_user_delete(call, change.user_id, err);
    catalog_viewer_swap(call, old);
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

// Administrators and the command line change anybody; moderators nobody above plain users.
int catalog_user_manage(struct shoal_call *call, int64_t id, bool self_too,
    struct catalog_user *user, struct shoal_err *err)
{
    int code = call->viewer.kind == SHOAL_VIEWER_SYSTEM ? 0 : catalog_need_user(&call->viewer, err);
    if (code != 0) {
        return code;
    }
    bool is_self = call->viewer.kind == SHOAL_VIEWER_USER && call->viewer.user_id == id;
    if (!catalog_is_staff(&call->viewer) && !(is_self && self_too)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "you may not manage users");
    }
    code = catalog_user_by_id(call, id, user, err);
    if (code == 0 && !catalog_is_admin(&call->viewer) && !is_self &&
        user->role != SHOAL_ROLE_USER) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "only administrators manage this user");
    }
    return code;
}

static int block_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct change *change = arg;
    int code = shoal_db_exec(tx, &user_set_blocked,
        SHOAL_ARGS(SHOAL_I64(change->user_id), SHOAL_BOOL(change->is_blocked),
            SHOAL_TEXT(change->reason), SHOAL_I64(shoal_now_ms())),
        NULL, err);
    if (code == 0 && change->is_blocked) {
        code = catalog_token_drop(tx, change->user_id, 0, err);
    }
    return code == 0 ? catalog_user_tell(call, tx, change->user_id,
                           change->is_blocked ? "blocked" : "unblocked", err)
                     : code;
}

int shoal_user_block(
    struct shoal_call *call, int64_t id, bool blocked, const char *reason, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct catalog_user user;
    int code = catalog_user_manage(call, id, false, &user, err);
    if (code != 0) {
        return code;
    }
    if (user.role == SHOAL_ROLE_ADMIN && blocked) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "an administrator cannot be blocked");
    }
    struct change change = {.user_id = id,
        .is_blocked = blocked,
        .reason = reason == NULL ? NULL : shoal_arena_strndup(call->arena, reason, 250)};
    code = shoal_tx(call, block_tx, &change, err);
    catalog_token_cache_forget(id, 0);
    if (code == 0 && blocked) {
        char subject[32];
        snprintf(subject, sizeof(subject), "u:%lld", (long long)id);
        catalog_media_revoke(subject, shoal_now_ms());
    }
    return code;
}
