// timers.c - work that comes back by the clock, on each child or once per instance.
//
// One thread looks which timers are due and hands them to a few others. A timer that shall run once
// per instance holds a row: when it ran last (which outlives restarts) and until when somebody is
// busy with it (renewed while it runs, so that a crash frees it).
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/timer.h>

#include <shoal/base.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "data/data.h"
#include "data/jobs_priv.h"
#include "data/pool.h"
#include "data/timers_priv.h"

#define TIMERS_MAX    512
#define PERIOD_MIN_MS 1000
#define BUDGET_MIN_MS 60000
#define THREADS       2
#define LOOK_MS       250
#define REMOVE_WAIT_S 30

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; ///< something ended, or the thread shall end
    bool is_ready, is_started, is_stopping;
    bool is_handed_over; ///< another process runs those that run once per instance
    struct timer *list;
    struct pool *pool;
    pthread_t thread;
    char holder[96];
} timers = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local const struct timer *own_timer;

static struct timespec in_ms(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return until;
}

static void timer_free(struct timer *timer)
{
    free(timer->name);
    free(timer);
}

/// On a thread of the pool.
static void run(struct pool_item *item)
{
    struct timer *timer = (struct timer *)(void *)item;
    struct shoal_call call;
    shoal_call_init(&call);
    snprintf(call.id, sizeof(call.id), "timer-%.16s", timer->name);
    call.cancel = &timer->cancel;
    own_timer = timer;
    int64_t next_tick_ms = shoal_tick_ms() + timer->period_ms;
    if (!timer->is_once || timers_claim(&call, timer, timers.holder, &next_tick_ms)) {
        struct shoal_err err = {0};
        int64_t budget_ms = timer->period_ms > BUDGET_MIN_MS ? timer->period_ms : BUDGET_MIN_MS;
        call.deadline_ms = shoal_tick_ms() + budget_ms;
        shoal_call_enter(&call, timer->owner);
        int code = timer->fn(&call, timer->arg, &err);
        shoal_call_leave(&call);
        call.deadline_ms = 0;
        if (code < 0) {
            shoal_warn("the timer %s failed: %s", timer->name,
                err.text[0] ? err.text : shoal_error_text(code));
        }
        call.cancel = NULL;
        if (timer->is_once) {
            timers_release(&call, timer, timers.holder);
        }
    }
    own_timer = NULL;
    shoal_call_fini(&call);
    pthread_mutex_lock(&timers.lock);
    timer->next_tick_ms = next_tick_ms;
    timer->is_running = false;
    bool is_removed = timer->is_removed;
    pthread_cond_broadcast(&timers.changed);
    pthread_mutex_unlock(&timers.lock);
    if (is_removed) {
        timer_free(timer);
    }
}

static void start_due(void)
{
    int64_t now = shoal_tick_ms();
    for (struct timer *timer = timers.list; timer; timer = timer->next) {
        bool is_ours = !timer->is_once || !timers.is_handed_over;
        if (timer->is_running || timer->next_tick_ms > now || !is_ours) {
            continue;
        }
        timer->is_running = true;
        timer->renew_tick_ms = now + TIMER_RENEW_MS;
        if (!pool_submit(timers.pool, &timer->item)) {
            timer->is_running = false;
        }
    }
}

/// Names of the timers whose row must be renewed; the statements run without the lock.
static size_t collect_renewals(char names[THREADS][TIMER_NAME_MAX])
{
    size_t count = 0;
    int64_t now = shoal_tick_ms();
    for (struct timer *timer = timers.list; timer && count < THREADS; timer = timer->next) {
        if (timer->is_running && timer->is_once && timer->renew_tick_ms <= now) {
            timer->renew_tick_ms = now + TIMER_RENEW_MS;
            snprintf(names[count++], TIMER_NAME_MAX, "%s", timer->name);
        }
    }
    return count;
}

static void *look(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&timers.lock);
    while (!timers.is_stopping) {
        char names[THREADS][TIMER_NAME_MAX];
        start_due();
        size_t count = collect_renewals(names);
        if (count > 0) {
            pthread_mutex_unlock(&timers.lock);
            for (size_t i = 0; i < count; i++) {
                timers_renew(names[i], timers.holder);
            }
            pthread_mutex_lock(&timers.lock);
        }
        struct timespec until = in_ms(LOOK_MS);
        if (!timers.is_stopping) {
            pthread_cond_timedwait(&timers.changed, &timers.lock, &until);
        }
    }
    pthread_mutex_unlock(&timers.lock);
    return NULL;
}

/// With the first timer. The lock is held.
static int start(void)
{
    if (timers.is_started) {
        return 0;
    }
    if (!timers.is_ready) {
        pthread_condattr_t attributes;
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&timers.changed, &attributes);
        pthread_condattr_destroy(&attributes);
        timers.is_ready = true;
    }
    jobs_holder_make(timers.holder);
    timers.pool = pool_new(THREADS);
    timers.is_stopping = false;
    if (pthread_create(&timers.thread, NULL, look, NULL) != 0) {
        pool_free(timers.pool);
        timers.pool = NULL;
        return SHOAL_EIO;
    }
    timers.is_started = true;
    return 0;
}

static bool is_name(const char *name)
{
    size_t length = name ? strlen(name) : 0;
    return length > 0 && length <= 80 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == length;
}

int shoal_timers_add(struct shoal_plugin *owner, const char *name, int64_t period_ms,
    bool once_per_instance, int (*fn)(struct shoal_call *, void *, struct shoal_err *), void *arg)
{
    if (!is_name(name) || period_ms < PERIOD_MIN_MS || !fn) {
        return SHOAL_EINVAL;
    }
    char full[TIMER_NAME_MAX];
    int length = snprintf(full, sizeof(full), "%s.%s", jobs_owner_name(owner), name);
    if (length < 0 || (size_t)length >= sizeof(full)) {
        return SHOAL_EINVAL;
    }
    pthread_mutex_lock(&timers.lock);
    size_t count = 0;
    int code = 0;
    for (const struct timer *timer = timers.list; timer; timer = timer->next, count++) {
        code = strcmp(timer->name, full) == 0 ? SHOAL_ECONFLICT : code;
    }
    code = count >= TIMERS_MAX ? SHOAL_EFULL : code;
    code = code == 0 ? start() : code;
    if (code == 0) {
        struct timer *timer = shoal_alloc(1, sizeof(*timer));
        *timer = (struct timer){.item.run = run,
            .next = timers.list,
            .owner = owner,
            .name = shoal_dup(full),
            .period_ms = period_ms,
            .is_once = once_per_instance,
            .fn = fn,
            .arg = arg,
            .added_tick_ms = shoal_tick_ms()};
        // What runs once per instance asks its row soon when it is due.
        timer->next_tick_ms =
            timer->added_tick_ms + (once_per_instance ? PERIOD_MIN_MS : period_ms);
        timers.list = timer;
    }
    pthread_mutex_unlock(&timers.lock);
    return code;
}

int shoal_timer_add(struct shoal_plugin *self, const char *name, int64_t period_ms,
    bool once_per_instance, int (*fn)(struct shoal_call *call, void *arg, struct shoal_err *err),
    void *arg)
{
    return shoal_timers_add(self, name, period_ms, once_per_instance, fn, arg);
}

/// Takes timers of an owner (or all) off the list and cancels those that run.
static void remove_all(const struct shoal_plugin *owner, bool is_any)
{
    struct timer **at = &timers.list;
    while (*at) {
        struct timer *timer = *at;
        if (!is_any && timer->owner != owner) {
            at = &timer->next;
            continue;
        }
        if (!timer->is_running) {
            *at = timer->next;
            timer_free(timer);
            continue;
        }
        atomic_store(&timer->cancel, true);
        if (timer == own_timer) {
            *at = timer->next; // it removes itself: freed when its function has returned
            timer->is_removed = true;
            continue;
        }
        at = &timer->next;
    }
}

static bool has_any(const struct shoal_plugin *owner, bool is_any)
{
    for (const struct timer *timer = timers.list; timer; timer = timer->next) {
        if (is_any || timer->owner == owner) {
            return true;
        }
    }
    return false;
}

static void remove_and_wait(const struct shoal_plugin *owner, bool is_any)
{
    struct timespec until = in_ms(REMOVE_WAIT_S * 1000);
    int waited = 0;
    remove_all(owner, is_any);
    while (has_any(owner, is_any) && waited == 0) {
        waited = pthread_cond_timedwait(&timers.changed, &timers.lock, &until);
        remove_all(owner, is_any);
    }
    if (waited != 0) {
        shoal_warn("a timer did not end in time");
    }
}

void shoal_timers_owner_remove(struct shoal_plugin *owner)
{
    pthread_mutex_lock(&timers.lock);
    remove_and_wait(owner, false);
    pthread_mutex_unlock(&timers.lock);
}

void shoal_timers_hand_over(void)
{
    pthread_mutex_lock(&timers.lock);
    timers.is_handed_over = true;
    pthread_mutex_unlock(&timers.lock);
}

void shoal_timers_stop(void)
{
    pthread_mutex_lock(&timers.lock);
    bool is_started = timers.is_started;
    remove_and_wait(NULL, true);
    timers.is_stopping = true;
    if (is_started) {
        pthread_cond_broadcast(&timers.changed);
    }
    pthread_mutex_unlock(&timers.lock);
    if (!is_started) {
        return;
    }
    pthread_join(timers.thread, NULL);
    pool_free(timers.pool);
    pthread_mutex_lock(&timers.lock);
    timers.pool = NULL;
    timers.is_started = timers.is_handed_over = false;
    pthread_mutex_unlock(&timers.lock);
}
