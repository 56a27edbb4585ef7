// svc/delivery.h - the contract of `delivery`: what is said reaches each server that is to hear it. One provider.
//
// A delivery is taken within a transaction and lasts: one queue a host, in order, tried again with backoff
// for days, slowed where a host does not answer. It knows actors, followers, hosts and bytes. What may be
// said to whom, how an activity is written out and how a request is signed, it asks the one who gives it
// deliveries (the plugin `federation`), whose rules stand in one struct.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_DELIVERY_H
#define SHOAL_SVC_DELIVERY_H
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include <shoal/hooks.h>
#include <shoal/version.h>

/// What is to be said, and to whom. Zeroed fields mean none.
struct shoal_delivery {
    size_t size;            ///< sizeof(struct shoal_delivery)
    const json_t *activity; ///< without @context and signature; id, type, actor, object, to, cc are there
    int64_t actor_id;       ///< the local actor that says and signs it
    const char *context;    ///< the kind of its context: "Video", "Comment", "Actor", "View", "Playlist", …; NULL: the base alone
    int64_t followers_of[4]; ///< actors whose followers get it; 0 ends the list
    int64_t video_id;       ///< besides: the followers of every actor that announced this video; 0: none
    const char *const *inboxes; ///< besides: inbox URLs, NULL-ended; or NULL
    const int64_t *actors;  ///< besides: remote actors (their shared inbox), ended by 0; or NULL
    bool is_personal;       ///< to the personal inboxes, not the shared ones (Accept, Reject, ApproveReply)
    bool is_signed;         ///< also with an RsaSignature2017: others pass it on
    int priority;           ///< lower first: 0 what people see at once, 10 counters
    const char *replaces;   ///< of several waiting ones with the same key the newest alone goes out
    const char *except_host; ///< whom it came from: gets nothing; or NULL
    int64_t known_of; ///< instead of followers: every server that ever heard of this actor of ours, which is gone; or 0
};

/// What deliveries are asked about while they go out. All run on a worker, in the name of `plugin`, and (but
/// for enabled()) outside of transactions; texts live in the call's arena. Every member is filled in.
struct shoal_delivery_rules {
    size_t size;        ///< sizeof(struct shoal_delivery_rules)
    const char *plugin; ///< the name of the plugin whose rules they are
    /// Whether anything goes out now. What waits, waits on where not.
    bool (*enabled)(struct shoal_call *call, void *arg);
    /// The host of an inbox as handles have it; NULL where nothing is ever sent to such an address.
    const char *(*host)(struct shoal_call *call, const char *inbox, void *arg);
    /// Whether a host gets anything at all: it is not this one, and nobody blocked it.
    bool (*reaches)(struct shoal_call *call, const char *host, void *arg);
    /// The bytes of an activity: context, what plugins add, and the signature of those that others pass on.
    /// activity: taken. Returns: text that the caller frees, or NULL.
    char *(*finish)(struct shoal_call *call, int64_t actor_id, const char *context, bool is_signed,
        json_t *activity, void *arg, struct shoal_err *err);
    /// Whether anybody wants to be asked about each host; may() is not called where not.
    bool (*is_asked)(struct shoal_call *call, void *arg);
    /// What plugins say to an activity for a host: SHOAL_PASS, SHOAL_REFUSE, or SHOAL_HOLD (asked again later).
    enum shoal_verdict (*may)(struct shoal_call *call, const json_t *activity, const char *host,
        int64_t actor_id, int64_t video_id, void *arg);
    /// Headers of a signed POST, and which of two ways it is signed; see svc/signatures.h, and so refused(): after
    /// a 401 to one that was signed that way.
    const char *const *(*sign)(struct shoal_call *call, int64_t actor_id, const char *inbox,
        const void *body, size_t body_bytes, bool *is_modern, void *arg, struct shoal_err *err);
    void (*refused)(struct shoal_call *call, const char *inbox, bool was_modern, bool asks, void *arg);
    void *arg;
};

/// All calls run on a worker, but rules().
struct shoal_svc_delivery {
    size_t size; ///< sizeof(struct shoal_svc_delivery)
    /// Whose deliveries they are: once, in start(), by a plugin that says `needs`. What it points to is kept.
    /// Nothing goes out before. Errors: SHOAL_ECONFLICT.
    int (*rules)(void *arg, const struct shoal_delivery_rules *rules, struct shoal_err *err);
    /// Queues a delivery within a transaction. Errors: SHOAL_EINVAL, SHOAL_ETOOLARGE.
    int (*deliver)(struct shoal_call *call, void *arg, struct shoal_db *tx,
        const struct shoal_delivery *what, struct shoal_err *err);
    /// Passes an activity on, byte for byte, to the followers of who is involved in a video. tx: or NULL.
    int (*relay)(struct shoal_call *call, void *arg, struct shoal_db *tx, const char *bytes,
        int64_t video_id, const char *except_host, struct shoal_err *err);
    /// Hosts as they answer, those that fail first: a new array of {host, state ("well", "slow", "down", "blocked"), waiting,
    /// failures, silent_since_ms, last_ok_ms, last_error, next_ms}. host NULL: `count` after `start`.
    json_t *(*hosts)(struct shoal_call *call, void *arg, const char *host, int start, int count,
        struct shoal_err *err);
    /// How many deliveries wait, and for how many hosts.
    void (*waiting)(struct shoal_call *call, void *arg, int64_t *deliveries, int64_t *hosts);
    /// Asks a host again now, whatever happened before. Errors: SHOAL_ENOTFOUND (nothing was ever sent to it).
    int (*retry)(struct shoal_call *call, void *arg, const char *host, struct shoal_err *err);
    /// Takes over what another plugin had queued, in its transaction, one row at a time. kind, row:
    /// "host" {host, failures, silent_since, last_ok, last_error, next}; "gone" {inbox, since};
    /// "said" {actor_id, activity, body, plan, priority, replaces, subject, passed, is_spread, created}: the
    /// bytes are made where body is "", and *id is its number here; "waiting" {said (that number), host, inbox,
    /// priority, replaces, subject, attempts, next, created}. Times are ms, 0: never. Texts but "plan", which
    /// is {actors, inboxes, context, signed, except, video} as text, are as they go out. What is said of one
    /// object comes in the order in which it was said.
    int (*take)(struct shoal_call *call, void *arg, struct shoal_db *tx, const char *kind,
        const json_t *row, int64_t *id, struct shoal_err *err);
};

#endif
