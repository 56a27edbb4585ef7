// config_lua.c - evaluates shoal.lua in an environment that has env() and file() and nothing else.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <lauxlib.h>
#include <lua.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "host/config_priv.h"

#define MEMORY_MAX      (16u << 20)
#define STEPS_MAX       10000000
#define SECRET_FILE_MAX (64u << 10)
#define VALUE_DEPTH_MAX 16

struct memory {
    size_t used;
};

static void *allocate(void *user, void *old, size_t old_size, size_t size)
{
    struct memory *memory = user;
    size_t before = old ? old_size : 0;
    if (size == 0) {
        memory->used -= before;
        free(old);
        return NULL;
    }
    if (size > before && memory->used + (size - before) > MEMORY_MAX) {
        return NULL;
    }
    void *out = realloc(old, size);
    if (out) {
        memory->used += size - before;
    }
    return out;
}

static void too_long(lua_State *lua, lua_Debug *debug)
{
    lua_getinfo(lua, "Sl", debug);
    luaL_error(lua, "%s:%d: this takes too long to evaluate", debug->short_src, debug->currentline);
}

static int lua_env(lua_State *lua)
{
    const char *value = getenv(luaL_checkstring(lua, 1));
    if (value) {
        lua_pushstring(lua, value);
    } else {
        lua_pushnil(lua);
    }
    return 1;
}

static int lua_file(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    const char *folder = lua_tostring(lua, lua_upvalueindex(1));
    char path[4096];
    if (snprintf(path, sizeof(path), "%s%s%s", *name == '/' ? "" : folder, *name == '/' ? "" : "/",
            name) >= (int)sizeof(path)) {
        return luaL_error(lua, "the path of a file is too long");
    }
    struct shoal_buf text = {.limit = SECRET_FILE_MAX};
    struct shoal_err err = {0};
    int code = shoal_file_read_whole(path, SECRET_FILE_MAX, &text, &err);
    size_t length = text.length;
    while (length > 0 && (text.data[length - 1] == '\n' || text.data[length - 1] == '\r')) {
        length--;
    }
    if (code == 0) {
        lua_pushlstring(lua, text.data ? text.data : "", length);
    }
    shoal_buf_fini(&text);
    return code == 0 ? 1 : luaL_error(lua, "%s", err.text);
}

static json_t *to_json(lua_State *lua, int index, int depth, struct shoal_err *err);

static json_t *number_to_json(lua_State *lua, int index, struct shoal_err *err)
{
    if (lua_isinteger(lua, index)) {
        return json_integer(lua_tointeger(lua, index));
    }
    double number = lua_tonumber(lua, index);
    if (!isfinite(number)) {
        shoal_fail(err, SHOAL_EINVAL, "a number is not finite");
        return NULL;
    }
    return json_real(number);
}

/// Keys 1 to n alone make an array; anything else an object, whose places are named "1", "2".
static json_t *table_to_json(lua_State *lua, int index, int depth, struct shoal_err *err)
{
    lua_Unsigned length = lua_rawlen(lua, index);
    bool is_list = length > 0;
    json_t *object = json_object();
    json_t *list = json_array();
    lua_pushnil(lua);
    while (lua_next(lua, index)) {
        char place[32];
        const char *key = NULL;
        if (lua_type(lua, -2) == LUA_TSTRING) {
            key = lua_tostring(lua, -2);
            is_list = false;
        } else if (lua_isinteger(lua, -2)) {
            snprintf(place, sizeof(place), "%lld", (long long)lua_tointeger(lua, -2));
            key = place;
        }
        json_t *value = key ? to_json(lua, lua_gettop(lua), depth + 1, err) : NULL;
        if (!value || json_object_set_new(object, key, value) < 0) {
            shoal_fail(err && err->code ? NULL : err, SHOAL_EINVAL, "a table has a strange key");
            json_decref(object);
            json_decref(list);
            return NULL;
        }
        lua_pop(lua, 1);
    }
    is_list = is_list && json_object_size(object) == length;
    for (lua_Unsigned i = 1; is_list && i <= length; i++) {
        char place[32];
        snprintf(place, sizeof(place), "%llu", (unsigned long long)i);
        json_array_append(list, json_object_get(object, place));
    }
    json_decref(is_list ? object : list);
    return is_list ? list : object;
}

static json_t *to_json(lua_State *lua, int index, int depth, struct shoal_err *err)
{
    if (depth > VALUE_DEPTH_MAX || !lua_checkstack(lua, 8)) {
        shoal_fail(err, SHOAL_EINVAL, "tables are nested too deeply");
        return NULL;
    }
    size_t length = 0;
    json_t *value = NULL;
    switch (lua_type(lua, index)) {
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(lua, index));
    case LUA_TNUMBER:
        return number_to_json(lua, index, err);
    case LUA_TSTRING: {
        const char *text = lua_tolstring(lua, index, &length);
        value = strlen(text) == length ? json_stringn(text, length) : NULL;
        if (!value) {
            shoal_fail(err, SHOAL_EINVAL, "a text is not UTF-8");
        }
        return value;
    }
    case LUA_TTABLE:
        return table_to_json(lua, index, depth, err);
    default:
        shoal_fail(err, SHOAL_EINVAL, "a value is a %s", luaL_typename(lua, index));
        return NULL;
    }
}

/// [protected] Runs the chunk on the stack with its own globals and leaves them there.
static int run_chunk(lua_State *lua)
{
    size_t length = 0;
    const char *text = lua_tolstring(lua, 1, &length);
    if (luaL_loadbufferx(lua, text, length, lua_tostring(lua, 2), "t") != LUA_OK) {
        return lua_error(lua);
    }
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushcfunction(lua, lua_env);
    lua_setfield(lua, -2, "env");
    lua_pushvalue(lua, 3);
    lua_pushcclosure(lua, lua_file, 1);
    lua_setfield(lua, -2, "file");
    lua_newtable(lua);
    lua_pushvalue(lua, -2);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -3);
    lua_pop(lua, 1);
    lua_pushvalue(lua, -1);
    lua_setupvalue(lua, -3, 1);
    lua_insert(lua, -2);
    lua_call(lua, 0, 0);
    return 1;
}

json_t *shoal_config_evaluate(
    const char *text, size_t length, const char *name, const char *folder, struct shoal_err *err)
{
    struct memory memory = {0};
    lua_State *lua = lua_newstate(allocate, &memory);
    if (!lua) {
        shoal_fail(err, SHOAL_EINTERNAL, "no memory for the configuration");
        return NULL;
    }
    json_t *values = NULL;
    lua_sethook(lua, too_long, LUA_MASKCOUNT, STEPS_MAX);
    lua_pushcfunction(lua, run_chunk);
    lua_pushlstring(lua, text, length);
    lua_pushfstring(lua, "=%s", name);
    lua_pushstring(lua, folder);
    if (lua_pcall(lua, 3, 1, 0) != LUA_OK) {
        const char *why = lua_tostring(lua, -1);
        shoal_fail(err, SHOAL_EINVAL, "%s", why ? why : "the configuration cannot be evaluated");
    } else {
        lua_sethook(lua, NULL, 0, 0);
        struct shoal_err inner = {0};
        values = to_json(lua, lua_gettop(lua), 0, &inner);
        if (!values) {
            shoal_fail(err, SHOAL_EINVAL, "%s: %s", name, inner.text);
        }
    }
    lua_close(lua);
    return values;
}
