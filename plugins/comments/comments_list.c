// comments_list.c - the threads of a video, and one thread whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

// $2: everything is seen; $3: the viewer's account, whose own are seen though they are held. What people
// of a hidden server say is not, nor that something was here which nobody ever saw.
#define SEEN(alias)                                                                                \
    "(" alias ".hold = 0 OR (" alias ".deleted IS NULL AND (CAST($2 AS BOOLEAN) = TRUE OR " alias  \
    ".account_id = CAST($3 AS BIGINT)))) AND NOT " COMMENTS_FROM_HIDDEN(alias)
#define REPLIES                                                                                    \
    "(SELECT COUNT(*) FROM comments_comment r WHERE r.thread_id = c.id AND r.deleted IS NULL AND " \
    SEEN("r")
#define THREADS_SQL(id, order)                                                                     \
    SHOAL_SQL(id, "SELECT " COMMENTS_COLUMNS ", " REPLIES ") AS replies, " REPLIES                 \
                  " AND r.account_id = v.account_id) AS author_replies FROM " COMMENTS_TABLES      \
                  " WHERE c.video_id = $1 AND c.thread_id IS NULL AND " SEEN("c")                  \
                  " ORDER BY " order " LIMIT CAST($4 AS BIGINT) OFFSET CAST($5 AS BIGINT)")
THREADS_SQL(comments_threads_newest, "c.created DESC, c.id DESC");
THREADS_SQL(comments_threads_oldest, "c.created, c.id");
THREADS_SQL(comments_threads_most, "replies DESC, c.created DESC, c.id DESC");
THREADS_SQL(comments_threads_fewest, "replies, c.created DESC, c.id DESC");
SHOAL_SQL(comments_threads_total,
    "SELECT COUNT(*) FROM comments_comment c WHERE c.video_id = $1 AND c.thread_id IS NULL "
    "AND " SEEN("c"));
// What everybody sees is counted already; to that comes what is held and seen by this one.
SHOAL_SQL(comments_threads_alive,
    "SELECT (SELECT v.comments FROM v1_video v WHERE v.id = $1) + COUNT(*) FROM comments_comment c "
    "WHERE c.video_id = $1 AND c.hold > 0 AND c.deleted IS NULL AND " SEEN("c"));
SHOAL_SQL(comments_thread_rows,
    "SELECT " COMMENTS_COLUMNS " FROM " COMMENTS_TABLES
    " WHERE (c.id = $1 OR c.thread_id = $1) AND " SEEN("c")
    " ORDER BY c.depth, c.created, c.id LIMIT CAST($4 AS BIGINT)");

static const struct {
    const char *name;
    const struct shoal_sql *sql;
} sorts[] = {
    {"-createdAt", &comments_threads_newest},
    {"createdAt", &comments_threads_oldest},
    {"-totalReplies", &comments_threads_most},
    {"totalReplies", &comments_threads_fewest},
};

static const struct shoal_sql *sorted(const char *sort)
{
    for (size_t i = 0; i < sizeof sorts / sizeof *sorts; i++) {
        if (strcmp(sorts[i].name, sort) == 0) {
            return sorts[i].sql;
        }
    }
    return NULL;
}

json_t *comments_threads(struct shoal_call *call, int64_t video_id, struct comments_eyes eyes,
    int64_t start, int64_t count, const char *sort, struct comments_row **rows_out,
    size_t *row_count, struct shoal_err *err)
{
    struct shoal_db *db = shoal_call_db(call);
    struct shoal_value all = SHOAL_BOOL(eyes.sees_all);
    struct shoal_value own = SHOAL_I64(eyes.account_id);
    const struct shoal_sql *sql = sorted(sort != NULL && *sort != '\0' ? sort : "-createdAt");
    int64_t total = 0, alive = 0;
    if (sql == NULL) {
        shoal_fail_field(err, "sort", "Should have a valid sort (createdAt or totalReplies)");
        return NULL;
    }
    if (shoal_db_i64(db, &comments_threads_total, SHOAL_ARGS(SHOAL_I64(video_id), all, own), &total,
            err) != 0 ||
        shoal_db_i64(db, &comments_threads_alive, SHOAL_ARGS(SHOAL_I64(video_id), all, own), &alive,
            err) != 0) {
        return NULL;
    }
    struct comments_row *found =
        shoal_arena_alloc(shoal_call_arena(call), COMMENTS_COUNT_MAX * sizeof *found);
    size_t found_count = 0;
    struct shoal_rows *rows = shoal_db_query(db, sql,
        SHOAL_ARGS(SHOAL_I64(video_id), all, own, SHOAL_I64(count), SHOAL_I64(start)), err);
    while (rows != NULL && found_count < COMMENTS_COUNT_MAX && shoal_rows_next(rows)) {
        struct comments_row *row = &found[found_count++];
        comments_row_read(call, rows, row);
        row->replies = shoal_col_i64(rows, COMMENTS_COLUMN_COUNT);
        row->author_replies = shoal_col_i64(rows, COMMENTS_COLUMN_COUNT + 1);
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        return NULL;
    }
    if (rows_out != NULL) {
        *rows_out = found;
        *row_count = found_count;
    }
    struct comments_people *people = comments_people_new(call);
    json_t *data = json_array();
    for (size_t i = 0; i < found_count; i++) {
        json_array_append_new(data, comments_json(call, &found[i], people));
    }
    return json_pack("{s:I, s:I, s:o}", "total", (json_int_t)total, "totalNotDeletedComments",
        (json_int_t)alive, "data", data);
}

int comments_thread(struct shoal_call *call, int64_t thread_id, struct comments_eyes eyes,
    struct comments_row *out, size_t room, size_t *count, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &comments_thread_rows,
        SHOAL_ARGS(SHOAL_I64(thread_id), SHOAL_BOOL(eyes.sees_all), SHOAL_I64(eyes.account_id),
            SHOAL_I64(room)),
        err);
    *count = 0;
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < room && shoal_rows_next(rows)) {
        comments_row_read(call, rows, &out[(*count)++]);
    }
    return shoal_rows_close(rows, err);
}
