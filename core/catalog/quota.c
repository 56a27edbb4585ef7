// quota.c - how much a user has stored, and whether more may come.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_priv.h"
#include "host/permissions.h"

// A video counts with what was uploaded or with what lies in storage, whichever is more: a ladder
// that is not made yet must not let somebody past their quota.
SHOAL_SQL(quota_used,
    "SELECT COALESCE(SUM(CASE WHEN q.stored > q.source THEN q.stored ELSE q.source END), 0) FROM "
    "(SELECT v.source_bytes AS source, COALESCE((SELECT SUM(f.size_bytes) FROM catalog_file f "
    "WHERE f.video_id = v.id AND f.kind IN ('web_video', 'hls_media')), 0) AS stored "
    "FROM catalog_video v JOIN catalog_channel c ON c.id = v.channel_id "
    "WHERE c.account_id = $1 AND v.created >= $2) q");

int catalog_quota_used(struct shoal_call *call, int64_t account_id, int64_t since_ms, int64_t *out,
    struct shoal_err *err)
{
    return shoal_db_i64(shoal_call_db(call), &quota_used,
        SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(since_ms)), out, err);
}

SHOAL_SQL(quota_of, "SELECT u.video_quota, u.video_quota_daily FROM catalog_user u "
                    "JOIN catalog_account a ON a.user_id = u.id WHERE a.id = $1");

static int limit_check(struct shoal_call *call, int64_t account_id, int64_t limit, int64_t since_ms,
    int64_t more_bytes, const char *which, struct shoal_err *err)
{
    int64_t used = 0;
    if (limit < 0) {
        return 0;
    }
    int code = catalog_quota_used(call, account_id, since_ms, &used, err);
    if (code == 0 && (used >= limit || more_bytes > limit - used)) {
        code = shoal_fail_api(err, SHOAL_ETOOLARGE, "quota_reached",
            "The user %s quota is exceeded with this video.", which);
    }
    return code;
}

int catalog_quota_check(
    struct shoal_call *call, int64_t account_id, int64_t more_bytes, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &quota_of, SHOAL_ARGS(SHOAL_I64(account_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    int64_t total = -1;
    int64_t daily = -1;
    if (shoal_rows_next(rows)) {
        total = shoal_col_i64(rows, 0);
        daily = shoal_col_i64(rows, 1);
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0) {
        code = limit_check(call, account_id, total, 0, more_bytes, "video", err);
    }
    if (code == 0) {
        code = limit_check(call, account_id, daily, shoal_now_ms() - CATALOG_DAY_MS, more_bytes,
            "daily video", err);
    }
    return code;
}

json_t *shoal_user_quota(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    if (shoal_permission_call(call, "read", "users", err) != 0) {
        return NULL;
    }
    struct catalog_user user;
    int64_t total = 0;
    int64_t daily = 0;
    if (call->viewer.user_id != id && !catalog_is_staff(&call->viewer)) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "only administrators see the quota of others");
        return NULL;
    }
    if (catalog_user_by_id(call, id, &user, err) != 0 ||
        catalog_quota_used(call, user.account_id, 0, &total, err) != 0 ||
        catalog_quota_used(call, user.account_id, shoal_now_ms() - CATALOG_DAY_MS, &daily, err) !=
            0) {
        return NULL;
    }
    return json_pack("{s:I, s:I}", "videoQuotaUsed", (json_int_t)total, "videoQuotaUsedDaily",
        (json_int_t)daily);
}
