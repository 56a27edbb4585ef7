// comments_forget.c - comments that go with their author or their video, and the places of those that went before.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "comments.h"

#define LOT 200 // rows of one turn

SHOAL_SQL(comments_forget_forget, "DELETE FROM comments_comment WHERE video_id = $1");
SHOAL_SQL(comments_forget_any,
    "SELECT id FROM comments_comment WHERE account_id = $1 LIMIT 1");
SHOAL_SQL(comments_forget_grave,
    "INSERT INTO comments_comment (video_id, thread_id, parent_id, depth, url, text, created, "
    "updated, deleted) VALUES ($1, $2, $3, $4, $5, '', $6, $6, $6) ON CONFLICT DO NOTHING");
SHOAL_SQL(comments_forget_orphans,
    "SELECT DISTINCT c.account_id FROM comments_comment c WHERE c.account_id IS NOT NULL AND NOT "
    "EXISTS (SELECT 1 FROM v1_account a WHERE a.id = c.account_id) LIMIT CAST($1 AS BIGINT)");
SHOAL_SQL(comments_forget_of,
    "SELECT c.id FROM comments_comment c JOIN v1_video v ON v.id = c.video_id "
    "WHERE c.account_id = $1 AND (CAST($2 AS BIGINT) = 0 OR v.account_id = CAST($2 AS BIGINT)) "
    "ORDER BY c.id LIMIT CAST($3 AS BIGINT)");

bool comments_has_author(struct shoal_call *call, int64_t account_id)
{
    int64_t one = 0;
    return account_id != 0 && shoal_db_i64(shoal_call_db(call), &comments_forget_any,
                                  SHOAL_ARGS(SHOAL_I64(account_id)), &one, NULL) != SHOAL_ENOTFOUND;
}

static int forget_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *video_id = arg;
    return shoal_db_exec(tx, &comments_forget_forget, SHOAL_ARGS(SHOAL_I64(*video_id)), NULL, err);
}

int comments_forget_video(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    return shoal_tx(call, forget_tx, &video_id, err);
}

// What each needed in memory goes with it: somebody may have written thousands.
static int delete_each(struct shoal_call *call, struct comments *comments, const int64_t *ids,
    size_t count, const struct comments_author *author, struct shoal_err *err)
{
    struct shoal_arena *apart = shoal_arena_new(0);
    struct shoal_arena *own = shoal_call_arena_use(call, apart);
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++) {
        struct comments_row row;
        code = comments_row_get(call, ids[i], &row, err);
        code = code == 0 ? comments_delete(call, comments, &row, author, false, err) : code;
        shoal_arena_reset(apart);
    }
    shoal_call_arena_use(call, own);
    shoal_arena_free(apart);
    return code;
}

int comments_delete_of(struct shoal_call *call, struct comments *comments, int64_t account_id,
    int64_t owner_account_id, const struct comments_author *author, struct shoal_err *err)
{
    size_t count = LOT;
    int code = 0;
    while (code == 0 && count == LOT && !shoal_call_cancelled(call)) {
        int64_t ids[LOT];
        struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &comments_forget_of,
            SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(owner_account_id), SHOAL_I64(LOT)), err);
        if (rows == NULL) {
            return SHOAL_EIO;
        }
        count = 0;
        while (count < LOT && shoal_rows_next(rows)) {
            ids[count++] = shoal_col_i64(rows, 0);
        }
        code = shoal_rows_close(rows, err);
        code = code == 0 ? delete_each(call, comments, ids, count, author, err) : code;
    }
    return code;
}

int comments_sweep(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    int64_t gone[LOT];
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &comments_forget_orphans, SHOAL_ARGS(SHOAL_I64(LOT)), err);
    while (rows != NULL && count < LOT && shoal_rows_next(rows)) {
        gone[count++] = shoal_col_i64(rows, 0);
    }
    int code = rows != NULL ? shoal_rows_close(rows, err) : SHOAL_EIO;
    for (size_t i = 0; i < count && code == 0; i++) {
        code = comments_delete_of(call, arg, gone[i], 0, NULL, err);
    }
    return code == 0 ? comments_sum_look(call, err) : code;
}

struct grave {
    const char *url;
    int64_t video_id;
    const struct comments_row *parent;
};

static int bury_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct grave *grave = arg;
    const struct comments_row *parent = grave->parent;
    return shoal_db_exec(tx, &comments_forget_grave,
        SHOAL_ARGS(SHOAL_I64(grave->video_id),
            parent != NULL ? SHOAL_I64(comments_thread_of(parent)) : SHOAL_NULL,
            parent != NULL ? SHOAL_I64(parent->id) : SHOAL_NULL,
            SHOAL_I64(parent != NULL ? parent->depth + 1 : 0), SHOAL_TEXT(grave->url),
            SHOAL_TIME(shoal_now_ms())),
        NULL, err);
}

int comments_bury(struct shoal_call *call, const char *url, int64_t video_id,
    const struct comments_row *parent, struct shoal_err *err)
{
    struct grave grave = {url, video_id, parent};
    if (parent != NULL && parent->depth + 1 > COMMENTS_DEPTH_MAX) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this thread has no deeper replies");
    }
    return shoal_tx(call, bury_tx, &grave, err);
}
