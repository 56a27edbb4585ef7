// lua_priv.h - one Lua plugin from the inside: its instances, its runs, and how a binding blocks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_LUA_PRIV_H
#define SHOAL_CORE_HOST_LUA_PRIV_H
#include <lauxlib.h>
#include <lua.h>
#include <pthread.h>

#include <shoal/plugin.h>

#define SHOAL_LUA_SLOTS     512
#define SHOAL_LUA_INSTANCES 16
/// Name of the metatable of arrays that came from JSON.
#define SHOAL_LUA_ARRAY "shoal.array"

/// One Lua state. Every entry is a coroutine of it, on the thread that enters; the lock is held while
/// Lua runs and given back while a binding blocks.
struct shoal_lua_instance {
    struct shoal_lua *owner;
    lua_State *main;
    pthread_mutex_t lock;
    size_t used_bytes, cap_bytes;
    bool has_reserve;              ///< while entering: a little over the cap is fine, a panic is not
    struct shoal_lua_run *current; ///< whoever holds the lock
    int refs[SHOAL_LUA_SLOTS];     ///< registered functions by slot
    int slots;
};

/// A Lua plugin. Its file runs once in each instance; only the first one's registrations reach the
/// host, the others fill the same slots in the same order.
struct shoal_lua {
    struct shoal_plugin *plugin;
    struct shoal_lua_instance *instances[SHOAL_LUA_INSTANCES];
    int count;
    bool is_started; ///< registering is over
};

/// One entry into Lua.
struct shoal_lua_run {
    uint64_t serial; ///< never used twice: what belongs to an ended run is recognised by it
    struct shoal_lua_instance *instance;
    struct shoal_call *call;
    int64_t cpu_end_us, wall_end_ms; ///< budgets; CPU time of this thread
    size_t outside_bytes; ///< what it made that lies outside of Lua until its call ends
    bool is_expired, is_full;
};

/// What goes in and comes out; both run inside the protected call and may raise.
struct shoal_lua_entry {
    int (*push)(lua_State *L, void *user);  ///< pushes the arguments, returns their number
    void (*take)(lua_State *L, int results, void *user); ///< results lie on the stack; or NULL
    void *user;
    int64_t cpu_ms, wall_ms; ///< 0: 50 ms and 2 s
    bool keeps; ///< the arguments stay below the results, for take()
};

// lua_state.c
struct shoal_lua_instance *shoal_lua_instance_new(struct shoal_lua *owner, size_t cap_bytes,
    struct shoal_err *err);
void shoal_lua_instance_free(struct shoal_lua_instance *instance);
/// Runs FOLDER/NAME.lua in an instance.
int shoal_lua_instance_load(struct shoal_lua_instance *instance, struct shoal_call *call,
    struct shoal_err *err);

// lua_run.c
/// Calls the function of a slot. Everything that goes wrong in Lua becomes err.
int shoal_lua_enter(struct shoal_lua *lua, struct shoal_call *call, int slot,
    const struct shoal_lua_entry *entry, struct shoal_err *err);
/// Runs the chunk or function on top of L's stack with n arguments under the budgets.
int shoal_lua_guarded(struct shoal_lua_run *run, lua_State *L, int arguments, int64_t cpu_ms,
    int64_t wall_ms, struct shoal_err *err);
/// After long work in C, which no instruction hook sees: ends the run whose budget is gone.
void shoal_lua_check(lua_State *L);
/// Counts bytes that stay outside of Lua's memory until the call ends; ends the run that has too many.
void shoal_lua_spend(lua_State *L, size_t bytes);
/// In a binding: who runs, and its plugin.
struct shoal_lua_run *shoal_lua_running(lua_State *L);
/// Gives the lock back around something that blocks; L must not be touched in between.
void shoal_lua_unlock(struct shoal_lua_run *run);
void shoal_lua_lock(struct shoal_lua_run *run);
/// Raises a Lua error made of err.
int shoal_lua_raise(lua_State *L, const struct shoal_err *err);
/// Keeps the function at `index` under the next slot; raises when registering is over.
int shoal_lua_keep(lua_State *L, int index);
/// Whether this run's registrations are meant for the host (the first instance, while it loads).
bool shoal_lua_registers(lua_State *L);

// lua_value.c
/// Pushes a JSON value; null becomes shoal.null.
void shoal_lua_push(lua_State *L, const json_t *value);
/// The value at index as JSON, a new reference; raises on functions, cycles and depth over 32.
json_t *shoal_lua_take(lua_State *L, int index);
/// Keeps a reference alive until the call's arena goes, so that a Lua error cannot leak it.
json_t *shoal_lua_hold(lua_State *L, json_t *value);
/// Pushes a value and lets go of it, whatever happens.
void shoal_lua_give(lua_State *L, json_t *value);
/// A string field of the table at index, or NULL; lives in the call's arena.
const char *shoal_lua_field(lua_State *L, int index, const char *name);
int64_t shoal_lua_field_int(lua_State *L, int index, const char *name, int64_t otherwise);
bool shoal_lua_field_bool(lua_State *L, int index, const char *name);

// One opener a topic: each adds its functions to the table on top of the stack.
void shoal_lua_open_base(lua_State *L);
void shoal_lua_open_string(lua_State *L);
void shoal_lua_open_hooks(lua_State *L);
void shoal_lua_open_http(lua_State *L);
void shoal_lua_open_db(lua_State *L);
void shoal_lua_open_jobs(lua_State *L);
void shoal_lua_open_settings(lua_State *L);
void shoal_lua_open_topics(lua_State *L);
void shoal_lua_open_services(lua_State *L);
void shoal_lua_open_fetch(lua_State *L);
void shoal_lua_open_pages(lua_State *L);
void shoal_lua_open_catalog(lua_State *L);

#endif
