// federate.c - the service `federation` in one line a call: found, entered and left.
// SPDX-License-Identifier: MIT
#include "federate.h"

/// One use of the service, from enter() to shoal_leave(). err is never NULL: whoever is behind it may read it.
struct use {
    struct shoal_service service;
    const struct shoal_svc_federation *table;
    struct shoal_err *err, own;
};

static int away(struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_EBUSY, "federation is not here now");
}

static bool enter(struct shoal_call *call, struct use *use, struct shoal_err *err)
{
    *use = (struct use){0};
    use->err = err == NULL ? &use->own : err;
    if (!shoal_service_find("federation", NULL, &use->service)) {
        away(err);
        return false;
    }
    use->table = use->service.table;
    shoal_enter(call, &use->service);
    return true;
}

bool federate_is_there(void)
{
    struct shoal_service service;
    return shoal_service_find("federation", NULL, &service);
}

bool federate_enabled(struct shoal_call *call)
{
    struct use use;
    if (!enter(call, &use, NULL)) {
        return false;
    }
    bool is_enabled = SHOAL_HAS(use.table, enabled) && use.table->enabled(call, use.service.arg);
    shoal_leave(call);
    return is_enabled;
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
    struct use use;
    if (!enter(call, &use, err)) {
        return NULL;
    }
    json_t *found = use.table->resolve(call, use.service.arg, what, use.err);
    shoal_leave(call);
    return found;
}

int federate_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        return SHOAL_EBUSY;
    }
    int code = use.table->actor(call, use.service.arg, url, max_age_ms, actor, use.err);
    shoal_leave(call);
    return code;
}

json_t *federate_fetch(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        return NULL;
    }
    json_t *document = use.table->fetch(call, use.service.arg, url, use.err);
    shoal_leave(call);
    return document;
}

int federate_walk(struct shoal_call *call, const char *url, int most,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        return SHOAL_EBUSY;
    }
    int code = use.table->crawl(call, use.service.arg, url, most, each, state, use.err);
    shoal_leave(call);
    return code;
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
    struct use use;
    if (!enter(call, &use, err)) {
        return SHOAL_EBUSY;
    }
    int code = use.table->self(call, use.service.arg, actor, use.err);
    shoal_leave(call);
    return code;
}

json_t *federate_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        return NULL;
    }
    json_t *document = SHOAL_HAS(use.table, actor_document)
                           ? use.table->actor_document(call, use.service.arg, actor, use.err)
                           : NULL;
    shoal_leave(call);
    return document;
}

int federate_deliver(
    struct shoal_call *call, struct shoal_db *tx, struct shoal_delivery what, struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        return SHOAL_EBUSY;
    }
    what.size = sizeof what;
    int code = use.table->deliver(call, use.service.arg, tx, &what, use.err);
    shoal_leave(call);
    return code;
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
    struct use use;
    if (enter(call, &use, NULL)) {
        use.table->written(call, use.service.arg, type, noun, object);
        shoal_leave(call);
    }
}

void federate_read(
    struct shoal_call *call, const char *type, const json_t *object, json_t **draft)
{
    struct use use;
    if (enter(call, &use, NULL)) {
        use.table->read(call, use.service.arg, type, object, draft);
        shoal_leave(call);
    }
}

int federate_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        json_decref(document);
        return SHOAL_EBUSY;
    }
    int code =
        use.table->answer(call, use.service.arg, request, context, type, noun, document, use.err);
    shoal_leave(call);
    return code;
}

int federate_answer_collection(struct shoal_call *call, struct shoal_request *request,
    const char *path, const char *path_id, shoal_collection_fn *page, void *arg,
    struct shoal_err *err)
{
    struct use use;
    if (!enter(call, &use, err)) {
        return SHOAL_EBUSY;
    }
    int code = use.table->answer_collection(
        call, use.service.arg, request, path, path_id, page, arg, use.err);
    shoal_leave(call);
    return code;
}
