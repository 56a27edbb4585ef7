// remote_files.c - files, playlist and pictures of a video of another server, as rows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/remote_draft.h"

#define THUMBNAIL_WIDTH 200 ///< what is smaller is not taken where there is more

SHOAL_SQL(remote_file_add,
    "INSERT INTO catalog_file (video_id, kind, variant, name, mime, storage, storage_key, url, "
    "size_bytes, resolution, width, height, fps, has_video, has_audio, playlist_url, metadata_url, "
    "torrent_url, magnet, created) VALUES ($1, $2, $3, $4, $5, '', '', $6, $7, $8, $9, $10, $11, "
    "$12, "
    "$13, $14, $15, $16, $17, $18)");
SHOAL_SQL(remote_image_add,
    "INSERT INTO catalog_file (video_id, kind, name, mime, storage, storage_key, width, height, "
    "created, origin_url) VALUES ($1, $2, $3, 'image/jpeg', '', '', $4, $5, $6, $7)");
SHOAL_SQL(remote_playlist_get,
    "SELECT COUNT(*) FROM catalog_playlist WHERE video_id = $1 AND kind = 1 AND "
    "COALESCE(url, '') = COALESCE(CAST($2 AS TEXT), '') AND "
    "COALESCE(sha256_url, '') = COALESCE(CAST($3 AS TEXT), '')");
SHOAL_SQL(remote_playlist_clear, "DELETE FROM catalog_playlist WHERE video_id = $1 AND kind = 1");
SHOAL_SQL(remote_playlist_add,
    "INSERT INTO catalog_playlist (video_id, kind, url, sha256_url, created, updated) "
    "VALUES ($1, 1, $2, $3, $4, $4)");

static bool text_same(const char *text, const char *other)
{
    return strcmp(text == NULL ? "" : text, other == NULL ? "" : other) == 0;
}

static bool file_same(const struct catalog_file *row, const struct remote_file *file)
{
    return strcmp(row->kind, file->kind) == 0 && text_same(row->url, file->url) &&
           row->resolution == file->resolution && row->width == file->width &&
           row->height == file->height && row->fps == file->fps &&
           row->size_bytes == file->size_bytes && row->has_video == file->has_video &&
           row->has_audio == file->has_audio && text_same(row->playlist_url, file->playlist_url) &&
           text_same(row->metadata_url, file->metadata_url) &&
           text_same(row->torrent_url, file->torrent_url) && text_same(row->magnet, file->magnet);
}

static int file_add(struct shoal_call *call, struct shoal_db *tx, int64_t video_id, size_t index,
    const struct remote_file *file, struct shoal_err *err)
{
    char uuid[37];
    shoal_uuid_new(uuid);
    // Rows of one resolution are told apart by their place.
    const char *variant = shoal_arena_printf(call->arena, "remote-%zu", index);
    return shoal_db_exec(tx, &remote_file_add,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(file->kind), SHOAL_TEXT(variant),
            SHOAL_TEXT(uuid), SHOAL_TEXT(file->mime), SHOAL_TEXT(file->url),
            SHOAL_I64(file->size_bytes), SHOAL_I64(file->resolution), SHOAL_I64(file->width),
            SHOAL_I64(file->height), SHOAL_I64(file->fps), SHOAL_BOOL(file->has_video),
            SHOAL_BOOL(file->has_audio), SHOAL_TEXT(file->playlist_url),
            SHOAL_TEXT(file->metadata_url), SHOAL_TEXT(file->torrent_url), SHOAL_TEXT(file->magnet),
            SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

// Rows that are still right keep their numbers: clients have them in their addresses.
static int media_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct remote_draft *draft, bool *has_changed, struct shoal_err *err)
{
    struct catalog_file *rows = NULL;
    size_t count = 0;
    bool is_kept[REMOTE_FILES_MAX] = {false};
    int code = catalog_files_get(call, video_id, NULL, &rows, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        bool is_media =
            strcmp(rows[i].kind, "web_video") == 0 || strcmp(rows[i].kind, "hls_media") == 0;
        bool is_there = false;
        for (size_t k = 0; k < draft->file_count && is_media && !is_there; k++) {
            is_there = !is_kept[k] && file_same(&rows[i], &draft->files[k]);
            is_kept[k] = is_kept[k] || is_there;
        }
        if (is_media && !is_there) {
            *has_changed = true;
            code = catalog_file_remove(tx, rows[i].id, err);
        }
    }
    for (size_t k = 0; k < draft->file_count && code == 0; k++) {
        if (!is_kept[k]) {
            *has_changed = true;
            code = file_add(call, tx, video_id, k, &draft->files[k], err);
        }
    }
    return code;
}

static int playlist_write(struct shoal_db *tx, int64_t video_id, const struct remote_draft *draft,
    bool *has_changed, struct shoal_err *err)
{
    struct shoal_value id = SHOAL_I64(video_id);
    struct shoal_value url = SHOAL_TEXT(draft->playlist_url);
    struct shoal_value sha256 = SHOAL_TEXT(draft->sha256_url);
    int64_t same = 0;
    int64_t removed = 0;
    int code = shoal_db_i64(tx, &remote_playlist_get, SHOAL_ARGS(id, url, sha256), &same, err);
    if (code != 0 || (same > 0 && draft->playlist_url != NULL)) {
        return code;
    }
    code = shoal_db_exec(tx, &remote_playlist_clear, SHOAL_ARGS(id), &removed, err);
    if (code == 0 && draft->playlist_url != NULL) {
        code = shoal_db_exec(tx, &remote_playlist_add,
            SHOAL_ARGS(id, url, sha256, SHOAL_I64(shoal_now_ms())), NULL, err);
    }
    *has_changed = *has_changed || removed > 0 || draft->playlist_url != NULL;
    return code;
}

static int picture_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *kind, const struct catalog_remote_picture *picture, bool *has_changed,
    struct shoal_err *err)
{
    struct catalog_file *old = NULL;
    size_t count = 0;
    int code = catalog_files_get(call, video_id, kind, &old, &count, err);
    if (code != 0 ||
        (count == 1 && picture != NULL && text_same(old[0].origin_url, picture->url)) ||
        (count == 0 && picture == NULL)) {
        return code;
    }
    *has_changed = true;
    for (size_t i = 0; i < count && code == 0; i++) {
        code = catalog_file_remove(tx, old[i].id, err);
    }
    code = code == 0 ? catalog_objects_remove(tx, old, count, err) : code;
    if (code != 0 || picture == NULL) {
        return code;
    }
    char uuid[37];
    shoal_uuid_new(uuid);
    return shoal_db_exec(tx, &remote_image_add,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(kind),
            SHOAL_TEXT(shoal_arena_printf(call->arena, "%s.jpg", uuid)), SHOAL_I64(picture->width),
            SHOAL_I64(picture->height), SHOAL_I64(shoal_now_ms()), SHOAL_TEXT(picture->url)),
        NULL, err);
}

int catalog_remote_files_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct remote_draft *draft, bool *has_changed, struct shoal_err *err)
{
    // They are sorted: the smallest that is large enough is for lists, the largest for the player.
    const struct catalog_remote_picture *largest =
        draft->picture_count == 0 ? NULL : &draft->pictures[draft->picture_count - 1];
    const struct catalog_remote_picture *small = largest;
    for (size_t i = draft->picture_count; i > 0; i--) {
        if (draft->pictures[i - 1].width >= THUMBNAIL_WIDTH) {
            small = &draft->pictures[i - 1];
        }
    }
    int code = media_write(call, tx, video_id, draft, has_changed, err);
    code = code == 0 ? playlist_write(tx, video_id, draft, has_changed, err) : code;
    code =
        code == 0 ? picture_write(call, tx, video_id, "thumbnail", small, has_changed, err) : code;
    return code == 0 ? picture_write(call, tx, video_id, "preview", largest, has_changed, err)
                     : code;
}
