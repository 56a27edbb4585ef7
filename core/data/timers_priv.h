// timers_priv.h - a timer, and its row when it runs once per instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_TIMERS_PRIV_H
#define SHOAL_CORE_DATA_TIMERS_PRIV_H
#include <stdatomic.h>

#include "data/data.h"
#include "data/pool.h"

#define TIMER_NAME_MAX 160
#define TIMER_LEASE_MS 60000
#define TIMER_RENEW_MS 20000

struct timer {
    struct pool_item item; ///< first: the pool hands this back
    struct timer *next;
    struct shoal_plugin *owner;
    char *name; ///< "PLUGIN.name"
    int64_t period_ms;
    bool is_once;
    int (*fn)(struct shoal_call *call, void *arg, struct shoal_err *err);
    void *arg;
    int64_t added_tick_ms, next_tick_ms, renew_tick_ms;
    bool is_running; ///< in the pool's queue or in a thread of it
    bool is_removed; ///< off the list: freed when it ends
    atomic_bool cancel;
};

/// Takes the timer's row when it is due and nobody is busy with it. *next_tick_ms: when to ask
/// again. Never run before, it is due one period after it was added.
bool timers_claim(
    struct shoal_call *call, const struct timer *timer, const char *holder, int64_t *next_tick_ms);
void timers_release(struct shoal_call *call, const struct timer *timer, const char *holder);
void timers_renew(const char *name, const char *holder);

#endif
