// cache_priv.h - answers that many clients share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_CACHE_PRIV_H
#define SHOAL_CORE_NET_CACHE_PRIV_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/span.h"

#define SHOAL_CACHE_KEY_MAX 4096

struct shoal_loop;
struct shoal_conn;

/// A shared answer; never changes once it is in the cache.
struct shoal_item {
    _Atomic uint32_t refs;
    int status;
    char *head, *gzip_head, *same_head; ///< full, gzip and 304 heads without the headers of the moment
    size_t head_length, gzip_head_length, same_head_length;
    char *body, *gzip_body;
    size_t length, gzip_length;
    char etag[48];
    int64_t until_ms;
    uint64_t epoch;
    // of the cache
    uint64_t hash;
    char *key;
    size_t key_length, cost;
    struct shoal_item *chain, *newer, *older;
};

/// A client that waits for an answer which another request is making.
struct shoal_waiter {
    struct shoal_loop *loop;
    struct shoal_conn *conn; ///< [loop] NULL once it is gone
    struct shoal_item *item; ///< the answer when it came; NULL: make one yourself
    char *bytes;             ///< the head, to start over with
    size_t length;
    struct shoal_waiter *next;
};

enum shoal_lookup {
    SHOAL_LOOKUP_HIT,  ///< *item is a reference
    SHOAL_LOOKUP_MAKE, ///< *ticket: make it and give the ticket back
    SHOAL_LOOKUP_WAIT, ///< the waiter is queued and will be posted to its loop
};

struct shoal_cache;
struct shoal_ticket;
struct shoal_cache *shoal_cache_new(uint64_t bytes);
void shoal_cache_free(struct shoal_cache *cache);
/// waiter: NULL to make an answer rather than wait. done: posted with the waiter to its loop.
enum shoal_lookup shoal_cache_find(struct shoal_cache *cache, struct shoal_span key, uint64_t epoch,
    int64_t now_ms, struct shoal_waiter *waiter, struct shoal_item **item,
    struct shoal_ticket **ticket);
/// Ends a ticket with an answer (the reference is taken) or without one (NULL). has_note: remembers
/// for a moment that this answer cannot be shared, so that nobody waits for it. [any]
void shoal_cache_settle(struct shoal_ticket *ticket, struct shoal_item *item, bool has_note);
void shoal_item_unref(struct shoal_item *item);
/// Called for each waiter when its answer came; set once by exchange.c.
void shoal_waiter_wake(struct shoal_waiter *waiter);

#endif
