// moderation_priv.h - the table of what is held, and telling of verdicts.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_MODERATION_PRIV_H
#define SHOAL_CORE_HOST_MODERATION_PRIV_H
#include <shoal/moderation.h>

/// Makes the host's tables.
int shoal_host_migrate(struct shoal_err *err);
/// Tells verdict.given, when somebody hears it. The subject is read from the payload.
void shoal_verdict_tell(struct shoal_call *call, const char *hook, const json_t *payload,
    const struct shoal_decision *decision);

#endif
