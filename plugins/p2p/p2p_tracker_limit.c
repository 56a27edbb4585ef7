// p2p_tracker_limit.c - the table of addresses, and rates that cost one number each.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_tracker_limit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>

#define BUCKETS   4096
#define KEPT_MAX  65536 // addresses that are remembered though nobody of them is here
#define MINUTE_US 60000000

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

bool p2p_address_is_ipv4(const struct p2p_address *address)
{
    return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

bool p2p_address_parse(const char *text, struct p2p_address *address)
{
    *address = (struct p2p_address){{0}};
    if (text && inet_pton(AF_INET, text, address->bytes + 12) == 1) {
        memcpy(address->bytes, mapped, sizeof mapped);
        return true;
    }
    return text && inet_pton(AF_INET6, text, address->bytes) == 1;
}

bool p2p_rate_take(p2p_rate *rate, int64_t per_minute, int64_t now_ms)
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

void p2p_visitors_init(struct p2p_visitors *visitors)
{
    *visitors = (struct p2p_visitors){.lock = PTHREAD_MUTEX_INITIALIZER};
    visitors->buckets = calloc(BUCKETS, sizeof(struct p2p_visitor *));
    shoal_random(&visitors->seed, sizeof visitors->seed);
}

void p2p_visitors_fini(struct p2p_visitors *visitors)
{
    for (size_t i = 0; visitors->buckets && i < BUCKETS; i++) {
        while (visitors->buckets[i]) {
            struct p2p_visitor *visitor = visitors->buckets[i];
            visitors->buckets[i] = visitor->next;
            free(visitor);
        }
    }
    free(visitors->buckets);
    pthread_mutex_destroy(&visitors->lock);
}

static struct p2p_visitor **bucket_of(
    struct p2p_visitors *visitors, const struct p2p_address *group)
{
    uint64_t words[2];
    memcpy(words, group->bytes, sizeof words);
    uint64_t hash = (words[0] ^ visitors->seed) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 32) ^ words[1]) * 0xd6e8feb86659fd93u;
    return &visitors->buckets[(hash >> 40) % BUCKETS];
}

static void take_out(struct p2p_visitors *visitors, struct p2p_visitor *visitor)
{
    *(visitor->older ? &visitor->older->newer : &visitors->oldest) = visitor->newer;
    *(visitor->newer ? &visitor->newer->older : &visitors->newest) = visitor->older;
    visitor->older = visitor->newer = NULL;
}

static void drop_oldest(struct p2p_visitors *visitors)
{
    struct p2p_visitor *visitor = visitors->oldest;
    struct p2p_visitor **at = bucket_of(visitors, &visitor->group);
    while (*at != visitor) {
        at = &(*at)->next;
    }
    *at = visitor->next;
    take_out(visitors, visitor);
    visitors->count--;
    free(visitor);
}

struct p2p_visitor *p2p_visitor_ref(
    struct p2p_visitors *visitors, const struct p2p_address *address)
{
    struct p2p_address group = *address;
    if (!p2p_address_is_ipv4(address)) {
        memset(group.bytes + 8, 0, 8);
    }
    pthread_mutex_lock(&visitors->lock);
    struct p2p_visitor **bucket = bucket_of(visitors, &group), *visitor = *bucket;
    while (visitor && memcmp(&visitor->group, &group, sizeof group) != 0) {
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
        visitor->group = group;
        visitor->next = *bucket;
        *bucket = visitor;
        visitors->count++;
    }
    visitor->refs++;
    pthread_mutex_unlock(&visitors->lock);
    return visitor;
}

void p2p_visitor_unref(struct p2p_visitors *visitors, struct p2p_visitor *visitor)
{
    if (!visitor) {
        return;
    }
    pthread_mutex_lock(&visitors->lock);
    if (--visitor->refs == 0) {
        visitor->older = visitors->newest;
        *(visitors->newest ? &visitors->newest->newer : &visitors->oldest) = visitor;
        visitors->newest = visitor;
    }
    pthread_mutex_unlock(&visitors->lock);
}
