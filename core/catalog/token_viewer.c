// token_viewer.c - who has this credential: what the host asks for every request that has one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/catalog_priv.h"

#define SESSION_MS (30 * CATALOG_DAY_MS)

SHOAL_SQL(token_get,
    "SELECT t.id, t.user_id, a.id, u.role, t.is_session, t.access_expires, u.username "
    "FROM catalog_token t JOIN catalog_user u ON u.id = t.user_id "
    "JOIN catalog_account a ON a.user_id = u.id "
    "WHERE t.access_hash = $1 AND u.is_blocked = FALSE AND u.is_waiting = FALSE");
SHOAL_SQL(token_slide, "UPDATE catalog_token SET access_expires = $2 WHERE id = $1");

static int token_bad(struct shoal_err *err)
{
    return shoal_fail_api(
        err, SHOAL_EAUTH, "invalid_token", "Invalid token: access token is invalid");
}

static int token_read(
    struct shoal_call *call, const char *hash, struct catalog_cached *out, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &token_get, SHOAL_ARGS(SHOAL_TEXT(hash)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        *out = (struct catalog_cached){
            .token_id = shoal_col_i64(rows, 0),
            .user_id = shoal_col_i64(rows, 1),
            .account_id = shoal_col_i64(rows, 2),
            .role = (enum shoal_role)shoal_col_i64(rows, 3),
            .is_session = shoal_col_bool(rows, 4),
            .access_expires_ms = shoal_col_i64(rows, 5),
        };
        const char *name = shoal_col_text(rows, 6);
        memcpy(out->username, name, strnlen(name, sizeof(out->username) - 1));
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : token_bad(err);
}

struct slide {
    int64_t token_id, until_ms;
};

static int slide_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct slide *slide = arg;
    return shoal_db_exec(tx, &token_slide,
        SHOAL_ARGS(SHOAL_I64(slide->token_id), SHOAL_I64(slide->until_ms)), NULL, err);
}

// A session lives 30 days from its last use; one write a day is exact enough.
static void session_slide(struct shoal_call *call, struct catalog_cached *cached)
{
    int64_t until_ms = shoal_now_ms() + SESSION_MS;
    if (!cached->is_session || until_ms - cached->access_expires_ms < CATALOG_DAY_MS) {
        return;
    }
    struct slide slide = {cached->token_id, until_ms};
    struct shoal_err err = {0};
    if (shoal_tx(call, slide_tx, &slide, &err) == 0) {
        cached->access_expires_ms = until_ms;
    } else {
        shoal_warn("a session could not be prolonged: %s", err.text);
    }
}

int catalog_token_viewer(struct shoal_call *call, const char *token, bool by_cookie,
    struct shoal_viewer *viewer, struct shoal_err *err)
{
    if (token == NULL || token[0] == '\0' || strnlen(token, 129) > 128) {
        return token_bad(err);
    }
    char hash[65];
    catalog_token_hash(token, hash);
    struct catalog_cached cached;
    uint64_t epoch = catalog_token_cache_epoch();
    if (!catalog_token_cache_get(hash, &cached)) {
        int code = token_read(call, hash, &cached, err);
        if (code != 0) {
            return code;
        }
        if (cached.access_expires_ms > shoal_now_ms()) {
            session_slide(call, &cached);
            catalog_token_cache_put(hash, &cached, epoch);
        }
    }
    if (cached.access_expires_ms <= shoal_now_ms() || (by_cookie && !cached.is_session)) {
        return token_bad(err);
    }
    *viewer = (struct shoal_viewer){
        .kind = SHOAL_VIEWER_USER,
        .role = cached.role,
        .user_id = cached.user_id,
        .account_id = cached.account_id,
        .token_id = cached.token_id,
        .by_cookie = by_cookie,
        .username = shoal_arena_strdup(call->arena, cached.username),
    };
    return 0;
}
