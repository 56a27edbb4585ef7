// visitors.c - the table of addresses, and rates that cost one number each.
// SPDX-License-Identifier: MIT
#include "visitors.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>

#define BUCKETS   4096
#define KEPT_MAX  65536 // addresses that are remembered though nobody of them is here
#define MINUTE_US 60000000
#define WIDE_BITS 48

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

bool visitor_address_is_ipv4(const struct visitor_address *address)
{
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

bool visitor_address_parse(const char *text, struct visitor_address *address)
{
    *address = (struct visitor_address){{0}};
    if (text && inet_pton(AF_INET, text, address->bytes + 12) == 1) {
        memcpy(address->bytes, mapped, sizeof mapped);
        return true;
    }
    return text && inet_pton(AF_INET6, text, address->bytes) == 1;
}

bool visitor_rate_take(visitor_rate *rate, int64_t per_minute, int64_t now_ms)
{
    int64_t now = now_ms * 1000, each = MINUTE_US / (per_minute > 0 ? per_minute : 1);
    int64_t before = atomic_load_explicit(rate, memory_order_relaxed), after;
    do {
        after = (before > now ? before : now) + each;
        if (after - now > MINUTE_US) {
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(
        rate, &before, after, memory_order_relaxed, memory_order_relaxed));
    return true;
}

bool visitor_message_take(struct visitor *visitor, int64_t per_minute, int64_t now_ms)
{
    return visitor_rate_take(&visitor->messages, per_minute, now_ms) &&
        (!visitor->wide ||
            visitor_rate_take(&visitor->wide->messages, per_minute * VISITOR_WIDE, now_ms));
}

bool visitor_unknown_take(struct visitor *visitor, int64_t per_minute, int64_t now_ms)
{
    return visitor_rate_take(&visitor->unknown, per_minute, now_ms) &&
        (!visitor->wide ||
            visitor_rate_take(&visitor->wide->unknown, per_minute * VISITOR_WIDE, now_ms));
}

void visitor_socket_remove(struct visitor *visitor)
{
    atomic_fetch_sub(&visitor->sockets, 1);
    if (visitor->wide) {
        atomic_fetch_sub(&visitor->wide->sockets, 1);
    }
}

bool visitor_socket_add(struct visitor *visitor, int64_t max)
{
    struct visitor *wide = visitor->wide;
    bool has_room = atomic_fetch_add(&visitor->sockets, 1) < max;
    has_room = (!wide || atomic_fetch_add(&wide->sockets, 1) < max * VISITOR_WIDE) && has_room;
    if (!has_room) {
        visitor_socket_remove(visitor);
    }
    return has_room;
}

bool visitor_has_room(const struct visitor *visitor, int64_t max)
{
    const struct visitor *wide = visitor->wide;
    return atomic_load(&visitor->peers) < max &&
        (!wide || atomic_load(&wide->peers) < max * VISITOR_WIDE);
}

void visitor_peers_add(struct visitor *visitor, int more)
{
    atomic_fetch_add(&visitor->peers, more);
    if (visitor->wide) {
        atomic_fetch_add(&visitor->wide->peers, more);
    }
}

void visitors_init(struct visitors *visitors)
{
    *visitors = (struct visitors){.lock = PTHREAD_MUTEX_INITIALIZER};
    visitors->buckets = calloc(BUCKETS, sizeof(struct visitor *));
    if (!visitors->buckets) {
        abort();
    }
    swarm_key_init(&visitors->key);
}

void visitors_fini(struct visitors *visitors)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (visitors->buckets[i]) {
            struct visitor *visitor = visitors->buckets[i];
            visitors->buckets[i] = visitor->next;
            free(visitor);
        }
    }
    free(visitors->buckets);
    pthread_mutex_destroy(&visitors->lock);
}

static struct visitor **bucket_of(
    struct visitors *visitors, const struct visitor_address *group)
{
    uint64_t mixed = swarm_mix(&visitors->key, group->bytes, sizeof group->bytes);
    return &visitors->buckets[mixed % BUCKETS];
}

static void take_out(struct visitors *visitors, struct visitor *visitor)
{
    *(visitor->older ? &visitor->older->newer : &visitors->oldest) = visitor->newer;
    *(visitor->newer ? &visitor->newer->older : &visitors->newest) = visitor->older;
    visitor->older = visitor->newer = NULL;
}

static void drop_oldest(struct visitors *visitors)
{
    struct visitor *visitor = visitors->oldest;
    struct visitor **at = bucket_of(visitors, &visitor->group);
    while (*at != visitor) {
        at = &(*at)->next;
    }
    *at = visitor->next;
    take_out(visitors, visitor);
    visitors->count--;
    free(visitor);
}

/// With the lock held.
static struct visitor *hold(struct visitors *visitors, const struct visitor_address *group)
{
    struct visitor **bucket = bucket_of(visitors, group), *visitor = *bucket;
    while (visitor && memcmp(&visitor->group, group, sizeof *group) != 0) {
        visitor = visitor->next;
    }
    if (visitor && visitor->refs == 0) {
        take_out(visitors, visitor);
    }
    if (!visitor) {
        if (visitors->count >= KEPT_MAX && visitors->oldest) {
            drop_oldest(visitors);
        }
        visitor = calloc(1, sizeof *visitor);
        if (!visitor) {
            abort();
        }
        visitor->group = *group;
        visitor->next = *bucket;
        *bucket = visitor;
        visitors->count++;
    }
    visitor->refs++;
    return visitor;
}

/// With the lock held.
static void let_go(struct visitors *visitors, struct visitor *visitor)
{
    if (--visitor->refs > 0) {
        return;
    }
    visitor->older = visitors->newest;
    *(visitors->newest ? &visitors->newest->newer : &visitors->oldest) = visitor;
    visitors->newest = visitor;
    if (visitor->wide) {
        let_go(visitors, visitor->wide);
        visitor->wide = NULL;
    }
}

struct visitor *visitor_ref(
    struct visitors *visitors, const struct visitor_address *address)
{
    bool is_ipv4 = visitor_address_is_ipv4(address);
    struct visitor_address group = *address;
    if (!is_ipv4) {
        memset(group.bytes + 8, 0, 8);
    }
    pthread_mutex_lock(&visitors->lock);
    struct visitor *visitor = hold(visitors, &group);
    if (!is_ipv4 && !visitor->wide) {
        memset(group.bytes + 6, 0, 2);
        group.bytes[15] = WIDE_BITS; // no /64 is named so
        visitor->wide = hold(visitors, &group);
    }
    pthread_mutex_unlock(&visitors->lock);
    return visitor;
}

void visitor_unref(struct visitors *visitors, struct visitor *visitor)
{
    if (!visitor) {
        return;
    }
    pthread_mutex_lock(&visitors->lock);
    let_go(visitors, visitor);
    pthread_mutex_unlock(&visitors->lock);
}
