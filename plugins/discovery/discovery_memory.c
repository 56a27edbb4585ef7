// discovery_memory.c - what was done a moment ago and need not be done again: hashes in a ring.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>

#include "discovery.h"

struct entry {
    uint64_t hash;
    int64_t until_ms; // 0: free
};
struct discovery_memory {
    pthread_mutex_t mutex;
    size_t next;
    struct entry entries[DISCOVERY_MEMORY_MAX];
};

static void fini(void *memory)
{
    pthread_mutex_destroy(&((struct discovery_memory *)memory)->mutex);
}

struct discovery_memory *discovery_memory_new(struct shoal_arena *arena)
{
    struct discovery_memory *memory = shoal_arena_alloc(arena, sizeof *memory);
    pthread_mutex_init(&memory->mutex, NULL);
    shoal_arena_defer(arena, fini, memory);
    return memory;
}

// FNV-1a: two texts of one hash cost a search that is answered a little later, nothing else.
static uint64_t hash_of(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

bool discovery_memory_has(struct discovery_memory *memory, const char *text, int64_t now_ms)
{
    uint64_t hash = hash_of(text);
    bool found = false;
    pthread_mutex_lock(&memory->mutex);
    for (size_t i = 0; i < DISCOVERY_MEMORY_MAX && !found; i++) {
        found = memory->entries[i].hash == hash && memory->entries[i].until_ms > now_ms;
    }
    pthread_mutex_unlock(&memory->mutex);
    return found;
}

void discovery_memory_add(struct discovery_memory *memory, const char *text, int64_t until_ms)
{
    pthread_mutex_lock(&memory->mutex);
    memory->entries[memory->next] = (struct entry){hash_of(text), until_ms};
    memory->next = (memory->next + 1) % DISCOVERY_MEMORY_MAX;
    pthread_mutex_unlock(&memory->mutex);
}
