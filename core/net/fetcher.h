// fetcher.h - the one thread through which everything goes out.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_FETCHER_H
#define SHOAL_CORE_NET_FETCHER_H
#include <shoal/fetch.h>

#include "base/context.h"
#include "net/guard.h"

/// Starts and stops the fetcher. user_agent and guard are copied.
int shoal_fetcher_start(const char *user_agent, const struct shoal_guard *guard,
    struct shoal_err *err);
void shoal_fetcher_stop(void);
/// What shoal_fetch() does once the permission was checked.
int shoal_fetcher_run(struct shoal_call *call, const struct shoal_fetch *what,
    struct shoal_fetched *fetched, struct shoal_err *err);

#endif
