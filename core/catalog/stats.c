// stats.c - the numbers of the instance, for /server/stats and nodeinfo.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"

// One row: users, administrators, moderators, active by last log-in; then local videos and the
// rest.
SHOAL_SQL(stats_users, "SELECT COUNT(*), "
                       "COALESCE(SUM(CASE WHEN role = 0 THEN 1 ELSE 0 END), 0), "
                       "COALESCE(SUM(CASE WHEN role = 1 THEN 1 ELSE 0 END), 0), "
                       "COALESCE(SUM(CASE WHEN last_login > $1 THEN 1 ELSE 0 END), 0), "
                       "COALESCE(SUM(CASE WHEN last_login > $2 THEN 1 ELSE 0 END), 0), "
                       "COALESCE(SUM(CASE WHEN last_login > $3 THEN 1 ELSE 0 END), 0) "
                       "FROM catalog_user WHERE is_waiting = FALSE");
SHOAL_SQL(stats_videos,
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN origin_host = '' THEN 1 ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN origin_host = '' THEN views ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN origin_host = '' THEN downloads ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN origin_host = '' THEN comments ELSE 0 END), 0), "
    "COALESCE(SUM(comments), 0) FROM catalog_video WHERE is_open = TRUE AND is_blocked = FALSE "
    "AND privacy = 1");
SHOAL_SQL(stats_files,
    "SELECT COALESCE(SUM(f.size_bytes), 0) FROM catalog_file f "
    "JOIN catalog_video v ON v.id = f.video_id WHERE v.origin_host = '' AND f.kind <> 'source'");
SHOAL_SQL(stats_channels,
    "SELECT COUNT(*), "
    "COALESCE(SUM(CASE WHEN q.latest > $1 THEN 1 ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN q.latest > $2 THEN 1 ELSE 0 END), 0), "
    "COALESCE(SUM(CASE WHEN q.latest > $3 THEN 1 ELSE 0 END), 0) FROM "
    "(SELECT c.id AS id, COALESCE((SELECT MAX(v.published) FROM catalog_video v "
    "WHERE v.channel_id = c.id), 0) AS latest FROM catalog_channel c "
    "JOIN catalog_actor x ON x.id = c.actor_id WHERE x.host = '') q");

SHOAL_SQL(stats_follows,
    "SELECT followers, following FROM catalog_actor WHERE name = 'peertube' AND host = ''");

static int row_add(struct shoal_call *call, const struct shoal_sql *sql,
    const struct shoal_value *args, size_t count, const char *const *names, json_t *out,
    struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, args, count, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    if (shoal_rows_next(rows)) {
        for (int i = 0; names[i] != NULL; i++) {
            json_object_set_new(out, names[i], json_integer(shoal_col_i64(rows, i)));
        }
    }
    return shoal_rows_close(rows, err);
}

json_t *shoal_catalog_stats(struct shoal_call *call, struct shoal_err *err)
{
    static const char *const users[] = {"totalUsers", "totalAdmins", "totalModerators",
        "totalDailyActiveUsers", "totalWeeklyActiveUsers", "totalMonthlyActiveUsers", NULL};
    static const char *const videos[] = {"totalVideos", "totalLocalVideos", "totalLocalVideoViews",
        "totalLocalVideoDownloads", "totalLocalVideoComments", "totalVideoComments", NULL};
    static const char *const files[] = {"totalLocalVideoFilesSize", NULL};
    static const char *const channels[] = {"totalLocalVideoChannels",
        "totalLocalDailyActiveVideoChannels", "totalLocalWeeklyActiveVideoChannels",
        "totalLocalMonthlyActiveVideoChannels", NULL};
    static const char *const follows[] = {"totalInstanceFollowers", "totalInstanceFollowing", NULL};
    int64_t now_ms = shoal_now_ms();
    const struct shoal_value since[] = {SHOAL_I64(now_ms - CATALOG_DAY_MS),
        SHOAL_I64(now_ms - 7 * CATALOG_DAY_MS), SHOAL_I64(now_ms - 30 * CATALOG_DAY_MS)};
    json_t *out = json_object();
    if (row_add(call, &stats_users, since, 3, users, out, err) != 0 ||
        row_add(call, &stats_videos, SHOAL_NOARGS, videos, out, err) != 0 ||
        row_add(call, &stats_files, SHOAL_NOARGS, files, out, err) != 0 ||
        row_add(call, &stats_channels, since, 3, channels, out, err) != 0 ||
        row_add(call, &stats_follows, SHOAL_NOARGS, follows, out, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}
