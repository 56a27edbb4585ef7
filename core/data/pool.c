// pool.c - a few threads and one queue.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"

#define THREADS_MAX 8

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct pool_item *first, *last;
    bool is_stopping;
    int threads;
    pthread_t ids[THREADS_MAX];
};

static void *run(void *arg)
{
    struct pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->first && !pool->is_stopping) {
            pthread_cond_wait(&pool->work, &pool->lock);
        }
        struct pool_item *item = pool->first;
        if (!item) {
            break;
        }
        pool->first = item->next;
        if (!pool->first) {
            pool->last = NULL;
        }
        pthread_mutex_unlock(&pool->lock);
        item->run(item);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct pool *pool_new(int threads)
{
    struct pool *pool = shoal_alloc(1, sizeof(*pool));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->work, NULL);
    while (pool->threads < threads && pool->threads < THREADS_MAX &&
           pthread_create(&pool->ids[pool->threads], NULL, run, pool) == 0) {
        pool->threads++;
    }
    return pool;
}

bool pool_submit(struct pool *pool, struct pool_item *item)
{
    pthread_mutex_lock(&pool->lock);
    bool is_taken = !pool->is_stopping && pool->threads > 0;
    if (is_taken) {
        item->next = NULL;
        if (pool->last) {
            pool->last->next = item;
        } else {
            pool->first = item;
        }
        pool->last = item;
        pthread_cond_signal(&pool->work);
    }
    pthread_mutex_unlock(&pool->lock);
    return is_taken;
}

void pool_free(struct pool *pool)
{
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->threads; i++) {
        pthread_join(pool->ids[i], NULL);
    }
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}
