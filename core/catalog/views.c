// views.c - counts views: all time, and by the hour for what trends.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "host/permissions.h"

#define HOUR_MS INT64_C(3600000)
#define KEPT_MS (30 * CATALOG_DAY_MS)

SHOAL_SQL(views_add, "UPDATE catalog_video SET views = views + $2 WHERE id = $1");
SHOAL_SQL(views_hour_add,
    "INSERT INTO catalog_view_hour (video_id, hour, views) VALUES ($1, $2, $3) "
    "ON CONFLICT (video_id, hour) DO UPDATE SET views = catalog_view_hour.views + excluded.views");
SHOAL_SQL(views_trim, "DELETE FROM catalog_view_hour WHERE hour < $1");

struct views {
    int64_t video_id, views;
};

static int add_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct views *views = arg;
    int64_t now_ms = shoal_now_ms();
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &views_add,
        SHOAL_ARGS(SHOAL_I64(views->video_id), SHOAL_I64(views->views)), &changed, err);
    if (code != 0 || changed == 0) {
        return code != 0 ? code : shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    code = shoal_db_exec(tx, &views_hour_add,
        SHOAL_ARGS(SHOAL_I64(views->video_id), SHOAL_I64(now_ms - now_ms % HOUR_MS),
            SHOAL_I64(views->views)),
        NULL, err);
    return code == 0
               ? shoal_db_exec(tx, &views_trim, SHOAL_ARGS(SHOAL_I64(now_ms - KEPT_MS)), NULL, err)
               : code;
}

int shoal_video_views_add(
    struct shoal_call *call, int64_t video_id, int64_t views, struct shoal_err *err)
{
    if (shoal_permission_call(call, "write", "videos", err) != 0) {
        return SHOAL_EFORBIDDEN;
    }
    struct views add = {.video_id = video_id, .views = views};
    if (views <= 0 || views > 1000000) {
        return shoal_fail(err, SHOAL_EINVAL, "%lld is no number of views", (long long)views);
    }
    return shoal_tx(call, add_tx, &add, err);
}
