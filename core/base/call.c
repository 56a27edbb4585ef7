// call.c - the context that travels with everything: who, how long, on whose behalf.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>
#include <shoal/error.h>

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/context.h"

#define SLEEP_STEP_MS 25

void (*shoal_call_release_db)(struct shoal_call *call);
void (*_Atomic shoal_call_watch)(struct shoal_call *call);

/// Other threads may take the watch away at any time.
static void tell_watch(struct shoal_call *call)
{
    void (*watch)(struct shoal_call *) = shoal_call_watch;
    if (watch) {
        watch(call);
    }
}

static _Thread_local struct shoal_call *current;
static _Thread_local struct shoal_plugin *marked;

/// What did not fit on the stack of plugins: the entry that its top hid.
struct spilled {
    struct spilled *next;
    void *plugin;
};

/// Ids are apart from each other, and no secret: the system is asked for chance once a thread.
static void make_id(char out[17])
{
    static _Thread_local uint64_t next;
    while (next == 0) {
        shoal_random(&next, sizeof(next));
    }
    next += 0x9e3779b97f4a7c15u; // odd: all others come before one comes again
    uint64_t id = next;
    for (int i = 0; i < 16; i++, id <<= 4) {
        out[i] = "0123456789abcdef"[id >> 60];
    }
    out[16] = 0;
}

void shoal_call_init(struct shoal_call *call)
{
    memset(call, 0, sizeof(*call));
    call->arena = shoal_arena_new(0);
    call->viewer.kind = SHOAL_VIEWER_SYSTEM;
    call->locale = "en";
    make_id(call->id);
    call->outer = current;
    current = call;
}

void shoal_call_fini(struct shoal_call *call)
{
    if (call->db && shoal_call_release_db) {
        shoal_call_release_db(call);
    }
    if (current == call) {
        current = call->outer;
    }
    shoal_arena_free(call->arena);
    call->arena = NULL;
}

struct shoal_plugin *shoal_call_mark(struct shoal_plugin *plugin)
{
    struct shoal_plugin *before = marked;
    marked = plugin;
    tell_watch(NULL);
    return before;
}

struct shoal_plugin *shoal_call_marked(void)
{
    return marked;
}

struct shoal_call *shoal_call_current(void)
{
    return current;
}

struct shoal_call *shoal_call_adopt(struct shoal_call *call)
{
    struct shoal_call *before = current;
    current = call;
    tell_watch(call); // what the call's plugins enter and leave here ends here too
    return before;
}

/// The stack never overflows: what its last place hides is kept in the arena.
void shoal_call_enter(struct shoal_call *call, struct shoal_plugin *plugin)
{
    if (call->depth >= SHOAL_PLUGIN_STACK) {
        struct spilled *spilled = shoal_arena_alloc(call->arena, sizeof(*spilled));
        spilled->plugin = call->plugins[SHOAL_PLUGIN_STACK - 1];
        spilled->next = call->spilled;
        call->spilled = spilled;
        call->plugins[SHOAL_PLUGIN_STACK - 1] = plugin;
    } else {
        call->plugins[call->depth] = plugin;
    }
    call->depth++;
    tell_watch(call);
}

void shoal_call_leave(struct shoal_call *call)
{
    assert(call->depth > 0);
    call->depth--;
    if (call->depth >= SHOAL_PLUGIN_STACK) {
        struct spilled *spilled = call->spilled;
        call->plugins[SHOAL_PLUGIN_STACK - 1] = spilled->plugin;
        call->spilled = spilled->next;
    } else {
        call->plugins[call->depth] = NULL;
    }
    tell_watch(call);
}

void shoal_call_alive(struct shoal_call *call)
{
    tell_watch(call);
}

struct shoal_plugin *shoal_call_plugin(const struct shoal_call *call)
{
    int top = call->depth < SHOAL_PLUGIN_STACK ? call->depth : SHOAL_PLUGIN_STACK;
    return top > 0 ? call->plugins[top - 1] : NULL;
}

struct shoal_plugin *shoal_call_caller(const struct shoal_call *call)
{
    if (call->depth > SHOAL_PLUGIN_STACK) {
        const struct spilled *spilled = call->spilled;
        return spilled->plugin;
    }
    return call->depth > 1 ? call->plugins[call->depth - 2] : NULL;
}

bool shoal_plugin_lists(const struct shoal_plugin *plugin, const char *permission)
{
    const struct shoal_plugin_id *id = (const struct shoal_plugin_id *)(const void *)plugin;
    const char *const *at = id ? id->permissions : NULL;
    while (at && *at && strcmp(*at, permission) != 0) {
        at++;
    }
    return !id || (at && *at);
}

struct shoal_arena *shoal_call_arena(struct shoal_call *call)
{
    return call->arena;
}

struct shoal_arena *shoal_call_arena_use(struct shoal_call *call, struct shoal_arena *arena)
{
    struct shoal_arena *before = call->arena;
    call->arena = arena;
    return before;
}

const struct shoal_viewer *shoal_call_viewer(const struct shoal_call *call)
{
    return &call->viewer;
}

const char *shoal_call_locale(const struct shoal_call *call)
{
    return call->locale ? call->locale : "en";
}

const char *shoal_call_id(const struct shoal_call *call)
{
    return call->id;
}

int64_t shoal_call_left_ms(const struct shoal_call *call)
{
    if (call->deadline_ms == 0) {
        return INT64_MAX;
    }
    int64_t left = call->deadline_ms - shoal_tick_ms();
    return left > 0 ? left : 0;
}

bool shoal_call_cancelled(const struct shoal_call *call)
{
    return call->cancel && atomic_load_explicit(call->cancel, memory_order_acquire);
}

int shoal_call_sleep(struct shoal_call *call, int64_t ms)
{
    int64_t end = shoal_tick_ms() + (ms > 0 ? ms : 0);
    for (;;) {
        if (shoal_call_cancelled(call)) {
            return SHOAL_ECANCELLED;
        }
        int64_t left = end - shoal_tick_ms();
        if (left <= 0) {
            return 0;
        }
        if (shoal_call_left_ms(call) == 0) {
            return SHOAL_ECANCELLED;
        }
        int64_t step = left < SLEEP_STEP_MS ? left : SLEEP_STEP_MS;
        int64_t budget = shoal_call_left_ms(call);
        shoal_clock_sleep(step < budget ? step : budget > 0 ? budget : 1);
    }
}
