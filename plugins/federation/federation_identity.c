// federation_identity.c - what the service `identity` is asked, and the rules by which it goes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>
#include <shoal/svc/identity.h>

#include "federation_inbox.h"

static const struct shoal_svc_identity *enter(
    struct shoal_call *call, struct shoal_service *service, struct shoal_err *err)
{
    if (!shoal_service_find("identity", NULL, service)) {
        shoal_fail(err, SHOAL_EBUSY, "identity is not here now");
        return NULL;
    }
    shoal_enter(call, service);
    return service->table;
}

json_t *fed_fetch(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return NULL;
    }
    json_t *document = table->fetch(call, service.arg, url, err);
    shoal_leave(call);
    return document;
}

json_t *fed_fetch_link(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return NULL;
    }
    json_t *document = table->link(call, service.arg, url, err);
    shoal_leave(call);
    return document;
}

int fed_crawl(struct shoal_call *call, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->crawl(call, service.arg, url, items_max, each, state, err);
    shoal_leave(call);
    return code;
}

int fed_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->actor(call, service.arg, url, max_age_ms, actor, err);
    shoal_leave(call);
    return code;
}

int fed_handle(struct shoal_call *call, const char *handle, struct shoal_actor *actor,
    struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->handle(call, service.arg, handle, actor, err);
    shoal_leave(call);
    return code;
}

int fed_actor_keep(struct shoal_call *call, const json_t *document, struct shoal_actor *actor,
    struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->keep(call, service.arg, document, actor, err);
    shoal_leave(call);
    return code;
}

int fed_signer_here(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->signer_here(call, service.arg, request, claim, actor, err);
    shoal_leave(call);
    return code;
}

int fed_signer_later(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_claim *claim, struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->later(call, service.arg, request, claim, err);
    shoal_leave(call);
    return code;
}

json_t *fed_context(struct shoal_call *call, const char *kind)
{
    struct shoal_service service;
    const struct shoal_svc_identity *table = enter(call, &service, NULL);
    if (table == NULL) {
        return NULL;
    }
    json_t *context = table->context(call, service.arg, kind);
    shoal_leave(call);
    return context;
}

int fed_answer_collection(struct shoal_call *call, struct shoal_request *request, const char *path,
    const char *path_id, shoal_collection_fn *page, void *page_arg, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->answer_collection(call, service.arg, request, path, path_id, page, page_arg, err);
    shoal_leave(call);
    return code;
}

json_t *fed_actor_document(struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        return NULL;
    }
    json_t *document = table->actor_document(call, service.arg, actor, err);
    shoal_leave(call);
    return document;
}

int fed_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_identity *table = enter(call, &service, err);
    if (table == NULL) {
        json_decref(document);
        return SHOAL_EBUSY;
    }
    int code = table->answer(call, service.arg, request, context, type, noun, document, err);
    shoal_leave(call);
    return code;
}

void fed_written(struct shoal_call *call, const char *type, const json_t *noun, json_t **object)
{
    struct shoal_service service;
    const struct shoal_svc_identity *table = enter(call, &service, NULL);
    if (table != NULL) {
        table->written(call, service.arg, type, noun, object);
        shoal_leave(call);
    }
}

void fed_read(struct shoal_call *call, const char *type, const json_t *object, json_t **draft)
{
    struct shoal_service service;
    const struct shoal_svc_identity *table = enter(call, &service, NULL);
    if (table != NULL) {
        table->read(call, service.arg, type, object, draft);
        shoal_leave(call);
    }
}

// --- the rules ---

static bool rule_enabled(struct shoal_call *call, void *arg)
{
    (void)arg;
    return fed_enabled(call);
}

static bool rule_private(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return fed_is_private();
}

static bool rule_blocked(struct shoal_call *call, const char *host, void *arg)
{
    (void)arg;
    return fed_blocked(call, host);
}

static bool rule_wants_signature(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return shoal_setting_bool(fed_plugin, "authorized_fetch");
}

static json_t *rule_gone(struct shoal_call *call, const char *url, void *arg)
{
    (void)arg;
    return fed_farewell_document(call, url);
}

static int rule_proved(struct shoal_call *call, const struct shoal_actor *signer, const char *body,
    size_t body_bytes, void *arg, struct shoal_err *err)
{
    (void)arg;
    return fed_inbox_proved(call, signer, body, body_bytes, err);
}

int fed_identity_start(struct shoal_err *err)
{
    static const struct shoal_identity_rules rules = {.size = sizeof rules,
        .plugin = "federation",
        .enabled = rule_enabled,
        .is_private = rule_private,
        .blocked = rule_blocked,
        .wants_signature = rule_wants_signature,
        .gone = rule_gone,
        .proved = rule_proved};
    struct shoal_service service;
    if (!shoal_service_find("identity", NULL, &service)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "no plugin provides identity");
    }
    const struct shoal_svc_identity *table = service.table;
    return table->rules(service.arg, &rules, err);
}
