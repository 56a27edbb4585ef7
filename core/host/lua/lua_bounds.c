// lua_bounds.c - functions of Lua's library that could run on where no budget reaches them.
//
// Budgets are checked between instructions of Lua. A loop inside a C function has none, and inside a
// finaliser Lua switches the check off: what makes those endless is refused beforehand.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_bounds.h"

#include <stdbool.h>

#include <lauxlib.h>

#include "host/lua/lua_priv.h"

#define MOVE_MAX 1000000
#define LARGE    1000 // after so many elements the time is looked at

/// Calls the library's function, the upvalue, with the same arguments.
static int pass_on(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int set_metatable(lua_State *L)
{
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        bool has_finaliser = lua_rawget(L, 2) != LUA_TNIL;
        lua_pop(L, 1);
        luaL_argcheck(L, !has_finaliser, 2, "a plugin's tables have no __gc");
    }
    // That of arrays is hidden, but an array may be given another one.
    if ((lua_isnil(L, 2) || lua_istable(L, 2)) && lua_getmetatable(L, 1)) {
        luaL_getmetatable(L, SHOAL_LUA_ARRAY);
        bool is_array = lua_rawequal(L, -1, -2) != 0;
        lua_pop(L, 2);
        if (is_array) {
            lua_settop(L, 2);
            lua_setmetatable(L, 1);
            return 1;
        }
    }
    return pass_on(L);
}

/// Of nothing there is no end.
static int repeat(lua_State *L)
{
    size_t length, between;
    luaL_checklstring(L, 1, &length);
    luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &between);
    if (length + between == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    int results = pass_on(L);
    if (lua_rawlen(L, -1) > 100 * LARGE) {
        shoal_lua_check(L);
    }
    return results;
}

static bool is_few(lua_Integer first, lua_Integer last)
{
    return last < first || (first >= 0 ? last - first < MOVE_MAX : last < first + MOVE_MAX);
}

/// Passes on what may take long, and looks at the time: many such calls are few instructions.
static int pass_on_large(lua_State *L, bool is_large)
{
    int results = pass_on(L);
    if (is_large) {
        shoal_lua_check(L);
    }
    return results;
}

static int move(lua_State *L)
{
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    luaL_argcheck(
        L, is_few(first, last), 3, "at most a million elements are moved at once");
    return pass_on_large(L, last - first > LARGE);
}

/// What a metamethod makes up, even a function of this library, may be as many as it says.
static int concat(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer first = luaL_optinteger(L, 3, 1);
    lua_Integer last = lua_isnoneornil(L, 4) ? luaL_len(L, 1) : luaL_checkinteger(L, 4);
    luaL_argcheck(L, is_few(first, last), 1, "at most a million elements are joined at once");
    lua_settop(L, 3);
    lua_pushinteger(L, last);
    return pass_on_large(L, last - first > LARGE);
}

/// A table's own length is bounded by memory, what a metamethod says is not.
static int with_own_length(lua_State *L)
{
    if (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__len") != LUA_TNIL) {
        return luaL_argerror(L, 1, "its length has to be its own, without __len");
    }
    return pass_on_large(L, lua_rawlen(L, 1) > LARGE);
}

static void wrap(lua_State *L, int table, const char *name, lua_CFunction wrapper)
{
    table = lua_absindex(L, table);
    lua_getfield(L, table, name);
    lua_pushcclosure(L, wrapper, 1);
    lua_setfield(L, table, name);
}

void shoal_lua_bound(lua_State *L)
{
    lua_pushglobaltable(L);
    wrap(L, -1, "setmetatable", set_metatable);
    lua_getglobal(L, "string");
    wrap(L, -1, "rep", repeat);
    lua_getglobal(L, "table");
    wrap(L, -1, "move", move);
    wrap(L, -1, "concat", concat);
    wrap(L, -1, "insert", with_own_length);
    wrap(L, -1, "remove", with_own_length);
    wrap(L, -1, "sort", with_own_length);
    lua_pop(L, 3);
}
