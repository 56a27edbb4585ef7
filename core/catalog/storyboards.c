// storyboards.c - the storyboard of a video: one picture of small ones, for the seek bar.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"
#include "host/permissions.h"

SHOAL_SQL(storyboard_of,
    "SELECT name, url, width, height, tile_width, tile_height, tile_duration_s "
    "FROM catalog_storyboard WHERE video_id = $1");
SHOAL_SQL(storyboard_add,
    "INSERT INTO catalog_storyboard (video_id, name, url, width, height, tile_width, tile_height, "
    "tile_duration_s, updated) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
SHOAL_SQL(storyboard_remove, "DELETE FROM catalog_storyboard WHERE video_id = $1");

int catalog_storyboard_get(struct shoal_call *call, int64_t video_id,
    struct catalog_storyboard *out, bool *found, struct shoal_err *err)
{
    *found = false;
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &storyboard_of, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    if (shoal_rows_next(rows)) {
        *found = true;
        *out = (struct catalog_storyboard){
            .name = catalog_col_text(call, rows, 0),
            .url = catalog_col_text(call, rows, 1),
            .width = (int)shoal_col_i64(rows, 2),
            .height = (int)shoal_col_i64(rows, 3),
            .tile_width = (int)shoal_col_i64(rows, 4),
            .tile_height = (int)shoal_col_i64(rows, 5),
            .tile_duration_s = shoal_col_i64(rows, 6)};
    }
    return shoal_rows_close(rows, err);
}

const char *catalog_storyboard_name(struct shoal_call *call)
{
    char uuid[37];
    shoal_uuid_new(uuid);
    return shoal_arena_printf(call->arena, "%s.jpg", uuid);
}

int catalog_storyboard_write(struct shoal_db *tx, int64_t video_id,
    const struct catalog_storyboard *board, struct shoal_err *err)
{
    return shoal_db_exec(tx, &storyboard_add,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(board->name), SHOAL_TEXT(board->url),
            SHOAL_I64(board->width), SHOAL_I64(board->height), SHOAL_I64(board->tile_width),
            SHOAL_I64(board->tile_height), SHOAL_I64(board->tile_duration_s),
            SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

int catalog_storyboard_remove(
    struct shoal_call *call, struct shoal_db *tx, int64_t video_id, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    int code = shoal_db_exec(tx, &storyboard_remove, SHOAL_ARGS(SHOAL_I64(video_id)), NULL, err);
    code = code == 0 ? catalog_files_get(call, video_id, "storyboard", &files, &count, err) : code;
    for (size_t i = 0; i < count && code == 0; i++) {
        code = catalog_file_remove(tx, files[i].id, err);
    }
    return code == 0 ? catalog_objects_remove(tx, files, count, err) : code;
}

json_t *catalog_storyboard_json(struct shoal_call *call, const struct catalog_storyboard *board)
{
    const char *path = shoal_arena_printf(call->arena, "/lazy-static/storyboards/%s", board->name);
    return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i, s:I}", "storyboardPath", path, "fileUrl",
        shoal_url(call, path), "totalHeight", board->height, "totalWidth", board->width,
        "spriteHeight", board->tile_height, "spriteWidth", board->tile_width, "spriteDuration",
        (json_int_t)board->tile_duration_s);
}

json_t *shoal_storyboard_list(
    struct shoal_call *call, const char *id, const char *password, struct shoal_err *err)
{
    struct catalog_video video;
    struct catalog_storyboard board;
    bool found = false;
    if (shoal_permission_call(call, "read", "videos", err) != 0 ||
        catalog_video_may(call, SHOAL_MAY_SEE, id, password, &video, err) != 0 ||
        catalog_storyboard_get(call, video.id, &board, &found, err) != 0) {
        return NULL;
    }
    json_t *list = json_array();
    if (found) {
        json_array_append_new(list, catalog_storyboard_json(call, &board));
    }
    return json_pack("{s:o}", "storyboards", list);
}
