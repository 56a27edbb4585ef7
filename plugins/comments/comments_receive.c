// comments_receive.c - what people on other servers write below videos, change and take back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <urlhost.h>

#include "comments.h"

static bool is_public(const json_t *note)
{
    return activity_is_public(json_object_get(note, "to")) ||
           activity_is_public(json_object_get(note, "cc"));
}

static int64_t time_of(const json_t *note, const char *field)
{
    int64_t time_ms = 0, now_ms = shoal_now_ms();
    bool is_read = shoal_time_parse(shoal_text(note, field, ""), &time_ms) == 0;
    return is_read && time_ms > 0 && time_ms < now_ms ? time_ms : now_ms;
}

// Where the video is somebody else's, its server says who was approved: it is asked.
static const char *approval_of(
    struct shoal_call *call, const json_t *note, const struct shoal_video_ref *video)
{
    const char *approval = shoal_text(note, "replyApproval", NULL);
    if (approval == NULL || strlen(approval) > 2000 || *video->origin_host == '\0' ||
        !urlhost_same(shoal_call_arena(call), approval, video->url, true)) {
        return NULL;
    }
    json_t *document = federate_fetch(call, approval, NULL);
    const char *object = shoal_text(document, "object.id", shoal_text(document, "object", ""));
    bool is_given = strcmp(shoal_text(document, "type", ""), "ApproveReply") == 0 &&
                    strcmp(shoal_text(document, "id", ""), approval) == 0 &&
                    strcmp(object, shoal_text(note, "id", "")) == 0;
    json_decref(document);
    return is_given ? approval : NULL;
}

// The text as it is kept, and what plugins make of it before: the filter federation.read over {url, text, createdAt}.
static const char *text_of(
    struct shoal_call *call, const json_t *note, const char *url, int64_t created_ms)
{
    char time[32];
    const char *text = comments_shape_text(shoal_call_arena(call), note);
    if (text == NULL || !shoal_hook_heard("federation.read") || !federate_is_there()) {
        return text;
    }
    json_t *noun = json_pack("{s:s?, s:s, s:s}", "url", url, "text", text, "createdAt",
        shoal_time_format(created_ms, time));
    federate_read(call, "Note", note, &noun);
    text = comments_text_cut(shoal_call_arena(call), shoal_text(noun, "text", ""), url, false);
    json_decref(noun);
    return text;
}

static int change_text(struct shoal_call *call, struct comments *comments, const json_t *note,
    const struct shoal_actor *author, const struct comments_row *row, struct shoal_err *err)
{
    const char *text = text_of(call, note, row->url, row->created_ms);
    if (row->account_id != author->account_id || row->url == NULL) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this comment is somebody else's");
    }
    if (text == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "a comment without a text");
    }
    return row->deleted_ms != 0 || strcmp(text, row->text) == 0
               ? 0
               : comments_edit(call, comments, row, text, time_of(note, "updated"), err);
}

static int make(struct shoal_call *call, struct comments *comments, const json_t *note,
    const struct shoal_actor *author, const struct comments_place *place, struct shoal_err *err)
{
    const char *handle =
        shoal_arena_printf(shoal_call_arena(call), "%s@%s", author->name, author->host);
    const char *approval = approval_of(call, note, &place->video);
    struct comments_draft draft = {.parent = place->parent.id != 0 ? &place->parent : NULL,
        .url = shoal_text(note, "id", NULL),
        .approval_url = approval,
        .created_ms = time_of(note, "published"),
        .is_remote = true,
        .is_asked = place->is_asked,
        .is_trusted = approval != NULL};
    draft.text = text_of(call, note, draft.url, draft.created_ms);
    if (draft.text == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "a comment without a text");
    }
    json_t *video = shoal_video_get(call, place->video.uuid, NULL, err);
    json_t *account = video != NULL ? shoal_account_get(call, handle, err) : NULL;
    int64_t id = 0;
    draft.video = video;
    draft.account = account;
    int code = account != NULL ? comments_create(call, comments, &draft, &id, err) : err->code;
    json_decref(account);
    json_decref(video);
    if (code == SHOAL_ERATE) {
        return shoal_fail(err, SHOAL_EBUSY, "%.200s writes too fast", author->url);
    }
    // Refused for good: another try cannot help.
    return code == SHOAL_ECONFLICT ? SHOAL_EFORBIDDEN : code;
}

int comments_receive_note(struct shoal_call *call, struct comments *comments, const json_t *note,
    const struct shoal_actor *author, const struct comments_place *place, struct shoal_err *err)
{
    struct comments_row row;
    const char *id = shoal_text(note, "id", NULL);
    if (id == NULL || author->account_id == 0 || !is_public(note)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is no comment that everybody may read",
            id != NULL ? id : "it");
    }
    if (*place->video.origin_host == '\0' && !place->video.is_federated) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "nobody elsewhere knows this video");
    }
    int code = comments_row_by_url(call, id, &row, NULL);
    if (code == 0) {
        return change_text(call, comments, note, author, &row, err);
    }
    return code == SHOAL_ENOTFOUND ? make(call, comments, note, author, place, err)
                                   : shoal_fail(err, code, "the comments cannot be read");
}

static int receive_made(struct shoal_call *call, struct comments *comments,
    const struct shoal_activity *what, struct shoal_err *err)
{
    struct comments_place place;
    struct comments_row row;
    if (what->object == NULL) {
        return 0;
    }
    if (comments_row_by_url(call, what->object_id, &row, NULL) == 0) {
        int code = change_text(call, comments, what->object, what->actor, &row, err);
        const char *approval = shoal_text(what->object, "replyApproval", NULL);
        struct shoal_video_ref video;
        // The server of the video lets it in: it is shown here as well.
        bool waits = code == 0 && row.hold == COMMENTS_WAITS && *row.video_host != '\0' && approval != NULL;
        if (waits && shoal_video_by_id(call, row.video_uuid, &video, err) == 0 &&
            approval_of(call, what->object, &video) != NULL) {
            code = comments_approve(call, comments, &row, approval, err);
        }
        return code;
    }
    int code = comments_place_find(call, comments, what->object, what->is_crawled, &place, err);
    if (code == SHOAL_ENOTFOUND || code == SHOAL_EGONE) {
        return 0; // it is about nothing that anybody here knows
    }
    return code == 0 ? comments_receive_note(call, comments, what->object, what->actor, &place, err)
                     : code;
}

static int receive_note(struct shoal_call *call, const struct shoal_activity *what, void *arg,
    struct shoal_err *err)
{
    struct comments_row row;
    if (strcmp(what->type, "Delete") != 0) {
        return receive_made(call, arg, what, err);
    }
    int code = comments_place_row(call, what->object_id, &row, err);
    if (code != 0 || row.deleted_ms != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    // Whose it is the row says, not what was sent along; where its own server says that it is gone, it is.
    bool is_theirs = row.account_id == what->actor->account_id ||
                     row.video_account_id == what->actor->account_id;
    if (!is_theirs && !what->is_relayed && !what->is_fetched) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this comment is somebody else's");
    }
    return comments_delete(call, arg, &row, NULL, true, err);
}

// The owner of a video on another server shows what somebody here wrote below it.
static int receive_approval(struct shoal_call *call, const struct shoal_activity *what, void *arg,
    struct shoal_err *err)
{
    struct comments_row row;
    struct shoal_video_ref video;
    int code = comments_place_row(call, what->object_id, &row, err);
    if (code != 0 || row.url != NULL || row.hold == COMMENTS_HELD || *row.video_host == '\0') {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    code = shoal_video_by_id(call, row.video_uuid, &video, err);
    if (code == 0 && video.account_actor_id != what->actor->id) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s does not own the video", what->actor->url);
    }
    if (code != 0) {
        return code;
    }
    // Where the policy of the video was not known yet it was shown here at once.
    return row.hold == COMMENTS_WAITS ? comments_approve(call, arg, &row, what->id, err)
                                      : comments_approved_far(call, arg, &row, what->id, err);
}

static bool knows(struct shoal_call *call, const char *id, void *arg)
{
    (void)arg;
    struct comments_row row;
    return comments_place_row(call, id, &row, NULL) == 0;
}

// Whoever wrote it, and whose the video is.
static bool owns(
    struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg)
{
    (void)arg;
    struct comments_row row;
    return actor->account_id != 0 && comments_place_row(call, id, &row, NULL) == 0 &&
           (row.account_id == actor->account_id || row.video_account_id == actor->account_id);
}

static bool relays(
    struct shoal_call *call, const struct shoal_activity *what, int64_t *video_id, void *arg)
{
    (void)arg;
    struct comments_row row;
    if (comments_place_row(call, what->object_id, &row, NULL) != 0 || *row.video_host != '\0') {
        return false;
    }
    *video_id = row.video_id;
    return comments_is_news(call, &row, what->type);
}

int comments_receive_start(struct comments *comments, struct shoal_err *err)
{
    static const struct shoal_may_say note_rows[] = {{"Create", SHOAL_SAY_AUTHOR, true},
        {"Update", SHOAL_SAY_AUTHOR, true}, {"Delete", SHOAL_SAY_OWNER, false}, {0}};
    static const struct shoal_may_say approval_rows[] = {
        {"ApproveReply", SHOAL_SAY_ANYONE, false}, {0}};
    const struct shoal_federated types[] = {
        {.size = sizeof(struct shoal_federated),
            .plugin = "comments",
            .type = "Note",
            .rows = note_rows,
            .receive = receive_note,
            .knows = knows,
            .owner = owns,
            .relays = relays,
            .arg = comments},
        {.size = sizeof(struct shoal_federated),
            .plugin = "comments",
            .type = "ApproveReply",
            .rows = approval_rows,
            .receive = receive_approval,
            .arg = comments},
    };
    return federate_types_add(types, sizeof types / sizeof *types, err);
}
