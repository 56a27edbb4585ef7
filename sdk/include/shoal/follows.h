// follows.h - who hears of whom: follows between actors, what users subscribe to, and shares.
//
// An actor is an account, a channel or an instance, here or on another server; its number is that of
// catalog_actor. One of the two of a follow is of this server.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_FOLLOWS_H
#define SHOAL_FOLLOWS_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

enum shoal_follow_state {
    SHOAL_FOLLOW_NONE = 0,
    SHOAL_FOLLOW_PENDING = 1,
    SHOAL_FOLLOW_ACCEPTED = 2,
    SHOAL_FOLLOW_REJECTED = 3, ///< kept, so that who was refused is not asked about again
};

/// One follow. Append only.
struct shoal_follow {
    int64_t follower_id, target_id; ///< actors
    enum shoal_follow_state state;
    const char *url; ///< id of the Follow activity; NULL: as it was
    bool by_peer;    ///< the other server said so: it need not be told
    // Filled in by both functions:
    int64_t id;
    enum shoal_follow_state before; ///< NONE: there was none
    int64_t score;                  ///< 10000 while the other server answers, 0 when it is given up
    const char *last_error;         ///< why it is lower, in the call's arena, or NULL
    int64_t created_ms, updated_ms;
};

// Thread: [worker]. Blocks: yes. Since: 1.0. Errors, besides what is said: SHOAL_EIO, SHOAL_EFORBIDDEN
// (no permission read:follows or write:follows). JSON is a new reference, NULL on an error.

/// Makes a follow, or moves it to another state: counts followers of both sides, looks which videos of
/// other servers lists show, and tells follow.changed (asked, accepted, rejected), all in one
/// transaction, which joins that of the call. Nothing is told where the state stays.
///
/// Returns: 0 or a negative error. Errors: SHOAL_ENOTFOUND (no such actor), SHOAL_EINVAL (itself, or
/// neither is of this server).
SHOAL_INLINE int shoal_follow_put(struct shoal_call *call, struct shoal_follow *follow,
    struct shoal_err *err)
{
    return shoal_follow_put_sized(call, follow, sizeof *follow, err);
}
/// Errors: SHOAL_ENOTFOUND.
SHOAL_INLINE int shoal_follow_get(struct shoal_call *call, int64_t follower_id, int64_t target_id,
    struct shoal_follow *follow, struct shoal_err *err)
{
    return shoal_follow_get_sized(call, follower_id, target_id, follow, sizeof *follow, err);
}
/// Ends a follow and tells follow.changed (removed). by_peer: the other server said so.
/// Errors: SHOAL_ENOTFOUND.
SHOAL_API int shoal_follow_remove(struct shoal_call *call, int64_t follower_id, int64_t target_id,
    bool by_peer, struct shoal_err *err);
/// Keeps how well a server can be reached with every follow of its actors. why: NULL when it is back.
SHOAL_API int shoal_follow_score(struct shoal_call *call, const char *host, int64_t score,
    const char *why, struct shoal_err *err);

/// {total, data} of PeerTube's ActorFollow. query: one of {target}, {follower} (handles; "peertube" is
/// the instance), and {withChannels (of a target account: those of its channels too), state ("pending",
/// "accepted", "rejected"), actorType ("Person", "Group", "Application": of the other side), host (of
/// the other side), search, sort (createdAt, state, score, redundancyAllowed), start, count}. Follows
/// of the instance are public; those of others are for who may change them.
/// Errors: SHOAL_ENOTFOUND (handle), SHOAL_EINVAL with the field, SHOAL_EAUTH.
SHOAL_API json_t *shoal_follow_list(struct shoal_call *call, const json_t *query,
    struct shoal_err *err);
/// A page of a followers collection (followers true) or a following collection of an actor of this
/// server: {total, data: [URL of an actor]}, accepted ones, the newest first.
SHOAL_API json_t *shoal_follow_urls(struct shoal_call *call, int64_t actor_id, bool followers,
    int64_t start, int64_t count, struct shoal_err *err);

#define SHOAL_AUDIENCE_MAX 8
/// Where a message for followers goes: one inbox and its host, borrowed for the call. A negative error
/// ends the walk.
typedef int shoal_inbox_fn(struct shoal_call *call, const char *inbox_url, const char *host,
    void *arg, struct shoal_err *err);
/// Walks a page of the inboxes of all accepted followers of some actors that are on other servers:
/// each once, the shared inbox where there is one, in the order of their addresses.
///
/// actors, count: at most SHOAL_AUDIENCE_MAX. after: the last address of the page before, or "".
/// limit: of this page, 1 to 1000. Nothing of a page is kept when the next one is asked for.
/// Returns: how many there were (fewer than limit: it was the last page), or a negative error.
/// Errors: SHOAL_EINVAL, what fn gave.
SHOAL_API int shoal_follow_inboxes(struct shoal_call *call, const int64_t *actors, size_t count,
    const char *after, int limit, shoal_inbox_fn *fn, void *arg, struct shoal_err *err);

// What the user of a call subscribes to: follows of the account's actor. handle: "name" or "name@host"
// of a channel, or of an account, whose channels are then all meant.
// Errors: SHOAL_EAUTH, SHOAL_ENOTFOUND (no such channel is known here, or it is not subscribed to).

/// Subscribes: at once where the channel is of this server (hook follow.request may hold or refuse:
/// SHOAL_EFORBIDDEN), else pending until the other server accepts. Being subscribed is fine.
SHOAL_API int shoal_subscription_add(struct shoal_call *call, const char *handle, struct shoal_err *err);
SHOAL_API int shoal_subscription_remove(struct shoal_call *call, const char *handle, struct shoal_err *err);
/// What a channel or account is to the viewer: state of the subscription (NONE for strangers), and how
/// many follow it. Errors: SHOAL_ENOTFOUND (no such channel is known here).
SHOAL_API int shoal_subscription_state(struct shoal_call *call, const char *handle,
    enum shoal_follow_state *state, int64_t *followers, struct shoal_err *err);
/// VideoChannel (or Account) with "subscription": {state: "pending" or "accepted", createdAt}.
SHOAL_API json_t *shoal_subscription_get(struct shoal_call *call, const char *handle,
    struct shoal_err *err);
/// {total, data} of the same. query: {start, count, sort (createdAt), search, accounts (bool: the
/// accounts instead of the channels)}.
SHOAL_API json_t *shoal_subscription_list(struct shoal_call *call, const json_t *query,
    struct shoal_err *err);

// What brings videos of other servers into lists: that their channel, their account, their server or
// somebody who shared them is followed from here.

/// Looks anew whether lists show a video of another server; for who has made it or moved it to another
/// channel. In the transaction of the call where there is one.
SHOAL_API int shoal_video_listed(struct shoal_call *call, int64_t video_id, struct shoal_err *err);
/// Keeps that an actor shared (announced) a video. url: id of the announcement; an actor has one share
/// of a video, the newest. Errors: SHOAL_ENOTFOUND, SHOAL_ECONFLICT (the url is another's).
SHOAL_API int shoal_share_put(struct shoal_call *call, int64_t video_id, int64_t actor_id,
    const char *url, struct shoal_err *err);
/// Errors: SHOAL_ENOTFOUND (this actor has no share of that url).
SHOAL_API int shoal_share_remove(struct shoal_call *call, int64_t actor_id, const char *url,
    struct shoal_err *err);
/// Who shared something under this url. Errors: SHOAL_ENOTFOUND.
SHOAL_API int shoal_share_actor(struct shoal_call *call, const char *url, int64_t *actor_id,
    struct shoal_err *err);
/// A page of a video's shares: {total, data: [url]}, the oldest first.
SHOAL_API json_t *shoal_share_urls(struct shoal_call *call, int64_t video_id, int64_t start,
    int64_t count, struct shoal_err *err);

#endif
