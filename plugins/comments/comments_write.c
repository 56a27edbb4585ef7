// comments_write.c - a comment is made, shown, changed or deleted: the row, the sum of the video, the tells.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "comments.h"

#define HOOK_CREATE  "comment.create"
#define HOOK_CHANGED "comment.changed"
#define MINUTE_MS       60000
#define ACCOUNTS_A_HOST 20    // as many as write as fast as they may
#define EDITS_MS        10000 // between two changes of a comment of another server

// What became of a comment that other servers may have to hear of from here; as comments_comment.news says.
enum news { NEWS_NONE, NEWS_MADE, NEWS_EDITED, NEWS_DELETED };

SHOAL_SQL(comments_write_add,
    "INSERT INTO comments_comment (video_id, account_id, thread_id, parent_id, depth, url, text, "
    "hold, approval_url, created, updated, received, news) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
    "$9, $10, $10, $11, $12) RETURNING id");
SHOAL_SQL(comments_write_show,
    "UPDATE comments_comment SET hold = 0, approval_url = $2, news = 1 "
    "WHERE id = $1 AND hold > 0 AND deleted IS NULL");
SHOAL_SQL(comments_write_approval,
    "UPDATE comments_comment SET approval_url = $2 "
    "WHERE id = $1 AND hold = 0 AND approval_url IS NULL AND deleted IS NULL");
SHOAL_SQL(comments_write_text,
    "UPDATE comments_comment SET text = $2, updated = $3, received = $4, hold = $5, news = 2, "
    "approval_url = CASE WHEN CAST($5 AS BIGINT) = 0 THEN approval_url ELSE NULL END "
    "WHERE id = $1 AND deleted IS NULL AND text <> $2");
// Nobody sees that something was here which was held to its end, unless somebody answered it: that has its place.
SHOAL_SQL(comments_write_bury,
    "UPDATE comments_comment SET text = '', account_id = NULL, deleted = $2, updated = $2, "
    "news = $3, hold = CASE WHEN EXISTS (SELECT 1 FROM comments_comment r WHERE r.parent_id = $1 "
    "AND r.thread_id = COALESCE(comments_comment.thread_id, comments_comment.id)) THEN 0 ELSE hold END "
    "WHERE id = $1 AND deleted IS NULL");
// As the one writer sees it, who alone changes it.
SHOAL_SQL(comments_write_hold, "SELECT hold FROM comments_comment WHERE id = $1 AND deleted IS NULL");
SHOAL_SQL(comments_write_passed,
    "UPDATE comments_comment SET news = 0 WHERE id = $1 AND news BETWEEN $2 AND $3 AND hold = 0");
SHOAL_SQL(comments_write_recent,
    "SELECT COUNT(*) FROM comments_comment WHERE account_id = $1 "
    "AND COALESCE(received, created) > $2");
SHOAL_SQL(comments_write_recent_host,
    "SELECT COUNT(*) FROM comments_comment c JOIN v1_account a ON a.id = c.account_id "
    "WHERE c.received > $2 AND a.host = $1");

// "comment:17", under which the host keeps what plugins held.
static const char *subject_of(struct shoal_call *call, int64_t id)
{
    return shoal_arena_printf(shoal_call_arena(call), "comment:%lld", (long long)id);
}

static int tell_tx(struct shoal_call *call, struct shoal_db *tx, const json_t *comment,
    const json_t *video, const char *what, struct shoal_err *err)
{
    if (!shoal_hook_heard(HOOK_CHANGED)) {
        return 0;
    }
    json_t *event = json_pack("{s:O, s:O, s:s, s:s?}", "comment", comment, "video", video, "what",
        what, "by", shoal_call_viewer(call)->username);
    int code = shoal_fire_durable(tx, HOOK_CHANGED, event, err);
    json_decref(event);
    return code;
}

struct creation {
    struct comments *comments;
    const struct comments_draft *draft;
    json_t *comment; // as it is told; its number comes with the row
    enum comments_hold hold;
    const struct shoal_decision *decision;
    int64_t now_ms, id;
};

int64_t comments_thread_of(const struct comments_row *parent)
{
    return parent == NULL ? 0 : parent->thread_id != 0 ? parent->thread_id : parent->id;
}

static int create_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct creation *creation = arg;
    const struct comments_draft *draft = creation->draft;
    const struct comments_row *parent = draft->parent;
    int64_t video_id = shoal_integer(draft->video, "id", 0);
    int64_t thread_id = comments_thread_of(parent);
    int code = shoal_db_i64(tx, &comments_write_add,
        SHOAL_ARGS(SHOAL_I64(video_id), SHOAL_I64(shoal_integer(draft->account, "id", 0)),
            thread_id != 0 ? SHOAL_I64(thread_id) : SHOAL_NULL,
            parent != NULL ? SHOAL_I64(parent->id) : SHOAL_NULL,
            SHOAL_I64(parent != NULL ? parent->depth + 1 : 0), SHOAL_TEXT(draft->url),
            SHOAL_TEXT(draft->text), SHOAL_I64(creation->hold), SHOAL_TEXT(draft->approval_url),
            SHOAL_TIME(creation->now_ms),
            draft->is_remote ? SHOAL_TIME(draft->is_asked ? creation->now_ms : shoal_now_ms())
                             : SHOAL_NULL,
            SHOAL_I64(draft->is_remote && creation->hold == COMMENTS_SHOWN ? NEWS_MADE : NEWS_NONE)),
        &creation->id, err);
    code = code == 0 ? comments_sum_move(call, tx, video_id, creation->id, err) : code;
    if (code == 0 && creation->hold == COMMENTS_HELD) {
        code = shoal_held_add(
            tx, HOOK_CREATE, subject_of(call, creation->id), creation->decision, err);
    }
    // What a plugin holds stays here; what waits for the owner of a video goes to its server.
    if (code == 0 && draft->is_sent && creation->hold != COMMENTS_HELD) {
        code = comments_send_tx(creation->comments, tx, creation->id, "created", NULL, err);
    }
    json_object_set_new(creation->comment, "id", json_integer(creation->id));
    json_object_set_new(creation->comment, "threadId",
        json_integer(thread_id != 0 ? thread_id : creation->id));
    return code == 0 ? tell_tx(call, tx, creation->comment, draft->video, "created", err) : code;
}

// What deciders and listeners read: a VideoComment that has no number yet.
static json_t *draft_json(const struct comments_draft *draft, int64_t now_ms)
{
    char time[32];
    shoal_time_format(now_ms, time);
    const struct comments_row *parent = draft->parent;
    int64_t thread_id = comments_thread_of(parent);
    return json_pack("{s:n, s:s?, s:s, s:o, s:o, s:O, s:s, s:s, s:n, s:b, s:b, s:O}", "id", "url",
        draft->url, "text", draft->text, "threadId",
        thread_id != 0 ? json_integer(thread_id) : json_null(), "inReplyToCommentId",
        parent != NULL ? json_integer(parent->id) : json_null(), "videoId",
        json_object_get(draft->video, "id"), "createdAt", time, "updatedAt", time, "deletedAt",
        "isDeleted", 0, "heldForReview", 0, "account", draft->account);
}

// Of another server, its word on when something was written counts for nothing here; and it has many accounts.
static int check_rate(struct shoal_call *call, const struct comments *comments, const json_t *account,
    bool is_remote, struct shoal_err *err)
{
    struct shoal_db *db = shoal_call_db(call);
    int64_t recent = 0, most = shoal_setting_i64(comments->self, "per_minute");
    struct shoal_value since = SHOAL_TIME(shoal_now_ms() - MINUTE_MS);
    int code = shoal_db_i64(db, &comments_write_recent,
        SHOAL_ARGS(SHOAL_I64(shoal_integer(account, "id", 0)), since), &recent, err);
    if (code == 0 && recent < most && is_remote) {
        most *= ACCOUNTS_A_HOST;
        code = shoal_db_i64(db, &comments_write_recent_host,
            SHOAL_ARGS(SHOAL_TEXT(shoal_text(account, "host", "")), since), &recent, err);
    }
    return code == 0 && recent >= most
               ? shoal_fail(err, SHOAL_ERATE, "too many comments in a minute")
               : code;
}

static int check(struct shoal_call *call, const struct comments *comments,
    const struct comments_draft *draft, struct shoal_err *err)
{
    if (shoal_integer(draft->video, "commentsPolicy.id", COMMENTS_ON) == COMMENTS_OFF) {
        return shoal_fail(err, SHOAL_ECONFLICT, "Video comments are disabled for this video.");
    }
    if (draft->parent != NULL && draft->parent->depth + 1 > COMMENTS_DEPTH_MAX) {
        return shoal_fail(err, SHOAL_ECONFLICT, "this thread has no deeper replies");
    }
    return draft->is_asked ? 0 : check_rate(call, comments, draft->account, draft->is_remote, err);
}

static enum shoal_verdict ask(struct shoal_call *call, json_t *comment, const json_t *video,
    const json_t *account, bool is_remote, struct shoal_decision *decision)
{
    if (!shoal_hook_heard(HOOK_CREATE)) {
        return SHOAL_PASS;
    }
    json_t *event = json_pack("{s:O, s:O, s:O, s:b}", "comment", comment, "video", video, "account",
        account, "is_remote", is_remote);
    enum shoal_verdict verdict = shoal_fire_decide(call, HOOK_CREATE, event, decision);
    json_decref(event);
    return verdict;
}

static int refused(const struct shoal_decision *decision, struct shoal_err *err)
{
    return shoal_fail(err, decision->failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s",
        decision->sentence[0] != '\0' ? decision->sentence : "Comment has been rejected.");
}

int comments_create(struct shoal_call *call, struct comments *comments,
    const struct comments_draft *draft, int64_t *id, struct shoal_err *err)
{
    struct shoal_decision decision = {0};
    struct creation creation = {.comments = comments,
        .draft = draft,
        .decision = &decision,
        .now_ms = draft->created_ms != 0 ? draft->created_ms : shoal_now_ms()};
    int code = check(call, comments, draft, err);
    if (code != 0) {
        return code;
    }
    bool is_reviewed =
        shoal_integer(draft->video, "commentsPolicy.id", COMMENTS_ON) == COMMENTS_REVIEWED;
    creation.hold = is_reviewed && !draft->is_trusted ? COMMENTS_WAITS : COMMENTS_SHOWN;
    creation.comment = draft_json(draft, creation.now_ms);
    enum shoal_verdict verdict =
        ask(call, creation.comment, draft->video, draft->account, draft->is_remote, &decision);
    if (verdict == SHOAL_REFUSE) {
        code = refused(&decision, err);
    } else {
        creation.hold = verdict == SHOAL_HOLD ? COMMENTS_HELD : creation.hold;
        json_object_set_new(
            creation.comment, "heldForReview", json_boolean(creation.hold != COMMENTS_SHOWN));
        code = shoal_tx(call, create_tx, &creation, err);
    }
    json_decref(creation.comment);
    *id = creation.id;
    return code;
}

// One change of a comment that is there.
enum act { APPROVED, EDITED, DELETED };
static const char *const acts[] = {"approved", "edited", "deleted"};
struct change {
    struct comments *comments;
    const struct comments_row *row;
    const struct comments_author *author; // of what is deleted
    enum act act;
    bool is_sent, is_news; // is_news: others may have to hear of it from here
    bool is_reviewed;      // an edit that the owner of the video wants to read
    const struct shoal_decision *held; // an edit that a plugin holds
    const json_t *comment, *video;
    const char *text;
    int64_t now_ms;
};

// What was read before the transaction may be old: the row says whether others see it. changed: 0 where somebody
// else wrote the same.
static int write_tx(struct shoal_db *tx, const struct change *change, enum comments_hold before,
    int64_t *changed, struct shoal_err *err)
{
    struct shoal_value id = SHOAL_I64(change->row->id);
    enum comments_hold hold = before != COMMENTS_SHOWN  ? before
                              : change->is_reviewed     ? COMMENTS_WAITS
                                                        : COMMENTS_SHOWN;
    switch (change->act) {
    case APPROVED:
        return shoal_db_exec(
            tx, &comments_write_show, SHOAL_ARGS(id, SHOAL_TEXT(change->text)), changed, err);
    case EDITED:
        return shoal_db_exec(tx, &comments_write_text,
            SHOAL_ARGS(id, SHOAL_TEXT(change->text), SHOAL_TIME(change->now_ms),
                SHOAL_TIME(shoal_now_ms()), SHOAL_I64(change->held != NULL ? COMMENTS_HELD : hold)),
            changed, err);
    default: break;
    }
    return shoal_db_exec(tx, &comments_write_bury,
        SHOAL_ARGS(id, SHOAL_TIME(change->now_ms),
            SHOAL_I64(change->is_news && before == COMMENTS_SHOWN ? NEWS_DELETED : NEWS_NONE)),
        changed, err);
}

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct change *change = arg;
    const struct comments_row *row = change->row;
    int64_t before = 0, changed = 0;
    int code = shoal_db_i64(tx, &comments_write_hold, SHOAL_ARGS(SHOAL_I64(row->id)), &before, NULL);
    if (code == SHOAL_ENOTFOUND || (code == 0 && change->act == APPROVED && before == COMMENTS_SHOWN)) {
        return 0; // somebody else was faster
    }
    code = code == 0 ? write_tx(tx, change, (enum comments_hold)before, &changed, err)
                     : shoal_fail(err, code, "a comment cannot be read");
    if (code != 0 || changed == 0) {
        return code;
    }
    code = comments_sum_move(call, tx, row->video_id, row->id, err);
    if (code == 0 && change->held != NULL) {
        code = shoal_held_add(tx, HOOK_CREATE, subject_of(call, row->id), change->held, err);
    } else if (code == 0 && change->act != EDITED) {
        code = shoal_held_remove(tx, HOOK_CREATE, subject_of(call, row->id), err);
    }
    if (code == 0 && change->is_sent) {
        code = comments_send_tx(
            change->comments, tx, row->id, acts[change->act], change->author, err);
    }
    return code == 0 ? tell_tx(call, tx, change->comment, change->video, acts[change->act], err) : code;
}

static json_t *video_of(struct shoal_call *call, const struct comments_row *row)
{
    json_t *video = shoal_video_get(call, row->video_uuid, NULL, NULL);
    return video != NULL ? video
                         : json_pack("{s:I, s:s, s:s}", "id", (json_int_t)row->video_id, "uuid",
                               row->video_uuid, "name", row->video_name);
}

// The comment is told as it was; what is new stands over it.
static int change_row(struct shoal_call *call, struct change *change, struct shoal_err *err)
{
    json_t *comment = comments_json(call, change->row, NULL);
    json_t *video = video_of(call, change->row);
    if (change->act == APPROVED) {
        json_object_set_new(comment, "heldForReview", json_false());
    }
    change->comment = comment;
    change->video = video;
    int code = shoal_tx(call, change_tx, change, err);
    json_decref(comment);
    json_decref(video);
    return code;
}

int comments_approve(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const char *approval_url, struct shoal_err *err)
{
    bool is_guest = row->url != NULL && *row->video_host == '\0';
    struct change change = {.comments = comments,
        .row = row,
        .act = APPROVED,
        .text = approval_url == NULL && is_guest ? comments_note_approval_url(call, row) : approval_url,
        .is_sent = (row->url == NULL || is_guest) && federate_enabled(call)};
    return change_row(call, &change, err);
}

static int approval_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct change *change = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &comments_write_approval,
        SHOAL_ARGS(SHOAL_I64(change->row->id), SHOAL_TEXT(change->text)), &changed, err);
    return code == 0 && changed > 0
               ? comments_send_tx(change->comments, tx, change->row->id, "approved", NULL, err)
               : code;
}

int comments_approved_far(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const char *approval_url, struct shoal_err *err)
{
    struct change change = {.comments = comments, .row = row, .text = approval_url};
    return shoal_tx(call, approval_tx, &change, err);
}

// What somebody else approved or let pass was another text: it is asked for again.
int comments_edit(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const char *text, int64_t updated_ms, struct shoal_err *err)
{
    struct shoal_decision decision = {0};
    bool is_again = row->updated_ms != row->created_ms;
    if (is_again && shoal_now_ms() - row->received_ms < EDITS_MS) {
        return shoal_fail(err, SHOAL_EBUSY, "%.200s is changed too often", row->url);
    }
    json_t *comment = comments_json(call, row, NULL);
    json_t *video = video_of(call, row);
    json_object_set_new(comment, "text", json_string(text));
    struct change change = {.comments = comments,
        .row = row,
        .act = EDITED,
        .text = text,
        .now_ms = updated_ms,
        .is_reviewed = *row->video_host == '\0' &&
                       shoal_integer(video, "commentsPolicy.id", COMMENTS_ON) == COMMENTS_REVIEWED,
        .comment = comment,
        .video = video};
    enum shoal_verdict verdict = ask(
        call, comment, video, json_object_get(comment, "account"), row->url != NULL, &decision);
    change.held = verdict == SHOAL_HOLD ? &decision : NULL;
    int code = verdict == SHOAL_REFUSE ? refused(&decision, err)
                                       : shoal_tx(call, change_tx, &change, err);
    json_decref(comment);
    json_decref(video);
    return code;
}

int comments_delete(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const struct comments_author *author, bool is_from_far,
    struct shoal_err *err)
{
    // Others know what was sent to them: not what a plugin held, nor what waited for an owner of here.
    bool was_sent = row->hold == COMMENTS_SHOWN || row->url != NULL ||
                    (row->hold == COMMENTS_WAITS && *row->video_host != '\0');
    bool is_ours_to_say = row->url == NULL || *row->video_host == '\0';
    struct shoal_actor actor = {0};
    struct comments_author known = {.name = row->account_name, .host = row->account_host};
    struct change change = {.comments = comments,
        .row = row,
        .act = DELETED,
        .now_ms = shoal_now_ms(),
        .is_news = is_from_far,
        .is_sent = !is_from_far && was_sent && is_ours_to_say && federate_enabled(call)};
    // What is deleted has no author any more.
    if (author == NULL && known.name != NULL && change.is_sent &&
        shoal_actor_named(call, known.name, known.host, &actor, NULL) == 0) {
        known.actor_id = actor.id;
    }
    change.author = author != NULL ? author : &known;
    return change_row(call, &change, err);
}

struct passing {
    int64_t row_id;
    enum news least, most;
    bool is_news;
};

static int passed_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct passing *passing = arg;
    int64_t changed = 0;
    int code = shoal_db_exec(tx, &comments_write_passed,
        SHOAL_ARGS(SHOAL_I64(passing->row_id), SHOAL_I64(passing->least), SHOAL_I64(passing->most)),
        &changed, err);
    passing->is_news = changed > 0;
    return code;
}

// A Create that comes once more, behind an edit, does not carry that edit's news away.
bool comments_is_news(struct shoal_call *call, const struct comments_row *row, const char *type)
{
    bool is_delete = strcmp(type, "Delete") == 0;
    struct passing passing = {.row_id = row->id,
        .least = is_delete ? NEWS_DELETED : NEWS_MADE,
        .most = is_delete                      ? NEWS_DELETED
                : strcmp(type, "Update") == 0 ? NEWS_EDITED
                                               : NEWS_MADE};
    return shoal_tx(call, passed_tx, &passing, NULL) == 0 && passing.is_news;
}

int comments_resume(struct shoal_call *call, const char *hook, const char *subject, bool released,
    const char *sentence, void *arg, struct shoal_err *err)
{
    (void)hook;
    (void)sentence;
    struct comments_row row;
    const char *number = strchr(subject, ':');
    int code = comments_row_get(call, number != NULL ? strtoll(number + 1, NULL, 10) : 0, &row, err);
    if (code == SHOAL_ENOTFOUND) {
        return 0;
    }
    if (code != 0 || row.deleted_ms != 0 || (released && row.hold == COMMENTS_SHOWN)) {
        return code;
    }
    return released ? comments_approve(call, arg, &row, row.approval_url, err)
                    : comments_delete(call, arg, &row, NULL, false, err);
}
