// discovery_outbox.c - the recent videos of a channel that somebody has just found.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <activity.h>
#include <federate.h>

#include "discovery.h"

#define RECENT_MAX 10
#define ITEMS_MAX  40 ///< an account's outbox has more than videos in it
#define AGAIN_MS   (INT64_C(3600) * 1000)

struct gathering {
    const char *actor_url;
    struct shoal_arena *arena;
    const char *urls[RECENT_MAX];
    int count, most;
};

// Announce and Create of videos by whom the outbox is of; whole objects say what they are.
static bool gather(struct shoal_call *call, const json_t *item, void *state)
{
    (void)call;
    struct gathering *gathering = state;
    const char *type = shoal_text(item, "type", "");
    const json_t *object = json_object_get(item, "object");
    const char *by = activity_id(json_object_get(item, "actor"));
    const char *url = activity_id(object);
    bool is_said = strcmp(type, "Announce") == 0 || strcmp(type, "Create") == 0;
    if (is_said && url != NULL && by != NULL && strcmp(by, gathering->actor_url) == 0 &&
        strcmp(shoal_text(object, "type", "Video"), "Video") == 0) {
        gathering->urls[gathering->count++] = shoal_arena_strdup(gathering->arena, url);
    }
    return gathering->count < gathering->most;
}

int discovery_outbox_read(
    struct shoal_call *call, const struct shoal_actor *actor, int most, struct shoal_err *err)
{
    struct gathering gathering = {.actor_url = actor->url,
        .arena = shoal_call_arena(call),
        .most = most < RECENT_MAX ? most : RECENT_MAX};
    if (!federate_is_there() || actor->outbox_url == NULL) {
        return 0;
    }
    int code = federate_walk(call, actor->outbox_url, ITEMS_MAX, gather, &gathering, err);
    // What was read before it broke off is worth something too.
    code = gathering.count > 0 ? 0 : code;
    for (int i = 0; i < gathering.count && !shoal_call_cancelled(call); i++) {
        struct shoal_err why = {0};
        json_t *video = discovery_resolve(call, gathering.urls[i], &why);
        if (video == NULL) {
            shoal_debug("%s in the outbox of %s: %s", gathering.urls[i], actor->url, why.text);
        }
        json_decref(video);
    }
    return code;
}

static int outbox_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_actor actor;
    int code = shoal_actor_get(call, shoal_integer(job->payload, "actor", 0), &actor, err);
    if (code != 0 || actor.host[0] == '\0') {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    return discovery_outbox_read(call, &actor, RECENT_MAX, err);
}

struct queued {
    struct discovery *discovery;
    int64_t actor_id;
    const char *key;
};

static int queue_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct queued *queued = arg;
    const struct shoal_job_options options = {.unique = queued->key, .subject = queued->key};
    json_t *payload = json_pack("{s:I}", "actor", (json_int_t)queued->actor_id);
    int code =
        shoal_job_add(queued->discovery->self, tx, "outbox", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

void discovery_outbox_queue(struct shoal_call *call, struct discovery *discovery, int64_t actor_id)
{
    struct shoal_err why = {0};
    struct queued queued = {discovery, actor_id,
        shoal_arena_printf(shoal_call_arena(call), "actor:%lld", (long long)actor_id)};
    if (discovery_memory_has(discovery->crawled, queued.key, shoal_now_ms())) {
        return;
    }
    if (shoal_tx(call, queue_tx, &queued, &why) == 0) {
        discovery_memory_add(discovery->crawled, queued.key, shoal_now_ms() + AGAIN_MS);
    } else {
        shoal_warn("videos of %s are not read: %s", queued.key, why.text);
    }
}

int discovery_outbox_start(struct discovery *discovery, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {.kind = "outbox",
        .run = outbox_run,
        .arg = discovery,
        .attempts = 3,
        .lease_s = 180,
        .backoff_ms = 60000};
    return shoal_job_kind_add(discovery->self, &kind, err);
}
