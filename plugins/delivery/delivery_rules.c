// delivery_rules.c - asks the plugin whose deliveries they are, in its name; see svc/delivery.h.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>
#include <string.h>

#include <shoal/services.h>

#include "delivery.h"

// Set while the server starts; read by every worker.
static struct shoal_delivery_rules given;
static atomic_bool is_given;

int dlv_rules_set(const struct shoal_delivery_rules *rules, struct shoal_err *err)
{
    if (rules->size < sizeof given || rules->plugin == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "rules of deliveries need a plugin and every member");
    }
    if (atomic_load(&is_given)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "deliveries go out by the rules of %s already", given.plugin);
    }
    given = *rules;
    atomic_store(&is_given, true);
    return 0;
}

void dlv_rules_forget(void)
{
    atomic_store(&is_given, false);
}

static bool enter(struct shoal_call *call)
{
    if (!atomic_load(&is_given)) {
        return false;
    }
    const struct shoal_service service = {.table = &given, .arg = given.arg, .plugin = given.plugin};
    shoal_enter(call, &service);
    return true;
}

bool dlv_enabled(struct shoal_call *call)
{
    if (!enter(call)) {
        return false;
    }
    bool is_enabled = given.enabled(call, given.arg);
    shoal_leave(call);
    return is_enabled;
}

const char *dlv_url_host(struct shoal_call *call, const char *inbox)
{
    if (!enter(call)) {
        return NULL;
    }
    const char *host = given.host(call, inbox, given.arg);
    shoal_leave(call);
    return host;
}

bool dlv_reaches(struct shoal_call *call, const char *host)
{
    if (!enter(call)) {
        return false;
    }
    bool reaches = given.reaches(call, host, given.arg);
    shoal_leave(call);
    return reaches;
}

static int away(struct shoal_err *err)
{
    return shoal_fail(err, SHOAL_EBUSY, "nobody gives deliveries now");
}

char *dlv_finish(struct shoal_call *call, int64_t actor_id, const char *context, bool is_signed,
    json_t *activity, struct shoal_err *err)
{
    if (!enter(call)) {
        json_decref(activity);
        away(err);
        return NULL;
    }
    char *bytes = given.finish(call, actor_id, context, is_signed, activity, given.arg, err);
    shoal_leave(call);
    return bytes;
}

bool dlv_is_asked(struct shoal_call *call)
{
    if (!enter(call)) {
        return false;
    }
    bool is_asked = given.is_asked(call, given.arg);
    shoal_leave(call);
    return is_asked;
}

enum shoal_verdict dlv_may(struct shoal_call *call, const json_t *activity, const char *host,
    int64_t actor_id, int64_t video_id)
{
    if (!enter(call)) {
        return SHOAL_HOLD;
    }
    enum shoal_verdict verdict = given.may(call, activity, host, actor_id, video_id, given.arg);
    shoal_leave(call);
    return verdict;
}

const char *const *dlv_sign(struct shoal_call *call, int64_t actor_id, const char *inbox,
    const void *body, size_t body_bytes, struct shoal_err *err)
{
    if (!enter(call)) {
        away(err);
        return NULL;
    }
    const char *const *headers = given.sign(call, actor_id, inbox, body, body_bytes, given.arg, err);
    shoal_leave(call);
    return headers;
}

void dlv_sign_refused(struct shoal_call *call, const char *inbox, bool asks)
{
    if (enter(call)) {
        given.refused(call, inbox, asks, given.arg);
        shoal_leave(call);
    }
}
