// channels.c - channels: found, listed, shown.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/catalog_priv.h"
#include "catalog/channels_priv.h"
#include "catalog/follows_priv.h"
#include "host/permissions.h"

// $2: a summary, whose videos are not counted.
SHOAL_SQL(channel_get,
    "SELECT " CATALOG_ACTOR_COLUMNS("c") ", c.account_id, c.support, "
    "CASE WHEN CAST($2 AS BOOLEAN) THEN 0 ELSE (SELECT COUNT(*) FROM catalog_video v "
    "WHERE v.channel_id = c.id AND v.is_open = TRUE AND v.is_blocked = FALSE AND v.privacy = 1) "
    "END FROM catalog_channel c "
    "JOIN catalog_actor x ON x.id = c.actor_id WHERE c.id = $1");
SHOAL_SQL(channel_find,
    "SELECT c.id FROM catalog_channel c JOIN catalog_actor x ON x.id = c.actor_id "
    "WHERE x.name = $1 AND x.host = $2");
SHOAL_SQL(channel_owner,
    "SELECT c.account_id FROM catalog_channel c JOIN catalog_actor x ON x.id = c.actor_id "
    "WHERE c.id = $1 AND x.host = ''");
SHOAL_SQL(channels_of, "SELECT id FROM catalog_channel WHERE account_id = $1 ORDER BY id");

// None of a server that is hidden; of other servers those that are followed from here at least as far
// as $3 says, as with videos; of an account that is asked for ($2) all.
#define SHOWN_SQL                                                                                  \
    "AND x.is_hidden = FALSE AND (x.host = '' OR CAST($2 AS BIGINT) IS NOT NULL "                  \
    "OR EXISTS (SELECT 1 FROM catalog_follow f "                                                   \
    "JOIN catalog_actor w ON w.id = f.follower_id AND w.host = '' WHERE f.state = 2 "              \
    "AND CASE WHEN w.kind = 'Application' THEN 2 ELSE 1 END >= CAST($3 AS BIGINT) "                \
    "AND f.target_id IN (SELECT c.actor_id UNION ALL SELECT a.actor_id FROM catalog_account a "    \
    "WHERE a.id = c.account_id UNION ALL SELECT s.id FROM catalog_actor s WHERE s.host = x.host "  \
    "AND s.kind = 'Application'))) "
#define FROM_SQL                                                                                   \
    "FROM catalog_channel c JOIN catalog_actor x ON x.id = c.actor_id WHERE "                      \
    "(CAST($1 AS TEXT) IS NULL OR LOWER(c.display_name) LIKE CAST($1 AS TEXT) ESCAPE '\\' "        \
    "OR x.name LIKE CAST($1 AS TEXT) ESCAPE '\\') AND "                                            \
    "(CAST($2 AS BIGINT) IS NULL OR c.account_id = CAST($2 AS BIGINT)) AND "                       \
    "(CAST($4 AS TEXT) IS NULL OR x.host = CAST($4 AS TEXT)) " SHOWN_SQL
#define LIST_SQL(id, order)                                                                        \
    SHOAL_SQL(id, "SELECT c.id " FROM_SQL "ORDER BY " order                                        \
                  " LIMIT CAST($5 AS BIGINT) OFFSET CAST($6 AS BIGINT)")
LIST_SQL(channels_id, "c.id");
LIST_SQL(channels_id_down, "c.id DESC");
LIST_SQL(channels_name, "x.name, c.id");
LIST_SQL(channels_name_down, "x.name DESC, c.id DESC");
LIST_SQL(channels_display, "LOWER(c.display_name), c.id");
LIST_SQL(channels_display_down, "LOWER(c.display_name) DESC, c.id DESC");
LIST_SQL(channels_updated, "x.updated, c.id");
LIST_SQL(channels_updated_down, "x.updated DESC, c.id DESC");
LIST_SQL(channels_created, "x.created, c.id");
LIST_SQL(channels_created_down, "x.created DESC, c.id DESC");
SHOAL_SQL(channels_count, "SELECT COUNT(*) " FROM_SQL);

static const char *const sorts[] = {"id", "name", "updatedAt", "createdAt", "displayName", NULL};
static const struct shoal_sql *const lists[][2] = {
    {&channels_id, &channels_id_down},
    {&channels_name, &channels_name_down},
    {&channels_updated, &channels_updated_down},
    {&channels_created, &channels_created_down},
    {&channels_display, &channels_display_down},
};

static json_t *channel_pack(struct shoal_call *call, const struct shoal_rows *rows, bool summary,
    int64_t *actor_id, int64_t *account_id)
{
    json_t *out = catalog_actor_pack(call, rows, "video-channels", summary, actor_id);
    *account_id = shoal_col_i64(rows, CATALOG_ACTOR_WIDTH);
    if (!summary) {
        const char *support = shoal_col_text(rows, CATALOG_ACTOR_WIDTH + 1);
        json_object_set_new(out, "support", catalog_text_or_null(support));
        json_object_set_new(
            out, "videosCount", json_integer(shoal_col_i64(rows, CATALOG_ACTOR_WIDTH + 2)));
        json_object_set_new(out, "ownerAccountId", json_integer(*account_id));
    }
    return out;
}

static int channel_fill(struct shoal_call *call, json_t *out, bool summary, int64_t actor_id,
    int64_t account_id, struct shoal_err *err)
{
    int code = catalog_actor_images_add(call, out, actor_id, CATALOG_AVATAR, err);
    if (code != 0 || summary) {
        return code;
    }
    json_t *owner = catalog_account_json(call, account_id, false, err);
    json_object_set_new(out, "ownerAccount", owner == NULL ? json_null() : owner);
    return owner == NULL ? SHOAL_EIO
                         : catalog_actor_images_add(call, out, actor_id, CATALOG_BANNER, err);
}

json_t *catalog_channel_json(
    struct shoal_call *call, int64_t id, bool summary, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &channel_get, SHOAL_ARGS(SHOAL_I64(id), SHOAL_BOOL(summary)), err);
    if (rows == NULL) {
        return NULL;
    }
    int64_t actor_id = 0;
    int64_t account_id = 0;
    json_t *out =
        shoal_rows_next(rows) ? channel_pack(call, rows, summary, &actor_id, &account_id) : NULL;
    int code = shoal_rows_close(rows, err);
    if (code == 0 && out == NULL) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Video channel not found");
    }
    if (code == 0) {
        code = channel_fill(call, out, summary, actor_id, account_id, err);
    }
    if (code != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

int catalog_channel_find(
    struct shoal_call *call, const char *handle, int64_t *id, struct shoal_err *err)
{
    const char *name = NULL;
    const char *host = NULL;
    int code = catalog_handle_split(call, handle, &name, &host, err);
    if (code == 0) {
        code = shoal_db_i64(shoal_call_db(call), &channel_find,
            SHOAL_ARGS(SHOAL_TEXT(name), SHOAL_TEXT(host)), id, err);
    }
    return code == SHOAL_ENOTFOUND ? shoal_fail(err, code, "Video channel not found") : code;
}

json_t *shoal_channel_get(struct shoal_call *call, const char *handle, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "channels", err) != 0) {
        return NULL;
    }
    int64_t id = 0;
    return catalog_channel_find(call, handle, &id, err) == 0 &&
                   catalog_actor_may(call, handle, "Video channel not found", err) == 0
               ? catalog_channel_json(call, id, false, err)
               : NULL;
}

int catalog_channel_owned(
    struct shoal_call *call, int64_t channel_id, int64_t *account_id, struct shoal_err *err)
{
    int code = shoal_db_i64(
        shoal_call_db(call), &channel_owner, SHOAL_ARGS(SHOAL_I64(channel_id)), account_id, err);
    if (code == SHOAL_ENOTFOUND) {
        // In PeerTube's words: its clients show them as they are.
        return shoal_fail(err, SHOAL_EINVAL, "Unknown video \"video channel\" for this instance.");
    }
    if (code == 0 && !catalog_is_admin(&call->viewer) && call->viewer.account_id != *account_id) {
        return shoal_fail(err, SHOAL_EINVAL, "Unknown video \"video channel\" for this user.");
    }
    return code;
}

json_t *catalog_channels_of(struct shoal_call *call, int64_t account_id, struct shoal_err *err)
{
    int64_t ids[100];
    size_t count = 0;
    if (catalog_ids_read(shoal_call_db(call), &channels_of, SHOAL_ARGS(SHOAL_I64(account_id)), ids,
            100, &count, err) != 0) {
        return NULL;
    }
    json_t *out = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(out, catalog_channel_json(call, ids[i], false, NULL));
    }
    return out;
}

json_t *shoal_channel_list(struct shoal_call *call, const json_t *query, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "channels", err) != 0) {
        return NULL;
    }
    struct catalog_page page;
    struct shoal_value owner = SHOAL_NULL;
    struct shoal_value least = SHOAL_I64(catalog_followed_least());
    const char *handle = shoal_text(query, "account", NULL);
    if (catalog_page_read(query, sorts, "-createdAt", &page, err) != 0) {
        return NULL;
    }
    if (handle != NULL) {
        json_t *account = catalog_account_get(call, handle, err);
        if (account == NULL) {
            return NULL;
        }
        owner = SHOAL_I64(shoal_integer(account, "id", 0));
        json_decref(account);
    }
    const char *search = shoal_text(query, "search", NULL);
    const char *pattern = search == NULL ? NULL : catalog_like(call->arena, search);
    const char *host = shoal_text(query, "host", NULL);
    if (host != NULL) {
        host = strcmp(host, catalog_host(call)) == 0 ? "" : catalog_fold(call->arena, host);
    }
    int64_t total = 0;
    int64_t ids[100];
    size_t count = 0;
    struct shoal_db *db = shoal_call_db(call);
    if (shoal_db_i64(db, &channels_count, SHOAL_ARGS(SHOAL_TEXT(pattern), owner, least, SHOAL_TEXT(host)),
            &total, err) != 0) {
        return NULL;
    }
    if (catalog_ids_read(db, lists[page.sort][page.is_down],
            SHOAL_ARGS(SHOAL_TEXT(pattern), owner, least, SHOAL_TEXT(host), SHOAL_I64(page.count),
                SHOAL_I64(page.start)),
            ids, 100, &count, err) != 0) {
        return NULL;
    }
    json_t *data = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(data, catalog_channel_json(call, ids[i], false, NULL));
    }
    return json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data);
}
