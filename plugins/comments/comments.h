// comments.h - what the files of this plugin share: a comment as a row and as JSON, and what changes it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef COMMENTS_H
#define COMMENTS_H
#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/svc/federation.h>

#include <activity.h>
#include <federate.h>
#include <named.h>
#include <paging.h>

#define COMMENTS_TEXT_MAX   10000 // characters
#define COMMENTS_DEPTH_MAX  100
#define COMMENTS_THREAD_MAX 1000  // replies that are shown of one thread
#define COMMENTS_COUNT      15
#define COMMENTS_COUNT_MAX  100

struct comments {
    struct shoal_plugin *self;
};

/// Why others do not see it yet.
enum comments_hold { COMMENTS_SHOWN = 0, COMMENTS_WAITS = 1, COMMENTS_HELD = 2 };
/// PeerTube's numbers.
enum comments_policy { COMMENTS_ON = 1, COMMENTS_OFF = 2, COMMENTS_REVIEWED = 3 };

/// A row; texts live in the call's arena. 0 and NULL where there is none.
struct comments_row {
    int64_t id, video_id, account_id, thread_id, parent_id, depth;
    int64_t created_ms, updated_ms, deleted_ms;
    int64_t received_ms; ///< of another server: when it came in, or was changed last
    int64_t replies, author_replies; ///< of the first of a thread, where they were asked for
    enum comments_hold hold;
    const char *url, *text, *approval_url;
    const char *account_name, *account_host;
    const char *video_uuid, *video_name, *video_host;
    int64_t video_account_id;
};

/// Who looks at comments of a video, and what they may.
struct comments_eyes {
    int64_t account_id; ///< 0: a stranger
    bool sees_all;      ///< what is held as well: the owner of the video, and who moderates
};

/// What everybody sees of a comment: neither what is held or deleted, nor what people of a hidden server said.
#define COMMENTS_FROM_HIDDEN(alias)                                                                \
    "EXISTS (SELECT 1 FROM v1_account h WHERE h.id = " alias ".account_id AND h.is_hidden = TRUE)"
#define COMMENTS_SEEN(alias)                                                                       \
    "(" alias ".hold = 0 AND " alias ".deleted IS NULL AND NOT " COMMENTS_FROM_HIDDEN(alias) ")"

// comments_row.c
/// Columns and tables of a statement that comments_row_read() reads: "SELECT " … " FROM " … .
#define COMMENTS_COLUMNS                                                                           \
    "c.id, c.video_id, c.account_id, c.thread_id, c.parent_id, c.depth, c.created, c.updated, "    \
    "c.deleted, c.hold, c.url, c.text, c.approval_url, a.name, a.host, v.uuid, v.name, "           \
    "v.origin_host, v.account_id, c.received"
#define COMMENTS_COLUMN_COUNT 20
#define COMMENTS_TABLES                                                                            \
    "comments_comment c JOIN v1_video v ON v.id = c.video_id "                                     \
    "LEFT JOIN v1_account a ON a.id = c.account_id"
void comments_row_read(
    struct shoal_call *call, const struct shoal_rows *rows, struct comments_row *out);
/// Finds one by its number, or by the URL of its id on another server.
int comments_row_get(
    struct shoal_call *call, int64_t id, struct comments_row *out, struct shoal_err *err);
int comments_row_by_url(
    struct shoal_call *call, const char *url, struct comments_row *out, struct shoal_err *err);
/// The URL of its id, here or where it comes from.
const char *comments_row_url(struct shoal_call *call, const struct comments_row *row);
struct comments_eyes comments_eyes_of(struct shoal_call *call, int64_t video_account_id);

/// Accounts that were asked for already, in one answer.
struct comments_people;
struct comments_people *comments_people_new(struct shoal_call *call);
/// VideoComment.
json_t *comments_json(
    struct shoal_call *call, const struct comments_row *row, struct comments_people *people);
/// VideoCommentForAdminOrUser.
json_t *comments_json_managed(
    struct shoal_call *call, const struct comments_row *row, struct comments_people *people);

// comments_list.c
/// {total, totalNotDeletedComments, data}: the first comments of threads.
json_t *comments_threads(struct shoal_call *call, int64_t video_id, struct comments_eyes eyes,
    int64_t start, int64_t count, const char *sort, struct comments_row **rows, size_t *row_count,
    struct shoal_err *err);
/// A comment and all that hangs on it, the oldest first; at most room rows.
int comments_thread(struct shoal_call *call, int64_t thread_id, struct comments_eyes eyes,
    struct comments_row *rows, size_t room, size_t *count, struct shoal_err *err);

// comments_text.c
/// What is kept of a text: without space around it, one kind of line end, no control characters.
/// Returns: NULL where nothing is left, or more than COMMENTS_TEXT_MAX characters are.
const char *comments_text_clean(struct shoal_arena *arena, const char *text);
/// The same of a text of another server, however long: what is too long ends with "…" and where the whole is
/// (url, left out where it is no address). is_part: there was more before.
const char *comments_text_cut(
    struct shoal_arena *arena, const char *text, const char *url, bool is_part);
/// The Markdown that is shown of a text: without headings, which would be the page's, and with markup as
/// text, since a comment is no HTML.
const char *comments_text_shown(struct shoal_arena *arena, const char *text);

// comments_shape.c
/// The text of a Note of another server, with its warning and links to what is attached; clean, cut where it is
/// too long, or NULL where it says nothing.
const char *comments_shape_text(struct shoal_arena *arena, const json_t *note);
/// Whether a text is an address of the web that can stand in Markdown as it is.
bool comments_is_link(const char *url);

// comments_html.c
#define COMMENTS_HTML_MAX (256 * 1024) // bytes that are read
/// HTML of another server as text: paragraphs, lines, lists, and where links lead.
const char *comments_html_text(struct shoal_arena *arena, const char *html);

// comments_write.c
/// A comment that is about to be.
struct comments_draft {
    const json_t *video, *account; ///< as the API shows them; borrowed
    const struct comments_row *parent; ///< or NULL
    const char *text;              ///< clean
    const char *url, *approval_url; ///< of another server
    int64_t created_ms;            ///< 0: now
    bool is_remote;
    bool is_sent;    ///< other servers hear of it
    bool is_trusted; ///< the review that the policy asks for is not needed
    bool is_asked;   ///< this server asked for it: no rate is held against its author
};
/// Who wrote something, also after they are gone; borrowed.
struct comments_author {
    int64_t actor_id;
    const char *name, *host; ///< host "": of here; name NULL: nobody knows
};
/// Asks comment.create, keeps it, counts it and tells. id: out.
/// Errors: SHOAL_EFORBIDDEN (refused), SHOAL_ECONFLICT (comments are off, too deep, the url is there),
/// SHOAL_ERATE.
int comments_create(struct shoal_call *call, struct comments *comments,
    const struct comments_draft *draft, int64_t *id, struct shoal_err *err);
/// Shows what was held. approval_url: of the approval of another server; NULL: of here.
int comments_approve(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const char *approval_url, struct shoal_err *err);
/// Keeps the approval of another server for what is shown here already, and sends it along.
int comments_approved_far(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const char *approval_url, struct shoal_err *err);
/// A text that its own server changed: asks comment.create anew, and waits again where the owner of the video
/// reads first. Errors: SHOAL_EFORBIDDEN (refused), SHOAL_EBUSY (too often).
int comments_edit(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const char *text, int64_t updated_ms, struct shoal_err *err);
/// Leaves a tombstone. author: of one who is gone; NULL: as the row says. is_from_far: another server said so,
/// and the network knows.
int comments_delete(struct shoal_call *call, struct comments *comments,
    const struct comments_row *row, const struct comments_author *author, bool is_from_far,
    struct shoal_err *err);
/// Whether what became of a comment of another server is to be passed on with an activity of a type (Create,
/// Update, Delete): once for each change that others can see, however often it is sent.
bool comments_is_news(struct shoal_call *call, const struct comments_row *row, const char *type);
/// The first of the thread that an answer to `parent` belongs to; 0: it begins one.
int64_t comments_thread_of(const struct comments_row *parent);

// comments_sum.c
/// Moves the sum of the video by what became of a comment, within the transaction of the change.
int comments_sum_move(struct shoal_call *call, struct shoal_db *tx, int64_t video_id, int64_t id,
    struct shoal_err *err);
/// Counts anew where a server was hidden, or is not any more.
int comments_sum_look(struct shoal_call *call, struct shoal_err *err);

// comments_forget.c
/// Whether a comment of an account is here; also where that cannot be read.
bool comments_has_author(struct shoal_call *call, int64_t account_id);
int comments_forget_video(struct shoal_call *call, int64_t video_id, struct shoal_err *err);
/// Deletes everything that an account wrote (below videos of `owner_account_id`, 0: below all). author: of one who
/// is gone, or NULL.
int comments_delete_of(struct shoal_call *call, struct comments *comments, int64_t account_id,
    int64_t owner_account_id, const struct comments_author *author, struct shoal_err *err);
/// Deletes what accounts wrote that are gone. [worker] a timer.
int comments_sweep(struct shoal_call *call, void *arg, struct shoal_err *err);
/// Keeps the place of a comment of another server that was deleted before it was known here.
int comments_bury(struct shoal_call *call, const char *url, int64_t video_id,
    const struct comments_row *parent, struct shoal_err *err);

// comments_write.c
shoal_resume_fn comments_resume;

// comments_note.c: a comment as other servers read it.
#define COMMENTS_ABOVE  20 // comments above one whose authors hear of it
/// Who is concerned by a comment; text in the call's arena.
struct comments_circle {
    struct shoal_video_ref video;
    struct shoal_actor author, owner; ///< owner: the account of the video
    const char *parent_url;           ///< what it answers: a comment, or the video
    struct shoal_actor above[COMMENTS_ABOVE];
    size_t above_count;
};
/// author: of a comment that is deleted, whose row has none; or NULL. Who of another server is gone has the
/// number 0 there.
int comments_circle_read(struct shoal_call *call, const struct comments_row *row,
    const struct comments_author *author, struct comments_circle *out, struct shoal_err *err);
/// Note, or Tombstone; a new reference.
json_t *comments_note(
    struct shoal_call *call, const struct comments_row *row, const struct comments_circle *circle);
json_t *comments_note_cc(struct shoal_call *call, const struct comments_circle *circle);
json_t *comments_note_create(
    struct shoal_call *call, const struct comments_row *row, const struct comments_circle *circle);
json_t *comments_note_approval(
    struct shoal_call *call, const struct comments_row *row, const struct comments_circle *circle);
/// Where the approval of this server for a comment of another one is found.
const char *comments_note_approval_url(struct shoal_call *call, const struct comments_row *row);

// comments_send.c
/// Queues what other servers are to hear of a comment, within the transaction of the change.
/// author: of what is deleted, or NULL.
int comments_send_tx(struct comments *comments, struct shoal_db *tx, int64_t id, const char *what,
    const struct comments_author *author, struct shoal_err *err);
int comments_send_start(struct comments *comments, struct shoal_err *err);

// comments_thread.c: from what a Note answers to the video that it is about.
struct comments_place {
    struct shoal_video_ref video;
    struct comments_row parent; ///< id 0: it begins a thread
    bool is_asked;              ///< this server looks for it, nobody sent it
};
/// Finds the comment of an id, of here or of another server.
int comments_place_row(struct shoal_call *call, const char *id, struct comments_row *out,
    struct shoal_err *err);
/// Finds where a Note belongs; what lies between and is not known is fetched and kept.
/// Returns: SHOAL_ENOTFOUND where it leads to no video that is known here.
int comments_place_find(struct shoal_call *call, struct comments *comments, const json_t *note,
    bool is_asked, struct comments_place *out, struct shoal_err *err);

// comments_receive.c, comments_documents.c
int comments_receive_start(struct comments *comments, struct shoal_err *err);
/// Keeps a Note of another server that stands in its place; what is there already is not made twice.
int comments_receive_note(struct shoal_call *call, struct comments *comments, const json_t *note,
    const struct shoal_actor *author, const struct comments_place *place, struct shoal_err *err);
int comments_documents_start(struct comments *comments, struct shoal_err *err);

// comments_api.c, comments_managed.c, comments_page.c
shoal_handler_fn comments_get_threads, comments_get_thread, comments_post_thread,
    comments_post_reply, comments_delete_one, comments_approve_one;
shoal_handler_fn comments_get_mine, comments_get_all, comments_delete_many;
shoal_handler_fn comments_get_trees;
/// What a held comment is, for moderators: `show` of the service `held`.
json_t *comments_show_held(
    struct shoal_call *call, void *arg, const char *hook, const char *subject);

#endif
