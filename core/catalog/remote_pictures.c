// remote_pictures.c - which pictures an actor of another server has: known by their URLs, fetched
// later.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/remote_priv.h"

#define PICTURES_MAX 3
#define SIDE_MAX     8192

SHOAL_SQL(remote_pictures_get, "SELECT origin_url FROM catalog_actor_image "
                               "WHERE actor_id = $1 AND kind = $2 ORDER BY width, id");
SHOAL_SQL(remote_pictures_objects, "SELECT storage, storage_key FROM catalog_actor_image "
                                   "WHERE actor_id = $1 AND kind = $2 AND storage_key <> ''");
SHOAL_SQL(
    remote_pictures_clear, "DELETE FROM catalog_actor_image WHERE actor_id = $1 AND kind = $2");
SHOAL_SQL(remote_picture_add,
    "INSERT INTO catalog_actor_image (actor_id, kind, name, mime, storage, storage_key, "
    "size_bytes, "
    "width, height, created, origin_url) VALUES ($1, $2, $3, $4, '', '', 0, $5, $6, $7, $8)");

size_t catalog_remote_pictures_read(
    struct shoal_arena *arena, const json_t *list, struct catalog_remote_picture *out, size_t room)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list) && i < 32; i++) {
        const json_t *item = json_array_get(list, i);
        const char *url = shoal_text(item, "url", NULL);
        int64_t width = shoal_integer(item, "width", 0);
        int64_t height = shoal_integer(item, "height", 0);
        width = width < 0 || width > SIDE_MAX ? 0 : width;
        height = height < 0 || height > SIDE_MAX ? 0 : height;
        // They may lie elsewhere than the actor: many servers keep them in an object storage.
        if (catalog_url_host(arena, url) == NULL) {
            continue;
        }
        // The smallest first; of one width the first stays.
        size_t at = count;
        while (at > 0 && out[at - 1].width > width) {
            at--;
        }
        if (at > 0 && out[at - 1].width == width) {
            continue;
        }
        if (count == room) {
            // The one before the largest goes: the ends are what is shown.
            if (at >= count) {
                out[count - 1] = (struct catalog_remote_picture){
                    shoal_arena_strdup(arena, url), (int)width, (int)height};
            }
            continue;
        }
        memmove(&out[at + 1], &out[at], (count - at) * sizeof *out);
        out[at] = (struct catalog_remote_picture){
            shoal_arena_strdup(arena, url), (int)width, (int)height};
        count++;
    }
    return count;
}

// Whether the same URLs are kept already, in the same order.
static int is_same(struct shoal_db *tx, int64_t actor_id, int kind,
    const struct catalog_remote_picture *pictures, size_t count, bool *same, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        tx, &remote_pictures_get, SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(kind)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    size_t at = 0;
    *same = true;
    for (; shoal_rows_next(rows); at++) {
        const char *url = shoal_col_text(rows, 0);
        bool is_here = false;
        for (size_t i = 0; i < count; i++) {
            is_here = is_here || (url != NULL && strcmp(url, pictures[i].url) == 0);
        }
        *same = *same && is_here;
    }
    *same = *same && at == count;
    return shoal_rows_close(rows, err);
}

static int objects_remove(
    struct shoal_call *call, struct shoal_db *tx, int64_t actor_id, int kind, struct shoal_err *err)
{
    struct catalog_file files[PICTURES_MAX * 4];
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(
        tx, &remote_pictures_objects, SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(kind)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (count < sizeof files / sizeof files[0] && shoal_rows_next(rows)) {
        files[count++] = (struct catalog_file){
            .storage = catalog_col_text(call, rows, 0),
            .key = catalog_col_text(call, rows, 1)};
    }
    int code = shoal_rows_close(rows, err);
    return code == 0 ? catalog_objects_remove(tx, files, count, err) : code;
}

static int kind_write(struct shoal_call *call, struct shoal_db *tx, int64_t actor_id, int kind,
    const struct catalog_remote_picture *pictures, size_t count, struct shoal_err *err)
{
    int code = objects_remove(call, tx, actor_id, kind, err);
    if (code == 0) {
        code = shoal_db_exec(tx, &remote_pictures_clear,
            SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(kind)), NULL, err);
    }
    for (size_t i = 0; i < count && code == 0; i++) {
        char uuid[37];
        shoal_uuid_new(uuid);
        code = shoal_db_exec(tx, &remote_picture_add,
            SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(kind),
                SHOAL_TEXT(shoal_arena_printf(call->arena, "%s.jpg", uuid)),
                SHOAL_TEXT("image/jpeg"), SHOAL_I64(pictures[i].width),
                SHOAL_I64(pictures[i].height), SHOAL_I64(shoal_now_ms()),
                SHOAL_TEXT(pictures[i].url)),
            NULL, err);
    }
    return code;
}

int catalog_remote_actor_pictures(struct shoal_call *call, struct shoal_db *tx, int64_t actor_id,
    const json_t *pictures, bool *is_changed, struct shoal_err *err)
{
    static const struct {
        const char *list;
        int kind;
    } kinds[] = {{"avatars", CATALOG_AVATAR}, {"banners", CATALOG_BANNER}};
    int code = 0;
    for (int i = 0; i < 2 && code == 0; i++) {
        struct catalog_remote_picture found[PICTURES_MAX];
        bool same = false;
        size_t count = catalog_remote_pictures_read(
            call->arena, json_object_get(pictures, kinds[i].list), found, PICTURES_MAX);
        code = is_same(tx, actor_id, kinds[i].kind, found, count, &same, err);
        if (code == 0 && !same) {
            code = kind_write(call, tx, actor_id, kinds[i].kind, found, count, err);
            *is_changed = true;
        }
    }
    return code;
}
