// federate.h - the service `federation` in one line a call: found, entered and left.
//
// Without the plugin (it is optional) there is nothing: false, NULL, or SHOAL_EBUSY with a sentence, since it
// may come back. What err points to may be NULL throughout. See <shoal/svc/federation.h> for what each does.
// SPDX-License-Identifier: MIT
#ifndef FEDERATE_H
#define FEDERATE_H
#include <shoal/plugin.h>
#include <shoal/svc/federation.h>

/// Whether somebody provides it; for start(), where addresses that need it are left out.
bool federate_is_there(void);
/// Whether this instance federates now.
bool federate_enabled(struct shoal_call *call);
/// For a route of documents. Errors: SHOAL_ENOTFOUND where it does not federate.
int federate_need(struct shoal_call *call, struct shoal_err *err);

/// Registers types, in start() or on instance.started. Nothing where nobody provides it.
int federate_types_add(const struct shoal_federated *types, size_t count, struct shoal_err *err);

json_t *federate_resolve(struct shoal_call *call, const char *what, struct shoal_err *err);
int federate_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err);
json_t *federate_fetch(struct shoal_call *call, const char *url, struct shoal_err *err);
/// Walks a remote collection: each() gets every item (borrowed), and returns false to end it.
int federate_walk(struct shoal_call *call, const char *url, int most,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err);
/// The items of a remote collection, at most `most`, as an array of its own; what was read before it broke
/// off is worth something too.
json_t *federate_crawl(struct shoal_call *call, const char *url, int most, struct shoal_err *err);
int federate_self(struct shoal_call *call, struct shoal_actor *actor, struct shoal_err *err);
json_t *federate_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err);

/// Queues a delivery within a transaction; what.size is filled in.
int federate_deliver(
    struct shoal_call *call, struct shoal_db *tx, struct shoal_delivery what, struct shoal_err *err);
/// The same where there is no transaction yet.
int federate_say(struct shoal_call *call, struct shoal_delivery what, struct shoal_err *err);
/// Runs federation.write over an object that is about to be embedded, and federation.read over a draft.
void federate_written(
    struct shoal_call *call, const char *type, const json_t *noun, json_t **object);
void federate_read(
    struct shoal_call *call, const char *type, const json_t *object, json_t **draft);

/// Answers a request with a document, or with a page of a collection. document: taken; noun: borrowed.
int federate_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err);
int federate_answer_collection(struct shoal_call *call, struct shoal_request *request,
    const char *path, const char *path_id, shoal_collection_fn *page, void *arg,
    struct shoal_err *err);

#endif
