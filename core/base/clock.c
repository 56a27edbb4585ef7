// clock.c - what time it is, by a table that tests replace.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/clock.h"

#include <shoal/base.h>

#include <stdatomic.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int64_t system_now_ms(void *self)
{
    (void)self;
    return read_ms(CLOCK_REALTIME);
}

static int64_t system_tick_ms(void *self)
{
    (void)self;
    return read_ms(CLOCK_MONOTONIC);
}

static void system_sleep(void *self, int64_t ms)
{
    (void)self;
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

static const struct shoal_clock system_clock = {
    .now_ms = system_now_ms,
    .tick_ms = system_tick_ms,
    .sleep = system_sleep,
};
static const struct shoal_clock *_Atomic current = &system_clock;

void shoal_clock_set(const struct shoal_clock *clock)
{
    atomic_store(&current, clock ? clock : &system_clock);
}

int64_t shoal_now_ms(void)
{
    const struct shoal_clock *clock = atomic_load_explicit(&current, memory_order_acquire);
    return clock->now_ms(clock->self);
}

int64_t shoal_tick_ms(void)
{
    const struct shoal_clock *clock = atomic_load_explicit(&current, memory_order_acquire);
    return clock->tick_ms(clock->self);
}

void shoal_clock_sleep(int64_t ms)
{
    const struct shoal_clock *clock = atomic_load_explicit(&current, memory_order_acquire);
    if (ms > 0) {
        clock->sleep(clock->self, ms);
    }
}
