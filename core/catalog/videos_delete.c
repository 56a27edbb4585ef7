// videos_delete.c - removes a video: its rows at once, its objects an hour later.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "host/permissions.h"

SHOAL_SQL(video_remove, "DELETE FROM catalog_video WHERE id = $1");

struct removal {
    int64_t video_id, ladder_job;
    const char *uuid;
};

static int delete_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct removal *removal = arg;
    struct catalog_file *files = NULL;
    size_t count = 0;
    const char *subject = shoal_arena_printf(call->arena, "video:%s", removal->uuid);
    int code = catalog_files_get(call, removal->video_id, NULL, &files, &count, err);
    if (code == 0) {
        code = catalog_video_tell(call, tx, "video.deleted", removal->video_id, NULL, err);
    }
    if (code == 0) {
        code = catalog_objects_remove(tx, files, count, err);
    }
    if (code == 0) {
        code = shoal_held_remove(tx, "video.publish", subject, err);
    }
    if (code == 0) {
        code = shoal_held_remove(tx, "upload.finish", subject, err);
    }
    if (code == 0) {
        code =
            shoal_db_exec(tx, &video_remove, SHOAL_ARGS(SHOAL_I64(removal->video_id)), NULL, err);
    }
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

int shoal_video_delete(struct shoal_call *call, const char *id, struct shoal_err *err)
{
    int code = shoal_permission_call(call, "write", "videos", err);
    return code == 0 ? catalog_video_delete(call, id, err) : code;
}

int catalog_video_delete(struct shoal_call *call, const char *id, struct shoal_err *err)
{
    struct catalog_video video;
    int code = catalog_video_may(call, SHOAL_MAY_DELETE, id, NULL, &video, err);
    if (code != 0) {
        return code;
    }
    struct removal removal = {
        .video_id = video.id, .ladder_job = video.ladder_job, .uuid = video.uuid};
    code = shoal_tx(call, delete_tx, &removal, err);
    if (code != 0) {
        return code;
    }
    catalog_media_revoke(shoal_arena_printf(call->arena, "v:%s", video.uuid), shoal_now_ms());
    if (video.ladder_job != 0 && video.state == SHOAL_STATE_TO_TRANSCODE) {
        struct shoal_err ignored = {0};
        // A ladder that nobody needs any more; it would notice by itself, later.
        (void)shoal_job_cancel(call, video.ladder_job, &ignored);
    }
    return 0;
}
