// lua_value.c - JSON values as Lua values and back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <math.h>

#include "host/lua/lua_priv.h"

#define DEPTH_MAX 32
#define VALUE_BYTES ((size_t)64)
#define TAKE_BYTES  ((size_t)16 << 20) // of one value that leaves Lua
#define NULL_KEY  "shoal.null"
#define ARRAY_KEY SHOAL_LUA_ARRAY

static void push_array(lua_State *L, const json_t *value)
{
    size_t index;
    json_t *item;
    lua_createtable(L, (int)json_array_size(value), 0);
    json_array_foreach(value, index, item)
    {
        shoal_lua_push(L, item);
        lua_rawseti(L, -2, (lua_Integer)index + 1);
    }
    luaL_setmetatable(L, ARRAY_KEY); // an empty array stays one on its way back
}

static void push_object(lua_State *L, const json_t *value)
{
    const char *key;
    json_t *item;
    lua_createtable(L, 0, (int)json_object_size(value));
    json_object_foreach((json_t *)value, key, item)
    {
        shoal_lua_push(L, item);
        lua_setfield(L, -2, key);
    }
}

void shoal_lua_push(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, 4, "the value is too deep");
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_OBJECT:
        push_object(L, value);
        break;
    case JSON_ARRAY:
        push_array(L, value);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_NULL:
        lua_getfield(L, LUA_REGISTRYINDEX, NULL_KEY);
        break;
    }
}

json_t *shoal_lua_hold(lua_State *L, json_t *value)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    if (value) {
        shoal_arena_defer(shoal_call_arena(run->call), (void (*)(void *))json_decref, value);
    }
    return value;
}

static void drop(void *box)
{
    json_decref(*(json_t **)box);
}

void shoal_lua_give(lua_State *L, json_t *value)
{
    struct shoal_arena *arena = shoal_call_arena(shoal_lua_running(L)->call);
    json_t **box = shoal_arena_alloc(arena, sizeof *box);
    *box = value;
    shoal_arena_defer(arena, drop, box); // if there is no room for it in Lua
    shoal_lua_spend(L, VALUE_BYTES);
    shoal_lua_push(L, value);
    *box = NULL;
    json_decref(value);
}

static bool is_null(lua_State *L, int index)
{
    lua_getfield(L, LUA_REGISTRYINDEX, NULL_KEY);
    bool same = lua_rawequal(L, -1, index) != 0;
    lua_pop(L, 1);
    return same;
}

static bool is_array(lua_State *L, int index)
{
    if (lua_rawlen(L, index) > 0) {
        return true;
    }
    if (!lua_getmetatable(L, index)) {
        return false;
    }
    luaL_getmetatable(L, ARRAY_KEY);
    bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    return same;
}

static json_t *take_value(lua_State *L, int index, int depth, size_t *left);

/// Values land in a parent that the arena already holds, so an error on the way leaks nothing.
static void take_array(lua_State *L, int index, json_t *into, int depth, size_t *left)
{
    lua_Integer length = (lua_Integer)lua_rawlen(L, index);
    for (lua_Integer i = 1; i <= length; i++) {
        lua_rawgeti(L, index, i);
        json_array_append(into, take_value(L, lua_gettop(L), depth + 1, left));
        lua_pop(L, 1);
    }
}

static void take_object(lua_State *L, int index, json_t *into, int depth, size_t *left)
{
    lua_pushnil(L);
    while (lua_next(L, index)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            luaL_error(L, "a table with keys that are not text cannot become JSON");
        }
        json_object_set(into, lua_tostring(L, -2), take_value(L, lua_gettop(L), depth + 1, left));
        lua_pop(L, 1);
    }
}

static json_t *take_table(lua_State *L, int index, int depth, size_t *left)
{
    json_t *value = is_array(L, index) ? json_array() : json_object();
    shoal_lua_hold(L, value);
    if (json_is_array(value)) {
        take_array(L, index, value, depth, left);
    } else {
        take_object(L, index, value, depth, left);
    }
    return value;
}

/// What a value costs outside of Lua's memory. A table that stands in a table twice is copied twice:
/// thirty of them in each other would be a thousand million.
static void pay(lua_State *L, int index, size_t *left)
{
    size_t cost = VALUE_BYTES + (lua_type(L, index) == LUA_TSTRING ? lua_rawlen(L, index) : 0);
    if (cost > *left) {
        luaL_error(L, "a value is larger than %d MiB", (int)(TAKE_BYTES >> 20));
    }
    *left -= cost;
    shoal_lua_spend(L, cost);
}

/// Borrowed: the call's arena holds every value that this makes.
static json_t *take_value(lua_State *L, int index, int depth, size_t *left)
{
    pay(L, index, left);
    if (depth > DEPTH_MAX) {
        luaL_error(L, "a value is more than %d tables deep", DEPTH_MAX);
    }
    luaL_checkstack(L, 6, "the value is too deep");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return json_null();
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        if (lua_isinteger(L, index)) {
            return shoal_lua_hold(L, json_integer(lua_tointeger(L, index)));
        }
        if (!isfinite(lua_tonumber(L, index))) {
            luaL_error(L, "a number that is not finite cannot become JSON");
        }
        return shoal_lua_hold(L, json_real(lua_tonumber(L, index)));
    case LUA_TSTRING: {
        size_t length;
        const char *text = lua_tolstring(L, index, &length);
        json_t *value = json_stringn(text, length);
        if (!value) {
            luaL_error(L, "text that is not UTF-8 cannot become JSON");
        }
        return shoal_lua_hold(L, value);
    }
    case LUA_TTABLE:
        return is_null(L, index) ? json_null() : take_table(L, index, depth, left);
    default:
        if (is_null(L, index)) {
            return json_null();
        }
        luaL_error(L, "a %s cannot become JSON", luaL_typename(L, index));
        return NULL;
    }
}

json_t *shoal_lua_take(lua_State *L, int index)
{
    size_t left = TAKE_BYTES;
    return json_incref(take_value(L, lua_absindex(L, index), 0, &left));
}

const char *shoal_lua_field(lua_State *L, int index, const char *name)
{
    const char *copy = NULL;
    lua_getfield(L, index, name);
    if (lua_isstring(L, -1)) {
        size_t length;
        const char *text = lua_tolstring(L, -1, &length);
        shoal_lua_spend(L, length);
        copy = shoal_arena_strndup(shoal_call_arena(shoal_lua_running(L)->call), text, length);
    } else if (!lua_isnil(L, -1)) {
        luaL_error(L, "%s has to be text", name);
    }
    lua_pop(L, 1);
    return copy;
}

int64_t shoal_lua_field_int(lua_State *L, int index, const char *name, int64_t otherwise)
{
    lua_getfield(L, index, name);
    int64_t value = otherwise;
    if (!lua_isnil(L, -1)) {
        int is_number = 0;
        value = lua_tointegerx(L, -1, &is_number);
        if (!is_number) {
            luaL_error(L, "%s has to be a whole number", name);
        }
    }
    lua_pop(L, 1);
    return value;
}

bool shoal_lua_field_bool(lua_State *L, int index, const char *name)
{
    lua_getfield(L, index, name);
    bool value = lua_toboolean(L, -1) != 0;
    lua_pop(L, 1);
    return value;
}
