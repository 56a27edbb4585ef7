// actors.c - what accounts and channels have in common: how they are shown, and their pictures.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "catalog/channels_priv.h"
#include "catalog/pipeline_priv.h"
#include "host/permissions.h"

SHOAL_SQL(images_get, "SELECT name, width, height, created FROM catalog_actor_image "
                      "WHERE actor_id = $1 AND kind = $2 ORDER BY width, id");
SHOAL_SQL(images_objects, "SELECT storage, storage_key FROM catalog_actor_image "
                          "WHERE actor_id = $1 AND kind = $2");
SHOAL_SQL(images_objects_of,
    "SELECT i.storage, i.storage_key FROM catalog_actor_image i WHERE i.actor_id IN "
    "(SELECT c.actor_id FROM catalog_channel c WHERE c.account_id = $1 OR c.id = $2) "
    "OR i.actor_id IN (SELECT a.actor_id FROM catalog_account a WHERE a.id = $1)");
SHOAL_SQL(images_clear, "DELETE FROM catalog_actor_image WHERE actor_id = $1 AND kind = $2");
SHOAL_SQL(image_add, "INSERT INTO catalog_actor_image (actor_id, kind, name, mime, storage, "
                     "storage_key, size_bytes, "
                     "width, height, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
SHOAL_SQL(actor_of_account, "SELECT actor_id FROM catalog_account WHERE id = $1");
SHOAL_SQL(actor_of_channel, "SELECT actor_id FROM catalog_channel WHERE id = $1");
SHOAL_SQL(actor_changed, "UPDATE catalog_actor SET updated = $2 WHERE id = $1");

#define SIZES_MAX 3
// The sizes of each kind of picture, the smallest first.
static const struct {
    const char *name, *folder, *list, *field;
    size_t count;
    int width[SIZES_MAX], height[SIZES_MAX];
} kinds[] = {
    [CATALOG_AVATAR] = {"avatar", "avatars", "avatars", "avatarfile", 3, {120, 600, 1500},
        {120, 600, 1500}},
    [CATALOG_BANNER] = {"banner", "banners", "banners", "bannerfile", 2, {600, 1920}, {100, 317}},
};

json_t *catalog_actor_pack(struct shoal_call *call, const struct shoal_rows *rows,
    const char *folder, bool summary, int64_t *actor_id)
{
    const char *name = shoal_col_text(rows, 2);
    const char *host = shoal_col_text(rows, 3);
    const char *url = shoal_col_text(rows, 4);
    bool is_local = host[0] == '\0';
    if (is_local) {
        host = catalog_host(call);
        url = shoal_url(call, shoal_arena_printf(call->arena, "/%s/%s", folder, name));
    }
    *actor_id = shoal_col_i64(rows, 1);
    json_t *out = json_pack("{s:I, s:s, s:s, s:s?, s:s}", "id", (json_int_t)shoal_col_i64(rows, 0),
        "name", name, "displayName", shoal_col_text(rows, 5), "url", url, "host", host);
    if (summary) {
        return out;
    }
    json_object_set_new(out, "isLocal", json_boolean(is_local));
    json_object_set_new(out, "description", catalog_text_or_null(shoal_col_text(rows, 6)));
    json_object_set_new(out, "followersCount", json_integer(shoal_col_i64(rows, 7)));
    json_object_set_new(out, "followingCount", json_integer(shoal_col_i64(rows, 8)));
    json_object_set_new(out, "createdAt", catalog_time(shoal_col_i64(rows, 9)));
    json_object_set_new(out, "updatedAt", catalog_time(shoal_col_i64(rows, 10)));
    return out;
}

int catalog_actor_images_add(struct shoal_call *call, json_t *out, int64_t actor_id,
    enum catalog_actor_image kind, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &images_get, SHOAL_ARGS(SHOAL_I64(actor_id), SHOAL_I64(kind)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    json_t *images = json_array();
    while (shoal_rows_next(rows)) {
        const char *path = shoal_arena_printf(
            call->arena, "/lazy-static/%s/%s", kinds[kind].folder, shoal_col_text(rows, 0));
        json_array_append_new(
            images, json_pack("{s:s, s:s, s:I, s:I, s:o, s:o}", "path", path, "fileUrl",
                        shoal_url(call, path), "width", (json_int_t)shoal_col_i64(rows, 1),
                        "height", (json_int_t)shoal_col_i64(rows, 2), "createdAt",
                        catalog_time(shoal_col_i64(rows, 3)), "updatedAt",
                        catalog_time(shoal_col_i64(rows, 3))));
    }
    json_object_set_new(out, kinds[kind].list, images);
    return shoal_rows_close(rows, err);
}

// Queues the removal of the objects that a query names.
static int objects_remove(struct shoal_db *tx, const struct shoal_sql *sql, int64_t first,
    int64_t second, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(tx, sql, SHOAL_ARGS(SHOAL_I64(first), SHOAL_I64(second)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    struct shoal_arena *arena = shoal_arena_new(0);
    struct catalog_file *files = NULL;
    size_t count = 0;
    size_t room = 0;
    while (shoal_rows_next(rows)) {
        if (count == room) {
            room = room == 0 ? 64 : room * 2;
            files = shoal_realloc(files, room, sizeof *files);
        }
        files[count++] =
            (struct catalog_file){.storage = shoal_arena_strdup(arena, shoal_col_text(rows, 0)),
                .key = shoal_arena_strdup(arena, shoal_col_text(rows, 1))};
    }
    int code = shoal_rows_close(rows, err);
    code = code == 0 ? catalog_objects_remove(tx, files, count, err) : code;
    free(files);
    shoal_arena_free(arena);
    return code;
}

int catalog_actor_images_remove(
    struct shoal_db *tx, int64_t account_id, int64_t channel_id, struct shoal_err *err)
{
    return objects_remove(tx, &images_objects_of, account_id, channel_id, err);
}

struct change {
    enum catalog_actor_image kind;
    int64_t actor_id, channel_id; // channel_id 0: the viewer's account
    struct catalog_file files[SIZES_MAX];
    size_t count;
};

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct change *change = arg;
    int64_t now_ms = shoal_now_ms();
    struct shoal_value actor = SHOAL_I64(change->actor_id);
    struct shoal_value kind = SHOAL_I64(change->kind);
    int code = objects_remove(tx, &images_objects, change->actor_id, change->kind, err);
    if (code == 0) {
        code = shoal_db_exec(tx, &images_clear, SHOAL_ARGS(actor, kind), NULL, err);
    }
    for (size_t i = 0; i < change->count && code == 0; i++) {
        const struct catalog_file *file = &change->files[i];
        code = shoal_db_exec(tx, &image_add,
            SHOAL_ARGS(actor, kind, SHOAL_TEXT(file->name), SHOAL_TEXT(file->mime),
                SHOAL_TEXT(file->storage), SHOAL_TEXT(file->key), SHOAL_I64(file->size_bytes),
                SHOAL_I64(file->width), SHOAL_I64(file->height), SHOAL_I64(now_ms)),
            NULL, err);
    }
    if (code == 0) {
        code = shoal_db_exec(tx, &actor_changed, SHOAL_ARGS(actor, SHOAL_I64(now_ms)), NULL, err);
    }
    if (code == 0) {
        code = change->channel_id != 0
                   ? catalog_channel_tell(call, tx, change->channel_id, "updated", err)
                   : catalog_user_tell(call, tx, call->viewer.user_id, "updated", err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

// Makes the sizes of a picture; a small one is not made larger, and no size twice.
static int sizes_make(struct shoal_call *call, struct change *change, const char *path,
    const char *work, struct shoal_err *err)
{
    struct shoal_image images[SIZES_MAX];
    json_t *probe = NULL;
    for (size_t i = 0; i < kinds[change->kind].count; i++) {
        images[i] = (struct shoal_image){.width = kinds[change->kind].width[i],
            .height = kinds[change->kind].height[i],
            .covers = true};
    }
    int code = catalog_picture_probe(call, path, &probe, err);
    if (code == 0) {
        code =
            catalog_pictures_make(call, path, probe, work, images, kinds[change->kind].count, err);
    }
    json_decref(probe);
    for (size_t i = 0; i < kinds[change->kind].count && code == 0; i++) {
        if (i > 0 && images[i].out_width == images[i - 1].out_width) {
            break;
        }
        char uuid[37];
        shoal_uuid_new(uuid);
        struct catalog_file *file = &change->files[change->count++];
        const char *name = shoal_arena_printf(call->arena, "%s.jpg", uuid);
        *file = (struct catalog_file){.kind = kinds[change->kind].name,
            .name = name,
            .mime = "image/jpeg",
            .key = shoal_arena_printf(call->arena, "%s/%s", kinds[change->kind].folder, name),
            .size_bytes = catalog_size_of(images[i].path),
            .width = images[i].out_width,
            .height = images[i].out_height};
        code = catalog_store_file(call, NULL, file, images[i].path, err);
    }
    return code;
}

static int picture_set(
    struct shoal_call *call, struct change *change, const char *path, struct shoal_err *err)
{
    const char *work = path == NULL ? NULL : catalog_picture_work(call, NULL, err);
    int code = path != NULL && work == NULL ? err->code : 0;
    if (code == 0 && work != NULL) {
        code = sizes_make(call, change, path, work, err);
        shoal_tree_remove(work, NULL);
    }
    if (code == SHOAL_EUNREADABLE || code == SHOAL_ETOOLARGE || code == SHOAL_ETYPE) {
        return shoal_fail_field(err, kinds[change->kind].field,
            "This picture cannot be read: please choose a JPEG, PNG or WebP file");
    }
    return code == 0 ? catalog_stored_tx(call, change->files, change->count, change_tx, change, err) : code;
}

// Whose picture it is, if it is the viewer's to change.
static int actor_find(
    struct shoal_call *call, const char *channel, struct change *change, struct shoal_err *err)
{
    int64_t account_id = 0;
    int code = catalog_need_user(&call->viewer, err);
    if (code == 0 && channel != NULL) {
        code = catalog_channel_mine(call, channel, &change->channel_id, &account_id, err);
    }
    if (code != 0) {
        return code;
    }
    bool is_channel = channel != NULL;
    return shoal_db_i64(shoal_call_db(call), is_channel ? &actor_of_channel : &actor_of_account,
        SHOAL_ARGS(SHOAL_I64(is_channel ? change->channel_id : call->viewer.account_id)),
        &change->actor_id, err);
}

int64_t catalog_actor_id(struct shoal_call *call, int64_t account_id, int64_t channel_id)
{
    int64_t id = 0;
    bool is_channel = channel_id != 0;
    int code = shoal_db_i64(shoal_call_db(call), is_channel ? &actor_of_channel : &actor_of_account,
        SHOAL_ARGS(SHOAL_I64(is_channel ? channel_id : account_id)), &id, NULL);
    return code == 0 ? id : 0;
}

json_t *shoal_actor_image(struct shoal_call *call, const char *kind, const char *channel,
    const char *path, struct shoal_err *err)
{
    struct change change = {.kind = strcmp(kind, "banner") == 0 ? CATALOG_BANNER : CATALOG_AVATAR};
    if (shoal_permission_call(call, "write", channel != NULL ? "channels" : "users", err) != 0) {
        return NULL;
    }
    if (strcmp(kind, kinds[change.kind].name) != 0 ||
        (change.kind == CATALOG_BANNER && channel == NULL)) {
        shoal_fail(err, SHOAL_EINVAL, "there is no such picture: %s", kind);
        return NULL;
    }
    if (actor_find(call, channel, &change, err) != 0 ||
        picture_set(call, &change, path, err) != 0) {
        return NULL;
    }
    json_t *out = json_object();
    if (catalog_actor_images_add(call, out, change.actor_id, change.kind, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}
