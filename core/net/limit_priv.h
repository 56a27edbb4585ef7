// limit_priv.h - how often somebody may ask.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_LIMIT_PRIV_H
#define SHOAL_CORE_NET_LIMIT_PRIV_H
#include <shoal/http.h>

#include "net/address_priv.h"

/// What a bucket says to one request.
struct shoal_limit {
    bool is_refused;
    uint32_t count, remaining, reset_s; ///< of the bucket; reset_s: until it is full again
    uint32_t retry_s;
};

/// Takes one from the bucket of a token (the Authorization header's value) or, without a proved one,
/// of the address. now_ms: of shoal_tick_ms().
struct shoal_limit shoal_limit_take(enum shoal_rate bucket, struct shoal_span token,
    const struct shoal_address *address, int64_t now_ms);
/// Says that a token was checked and is good: from now on it has buckets of its own. [any]
void shoal_limit_prove(struct shoal_span token, int64_t now_ms);
/// Forgets everybody (tests).
void shoal_limit_clear(void);

#endif
