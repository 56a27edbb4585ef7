// watchdog.c - ends the server when it hangs or eats the memory, and names the plugin.
//
// Each thread that runs plugins has a slot which says which one runs and since when; loops answer a
// ping from their first turn to their last, also while the server drains. Memory is looked at as
// well: a server that eats all of it takes the machine with it. Whoever is to blame is named on the
// crash pipe, then the process aborts and is started again.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/stream.h>

#include "base/context.h"
#include "base/drill.h"
#include "super/backoff.h"
#include "super/memory.h"
#include "super/super.h"
#include "super/watchdog.h"

#define SLOTS_MAX 512
#define LOOPS_MAX 64
#define AT_WORK_MAX 32
#define GROWTH_BYTES    (8 << 20) // in one step
#define GROWING_STEP_MS 20

struct slot {
    atomic_bool is_taken;
    atomic_int_least64_t since_ms;    ///< 0: no plugin runs
    atomic_int_least64_t deadline_ms; ///< of the call; 0: none
    atomic_bool has_no_end;           ///< a call without a deadline: a job
    _Atomic(const struct shoal_plugin_id *) plugin;
    void *stack;                      ///< for the crash handler, kept for the next thread
    _Atomic clockid_t clock;          ///< of the thread's CPU
    // of the watchdog's thread: when it first saw the stay since seen_since_ms
    int64_t seen_since_ms, seen_ms, seen_cpu_ms;
};

static struct {
    struct slot slots[SLOTS_MAX];
    atomic_int_least64_t heard_ms[LOOPS_MAX];
    atomic_bool is_asked[LOOPS_MAX];
    _Atomic(struct slot *) loop_slots[LOOPS_MAX]; ///< once a plugin has run there
    int loops;
    pthread_mutex_t lock;             ///< of turns: what is posted to is there
    bool turns[LOOPS_MAX];
    atomic_bool is_stopping;
    bool is_running;
    pthread_t thread;
    pthread_key_t at_exit;
    struct shoal_memory memory;
    int64_t most_bytes, looked_ms;
    int fd;
} dog = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static _Thread_local struct slot *mine;

static void slot_leave(void *value)
{
    struct slot *slot = value;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
#endif
    atomic_store(&slot->since_ms, 0);
    atomic_store(&slot->is_taken, false);
}

static struct slot *slot_take(void)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        bool is_free = false;
        if (atomic_compare_exchange_strong(&dog.slots[i].is_taken, &is_free, true)) {
            pthread_setspecific(dog.at_exit, &dog.slots[i]);
            dog.slots[i].stack = shoal_crash_stack(dog.slots[i].stack);
            clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
            pthread_getcpuclockid(pthread_self(), &clock);
            atomic_store(&dog.slots[i].clock, clock);
            return &dog.slots[i];
        }
    }
    return NULL;
}

/// After each enter and leave of a plugin, on its thread; call: NULL where a loop calls one.
static void watch(struct shoal_call *call)
{
    if (mine == NULL && (mine = slot_take()) == NULL) {
        return;
    }
    const struct shoal_plugin *in = call == NULL ? shoal_call_marked() : shoal_call_plugin(call);
    const struct shoal_plugin_id *plugin = (const struct shoal_plugin_id *)(const void *)in;
    atomic_store_explicit(&mine->plugin, plugin, memory_order_relaxed);
    atomic_store_explicit(
        &mine->deadline_ms, call == NULL ? 0 : call->deadline_ms, memory_order_relaxed);
    atomic_store_explicit(
        &mine->has_no_end, call != NULL && call->deadline_ms == 0, memory_order_relaxed);
    atomic_store_explicit(&mine->since_ms, plugin == NULL ? 0 : shoal_tick_ms(),
        memory_order_release);
}

bool shoal_watchdog_judges(int64_t now_ms, int64_t since_ms, int64_t deadline_ms)
{
    return since_ms != 0 && deadline_ms != 0 && now_ms - deadline_ms > SHOAL_WATCHDOG_WORKER_MS &&
           now_ms - since_ms > SHOAL_WATCHDOG_WORKER_MS;
}

bool shoal_watchdog_spins(int64_t wall_ms, int64_t cpu_ms)
{
    return wall_ms > shoal_drill_ms("SHOAL_DRILL_SPIN", SHOAL_WATCHDOG_JOB_MS) &&
           cpu_ms > wall_ms / 2;
}

static void bite(const char *sentence, const struct shoal_plugin_id *plugin)
{
    char text[256];
    int length = snprintf(text, sizeof text, "says %s\n%s%s%s", sentence,
        plugin == NULL ? "" : plugin->is_shipped ? "shipped " : "elsewhere ",
        plugin == NULL ? "" : plugin->name, plugin == NULL ? "" : "\n");
    if (dog.fd >= 0 && length > 0) {
        ssize_t sent = write(dog.fd, text, (size_t)length < sizeof text ? (size_t)length : 255);
        (void)sent;
    }
    shoal_error("watchdog: %s%s%s", sentence, plugin == NULL ? "" : " in plugin ",
        plugin == NULL ? "" : plugin->name);
    abort();
}

static void answered(void *arg)
{
    int loop = (int)(intptr_t)arg;
    if (mine == NULL) {
        mine = slot_take(); // a plugin may hang the first time that it is called
    }
    atomic_store(&dog.loop_slots[loop], mine);
    atomic_store(&dog.heard_ms[loop], shoal_tick_ms());
    atomic_store(&dog.is_asked[loop], false);
}

/// On its thread, as it begins and as it ends.
static void loop_turns(int loop, bool turns)
{
    if (loop < LOOPS_MAX) {
        pthread_mutex_lock(&dog.lock);
        dog.turns[loop] = turns;
        atomic_store(&dog.is_asked[loop], false);
        pthread_mutex_unlock(&dog.lock);
    }
}

/// Asks a loop whether it lives. Returns: false when it was asked before and does not answer.
static bool ask(int loop, int64_t now, int64_t late_ms)
{
    bool is_well = true;
    pthread_mutex_lock(&dog.lock);
    if (dog.turns[loop] && !atomic_load(&dog.is_asked[loop])) {
        atomic_store(&dog.is_asked[loop], true);
        atomic_store(&dog.heard_ms[loop], now);
        shoal_loop_post(loop, answered, (void *)(intptr_t)loop);
    } else if (dog.turns[loop]) {
        is_well = now - atomic_load(&dog.heard_ms[loop]) <= SHOAL_WATCHDOG_LOOP_MS + late_ms;
    }
    pthread_mutex_unlock(&dog.lock);
    return is_well;
}

static void check_loops(int64_t now, int64_t late_ms)
{
    for (int i = 0; i < dog.loops; i++) {
        if (!ask(i, now, late_ms)) {
            char sentence[64];
            snprintf(sentence, sizeof sentence, "loop %d is silent", i);
            struct slot *slot = atomic_load(&dog.loop_slots[i]);
            bite(sentence, slot == NULL ? NULL : atomic_load(&slot->plugin));
        }
    }
}

/// A job has no deadline and may wait for hours, as for ffmpeg; but one that computes and never says
/// how far it is holds its worker, and a core, for ever.
static void check_job(struct slot *slot, int64_t now, int64_t since)
{
    struct timespec used;
    if (since == 0 || !atomic_load(&slot->has_no_end) || clock_gettime(atomic_load(&slot->clock), &used) != 0) {
        return;
    }
    int64_t cpu_ms = (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
    if (slot->seen_since_ms != since) {
        slot->seen_since_ms = since;
        slot->seen_ms = now;
        slot->seen_cpu_ms = cpu_ms;
    } else if (shoal_watchdog_spins(now - slot->seen_ms, cpu_ms - slot->seen_cpu_ms)) {
        bite("a job computes without an end", atomic_load(&slot->plugin));
    }
}

static void check_workers(int64_t now)
{
    for (size_t i = 0; i < SLOTS_MAX; i++) {
        struct slot *slot = &dog.slots[i];
        int64_t since = atomic_load_explicit(&slot->since_ms, memory_order_acquire);
        check_job(slot, now, since);
        if (shoal_watchdog_judges(now, since, atomic_load(&slot->deadline_ms))) {
            bite("a plugin holds a worker far past its time", atomic_load(&slot->plugin));
        }
    }
}

/// Whether memory grows so fast that the next look should come soon.
static bool check_memory(int64_t now)
{
    const struct shoal_plugin_id *at_work[AT_WORK_MAX];
    size_t count = 0;
    for (size_t i = 0; i < SLOTS_MAX && count < AT_WORK_MAX; i++) {
        int64_t since = atomic_load_explicit(&dog.slots[i].since_ms, memory_order_acquire);
        const struct shoal_plugin_id *plugin = atomic_load(&dog.slots[i].plugin);
        if (since != 0 && since <= dog.looked_ms && plugin != NULL) {
            at_work[count++] = plugin;
        }
    }
    int64_t used = shoal_memory_used();
    bool grows = dog.memory.last_bytes > 0 && used - dog.memory.last_bytes > GROWTH_BYTES;
    shoal_memory_look(&dog.memory, used, at_work, count);
    dog.looked_ms = now;
    if (dog.most_bytes > 0 && used > dog.most_bytes) {
        bite(SHOAL_CRASH_MEMORY, shoal_memory_blame(&dog.memory, dog.most_bytes));
    }
    return grows;
}

static void *run(void *unused)
{
    (void)unused;
    int64_t last = shoal_tick_ms(), step_ms = SHOAL_WATCHDOG_STEP_MS;
    while (!atomic_load(&dog.is_stopping)) {
        struct timespec pause = {.tv_nsec = step_ms * 1000000L};
        nanosleep(&pause, NULL);
        int64_t now = shoal_tick_ms();
        // When this thread itself was late, the whole machine was: nobody is to blame.
        int64_t late = now - last - step_ms;
        last = now;
        check_loops(now, late > 100 ? late * 4 : 0);
        if (late < 1000) {
            check_workers(now);
        }
        step_ms = check_memory(now) ? GROWING_STEP_MS : SHOAL_WATCHDOG_STEP_MS;
    }
    return NULL;
}

int shoal_watchdog_start(int loops, struct shoal_err *err)
{
    dog.loops = loops < LOOPS_MAX ? loops : LOOPS_MAX;
    atomic_store(&dog.is_stopping, false);
    if (pthread_key_create(&dog.at_exit, slot_leave) != 0) {
        return shoal_fail(err, SHOAL_EBUSY, "no watchdog");
    }
    shoal_call_watch = watch;
    shoal_loop_watch = loop_turns;
    if (pthread_create(&dog.thread, NULL, run, NULL) != 0) {
        shoal_call_watch = NULL;
        shoal_loop_watch = NULL;
        return shoal_fail(err, SHOAL_EBUSY, "no thread for the watchdog");
    }
    dog.is_running = true;
    return 0;
}

void shoal_watchdog_report_to(int fd)
{
    dog.fd = fd;
}

void shoal_watchdog_memory(int64_t most_bytes)
{
    dog.most_bytes = most_bytes;
}

void shoal_watchdog_stop(void)
{
    if (!dog.is_running) {
        return;
    }
    atomic_store(&dog.is_stopping, true);
    pthread_join(dog.thread, NULL);
    shoal_call_watch = NULL;
    shoal_loop_watch = NULL;
    dog.is_running = false;
}
