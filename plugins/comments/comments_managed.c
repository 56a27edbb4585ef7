// comments_managed.c - lists for those who look after comments, and everything of one account at once.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

#define SEARCH_MAX 200

// $1 owner of the videos, $2 video, $3 channel, $4 held, $5 of here, $6 below a video of here,
// $7 anywhere, $8 in the account, $9 in the name of the video: NULL where it is not asked for.
#define LIKE(column, parameter) "LOWER(" column ") LIKE CAST(" parameter " AS TEXT) ESCAPE '\\'"
#define ACCOUNT_LIKE(parameter)                                                                    \
    "(" LIKE("a.name", parameter) " OR " LIKE("a.display_name", parameter) ")"
#define WANTED                                                                                     \
    " WHERE c.deleted IS NULL "                                                                    \
    "AND (CAST($1 AS BIGINT) IS NULL OR v.account_id = CAST($1 AS BIGINT)) "                       \
    "AND (CAST($2 AS BIGINT) IS NULL OR c.video_id = CAST($2 AS BIGINT)) "                         \
    "AND (CAST($3 AS BIGINT) IS NULL OR v.channel_id = CAST($3 AS BIGINT)) "                       \
    "AND (CAST($4 AS BOOLEAN) IS NULL OR (c.hold > 0) = CAST($4 AS BOOLEAN)) "                     \
    "AND (CAST($5 AS BOOLEAN) IS NULL OR (a.host = '') = CAST($5 AS BOOLEAN)) "                    \
    "AND (CAST($6 AS BOOLEAN) IS NULL OR (v.origin_host = '') = CAST($6 AS BOOLEAN)) "             \
    "AND (CAST($7 AS TEXT) IS NULL OR " LIKE("c.text", "$7") " OR " LIKE("v.name", "$7")           \
    " OR " ACCOUNT_LIKE("$7") ") "                                                                 \
    "AND (CAST($8 AS TEXT) IS NULL OR " ACCOUNT_LIKE("$8") ") "                                    \
    "AND (CAST($9 AS TEXT) IS NULL OR " LIKE("v.name", "$9") ")"
#define LIST_SQL(id, order)                                                                        \
    SHOAL_SQL(id, "SELECT " COMMENTS_COLUMNS " FROM " COMMENTS_TABLES WANTED " ORDER BY " order    \
                  " LIMIT CAST($10 AS BIGINT) OFFSET CAST($11 AS BIGINT)")
LIST_SQL(comments_managed_newest, "c.created DESC, c.id DESC");
LIST_SQL(comments_managed_oldest, "c.created, c.id");
SHOAL_SQL(comments_managed_total, "SELECT COUNT(*) FROM " COMMENTS_TABLES WANTED);

#define FILTERS 9
struct wanted {
    struct shoal_value values[FILTERS + 2];
    bool is_oldest_first;
    bool is_empty; // nothing can fit
};

// "%tide%" with what LIKE would read otherwise escaped; lower-case as SQL's LOWER() makes ASCII.
static int read_search(struct shoal_call *call, struct shoal_request *request, const char *name,
    struct shoal_value *out, struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    *out = SHOAL_NULL;
    if (text == NULL || *text == '\0') {
        return 0;
    }
    size_t length = strlen(text);
    if (length > SEARCH_MAX) {
        return shoal_fail_field(err, name, "Should have a shorter %s", name);
    }
    char *pattern = shoal_arena_alloc(shoal_call_arena(call), 2 * length + 3);
    size_t used = 0;
    pattern[used++] = '%';
    for (; *text != '\0'; text++) {
        if (*text == '%' || *text == '_' || *text == '\\') {
            pattern[used++] = '\\';
        }
        pattern[used++] = *text >= 'A' && *text <= 'Z' ? (char)(*text - 'A' + 'a') : *text;
    }
    pattern[used] = '%';
    *out = SHOAL_TEXT(pattern);
    return 0;
}

static int read_flag(struct shoal_request *request, const char *name, struct shoal_value *out,
    struct shoal_err *err)
{
    const char *text = shoal_request_query(request, name);
    *out = SHOAL_NULL;
    if (text == NULL) {
        return 0;
    }
    bool is_true = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    *out = SHOAL_BOOL(is_true);
    return is_true || strcmp(text, "false") == 0 || strcmp(text, "0") == 0
               ? 0
               : shoal_fail_field(err, name, "Should have a valid %s boolean", name);
}

static int read_video(struct shoal_call *call, struct shoal_request *request, struct wanted *wanted,
    struct shoal_err *err)
{
    const char *id = shoal_request_query(request, "videoId");
    wanted->values[1] = SHOAL_NULL;
    if (id == NULL) {
        return 0;
    }
    json_t *video = shoal_video_get(call, id, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    wanted->values[1] = SHOAL_I64(shoal_integer(video, "id", 0));
    json_decref(video);
    return 0;
}

static int read_wanted(struct shoal_call *call, struct shoal_request *request, bool is_all,
    struct wanted *out, struct shoal_err *err)
{
    int64_t start = 0, count = COMMENTS_COUNT, channel = 0;
    struct shoal_value *values = out->values;
    const char *sort = shoal_request_query(request, "sort");
    values[0] = is_all ? SHOAL_NULL : SHOAL_I64(shoal_call_viewer(call)->account_id);
    values[3] = values[4] = values[5] = SHOAL_NULL;
    int code = paging_read(request, COMMENTS_COUNT_MAX, &start, &count, err);
    code = code != 0 ? code : read_video(call, request, out, err);
    code = code != 0 ? code : paging_number(request, "videoChannelId", INT64_MAX, &channel, err);
    values[2] = channel != 0 ? SHOAL_I64(channel) : SHOAL_NULL;
    if (code == 0 && is_all) {
        code = read_flag(request, "isLocal", &values[4], err);
        code = code != 0 ? code : read_flag(request, "onLocalVideo", &values[5], err);
    }
    code = code != 0 ? code : read_flag(request, "isHeldForReview", &values[3], err);
    code = code != 0 ? code : read_search(call, request, "search", &values[6], err);
    code = code != 0 ? code : read_search(call, request, "searchAccount", &values[7], err);
    code = code != 0 ? code : read_search(call, request, "searchVideo", &values[8], err);
    if (code == 0 && sort != NULL && strcmp(sort, "createdAt") != 0 &&
        strcmp(sort, "-createdAt") != 0) {
        code = shoal_fail_field(err, "sort", "Should have a valid sort (createdAt)");
    }
    out->is_oldest_first = sort != NULL && *sort != '-';
    out->is_empty = shoal_request_query(request, "autoTagOneOf") != NULL; // no comment has a tag
    values[FILTERS] = SHOAL_I64(count);
    values[FILTERS + 1] = SHOAL_I64(start);
    return code;
}

static int answer(struct shoal_call *call, struct shoal_request *request, bool is_all,
    struct shoal_err *err)
{
    struct wanted wanted = {0};
    int64_t total = 0;
    const char *shown = shoal_request_query(request, "shown");
    bool is_shown = shown != NULL && strcmp(shown, "true") == 0;
    struct shoal_db *db = shoal_call_db(call);
    int code = read_wanted(call, request, is_all, &wanted, err);
    if (code == 0 && !wanted.is_empty) {
        code = shoal_db_i64(db, &comments_managed_total, wanted.values, FILTERS, &total, err);
    }
    if (code != 0) {
        return code;
    }
    json_t *data = json_array();
    struct shoal_rows *rows = wanted.is_empty
                                  ? NULL
                                  : shoal_db_query(db,
                                        wanted.is_oldest_first ? &comments_managed_oldest
                                                               : &comments_managed_newest,
                                        wanted.values, FILTERS + 2, err);
    struct comments_row *found =
        shoal_arena_alloc(shoal_call_arena(call), COMMENTS_COUNT_MAX * sizeof *found);
    size_t count = 0;
    while (rows != NULL && count < COMMENTS_COUNT_MAX && shoal_rows_next(rows)) {
        comments_row_read(call, rows, &found[count++]);
    }
    code = rows != NULL ? shoal_rows_close(rows, err) : err->code;
    struct comments_people *people = comments_people_new(call);
    for (size_t i = 0; i < count && code == 0; i++) {
        json_t *one = comments_json_managed(call, &found[i], people);
        if (is_shown) { // for pages: PeerTube's clients know no such member
            json_object_set_new(one, "shown",
                json_string(comments_text_shown(shoal_call_arena(call), found[i].text)));
        }
        json_array_append_new(data, one);
    }
    if (code != 0) {
        json_decref(data);
        return code;
    }
    return shoal_answer_json(
        request, 200, json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data));
}

int comments_get_mine(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    return answer(call, request, false, err);
}

int comments_get_all(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    return answer(call, request, true, err);
}

json_t *comments_show_held(struct shoal_call *call, void *arg, const char *hook, const char *subject)
{
    (void)arg;
    struct comments_row row;
    const char *number = strncmp(subject, "comment:", 8) == 0 ? subject + 8 : "0";
    if (strcmp(hook, "comment.create") != 0 ||
        comments_row_get(call, strtoll(number, NULL, 10), &row, NULL) != 0 || row.deleted_ms != 0) {
        return NULL;
    }
    struct shoal_arena *arena = shoal_call_arena(call);
    json_t *comment = comments_json_managed(call, &row, NULL);
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:O}", "kind", "comment", "title", row.video_name, "text",
        comments_text_shown(arena, row.text), "path",
        shoal_arena_printf(arena, "/w/%s#comment-%lld", shoal_text(comment, "video.shortUUID", ""),
            (long long)row.id),
        "account", json_object_get(comment, "account"));
    if (row.url != NULL) {
        json_object_set_new(out, "url", json_string(row.url));
    }
    json_decref(comment);
    return out;
}

int comments_delete_many(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    const struct shoal_viewer *viewer = shoal_call_viewer(call);
    const char *scope = shoal_text(body, "scope", "");
    bool is_all = strcmp(scope, "instance") == 0;
    if (!is_all && strcmp(scope, "my-videos") != 0) {
        return shoal_fail_field(err, "scope", "Should have a valid scope (my-videos or instance)");
    }
    const char *handle = shoal_text(body, "accountName", NULL);
    if (handle == NULL) {
        return shoal_fail_field(err, "accountName", "Should have an accountName");
    }
    if (is_all && viewer->role == SHOAL_ROLE_USER) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "User cannot remove any comments of this instance.");
    }
    json_t *account = shoal_account_get(call, handle, err);
    if (account == NULL) {
        return err->code;
    }
    int64_t account_id = shoal_integer(account, "id", 0);
    json_decref(account);
    int code = comments_delete_of(
        call, arg, account_id, is_all ? 0 : viewer->account_id, NULL, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}
