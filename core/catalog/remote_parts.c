// remote_parts.c - what stands beside a video of another server: captions, chapters, storyboard.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/annotations.h>
#include "catalog/remote_draft.h"

int catalog_remote_parts_write(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const struct remote_draft *draft, struct shoal_err *err)
{
    const json_t *board = json_object_get(draft->json, "storyboard");
    int code = shoal_captions_remote_set(
        call, tx, video_id, json_object_get(draft->json, "captions"), err);
    // A draft without the word leaves the chapters: they are a document of their own, which may not
    // be read yet.
    const json_t *chapters = json_object_get(draft->json, "chapters");
    if (code == 0 && chapters != NULL) {
        code = shoal_chapters_remote_set(
            call, tx, video_id, json_is_array(chapters) ? chapters : NULL, err);
    }
    if (code != 0 || !json_is_object(board)) {
        return code == 0 ? shoal_storyboard_remote_set(call, tx, video_id, NULL, err) : code;
    }
    json_t *set = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "url", shoal_text(board, "url", ""),
        "totalWidth", (json_int_t)shoal_integer(board, "width", 0), "totalHeight",
        (json_int_t)shoal_integer(board, "height", 0), "spriteWidth",
        (json_int_t)shoal_integer(board, "tileWidth", 0), "spriteHeight",
        (json_int_t)shoal_integer(board, "tileHeight", 0), "spriteDuration",
        (json_int_t)shoal_integer(board, "tileDuration", 0));
    code = shoal_storyboard_remote_set(call, tx, video_id, set, err);
    json_decref(set);
    return code;
}
