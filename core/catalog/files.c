// files.c - the table of media objects: added, listed, removed an hour later.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/catalog_priv.h"

#define FILES_MAX 256

SHOAL_SQL(files_of,
    "SELECT id, video_id, version, size_bytes, bitrate_bps, created, kind, name, mime, storage, "
    "storage_key, url, codecs, segments, metadata, resolution, width, height, fps, has_video, "
    "has_audio, is_ready, origin_url, playlist_url, metadata_url, torrent_url, magnet FROM catalog_file WHERE video_id = $1 "
    "AND (CAST($2 AS TEXT) IS NULL OR kind = CAST($2 AS TEXT)) "
    "ORDER BY resolution DESC, width, id LIMIT 256");
SHOAL_SQL(file_add,
    "INSERT INTO catalog_file (video_id, kind, version, name, mime, storage, storage_key, "
    "size_bytes, resolution, width, height, fps, bitrate_bps, codecs, has_video, has_audio, "
    "is_ready, segments, metadata, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, "
    "$11, $12, $13, $14, $15, $16, $17, $18, $19, $20) RETURNING id");
SHOAL_SQL(file_remove, "DELETE FROM catalog_file WHERE id = $1");

/// A list of hashes, or what is known of a file: of a long video it is large. False: no memory for it.
static bool large_text_of(
    struct shoal_call *call, const struct shoal_rows *rows, int column, const char **out)
{
    const char *text = shoal_col_text(rows, column);
    *out = text == NULL ? NULL : shoal_arena_try_copy(call->arena, text, strlen(text));
    return text == NULL || *out != NULL;
}

static int file_read(struct shoal_call *call, const struct shoal_rows *rows,
    struct catalog_file *out, struct shoal_err *err)
{
    *out = (struct catalog_file){
        .id = shoal_col_i64(rows, 0),
        .video_id = shoal_col_i64(rows, 1),
        .version = shoal_col_i64(rows, 2),
        .size_bytes = shoal_col_i64(rows, 3),
        .bitrate_bps = shoal_col_i64(rows, 4),
        .created_ms = shoal_col_i64(rows, 5),
        .kind = catalog_col_text(call, rows, 6),
        .name = catalog_col_text(call, rows, 7),
        .mime = catalog_col_text(call, rows, 8),
        .storage = catalog_col_text(call, rows, 9),
        .key = catalog_col_text(call, rows, 10),
        .url = catalog_col_text(call, rows, 11),
        .codecs = catalog_col_text(call, rows, 12),
        .resolution = (int)shoal_col_i64(rows, 15),
        .width = (int)shoal_col_i64(rows, 16),
        .height = (int)shoal_col_i64(rows, 17),
        .fps = (int)shoal_col_i64(rows, 18),
        .has_video = shoal_col_bool(rows, 19),
        .has_audio = shoal_col_bool(rows, 20),
        .is_ready = shoal_col_bool(rows, 21),
        .origin_url = catalog_col_text(call, rows, 22),
        .playlist_url = catalog_col_text(call, rows, 23),
        .metadata_url = catalog_col_text(call, rows, 24),
        .torrent_url = catalog_col_text(call, rows, 25),
        .magnet = catalog_col_text(call, rows, 26),
    };
    return large_text_of(call, rows, 13, &out->segments) &&
                   large_text_of(call, rows, 14, &out->metadata)
               ? 0
               : shoal_fail(err, SHOAL_EBUSY, "there is no memory for what is known of %s now",
                     out->name);
}

int catalog_files_get(struct shoal_call *call, int64_t video_id, const char *kind,
    struct catalog_file **out, size_t *count, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t room = 0;
    *count = 0;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &files_of, SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(kind)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    int code = 0;
    while (code == 0 && shoal_rows_next(rows) && *count < FILES_MAX) {
        if (*count == room) {
            struct catalog_file *more =
                shoal_arena_alloc(call->arena, (room + 16) * sizeof(struct catalog_file));
            for (size_t i = 0; i < room; i++) {
                more[i] = files[i];
            }
            files = more;
            room += 16;
        }
        code = file_read(call, rows, &files[(*count)++], err);
    }
    *out = files;
    int closed = shoal_rows_close(rows, code == 0 ? err : NULL);
    return code != 0 ? code : closed;
}

int catalog_file_add(
    struct shoal_db *tx, const struct catalog_file *file, int64_t *id, struct shoal_err *err)
{
    int64_t added = 0;
    return shoal_db_i64(tx, &file_add,
        SHOAL_ARGS(SHOAL_I64(file->video_id), SHOAL_TEXT(file->kind), SHOAL_I64(file->version),
            SHOAL_TEXT(file->name), SHOAL_TEXT(file->mime), SHOAL_TEXT(file->storage),
            SHOAL_TEXT(file->key), SHOAL_I64(file->size_bytes), SHOAL_I64(file->resolution),
            SHOAL_I64(file->width), SHOAL_I64(file->height), SHOAL_I64(file->fps),
            SHOAL_I64(file->bitrate_bps), SHOAL_TEXT(file->codecs), SHOAL_BOOL(file->has_video),
            SHOAL_BOOL(file->has_audio), SHOAL_BOOL(file->is_ready), SHOAL_TEXT(file->segments),
            SHOAL_TEXT(file->metadata), SHOAL_I64(shoal_now_ms())),
        id == NULL ? &added : id, err);
}

int catalog_file_remove(struct shoal_db *tx, int64_t id, struct shoal_err *err)
{
    return shoal_db_exec(tx, &file_remove, SHOAL_ARGS(SHOAL_I64(id)), NULL, err);
}

int catalog_objects_remove(
    struct shoal_db *tx, const struct catalog_file *files, size_t count, struct shoal_err *err)
{
    json_t *objects = json_array();
    for (size_t i = 0; i < count; i++) {
        // A picture of another server that was never fetched has no object.
        if (files[i].url == NULL && files[i].key[0] != '\0') {
            json_array_append_new(
                objects, json_pack("{s:s, s:s}", "storage", files[i].storage, "key", files[i].key));
        }
    }
    int code = 0;
    if (json_array_size(objects) > 0) {
        json_t *payload = json_pack("{s:O}", "objects", objects);
        struct shoal_job_options options = {
            .run_at_ms =
                shoal_now_ms() + catalog_setting_i64("video.delete_after", INT64_C(3600) * 1000)};
        code = shoal_job_add(NULL, tx, "core.remove", payload, &options, NULL, err);
        json_decref(payload);
    }
    json_decref(objects);
    return code;
}
