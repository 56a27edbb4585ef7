// lua_services.c - shoal.provide and service: calls between plugins, as JSON.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_priv.h"

struct provider {
    struct shoal_lua *lua;
    int slot;
};

struct serving {
    const char *operation;
    const json_t *arguments;
    json_t *result;
};

static int push_arguments(lua_State *L, void *user)
{
    struct serving *serving = user;
    lua_pushstring(L, serving->operation);
    shoal_lua_push(L, serving->arguments);
    return 2;
}

static void take_result(lua_State *L, int results, void *user)
{
    if (results > 0) {
        ((struct serving *)user)->result = shoal_lua_take(L, 1);
    }
}

static int serve(struct shoal_call *call, void *arg, const char *operation, const json_t *arguments,
    json_t **result, struct shoal_err *err)
{
    struct provider *provider = arg;
    struct serving serving = {operation, arguments, NULL};
    struct shoal_lua_entry entry = {push_arguments, take_result, &serving, 500, 10000, false};
    int code = shoal_lua_enter(provider->lua, call, provider->slot, &entry, err);
    *result = serving.result;
    return code;
}

static const struct shoal_svc_json table = {sizeof(struct shoal_svc_json), serve};

static int register_provider(lua_State *L,
    int (*provide_fn)(struct shoal_plugin *self, const char *service, const void *table, void *arg,
        struct shoal_err *err))
{
    const char *service = luaL_checkstring(L, 1);
    int slot = shoal_lua_keep(L, 2);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct provider *provider =
        shoal_arena_alloc(shoal_plugin_arena(lua->plugin), sizeof *provider);
    *provider = (struct provider){lua, slot};
    struct shoal_err err = {0};
    int code = provide_fn(lua->plugin, service, &table, provider, &err);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

/// shoal.provide("greeter", function(operation, arguments) … return result end)
static int provide(lua_State *L)
{
    return register_provider(L, shoal_provide);
}

/// shoal.provide_single("search", function(operation, arguments) … return result end): nobody else may.
static int provide_single(lua_State *L)
{
    return register_provider(L, shoal_provide_single);
}

/// result = shoal.service("search", "query", arguments[, plugin]): nil where nobody provides it.
static int call_service(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *name = luaL_checkstring(L, 1);
    const char *operation = luaL_checkstring(L, 2);
    json_t *arguments = shoal_lua_hold(L, shoal_lua_take(L, 3));
    struct shoal_service service;
    if (!shoal_service_find(name, luaL_optstring(L, 4, NULL), &service)) {
        return 0;
    }
    const struct shoal_svc_json *provider = service.table;
    if (provider->size != sizeof *provider) {
        return luaL_error(L, "service \"%s\" is not called with JSON", name);
    }
    json_t *result = NULL;
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    shoal_enter(run->call, &service);
    int code = provider->call(run->call, service.arg, operation, arguments, &result, &err);
    shoal_leave(run->call);
    shoal_lua_lock(run);
    if (code != 0) {
        json_decref(result);
        return shoal_lua_raise(L, &err);
    }
    shoal_lua_give(L, result);
    return 1;
}

void shoal_lua_open_services(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"provide", provide}, {"provide_single", provide_single}, {"service", call_service}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
