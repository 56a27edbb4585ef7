// tokens.c - OAuth tokens: made, refreshed, ended. The database holds only their hashes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <string.h>

#include "catalog/catalog_priv.h"
#include "host/permissions.h"

#define TOKEN_BYTES     20                    // 40 hex characters, as PeerTube's
#define ACCESS_MS       CATALOG_DAY_MS        // unless user.token_time says otherwise
#define REFRESH_MS      (28 * CATALOG_DAY_MS) // unless user.refresh_time does
#define SESSION_MS      (30 * CATALOG_DAY_MS)
#define PASSWORD_LENGTH 1024
#define TOKENS_PER_USER 200

SHOAL_SQL(token_add,
    "INSERT INTO catalog_token (user_id, access_hash, refresh_hash, is_session, access_expires, "
    "refresh_expires, device, address, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
// The oldest go when somebody logs in without end.
SHOAL_SQL(token_trim,
    "DELETE FROM catalog_token WHERE user_id = $1 AND id NOT IN (SELECT id FROM catalog_token "
    "WHERE user_id = $1 ORDER BY id DESC LIMIT CAST($2 AS BIGINT))");
SHOAL_SQL(token_refresh_get,
    "SELECT t.id, t.user_id, t.refresh_expires, u.is_blocked FROM catalog_token t "
    "JOIN catalog_user u ON u.id = t.user_id WHERE t.refresh_hash = $1");
SHOAL_SQL(token_remove, "DELETE FROM catalog_token WHERE id = $1");
SHOAL_SQL(token_drop, "DELETE FROM catalog_token WHERE user_id = $1 AND id <> $2");
SHOAL_SQL(user_still, "SELECT COUNT(*) FROM catalog_user WHERE id = $1 AND password = $2 "
                      "AND is_blocked = FALSE AND is_waiting = FALSE");
SHOAL_SQL(user_logged_in, "UPDATE catalog_user SET last_login = $2 WHERE id = $1");

struct grant {
    int64_t user_id;
    int64_t old_token;    // of a refresh; 0: none
    const char *password; // of a log-in: the hash that it was checked against
    const char *access, *refresh;
    const char *device, *address;
    int64_t access_ms, refresh_ms; // lifetimes
    bool is_session;
};

void catalog_token_hash(const char *token, char out[65])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)token, strlen(token));
    sodium_bin2hex(out, 65, hash, sizeof(hash));
}

// What ended all tokens while this one was on its way ends it too: a refresh lost its old token by it, a
// log-in was let in by a password that is none any more, or by one whose user is blocked now.
static int still_right(struct shoal_db *tx, const struct grant *grant, struct shoal_err *err)
{
    int64_t count = 0;
    bool is_login = grant->old_token == 0;
    int code = is_login ? shoal_db_i64(tx, &user_still,
                              SHOAL_ARGS(SHOAL_I64(grant->user_id), SHOAL_TEXT(grant->password)),
                              &count, err)
                        : shoal_db_exec(tx, &token_remove,
                              SHOAL_ARGS(SHOAL_I64(grant->old_token)), &count, err);
    return code != 0 || count == 1
               ? code
               : shoal_fail_api(err, SHOAL_EINVAL, "invalid_grant", "Invalid grant: %s",
                     is_login ? "user credentials are invalid" : "refresh token is invalid");
}

static int grant_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct grant *grant = arg;
    int64_t now_ms = shoal_now_ms();
    char access[65];
    char refresh[65];
    catalog_token_hash(grant->access, access);
    catalog_token_hash(grant->refresh, refresh);
    int code = still_right(tx, grant, err);
    if (code != 0) {
        return code;
    }
    code = shoal_db_exec(tx, &token_add,
        SHOAL_ARGS(SHOAL_I64(grant->user_id), SHOAL_TEXT(access),
            grant->is_session ? SHOAL_NULL : SHOAL_TEXT(refresh), SHOAL_BOOL(grant->is_session),
            SHOAL_I64(now_ms + grant->access_ms),
            grant->is_session ? SHOAL_NULL : SHOAL_I64(now_ms + grant->refresh_ms),
            SHOAL_TEXT(grant->device), SHOAL_TEXT(grant->address), SHOAL_I64(now_ms)),
        NULL, err);
    if (code == 0) {
        code = shoal_db_exec(tx, &token_trim,
            SHOAL_ARGS(SHOAL_I64(grant->user_id), SHOAL_I64(TOKENS_PER_USER)), NULL, err);
    }
    if (code == 0 && grant->old_token == 0) {
        code = shoal_db_exec(tx, &user_logged_in,
            SHOAL_ARGS(SHOAL_I64(grant->user_id), SHOAL_I64(now_ms)), NULL, err);
    }
    if (code == 0 && grant->old_token == 0) {
        code = catalog_user_tell(call, tx, grant->user_id, "logged_in", err);
    }
    return code;
}

static json_t *grant_make(
    struct shoal_call *call, struct grant *grant, const json_t *meta, struct shoal_err *err)
{
    char access[TOKEN_BYTES * 2 + 1];
    char refresh[TOKEN_BYTES * 2 + 1];
    shoal_random_hex(access, TOKEN_BYTES);
    shoal_random_hex(refresh, TOKEN_BYTES);
    grant->access = access;
    grant->refresh = refresh;
    grant->is_session = shoal_flag(meta, "session", false);
    grant->access_ms =
        grant->is_session ? SESSION_MS : catalog_setting_i64("user.token_time", ACCESS_MS);
    grant->refresh_ms = catalog_setting_i64("user.refresh_time", REFRESH_MS);
    grant->device = shoal_arena_strndup(call->arena, shoal_text(meta, "device", ""), 255);
    grant->address = shoal_arena_strndup(call->arena, shoal_text(meta, "address", ""), 63);
    json_t *out = NULL;
    if (shoal_tx(call, grant_tx, grant, err) == 0) {
        int64_t access_s = grant->access_ms / 1000 - 1;
        out = json_pack("{s:s, s:s, s:s?, s:I}", "token_type", "Bearer", "access_token", access,
            "refresh_token", grant->is_session ? NULL : refresh, "expires_in",
            (json_int_t)access_s);
        json_object_set_new(out, "refresh_token_expires_in",
            json_integer(grant->is_session ? access_s : grant->refresh_ms / 1000 - 1));
    }
    sodium_memzero(access, sizeof(access));
    sodium_memzero(refresh, sizeof(refresh));
    return out;
}

// Why somebody with the right password may not come in all the same.
static int user_refusal(const struct catalog_user *user, struct shoal_err *err)
{
    if (user->is_blocked) {
        return shoal_fail_api(err, SHOAL_EINVAL, "account_blocked", "User is blocked.");
    }
    if (user->is_waiting) {
        return shoal_fail_api(err, SHOAL_EINVAL, "account_waiting_for_approval",
            "This account is waiting for a moderator");
    }
    return 0;
}

static int login_decide(struct shoal_call *call, const struct catalog_user *user,
    const json_t *meta, struct shoal_err *err)
{
    if (!shoal_hook_heard("user.login")) {
        return 0;
    }
    json_t *payload = json_pack("{s:o?, s:s, s:s, s:s}", "user", catalog_user_brief(call, user->id),
        "method", "password", "address_prefix",
        call->request == NULL ? "" : shoal_request_address_prefix(call->request), "device",
        shoal_text(meta, "device", ""));
    struct shoal_decision decision = {0};
    enum shoal_verdict verdict = shoal_fire_decide(call, "user.login", payload, &decision);
    json_decref(payload);
    if (verdict == SHOAL_PASS || verdict == SHOAL_ACCEPT) {
        return 0;
    }
    return shoal_fail(err, decision.failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
        decision.sentence[0] != '\0' ? decision.sentence : "logging in was refused");
}

json_t *shoal_token_grant(struct shoal_call *call, const char *username, const char *password,
    const json_t *meta, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return NULL;
    }
    struct catalog_user user = {0};
    bool is_sane = username != NULL && password != NULL && password[0] != '\0' &&
                   strnlen(username, 401) <= 400 &&
                   strnlen(password, PASSWORD_LENGTH + 1) <= PASSWORD_LENGTH;
    struct shoal_err unknown = {0};
    int code = is_sane ? catalog_user_by_name(call, username, &user, &unknown) : SHOAL_ENOTFOUND;
    if (code != 0 && code != SHOAL_ENOTFOUND) {
        shoal_fail(err, code, "%s", unknown.text);
        return NULL;
    }
    if (!catalog_password_check(code == 0 ? user.password : NULL, is_sane ? password : "")) {
        shoal_fail_api(
            err, SHOAL_EINVAL, "invalid_grant", "Invalid grant: user credentials are invalid");
        return NULL;
    }
    if (user_refusal(&user, err) != 0 || login_decide(call, &user, meta, err) != 0) {
        return NULL;
    }
    struct grant grant = {.user_id = user.id, .password = user.password};
    return grant_make(call, &grant, meta, err);
}

static int refresh_find(
    struct shoal_call *call, const char *token, struct grant *grant, struct shoal_err *err)
{
    char hash[65];
    catalog_token_hash(token, hash);
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &token_refresh_get, SHOAL_ARGS(SHOAL_TEXT(hash)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_right = false;
    bool is_blocked = false;
    if (shoal_rows_next(rows)) {
        grant->old_token = shoal_col_i64(rows, 0);
        grant->user_id = shoal_col_i64(rows, 1);
        is_right = shoal_col_i64(rows, 2) > shoal_now_ms();
        is_blocked = shoal_col_bool(rows, 3);
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && is_blocked) {
        return shoal_fail_api(err, SHOAL_EINVAL, "account_blocked", "User is blocked.");
    }
    if (code == 0 && !is_right) {
        return shoal_fail_api(
            err, SHOAL_EINVAL, "invalid_grant", "Invalid grant: refresh token is invalid");
    }
    return code;
}

json_t *shoal_token_refresh(
    struct shoal_call *call, const char *refresh_token, const json_t *meta, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return NULL;
    }
    struct grant grant = {0};
    if (refresh_token == NULL || strnlen(refresh_token, 129) > 128) {
        shoal_fail_api(
            err, SHOAL_EINVAL, "invalid_grant", "Invalid grant: refresh token is invalid");
        return NULL;
    }
    if (refresh_find(call, refresh_token, &grant, err) != 0) {
        return NULL;
    }
    json_t *out = grant_make(call, &grant, meta, err);
    if (out != NULL) {
        catalog_token_cache_forget(grant.user_id, grant.old_token);
    }
    return out;
}

static int revoke_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *token_id = arg;
    return shoal_db_exec(tx, &token_remove, SHOAL_ARGS(SHOAL_I64(*token_id)), NULL, err);
}

int shoal_token_revoke(struct shoal_call *call, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "users", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    int64_t token_id = call->viewer.token_id;
    if (token_id == 0) {
        return shoal_fail(err, SHOAL_EAUTH, "there is no token to revoke");
    }
    int code = shoal_tx(call, revoke_tx, &token_id, err);
    catalog_token_cache_forget(call->viewer.user_id, token_id);
    return code;
}

int catalog_token_drop(struct shoal_db *tx, int64_t user_id, int64_t but, struct shoal_err *err)
{
    int code = shoal_db_exec(
        tx, &token_drop, SHOAL_ARGS(SHOAL_I64(user_id), SHOAL_I64(but)), NULL, err);
    return code == 0 ? catalog_media_end(tx, user_id, err) : code;
}

json_t *shoal_oauth_client(struct shoal_call *call, struct shoal_err *err)
{
    const char *id = catalog_key_get(call, "client_id", err);
    const char *secret = id == NULL ? NULL : catalog_key_get(call, "client_secret", err);
    if (secret == NULL) {
        return NULL;
    }
    return json_pack("{s:s, s:s}", "client_id", id, "client_secret", secret);
}
