// remote_actors.c - finds actors of this and of other servers, as federation needs them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "base/sized.h"
#include "catalog/remote_priv.h"
#include "host/permissions.h"

// Who waits for a moderator is not there yet.
#define ACTOR_SQL                                                                                  \
    "SELECT x.id, x.kind, x.name, x.host, x.url, x.inbox_url, x.shared_inbox_url, x.outbox_url, "  \
    "x.followers_url, x.following_url, x.public_key, COALESCE(a.display_name, c.display_name), "   \
    "COALESCE(a.description, c.description), c.support, a.id, c.id, o.actor_id, "                  \
    "COALESCE(a.user_id, o.user_id), x.created, x.updated, x.needed FROM catalog_actor x "                   \
    "LEFT JOIN catalog_account a ON a.actor_id = x.id "                                            \
    "LEFT JOIN catalog_channel c ON c.actor_id = x.id "                                            \
    "LEFT JOIN catalog_account o ON o.id = c.account_id "
#define SEEN_SQL                                                                                   \
    " AND NOT EXISTS (SELECT 1 FROM catalog_user u WHERE u.id = COALESCE(a.user_id, o.user_id) "   \
    "AND u.is_waiting = TRUE)"
SHOAL_SQL(actor_by_url, ACTOR_SQL "WHERE x.url = $1 AND x.host <> ''");
SHOAL_SQL(actor_by_name, ACTOR_SQL "WHERE x.name = $1 AND x.host = $2" SEEN_SQL);
SHOAL_SQL(actor_by_id, ACTOR_SQL "WHERE x.id = $1");
SHOAL_SQL(self_known, "SELECT COUNT(*) FROM catalog_actor WHERE name = $1 AND host = ''");
SHOAL_SQL(self_account_add, "INSERT INTO catalog_account (actor_id, display_name) VALUES ($1, $2)");
SHOAL_SQL(pictures_get,
    "SELECT kind, name, mime, width, height, origin_url FROM catalog_actor_image "
    "WHERE actor_id = $1 ORDER BY kind, width, id");
SHOAL_SQL(
    actor_host, "SELECT CASE WHEN host = '' THEN 1 ELSE 0 END FROM catalog_actor WHERE id = $1");

int catalog_actor_self(struct shoal_db *tx, struct shoal_err *err)
{
    int64_t known = 0;
    int64_t actor_id = 0;
    int code = shoal_db_i64(tx, &self_known, SHOAL_ARGS(SHOAL_TEXT(CATALOG_SELF)), &known, err);
    if (code != 0 || known > 0) {
        return code;
    }
    code = catalog_actor_add(tx, "Application", CATALOG_SELF, &actor_id, err);
    return code == 0 ? shoal_db_exec(tx, &self_account_add,
                           SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_TEXT(CATALOG_SELF)), NULL, err)
                     : code;
}

static int self_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    return catalog_actor_self(tx, err);
}

// The URLs of ours are not kept: they follow from the name and the url of the instance.
static void ours_fill(struct shoal_call *call, struct shoal_actor *actor)
{
    struct shoal_arena *arena = call->arena;
    const char *folder = actor->channel_id != 0 ? "video-channels" : "accounts";
    actor->url = shoal_url(call, shoal_arena_printf(arena, "/%s/%s", folder, actor->name));
    actor->inbox_url = shoal_arena_printf(arena, "%s/inbox", actor->url);
    actor->outbox_url = shoal_arena_printf(arena, "%s/outbox", actor->url);
    actor->followers_url = shoal_arena_printf(arena, "%s/followers", actor->url);
    actor->following_url = shoal_arena_printf(arena, "%s/following", actor->url);
    actor->shared_inbox_url = shoal_url(call, "/inbox");
    actor->public_key = NULL;
}

static int actor_read(struct shoal_call *call, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, struct shoal_actor *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        *out = (struct shoal_actor){
            .id = shoal_col_i64(rows, 0),
            .kind = catalog_col_text(call, rows, 1),
            .name = catalog_col_text(call, rows, 2),
            .host = catalog_col_text(call, rows, 3),
            .url = catalog_col_text(call, rows, 4),
            .inbox_url = catalog_col_text(call, rows, 5),
            .shared_inbox_url = catalog_col_text(call, rows, 6),
            .outbox_url = catalog_col_text(call, rows, 7),
            .followers_url = catalog_col_text(call, rows, 8),
            .following_url = catalog_col_text(call, rows, 9),
            .public_key = catalog_col_text(call, rows, 10),
            .display_name = catalog_col_text(call, rows, 11),
            .description = catalog_col_text(call, rows, 12),
            .support = catalog_col_text(call, rows, 13),
            .account_id = shoal_col_i64(rows, 14),
            .channel_id = shoal_col_i64(rows, 15),
            .owner_id = shoal_col_i64(rows, 16),
            .user_id = shoal_col_i64(rows, 17),
            .created_ms = shoal_col_i64(rows, 18),
            .updated_ms = shoal_col_i64(rows, 19),
        };
        if (out->host[0] == '\0') {
            ours_fill(call, out);
        } else {
            catalog_actor_asked(out->id, shoal_col_i64(rows, 20));
        }
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "Actor not found");
}

static int named(struct shoal_call *call, const char *name, const char *host,
    struct shoal_actor *out, struct shoal_err *err)
{
    if (name == NULL || strnlen(name, 321) > 320 || strnlen(host, 321) > 320) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "Actor not found");
    }
    bool is_ours = catalog_host_ours(call, host);
    const char *at = is_ours ? "" : catalog_fold(call->arena, host);
    const char *as = is_ours ? catalog_fold(call->arena, name) : name;
    struct shoal_err mine = {0};
    int code =
        actor_read(call, &actor_by_name, SHOAL_ARGS(SHOAL_TEXT(as), SHOAL_TEXT(at)), out, &mine);
    if (code == SHOAL_ENOTFOUND && is_ours && strcmp(as, CATALOG_SELF) == 0) {
        code = shoal_tx(call, self_tx, NULL, err);
        return code == 0 ? actor_read(call, &actor_by_name,
                               SHOAL_ARGS(SHOAL_TEXT(as), SHOAL_TEXT(at)), out, err)
                         : code;
    }
    return code == 0 ? 0 : shoal_fail(err, code, "%s", mine.text);
}

// "/accounts/NAME" and "/video-channels/NAME" of this server, and nothing behind it.
static int find_ours(
    struct shoal_call *call, const char *url, struct shoal_actor *out, struct shoal_err *err)
{
    static const char *const folders[] = {"/accounts/", "/video-channels/"};
    for (int i = 0; i < 2; i++) {
        const char *base = shoal_url(call, folders[i]);
        size_t length = strlen(base);
        if (strncmp(url, base, length) != 0 || strpbrk(url + length, "/?#%@") != NULL) {
            continue;
        }
        int code = named(call, url + length, "", out, err);
        if (code == 0 && (out->channel_id != 0) != (i == 1)) {
            break;
        }
        return code;
    }
    return shoal_fail(err, SHOAL_ENOTFOUND, "Actor not found");
}

int shoal_actor_find_sized(struct shoal_call *call, const char *url, struct shoal_actor *actor,
    size_t actor_bytes, struct shoal_err *err)
{
    struct shoal_actor mine = {0};
    int code = shoal_permission_call(call, "read", "accounts", err);
    const char *host = code == 0 ? catalog_url_host(call->arena, url) : NULL;
    if (code == 0 && host == NULL) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Actor not found");
    }
    if (code == 0) {
        code = catalog_host_ours(call, host)
                   ? find_ours(call, url, &mine, err)
                   : actor_read(call, &actor_by_url, SHOAL_ARGS(SHOAL_TEXT(url)), &mine, err);
    }
    if (code == 0) {
        shoal_sized_copy(actor, actor_bytes, &mine, sizeof mine);
    }
    return code;
}

int shoal_actor_named_sized(struct shoal_call *call, const char *name, const char *host,
    struct shoal_actor *actor, size_t actor_bytes, struct shoal_err *err)
{
    struct shoal_actor mine = {0};
    int code = shoal_permission_call(call, "read", "accounts", err);
    code = code == 0 ? named(call, name, host == NULL ? "" : host, &mine, err) : code;
    if (code == 0) {
        shoal_sized_copy(actor, actor_bytes, &mine, sizeof mine);
    }
    return code;
}

int catalog_actor_read(
    struct shoal_call *call, int64_t id, struct shoal_actor *out, struct shoal_err *err)
{
    return actor_read(call, &actor_by_id, SHOAL_ARGS(SHOAL_I64(id)), out, err);
}

int shoal_actor_get_sized(struct shoal_call *call, int64_t id, struct shoal_actor *actor,
    size_t actor_bytes, struct shoal_err *err)
{
    struct shoal_actor mine = {0};
    int code = shoal_permission_call(call, "read", "accounts", err);
    code = code == 0 ? catalog_actor_read(call, id, &mine, err) : code;
    if (code == 0) {
        shoal_sized_copy(actor, actor_bytes, &mine, sizeof mine);
    }
    return code;
}

json_t *shoal_actor_pictures(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    static const char *const lists[] = {"", "avatars", "banners"};
    int64_t is_ours = 0;
    if (shoal_permission_call(call, "read", "accounts", err) != 0 ||
        shoal_db_i64(shoal_call_db(call), &actor_host, SHOAL_ARGS(SHOAL_I64(id)), &is_ours, err) !=
            0) {
        return NULL;
    }
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &pictures_get, SHOAL_ARGS(SHOAL_I64(id)), err);
    if (rows == NULL) {
        return NULL;
    }
    json_t *out = json_pack("{s:[], s:[]}", lists[1], lists[2]);
    while (shoal_rows_next(rows)) {
        int kind = shoal_col_i64(rows, 0) == CATALOG_BANNER ? 2 : 1;
        const char *path = shoal_arena_printf(
            call->arena, "/lazy-static/%s/%s", lists[kind], shoal_col_text(rows, 1));
        const char *origin = shoal_col_text(rows, 5);
        json_array_append_new(json_object_get(out, lists[kind]),
            json_pack("{s:s, s:s, s:I, s:I}", "url",
                origin != NULL && is_ours == 0 ? origin : shoal_url(call, path), "mime",
                shoal_col_text(rows, 2), "width", (json_int_t)shoal_col_i64(rows, 3), "height",
                (json_int_t)shoal_col_i64(rows, 4)));
    }
    if (shoal_rows_close(rows, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}
