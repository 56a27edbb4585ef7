// lua_bounds.h - keeps Lua's own library within what budgets can reach.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_LUA_BOUNDS_H
#define SHOAL_CORE_HOST_LUA_BOUNDS_H
#include <lua.h>

/// Wraps the functions of an opened library that could be made endless.
void shoal_lua_bound(lua_State *L);

#endif
