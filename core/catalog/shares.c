// shares.c - who announced which video to their followers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/follows_priv.h"
#include "host/permissions.h"

#define URL_MAX 2000

SHOAL_SQL(share_add,
    "INSERT INTO catalog_share (video_id, actor_id, url, created) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (video_id, actor_id) DO UPDATE SET url = excluded.url");
SHOAL_SQL(share_drop,
    "DELETE FROM catalog_share WHERE actor_id = $1 AND url = $2 RETURNING video_id");
SHOAL_SQL(share_actor, "SELECT actor_id FROM catalog_share WHERE url = $1");
SHOAL_SQL(share_video_known, "SELECT COUNT(*) FROM catalog_video WHERE id = $1");
SHOAL_SQL(share_list, "SELECT url FROM catalog_share WHERE video_id = $1 ORDER BY id "
                      "LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)");
SHOAL_SQL(share_count, "SELECT COUNT(*) FROM catalog_share WHERE video_id = $1");

struct share {
    int64_t video_id, actor_id;
    const char *url;
};

static int relist(
    struct shoal_call *call, struct shoal_db *tx, int64_t video_id, struct shoal_err *err)
{
    bool changed = false;
    int code = catalog_followed_one(tx, video_id, &changed, err);
    return code == 0 && changed ? shoal_touch(call, tx, "catalog", err) : code;
}

static int put_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct share *share = arg;
    struct catalog_actor actor;
    struct shoal_err taken = {0};
    int64_t known = 0;
    int code = catalog_actor_by_id(call, share->actor_id, &actor, err);
    if (code == 0) {
        code = shoal_db_i64(
            tx, &share_video_known, SHOAL_ARGS(SHOAL_I64(share->video_id)), &known, err);
    }
    if (code == 0 && known == 0) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    if (code != 0) {
        return code;
    }
    code = shoal_db_exec(tx, &share_add,
        SHOAL_ARGS(SHOAL_I64(share->video_id), SHOAL_I64(share->actor_id), SHOAL_TEXT(share->url),
            SHOAL_I64(shoal_now_ms())),
        NULL, &taken);
    if (code != 0) {
        return shoal_fail(err, code, "%s",
            code == SHOAL_ECONFLICT ? "another share has this address" : taken.text);
    }
    return relist(call, tx, share->video_id, err);
}

int shoal_share_put(struct shoal_call *call, int64_t video_id, int64_t actor_id, const char *url,
    struct shoal_err *err)
{
    struct share share = {.video_id = video_id, .actor_id = actor_id, .url = url};
    int code = shoal_permission_call(call, "write", "follows", err);
    if (code == 0 && (url == NULL || url[0] == '\0' || strnlen(url, URL_MAX + 1) > URL_MAX)) {
        code = shoal_fail_field(err, "id", "a share needs an address of at most %d bytes", URL_MAX);
    }
    return code == 0 ? shoal_tx(call, put_tx, &share, err) : code;
}

static int remove_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct share *share = arg;
    int code = shoal_db_i64(tx, &share_drop,
        SHOAL_ARGS(SHOAL_I64(share->actor_id), SHOAL_TEXT(share->url)), &share->video_id, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "this actor has no share of that address");
    }
    return code == 0 ? relist(call, tx, share->video_id, err) : code;
}

int shoal_share_remove(
    struct shoal_call *call, int64_t actor_id, const char *url, struct shoal_err *err)
{
    struct share share = {.actor_id = actor_id, .url = url};
    int code = shoal_permission_call(call, "write", "follows", err);
    return code == 0 ? shoal_tx(call, remove_tx, &share, err) : code;
}

int shoal_share_actor(struct shoal_call *call, const char *url, int64_t *actor_id, struct shoal_err *err)
{
    int code = shoal_permission_call(call, "read", "follows", err);
    return code != 0 ? code
                     : shoal_db_i64(shoal_call_db(call), &share_actor, SHOAL_ARGS(SHOAL_TEXT(url)), actor_id, err);
}

json_t *shoal_share_urls(
    struct shoal_call *call, int64_t video_id, int64_t start, int64_t count, struct shoal_err *err)
{
    int64_t total = 0;
    struct shoal_db *db = shoal_call_db(call);
    if (shoal_permission_call(call, "read", "follows", err) != 0 ||
        shoal_db_i64(db, &share_count, SHOAL_ARGS(SHOAL_I64(video_id)), &total, err) != 0) {
        return NULL;
    }
    struct shoal_rows *rows = shoal_db_query(db, &share_list,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_I64(catalog_page_size(count)),
            SHOAL_I64(start < 0 ? 0 : start)),
        err);
    json_t *data = json_array();
    while (rows != NULL && shoal_rows_next(rows)) {
        json_array_append_new(data, json_string(shoal_col_text(rows, 0)));
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        json_decref(data);
        return NULL;
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}
