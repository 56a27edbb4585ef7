// token_cache.c - remembers for a few seconds who a token belongs to.
//
// Other processes of the instance change tokens too (the command line, the other child of a reload):
// when one was seen to write, all is forgotten, and the streams that are open are looked at.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>

#include "catalog/catalog_priv.h"
#include "data/data.h"
#include "net/stream.h"

SHOAL_SQL(token_lives,
    "SELECT COUNT(*) FROM catalog_user u WHERE u.id = $1 AND u.is_blocked = FALSE "
    "AND u.is_waiting = FALSE AND (CAST($2 AS BIGINT) = 0 OR EXISTS "
    "(SELECT 1 FROM catalog_token t WHERE t.id = CAST($2 AS BIGINT) AND t.user_id = u.id))");

#define CACHE_SLOTS 1024
#define CACHE_MS    5000

struct slot {
    char hash[65];
    int64_t until_ms; // of shoal_tick_ms(); 0: free
    struct catalog_cached what;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[CACHE_SLOTS];
static uint64_t epoch; // counts what was forgotten

// The hash is SHA-256 in hex: any of its digits are as good as random.
static struct slot *slot_of(const char *hash)
{
    unsigned index = 0;
    for (int i = 0; i < 8 && hash[i] != '\0'; i++) {
        unsigned digit = (unsigned)(hash[i] <= '9' ? hash[i] - '0' : hash[i] - 'a' + 10);
        index = index * 16 + (digit & 15u);
    }
    return &slots[index % CACHE_SLOTS];
}

bool catalog_token_cache_get(const char *hash, struct catalog_cached *out)
{
    pthread_mutex_lock(&lock);
    const struct slot *slot = slot_of(hash);
    bool found = slot->until_ms > shoal_tick_ms() && strcmp(slot->hash, hash) == 0;
    if (found) {
        *out = slot->what;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

uint64_t catalog_token_cache_epoch(void)
{
    pthread_mutex_lock(&lock);
    uint64_t now = epoch;
    pthread_mutex_unlock(&lock);
    return now;
}

void catalog_token_cache_put(const char *hash, const struct catalog_cached *what, uint64_t since)
{
    pthread_mutex_lock(&lock);
    if (since == epoch) { // else it may have been read just before it was revoked
        struct slot *slot = slot_of(hash);
        slot->until_ms = shoal_tick_ms() + CACHE_MS;
        slot->what = *what;
        memcpy(slot->hash, hash, 64);
        slot->hash[64] = '\0';
    }
    pthread_mutex_unlock(&lock);
}

static void forget(int64_t user_id, int64_t token_id)
{
    pthread_mutex_lock(&lock);
    epoch++;
    for (int i = 0; i < CACHE_SLOTS; i++) {
        if (slots[i].what.user_id == user_id &&
            (token_id == 0 || slots[i].what.token_id == token_id)) {
            slots[i].until_ms = 0;
        }
    }
    pthread_mutex_unlock(&lock);
}

void catalog_token_cache_forget(int64_t user_id, int64_t token_id)
{
    forget(user_id, token_id);
    shoal_streams_viewer_remove(user_id, token_id);
}

void catalog_token_cache_refresh(int64_t user_id)
{
    forget(user_id, 0);
}

void catalog_token_cache_clear(void)
{
    pthread_mutex_lock(&lock);
    epoch++;
    memset(slots, 0, sizeof(slots));
    pthread_mutex_unlock(&lock);
}

// A request that was let in just before the write opens its stream just after: they are looked at
// twice.
#define LOOKS 2

int catalog_token_look(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    static uint64_t seen; // of the one timer
    static int looks;
    uint64_t now = shoal_data_foreign();
    if (now != seen) {
        seen = now;
        looks = LOOKS;
        catalog_token_cache_clear();
    }
    if (looks == 0) {
        return 0;
    }
    looks--;
    size_t count;
    int code = 0;
    struct shoal_stream_viewer *list = shoal_streams_viewers(&count);
    for (size_t i = 0; i < count && code == 0; i++) {
        int64_t lives = 0;
        code = shoal_db_i64(shoal_call_db(call), &token_lives,
            SHOAL_ARGS(SHOAL_I64(list[i].user_id), SHOAL_I64(list[i].token_id)), &lives, err);
        if (code == 0 && lives == 0) {
            shoal_streams_viewer_remove(list[i].user_id, list[i].token_id);
        }
    }
    free(list);
    return code;
}
