// beside.c - what captions, chapters and storyboards share: their tells, and the names of their files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "catalog/captions_priv.h"

SHOAL_SQL(video_stamp, "UPDATE catalog_video SET updated = $2 WHERE id = $1 "
                       "AND origin_host = ''"); // of a remote one its server says when
SHOAL_SQL(caption_rename, "UPDATE catalog_caption SET name = $2 WHERE id = $1");
SHOAL_SQL(storyboard_rename, "UPDATE catalog_storyboard SET name = $2 WHERE video_id = $1");
SHOAL_SQL(file_rename,
    "UPDATE catalog_file SET name = $4 WHERE video_id = $1 AND kind = $2 AND name = $3");

int catalog_beside_tell(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *what, json_t *was, json_t *added, json_t *removed, struct shoal_err *err)
{
    int code = shoal_db_exec(
        tx, &video_stamp, SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_I64(shoal_now_ms())), NULL, err);
    bool has_files = json_array_size(added) + json_array_size(removed) > 0;
    if (code == 0 && has_files) {
        code = catalog_video_tell(call, tx, "video.files", video_id,
            json_pack("{s:O, s:O}", "added", added, "removed", removed), err);
    }
    if (code == 0) {
        code = catalog_video_tell(call, tx, "video.changed", video_id,
            json_pack("{s:{s:O}}", "before", what, was), err);
    }
    json_decref(was);
    json_decref(added);
    json_decref(removed);
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

int catalog_named_remove(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const char *kind, const char *name, struct shoal_err *err)
{
    struct catalog_file *files = NULL;
    size_t count = 0;
    int code = catalog_files_get(call, video_id, kind, &files, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        if (strcmp(files[i].name, name) == 0) {
            code = catalog_file_remove(tx, files[i].id, err);
            code = code == 0 ? catalog_objects_remove(tx, &files[i], 1, err) : code;
        }
    }
    return code;
}

static int file_name_set(struct shoal_db *tx, int64_t video_id, const char *kind, const char *from,
    const char *to, struct shoal_err *err)
{
    return shoal_db_exec(tx, &file_rename,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(kind), SHOAL_TEXT(from), SHOAL_TEXT(to)), NULL,
        err);
}

int catalog_beside_rename(
    struct shoal_call *call, struct shoal_db *tx, int64_t video_id, struct shoal_err *err)
{
    struct catalog_caption *captions = NULL;
    struct catalog_storyboard board;
    size_t count = 0;
    bool has_board = false;
    int code = catalog_captions_get(call, video_id, &captions, &count, err);
    for (size_t i = 0; i < count && code == 0; i++) {
        const char *name = catalog_caption_name(call, captions[i].language);
        code = shoal_db_exec(tx, &caption_rename,
            SHOAL_ARGS(SHOAL_I64(captions[i].id), SHOAL_TEXT(name)), NULL, err);
        code = code == 0 ? file_name_set(tx, video_id, "caption", captions[i].name, name, err)
                         : code;
    }
    code = code == 0 ? catalog_storyboard_get(call, video_id, &board, &has_board, err) : code;
    if (code == 0 && has_board) {
        const char *name = catalog_storyboard_name(call);
        code = shoal_db_exec(tx, &storyboard_rename,
            SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_TEXT(name)), NULL, err);
        code = code == 0 ? file_name_set(tx, video_id, "storyboard", board.name, name, err) : code;
    }
    return code;
}
