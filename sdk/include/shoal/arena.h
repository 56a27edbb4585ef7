// arena.h - memory that is dropped whole: one arena a request, one a job, one a plugin.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_ARENA_H
#define SHOAL_ARENA_H
#include <stdarg.h>

#include <shoal/version.h>

/// Makes an arena that grows by chunks of chunk_bytes (0: 8 KiB).
///
/// Returns: an arena that the caller frees; never NULL. Errors: none.
/// Thread: [any], one thread at a time uses it. Blocks: no. Since: 1.0.
SHOAL_API struct shoal_arena *shoal_arena_new(size_t chunk_bytes);
SHOAL_API void shoal_arena_free(struct shoal_arena *arena);
/// Forgets everything in the arena and keeps one chunk for the next use.
SHOAL_API void shoal_arena_reset(struct shoal_arena *arena);

/// Zeroed memory, aligned for any type, that lives as long as the arena.
///
/// For what is small: a size that outsiders choose goes to shoal_arena_try().
/// Returns: never NULL (the process logs and aborts without memory); bound bytes first.
/// Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void *shoal_arena_alloc(struct shoal_arena *arena, size_t bytes);
/// The same for a size that depends on outside input: 256 KiB and more may be refused, and then the
/// call fails (SHOAL_EBUSY) where shoal_arena_alloc() would end the process.
///
/// Returns: NULL only for so large a block. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void *shoal_arena_try(struct shoal_arena *arena, size_t bytes);
/// A copy of length bytes (text or not) and a NUL behind them, as shoal_arena_try() gives memory.
SHOAL_API char *shoal_arena_try_copy(struct shoal_arena *arena, const void *data, size_t length);
SHOAL_API char *shoal_arena_strdup(struct shoal_arena *arena, const char *text);
SHOAL_API char *shoal_arena_strndup(struct shoal_arena *arena, const char *text, size_t length);
SHOAL_API char *shoal_arena_printf(struct shoal_arena *arena, const char *format, ...)
    SHOAL_PRINTF(2, 3);
SHOAL_API char *shoal_arena_vprintf(struct shoal_arena *arena, const char *format, va_list args)
    SHOAL_PRINTF(2, 0);

/// Calls fn(arg) when the arena is freed or reset, the newest first: for what an arena cannot hold.
///
/// Returns: nothing. Errors: none. Thread: [any]. Blocks: no. Since: 1.0.
SHOAL_API void shoal_arena_defer(struct shoal_arena *arena, void (*fn)(void *arg), void *arg);

#endif
