// comments_sum.c - the sum of a video: how many comments everybody sees there, kept with each change.
//
// Each comment knows whether it is counted, so that a sum moves with the comments that change and nobody counts
// them all. When a server is hidden, or is not any more, the videos that its people wrote below are counted anew.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "comments.h"

#define LOT 50 // videos of one turn

SHOAL_SQL(comments_sum_get, "SELECT comments FROM v1_video WHERE id = $1");
// 1: it is to be counted, -1: no more.
SHOAL_SQL(comments_sum_by,
    "SELECT CASE WHEN " COMMENTS_SEEN("c") " THEN 1 ELSE 0 END - CASE WHEN c.is_counted = TRUE THEN 1 "
    "ELSE 0 END FROM comments_comment c WHERE c.id = $1");
SHOAL_SQL(comments_sum_mark, "UPDATE comments_comment SET is_counted = $2 WHERE id = $1");
SHOAL_SQL(comments_sum_anew,
    "UPDATE comments_comment SET is_counted = NOT is_counted WHERE video_id = $1 AND is_counted <> "
    "CASE WHEN " COMMENTS_SEEN("comments_comment") " THEN TRUE ELSE FALSE END");
SHOAL_SQL(comments_sum_all,
    "SELECT COUNT(*) FROM comments_comment WHERE video_id = $1 AND is_counted = TRUE");
// Videos whose sum counts what is hidden, or does not count what is not hidden any more.
SHOAL_SQL(comments_sum_hidden,
    "SELECT DISTINCT c.video_id FROM v1_account a JOIN comments_comment c ON c.account_id = a.id "
    "WHERE a.is_hidden = TRUE AND c.is_counted = TRUE LIMIT CAST($1 AS BIGINT)");
SHOAL_SQL(comments_sum_shown,
    "SELECT DISTINCT c.video_id FROM comments_comment c WHERE c.is_counted = FALSE "
    "AND " COMMENTS_SEEN("c") " LIMIT CAST($1 AS BIGINT)");

int comments_sum_move(struct shoal_call *call, struct shoal_db *tx, int64_t video_id, int64_t id,
    struct shoal_err *err)
{
    int64_t by = 0, sum = 0;
    int code = shoal_db_i64(tx, &comments_sum_by, SHOAL_ARGS(SHOAL_I64(id)), &by, err);
    if (code != 0 || by == 0) {
        return code;
    }
    code = shoal_db_exec(
        tx, &comments_sum_mark, SHOAL_ARGS(SHOAL_I64(id), SHOAL_BOOL(by > 0)), NULL, err);
    code = code == 0 ? shoal_db_i64(tx, &comments_sum_get, SHOAL_ARGS(SHOAL_I64(video_id)), &sum, err)
                     : code;
    if (code == SHOAL_ENOTFOUND) {
        return 0; // the video went meanwhile, and its comments follow
    }
    sum = sum + by > 0 ? sum + by : 0;
    return code == 0 ? shoal_video_counts(call, tx, video_id, -1, -1, -1, sum, err) : code;
}

static int anew_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const int64_t *video_id = arg;
    struct shoal_value id = SHOAL_I64(*video_id);
    int64_t sum = 0;
    int code = shoal_db_exec(tx, &comments_sum_anew, SHOAL_ARGS(id), NULL, err);
    code = code == 0 ? shoal_db_i64(tx, &comments_sum_all, SHOAL_ARGS(id), &sum, err) : code;
    code = code == 0 ? shoal_video_counts(call, tx, *video_id, -1, -1, -1, sum, err) : code;
    return code == 0                  ? shoal_touch(call, tx, "sums", err)
           : code == SHOAL_ENOTFOUND ? 0
                                      : code;
}

static int anew(struct shoal_call *call, const struct shoal_sql *which, struct shoal_err *err)
{
    size_t count = LOT;
    int code = 0;
    while (code == 0 && count == LOT && !shoal_call_cancelled(call)) {
        int64_t ids[LOT];
        struct shoal_rows *rows =
            shoal_db_query(shoal_call_db(call), which, SHOAL_ARGS(SHOAL_I64(LOT)), err);
        if (rows == NULL) {
            return SHOAL_EIO;
        }
        count = 0;
        while (count < LOT && shoal_rows_next(rows)) {
            ids[count++] = shoal_col_i64(rows, 0);
        }
        code = shoal_rows_close(rows, err);
        for (size_t i = 0; i < count && code == 0; i++) {
            code = shoal_tx(call, anew_tx, &ids[i], err);
        }
    }
    return code;
}

int comments_sum_look(struct shoal_call *call, struct shoal_err *err)
{
    int code = anew(call, &comments_sum_hidden, err);
    return code == 0 ? anew(call, &comments_sum_shown, err) : code;
}
