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
/// Adds a network to the guard while it runs.
int shoal_fetcher_allow(const char *network, struct shoal_err *err);
/// [fetcher] Whether the call may ask for a URL; the worker of the call waits meanwhile.
typedef bool shoal_fetch_may_fn(struct shoal_call *call, const char *url);
/// What shoal_fetch() does. may: asked for the URL and for where redirects lead; NULL: anywhere.
int shoal_fetcher_run(struct shoal_call *call, const struct shoal_fetch *what,
    shoal_fetch_may_fn *may, struct shoal_fetched *fetched, struct shoal_err *err);
/// What shoal_flight_begin() and shoal_flight_take() do; whether the URL may be asked was checked.
int shoal_fetcher_begin(
    struct shoal_flight *flight, const struct shoal_fetch *what, void *mark, struct shoal_err *err);
int shoal_fetcher_take(struct shoal_flight *flight, int64_t wait_ms, void **mark,
    struct shoal_fetched *fetched, int *code, struct shoal_err *err);

/// [fetcher] What became of a request that nobody waits for: 0 with the answer, or an error and why. It must
/// not block. fetched and why are borrowed.
typedef void shoal_fetch_done_fn(
    void *arg, int code, const struct shoal_fetched *fetched, const struct shoal_err *why);
/// [any] Asks as the core does, without a thread that waits. what is copied, its body borrowed until the end.
/// Returns: 0, and done is called once, also when the server stops; or a negative error, and nothing was
///          begun. Errors: SHOAL_EBUSY (256 are under way, or the server stops), SHOAL_EINVAL, SHOAL_EIO.
int shoal_fetcher_launch(
    const struct shoal_fetch *what, shoal_fetch_done_fn *done, void *arg, struct shoal_err *err);

#endif
