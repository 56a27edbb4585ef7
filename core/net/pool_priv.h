// pool_priv.h - threads that may block, behind a bounded queue.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_POOL_PRIV_H
#define SHOAL_CORE_NET_POOL_PRIV_H
#include <stddef.h>
#include <stdint.h>

#include <shoal/error.h>

struct shoal_pool;
typedef void shoal_pool_fn(void *arg);

/// name: of the threads, at most 11 characters. queue_max: jobs that may wait.
struct shoal_pool *shoal_pool_new(const char *name, int threads, size_t queue_max);
/// Waits for what is queued and ends the threads. The pool stays and takes nothing any more.
void shoal_pool_end(struct shoal_pool *pool);
/// The same, and frees the pool.
void shoal_pool_free(struct shoal_pool *pool);
/// Runs fn(arg) on a thread of the pool, soon. [any]
/// Returns: 0, or SHOAL_EBUSY when the queue is full or the pool has ended.
int shoal_pool_add(struct shoal_pool *pool, shoal_pool_fn *fn, void *arg);
/// The same past the bound: for the second half of something that was let in before.
void shoal_pool_push(struct shoal_pool *pool, shoal_pool_fn *fn, void *arg);

#endif
