// topics.c - publish and subscribe within the process, and to its siblings while there are some.
//
// A topic is a list of subscriptions, found by hash in one of some tables with a lock each. Each
// subscription has a bounded queue and is run by at most one thread at a time, so its messages come
// in order. A slow one loses its oldest messages: tables hold the truth.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/topics.h>

#include <shoal/base.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/context.h"
#include "data/data.h"
#include "data/pool.h"

#define SHARDS      16
#define BUCKETS     64
#define QUEUE_MAX   256
#define PLUGIN_MAX  1024
#define CORE_MAX    65536
#define TOPIC_BYTES 256
#define THREADS     2
#define BATCH       32
#define END_WAIT_S  5
#define HEAR_MS     10000 // for one message: the watchdog goes by it

/// A published message, shared by the queues that it waits in.
struct message {
    atomic_int references;
    json_t *value;
};

struct subscription {
    struct pool_item item; ///< first: the pool hands this back
    struct subscription *next;
    uint64_t handle;
    struct shoal_plugin *owner;
    char *topic;
    void (*fn)(const char *topic, const json_t *message, void *arg);
    void *arg;
    struct message *queue[QUEUE_MAX]; ///< a ring
    size_t first, count, lost;
    bool is_scheduled; ///< in the pool's queue or in a thread of it
    bool is_ended;     ///< unsubscribed: freed by whoever runs it last
    bool is_calling;
    int waiting; ///< threads that wait for the end of its callback
    pthread_t caller;
};

static struct shard {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    struct subscription *buckets[BUCKETS];
} shards[SHARDS];

static struct {
    pthread_once_t once;
    pthread_mutex_t lock; ///< of pool
    struct pool *pool;
    _Atomic uint64_t next_handle;
} topics = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .next_handle = 1};

static void start_shards(void)
{
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&shards[i].lock, NULL);
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&shards[i].ended, &attributes);
        pthread_condattr_destroy(&attributes);
    }
}

static uint64_t hash_of(const char *topic)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const unsigned char *c = (const unsigned char *)topic; *c; c++) {
        hash = (hash ^ *c) * UINT64_C(1099511628211);
    }
    return hash ^ hash >> 29;
}

static void message_unref(struct message *message)
{
    if (atomic_fetch_sub(&message->references, 1) == 1) {
        json_decref(message->value);
        free(message);
    }
}

static void subscription_free(struct subscription *subscription)
{
    for (size_t i = 0; i < subscription->count; i++) {
        message_unref(subscription->queue[(subscription->first + i) % QUEUE_MAX]);
    }
    free(subscription->topic);
    free(subscription);
}

static struct shard *shard_of_topic(const char *topic)
{
    return &shards[hash_of(topic) % SHARDS];
}

/// Starts the threads with the first subscription.
static bool schedule(struct subscription *subscription)
{
    pthread_mutex_lock(&topics.lock);
    if (!topics.pool) {
        topics.pool = pool_new(THREADS);
    }
    bool is_taken = pool_submit(topics.pool, &subscription->item);
    pthread_mutex_unlock(&topics.lock);
    return is_taken;
}

/// Calls the subscriber with its oldest message. The shard's lock is held, and given back
/// meanwhile.
static void call_once(struct shard *shard, struct subscription *subscription)
{
    struct message *message = subscription->queue[subscription->first];
    subscription->first = (subscription->first + 1) % QUEUE_MAX;
    subscription->count--;
    size_t lost = subscription->lost;
    subscription->lost = 0;
    subscription->is_calling = true;
    subscription->caller = pthread_self();
    pthread_mutex_unlock(&shard->lock);
    struct shoal_call call;
    shoal_call_init(&call);
    call.deadline_ms = shoal_tick_ms() + HEAR_MS;
    shoal_call_enter(&call, subscription->owner);
    if (lost > 0) {
        shoal_warn("a subscriber of %s is slow and lost %zu messages", subscription->topic, lost);
    }
    subscription->fn(subscription->topic, message->value, subscription->arg);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    message_unref(message);
    pthread_mutex_lock(&shard->lock);
    subscription->is_calling = false;
    pthread_cond_broadcast(&shard->ended);
}

/// Runs some messages and queues up again behind the others.
static void run(struct pool_item *item)
{
    struct subscription *subscription = (struct subscription *)(void *)item;
    struct shard *shard = shard_of_topic(subscription->topic);
    pthread_mutex_lock(&shard->lock);
    for (int i = 0; i < BATCH && subscription->count > 0 && !subscription->is_ended; i++) {
        call_once(shard, subscription);
    }
    bool is_ended = subscription->is_ended;
    subscription->is_scheduled = !is_ended && subscription->count > 0 && schedule(subscription);
    if (is_ended && subscription->waiting == 0) {
        subscription_free(subscription);
    }
    pthread_mutex_unlock(&shard->lock);
}

static void enqueue(struct subscription *subscription, struct message *message)
{
    if (subscription->count == QUEUE_MAX) {
        message_unref(subscription->queue[subscription->first]);
        subscription->first = (subscription->first + 1) % QUEUE_MAX;
        subscription->count--;
        subscription->lost++;
    }
    atomic_fetch_add(&message->references, 1);
    subscription->queue[(subscription->first + subscription->count) % QUEUE_MAX] = message;
    subscription->count++;
    if (!subscription->is_scheduled) {
        subscription->is_scheduled = schedule(subscription);
    }
}

static void (*_Atomic forward)(const char *topic, const json_t *message);

void shoal_topics_forward(void (*to)(const char *topic, const json_t *message))
{
    atomic_store(&forward, to);
}

/// A plugin needs the permission "topics". On a loop no call says whose code runs.
static bool may_use(const struct shoal_plugin *plugin, const char *topic)
{
    bool may = shoal_plugin_lists(plugin, "topics");
    if (!may) {
        shoal_error(
            "plugin %s has no permission \"topics\" in its plugin.json: it is cut off from %s",
            ((const struct shoal_plugin_id *)(const void *)plugin)->name, topic);
    }
    return may;
}

void shoal_publish(const char *topic, const json_t *message)
{
    const struct shoal_call *call = shoal_call_current();
    if (!call || may_use(shoal_call_plugin(call), topic)) {
        shoal_topics_send(topic, message);
    }
}

void shoal_topics_send(const char *topic, const json_t *message)
{
    void (*others)(const char *, const json_t *) = atomic_load(&forward);
    shoal_topics_hear(topic, message);
    if (others) {
        others(topic, message);
    }
}

void shoal_topics_hear(const char *topic, const json_t *message)
{
    pthread_once(&topics.once, start_shards);
    if (strnlen(topic, TOPIC_BYTES) >= TOPIC_BYTES) {
        return;
    }
    uint64_t hash = hash_of(topic);
    struct shard *shard = &shards[hash % SHARDS];
    struct message *shared = NULL;
    pthread_mutex_lock(&shard->lock);
    for (struct subscription *at = shard->buckets[hash / SHARDS % BUCKETS]; at; at = at->next) {
        if (strcmp(at->topic, topic) != 0) {
            continue;
        }
        if (!shared) {
            shared = shoal_alloc(1, sizeof(*shared));
            atomic_init(&shared->references, 1);
            shared->value = message ? json_deep_copy(message) : json_null();
        }
        enqueue(at, shared);
    }
    pthread_mutex_unlock(&shard->lock);
    if (shared) {
        message_unref(shared);
    }
}

static size_t count_of(const struct shoal_plugin *owner)
{
    size_t count = 0;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&shards[i].lock);
        for (size_t b = 0; b < BUCKETS; b++) {
            for (const struct subscription *at = shards[i].buckets[b]; at; at = at->next) {
                count += at->owner == owner ? 1 : 0;
            }
        }
        pthread_mutex_unlock(&shards[i].lock);
    }
    return count;
}

uint64_t shoal_subscribe(struct shoal_plugin *self, const char *topic,
    void (*fn)(const char *topic, const json_t *message, void *arg), void *arg)
{
    pthread_once(&topics.once, start_shards);
    size_t length = strnlen(topic, TOPIC_BYTES);
    if (length == 0 || length >= TOPIC_BYTES || !may_use(self, topic) ||
        count_of(self) >= (self ? (size_t)PLUGIN_MAX : (size_t)CORE_MAX)) {
        return 0;
    }
    uint64_t hash = hash_of(topic);
    struct shard *shard = &shards[hash % SHARDS];
    struct subscription *added = shoal_alloc(1, sizeof(*added));
    added->item.run = run;
    added->owner = self;
    added->topic = shoal_dup(topic);
    added->fn = fn;
    added->arg = arg;
    // The handle names its shard, so that it is found without a table of handles.
    uint64_t handle = atomic_fetch_add(&topics.next_handle, 1) * SHARDS + hash % SHARDS;
    added->handle = handle;
    pthread_mutex_lock(&shard->lock);
    added->next = shard->buckets[hash / SHARDS % BUCKETS];
    shard->buckets[hash / SHARDS % BUCKETS] = added;
    pthread_mutex_unlock(&shard->lock);
    return handle;
}

/// Takes a subscription off its bucket and ends it. The lock is held. A callback that runs in
/// another thread is waited for (its argument may go away next), for a few seconds at most.
static void end(struct shard *shard, struct subscription **at)
{
    struct subscription *subscription = *at;
    *at = subscription->next;
    subscription->is_ended = true;
    if (!subscription->is_scheduled) {
        subscription_free(subscription);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += END_WAIT_S;
    int waited = 0;
    subscription->waiting++;
    while (subscription->is_calling && waited == 0 &&
           !pthread_equal(subscription->caller, pthread_self())) {
        waited = pthread_cond_timedwait(&shard->ended, &shard->lock, &until);
    }
    subscription->waiting--;
    if (waited != 0) {
        shoal_warn("a subscriber of %s did not come back in time", subscription->topic);
    }
    if (!subscription->is_scheduled && subscription->waiting == 0) {
        subscription_free(subscription);
    }
}

void shoal_unsubscribe(uint64_t handle)
{
    if (handle == 0) {
        return;
    }
    pthread_once(&topics.once, start_shards);
    struct shard *shard = &shards[handle % SHARDS];
    pthread_mutex_lock(&shard->lock);
    for (size_t b = 0; b < BUCKETS; b++) {
        for (struct subscription **at = &shard->buckets[b]; *at; at = &(*at)->next) {
            if ((*at)->handle == handle) {
                end(shard, at);
                pthread_mutex_unlock(&shard->lock);
                return;
            }
        }
    }
    pthread_mutex_unlock(&shard->lock);
}

/// The first subscription of an owner, or of anybody.
static uint64_t find(const struct shoal_plugin *owner, bool is_any)
{
    for (size_t i = 0; i < SHARDS; i++) {
        uint64_t handle = 0;
        pthread_mutex_lock(&shards[i].lock);
        for (size_t b = 0; b < BUCKETS && handle == 0; b++) {
            for (const struct subscription *at = shards[i].buckets[b]; at; at = at->next) {
                if (is_any || at->owner == owner) {
                    handle = at->handle;
                    break;
                }
            }
        }
        pthread_mutex_unlock(&shards[i].lock);
        if (handle != 0) {
            return handle;
        }
    }
    return 0;
}

void shoal_topics_owner_remove(struct shoal_plugin *owner)
{
    pthread_once(&topics.once, start_shards);
    uint64_t handle;
    while ((handle = find(owner, false)) != 0) {
        shoal_unsubscribe(handle);
    }
}

void shoal_topics_stop(void)
{
    pthread_once(&topics.once, start_shards);
    uint64_t handle;
    while ((handle = find(NULL, true)) != 0) {
        shoal_unsubscribe(handle);
    }
    pthread_mutex_lock(&topics.lock);
    struct pool *pool = topics.pool;
    topics.pool = NULL;
    pthread_mutex_unlock(&topics.lock);
    pool_free(pool);
}
