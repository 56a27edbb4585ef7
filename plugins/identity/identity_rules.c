// identity_rules.c - asks the plugin that federates, in its name; see svc/identity.h.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>

#include "identity.h"

// Set while the server starts; read by every worker.
static struct shoal_identity_rules given;
static atomic_bool is_given;

int who_rules_set(const struct shoal_identity_rules *rules, struct shoal_err *err)
{
    if (rules->size < sizeof given || rules->plugin == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "rules of identity need a plugin and every member");
    }
    if (atomic_load(&is_given)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "the rules of %s hold already", given.plugin);
    }
    given = *rules;
    atomic_store(&is_given, true);
    return 0;
}

void who_rules_forget(void)
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

bool who_enabled(struct shoal_call *call)
{
    if (!enter(call)) {
        return false;
    }
    bool is_enabled = given.enabled(call, given.arg);
    shoal_leave(call);
    return is_enabled;
}

bool who_is_private(struct shoal_call *call)
{
    if (!enter(call)) {
        return false;
    }
    bool is_private = given.is_private(call, given.arg);
    shoal_leave(call);
    return is_private;
}

bool who_blocked(struct shoal_call *call, const char *host)
{
    if (!enter(call)) {
        return true;
    }
    bool is_blocked = given.blocked(call, host, given.arg);
    shoal_leave(call);
    return is_blocked;
}

bool who_wants_signature(struct shoal_call *call)
{
    if (!enter(call)) {
        return true;
    }
    bool wants = given.wants_signature(call, given.arg);
    shoal_leave(call);
    return wants;
}

json_t *who_gone(struct shoal_call *call, const char *url)
{
    if (!enter(call)) {
        return NULL;
    }
    json_t *document = given.gone(call, url, given.arg);
    shoal_leave(call);
    return document;
}

int who_proved(struct shoal_call *call, const struct shoal_actor *signer, const char *body, size_t body_bytes,
    struct shoal_err *err)
{
    if (!enter(call)) {
        return shoal_fail(err, SHOAL_EBUSY, "nobody federates now");
    }
    int code = given.proved(call, signer, body, body_bytes, given.arg, err);
    shoal_leave(call);
    return code;
}
