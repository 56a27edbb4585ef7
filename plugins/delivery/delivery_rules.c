// delivery_rules.c - asks the plugin whose deliveries they are, in its name; see svc/delivery.h.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <given.h>

#include "delivery.h"

static struct shoal_delivery_rules rules;
static struct given given = {"rules of deliveries", &rules, sizeof rules};

int dlv_rules_set(const struct shoal_delivery_rules *from, struct shoal_err *err)
{
    return given_set(&given, from, err);
}

void dlv_rules_forget(void)
{
    given_forget(&given);
}

bool dlv_enabled(struct shoal_call *call)
{
    return GIVEN_ASK(call, &given, &rules, false, enabled, rules.arg);
}

const char *dlv_url_host(struct shoal_call *call, const char *inbox)
{
    return GIVEN_ASK(call, &given, &rules, NULL, host, inbox, rules.arg);
}

bool dlv_reaches(struct shoal_call *call, const char *host)
{
    return GIVEN_ASK(call, &given, &rules, false, reaches, host, rules.arg);
}

bool dlv_shuns(struct shoal_call *call, const char *host)
{
    return !GIVEN_ASK(call, &given, &rules, true, reaches, host, rules.arg);
}

static bool enter(struct shoal_call *call, struct shoal_err *err)
{
    bool is_given = given_enter(call, &given);
    if (!is_given) {
        shoal_fail(err, SHOAL_EBUSY, "nobody gives deliveries now");
    }
    return is_given;
}

char *dlv_finish(struct shoal_call *call, int64_t actor_id, const char *context, bool is_signed,
    json_t *activity, struct shoal_err *err)
{
    if (!enter(call, err)) {
        json_decref(activity);
        return NULL;
    }
    char *bytes = rules.finish(call, actor_id, context, is_signed, activity, rules.arg, err);
    shoal_leave(call);
    return bytes;
}

bool dlv_is_asked(struct shoal_call *call)
{
    return GIVEN_ASK(call, &given, &rules, false, is_asked, rules.arg);
}

enum shoal_verdict dlv_may(struct shoal_call *call, const json_t *activity, const char *host,
    int64_t actor_id, int64_t video_id)
{
    return GIVEN_ASK(
        call, &given, &rules, SHOAL_HOLD, may, activity, host, actor_id, video_id, rules.arg);
}

const char *const *dlv_sign(struct shoal_call *call, int64_t actor_id, const char *inbox,
    const void *body, size_t body_bytes, bool *is_modern, struct shoal_err *err)
{
    if (!enter(call, err)) {
        return NULL;
    }
    const char *const *headers =
        rules.sign(call, actor_id, inbox, body, body_bytes, is_modern, rules.arg, err);
    shoal_leave(call);
    return headers;
}

void dlv_sign_refused(struct shoal_call *call, const char *inbox, bool was_modern, bool asks)
{
    if (given_enter(call, &given)) {
        rules.refused(call, inbox, was_modern, asks, rules.arg);
        shoal_leave(call);
    }
}
