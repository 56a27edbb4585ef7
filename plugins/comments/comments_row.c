// comments_row.c - a comment as it lies in the database, and as the API shows it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

SHOAL_SQL(comments_row_find,
    "SELECT " COMMENTS_COLUMNS " FROM " COMMENTS_TABLES " WHERE c.id = $1");
SHOAL_SQL(comments_row_find_url,
    "SELECT " COMMENTS_COLUMNS " FROM " COMMENTS_TABLES " WHERE c.url = $1");

static const char *text_of(struct shoal_call *call, const struct shoal_rows *rows, int column)
{
    return shoal_col_null(rows, column)
               ? NULL
               : shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, column));
}

void comments_row_read(
    struct shoal_call *call, const struct shoal_rows *rows, struct comments_row *out)
{
    *out = (struct comments_row){
        .id = shoal_col_i64(rows, 0),
        .video_id = shoal_col_i64(rows, 1),
        .account_id = shoal_col_i64(rows, 2),
        .thread_id = shoal_col_i64(rows, 3),
        .parent_id = shoal_col_i64(rows, 4),
        .depth = shoal_col_i64(rows, 5),
        .created_ms = shoal_col_i64(rows, 6),
        .updated_ms = shoal_col_i64(rows, 7),
        .deleted_ms = shoal_col_i64(rows, 8),
        .hold = (enum comments_hold)shoal_col_i64(rows, 9),
        .url = text_of(call, rows, 10),
        .text = text_of(call, rows, 11),
        .approval_url = text_of(call, rows, 12),
        .account_name = text_of(call, rows, 13),
        .account_host = text_of(call, rows, 14),
        .video_uuid = text_of(call, rows, 15),
        .video_name = text_of(call, rows, 16),
        .video_host = text_of(call, rows, 17),
        .video_account_id = shoal_col_i64(rows, 18),
        .received_ms = shoal_col_i64(rows, 19),
    };
    // Whose author is gone is as good as deleted, until the sweep makes it so.
    if (out->account_name == NULL && out->deleted_ms == 0) {
        out->deleted_ms = out->updated_ms;
        out->text = "";
    }
}

static int find(struct shoal_call *call, const struct shoal_sql *sql, struct shoal_value key,
    struct comments_row *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), sql, SHOAL_ARGS(key), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    if (is_there) {
        comments_row_read(call, rows, out);
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 || is_there ? code : shoal_fail(err, SHOAL_ENOTFOUND, "Comment not found");
}

int comments_row_get(
    struct shoal_call *call, int64_t id, struct comments_row *out, struct shoal_err *err)
{
    return find(call, &comments_row_find, SHOAL_I64(id), out, err);
}

int comments_row_by_url(
    struct shoal_call *call, const char *url, struct comments_row *out, struct shoal_err *err)
{
    return find(call, &comments_row_find_url, SHOAL_TEXT(url), out, err);
}

const char *comments_row_url(struct shoal_call *call, const struct comments_row *row)
{
    return row->url != NULL ? row->url
                            : shoal_url(call, shoal_arena_printf(shoal_call_arena(call),
                                                  "/videos/watch/%s/comments/%lld", row->video_uuid,
                                                  (long long)row->id));
}

struct comments_eyes comments_eyes_of(struct shoal_call *call, int64_t video_account_id)
{
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    bool is_user = viewer->kind == SHOAL_VIEWER_USER;
    return (struct comments_eyes){
        .account_id = is_user ? viewer->account_id : 0,
        .sees_all = viewer->kind == SHOAL_VIEWER_SYSTEM ||
                    (is_user && (viewer->role != SHOAL_ROLE_USER ||
                                    viewer->account_id == video_account_id)),
    };
}

// One answer shows few people many times.
struct comments_people {
    size_t count;
    struct {
        int64_t id;
        json_t *account;
    } known[COMMENTS_COUNT_MAX];
};

static void people_drop(void *arg)
{
    struct comments_people *people = arg;
    for (size_t i = 0; i < people->count; i++) {
        json_decref(people->known[i].account);
    }
}

struct comments_people *comments_people_new(struct shoal_call *call)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct comments_people *people = shoal_arena_alloc(arena, sizeof *people);
    shoal_arena_defer(arena, people_drop, people);
    return people;
}

static json_t *account_of(
    struct shoal_call *call, const struct comments_row *row, struct comments_people *people)
{
    if (row->account_name == NULL || row->deleted_ms != 0) {
        return json_null();
    }
    for (size_t i = 0; people != NULL && i < people->count; i++) {
        if (people->known[i].id == row->account_id) {
            return json_incref(people->known[i].account);
        }
    }
    const char *handle = *row->account_host == '\0'
                             ? row->account_name
                             : shoal_arena_printf(shoal_call_arena(call), "%s@%s",
                                   row->account_name, row->account_host);
    json_t *account = shoal_account_get(call, handle, NULL);
    if (account == NULL) {
        return json_null();
    }
    if (people != NULL && people->count < COMMENTS_COUNT_MAX) {
        people->known[people->count].id = row->account_id;
        people->known[people->count++].account = json_incref(account);
    }
    return account;
}

static json_t *time_or_null(int64_t time_ms)
{
    char text[32];
    return time_ms == 0 ? json_null() : json_string(shoal_time_format(time_ms, text));
}

static json_t *number_or_null(int64_t number)
{
    return number == 0 ? json_null() : json_integer(number);
}

static json_t *common(
    struct shoal_call *call, const struct comments_row *row, struct comments_people *people)
{
    return json_pack("{s:I, s:s, s:s, s:I, s:o, s:I, s:o, s:o, s:b, s:o}", "id",
        (json_int_t)row->id, "url", comments_row_url(call, row), "text", row->text, "threadId",
        (json_int_t)(row->thread_id != 0 ? row->thread_id : row->id), "inReplyToCommentId",
        number_or_null(row->parent_id), "videoId", (json_int_t)row->video_id, "createdAt",
        time_or_null(row->created_ms), "updatedAt", time_or_null(row->updated_ms), "heldForReview",
        row->hold != COMMENTS_SHOWN, "account", account_of(call, row, people));
}

json_t *comments_json(
    struct shoal_call *call, const struct comments_row *row, struct comments_people *people)
{
    json_t *out = common(call, row, people);
    json_object_set_new(out, "deletedAt", time_or_null(row->deleted_ms));
    json_object_set_new(out, "isDeleted", json_boolean(row->deleted_ms != 0));
    json_object_set_new(out, "totalRepliesFromVideoAuthor", json_integer(row->author_replies));
    json_object_set_new(out, "totalReplies", json_integer(row->replies));
    return out;
}

json_t *comments_json_managed(
    struct shoal_call *call, const struct comments_row *row, struct comments_people *people)
{
    char short_uuid[23] = "";
    json_t *out = common(call, row, people);
    shoal_uuid_to_short(row->video_uuid, short_uuid);
    json_object_set_new(out, "automaticTags", json_array());
    json_object_set_new(out, "video",
        json_pack("{s:I, s:s, s:s, s:s}", "id", (json_int_t)row->video_id, "uuid", row->video_uuid,
            "shortUUID", short_uuid, "name", row->video_name));
    return out;
}
