// random.c - bytes that nobody can guess, by a table that tests replace.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/random.h"

#include <shoal/base.h>

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

static void start_sodium(void)
{
    if (sodium_init() < 0) {
        shoal_error("the random numbers of this system do not work");
        abort();
    }
}

static void system_fill(void *self, void *out, size_t bytes)
{
    (void)self;
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_sodium);
    randombytes_buf(out, bytes);
}

static const struct shoal_random_source system_source = {.fill = system_fill};
static const struct shoal_random_source *_Atomic current = &system_source;

void shoal_random_set(const struct shoal_random_source *source)
{
    atomic_store(&current, source ? source : &system_source);
}

void shoal_random(void *out, size_t bytes)
{
    const struct shoal_random_source *source = atomic_load_explicit(&current, memory_order_acquire);
    source->fill(source->self, out, bytes);
}

void shoal_random_hex(char *out, size_t bytes)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char block[32];
    size_t done = 0;
    while (done < bytes) {
        size_t part = bytes - done < sizeof(block) ? bytes - done : sizeof(block);
        shoal_random(block, part);
        for (size_t i = 0; i < part; i++, done++) {
            out[done * 2] = digits[block[i] >> 4];
            out[done * 2 + 1] = digits[block[i] & 15];
        }
    }
    sodium_memzero(block, sizeof(block));
    out[bytes * 2] = 0;
}

uint64_t shoal_random_below(uint64_t below)
{
    if (below < 2) {
        return 0;
    }
    uint64_t uneven = (UINT64_MAX - below + 1) % below;
    uint64_t value;
    do {
        shoal_random(&value, sizeof(value));
    } while (value < uneven);
    return value % below;
}
