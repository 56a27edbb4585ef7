// lua_run.c - entering Lua: one protected call, a lock, and budgets that no pcall can swallow.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "host/lua/lua_priv.h"

#define CHECK_EVERY   1000
#define OUTSIDE_TIMES 2 // of its memory may lie outside of Lua until its call ends
#define WAIT_STEP_MS  50

static atomic_uint_fast64_t serials;

static int64_t thread_cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/// Runs every thousand instructions; once the budget is gone, on every single one: whatever catches
/// the error is thrown out again at its next step.
static void check_budget(lua_State *L, lua_Debug *unused)
{
    (void)unused;
    struct shoal_lua_run *run = shoal_lua_running(L);
    if (!run->is_expired && !run->is_full && thread_cpu_us() < run->cpu_end_us &&
        shoal_tick_ms() < run->wall_end_ms && !shoal_call_cancelled(run->call)) {
        return;
    }
    run->is_expired = !run->is_full;
    lua_sethook(L, check_budget, LUA_MASKCOUNT, 1);
    luaL_error(L, run->is_full ? "not enough memory: too much was made of its values"
                               : "ran out of time");
}

void shoal_lua_spend(lua_State *L, size_t bytes)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    run->outside_bytes += bytes;
    if (run->outside_bytes > OUTSIDE_TIMES * run->instance->cap_bytes) {
        run->is_full = true;
        check_budget(L, NULL);
    }
}

void shoal_lua_check(lua_State *L)
{
    struct shoal_lua_instance *instance = *(struct shoal_lua_instance **)lua_getextraspace(L);
    if (instance && instance->current) {
        check_budget(L, NULL);
    }
}

struct shoal_lua_run *shoal_lua_running(lua_State *L)
{
    struct shoal_lua_instance *instance = *(struct shoal_lua_instance **)lua_getextraspace(L);
    return instance->current;
}

void shoal_lua_lock(struct shoal_lua_run *run)
{
    pthread_mutex_lock(&run->instance->lock);
    run->instance->current = run;
}

void shoal_lua_unlock(struct shoal_lua_run *run)
{
    run->instance->current = NULL;
    pthread_mutex_unlock(&run->instance->lock);
}

int shoal_lua_raise(lua_State *L, const struct shoal_err *err)
{
    return luaL_error(L, "%s", err->text[0] ? err->text : shoal_error_text(err->code));
}

static int add_traceback(lua_State *L)
{
    const char *message = lua_tostring(L, 1);
    luaL_traceback(L, L, message ? message : "an error that is not text", 1);
    return 1;
}

int shoal_lua_guarded(struct shoal_lua_run *run, lua_State *L, int arguments, int64_t cpu_ms,
    int64_t wall_ms, struct shoal_err *err)
{
    run->cpu_end_us = thread_cpu_us() + cpu_ms * 1000;
    run->wall_end_ms = shoal_tick_ms() + wall_ms;
    run->is_expired = run->is_full = false;
    int handler = lua_gettop(L) - arguments;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, handler);
    lua_sethook(L, check_budget, LUA_MASKCOUNT, CHECK_EVERY);
    int status = lua_pcall(L, arguments, LUA_MULTRET, handler);
    lua_sethook(L, NULL, 0, 0);
    lua_remove(L, handler);
    if (status == LUA_OK) {
        return 0;
    }
    const char *message = lua_tostring(L, -1);
    int code = run->is_expired ? SHOAL_ETIMEOUT : SHOAL_EINTERNAL;
    shoal_fail(err, code, "%s: %s", shoal_plugin_name(run->instance->owner->plugin),
        message ? message : "out of memory");
    lua_settop(L, handler - 1);
    return code;
}

static struct shoal_lua_instance *try_instances(struct shoal_lua *lua)
{
    for (int i = 0; i < lua->count; i++) {
        if (pthread_mutex_trylock(&lua->instances[i]->lock) == 0) {
            return lua->instances[i];
        }
    }
    return NULL;
}

/// Takes an instance that nobody holds, or waits for one: as long as the call itself may last, since
/// whoever holds it may work for much longer. NULL: none came free.
static struct shoal_lua_instance *take_instance(
    struct shoal_lua *lua, struct shoal_call *call, int64_t wall_ms)
{
    struct shoal_lua_instance *instance = try_instances(lua);
    int64_t end_ms = shoal_tick_ms() + wall_ms;
    while (!instance && shoal_tick_ms() < end_ms && shoal_call_left_ms(call) > 0 &&
           !shoal_call_cancelled(call)) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WAIT_STEP_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        size_t turn = (size_t)shoal_tick_ms() % (size_t)lua->count;
        bool is_taken = pthread_mutex_timedlock(&lua->instances[turn]->lock, &until) == 0;
        instance = is_taken ? lua->instances[turn] : try_instances(lua);
    }
    return instance;
}

struct entering {
    int ref;
    const struct shoal_lua_entry *entry;
};

/// Inside the protected call: arguments in, the function, results out.
static int enter_protected(lua_State *L)
{
    struct entering *entering = lua_touserdata(L, 1);
    const struct shoal_lua_entry *entry = entering->entry;
    lua_settop(L, 0);
    int count = entry->push ? entry->push(L, entry->user) : 0;
    int kept = entry->keeps ? count : 0;
    luaL_checkstack(L, count + 4, NULL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, entering->ref);
    for (int i = 1; i <= kept; i++) {
        lua_pushvalue(L, i);
    }
    if (kept == 0) {
        lua_insert(L, 1);
    }
    lua_call(L, count, LUA_MULTRET);
    if (entry->take) {
        entry->take(L, lua_gettop(L) - kept, entry->user);
    }
    return 0;
}

int shoal_lua_enter(struct shoal_lua *lua, struct shoal_call *call, int slot,
    const struct shoal_lua_entry *entry, struct shoal_err *err)
{
    int64_t wall_ms = entry->wall_ms ? entry->wall_ms : 2000;
    struct shoal_lua_instance *instance = take_instance(lua, call, wall_ms);
    if (!instance) {
        return shoal_fail(err, SHOAL_EBUSY, "%s: it is busy with other calls",
            shoal_plugin_name(lua->plugin));
    }
    struct shoal_lua_run run = {
        .serial = atomic_fetch_add(&serials, 1) + 1, .instance = instance, .call = call};
    instance->current = &run;
    lua_State *L = NULL;
    int anchor = LUA_NOREF;
    int code = 0;
    if (slot < 0 || slot >= instance->slots || !lua_checkstack(instance->main, 4)) {
        code = shoal_fail(err, SHOAL_EINTERNAL, "the plugin registered nothing in slot %d", slot);
    } else {
        struct entering entering = {.ref = instance->refs[slot], .entry = entry};
        instance->has_reserve = true;
        L = lua_newthread(instance->main); // anchored: the garbage collector must not take it
        anchor = luaL_ref(instance->main, LUA_REGISTRYINDEX);
        instance->has_reserve = false;
        lua_pushcfunction(L, enter_protected);
        lua_pushlightuserdata(L, &entering);
        code = shoal_lua_guarded(&run, L, 1, entry->cpu_ms ? entry->cpu_ms : 50,
            wall_ms, err);
        luaL_unref(instance->main, LUA_REGISTRYINDEX, anchor);
    }
    instance->current = NULL;
    pthread_mutex_unlock(&instance->lock);
    return code;
}

bool shoal_lua_registers(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    struct shoal_lua *lua = run->instance->owner;
    if (lua->is_started) {
        luaL_error(L, "only while the plugin starts");
    }
    return run->instance == lua->instances[0];
}

int shoal_lua_keep(lua_State *L, int index)
{
    struct shoal_lua_instance *instance = shoal_lua_running(L)->instance;
    luaL_checktype(L, index, LUA_TFUNCTION);
    if (instance->slots == SHOAL_LUA_SLOTS) {
        return luaL_error(L, "a plugin registers at most %d functions", SHOAL_LUA_SLOTS);
    }
    lua_pushvalue(L, index);
    instance->refs[instance->slots] = luaL_ref(L, LUA_REGISTRYINDEX);
    return instance->slots++;
}
