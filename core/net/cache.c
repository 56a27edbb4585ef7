// cache.c - keeps shared answers, the newest used longest, and lets one request make each.
//
// Sixteen shards, each with its lock, its table and its list by age. A key is in a shard as an item
// (an answer, or with status 0 the note that it cannot be shared), as a ticket (somebody makes it), or
// both (a stale item waits to be replaced).
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/cache_priv.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "net/loop_priv.h"

#define SHARDS     16
#define CHAINS     1024
#define NOTE_MS    5000
#define WAITER_MAX 256 // behind one ticket; more make their own

struct shoal_ticket {
    struct shoal_cache *cache;
    uint64_t hash;
    char *key;
    size_t key_length;
    int64_t now_ms;
    struct shoal_waiter *waiters;
    size_t waiter_count;
    struct shoal_ticket *next;
};

struct shard {
    pthread_mutex_t lock;
    struct shoal_item *chains[CHAINS];
    struct shoal_item *newest, *oldest;
    struct shoal_ticket *tickets;
    size_t bytes;
};

struct shoal_cache {
    struct shard shards[SHARDS];
    uint8_t secret[crypto_shorthash_KEYBYTES];
    size_t shard_bytes;
};

struct shoal_cache *shoal_cache_new(uint64_t bytes)
{
    struct shoal_cache *cache = shoal_alloc(1, sizeof *cache);
    randombytes_buf(cache->secret, sizeof cache->secret);
    cache->shard_bytes = (size_t)(bytes / SHARDS);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&cache->shards[i].lock, NULL);
    }
    return cache;
}

void shoal_item_unref(struct shoal_item *item)
{
    if (!item || atomic_fetch_sub(&item->refs, 1) > 1) {
        return;
    }
    free(item->head);
    free(item->gzip_head);
    free(item->same_head);
    free(item->body);
    free(item->gzip_body);
    free(item->key);
    free(item);
}

static void unlink_age(struct shard *shard, struct shoal_item *item)
{
    *(item->newer ? &item->newer->older : &shard->newest) = item->older;
    *(item->older ? &item->older->newer : &shard->oldest) = item->newer;
    item->newer = item->older = NULL;
}

static void link_age(struct shard *shard, struct shoal_item *item)
{
    item->older = shard->newest;
    *(shard->newest ? &shard->newest->newer : &shard->oldest) = item;
    shard->newest = item;
}

static void remove_item(struct shard *shard, struct shoal_item *item)
{
    struct shoal_item **link = &shard->chains[(item->hash >> 8) % CHAINS];
    while (*link != item) {
        link = &(*link)->chain;
    }
    *link = item->chain;
    unlink_age(shard, item);
    shard->bytes -= item->cost;
    shoal_item_unref(item);
}

void shoal_cache_free(struct shoal_cache *cache)
{
    if (!cache) {
        return;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        while (cache->shards[i].newest) {
            remove_item(&cache->shards[i], cache->shards[i].newest);
        }
        pthread_mutex_destroy(&cache->shards[i].lock);
    }
    free(cache);
}

static struct shoal_item *find_item(struct shard *shard, uint64_t hash, struct shoal_span key)
{
    struct shoal_item *item = shard->chains[(hash >> 8) % CHAINS];
    while (item && (item->hash != hash || item->key_length != key.length ||
                       memcmp(item->key, key.at, key.length) != 0)) {
        item = item->chain;
    }
    return item;
}

static struct shoal_ticket *find_ticket(struct shard *shard, uint64_t hash, struct shoal_span key)
{
    struct shoal_ticket *ticket = shard->tickets;
    while (ticket && (ticket->hash != hash || ticket->key_length != key.length ||
                         memcmp(ticket->key, key.at, key.length) != 0)) {
        ticket = ticket->next;
    }
    return ticket;
}

static char *copy_key(struct shoal_span key)
{
    char *copy = shoal_alloc(1, key.length + 1);
    memcpy(copy, key.at, key.length);
    return copy;
}

static struct shoal_ticket *open_ticket(struct shoal_cache *cache, struct shard *shard,
    uint64_t hash, struct shoal_span key, int64_t now_ms)
{
    struct shoal_ticket *ticket = shoal_alloc(1, sizeof *ticket);
    *ticket = (struct shoal_ticket){.cache = cache, .hash = hash, .key = copy_key(key),
        .key_length = key.length, .now_ms = now_ms, .next = shard->tickets};
    shard->tickets = ticket;
    return ticket;
}

static enum shoal_lookup find_locked(struct shoal_cache *cache, struct shard *shard, uint64_t hash,
    struct shoal_span key, uint64_t epoch, int64_t now_ms, struct shoal_waiter *waiter,
    struct shoal_item **item, struct shoal_ticket **ticket)
{
    struct shoal_item *found = find_item(shard, hash, key);
    if (found && now_ms < found->until_ms) {
        if (found->status == 0) {
            return SHOAL_LOOKUP_MAKE;
        }
        if (found->epoch == epoch) {
            unlink_age(shard, found);
            link_age(shard, found);
            atomic_fetch_add(&found->refs, 1);
            *item = found;
            return SHOAL_LOOKUP_HIT;
        }
    }
    struct shoal_ticket *open = find_ticket(shard, hash, key);
    if (!open) {
        *ticket = open_ticket(cache, shard, hash, key, now_ms);
        return SHOAL_LOOKUP_MAKE;
    }
    if (!waiter || open->waiter_count == WAITER_MAX) {
        return SHOAL_LOOKUP_MAKE;
    }
    waiter->next = open->waiters;
    open->waiters = waiter;
    open->waiter_count++;
    return SHOAL_LOOKUP_WAIT;
}

enum shoal_lookup shoal_cache_find(struct shoal_cache *cache, struct shoal_span key, uint64_t epoch,
    int64_t now_ms, struct shoal_waiter *waiter, struct shoal_item **item,
    struct shoal_ticket **ticket)
{
    uint64_t hash = 0;
    crypto_shorthash((unsigned char *)&hash, (const unsigned char *)key.at, key.length,
        cache->secret);
    struct shard *shard = &cache->shards[hash % SHARDS];
    *item = NULL;
    *ticket = NULL;
    pthread_mutex_lock(&shard->lock);
    enum shoal_lookup result =
        find_locked(cache, shard, hash, key, epoch, now_ms, waiter, item, ticket);
    pthread_mutex_unlock(&shard->lock);
    return result;
}

static void insert(struct shoal_cache *cache, struct shard *shard, struct shoal_ticket *ticket,
    struct shoal_item *item)
{
    struct shoal_span key = {ticket->key, ticket->key_length};
    struct shoal_item *old = find_item(shard, ticket->hash, key);
    if (old) {
        remove_item(shard, old);
    }
    item->hash = ticket->hash;
    item->key = ticket->key;
    item->key_length = ticket->key_length;
    ticket->key = NULL;
    item->cost = sizeof *item + item->key_length + item->head_length + item->gzip_head_length +
        item->same_head_length + item->length + item->gzip_length + 128;
    struct shoal_item **chain = &shard->chains[(item->hash >> 8) % CHAINS];
    item->chain = *chain;
    *chain = item;
    link_age(shard, item);
    shard->bytes += item->cost;
    while (shard->bytes > cache->shard_bytes && shard->oldest) {
        remove_item(shard, shard->oldest);
    }
}

static void close_ticket(struct shard *shard, struct shoal_ticket *ticket)
{
    struct shoal_ticket **link = &shard->tickets;
    while (*link != ticket) {
        link = &(*link)->next;
    }
    *link = ticket->next;
}

static void wake(void *arg)
{
    shoal_waiter_wake(arg);
}

void shoal_cache_settle(struct shoal_ticket *ticket, struct shoal_item *item, bool has_note)
{
    struct shoal_cache *cache = ticket->cache;
    struct shard *shard = &cache->shards[ticket->hash % SHARDS];
    struct shoal_item *kept = item;
    if (item) {
        atomic_fetch_add(&item->refs, 1); // ours, until the waiters have theirs
    } else if (has_note) {
        kept = shoal_alloc(1, sizeof *kept);
        kept->refs = 1;
        kept->until_ms = ticket->now_ms + NOTE_MS;
    }
    pthread_mutex_lock(&shard->lock);
    close_ticket(shard, ticket);
    if (kept) {
        insert(cache, shard, ticket, kept);
    }
    pthread_mutex_unlock(&shard->lock);
    struct shoal_waiter *waiter = ticket->waiters;
    while (waiter) {
        struct shoal_waiter *next = waiter->next;
        if (item) {
            atomic_fetch_add(&item->refs, 1);
        }
        waiter->item = item;
        shoal_loop_run(waiter->loop, wake, waiter);
        waiter = next;
    }
    shoal_item_unref(item);
    free(ticket->key);
    free(ticket);
}
