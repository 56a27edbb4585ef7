// arena.c - memory that is dropped whole.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/arena.h>

#include <assert.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define CHUNK_DEFAULT 8192
#define ALIGNMENT     alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

struct shoal_arena {
    struct chunk *chunks; ///< the newest first; the last one is kept over a reset
    size_t chunk_bytes;
    struct deferred *deferred;
};

/// NULL only for a large block.
static struct chunk *chunk_try(size_t size)
{
    struct chunk *chunk =
        size <= SIZE_MAX - sizeof(struct chunk) ? malloc(sizeof(struct chunk) + size) : NULL;
    if (!chunk) {
        if (size < SHOAL_LARGE_BYTES) {
            shoal_out_of_memory(size);
        }
        return NULL;
    }
    chunk->next = NULL;
    chunk->used = 0;
    chunk->size = size;
    return chunk;
}

struct shoal_arena *shoal_arena_new(size_t chunk_bytes)
{
    struct shoal_arena *arena = shoal_alloc(1, sizeof(*arena));
    arena->chunk_bytes = chunk_bytes ? chunk_bytes : CHUNK_DEFAULT;
    return arena;
}

/// What a deferred call defers in turn runs too.
static void run_deferred(struct shoal_arena *arena)
{
    while (arena->deferred) {
        struct deferred *first = arena->deferred;
        arena->deferred = first->next;
        first->fn(first->arg);
    }
}

void shoal_arena_free(struct shoal_arena *arena)
{
    if (!arena) {
        return;
    }
    run_deferred(arena);
    struct chunk *chunk = arena->chunks;
    while (chunk) {
        struct chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    free(arena);
}

void shoal_arena_reset(struct shoal_arena *arena)
{
    run_deferred(arena);
    struct chunk *kept = NULL;
    struct chunk *chunk = arena->chunks;
    while (chunk) {
        struct chunk *next = chunk->next;
        if (!kept && chunk->size == arena->chunk_bytes) {
            kept = chunk;
        } else {
            free(chunk);
        }
        chunk = next;
    }
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->chunks = kept;
}

/// A large piece gets a chunk of its own behind the first, which goes on being filled.
static void *own_chunk(struct shoal_arena *arena, size_t bytes)
{
    struct chunk *chunk = chunk_try(bytes);
    if (!chunk) {
        return NULL;
    }
    chunk->used = bytes;
    if (arena->chunks) {
        chunk->next = arena->chunks->next;
        arena->chunks->next = chunk;
    } else {
        arena->chunks = chunk;
    }
    memset(chunk->bytes, 0, bytes);
    return chunk->bytes;
}

void *shoal_arena_try(struct shoal_arena *arena, size_t bytes)
{
    assert(arena);
    if (bytes > SIZE_MAX - ALIGNMENT) {
        return NULL;
    }
    size_t size = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size == 0) {
        size = ALIGNMENT;
    }
    if (size > arena->chunk_bytes / 4) {
        return own_chunk(arena, size);
    }
    struct chunk *chunk = arena->chunks;
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = chunk_try(arena->chunk_bytes);
        if (!chunk) {
            return NULL;
        }
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    memset(memory, 0, size);
    return memory;
}

void *shoal_arena_alloc(struct shoal_arena *arena, size_t bytes)
{
    void *memory = shoal_arena_try(arena, bytes);
    if (!memory) {
        shoal_out_of_memory(bytes);
    }
    return memory;
}

char *shoal_arena_try_copy(struct shoal_arena *arena, const void *data, size_t length)
{
    char *copy = length < SIZE_MAX ? shoal_arena_try(arena, length + 1) : NULL;
    if (copy && length > 0) {
        memcpy(copy, data, length);
    }
    return copy;
}

char *shoal_arena_strndup(struct shoal_arena *arena, const char *text, size_t length)
{
    length = text ? strnlen(text, length) : 0;
    char *copy = shoal_arena_alloc(arena, length + 1);
    if (length > 0) {
        memcpy(copy, text, strnlen(text, length)); // as strndup(): text may end before
    }
    return copy;
}

char *shoal_arena_strdup(struct shoal_arena *arena, const char *text)
{
    return text ? shoal_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *shoal_arena_vprintf(struct shoal_arena *arena, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    assert(length >= 0);
    char *text = shoal_arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *shoal_arena_printf(struct shoal_arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = shoal_arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void shoal_arena_defer(struct shoal_arena *arena, void (*fn)(void *arg), void *arg)
{
    struct deferred *deferred = shoal_arena_alloc(arena, sizeof(*deferred));
    deferred->fn = fn;
    deferred->arg = arg;
    deferred->next = arena->deferred;
    arena->deferred = deferred;
}
