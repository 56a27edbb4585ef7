// outgoing.h - starts what plugins fetch from other servers with.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_OUTGOING_H
#define SHOAL_CORE_HOST_OUTGOING_H
#include <jansson.h>

#include <shoal/error.h>

/// private_networks: array of CIDR texts from the setting "fetch.private", or NULL. Stop with
/// shoal_fetcher_stop().
int shoal_outgoing_start(
    const char *user_agent, const json_t *private_networks, struct shoal_err *err);

#endif
