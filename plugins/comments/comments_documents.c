// comments_documents.c - what other servers may read: a comment, its approval, the comments of a video.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

SHOAL_SQL(comments_documents_total, "SELECT comments FROM v1_video WHERE id = $1");
SHOAL_SQL(comments_documents_page,
    "SELECT c.id, c.url FROM comments_comment c WHERE c.video_id = $1 AND " COMMENTS_SEEN("c")
    " ORDER BY c.created, c.id LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)");

// The comment that the address names, of that video.
static int find(struct shoal_call *call, struct shoal_request *request, struct comments_row *row,
    struct shoal_video_ref *video, struct shoal_err *err)
{
    int64_t id = paging_digits(shoal_request_param(request, "commentId"));
    int code = shoal_video_by_id(call, shoal_request_param(request, "id"), video, err);
    code = code == 0 ? comments_row_get(call, id, row, err) : code;
    return code != 0 || row->video_id == video->id
               ? code
               : shoal_fail(err, SHOAL_ENOTFOUND, "Comment not found");
}

static bool is_open(const struct shoal_video_ref *video)
{
    return *video->origin_host != '\0' || video->is_federated ||
           (video->privacy == SHOAL_PRIVACY_UNLISTED && video->state == SHOAL_STATE_PUBLISHED);
}

// What a plugin holds is nobody's to read; what waits for the owner of a video elsewhere is theirs.
static bool is_shown(const struct comments_row *row)
{
    return row->hold == COMMENTS_SHOWN ||
           (row->hold == COMMENTS_WAITS && row->url == NULL && *row->video_host != '\0');
}

static int answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const struct comments_row *row, json_t *document, struct shoal_err *err)
{
    json_t *noun = comments_json(call, row, NULL);
    int code = federate_answer(call, request, context, type, noun, document, err);
    json_decref(noun);
    return code;
}

// GET /videos/watch/ID/comments/NUMBER, and /activity and /approve-reply below it.
static int get_one(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct comments_row row;
    struct shoal_video_ref video;
    const char *path = shoal_request_path(request);
    const char *end = strrchr(path, '/');
    bool is_activity = strcmp(end, "/activity") == 0;
    bool is_approval = strcmp(end, "/approve-reply") == 0;
    int code = federate_need(call, err);
    code = code == 0 ? find(call, request, &row, &video, err) : code;
    if (code == 0 && (!is_open(&video) || !is_shown(&row) ||
                         (is_activity && (row.deleted_ms != 0 || row.url != NULL)) ||
                         (is_approval && (row.url == NULL || row.approval_url == NULL ||
                                             strcmp(row.approval_url,
                                                 comments_note_approval_url(call, &row)) != 0)))) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Comment not found");
    }
    if (code != 0) {
        return code;
    }
    if (row.url != NULL && !is_approval) {
        return shoal_answer_redirect(request, 302, row.url);
    }
    struct comments_circle *circle = shoal_arena_alloc(shoal_call_arena(call), sizeof *circle);
    code = comments_circle_read(call, &row, NULL, circle, err);
    if (code != 0) {
        return code;
    }
    if (is_approval) {
        return answer(call, request, "ApproveReply", "ApproveReply", &row,
            comments_note_approval(call, &row, circle), err);
    }
    return is_activity ? answer(call, request, "Comment", "Create", &row,
                             comments_note_create(call, &row, circle), err)
                       : answer(call, request, "Comment",
                             row.deleted_ms != 0 ? "Tombstone" : "Note", &row,
                             comments_note(call, &row, circle), err);
}

// People are led to the page of the video.
static int get_page(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct comments_row row;
    struct shoal_video_ref video;
    char short_uuid[23] = "";
    int code = find(call, request, &row, &video, err);
    if (code != 0) {
        return code;
    }
    shoal_uuid_to_short(video.uuid, short_uuid);
    return shoal_answer_redirect(request, 302,
        shoal_arena_printf(shoal_call_arena(call), "/w/%s#comment-%lld", short_uuid,
            (long long)row.id));
}

static int collection_page(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    (void)path_id;
    const struct shoal_video_ref *video = arg;
    struct shoal_db *db = shoal_call_db(call);
    struct shoal_value id = SHOAL_I64(video->id);
    int code = shoal_db_i64(db, &comments_documents_total, SHOAL_ARGS(id), total, err);
    struct shoal_rows *rows =
        code == 0 && room > 0 ? shoal_db_query(db, &comments_documents_page,
                                    SHOAL_ARGS(id, SHOAL_I64(room), SHOAL_I64(offset)), err)
                              : NULL;
    while (rows != NULL && shoal_rows_next(rows)) {
        const char *url = shoal_col_null(rows, 1) ? NULL : shoal_col_text(rows, 1);
        const struct comments_row row = {
            .id = shoal_col_i64(rows, 0), .url = url, .video_uuid = video->uuid};
        json_array_append_new(items, json_string(comments_row_url(call, &row)));
    }
    return rows != NULL ? shoal_rows_close(rows, err) : code;
}

static int get_collection(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref video;
    struct shoal_arena *arena = shoal_call_arena(call);
    int code = federate_need(call, err);
    code = code == 0 ? shoal_video_by_id(call, shoal_request_param(request, "id"), &video, err)
                     : code;
    if (code == 0 && *video.origin_host != '\0') {
        return shoal_answer_redirect(
            request, 302, shoal_arena_printf(arena, "%s/comments", video.url));
    }
    if (code == 0 && !is_open(&video)) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Video not found");
    }
    if (code != 0) {
        return code;
    }
    return federate_answer_collection(call, request,
        shoal_arena_printf(arena, "/videos/watch/%s/comments", video.uuid), video.uuid,
        collection_page, &video, err);
}

int comments_documents_start(struct comments *comments, struct shoal_err *err)
{
    static const char one[] = "/videos/watch/{id}/comments/{commentId}";
    static const struct {
        const char *path, *produces;
        shoal_handler_fn *handler;
    } rows[] = {
        {one, "text/html", get_page},
        {one, "application/activity+json", get_one},
        {one, "application/ld+json", get_one},
        {"/videos/watch/{id}/comments/{commentId}/activity", NULL, get_one},
        {"/videos/watch/{id}/comments/{commentId}/approve-reply", NULL, get_one},
        {"/videos/watch/{id}/comments", NULL, get_collection},
    };
    int code = 0;
    // Without federation the addresses are unknown ones.
    bool is_there = federate_is_there();
    for (size_t i = 0; is_there && i < sizeof rows / sizeof *rows && code == 0; i++) {
        const struct shoal_route route = {.method = "GET",
            .path = rows[i].path,
            .produces = rows[i].produces,
            .handler = rows[i].handler,
            .arg = comments,
            // Never shared: a Delete that was passed on is believed once the document says so, which is asked at once.
            .auth = SHOAL_AUTH_NONE,
            .named_only = rows[i].produces != NULL && rows[i].handler == get_one,
            .cors = true};
        code = shoal_route_add(comments->self, &route, err);
    }
    return code;
}
