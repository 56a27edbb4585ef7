// lua_jobs.c - shoal.job, job_add and timer.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_priv.h"

struct worker {
    struct shoal_lua *lua;
    int slot;
};

struct running_job {
    const struct shoal_job *job;
};

static struct worker *new_worker(lua_State *L, int slot)
{
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct worker *worker = shoal_arena_alloc(shoal_plugin_arena(lua->plugin), sizeof *worker);
    *worker = (struct worker){lua, slot};
    return worker;
}

static int push_job(lua_State *L, void *user)
{
    const struct shoal_job *job = ((struct running_job *)user)->job;
    shoal_lua_push(L, job->payload);
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, job->id);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, job->attempt);
    lua_setfield(L, -2, "attempt");
    lua_pushinteger(L, job->created_ms);
    lua_setfield(L, -2, "created_ms");
    return 2;
}

static int run_job(struct shoal_call *call, const struct shoal_job *job, void *arg,
    struct shoal_err *err)
{
    struct worker *worker = arg;
    struct running_job running = {job};
    struct shoal_lua_entry entry = {push_job, NULL, &running, 10000, 60000, false};
    return shoal_lua_enter(worker->lua, call, worker->slot, &entry, err);
}

/// shoal.job("resize", function(payload, job) … end, { attempts = 3, concurrency = 1, … })
static int add_kind(lua_State *L)
{
    const char *kind = luaL_checkstring(L, 1);
    int slot = shoal_lua_keep(L, 2);
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct shoal_job_kind row = {
        .kind = shoal_arena_strdup(shoal_plugin_arena(lua->plugin), kind),
        .run = run_job,
        .arg = new_worker(L, slot),
        .attempts = (int)shoal_lua_field_int(L, 3, "attempts", 0),
        .lease_s = (int)shoal_lua_field_int(L, 3, "lease_s", 0),
        .concurrency = (int)shoal_lua_field_int(L, 3, "concurrency", 0),
        .backoff_ms = shoal_lua_field_int(L, 3, "backoff_ms", 0),
        .is_brief = shoal_lua_field_bool(L, 3, "is_brief"),
    };
    struct shoal_err err = {0};
    return shoal_job_kind_add(lua->plugin, &row, &err) == 0 ? 0 : shoal_lua_raise(L, &err);
}

struct adding {
    struct shoal_plugin *plugin;
    const char *kind;
    json_t *payload;
    struct shoal_job_options options;
    int64_t id;
};

static int add_in_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct adding *adding = arg;
    return shoal_job_add(adding->plugin, tx, adding->kind, adding->payload, &adding->options,
        &adding->id, err);
}

/// id = shoal.job_add("resize", payload, { run_at_ms, priority, unique, subject })
static int add_job(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    struct adding adding = {.plugin = run->instance->owner->plugin, .kind = luaL_checkstring(L, 1)};
    adding.payload = shoal_lua_hold(L, shoal_lua_take(L, 2));
    if (lua_istable(L, 3)) {
        adding.options.run_at_ms = shoal_lua_field_int(L, 3, "run_at_ms", 0);
        adding.options.priority = (int)shoal_lua_field_int(L, 3, "priority", 0);
        adding.options.unique = shoal_lua_field(L, 3, "unique");
        adding.options.subject = shoal_lua_field(L, 3, "subject");
    }
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = shoal_tx(run->call, add_in_tx, &adding, &err);
    shoal_lua_lock(run);
    if (code != 0) {
        return shoal_lua_raise(L, &err);
    }
    lua_pushinteger(L, adding.id);
    return 1;
}

static int on_timer(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct worker *worker = arg;
    struct shoal_lua_entry entry = {.cpu_ms = 1000, .wall_ms = 30000};
    return shoal_lua_enter(worker->lua, call, worker->slot, &entry, err);
}

/// shoal.timer("clean", 60000, function() … end, { once_per_instance = true })
static int add_timer(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_Integer period_ms = luaL_checkinteger(L, 2);
    int slot = shoal_lua_keep(L, 3);
    bool once = lua_istable(L, 4) ? shoal_lua_field_bool(L, 4, "once_per_instance") : false;
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    int code = shoal_timer_add(plugin, shoal_arena_strdup(shoal_plugin_arena(plugin), name),
        period_ms, once, on_timer, new_worker(L, slot));
    return code == 0 ? 0 : luaL_error(L, "timer \"%s\": a period is at least a second", name);
}

void shoal_lua_open_jobs(lua_State *L)
{
    static const luaL_Reg functions[] = {{"job", add_kind}, {"job_add", add_job},
        {"timer", add_timer}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
