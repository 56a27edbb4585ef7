// federate.c - the service `federation` in one line a call: found, entered and left.
// SPDX-License-Identifier: MIT
#include "federate.h"

#include <ask.h>

bool federate_is_there(void)
{
    return ask_is_there("federation");
}

bool federate_enabled(struct shoal_call *call)
{
    return ASK(call, federation, NULL, false, enabled);
}

int federate_need(struct shoal_call *call, struct shoal_err *err)
{
    return federate_enabled(call)
               ? 0
               : shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
}

int federate_types_add(const struct shoal_federated *types, size_t count, struct shoal_err *err)
{
    struct shoal_service service;
    int code = 0;
    if (!shoal_service_find("federation", NULL, &service)) {
        return 0;
    }
    const struct shoal_svc_federation *table = service.table;
    for (size_t i = 0; SHOAL_HAS(table, type_add) && i < count && code == 0; i++) {
        code = table->type_add(service.arg, &types[i], err);
    }
    return code;
}

json_t *federate_resolve(struct shoal_call *call, const char *what, struct shoal_err *err)
{
    return ASK(call, federation, err, NULL, resolve, what, ask.err);
}

int federate_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    return ASK(call, federation, err, SHOAL_EBUSY, actor, url, max_age_ms, actor, ask.err);
}

json_t *federate_fetch(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    return ASK(call, federation, err, NULL, fetch, url, ask.err);
}

int federate_walk(struct shoal_call *call, const char *url, int most,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    return ASK(call, federation, err, SHOAL_EBUSY, crawl, url, most, each, state, ask.err);
}

static bool keep(struct shoal_call *call, const json_t *item, void *state)
{
    (void)call;
    json_array_append_new(state, json_deep_copy(item));
    return true;
}

json_t *federate_crawl(struct shoal_call *call, const char *url, int most, struct shoal_err *err)
{
    json_t *items = json_array();
    int code = federate_walk(call, url, most, keep, items, err);
    if (code != 0 && json_array_size(items) == 0) {
        json_decref(items);
        return NULL;
    }
    return items;
}

int federate_self(struct shoal_call *call, struct shoal_actor *actor, struct shoal_err *err)
{
    return ASK(call, federation, err, SHOAL_EBUSY, self, actor, ask.err);
}

json_t *federate_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    return ASK(call, federation, err, NULL, actor_document, actor, ask.err);
}

int federate_deliver(
    struct shoal_call *call, struct shoal_db *tx, struct shoal_delivery what, struct shoal_err *err)
{
    what.size = sizeof what;
    return ASK(call, federation, err, SHOAL_EBUSY, deliver, tx, &what, ask.err);
}

static int say_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct shoal_delivery *what = arg;
    return federate_deliver(call, tx, *what, err);
}

int federate_say(struct shoal_call *call, struct shoal_delivery what, struct shoal_err *err)
{
    return shoal_tx(call, say_tx, &what, err);
}

void federate_written(
    struct shoal_call *call, const char *type, const json_t *noun, json_t **object)
{
    ASK_TO(call, federation, written, type, noun, object);
}

void federate_read(
    struct shoal_call *call, const char *type, const json_t *object, json_t **draft)
{
    ASK_TO(call, federation, read, type, object, draft);
}

int federate_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    if (!federate_is_there()) {
        json_decref(document);
        return ask_away("federation", err);
    }
    return ASK(call, federation, err, SHOAL_EBUSY, answer, request, context, type, noun, document,
        ask.err);
}

int federate_answer_collection(struct shoal_call *call, struct shoal_request *request,
    const char *path, const char *path_id, shoal_collection_fn *page, void *arg,
    struct shoal_err *err)
{
    return ASK(call, federation, err, SHOAL_EBUSY, answer_collection, request, path, path_id, page,
        arg, ask.err);
}
