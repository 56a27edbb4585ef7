// lua_fetch.c - shoal.fetch: other servers, through the guard.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_priv.h"

#define HEADERS_MAX 32

/// The table `headers` as "Name: value" lines.
static const char *const *take_headers(lua_State *L)
{
    struct shoal_arena *arena = shoal_call_arena(shoal_lua_running(L)->call);
    const char **headers = shoal_arena_alloc(arena, (HEADERS_MAX + 1) * sizeof *headers);
    int count = 0;
    lua_getfield(L, 1, "headers");
    if (lua_istable(L, -1)) {
        lua_pushnil(L);
        while (lua_next(L, -2)) {
            if (count == HEADERS_MAX || lua_type(L, -2) != LUA_TSTRING || !lua_isstring(L, -1)) {
                luaL_error(L, "headers has to be a table of at most %d texts", HEADERS_MAX);
            }
            headers[count++] =
                shoal_arena_printf(arena, "%s: %s", lua_tostring(L, -2), lua_tostring(L, -1));
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return headers;
}

/// answer, problem = shoal.fetch{ url, method, headers, body, max_bytes, timeout_ms, redirects }
static int fetch(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    struct shoal_fetch what = {
        .url = shoal_lua_field(L, 1, "url"),
        .method = shoal_lua_field(L, 1, "method"),
        .headers = take_headers(L),
        .max_bytes = (uint64_t)shoal_lua_field_int(L, 1, "max_bytes", 0),
        .timeout_ms = (uint32_t)shoal_lua_field_int(L, 1, "timeout_ms", 0),
        .redirects = (int)shoal_lua_field_int(L, 1, "redirects", 0),
    };
    luaL_argcheck(L, what.url, 1, "url is missing");
    lua_getfield(L, 1, "body");
    if (!lua_isnil(L, -1)) {
        what.body = luaL_checklstring(L, -1, &what.body_bytes);
    }
    struct shoal_fetched fetched = {0};
    struct shoal_err err = {0};
    shoal_lua_unlock(run); // the body stays on the stack, so it is not collected
    int code = shoal_fetch(run->call, &what, &fetched, &err);
    shoal_lua_lock(run);
    if (code != 0) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    shoal_lua_spend(L, fetched.body_bytes);
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, fetched.status);
    lua_setfield(L, -2, "status");
    lua_pushstring(L, fetched.type);
    lua_setfield(L, -2, "type");
    lua_pushstring(L, fetched.url);
    lua_setfield(L, -2, "url");
    lua_pushlstring(L, fetched.body, fetched.body_bytes);
    lua_setfield(L, -2, "body");
    return 1;
}

void shoal_lua_open_fetch(lua_State *L)
{
    static const luaL_Reg functions[] = {{"fetch", fetch}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
