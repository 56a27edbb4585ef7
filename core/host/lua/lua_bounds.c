// lua_bounds.c - functions of Lua's library that could run on where no budget reaches them.
//
// Budgets are checked between instructions of Lua. A loop inside a C function has none, and inside a
// finaliser Lua switches the check off: what makes those endless is refused beforehand.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_bounds.h"

#include <stdbool.h>

#include <lauxlib.h>

#define MOVE_MAX 1000000

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
    return pass_on(L);
}

static int move(lua_State *L)
{
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    bool is_few = last < first || (first >= 0 ? last - first < MOVE_MAX
                                              : last < first + MOVE_MAX);
    luaL_argcheck(L, is_few, 3, "at most a million elements are moved at once");
    return pass_on(L);
}

/// A table's own length is bounded by memory, what a metamethod says is not.
static int with_own_length(lua_State *L)
{
    if (lua_istable(L, 1) && luaL_getmetafield(L, 1, "__len") != LUA_TNIL) {
        return luaL_argerror(L, 1, "its length has to be its own, without __len");
    }
    return pass_on(L);
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
    wrap(L, -1, "insert", with_own_length);
    wrap(L, -1, "remove", with_own_length);
    wrap(L, -1, "sort", with_own_length);
    lua_pop(L, 3);
}
