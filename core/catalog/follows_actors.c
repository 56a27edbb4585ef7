// follows_actors.c - the two sides of a follow: accounts, channels and instances by number and handle.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/follows_priv.h"

SHOAL_SQL(follow_actor_by_id, "SELECT id, kind, name, host, url FROM catalog_actor WHERE id = $1");
SHOAL_SQL(follow_actor_by_handle,
    "SELECT id, kind, name, host, url FROM catalog_actor WHERE name = $1 AND host = $2");

static int actor_read(struct shoal_call *call, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, struct catalog_actor *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        *out = (struct catalog_actor){
            .id = shoal_col_i64(rows, 0),
            .kind = catalog_col_text(call, rows, 1),
            .name = catalog_col_text(call, rows, 2),
            .host = catalog_col_text(call, rows, 3),
            .url = catalog_col_text(call, rows, 4),
        };
        out->is_local = out->host[0] == '\0';
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code
           : found   ? 0
                     : shoal_fail(err, SHOAL_ENOTFOUND, "nobody has a handle like that");
}

int catalog_actor_by_id(
    struct shoal_call *call, int64_t id, struct catalog_actor *out, struct shoal_err *err)
{
    return actor_read(call, &follow_actor_by_id, SHOAL_ARGS(SHOAL_I64(id)), out, err);
}

int catalog_actor_by_handle(
    struct shoal_call *call, const char *handle, struct catalog_actor *out, struct shoal_err *err)
{
    const char *name = NULL;
    const char *host = NULL;
    int code = catalog_handle_split(call, handle, &name, &host, err);
    return code != 0 ? code
                     : actor_read(call, &follow_actor_by_handle,
                           SHOAL_ARGS(SHOAL_TEXT(name), SHOAL_TEXT(host)), out, err);
}

const char *catalog_actor_url(struct shoal_call *call, const struct catalog_actor *actor)
{
    if (!actor->is_local) {
        return actor->url == NULL ? "" : actor->url;
    }
    const char *folder = strcmp(actor->kind, "Group") == 0 ? "video-channels" : "accounts";
    return shoal_url(call, shoal_arena_printf(call->arena, "/%s/%s", folder, actor->name));
}
