// remote_videos_remove.c - removes a video of another server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/remote_priv.h"
#include "host/permissions.h"

int catalog_remote_video_remove(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    struct catalog_video video;
    int code = catalog_video_by_number(call, id, &video, err);
    if (code == 0 && video.origin_host[0] == '\0') {
        code =
            shoal_fail(err, SHOAL_EFORBIDDEN, "video %s is no video of another server", video.uuid);
    }
    if (code != 0) {
        return code;
    }
    struct shoal_viewer old = catalog_viewer_swap(call, catalog_viewer_system());
    code = catalog_video_delete(call, video.uuid, err);
    catalog_viewer_swap(call, old);
    return code;
}

int shoal_video_remove(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    int code = shoal_permission_call(call, "federation", NULL, err);
    return code == 0 ? catalog_remote_video_remove(call, id, err) : code;
}
