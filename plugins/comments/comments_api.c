// comments_api.c - threads, replies, deletion and approval, as PeerTube's clients ask for them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

static int read_id(
    struct shoal_request *request, const char *name, int64_t *out, struct shoal_err *err)
{
    *out = paging_digits(shoal_request_param(request, name));
    return *out > 0 ? 0 : shoal_fail_field(err, name, "Should have a valid %s", name);
}

// The comment that the address names, of that video.
static int named_comment(struct shoal_call *call, struct shoal_request *request, const char *name,
    const json_t *video, struct comments_row *row, struct shoal_err *err)
{
    int64_t id = 0;
    int code = read_id(request, name, &id, err);
    code = code != 0 ? code : comments_row_get(call, id, row, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "Video comment thread not found");
    }
    if (code == 0 && row->video_id != shoal_integer(video, "id", 0)) {
        return shoal_fail_api(err, SHOAL_EINVAL, "comment_not_associated_to_video",
            "Video comment is not associated to this video.");
    }
    return code;
}

// Who wrote something may take it back though the video is hidden since: that the address names its
// video is all that is asked of it.
static int own_or_named(struct shoal_call *call, struct shoal_request *request,
    struct comments_row *row, struct shoal_err *err)
{
    int64_t id = 0;
    char short_uuid[23] = "";
    const char *name = shoal_request_param(request, "id");
    if (read_id(request, "commentId", &id, err) != 0) {
        return err->code;
    }
    if (comments_row_get(call, id, row, NULL) == 0 &&
        row->account_id == shoal_call_viewer(call)->account_id) {
        shoal_uuid_to_short(row->video_uuid, short_uuid);
        const char *number =
            shoal_arena_printf(shoal_call_arena(call), "%lld", (long long)row->video_id);
        if (strcmp(name, row->video_uuid) == 0 || strcmp(name, short_uuid) == 0 ||
            strcmp(name, number) == 0) {
            return 0;
        }
    }
    json_t *video = named_video(call, request, NULL, err);
    int code = video != NULL ? named_comment(call, request, "commentId", video, row, err)
                             : err->code;
    json_decref(video);
    return code;
}

static int64_t owner_of(const json_t *video)
{
    return shoal_integer(video, "account.id", 0);
}

static bool is_off(const json_t *video)
{
    return shoal_integer(video, "commentsPolicy.id", COMMENTS_ON) == COMMENTS_OFF;
}

// Comments of those who may manage them are not reviewed; of a remote video nobody here may.
static bool is_trusted(struct shoal_call *call, const json_t *video)
{
    return shoal_flag(video, "isLocal", true) && comments_eyes_of(call, owner_of(video)).sees_all;
}

int comments_get_threads(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int64_t start = 0, count = COMMENTS_COUNT;
    json_t *video = NULL, *answer = NULL;
    int code = paging_read(request, COMMENTS_COUNT_MAX, &start, &count, err);
    if (code != 0 || (video = named_video(call, request, NULL, err)) == NULL) {
        return err->code;
    }
    if (is_off(video)) {
        answer = json_pack("{s:i, s:i, s:[]}", "total", 0, "totalNotDeletedComments", 0, "data");
    } else {
        answer = comments_threads(call, shoal_integer(video, "id", 0),
            comments_eyes_of(call, owner_of(video)), start, count,
            shoal_request_query(request, "sort"), NULL, NULL, err);
    }
    json_decref(video);
    return answer == NULL ? err->code : shoal_answer_json(request, 200, answer);
}

// Rows come parents first; a reply whose parent is not seen is not seen either.
static json_t *tree_of(struct shoal_call *call, const struct comments_row *rows, size_t count)
{
    struct comments_people *people = comments_people_new(call);
    json_t **nodes = shoal_arena_alloc(shoal_call_arena(call), count * sizeof *nodes);
    for (size_t i = 0; i < count; i++) {
        size_t parent = 0;
        while (parent < i && rows[parent].id != rows[i].parent_id) {
            parent++;
        }
        if (i > 0 && (parent == i || nodes[parent] == NULL)) {
            continue;
        }
        nodes[i] =
            json_pack("{s:o, s:[]}", "comment", comments_json(call, &rows[i], people), "children");
        if (i > 0) {
            json_array_append_new(json_object_get(nodes[parent], "children"), nodes[i]);
        }
    }
    return count > 0 ? nodes[0] : NULL;
}

int comments_get_thread(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct comments_row root = {0};
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    int code = named_comment(call, request, "threadId", video, &root, err);
    if (code == 0 && root.parent_id != 0) {
        code = shoal_fail(err, SHOAL_EINVAL, "Video comment is not a thread.");
    }
    if (code == 0 && is_off(video)) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "No comments were found");
    }
    size_t room = COMMENTS_THREAD_MAX + 1, count = 0;
    struct comments_row *rows = shoal_arena_alloc(shoal_call_arena(call), room * sizeof *rows);
    code = code != 0 ? code
                     : comments_thread(call, root.id, comments_eyes_of(call, owner_of(video)), rows,
                           room, &count, err);
    int64_t owner = owner_of(video);
    json_decref(video);
    if (code != 0 || count == 0 || rows[0].id != root.id) {
        return code != 0 ? code : shoal_fail(err, SHOAL_ENOTFOUND, "No comments were found");
    }
    for (size_t i = 1; i < count; i++) {
        rows[0].replies += rows[i].deleted_ms == 0;
        rows[0].author_replies += rows[i].deleted_ms == 0 && rows[i].account_id == owner;
    }
    return shoal_answer_json(request, 200, tree_of(call, rows, count));
}

// Makes a comment of the request's text below parent, or a thread.
static int create(struct shoal_call *call, struct shoal_request *request,
    struct comments *comments, const json_t *video, const struct comments_row *parent,
    struct shoal_err *err)
{
    json_t *body = shoal_request_body(request, err);
    const char *sent = body != NULL ? shoal_text(body, "text", NULL) : NULL;
    if (body == NULL) {
        return err->code;
    }
    const char *text =
        sent != NULL ? comments_text_clean(shoal_call_arena(call), sent) : NULL;
    if (text == NULL) {
        return shoal_fail_field(err, "text", "Should have a text of 1 to %d characters",
            COMMENTS_TEXT_MAX);
    }
    json_t *account = shoal_account_get(call, shoal_call_viewer(call)->username, err);
    if (account == NULL) {
        return err->code;
    }
    struct comments_draft draft = {.video = video,
        .account = account,
        .parent = parent,
        .text = text,
        .is_sent = federate_enabled(call),
        .is_trusted = is_trusted(call, video)};
    int64_t id = 0;
    struct comments_row row;
    int code = comments_create(call, comments, &draft, &id, err);
    code = code != 0 ? code : comments_row_get(call, id, &row, err);
    json_decref(account);
    return code != 0 ? code
                     : shoal_answer_json(request, 200,
                           json_pack("{s:o}", "comment", comments_json(call, &row, NULL)));
}

int comments_post_thread(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    int code = create(call, request, arg, video, NULL, err);
    json_decref(video);
    return code;
}

int comments_post_reply(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct comments_row parent = {0};
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    int code = named_comment(call, request, "commentId", video, &parent, err);
    struct comments_eyes eyes = comments_eyes_of(call, owner_of(video));
    if (code == 0 && parent.hold != COMMENTS_SHOWN && !eyes.sees_all &&
        parent.account_id != eyes.account_id) {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "Video comment thread not found");
    }
    if (code == 0 && parent.deleted_ms != 0) {
        code = shoal_fail(err, SHOAL_ECONFLICT, "This comment is deleted");
    }
    code = code != 0 ? code : create(call, request, arg, video, &parent, err);
    json_decref(video);
    return code;
}

// Owners of the video and moderators; what is asked of a video that only they see is answered to them.
static int may_manage(
    struct shoal_call *call, const struct comments_row *row, struct shoal_err *err)
{
    return comments_eyes_of(call, row->video_account_id).sees_all
               ? 0
               : shoal_fail(err, SHOAL_EFORBIDDEN,
                     "User does not have the permission to manage comments of this video");
}

int comments_delete_one(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct comments_row row = {0};
    int code = own_or_named(call, request, &row, err);
    if (code == 0 && row.deleted_ms != 0) {
        code = shoal_fail(err, SHOAL_ECONFLICT, "This comment is already deleted");
    }
    if (code == 0 && row.account_id != shoal_call_viewer(call)->account_id) {
        code = may_manage(call, &row, err);
    }
    code = code != 0 ? code : comments_delete(call, arg, &row, NULL, false, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int comments_approve_one(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct comments_row row = {0};
    json_t *video = named_video(call, request, NULL, err);
    if (video == NULL) {
        return err->code;
    }
    int code = named_comment(call, request, "commentId", video, &row, err);
    json_decref(video);
    if (code == 0 && row.deleted_ms != 0) {
        code = shoal_fail(err, SHOAL_ECONFLICT, "This comment is deleted");
    }
    if (code == 0 && row.hold == COMMENTS_SHOWN) {
        code = shoal_fail(err, SHOAL_EINVAL, "This comment is not held for review");
    }
    code = code != 0 ? code : may_manage(call, &row, err);
    code = code != 0 ? code : comments_approve(call, arg, &row, row.approval_url, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}
