// playback_memory.c - sums, budgets and videos of fixed number behind one lock.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "playback.h"

#define SLOTS      ((size_t)PLAYBACK_VIDEOS_MAX * 2) // half empty at most: probing stays short
#define WAYS       8
#define KNOWN_MAX  4096
#define SECRET_MAX 32

struct sums {
    struct playback_sum slots[SLOTS]; // video_id 0: free
    size_t count;
};
struct budget {
    uint64_t key; // 0: free
    int64_t spent_bytes;
};
struct known {
    char video[40];
    int64_t until_ms;
    struct playback_known what;
};
struct playback_memory {
    pthread_mutex_t mutex;
    atomic_bool is_stopping;
    struct sums waiting, counted;
    unsigned char secret[SECRET_MAX];
    int64_t budget_minute;
    struct budget budgets[PLAYBACK_ADDRESSES_MAX];
    struct budget others; // of all addresses for which there was no place
    struct known known[KNOWN_MAX];
};

static void fini(void *memory)
{
    pthread_mutex_destroy(&((struct playback_memory *)memory)->mutex);
}

struct playback_memory *playback_memory_new(struct shoal_arena *arena)
{
    struct playback_memory *memory = shoal_arena_alloc(arena, sizeof *memory);
    pthread_mutex_init(&memory->mutex, NULL);
    shoal_arena_defer(arena, fini, memory);
    shoal_random(memory->secret, sizeof memory->secret);
    memory->budget_minute = -1;
    return memory;
}

static size_t slot_of(int64_t video_id, int64_t day)
{
    uint64_t mixed = ((uint64_t)video_id ^ (uint64_t)day << 40) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) % SLOTS;
}

static bool sums_add(struct sums *sums, const struct playback_sum *more, int64_t day)
{
    for (size_t at = slot_of(more->video_id, day);; at = (at + 1) % SLOTS) {
        struct playback_sum *sum = &sums->slots[at];
        if (sum->video_id == 0) {
            if (sums->count == PLAYBACK_VIDEOS_MAX) {
                return false;
            }
            sums->count++;
            *sum = *more;
            sum->day = day;
            return true;
        }
        if (sum->video_id == more->video_id && sum->day == day) {
            sum->peer_bytes += more->peer_bytes;
            sum->server_bytes += more->server_bytes;
            return true;
        }
    }
}

static size_t sums_take(struct playback_memory *memory, struct sums *sums, struct playback_sum *out)
{
    size_t taken = 0;
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < SLOTS && sums->count > 0; i++) {
        if (sums->slots[i].video_id != 0) {
            out[taken++] = sums->slots[i];
        }
    }
    if (taken > 0) {
        memset(sums, 0, sizeof *sums);
    }
    pthread_mutex_unlock(&memory->mutex);
    return taken;
}

bool playback_memory_add(struct playback_memory *memory, const struct playback_sum *more)
{
    pthread_mutex_lock(&memory->mutex);
    bool has_place = sums_add(&memory->waiting, more, more->day);
    if (has_place) {
        sums_add(&memory->counted, more, 0);
    }
    pthread_mutex_unlock(&memory->mutex);
    return has_place;
}

void playback_memory_give_back(struct playback_memory *memory, const struct playback_sum *sum)
{
    pthread_mutex_lock(&memory->mutex);
    sums_add(&memory->waiting, sum, sum->day);
    pthread_mutex_unlock(&memory->mutex);
}

size_t playback_memory_take(struct playback_memory *memory, struct playback_sum *out)
{
    return sums_take(memory, &memory->waiting, out);
}

size_t playback_memory_take_counted(struct playback_memory *memory, struct playback_sum *out)
{
    return sums_take(memory, &memory->counted, out);
}

static uint64_t hash(const struct playback_memory *memory, const char *text)
{
    char hex[65];
    struct shoal_sha256 *sum = shoal_sha256_new();
    if (sum == NULL) {
        return 1;
    }
    shoal_sha256_add(sum, memory->secret, sizeof memory->secret);
    shoal_sha256_add(sum, text, strlen(text));
    shoal_sha256_end(sum, hex);
    shoal_sha256_free(sum);
    uint64_t key = 0;
    for (size_t i = 0; i < 16; i++) {
        key = key << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    }
    return key != 0 ? key : 1;
}

static struct budget *find_budget(struct playback_memory *memory, uint64_t key)
{
    struct budget *set = &memory->budgets[key % (PLAYBACK_ADDRESSES_MAX / WAYS) * WAYS];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == 0 || set[i].key == key) {
            set[i].key = key;
            return &set[i];
        }
    }
    return &memory->others;
}

bool playback_memory_spend(struct playback_memory *memory, const char *address, int64_t bytes,
    int64_t budget_bytes, int64_t now_ms)
{
    pthread_mutex_lock(&memory->mutex);
    if (now_ms / PLAYBACK_MINUTE_MS != memory->budget_minute) {
        memory->budget_minute = now_ms / PLAYBACK_MINUTE_MS;
        shoal_random(memory->secret, sizeof memory->secret);
        memset(memory->budgets, 0, sizeof memory->budgets);
        memory->others = (struct budget){0};
    }
    struct budget *budget = find_budget(memory, hash(memory, address));
    bool has_left = bytes <= budget_bytes - budget->spent_bytes;
    budget->spent_bytes += has_left ? bytes : 0;
    pthread_mutex_unlock(&memory->mutex);
    return has_left;
}

// By a plain sum: who makes two names fall into one place only has them looked up again.
static struct known *known_place(struct playback_memory *memory, const char *video)
{
    uint32_t sum = 2166136261U;
    for (; *video != '\0'; video++) {
        sum = (sum ^ (unsigned char)*video) * 16777619U;
    }
    return &memory->known[sum % KNOWN_MAX];
}

bool playback_memory_known(struct playback_memory *memory, const char *video, int64_t now_ms,
    struct playback_known *out)
{
    pthread_mutex_lock(&memory->mutex);
    const struct known *place = known_place(memory, video);
    bool is_known = now_ms < place->until_ms && strcmp(place->video, video) == 0;
    if (is_known) {
        *out = place->what;
    }
    pthread_mutex_unlock(&memory->mutex);
    return is_known;
}

void playback_memory_know(struct playback_memory *memory, const char *video, int64_t now_ms,
    const struct playback_known *what)
{
    struct known known = {.until_ms = now_ms + PLAYBACK_MINUTE_MS, .what = *what};
    size_t length = strlen(video);
    if (length >= sizeof known.video) {
        return;
    }
    memcpy(known.video, video, length);
    pthread_mutex_lock(&memory->mutex);
    *known_place(memory, video) = known;
    pthread_mutex_unlock(&memory->mutex);
}

void playback_memory_stopping(struct playback_memory *memory)
{
    atomic_store(&memory->is_stopping, true);
}

bool playback_memory_is_stopping(const struct playback_memory *memory)
{
    return atomic_load(&memory->is_stopping);
}
