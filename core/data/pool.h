// pool.h - a few threads that run small pieces of work in the order in which they come.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_POOL_H
#define SHOAL_CORE_DATA_POOL_H
#include <stdbool.h>
#include <stddef.h>

struct pool_item {
    struct pool_item *next;
    void (*run)(struct pool_item *item); ///< may free the item or submit it again
};

struct pool;
/// Starts threads with a name for what they run. Never NULL; no threads at all means that
/// pool_submit() refuses.
struct pool *pool_new(int threads);
/// Queues an item, which stays the caller's. Returns: false when the pool is stopping.
bool pool_submit(struct pool *pool, struct pool_item *item);
/// Runs what is queued, joins the threads, frees the pool. NULL is fine.
void pool_free(struct pool *pool);

#endif
