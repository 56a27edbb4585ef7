// videos_total.c - how many videos a list has in all, without counting them for each page.
//
// A total holds as long as no epoch moved, and ten seconds at most: who changes what lists show
// touches one. What most lists ask is answered by an index alone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "catalog/may_sql.h"
#include "catalog/videos_query.h"
#include "data/data.h"

// Everybody's list where only the filters that are in catalog_video_listed are set.
SHOAL_SQL(videos_total_plain,
    "SELECT COUNT(*) FROM catalog_video v WHERE v.is_open = TRUE AND v.is_blocked = FALSE "
    "AND " MAY_STATES_SQL " AND v.privacy IN (1, CASE WHEN CAST($1 AS BOOLEAN) THEN 4 ELSE 1 END) "
    "AND (CAST($2 AS BOOLEAN) IS NULL OR v.is_nsfw = CAST($2 AS BOOLEAN)) "
    "AND (CAST($3 AS BOOLEAN) IS NULL OR v.is_live = CAST($3 AS BOOLEAN)) "
    "AND (CAST($4 AS BOOLEAN) IS NULL OR (v.origin_host = '') = CAST($4 AS BOOLEAN)) "
    "AND (v.origin_host = '' OR v.followed >= CAST($5 AS BIGINT))");

#define SLOTS   256
#define KEPT_MS 10000

struct slot {
    unsigned char key[32];
    uint64_t epoch;
    int64_t until_ms; // of shoal_tick_ms(); 0: free
    int64_t total;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot slots[SLOTS];

static void key_make(const struct catalog_videos_query *query, unsigned char key[32])
{
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, NULL, 0, 32);
    for (int i = 0; i < CATALOG_VIDEOS_FILTERS; i++) {
        const struct shoal_value *value = &query->args[i];
        const uint64_t head[] = {value->type, (uint64_t)value->i64, value->length};
        crypto_generichash_update(&hash, (const unsigned char *)head, sizeof(head));
        if (value->data != NULL) {
            crypto_generichash_update(&hash, value->data, value->length);
        }
    }
    crypto_generichash_final(&hash, key, 32);
}

static bool is_plain(const struct catalog_videos_query *query)
{
    for (int i = 2; i < CATALOG_VIDEOS_FILTERS; i++) {
        const struct shoal_value *value = &query->args[i];
        bool is_indexed = (i >= 9 && i <= 11) || i == 32;
        // The reach, the count of tags and the flags are there when nobody asks for them, as 0. In all
        // others 0 and false are asked for.
        bool has_zero = i <= 4 || i == 22 || i == 29 || i == 30;
        bool is_unset = value->type == SHOAL_TYPE_NULL ||
                        (has_zero && value->i64 == 0 && value->data == NULL);
        if (!is_indexed && !is_unset) {
            return false;
        }
    }
    return true;
}

static int count(struct shoal_call *call, const struct catalog_videos_query *query,
    const struct shoal_sql *every, int64_t *total, struct shoal_err *err)
{
    struct shoal_db *db = shoal_call_db(call);
    if (!is_plain(query)) {
        return shoal_db_i64(db, every, query->args, CATALOG_VIDEOS_FILTERS, total, err);
    }
    return shoal_db_i64(db, &videos_total_plain,
        SHOAL_ARGS(query->args[0], query->args[9], query->args[10], query->args[11],
            query->args[32]),
        total, err);
}

int catalog_videos_total(struct shoal_call *call, const struct catalog_videos_query *query,
    const struct shoal_sql *every, int64_t *total, struct shoal_err *err)
{
    if (call->tx != NULL) {
        return count(call, query, every, total, err); // what only this transaction sees
    }
    unsigned char key[32];
    key_make(query, key);
    uint64_t epoch = shoal_epoch(); // before the count, which may see more but never less
    int64_t now_ms = shoal_tick_ms();
    struct slot *slot = &slots[key[0] % SLOTS];
    pthread_mutex_lock(&lock);
    bool found = slot->until_ms > now_ms && slot->epoch == epoch && memcmp(slot->key, key, 32) == 0;
    *total = slot->total;
    pthread_mutex_unlock(&lock);
    if (found) {
        return 0;
    }
    int code = count(call, query, every, total, err);
    if (code == 0) {
        pthread_mutex_lock(&lock);
        *slot = (struct slot){.epoch = epoch, .until_ms = now_ms + KEPT_MS, .total = *total};
        memcpy(slot->key, key, 32);
        pthread_mutex_unlock(&lock);
    }
    return code;
}
