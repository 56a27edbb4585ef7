// svc/federation.h - the contract of `federation`: what travels between servers as ActivityPub. One provider.
//
// A plugin registers the object types that it keeps ("Video", "Note", "Like") and is given what others
// send of them, after the signature, the bounds, the rule below and the hook federation.inbound; it
// hands out what it has to say, and serves its documents and collections through this table, so that
// context, signatures, authorized fetch and the filters federation.write and federation.read are done
// in one place.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_FEDERATION_H
#define SHOAL_SVC_FEDERATION_H
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include <shoal/remote.h>
#include <shoal/svc/delivery.h>
#include <shoal/version.h>

/// Who may say an activity about an object: one rule for each pair of activity and type. The provider
/// holds it before anything is applied; 0 (not in the type's rows) means nobody.
enum shoal_say {
    SHOAL_SAY_NOBODY = 0,
    SHOAL_SAY_AUTHOR = 1, ///< the object's attributedTo (or actor) is the speaker, and both lie on one host
    SHOAL_SAY_HOST = 2,   ///< the speaker lies on the host of the object's id (an account for its channel's video)
    SHOAL_SAY_OWNER = 3,  ///< AUTHOR, or the speaker owns what the object hangs on (the video of a comment):
                          ///< the type's owner() answers
    SHOAL_SAY_ANYONE = 4, ///< it is about somebody else's object (Like, Announce, View)
};

/// An activity that came in and is believed; borrowed for the call.
struct shoal_activity {
    const char *id;
    const char *type;            ///< "Create", "Update", "Delete", "Undo", "Like", …
    const json_t *activity;      ///< all of it
    const json_t *object;        ///< the object, whole where it was embedded or has been fetched; else NULL
    const char *object_id;
    const char *object_type;     ///< "Note"; of a Delete by id: the type whose plugin knows the id
    const struct shoal_actor *actor; ///< who says it; in the tables
    bool is_fetched;             ///< the object was fetched from its own id just now
    bool is_relayed;             ///< somebody else passed it on
    bool is_crawled;             ///< nobody sent it: it was found in an outbox, or looked for here
    bool is_awaited;             ///< its sender waits: what would have to ask another server returns SHOAL_EBUSY
};

/// One pair of activity and rule of a type.
struct shoal_may_say {
    const char *activity; ///< "Create"
    enum shoal_say who;
    bool is_fetched;      ///< the object is always fetched from its id, whatever was embedded
};

/// A type of object, or of an activity that is its own object (Like: the activity about the liked
/// object; then `type` is the activity's). Its strings and arrays outlive the plugin.
struct shoal_federated {
    size_t size;        ///< sizeof(struct shoal_federated)
    const char *plugin; ///< the name of the plugin that registers: its code runs with its own tables
    const char *type;
    const struct shoal_may_say *rows; ///< ended by an activity NULL
    /// [worker] Applies what came in. It is repeatable: the same activity may come twice.
    /// Returns: 0 (also when there is nothing to do); SHOAL_EINVAL and SHOAL_EFORBIDDEN drop it;
    /// any other error has it tried again with backoff.
    int (*receive)(struct shoal_call *call, const struct shoal_activity *what, void *arg,
        struct shoal_err *err);
    /// Whether it keeps an object of this id (asked for a Delete or Undo that names one only), and
    /// whether `actor` owns it in the sense of SHOAL_SAY_OWNER. Either may be NULL.
    bool (*knows)(struct shoal_call *call, const char *id, void *arg);
    bool (*owner)(struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg);
    /// After it was applied: whether the activity is passed on, byte for byte, to the followers of the
    /// involved actors (comments and Views of our videos); video_id: out. NULL: never.
    bool (*relays)(struct shoal_call *call, const struct shoal_activity *what, int64_t *video_id, void *arg);
    void *arg;
    /// receive() touches the database alone, for milliseconds (see is_awaited): what its author sends is
    /// applied before the answer.
    bool is_quick;
};

/// A page of a collection: adds at most `room` items after `offset` to `items`, and sets *total. It runs in the
/// name of the plugin that answers with the collection: its own tables are there.
typedef int shoal_collection_fn(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err);

/// All calls run on a worker. Members are appended only. sdk/lib/federate has each of them in one line: found,
/// entered, called and left.
struct shoal_svc_federation {
    size_t size; ///< sizeof(struct shoal_svc_federation)

    /// Whether this instance federates now (the setting and a fixed url).
    bool (*enabled)(struct shoal_call *call, void *arg);

    /// Registers a type. In instance.started or start() of a plugin that says `after` federation; what
    /// it points to is kept. Errors: SHOAL_ECONFLICT.
    int (*type_add)(void *arg, const struct shoal_federated *type, struct shoal_err *err);

    /// Finds or fetches what a URL or "@name@host" names, and hands it to the plugin of its type:
    /// {type, id, actor (number) or video (uuid) …}. A new reference or NULL.
    /// Errors: SHOAL_ENOTFOUND, SHOAL_EUPSTREAM, SHOAL_ETIMEOUT, SHOAL_EFORBIDDEN, SHOAL_EINVAL.
    json_t *(*resolve)(struct shoal_call *call, void *arg, const char *what, struct shoal_err *err);
    /// The actor of a URL; fetched and kept when it is unknown or was read longer than max_age_ms ago
    /// (0: any age does; -1: fetch now).
    int (*actor)(struct shoal_call *call, void *arg, const char *url, int64_t max_age_ms,
        struct shoal_actor *actor, struct shoal_err *err);
    /// A document fetched by a signed GET, whose id is the URL that was asked for (or of its host, after
    /// one more fetch of that id), with the filter federation.read not yet applied. A new reference.
    json_t *(*fetch)(struct shoal_call *call, void *arg, const char *url, struct shoal_err *err);
    /// Walks a remote collection with bounds on pages, items and time, cycles found; each() gets every item (borrowed) and
    /// returns false to end it. It runs in the name of the plugin that called.
    int (*crawl)(struct shoal_call *call, void *arg, const char *url, int items_max,
        bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
        struct shoal_err *err);

    /// Queues a delivery within a transaction: durable, one queue a host, retried for two days.
    int (*deliver)(struct shoal_call *call, void *arg, struct shoal_db *tx,
        const struct shoal_delivery *what, struct shoal_err *err);

    /// Answers a request with a document: context of that kind, filter federation.write with `noun`, Vary,
    /// authorized fetch where it is required, the caching of public documents. document: taken.
    int (*answer)(struct shoal_call *call, void *arg, struct shoal_request *request,
        const char *context, const char *type, const json_t *noun, json_t *document,
        struct shoal_err *err);
    /// Answers with an OrderedCollection at `path` (its own path, with "page" in the request's query).
    int (*answer_collection)(struct shoal_call *call, void *arg, struct shoal_request *request,
        const char *path, const char *path_id, shoal_collection_fn *page, void *page_arg,
        struct shoal_err *err);
    /// Runs federation.write over an object that is about to be embedded in an activity; *object is replaced.
    /// What was added to the context stands in the object, as its own "@context".
    void (*written)(struct shoal_call *call, void *arg, const char *type, const json_t *noun,
        json_t **object);
    /// Runs federation.read over the draft that a plugin made of a remote object.
    void (*read)(struct shoal_call *call, void *arg, const char *type, const json_t *object,
        json_t **draft);
    /// The instance's own actor (Application "peertube").
    int (*self)(struct shoal_call *call, void *arg, struct shoal_actor *actor, struct shoal_err *err);
    /// Follows or unfollows on behalf of a local actor: asked, told to the other server, answered later.
    int (*follow)(struct shoal_call *call, void *arg, int64_t follower_id, int64_t target_id,
        bool follows, struct shoal_err *err);
    /// The document of a local actor, without context; a new reference or NULL.
    json_t *(*actor_document)(struct shoal_call *call, void *arg, const struct shoal_actor *actor,
        struct shoal_err *err);
    /// Whether other servers are sent unlisted videos too; without it they are not. The core asks while it
    /// reads a video, also within a transaction: it answers from memory.
    bool (*sends_unlisted)(struct shoal_call *call, void *arg);
};

#endif
