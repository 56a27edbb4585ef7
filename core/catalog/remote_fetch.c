// remote_fetch.c - a picture of another server, fetched once, when it is first asked for.
//
// Looked at by the sandbox that looks at uploads, and made anew: what is served is never what was sent.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/pipeline_priv.h"
#include "catalog/remote_priv.h"

SHOAL_SQL(lazy_file, "SELECT f.id, f.origin_url, f.tries, f.tried FROM catalog_file f "
                     "WHERE f.kind = $1 AND f.name = $2 AND f.storage_key = '' "
                     "AND f.origin_url IS NOT NULL");
SHOAL_SQL(lazy_image, "SELECT i.id, i.origin_url, i.tries, i.tried FROM catalog_actor_image i "
                      "WHERE i.kind = $1 AND i.name = $2 AND i.storage_key = '' "
                      "AND i.origin_url IS NOT NULL");
SHOAL_SQL(lazy_file_failed, "UPDATE catalog_file SET tries = tries + 1, tried = $2 WHERE id = $1");
SHOAL_SQL(lazy_image_failed,
    "UPDATE catalog_actor_image SET tries = tries + 1, tried = $2 WHERE id = $1");
SHOAL_SQL(lazy_file_set,
    "UPDATE catalog_file SET storage = $2, storage_key = $3, size_bytes = $4, width = $5, "
    "height = $6 WHERE id = $1 AND storage_key = ''");
SHOAL_SQL(lazy_image_set,
    "UPDATE catalog_actor_image SET storage = $2, storage_key = $3, size_bytes = $4, width = $5, "
    "height = $6 WHERE id = $1 AND storage_key = ''");

static const struct kind {
    const char *kind, *folder;
    int width, height;
    bool covers;
    int actor_kind; ///< of an actor's picture; -1: it is a video's
} kinds[] = {{"thumbnail", "thumbnails", 280, 158, false, -1},
    {"preview", "previews", 850, 480, false, -1},
    {"avatar", "avatars", 600, 600, true, CATALOG_AVATAR},
    {"banner", "banners", 1920, 317, true, CATALOG_BANNER}};

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].kind, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static int find(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err)
{
    const struct kind *kind = kind_of(far->kind);
    if (kind == NULL) {
        return SHOAL_ENOTFOUND;
    }
    bool is_actor = kind->actor_kind >= 0;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), is_actor ? &lazy_image : &lazy_file,
            SHOAL_ARGS(is_actor ? SHOAL_I64(kind->actor_kind) : SHOAL_TEXT(far->kind),
                SHOAL_TEXT(far->name)),
            err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        far->id = shoal_col_i64(rows, 0);
        far->url = catalog_col_text(call, rows, 1);
        far->tries = shoal_col_i64(rows, 2);
        far->tried_ms = shoal_col_i64(rows, 3);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : SHOAL_ENOTFOUND;
}

static int failed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct catalog_far *far = arg;
    return shoal_db_exec(tx,
        kind_of(far->kind)->actor_kind >= 0 ? &lazy_image_failed : &lazy_file_failed,
        SHOAL_ARGS(SHOAL_I64(far->id), SHOAL_I64(shoal_now_ms())), NULL, err);
}

// Who was faster stays; what comes second, or when the row is gone, is thrown away.
static int set_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct catalog_far *far = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx,
        kind_of(far->kind)->actor_kind >= 0 ? &lazy_image_set : &lazy_file_set,
        SHOAL_ARGS(SHOAL_I64(far->id), SHOAL_TEXT(far->file.storage), SHOAL_TEXT(far->file.key),
            SHOAL_I64(far->file.size_bytes), SHOAL_I64(far->file.width),
            SHOAL_I64(far->file.height)),
        &changed, err);
    if (code == 0 && changed == 0) {
        return catalog_objects_remove(tx, &far->file, 1, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static int look(struct shoal_call *call, struct catalog_far *far, const char *path,
    const char *work, struct shoal_err *err)
{
    json_t *probe = NULL;
    const struct kind *kind = kind_of(far->kind);
    struct shoal_image image = {
        .width = kind->width, .height = kind->height, .covers = kind->covers};
    int code = catalog_picture_probe(call, path, &probe, err);
    code = code == 0 ? catalog_pictures_make(call, path, probe, work, &image, 1, err) : code;
    json_decref(probe);
    far->made = image.path;
    far->file.width = image.out_width;
    far->file.height = image.out_height;
    // A picture that brings the program down which reads it does so each time.
    return code == SHOAL_EIO ? SHOAL_EUNREADABLE : code;
}

static int store(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err)
{
    char uuid[37];
    shoal_uuid_new(uuid);
    far->file = (struct catalog_file){.kind = far->kind,
        .name = far->name,
        .mime = "image/jpeg",
        .key = shoal_arena_printf(call->arena, "%s/%s.jpg", kind_of(far->kind)->folder, uuid),
        .size_bytes = catalog_size_of(far->made),
        .width = far->file.width,
        .height = far->file.height};
    int code = catalog_store_file(call, NULL, &far->file, far->made, err);
    return code == 0 ? catalog_stored_tx(call, &far->file, 1, set_tx, far, err) : code;
}

int catalog_remote_fetch(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_err *err)
{
    static const struct catalog_far_type type = {.bounds = CATALOG_FAR_PICTURE,
        .find = find, .look = look, .store = store, .failed_tx = failed_tx};
    return catalog_far_bring(call, &type, kind, name, err);
}
