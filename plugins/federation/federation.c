// federation.c - starts the parts of the plugin, and hands their functions to other plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>

#include <shoal/services.h>

#include "federation_left.h"

struct shoal_plugin *fed_plugin;

// The table's calls have an `arg` more than the functions behind them: there is one of each.
static bool svc_enabled(struct shoal_call *call, void *arg)
{
    (void)arg;
    return fed_enabled(call);
}

static int svc_type_add(void *arg, const struct shoal_federated *type, struct shoal_err *err)
{
    (void)arg;
    return fed_type_add(type, err);
}

static json_t *svc_resolve(struct shoal_call *call, void *arg, const char *what, struct shoal_err *err)
{
    (void)arg;
    return fed_resolve(call, what, fed_err(call, err));
}

static int svc_actor(struct shoal_call *call, void *arg, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return fed_actor(call, url, max_age_ms, actor, err);
}

static json_t *svc_fetch(struct shoal_call *call, void *arg, const char *url, struct shoal_err *err)
{
    (void)arg;
    return fed_fetch(call, url, err);
}

// For identity it is the caller who asks: what comes with the call is its code, and runs in its name.
static void caller_enter(struct shoal_call *call)
{
    shoal_enter(call, &(struct shoal_service){.plugin = shoal_caller(call)});
}

static int svc_crawl(struct shoal_call *call, void *arg, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err)
{
    (void)arg;
    caller_enter(call);
    int code = fed_crawl(call, url, items_max, each, state, err);
    shoal_leave(call);
    return code;
}

static int svc_deliver(struct shoal_call *call, void *arg, struct shoal_db *tx,
    const struct shoal_delivery *what, struct shoal_err *err)
{
    (void)arg;
    return fed_deliver(call, tx, what, fed_err(call, err));
}

static int svc_answer(struct shoal_call *call, void *arg, struct shoal_request *request,
    const char *context, const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    (void)arg;
    return fed_answer(call, request, context, type, noun, document, err);
}

static int svc_answer_collection(struct shoal_call *call, void *arg, struct shoal_request *request,
    const char *path, const char *path_id, shoal_collection_fn *page, void *page_arg,
    struct shoal_err *err)
{
    (void)arg;
    caller_enter(call);
    int code = fed_answer_collection(call, request, path, path_id, page, page_arg, err);
    shoal_leave(call);
    return code;
}

static void svc_written(
    struct shoal_call *call, void *arg, const char *type, const json_t *noun, json_t **object)
{
    (void)arg;
    fed_written(call, type, noun, object);
}

static void svc_read(
    struct shoal_call *call, void *arg, const char *type, const json_t *object, json_t **draft)
{
    (void)arg;
    fed_read(call, type, object, draft);
}

static int svc_self(struct shoal_call *call, void *arg, struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return fed_self(call, actor, fed_err(call, err));
}

static int svc_follow(struct shoal_call *call, void *arg, int64_t follower_id, int64_t target_id,
    bool follows, struct shoal_err *err)
{
    (void)arg;
    return fed_follow(call, follower_id, target_id, follows, fed_err(call, err));
}

static json_t *svc_actor_document(
    struct shoal_call *call, void *arg, const struct shoal_actor *actor, struct shoal_err *err)
{
    (void)arg;
    return fed_actor_document(call, actor, err);
}

static bool svc_sends_unlisted(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return shoal_setting_bool(fed_plugin, "federate_unlisted");
}

static const struct shoal_svc_federation table = {
    .size = sizeof table,
    .enabled = svc_enabled,
    .type_add = svc_type_add,
    .resolve = svc_resolve,
    .actor = svc_actor,
    .fetch = svc_fetch,
    .crawl = svc_crawl,
    .deliver = svc_deliver,
    .answer = svc_answer,
    .answer_collection = svc_answer_collection,
    .written = svc_written,
    .read = svc_read,
    .self = svc_self,
    .follow = svc_follow,
    .actor_document = svc_actor_document,
    .sends_unlisted = svc_sends_unlisted,
};

// Other servers on loopback and in private networks: for tests, and for what never leaves a building.
static int networks_open(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const networks[] = {"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12",
        "192.168.0.0/16", "::1", "fc00::/7"};
    int code = 0;
    for (size_t i = 0; fed_is_private() && i < sizeof networks / sizeof *networks && code == 0; i++) {
        code = shoal_fetch_open(self, networks[i], err);
    }
    return code;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    if (sodium_init() < 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "libsodium does not start");
    }
    fed_plugin = self;
    int code = networks_open(self, err);
    code = code == 0 ? fed_inbox_start(self, err) : code;
    code = code == 0 ? fed_follows_start(self, err) : code;
    code = code == 0 ? fed_admin_start(self, err) : code;
    code = code == 0 ? fed_farewell_start(self, err) : code;
    code = code == 0 ? fed_left_start(self, err) : code;
    code = code == 0 ? fed_identity_start(err) : code;
    code = code == 0 ? fed_sending_start(err) : code;
    return code == 0 ? shoal_provide_single(self, "federation", &table, NULL, err) : code;
}

SHOAL_PLUGIN(.name = "federation", .start = start);
