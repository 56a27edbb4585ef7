// ratings.h - what the files of this plugin share: a rating, and who changes one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef RATINGS_H
#define RATINGS_H
#include <shoal/plugin.h>

#include <activity.h>
#include <federate.h>
#include <named.h>

enum ratings_value { RATINGS_NONE = 0, RATINGS_LIKE = 1, RATINGS_DISLIKE = 2 };

struct ratings {
    struct shoal_plugin *self;
};

/// "like", "dislike", "none".
const char *ratings_word(enum ratings_value value);
/// Reads such a word. Returns: false for any other text.
bool ratings_parse(const char *word, enum ratings_value *out);

/// What becomes of the counts of a video when a rating changes. None goes below 0.
void ratings_count(enum ratings_value from, enum ratings_value to, int64_t *likes, int64_t *dislikes);

/// What an account thinks of a video; none where there is no row.
int ratings_get(struct shoal_db *db, int64_t account_id, int64_t video_id,
    enum ratings_value *out, struct shoal_err *err);
/// The same as sql has it: RATINGS_LIKE or RATINGS_DISLIKE of an account ($1) and a video ($2).
int ratings_read(struct shoal_db *db, const struct shoal_sql *sql, int64_t account_id,
    int64_t video_id, enum ratings_value *out, struct shoal_err *err);

/// A change of mind. Texts are borrowed.
struct ratings_change {
    int64_t account_id, video_id;
    const char *handle; ///< of the account: "name", or "name@host"
    const char *video_uuid;
    const char *url;    ///< of the activity that said it, of another server; or NULL
    bool is_for_others; ///< somebody here about a video of another server, which hears of it
    enum ratings_value to;
    enum ratings_value only; ///< to none, and it is another: left as it is (who takes back a like has one)
    enum ratings_value from; ///< out
};
/// Keeps it, counts it, and tells those who listen, in one transaction. What is so already is no change.
int ratings_set(struct shoal_call *call, struct ratings *ratings, struct ratings_change *change,
    struct shoal_err *err);

/// Forgets what was said of a video, or by an account; the counts of videos follow.
int ratings_forget_video(struct shoal_call *call, int64_t video_id, struct shoal_err *err);
/// Whether an account has rated something; also where that cannot be read.
bool ratings_has_account(struct shoal_call *call, int64_t account_id);
int ratings_forget_account(struct shoal_call *call, int64_t account_id, struct shoal_err *err);
/// Forgets what accounts said that are gone. [worker] a timer.
int ratings_sweep(struct shoal_call *call, void *arg, struct shoal_err *err);

// ratings_federation.c, ratings_receive.c, ratings_documents.c
/// Queues what the origin of the video is to hear, within the transaction of the change.
int ratings_send_tx(struct ratings *ratings, struct shoal_db *tx,
    const struct ratings_change *change, struct shoal_err *err);
int ratings_federation_start(struct ratings *ratings, struct shoal_err *err);
int ratings_receive_start(struct ratings *ratings, struct shoal_err *err);
int ratings_documents_start(struct ratings *ratings, struct shoal_err *err);
/// Like or Dislike of an actor; what id, object and to are.
json_t *ratings_activity(enum ratings_value value, const char *id, const char *actor_url,
    const char *video_url, const char *owner_url);
/// "https://here/accounts/alice/likes/7".
const char *ratings_activity_id(
    struct shoal_arena *arena, const char *actor_url, bool is_like, int64_t video_id);

// ratings_api.c
shoal_handler_fn ratings_put, ratings_mine, ratings_list;

#endif
