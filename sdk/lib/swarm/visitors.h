// visitors.h - what one address may do: sockets, messages, places in swarms.
// SPDX-License-Identifier: MIT
#ifndef VISITORS_H
#define VISITORS_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "swarm_mix.h"

/// A count of events a minute, as the time at which all that happened so far will be paid for.
typedef _Atomic int64_t visitor_rate;

/// An address as 16 bytes; IPv4 is mapped into IPv6.
struct visitor_address {
    unsigned char bytes[16];
};

/// What the /48 of a visitor may do, in what one visitor may: who has a /48 has 65536 of /64.
#define VISITOR_WIDE 16

/// Whoever comes from an IPv4 address or an IPv6 /64. Held by its sockets and its HTTP peers.
struct visitor {
    struct visitor_address group;
    uint32_t refs; // under the lock of the table
    _Atomic int sockets, peers;
    visitor_rate messages, unknown;
    struct visitor *wide; ///< the /48 of an IPv6 /64 that somebody holds; else NULL
    struct visitor *next, *older, *newer; // in its bucket; among those that nobody holds
};

struct visitors {
    pthread_mutex_t lock;
    struct visitor **buckets;
    struct visitor *oldest, *newest;
    struct swarm_key key;
    uint32_t count;
};

bool visitor_address_parse(const char *text, struct visitor_address *address);
bool visitor_address_is_ipv4(const struct visitor_address *address);

void visitors_init(struct visitors *visitors);
void visitors_fini(struct visitors *visitors);
/// Finds or makes the visitor of an address; free with _unref(). What is counted of one that nobody
/// holds is kept while there is room. [any]
struct visitor *visitor_ref(
    struct visitors *visitors, const struct visitor_address *address);
void visitor_unref(struct visitors *visitors, struct visitor *visitor);

/// Takes one of so many a minute, which may come all at once. Returns: false when they are used up. [any]
bool visitor_rate_take(visitor_rate *rate, int64_t per_minute, int64_t now_ms);
/// The same of a visitor's messages, or of its hashes that nobody knew, and of those of its /48. [any]
bool visitor_message_take(struct visitor *visitor, int64_t per_minute, int64_t now_ms);
bool visitor_unknown_take(struct visitor *visitor, int64_t per_minute, int64_t now_ms);
/// Counts a socket. Returns: false, and counts none, where visitor or /48 have as many as they may. [any]
bool visitor_socket_add(struct visitor *visitor, int64_t max);
void visitor_socket_remove(struct visitor *visitor);
/// Whether there may be one more HTTP peer, and counting one. [any]
bool visitor_has_room(const struct visitor *visitor, int64_t max);
void visitor_peers_add(struct visitor *visitor, int more);

#endif
