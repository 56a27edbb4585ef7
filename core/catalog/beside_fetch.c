// beside_fetch.c - captions and storyboards of remote videos: fetched when somebody asks first, then kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "catalog/captions_priv.h"
#include "catalog/remote_priv.h"

#include "base/file.h"

#define FAR_SQL(kind, table, language)                                                             \
    "SELECT video_id, url, " language ", tries, failed FROM " table " WHERE name = $1 AND url IS NOT "    \
    "NULL AND NOT EXISTS (SELECT 1 FROM catalog_file f WHERE f.kind = '" kind "' AND f.name = $1)"
SHOAL_SQL(caption_far, FAR_SQL("caption", "catalog_caption", "language"));
SHOAL_SQL(storyboard_far, FAR_SQL("storyboard", "catalog_storyboard", "''"));
SHOAL_SQL(caption_failed,
    "UPDATE catalog_caption SET tries = tries + 1, failed = $2 WHERE name = $1");
SHOAL_SQL(storyboard_failed,
    "UPDATE catalog_storyboard SET tries = tries + 1, failed = $2 WHERE name = $1");

static bool is_caption(const struct catalog_far *far)
{
    return strcmp(far->kind, "caption") == 0;
}

static int find(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call),
        is_caption(far) ? &caption_far : &storyboard_far, SHOAL_ARGS(SHOAL_TEXT(far->name)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool found = shoal_rows_next(rows);
    if (found) {
        far->id = shoal_col_i64(rows, 0);
        far->url = catalog_col_text(call, rows, 1);
        far->language = catalog_col_text(call, rows, 2);
        far->tries = shoal_col_i64(rows, 3);
        far->tried_ms = shoal_col_i64(rows, 4);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 ? code : found ? 0 : shoal_fail(err, SHOAL_ENOTFOUND, "File not found");
}

// Whether a file begins as a JPEG does.
static int jpeg_check(const char *path, struct shoal_err *err)
{
    unsigned char head[3] = {0};
    int fd = shoal_file()->open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
    ssize_t got = fd < 0 ? -1 : shoal_file()->read(fd, head, sizeof(head));
    if (fd >= 0) {
        close(fd);
    }
    return got < 0 ? shoal_file_fail(err, errno, "read", path)
           : got == 3 && head[0] == 0xff && head[1] == 0xd8 && head[2] == 0xff
               ? 0
               : shoal_fail(err, SHOAL_EUPSTREAM, "what should be a storyboard is no JPEG");
}

static int keep_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct catalog_far *far = arg;
    struct catalog_far now = {.kind = far->kind, .name = far->name};
    int code = find(call, &now, err);
    if (code == SHOAL_ENOTFOUND) {
        return catalog_objects_remove(tx, &far->file, 1, err);
    }
    if (code == 0) {
        code = is_caption(far) ? catalog_caption_file_add(tx, &far->file, far->language, err)
                               : catalog_file_add(tx, &far->file, NULL, err);
    }
    return code;
}

static int look(struct shoal_call *call, struct catalog_far *far, const char *path,
    const char *work, struct shoal_err *err)
{
    if (!is_caption(far)) {
        far->made = path;
        return jpeg_check(path, err);
    }
    far->made = shoal_arena_printf(call->arena, "%s/caption.vtt", work);
    return catalog_caption_convert(path, false, far->made, err);
}

static int store(struct shoal_call *call, struct catalog_far *far, struct shoal_err *err)
{
    char uuid[37];
    struct catalog_video video;
    shoal_uuid_new(uuid);
    int code = catalog_video_by_number(call, far->id, &video, err);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code; // it went meanwhile, which is nobody's fault
    }
    far->file = (struct catalog_file){.video_id = far->id,
        .kind = far->kind,
        .version = 1,
        .name = far->name,
        .mime = is_caption(far) ? "text/vtt" : "image/jpeg",
        .key = shoal_arena_printf(call->arena,
            is_caption(far) ? "video-captions/%s.vtt" : "storyboards/%s.jpg", uuid),
        .size_bytes = catalog_size_of(far->made),
        .is_ready = true};
    code = catalog_store_file(call, &video, &far->file, far->made, err);
    return code == 0 ? catalog_stored_tx(call, &far->file, 1, keep_tx, far, err) : code;
}

static int failed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct catalog_far *far = arg;
    return shoal_db_exec(tx, is_caption(far) ? &caption_failed : &storyboard_failed,
        SHOAL_ARGS(SHOAL_TEXT(far->name), SHOAL_TIME(shoal_now_ms())), NULL, err);
}

int catalog_beside_fetch(
    struct shoal_call *call, const char *kind, const char *name, struct shoal_err *err)
{
    static const struct catalog_far_type captions = {.bounds = CATALOG_FAR_CAPTION,
        .find = find, .look = look, .store = store, .failed_tx = failed_tx};
    static const struct catalog_far_type storyboards = {.bounds = CATALOG_FAR_STORYBOARD,
        .find = find, .look = look, .store = store, .failed_tx = failed_tx};
    return catalog_far_bring(
        call, strcmp(kind, "caption") == 0 ? &captions : &storyboards, kind, name, err);
}
