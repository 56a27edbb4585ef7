// alloc.h - allocations for what is not in an arena: small ones do not fail, large ones may.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_ALLOC_H
#define SHOAL_CORE_BASE_ALLOC_H
#include <stddef.h>

#define SHOAL_LARGE_BYTES ((size_t)256 * 1024)

/// Zeroed memory for count things of size bytes; logs and aborts without memory. Free with free().
void *shoal_alloc(size_t count, size_t size);
/// Like realloc() for count things of size bytes; what is new is not zeroed.
void *shoal_realloc(void *memory, size_t count, size_t size);
/// As shoal_realloc() for bytes, but a large block (SHOAL_LARGE_BYTES and more) may fail: how many
/// there are is up to those who send. Returns: NULL, and memory is as it was.
void *shoal_realloc_large(void *memory, size_t bytes);
/// A copy of text; NULL for NULL.
char *shoal_dup(const char *text);
/// Says so on stderr and aborts.
_Noreturn void shoal_out_of_memory(size_t bytes);

#endif
