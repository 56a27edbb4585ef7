// lua_state.c - a Lua state with bounded memory and without the world: no os, io, debug or bytecode.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lualib.h>

#include "base/file.h"
#include "host/lua/lua_bounds.h"
#include "host/lua/lua_priv.h"

#define RESERVE_BYTES 65536
#define SOURCE_MAX    (1024 * 1024)

static void *allocate(void *user, void *block, size_t old_bytes, size_t new_bytes)
{
    struct shoal_lua_instance *instance = user;
    size_t before = block ? old_bytes : 0;
    if (new_bytes == 0) {
        free(block);
        instance->used_bytes -= before;
        return NULL;
    }
    size_t cap = instance->cap_bytes + (instance->has_reserve ? RESERVE_BYTES : 0);
    if (new_bytes > before && instance->used_bytes - before + new_bytes > cap) {
        return NULL;
    }
    void *moved = realloc(block, new_bytes);
    if (moved) {
        instance->used_bytes = instance->used_bytes - before + new_bytes;
    }
    return moved;
}

/// load() that takes text alone: bytecode can break the virtual machine.
static int safe_load(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *name = luaL_optstring(L, 2, "=(load)");
    bool has_env = !lua_isnoneornil(L, 4);
    if (luaL_loadbufferx(L, text, length, name, "t") != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    if (has_env) {
        lua_pushvalue(L, 4);
        lua_setupvalue(L, -2, 1);
    }
    return 1;
}

static int print_to_log(lua_State *L)
{
    luaL_Buffer line;
    int count = lua_gettop(L);
    luaL_buffinit(L, &line);
    for (int i = 1; i <= count; i++) {
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&line);
        luaL_addchar(&line, i < count ? ' ' : '\0');
    }
    luaL_pushresult(&line);
    shoal_info("%s", count > 0 ? lua_tostring(L, -1) : "");
    return 0;
}

static bool is_module_name(const char *name)
{
    if (!*name || strlen(name) > 100 || *name == '.') {
        return false;
    }
    for (const char *at = name; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && !(*at == '.' && at[1] != '.' && at[1])) {
            return false;
        }
    }
    return true;
}

/// require "a.b": FOLDER/a/b.lua, run once; "shoal" is the SDK.
static int require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "shoal.loaded");
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        return 1;
    }
    if (!is_module_name(name)) {
        return luaL_error(L, "\"%s\" is not the name of a module: letters, digits, _ and dots", name);
    }
    struct shoal_lua_run *run = shoal_lua_running(L);
    struct shoal_arena *arena = shoal_call_arena(run->call);
    char *relative = shoal_arena_strdup(arena, name);
    for (char *at = relative; *at; at++) {
        *at = *at == '.' ? '/' : *at;
    }
    const char *path = shoal_arena_printf(arena, "%s/%s.lua",
        shoal_plugin_folder(run->instance->owner->plugin), relative);
    struct shoal_err err = {0};
    struct shoal_buf source = {0};
    if (shoal_file_read_whole(path, SOURCE_MAX, &source, &err) != 0) {
        return luaL_error(L, "module \"%s\": %s", name, err.text);
    }
    shoal_arena_defer(arena, free, source.data);
    if (luaL_loadbufferx(L, source.data ? source.data : "", source.length,
            shoal_arena_printf(arena, "@%s.lua", relative), "t") != LUA_OK) {
        return lua_error(L);
    }
    lua_pushvalue(L, 1);
    lua_call(L, 1, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    return 1;
}

static void open_libraries(lua_State *L)
{
    static const luaL_Reg libraries[] = {{LUA_GNAME, luaopen_base}, {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string}, {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_COLIBNAME, luaopen_coroutine}};
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    static const char *const gone[] = {"dofile", "loadfile", "collectgarbage", "warn"};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) {
        lua_pushnil(L);
        lua_setglobal(L, gone[i]);
    }
    lua_register(L, "load", safe_load);
    lua_register(L, "print", print_to_log);
    lua_register(L, "require", require);
    shoal_lua_bound(L);
}

/// The table that require "shoal" gives.
static int open_shoal(lua_State *L)
{
    open_libraries(L);
    luaL_newmetatable(L, SHOAL_LUA_ARRAY);
    lua_pushboolean(L, 0); // whoever has it could give all arrays a finaliser
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)1);
    lua_setfield(L, LUA_REGISTRYINDEX, "shoal.null");
    lua_newtable(L);
    lua_newtable(L);
    lua_getfield(L, LUA_REGISTRYINDEX, "shoal.null");
    lua_setfield(L, -2, "null");
    shoal_lua_open_base(L);
    shoal_lua_open_hooks(L);
    shoal_lua_open_http(L);
    shoal_lua_open_db(L);
    shoal_lua_open_jobs(L);
    shoal_lua_open_settings(L);
    shoal_lua_open_topics(L);
    shoal_lua_open_services(L);
    shoal_lua_open_fetch(L);
    shoal_lua_open_pages(L);
    shoal_lua_open_catalog(L);
    lua_setfield(L, -2, "shoal");
    lua_setfield(L, LUA_REGISTRYINDEX, "shoal.loaded");
    shoal_lua_open_string(L);
    return 0;
}

struct shoal_lua_instance *shoal_lua_instance_new(struct shoal_lua *owner, size_t cap_bytes,
    struct shoal_err *err)
{
    struct shoal_lua_instance *instance = calloc(1, sizeof *instance);
    if (!instance) {
        shoal_fail(err, SHOAL_EINTERNAL, "no memory for a Lua state");
        return NULL;
    }
    instance->owner = owner;
    instance->cap_bytes = cap_bytes;
    pthread_mutex_init(&instance->lock, NULL);
    instance->main = lua_newstate(allocate, instance);
    if (!instance->main) {
        shoal_fail(err, SHOAL_EINTERNAL, "no memory for a Lua state");
        shoal_lua_instance_free(instance);
        return NULL;
    }
    *(struct shoal_lua_instance **)lua_getextraspace(instance->main) = instance;
    lua_pushcfunction(instance->main, open_shoal);
    if (lua_pcall(instance->main, 0, 0, 0) != LUA_OK) {
        shoal_fail(err, SHOAL_EINTERNAL, "the Lua state does not start: %s",
            lua_tostring(instance->main, -1));
        shoal_lua_instance_free(instance);
        return NULL;
    }
    return instance;
}

void shoal_lua_instance_free(struct shoal_lua_instance *instance)
{
    if (!instance) {
        return;
    }
    if (instance->main) {
        lua_close(instance->main);
    }
    pthread_mutex_destroy(&instance->lock);
    free(instance);
}

int shoal_lua_instance_load(struct shoal_lua_instance *instance, struct shoal_call *call,
    struct shoal_err *err)
{
    struct shoal_plugin *plugin = instance->owner->plugin;
    const char *name = shoal_plugin_name(plugin);
    char path[4096], chunk[256];
    snprintf(path, sizeof path, "%s/%s.lua", shoal_plugin_folder(plugin), name);
    snprintf(chunk, sizeof chunk, "@%s.lua", name);
    struct shoal_buf source = {0};
    int code = shoal_file_read_whole(path, SOURCE_MAX, &source, err);
    if (code != 0) {
        return code;
    }
    struct shoal_lua_run run = {.instance = instance, .call = call};
    shoal_lua_lock(&run);
    lua_State *L = instance->main;
    if (luaL_loadbufferx(L, source.data ? source.data : "", source.length, chunk, "t") != LUA_OK) {
        code = shoal_fail(err, SHOAL_EINVAL, "%s", lua_tostring(L, -1));
    } else {
        code = shoal_lua_guarded(&run, L, 0, 2000, 10000, err);
    }
    lua_settop(L, 0);
    shoal_lua_unlock(&run);
    shoal_buf_fini(&source);
    return code;
}
