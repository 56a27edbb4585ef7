// pool.c - a few threads that take jobs from one queue.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/pool_priv.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"

struct job {
    shoal_pool_fn *fn;
    void *arg;
};

struct shoal_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct job *ring;
    size_t room, first, count, queue_max;
    pthread_t *threads;
    int thread_count, idle;
    int alive; ///< threads that still take jobs
    bool is_ending;
};

static void *run(void *arg)
{
    struct shoal_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->count == 0 && !pool->is_ending) {
            pool->idle++;
            pthread_cond_wait(&pool->wake, &pool->lock);
            pool->idle--;
        }
        if (pool->count == 0) {
            break;
        }
        struct job job = pool->ring[pool->first];
        pool->first = (pool->first + 1) % pool->room;
        pool->count--;
        pthread_mutex_unlock(&pool->lock);
        job.fn(job.arg);
        pthread_mutex_lock(&pool->lock);
    }
    pool->alive--;
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct shoal_pool *shoal_pool_new(const char *name, int threads, size_t queue_max)
{
    struct shoal_pool *pool = shoal_alloc(1, sizeof *pool);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->queue_max = queue_max;
    pool->room = 64;
    pool->ring = shoal_alloc(pool->room, sizeof *pool->ring);
    pool->threads = shoal_alloc((size_t)threads, sizeof *pool->threads);
    sigset_t all, before; // signals are the main thread's
    sigfillset(&all);
    // A fault must reach the crash handler: blocked, it would end the process without a word.
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(&all, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&pool->threads[i], NULL, run, pool) != 0) {
            break;
        }
        char title[16];
        snprintf(title, sizeof title, "%.11s %d", name, i % 1000);
        pthread_setname_np(pool->threads[i], title);
        pool->thread_count++;
        pthread_mutex_lock(&pool->lock);
        pool->alive++;
        pthread_mutex_unlock(&pool->lock);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (pool->thread_count == 0) {
        shoal_pool_free(pool);
        return NULL;
    }
    return pool;
}

void shoal_pool_end(struct shoal_pool *pool)
{
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pool->thread_count = 0;
}

void shoal_pool_free(struct shoal_pool *pool)
{
    if (!pool) {
        return;
    }
    shoal_pool_end(pool);
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    free(pool->threads);
    free(pool->ring);
    free(pool);
}

static void grow(struct shoal_pool *pool)
{
    struct job *ring = shoal_alloc(pool->room * 2, sizeof *ring);
    for (size_t i = 0; i < pool->count; i++) {
        ring[i] = pool->ring[(pool->first + i) % pool->room];
    }
    free(pool->ring);
    pool->ring = ring;
    pool->room *= 2;
    pool->first = 0;
}

static int add(struct shoal_pool *pool, shoal_pool_fn *fn, void *arg, size_t most)
{
    pthread_mutex_lock(&pool->lock);
    bool is_over = pool->is_ending && pool->alive == 0;
    if (is_over || (pool->count >= most && pool->count - most >= (size_t)pool->idle)) {
        pthread_mutex_unlock(&pool->lock);
        return SHOAL_EBUSY;
    }
    if (pool->count == pool->room) {
        grow(pool);
    }
    pool->ring[(pool->first + pool->count) % pool->room] = (struct job){fn, arg};
    pool->count++;
    if (pool->idle > 0) {
        pthread_cond_signal(&pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

int shoal_pool_add(struct shoal_pool *pool, shoal_pool_fn *fn, void *arg)
{
    return add(pool, fn, arg, pool->queue_max);
}

void shoal_pool_push(struct shoal_pool *pool, shoal_pool_fn *fn, void *arg)
{
    if (add(pool, fn, arg, SIZE_MAX) != 0) {
        fn(arg); // its threads have ended: what is left is done by who brings it
    }
}
