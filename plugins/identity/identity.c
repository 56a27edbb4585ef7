// identity.c - hands who is who to others: the service `identity`.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <string.h>

#include "identity.h"

struct shoal_plugin *who_plugin;

// The table's calls have an `arg` more than the functions behind them: there is one of each.
static int svc_rules(void *arg, const struct shoal_identity_rules *rules, struct shoal_err *err)
{
    (void)arg;
    return who_rules_set(rules, err);
}

static json_t *svc_context(struct shoal_call *call, void *arg, const char *kind)
{
    (void)call;
    (void)arg;
    return who_context(kind);
}

static json_t *svc_fetch(struct shoal_call *call, void *arg, const char *url, struct shoal_err *err)
{
    (void)arg;
    return who_fetch(call, url, who_err(call, err));
}

static json_t *svc_link(struct shoal_call *call, void *arg, const char *url, struct shoal_err *err)
{
    (void)arg;
    return who_fetch_link(call, url, NULL, who_err(call, err));
}

// What comes with a call runs in the name of the plugin that called.
struct walk {
    struct shoal_service who;
    bool (*each)(struct shoal_call *call, const json_t *item, void *state);
    void *state;
};

static bool walk_each(struct shoal_call *call, const json_t *item, void *state)
{
    const struct walk *walk = state;
    shoal_enter(call, &walk->who);
    bool goes_on = walk->each(call, item, walk->state);
    shoal_leave(call);
    return goes_on;
}

static int svc_crawl(struct shoal_call *call, void *arg, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    (void)arg;
    struct walk walk = {{.plugin = shoal_caller(call)}, each, state};
    return who_crawl(call, url, items_max, walk_each, &walk, who_err(call, err));
}

static int svc_actor(struct shoal_call *call, void *arg, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return who_actor(call, url, max_age_ms, actor, who_err(call, err));
}

static int svc_handle(struct shoal_call *call, void *arg, const char *handle,
    struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return who_handle(call, handle, actor, who_err(call, err));
}

static int svc_keep(struct shoal_call *call, void *arg, const json_t *document,
    struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return who_actor_keep(call, document, actor, who_err(call, err));
}

static int svc_signer(struct shoal_call *call, void *arg, struct shoal_request *request,
    struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return who_signer(call, request, actor, who_err(call, err));
}

static int svc_signer_here(struct shoal_call *call, void *arg, struct shoal_request *request,
    struct shoal_claim *out, struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    struct shoal_claim claim = {.size = sizeof claim};
    int code = who_signer_here(call, request, &claim, actor, who_err(call, err));
    claim.size = out->size;
    memcpy(out, &claim, out->size < sizeof claim ? out->size : sizeof claim);
    return code;
}

static int svc_later(struct shoal_call *call, void *arg, struct shoal_request *request,
    const struct shoal_claim *claim, struct shoal_err *err)
{
    (void)arg;
    return who_later(call, request, claim, who_err(call, err));
}

static bool svc_waits(struct shoal_call *call, void *arg, const struct shoal_claim *claim)
{
    (void)arg;
    return who_waits(call, claim);
}

static int svc_answer(struct shoal_call *call, void *arg, struct shoal_request *request,
    const char *context, const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    (void)arg;
    return who_answer(call, request, context, type, noun, document, who_err(call, err));
}

struct listing {
    struct shoal_service who;
    shoal_collection_fn *page;
    void *arg;
};

static int listing_page(struct shoal_call *call, const char *path_id, int64_t offset, int room,
    json_t *items, int64_t *total, void *arg, struct shoal_err *err)
{
    const struct listing *listing = arg;
    shoal_enter(call, &listing->who);
    int code = listing->page(call, path_id, offset, room, items, total, listing->arg, err);
    shoal_leave(call);
    return code;
}

static int svc_answer_collection(struct shoal_call *call, void *arg, struct shoal_request *request,
    const char *path, const char *path_id, shoal_collection_fn *page, void *page_arg,
    struct shoal_err *err)
{
    (void)arg;
    struct listing listing = {{.plugin = shoal_caller(call)}, page, page_arg};
    return who_answer_collection(
        call, request, path, path_id, listing_page, &listing, who_err(call, err));
}

static void svc_written(struct shoal_call *call, void *arg, const char *type, const json_t *noun,
    json_t **object)
{
    (void)arg;
    who_written(call, type, noun, object);
}

static void svc_read(struct shoal_call *call, void *arg, const char *type, const json_t *object,
    json_t **draft)
{
    (void)arg;
    who_read(call, type, object, draft);
}

static json_t *svc_actor_document(struct shoal_call *call, void *arg, const struct shoal_actor *actor,
    struct shoal_err *err)
{
    (void)arg;
    return who_actor_document(call, actor, who_err(call, err));
}

static const struct shoal_svc_identity table = {.size = sizeof table,
    .rules = svc_rules,
    .context = svc_context,
    .fetch = svc_fetch,
    .link = svc_link,
    .crawl = svc_crawl,
    .actor = svc_actor,
    .handle = svc_handle,
    .keep = svc_keep,
    .signer = svc_signer,
    .answer = svc_answer,
    .answer_collection = svc_answer_collection,
    .written = svc_written,
    .read = svc_read,
    .actor_document = svc_actor_document,
    .signer_here = svc_signer_here,
    .later = svc_later,
    .waits = svc_waits};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    if (sodium_init() < 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "libsodium does not start");
    }
    who_plugin = self;
    int code = who_documents_start(self, err);
    code = code == 0 ? who_collections_start(self, err) : code;
    code = code == 0 ? who_wellknown_start(self, err) : code;
    code = code == 0 ? who_nodeinfo_start(self, err) : code;
    code = code == 0 ? who_proving_start(self, err) : code;
    return code == 0 ? shoal_provide_single(self, "identity", &table, NULL, err) : code;
}

static void stop(struct shoal_plugin *self)
{
    (void)self;
    who_rules_forget();
}

SHOAL_PLUGIN(.name = "identity", .start = start, .stop = stop);
