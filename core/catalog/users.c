// users.c - finds users, and makes the rows that one is born with: user, account, channel.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/catalog_priv.h"

#define USER_SQL                                                                                   \
    "SELECT u.id, a.id, u.username, u.email, u.password, u.blocked_reason, u.settings, u.role, "   \
    "u.video_quota, u.video_quota_daily, u.last_login, u.created, u.is_blocked, u.is_waiting, "    \
    "u.is_email_verified FROM catalog_user u JOIN catalog_account a ON a.user_id = u.id "

SHOAL_SQL(user_by_id, USER_SQL "WHERE u.id = $1");
SHOAL_SQL(user_by_name, USER_SQL "WHERE u.username = $1 OR u.email = $1 ORDER BY u.id LIMIT 1");
SHOAL_SQL(actor_add,
    "INSERT INTO catalog_actor (kind, name, created, updated) VALUES ($1, $2, $3, $3) "
    "RETURNING id");
SHOAL_SQL(user_add,
    "INSERT INTO catalog_user (username, email, password, role, video_quota, video_quota_daily, "
    "is_waiting, created, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) RETURNING id");
SHOAL_SQL(account_add,
    "INSERT INTO catalog_account (actor_id, user_id, display_name) VALUES ($1, $2, $3) "
    "RETURNING id");

static int user_read(struct shoal_call *call, const struct shoal_sql *sql, struct shoal_value key,
    struct catalog_user *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, &key, 1, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        *out = (struct catalog_user){
            .id = shoal_col_i64(rows, 0),
            .account_id = shoal_col_i64(rows, 1),
            .username = catalog_col_text(call, rows, 2),
            .email = catalog_col_text(call, rows, 3),
            .password = catalog_col_text(call, rows, 4),
            .blocked_reason = catalog_col_text(call, rows, 5),
            .settings = catalog_col_text(call, rows, 6),
            .role = (enum shoal_role)shoal_col_i64(rows, 7),
            .video_quota = shoal_col_i64(rows, 8),
            .video_quota_daily = shoal_col_i64(rows, 9),
            .last_login_ms = shoal_col_i64(rows, 10),
            .created_ms = shoal_col_i64(rows, 11),
            .is_blocked = shoal_col_bool(rows, 12),
            .is_waiting = shoal_col_bool(rows, 13),
            .is_email_verified = shoal_col_bool(rows, 14),
        };
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "User not found");
}

int catalog_user_by_id(
    struct shoal_call *call, int64_t id, struct catalog_user *out, struct shoal_err *err)
{
    return user_read(call, &user_by_id, SHOAL_I64(id), out, err);
}

int catalog_user_by_name(
    struct shoal_call *call, const char *name, struct catalog_user *out, struct shoal_err *err)
{
    return user_read(call, &user_by_name, SHOAL_TEXT(catalog_fold(call->arena, name)), out, err);
}

int catalog_actor_add(
    struct shoal_db *tx, const char *kind, const char *name, int64_t *id, struct shoal_err *err)
{
    struct shoal_err taken = {0};
    if (strcmp(name, CATALOG_SELF) == 0 && strcmp(kind, "Application") != 0) {
        return shoal_fail(err, SHOAL_ECONFLICT, "This name is the instance's own.");
    }
    int code = shoal_db_i64(tx, &actor_add,
        SHOAL_ARGS(SHOAL_TEXT(kind), SHOAL_TEXT(name), SHOAL_I64(shoal_now_ms())), id, &taken);
    if (code == SHOAL_ECONFLICT) {
        return shoal_fail(err, code,
            "Another actor (account/channel) with this name on this instance already exists or has "
            "already existed.");
    }
    return code == 0 ? 0 : shoal_fail(err, code, "%s", taken.text);
}

int catalog_user_insert(struct shoal_call *call, struct shoal_db *tx, struct catalog_new_user *user,
    struct shoal_err *err)
{
    struct shoal_err taken = {0};
    int code = shoal_db_i64(tx, &user_add,
        SHOAL_ARGS(SHOAL_TEXT(user->username), SHOAL_TEXT(user->email),
            SHOAL_TEXT(user->password_hash), SHOAL_I64(user->role), SHOAL_I64(user->quota),
            SHOAL_I64(user->quota_daily), SHOAL_BOOL(user->is_waiting), SHOAL_I64(shoal_now_ms())),
        &user->user_id, &taken);
    if (code == SHOAL_ECONFLICT) {
        return shoal_fail(err, code, "User with this username or email already exists.");
    }
    if (code != 0) {
        return shoal_fail(err, code, "%s", taken.text);
    }
    int64_t actor_id = 0;
    code = catalog_actor_add(tx, "Person", user->username, &actor_id, err);
    const char *display = user->display_name != NULL ? user->display_name : user->username;
    if (code == 0) {
        code = shoal_db_i64(tx, &account_add,
            SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(user->user_id), SHOAL_TEXT(display)),
            &user->account_id, err);
    }
    int64_t channel_id = 0;
    if (code == 0) {
        const char *channel = user->channel != NULL ? user->channel
                                                    : shoal_arena_printf(call->arena,
                                                          "%.42s_channel", user->username);
        const char *title = user->channel != NULL ? user->channel
                                                  : shoal_arena_printf(call->arena,
                                                        "Main %.100s channel", user->username);
        code = catalog_channel_insert(
            tx, user->account_id, channel, title, NULL, NULL, &channel_id, err);
    }
    return code;
}
