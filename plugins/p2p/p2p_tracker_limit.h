// p2p_tracker_limit.h - what one address may do: sockets, messages, places in swarms.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_TRACKER_LIMIT_H
#define P2P_TRACKER_LIMIT_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/// A count of events a minute, as the time at which all that happened so far will be paid for.
typedef _Atomic int64_t p2p_rate;

/// An address as 16 bytes; IPv4 is mapped into IPv6.
struct p2p_address {
    unsigned char bytes[16];
};

/// Whoever comes from an IPv4 address or an IPv6 /64. Held by its sockets and its HTTP peers.
struct p2p_visitor {
    struct p2p_address group;
    uint32_t refs; // under the lock of the table
    _Atomic int sockets, peers;
    p2p_rate messages, unknown;
    struct p2p_visitor *next, *older, *newer; // in its bucket; among those that nobody holds
};

struct p2p_visitors {
    pthread_mutex_t lock;
    struct p2p_visitor **buckets;
    struct p2p_visitor *oldest, *newest;
    uint64_t seed;
    uint32_t count;
};

bool p2p_address_parse(const char *text, struct p2p_address *address);
bool p2p_address_is_ipv4(const struct p2p_address *address);

void p2p_visitors_init(struct p2p_visitors *visitors);
void p2p_visitors_fini(struct p2p_visitors *visitors);
/// Finds or makes the visitor of an address; free with _unref(). What is counted of one that nobody
/// holds is kept while there is room. [any]
struct p2p_visitor *p2p_visitor_ref(
    struct p2p_visitors *visitors, const struct p2p_address *address);
void p2p_visitor_unref(struct p2p_visitors *visitors, struct p2p_visitor *visitor);

/// Takes one of so many a minute, which may come all at once. Returns: false when they are used up. [any]
bool p2p_rate_take(p2p_rate *rate, int64_t per_minute, int64_t now_ms);

#endif
