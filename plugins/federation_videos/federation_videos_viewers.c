// federation_videos_viewers.c - who watches now on other servers: a table that forgets by itself.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "federation_videos_viewers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROOM       16384u
#define PROBES     16u
#define EXPIRES_MS (INT64_C(10) * 60 * 1000) ///< nobody watches longer without saying so again
#define COUNT_MAX  10000000
#define SEEN       65536u ///< Views that would be known again; a newer one takes the place of an older

struct viewer {
    uint64_t key; ///< of the View's id; 0: free
    int64_t video_id, count, expires_ms;
};
struct fv_viewers {
    pthread_mutex_t lock;
    _Atomic int64_t
        last_ms; ///< when the last of them expires: usually nobody is there to be counted
    struct viewer all[ROOM];
    uint64_t seen[SEEN];
};

struct fv_viewers *fv_viewers_new(void)
{
    struct fv_viewers *viewers = calloc(1, sizeof *viewers);
    if (viewers == NULL) {
        abort();
    }
    pthread_mutex_init(&viewers->lock, NULL);
    return viewers;
}

void fv_viewers_free(struct fv_viewers *viewers)
{
    if (viewers != NULL) {
        pthread_mutex_destroy(&viewers->lock);
        free(viewers);
    }
}

static uint64_t key_of(const char *id)
{
    uint64_t key = UINT64_C(1469598103934665603);
    for (; *id != '\0'; id++) {
        key = (key ^ (unsigned char)*id) * UINT64_C(1099511628211);
    }
    return key == 0 ? 1 : key;
}

void fv_viewers_set(struct fv_viewers *viewers, int64_t video_id, const char *uuid, const char *id,
    int64_t count, int64_t expires_ms)
{
    int64_t now_ms = shoal_now_ms();
    uint64_t key = key_of(id) ^ key_of(uuid);
    key = key == 0 ? 1 : key;
    if (expires_ms <= now_ms) {
        return;
    }
    struct viewer *place = NULL;
    pthread_mutex_lock(&viewers->lock);
    for (uint64_t i = 0; i < PROBES; i++) {
        struct viewer *at = &viewers->all[(key + i) % ROOM];
        if (at->key == key) {
            place = at;
            break;
        }
        if (place == NULL && at->expires_ms <= now_ms) {
            place = at;
        }
    }
    if (place != NULL) { // else there are more than fit: they are not counted
        *place = (struct viewer){key, video_id, count > COUNT_MAX ? COUNT_MAX : count,
            expires_ms > now_ms + EXPIRES_MS ? now_ms + EXPIRES_MS : expires_ms};
        viewers->last_ms =
            place->expires_ms > viewers->last_ms ? place->expires_ms : viewers->last_ms;
    }
    pthread_mutex_unlock(&viewers->lock);
}

bool fv_viewers_seen(struct fv_viewers *viewers, const char *id)
{
    uint64_t key = key_of(id);
    pthread_mutex_lock(&viewers->lock);
    bool is_seen = viewers->seen[key % SEEN] == key;
    viewers->seen[key % SEEN] = key;
    pthread_mutex_unlock(&viewers->lock);
    return is_seen;
}

int64_t fv_viewers_count(struct fv_viewers *viewers, int64_t video_id)
{
    int64_t count = 0;
    int64_t now_ms = shoal_now_ms();
    if (viewers->last_ms <= now_ms) {
        return 0;
    }
    pthread_mutex_lock(&viewers->lock);
    for (size_t i = 0; i < ROOM; i++) {
        const struct viewer *at = &viewers->all[i];
        count += at->video_id == video_id && at->expires_ms > now_ms ? at->count : 0;
    }
    pthread_mutex_unlock(&viewers->lock);
    return count;
}
