// api_views_table.c - who watches what, and since when: two tables of fixed size behind one lock.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "api_views.h"

#define WAYS      8 // places that a viewer may lie in; the one silent for longest makes room
#define KNOWN_MAX 4096
#define KNOWN_MS  60000
#define PRESENT_MAX                                                                                \
    16384 // places of videos that are watched; a quarter of the viewers that are known
#define PRESENT_MS 2000 // so old may be who is present
#define PROBES     16
#define SLACK_S    15 // a player may say several beats at once after a bad connection
#define SPEED_MAX  4  // faster than that is a jump, whatever the player calls it

// One session with one video. Only a keyed hash of the session is kept.
struct viewer {
    uint64_t key; // 0: free
    int64_t video_id;
    int64_t heard_ms;
    int64_t counted_ms; // 0: not yet
    int32_t time_s;
    int32_t watched_s;
};
struct known {
    char video[40];
    int64_t until_ms;
    struct api_watched what;
};
struct present {
    int64_t video_id; // 0: free
    int64_t viewers;
};
struct api_views {
    pthread_mutex_t mutex;
    unsigned char secret[crypto_shorthash_KEYBYTES];
    struct viewer *viewers;
    struct known *known;
    struct api_viewed *viewed;
    size_t viewed_count;
    struct present *present; // as it was at counted_ms
    int64_t counted_ms;
    int64_t heard_ms;
};

struct api_views *api_views_new(void)
{
    struct api_views *views = calloc(1, sizeof *views);
    if (views == NULL) {
        abort();
    }
    views->viewers = calloc(API_VIEWERS_MAX, sizeof *views->viewers);
    views->known = calloc(KNOWN_MAX, sizeof *views->known);
    views->viewed = calloc(API_VIEWED_MAX, sizeof *views->viewed);
    views->present = calloc(PRESENT_MAX, sizeof *views->present);
    views->counted_ms = views->heard_ms = -API_VIEW_IDLE_MS;
    if (views->viewers == NULL || views->known == NULL || views->viewed == NULL ||
        views->present == NULL) {
        abort();
    }
    pthread_mutex_init(&views->mutex, NULL);
    shoal_random(views->secret, sizeof views->secret);
    return views;
}

void api_views_free(struct api_views *views)
{
    if (views == NULL) {
        return;
    }
    pthread_mutex_destroy(&views->mutex);
    free(views->viewers);
    free(views->known);
    free(views->viewed);
    free(views->present);
    free(views);
}

static uint64_t hash(const struct api_views *views, int64_t number, const char *text)
{
    unsigned char bytes[8 + 128] = {0};
    unsigned char out[crypto_shorthash_BYTES];
    uint64_t key = 0;
    size_t length = strnlen(text, 128);
    memcpy(bytes, &number, sizeof number);
    memcpy(bytes + 8, text, length);
    crypto_shorthash(out, bytes, 8 + length, views->secret);
    memcpy(&key, out, sizeof key);
    return key != 0 ? key : 1;
}

static struct viewer *find_viewer(struct api_views *views, uint64_t key)
{
    struct viewer *set = &views->viewers[key % (API_VIEWERS_MAX / WAYS) * WAYS];
    struct viewer *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (set[i].key == 0 || (oldest->key != 0 && set[i].heard_ms < oldest->heard_ms)) {
            oldest = &set[i];
        }
    }
    *oldest = (struct viewer){.key = key, .time_s = -1};
    return oldest;
}

// Seconds that this beat adds: time that a player can have played since it was last heard.
static int32_t watched(const struct viewer *viewer, const struct api_beat *beat, int64_t now_ms)
{
    int64_t since_ms = now_ms - viewer->heard_ms;
    if (viewer->time_s < 0 || beat->is_seek || since_ms > API_VIEW_IDLE_MS) {
        return 0;
    }
    int64_t moved = beat->time_s - viewer->time_s;
    return moved > 0 && moved <= since_ms * SPEED_MAX / 1000 + SLACK_S ? (int32_t)moved : 0;
}

static void count(struct api_views *views, const struct api_viewed *more)
{
    for (size_t i = 0; i < views->viewed_count; i++) {
        struct api_viewed *viewed = &views->viewed[i];
        if (viewed->video_id == more->video_id) {
            viewed->views += more->views;
            viewed->watch_s += more->watch_s;
            viewed->logged_in += more->logged_in;
            return;
        }
    }
    if (views->viewed_count < API_VIEWED_MAX) {
        views->viewed[views->viewed_count++] = *more;
    }
}

void api_views_give_back(struct api_views *views, const struct api_viewed *viewed)
{
    pthread_mutex_lock(&views->mutex);
    count(views, viewed);
    pthread_mutex_unlock(&views->mutex);
}

bool api_views_beat(struct api_views *views, const struct api_beat *beat, int64_t now_ms)
{
    bool is_view = false;
    pthread_mutex_lock(&views->mutex);
    struct viewer *viewer = find_viewer(views, hash(views, beat->video_id, beat->session));
    if (viewer->counted_ms != 0 && now_ms - viewer->counted_ms >= API_VIEW_AGAIN_MS) {
        viewer->counted_ms = 0;
        viewer->watched_s = 0;
    }
    viewer->watched_s += watched(viewer, beat, now_ms);
    viewer->time_s = (int32_t)beat->time_s;
    viewer->heard_ms = views->heard_ms = now_ms;
    viewer->video_id = beat->video_id;
    int64_t needed = beat->duration_s < API_VIEW_S ? beat->duration_s : API_VIEW_S;
    if (viewer->counted_ms == 0 && viewer->watched_s >= needed) {
        viewer->counted_ms = now_ms;
        const struct api_viewed one = {beat->video_id, 1, viewer->watched_s, beat->is_user ? 1 : 0};
        count(views, &one);
        is_view = true;
    }
    pthread_mutex_unlock(&views->mutex);
    return is_view;
}

// The place of a video among those that are watched, or a free one; NULL where all that it may have
// are others'.
static struct present *present_place(struct api_views *views, int64_t video_id)
{
    uint64_t at = hash(views, video_id, "");
    for (size_t i = 0; i < PROBES; i++) {
        struct present *place = &views->present[(at + i) % PRESENT_MAX];
        if (place->video_id == video_id || place->video_id == 0) {
            return place;
        }
    }
    return NULL;
}

static void count_present(struct api_views *views, int64_t now_ms)
{
    memset(views->present, 0, PRESENT_MAX * sizeof *views->present);
    for (size_t i = 0; i < API_VIEWERS_MAX; i++) {
        const struct viewer *viewer = &views->viewers[i];
        if (viewer->key != 0 && now_ms - viewer->heard_ms <= API_VIEW_IDLE_MS) {
            struct present *place = present_place(views, viewer->video_id);
            if (place != NULL) {
                place->video_id = viewer->video_id;
                place->viewers++;
            }
        }
    }
    views->counted_ms = now_ms;
}

int64_t api_views_present(struct api_views *views, int64_t video_id, int64_t now_ms)
{
    int64_t viewers = 0;
    pthread_mutex_lock(&views->mutex);
    if (now_ms - views->heard_ms <= API_VIEW_IDLE_MS) { // nobody at all: nothing to count
        if (now_ms - views->counted_ms >= PRESENT_MS) {
            count_present(views, now_ms);
        }
        const struct present *place = present_place(views, video_id);
        viewers = place != NULL ? place->viewers : 0;
    }
    pthread_mutex_unlock(&views->mutex);
    return viewers;
}

size_t api_views_take(struct api_views *views, struct api_viewed *out)
{
    pthread_mutex_lock(&views->mutex);
    size_t taken = views->viewed_count;
    memcpy(out, views->viewed, taken * sizeof *out);
    views->viewed_count = 0;
    pthread_mutex_unlock(&views->mutex);
    return taken;
}

static struct known *known_place(struct api_views *views, const char *video)
{
    return &views->known[hash(views, 0, video) % KNOWN_MAX];
}

bool api_views_known(
    struct api_views *views, const char *video, int64_t now_ms, struct api_watched *out)
{
    pthread_mutex_lock(&views->mutex);
    const struct known *place = known_place(views, video);
    bool is_known = now_ms < place->until_ms && strcmp(place->video, video) == 0;
    if (is_known) {
        *out = place->what;
    }
    pthread_mutex_unlock(&views->mutex);
    return is_known;
}

void api_views_know(
    struct api_views *views, const char *video, int64_t now_ms, const struct api_watched *what)
{
    size_t length = strlen(video);
    struct known known = {.until_ms = now_ms + KNOWN_MS, .what = *what};
    if (length >= sizeof known.video) {
        return;
    }
    memcpy(known.video, video, length);
    pthread_mutex_lock(&views->mutex);
    *known_place(views, video) = known;
    pthread_mutex_unlock(&views->mutex);
}
