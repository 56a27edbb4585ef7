// federation_identity.c - what the service `identity` is asked, and the rules by which it goes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/svc/identity.h>

#include <ask.h>

#include "federation_inbox.h"

json_t *fed_fetch(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    return ASK(call, identity, err, NULL, fetch, url, ask.err);
}

json_t *fed_fetch_link(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    return ASK(call, identity, err, NULL, link, url, ask.err);
}

int fed_crawl(struct shoal_call *call, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, crawl, url, items_max, each, state, ask.err);
}

int fed_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, actor, url, max_age_ms, actor, ask.err);
}

int fed_handle(struct shoal_call *call, const char *handle, struct shoal_actor *actor,
    struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, handle, handle, actor, ask.err);
}

int fed_actor_keep(struct shoal_call *call, const json_t *document, struct shoal_actor *actor,
    struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, keep, document, actor, ask.err);
}

int fed_signer_here(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_actor *actor, struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, signer_here, request, claim, actor, ask.err);
}

int fed_signer_later(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_claim *claim, struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, later, request, claim, ask.err);
}

bool fed_signer_waits(struct shoal_call *call, const struct shoal_claim *claim)
{
    return ASK(call, identity, NULL, false, waits, claim);
}

json_t *fed_context(struct shoal_call *call, const char *kind)
{
    return ASK(call, identity, NULL, NULL, context, kind);
}

int fed_answer_collection(struct shoal_call *call, struct shoal_request *request, const char *path,
    const char *path_id, shoal_collection_fn *page, void *page_arg, struct shoal_err *err)
{
    return ASK(call, identity, err, SHOAL_EBUSY, answer_collection, request, path, path_id, page,
        page_arg, ask.err);
}

json_t *fed_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    return ASK(call, identity, err, NULL, actor_document, actor, ask.err);
}

int fed_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    if (!ask_is_there("identity")) {
        json_decref(document);
        return ask_away("identity", err);
    }
    return ASK(call, identity, err, SHOAL_EBUSY, answer, request, context, type, noun, document,
        ask.err);
}

void fed_written(struct shoal_call *call, const char *type, const json_t *noun, json_t **object)
{
    ASK_TO(call, identity, written, type, noun, object);
}

void fed_read(struct shoal_call *call, const char *type, const json_t *object, json_t **draft)
{
    ASK_TO(call, identity, read, type, object, draft);
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
    return ASK_START(identity, err, rules, &rules);
}
