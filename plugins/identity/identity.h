// identity.h - what the files of the plugin share: URLs, signatures, actors, documents.
//
// fetch → actors → verify; documents and collections beside them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef IDENTITY_H
#define IDENTITY_H
#include <shoal/base.h>
#include <shoal/call.h>
#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/fetch.h>
#include <shoal/follows.h>
#include <shoal/hooks.h>
#include <shoal/http.h>
#include <shoal/json.h>
#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/services.h>
#include <shoal/svc/identity.h>

#include <sign.h>

extern struct shoal_plugin *who_plugin;

#define WHO_TYPE         "application/activity+json; charset=utf-8"
#define WHO_DOCUMENT_MAX (3072u * 1024) ///< of a document that is fetched
#define WHO_URL_MAX      2000

/// Where to say what went wrong, for who does not want to hear it: what runs below may read it.
static inline struct shoal_err *who_err(struct shoal_call *call, struct shoal_err *err)
{
    return err != NULL ? err : shoal_arena_alloc(shoal_call_arena(call), sizeof *err);
}
/// The instance's own actor.
static inline int who_self(struct shoal_call *call, struct shoal_actor *actor, struct shoal_err *err)
{
    return shoal_actor_named(call, "peertube", "", actor, err);
}

// --- identity_rules.c: what federation says; see svc/identity.h ---

int who_rules_set(const struct shoal_identity_rules *rules, struct shoal_err *err);
void who_rules_forget(void);
bool who_enabled(struct shoal_call *call);
bool who_is_private(struct shoal_call *call);
bool who_blocked(struct shoal_call *call, const char *host);
bool who_wants_signature(struct shoal_call *call);
json_t *who_gone(struct shoal_call *call, const char *url);
int who_proved(struct shoal_call *call, const struct shoal_actor *signer, const char *body, size_t body_bytes,
    struct shoal_err *err);

// --- identity_url.c ---

/// The instance's host as handles have it ("example.org", "127.0.0.1:9000").
const char *who_host(struct shoal_call *call);
/// Host with port of a URL as handles have it, in the call's arena; NULL for what is no http(s) URL that
/// we would ask (http only where private networks are open).
const char *who_url_host(struct shoal_call *call, const char *url);
/// Whether both URLs lie on one host.
bool who_same_host(struct shoal_call *call, const char *url, const char *other);
/// Host and port at the start of text ("Example.org:8443/x"), lower case, without the usual port; NULL
/// for what is none.
const char *who_host_of(struct shoal_call *call, const char *text, const char *usual_port);
bool who_is_ours(struct shoal_call *call, const char *url);
/// Without "#fragment".
const char *who_url_bare(struct shoal_call *call, const char *url);
/// Where a Location leads; NULL for forms that nobody needs ("//host", "x/y").
const char *who_url_join(struct shoal_call *call, const char *base, const char *location);

// --- identity_fetch.c ---

bool who_is_activity_type(const char *content_type);
json_t *who_fetch(struct shoal_call *call, const char *url, struct shoal_err *err);
/// final (or NULL): the URL that gave it.
json_t *who_fetch_link(struct shoal_call *call, const char *url, const char **final,
    struct shoal_err *err);

// --- identity_crawl.c ---

int who_crawl(struct shoal_call *call, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err);

// --- identity_actor*.c ---

int who_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err);
int who_handle(struct shoal_call *call, const char *handle, struct shoal_actor *actor,
    struct shoal_err *err);
int who_actor_keep(struct shoal_call *call, const json_t *document, struct shoal_actor *actor,
    struct shoal_err *err);
/// Whether a document is one of an actor ("Person", "Group", …).
bool who_is_actor_document(const json_t *document);
/// The first id of a value that may be text, an object with an id, or an array of them.
const char *who_id_of(const json_t *value);

// --- identity_ahead.c: what is read without waiting ---

/// One reading: the answers that are here, in its arena.
struct who_ahead *who_ahead_new(struct shoal_arena *arena);
/// Until it is called with NULL, who_fetch() of this thread takes answers from there alone.
void who_ahead_use(struct who_ahead *ahead);
bool who_ahead_is(void);
/// What the last run needed besides: NULL where it has come to its end.
const char *who_ahead_wanted(const struct who_ahead *ahead, const char *const **headers);
/// The answer to that; fetched: copied, not read where code is an error.
void who_ahead_put(struct who_ahead *ahead, int code, const struct shoal_fetched *fetched, const char *why);
/// How often a URL was asked, with which headers the last time, and its newest answer where that was `nth` times
/// at least.
int who_ahead_count(const char *url);
const char *const *who_ahead_headers(const char *url);
int who_ahead_ask(const struct shoal_fetch *what, int nth, struct shoal_fetched *fetched,
    struct shoal_err *err);

// --- identity_verify.c ---

int who_signer(struct shoal_call *call, struct shoal_request *request, struct shoal_actor *actor,
    struct shoal_err *err);
/// See svc/identity.h.
int who_signer_here(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_actor *actor, struct shoal_err *err);
/// Whether an error may go away when it is tried again.
bool who_passes(int code);
/// Whether the signature is that of an actor who is known: 1 or 0, or a negative error.
int who_known_fits(struct shoal_call *call, const struct shoal_claim *claim, struct shoal_actor *actor,
    bool *is_known, struct shoal_err *err);
/// Whether a key may be read now, which the caller then does and ends; otherwise why not: how it ended a moment
/// ago, or SHOAL_EBUSY. is_ahead: it holds no worker.
bool who_reading_begin(const char *key_id, const char *host, bool is_ahead, int *why);
void who_reading_end(const char *key_id, const char *host, bool is_ahead, int code);
/// Reads the actor of a key from its server, and keeps what it says.
int who_key_read(struct shoal_call *call, const char *key_id, struct shoal_actor *actor,
    struct shoal_err *err);

// --- identity_unproved.c ---

/// See svc/identity.h.
int who_later(struct shoal_call *call, struct shoal_request *request, const struct shoal_claim *claim,
    struct shoal_err *err);
bool who_waits(struct shoal_call *call, const struct shoal_claim *claim);

// --- identity_document.c, identity_context.c ---

json_t *who_context(const char *kind);
/// Adds the same to a document as compact text.
void who_context_write(const char *kind, struct shoal_buf *out);
void who_written(struct shoal_call *call, const char *type, const json_t *noun, json_t **object);
void who_read(struct shoal_call *call, const char *type, const json_t *object, json_t **draft);
int who_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err);

/// Refuses who may not read documents: with authorized_fetch on, those who do not sign.
int who_admit(struct shoal_call *call, struct shoal_request *request, struct shoal_err *err);
/// The local actor of a path: "NAME" of kind "Person" (or the instance itself), "Group"; where it is
/// "NAME@HOST" the request is answered with a redirect to its origin, and actor->id is 0.
int who_actor_asked(struct shoal_call *call, struct shoal_request *request, bool is_group,
    struct shoal_actor *actor, struct shoal_err *err);

// --- identity_actor_document.c ---

/// Writes the document of a local actor, its keys made where there are none yet. context: the kind of its
/// "@context", NULL: without one.
int who_actor_write(struct shoal_call *call, const struct shoal_actor *actor, const char *context,
    struct shoal_buf *out, struct shoal_err *err);
/// The same as a new reference, without context; NULL on failure.
json_t *who_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err);

// --- identity_collection.c ---

int who_answer_collection(struct shoal_call *call, struct shoal_request *request, const char *path,
    const char *path_id, shoal_collection_fn *page, void *page_arg, struct shoal_err *err);

// Each registers its routes.
int who_documents_start(struct shoal_plugin *self, struct shoal_err *err);
int who_collections_start(struct shoal_plugin *self, struct shoal_err *err);
int who_wellknown_start(struct shoal_plugin *self, struct shoal_err *err);
int who_nodeinfo_start(struct shoal_plugin *self, struct shoal_err *err);
int who_proving_start(struct shoal_plugin *self, struct shoal_err *err);

#endif
