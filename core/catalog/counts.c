// counts.c - numbers of a video that others keep: views of its origin, likes, dislikes, comments.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>

#include "catalog/catalog_priv.h"
#include "host/permissions.h"

SHOAL_SQL(counts_set,
    "UPDATE catalog_video SET "
    "views = CASE WHEN CAST($2 AS BIGINT) < 0 THEN views ELSE CAST($2 AS BIGINT) END, "
    "likes = CASE WHEN CAST($3 AS BIGINT) < 0 THEN likes ELSE CAST($3 AS BIGINT) END, "
    "dislikes = CASE WHEN CAST($4 AS BIGINT) < 0 THEN dislikes ELSE CAST($4 AS BIGINT) END, "
    "comments = CASE WHEN CAST($5 AS BIGINT) < 0 THEN comments ELSE CAST($5 AS BIGINT) END "
    "WHERE id = $1");

int shoal_video_counts(struct shoal_call *call, struct shoal_db *tx, int64_t id, int64_t views,
    int64_t likes, int64_t dislikes, int64_t comments, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "videos", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &counts_set,
        SHOAL_ARGS(SHOAL_I64(id), SHOAL_I64(views), SHOAL_I64(likes), SHOAL_I64(dislikes),
            SHOAL_I64(comments)),
        &changed, err);
    return code != 0 || changed > 0 ? code : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
}
