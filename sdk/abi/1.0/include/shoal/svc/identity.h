// svc/identity.h - the contract of `identity`: who is who between servers. One provider.
//
// Both ways: the people, channels and the server here as others read them (documents, collections, WebFinger,
// NodeInfo), and those elsewhere, found by address or handle, read by signed requests and believed where they
// lie. It knows nothing of inboxes, follows or deliveries. Whether this server federates at all, and with
// whom not, the plugin `federation` says.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_IDENTITY_H
#define SHOAL_SVC_IDENTITY_H
#include <jansson.h>
#include <stdint.h>

#include <shoal/jobs.h>
#include <shoal/remote.h>
#include <shoal/svc/federation.h>
#include <shoal/svc/signatures.h>
#include <shoal/version.h>

/// What identity asks. All run on a worker, in the name of `plugin`; every member is filled in.
struct shoal_identity_rules {
    size_t size;        ///< sizeof(struct shoal_identity_rules)
    const char *plugin; ///< the name of the plugin whose rules they are
    /// Whether this instance federates now. Its documents are not there where not.
    bool (*enabled)(struct shoal_call *call, void *arg);
    /// Whether other servers may be on loopback and in private networks, and speak plain http.
    bool (*is_private)(struct shoal_call *call, void *arg);
    /// Whether nobody has anything to do with this host.
    bool (*blocked)(struct shoal_call *call, const char *host, void *arg);
    /// Whether documents are given to those alone who sign their request.
    bool (*wants_signature)(struct shoal_call *call, void *arg);
    /// The Tombstone of an actor of ours that had this address and is gone: a new reference, NULL: there was none.
    json_t *(*gone)(struct shoal_call *call, const char *url, void *arg);
    void *arg;
    /// What later() kept is proven now: the body of a request that this actor signed. Nobody waits for it, and it
    /// may come again. Returns: 0: it is done with; an error that passes (SHOAL_EBUSY, SHOAL_ERATE, SHOAL_EIO, …):
    /// it comes again later, a few times; any other error: it is dropped.
    int (*proved)(struct shoal_call *call, const struct shoal_actor *signer, const char *body,
        size_t body_bytes, void *arg, struct shoal_err *err);
};

/// All calls but rules() run on a worker. New references, NULL or a negative error on failure; err is never NULL.
/// Functions that come with a call run in the name of who called (shoal_caller()).
struct shoal_svc_identity {
    size_t size; ///< sizeof(struct shoal_svc_identity)
    /// Whose rules hold: once, in start(), by a plugin that says `needs`. What it points to is kept. Without any,
    /// this instance does not federate. Errors: SHOAL_ECONFLICT.
    int (*rules)(void *arg, const struct shoal_identity_rules *rules, struct shoal_err *err);

    /// A document by a signed GET: its type is ActivityPub's, it is bounded, its id lies where it came from.
    json_t *(*fetch)(struct shoal_call *call, void *arg, const char *url, struct shoal_err *err);
    /// The same for what a person entered: redirects may lead to another host, on which the document's id then
    /// lies.
    json_t *(*link)(struct shoal_call *call, void *arg, const char *url, struct shoal_err *err);
    /// Walks a collection; see svc/federation.h.
    int (*crawl)(struct shoal_call *call, void *arg, const char *url, int items_max,
        bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
        struct shoal_err *err);
    /// The actor of a URL, and of "name@host"; max_age_ms as in svc/federation.h.
    int (*actor)(struct shoal_call *call, void *arg, const char *url, int64_t max_age_ms,
        struct shoal_actor *actor, struct shoal_err *err);
    int (*handle)(struct shoal_call *call, void *arg, const char *handle, struct shoal_actor *actor,
        struct shoal_err *err);
    /// Keeps what a fetched or received document of an actor says; its id is that of the host that said it.
    /// Errors: SHOAL_EFORBIDDEN (what is wrong in it).
    int (*keep)(struct shoal_call *call, void *arg, const json_t *document,
        struct shoal_actor *actor, struct shoal_err *err);
    /// Who signed a request: its key is that of the actor whom the key's id names, as the actor's own document
    /// says. Errors: SHOAL_EAUTH with a sentence; SHOAL_ENOTFOUND: the actor is gone, and not known here.
    int (*signer)(struct shoal_call *call, void *arg, struct shoal_request *request,
        struct shoal_actor *actor, struct shoal_err *err);

    /// "@context" of a kind ("Video", "Comment", "Actor", …; NULL: the base alone).
    json_t *(*context)(struct shoal_call *call, void *arg, const char *kind);
    /// These are as in svc/federation.h.
    int (*answer)(struct shoal_call *call, void *arg, struct shoal_request *request,
        const char *context, const char *type, const json_t *noun, json_t *document,
        struct shoal_err *err);
    int (*answer_collection)(struct shoal_call *call, void *arg, struct shoal_request *request,
        const char *path, const char *path_id, shoal_collection_fn *page, void *page_arg,
        struct shoal_err *err);
    void (*written)(struct shoal_call *call, void *arg, const char *type, const json_t *noun,
        json_t **object);
    void (*read)(struct shoal_call *call, void *arg, const char *type, const json_t *object,
        json_t **draft);
    json_t *(*actor_document)(struct shoal_call *call, void *arg, const struct shoal_actor *actor,
        struct shoal_err *err);
    /// Who signed, as far as that is known here: no other server is asked. claim->size is set by the caller.
    /// Returns: 0; SHOAL_LATER: everything is right but the key, which has to be read first, or something of the
    /// same key waits already, and then actor->id is not 0: claim is for later(). Errors: as signer().
    int (*signer_here)(struct shoal_call *call, void *arg, struct shoal_request *request,
        struct shoal_claim *claim, struct shoal_actor *actor, struct shoal_err *err);
    /// Keeps what such a request said, over a restart, until its key was read; rules.proved() gets it where it fits,
    /// and nobody where not. Bounded for each host of a key, each sending address, and all together.
    /// Errors: SHOAL_ERATE (of this host or this address), SHOAL_EBUSY (of all).
    int (*later)(struct shoal_call *call, void *arg, struct shoal_request *request,
        const struct shoal_claim *claim, struct shoal_err *err);
    /// Whether something that later() keeps names the same key: what is about nothing yet may be about that. What was
    /// handed to rules.proved() waits until that has returned.
    bool (*waits)(struct shoal_call *call, void *arg, const struct shoal_claim *claim);
};

#endif
