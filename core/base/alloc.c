// alloc.c - small allocations that do not fail, and large ones that may.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/alloc.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void shoal_out_of_memory(size_t bytes)
{
    char line[96];
    int length = snprintf(line, sizeof(line), "shoal: out of memory (%zu bytes)\n", bytes);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0) {
        abort();
    }
    abort();
}

void *shoal_alloc(size_t count, size_t size)
{
    if (count == 0 || size == 0) {
        count = 1;
        size = 1;
    }
    void *memory = calloc(count, size);
    if (!memory) {
        shoal_out_of_memory(size);
    }
    return memory;
}

void *shoal_realloc(void *memory, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size) {
        shoal_out_of_memory(SIZE_MAX);
    }
    size_t bytes = count * size;
    void *grown = realloc(memory, bytes ? bytes : 1);
    if (!grown) {
        shoal_out_of_memory(bytes);
    }
    return grown;
}

void *shoal_realloc_large(void *memory, size_t bytes)
{
    return bytes < SHOAL_LARGE_BYTES ? shoal_realloc(memory, bytes, 1) : realloc(memory, bytes);
}

char *shoal_dup(const char *text)
{
    if (!text) {
        return NULL;
    }
    size_t length = strlen(text);
    char *copy = shoal_alloc(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}
