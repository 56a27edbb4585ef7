// federation_sending.c - what the service `delivery` is asked, and the rules by which it delivers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <ask.h>
#include <sign.h>

#include "federation_left.h"

// What waited before goes out before: it is handed over first, in this very transaction if need be.
int fed_deliver(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *what,
    struct shoal_err *err)
{
    if (!fed_enabled(call)) {
        return 0;
    }
    int code = fed_left_all(call, err);
    return code != 0 ? code : ASK(call, delivery, err, SHOAL_EBUSY, deliver, tx, what, ask.err);
}

int fed_relay(struct shoal_call *call, struct shoal_db *tx, const char *bytes, int64_t video_id,
    const char *except_host, struct shoal_err *err)
{
    if (!fed_enabled(call)) {
        return 0;
    }
    int code = fed_left_all(call, err);
    return code != 0 ? code
                     : ASK(call, delivery, err, SHOAL_EBUSY, relay, tx, bytes, video_id, except_host,
                           ask.err);
}

json_t *fed_hosts(struct shoal_call *call, const char *host, int start, int count,
    struct shoal_err *err)
{
    return ASK(call, delivery, err, NULL, hosts, host, start, count, ask.err);
}

void fed_waiting(struct shoal_call *call, int64_t *deliveries, int64_t *hosts)
{
    ASK_TO(call, delivery, waiting, deliveries, hosts);
}

int fed_host_retry(struct shoal_call *call, const char *host, struct shoal_err *err)
{
    return ASK(call, delivery, err, SHOAL_EBUSY, retry, host, ask.err);
}

// --- the rules ---

static bool rule_enabled(struct shoal_call *call, void *arg)
{
    (void)arg;
    return fed_enabled(call);
}

static const char *rule_host(struct shoal_call *call, const char *inbox, void *arg)
{
    (void)arg;
    return fed_url_host(call, inbox);
}

static bool rule_reaches(struct shoal_call *call, const char *host, void *arg)
{
    (void)arg;
    return strcmp(host, fed_host(call)) != 0 && !fed_blocked(call, host);
}

// Of a Collection each item is signed: they are passed on one by one.
static int sign_all(
    struct shoal_call *call, int64_t actor_id, json_t *whole, struct shoal_err *err)
{
    json_t *items = json_object_get(whole, "items");
    int code = 0;
    if (!json_is_array(items)) {
        return sign_document(call, actor_id, whole, err);
    }
    for (size_t i = 0; i < json_array_size(items) && code == 0; i++) {
        json_t *item = json_pack("{s:O}", "@context", json_object_get(whole, "@context"));
        json_object_update_missing(item, json_array_get(items, i));
        code = sign_document(call, actor_id, item, err);
        json_array_set_new(items, i, item);
    }
    return code;
}

static char *rule_finish(struct shoal_call *call, int64_t actor_id, const char *context,
    bool is_signed, json_t *activity, void *arg, struct shoal_err *err)
{
    (void)arg;
    fed_written(call, shoal_text(activity, "type", ""), NULL, &activity);
    json_t *whole = json_object(), *terms = fed_context(call, context);
    json_array_extend(terms, json_object_get(activity, "@context"));
    json_object_set_new(whole, "@context", terms);
    json_object_update_missing(whole, activity);
    json_decref(activity);
    int code = is_signed ? sign_all(call, actor_id, whole, err) : 0;
    char *bytes = code == 0 ? json_dumps(whole, JSON_COMPACT) : NULL;
    json_decref(whole);
    if (code == 0 && bytes == NULL) {
        shoal_fail(err, SHOAL_EUNREADABLE, "what federation.write made cannot be sent");
    }
    return bytes;
}

static bool rule_is_asked(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return shoal_hook_heard("federation.outbound");
}

static enum shoal_verdict rule_may(struct shoal_call *call, const json_t *activity,
    const char *host, int64_t actor_id, int64_t video_id, void *arg)
{
    (void)arg;
    json_t *event = json_pack("{s:O?, s:s, s:{s:I, s:I}}", "activity", activity, "host", host, "nouns",
        "actorId", (json_int_t)actor_id, "videoId", (json_int_t)video_id);
    struct shoal_decision decision = {0};
    enum shoal_verdict verdict = shoal_fire_decide(call, "federation.outbound", event, &decision);
    json_decref(event);
    return verdict;
}

static const char *const *rule_sign(struct shoal_call *call, int64_t actor_id, const char *inbox,
    const void *body, size_t body_bytes, bool *is_modern, void *arg, struct shoal_err *err)
{
    (void)arg;
    if (fed_url_host(call, inbox) == NULL) {
        shoal_fail(err, SHOAL_EINVAL, "%.200s is not an address of another server", inbox);
        return NULL;
    }
    const char *const *headers = sign_request(call, actor_id, "POST", inbox, body, body_bytes, err);
    *is_modern = sign_is_modern(headers);
    return headers;
}

static void rule_refused(struct shoal_call *call, const char *inbox, bool was_modern, bool asks, void *arg)
{
    (void)arg;
    sign_refused(call, inbox, was_modern, asks);
}

int fed_sending_start(struct shoal_err *err)
{
    static const struct shoal_delivery_rules rules = {.size = sizeof rules,
        .plugin = "federation",
        .enabled = rule_enabled,
        .host = rule_host,
        .reaches = rule_reaches,
        .finish = rule_finish,
        .is_asked = rule_is_asked,
        .may = rule_may,
        .sign = rule_sign,
        .refused = rule_refused};
    return ASK_START(delivery, err, rules, &rules);
}
