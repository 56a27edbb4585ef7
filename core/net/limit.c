// limit.c - token buckets, one per bucket and asker, in a table that does not grow.
//
// A slot is found by a keyed hash within a set of eight; a full set forgets the one that was seen
// longest ago. An attacker with many addresses can push others out, which gives those others fresh
// buckets: nobody is locked out by it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/limit_priv.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "net/server.h"

#define SHARDS  16
#define SETS    512
#define WAYS    8
#define BUCKETS (SHOAL_RATE_PEER + 1)
#define PROVED  SHOAL_RATE_NONE // slots that only say that a token is a good one

struct slot {
    uint64_t key;    // 0: free
    int64_t seen_ms;
    double left;
};

struct shard {
    pthread_mutex_t lock;
    struct slot slots[SETS][WAYS];
};

struct rate {
    _Atomic uint32_t count, window_ms;
};

static struct rate rates[BUCKETS] = {
    [SHOAL_RATE_API] = {500, 10000},
    [SHOAL_RATE_LOGIN] = {15, 300000},
    [SHOAL_RATE_REGISTER] = {2, 300000},
    [SHOAL_RATE_WRITE] = {200, 10000},
    [SHOAL_RATE_SEARCH] = {100, 10000},
    [SHOAL_RATE_PAGE] = {500, 10000},
    [SHOAL_RATE_FFMPEG] = {100, 600000},
    [SHOAL_RATE_PEER] = {12000, 60000},
};
static struct shard shards[SHARDS];
static uint8_t secret[crypto_shorthash_KEYBYTES];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void)
{
    randombytes_buf(secret, sizeof secret);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_init(&shards[i].lock, NULL);
    }
}

void shoal_rate_set(enum shoal_rate bucket, uint32_t count, uint32_t window_ms)
{
    if ((unsigned)bucket < BUCKETS) {
        atomic_store(&rates[bucket].count, count > 0 ? count : 1);
        atomic_store(&rates[bucket].window_ms, window_ms > 0 ? window_ms : 1);
    }
}

static uint64_t hash(enum shoal_rate bucket, const void *who, size_t length)
{
    uint64_t key = 0;
    crypto_shorthash((unsigned char *)&key, who, length, secret);
    key ^= ((uint64_t)bucket + 1) * 0x9e3779b97f4a7c15u;
    return key != 0 ? key : 1;
}

static struct slot *find(struct shard *shard, uint64_t key, double full, int64_t now_ms)
{
    struct slot *set = shard->slots[(key >> 8) % SETS];
    struct slot *oldest = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (set[i].key == 0 || (oldest->key != 0 && set[i].seen_ms < oldest->seen_ms)) {
            oldest = &set[i];
        }
    }
    *oldest = (struct slot){.key = key, .seen_ms = now_ms, .left = full};
    return oldest;
}

static uint32_t seconds(double ms)
{
    return ms <= 0 ? 0 : (uint32_t)(ms / 1000) + 1;
}

static struct shoal_limit take(enum shoal_rate bucket, uint64_t key, int64_t now_ms)
{
    struct shoal_limit limit = {.count = atomic_load(&rates[bucket].count)};
    double full = limit.count, window_ms = atomic_load(&rates[bucket].window_ms);
    double per_ms = full / window_ms;
    struct shard *shard = &shards[key % SHARDS];
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = find(shard, key, full, now_ms);
    double left = slot->left + (double)(now_ms - slot->seen_ms) * per_ms;
    left = left > full ? full : left;
    limit.is_refused = left < 1;
    left -= limit.is_refused ? 0 : 1;
    slot->left = left;
    slot->seen_ms = now_ms;
    pthread_mutex_unlock(&shard->lock);
    limit.remaining = (uint32_t)left;
    limit.reset_s = seconds((full - left) / per_ms);
    limit.retry_s = limit.is_refused ? seconds((1 - left) / per_ms) : 0;
    return limit;
}

// One token has one bucket, however its header is spelled.
static struct shoal_span bare(struct shoal_span token)
{
    if (token.length >= 7 && strncasecmp(token.at, "Bearer ", 7) == 0) {
        return shoal_span_trim((struct shoal_span){token.at + 7, token.length - 7});
    }
    return token;
}

void shoal_limit_prove(struct shoal_span token, int64_t now_ms)
{
    pthread_once(&once, set_up);
    token = bare(token);
    uint64_t key = hash(PROVED, token.at, token.length);
    struct shard *shard = &shards[key % SHARDS];
    pthread_mutex_lock(&shard->lock);
    find(shard, key, 0, now_ms)->seen_ms = now_ms;
    pthread_mutex_unlock(&shard->lock);
}

static bool is_proved(struct shoal_span token)
{
    uint64_t key = hash(PROVED, token.at, token.length);
    struct shard *shard = &shards[key % SHARDS];
    bool is_found = false;
    pthread_mutex_lock(&shard->lock);
    const struct slot *set = shard->slots[(key >> 8) % SETS];
    for (size_t i = 0; i < WAYS; i++) {
        is_found = is_found || set[i].key == key;
    }
    pthread_mutex_unlock(&shard->lock);
    return is_found;
}

// A token that nobody found good is paid for by its address: else each token that somebody makes up
// would bring a bucket of its own. Logging in and registering are always the address's.
struct shoal_limit shoal_limit_take(enum shoal_rate bucket, struct shoal_span token,
    const struct shoal_address *address, int64_t now_ms)
{
    pthread_once(&once, set_up);
    if ((unsigned)bucket >= BUCKETS || bucket == SHOAL_RATE_NONE) {
        return (struct shoal_limit){0};
    }
    token = bare(token);
    bool has_token =
        token.length > 0 && bucket != SHOAL_RATE_LOGIN && bucket != SHOAL_RATE_REGISTER;
    if (has_token && is_proved(token)) {
        return take(bucket, hash(bucket, token.at, token.length), now_ms);
    }
    struct shoal_address group = shoal_address_group(address);
    return take(bucket, hash(bucket, group.bytes, sizeof group.bytes), now_ms);
}

void shoal_limit_clear(void)
{
    pthread_once(&once, set_up);
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_lock(&shards[i].lock);
        memset(shards[i].slots, 0, sizeof shards[i].slots);
        pthread_mutex_unlock(&shards[i].lock);
    }
}
