// identity_rules.c - asks the plugin that federates, in its name; see svc/identity.h.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <given.h>

#include "identity.h"

static struct shoal_identity_rules rules;
static struct given given = {"rules of identity", &rules, sizeof rules};

int who_rules_set(const struct shoal_identity_rules *from, struct shoal_err *err)
{
    return given_set(&given, from, err);
}

void who_rules_forget(void)
{
    given_forget(&given);
}

bool who_enabled(struct shoal_call *call)
{
    return GIVEN_ASK(call, &given, &rules, false, enabled, rules.arg);
}

bool who_is_private(struct shoal_call *call)
{
    return GIVEN_ASK(call, &given, &rules, false, is_private, rules.arg);
}

bool who_blocked(struct shoal_call *call, const char *host)
{
    return GIVEN_ASK(call, &given, &rules, true, blocked, host, rules.arg);
}

bool who_wants_signature(struct shoal_call *call)
{
    return GIVEN_ASK(call, &given, &rules, true, wants_signature, rules.arg);
}

json_t *who_gone(struct shoal_call *call, const char *url)
{
    return GIVEN_ASK(call, &given, &rules, NULL, gone, url, rules.arg);
}

int who_proved(struct shoal_call *call, const struct shoal_actor *signer, const char *body, size_t body_bytes,
    struct shoal_err *err)
{
    return GIVEN_ASK(call, &given, &rules, SHOAL_EBUSY, proved, signer, body, body_bytes, rules.arg, err);
}
