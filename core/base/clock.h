// clock.h - the table of clock calls, which tests replace.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_CLOCK_H
#define SHOAL_CORE_BASE_CLOCK_H
#include <stdint.h>

struct shoal_clock {
    int64_t (*now_ms)(void *self);  ///< since 1970 UTC; may jump
    int64_t (*tick_ms)(void *self); ///< never jumps
    void (*sleep)(void *self, int64_t ms);
    void *self;
};
/// From now on shoal_now_ms() and shoal_tick_ms() ask this table, which must outlive its use. NULL:
/// the system's clock again.
void shoal_clock_set(const struct shoal_clock *clock);
/// Sleeps by the table; shoal_call_sleep() is what calls use.
void shoal_clock_sleep(int64_t ms);

#endif
