// lua_catalog.c - shoal.video_get, video_list, channel_get and their kin.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "host/lua/lua_priv.h"

/// Pushes what a find or list gave: the value, or nil and the sentence.
static int push_found(lua_State *L, json_t *value, const struct shoal_err *err)
{
    if (!value) {
        lua_pushnil(L);
        lua_pushstring(L, err->text);
        return 2;
    }
    shoal_lua_give(L, value);
    return 1;
}

/// video, problem = shoal.video_get(id): as the call's viewer sees it; id, UUID or short UUID.
static int video_get(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *id = luaL_checkstring(L, 1);
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    json_t *value = shoal_video_get(run->call, id, NULL, &err);
    shoal_lua_lock(run);
    return push_found(L, value, &err);
}

static int list(
    lua_State *L, json_t *(*find)(struct shoal_call *, const json_t *, struct shoal_err *))
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    lua_settop(L, 1);
    json_t *query = lua_isnil(L, 1) ? shoal_lua_hold(L, json_object())
                                    : shoal_lua_hold(L, shoal_lua_take(L, 1));
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    json_t *value = find(run->call, query, &err);
    shoal_lua_lock(run);
    return push_found(L, value, &err);
}

/// list = shoal.video_list{ count = 10, sort = "-publishedAt", … }: {total, data}, as GET
/// /api/v1/videos.
static int video_list(lua_State *L)
{
    return list(L, shoal_video_list);
}

/// list = shoal.channel_list{ … }
static int channel_list(lua_State *L)
{
    return list(L, shoal_channel_list);
}

/// list = shoal.account_list{ … }
static int account_list(lua_State *L)
{
    return list(L, shoal_account_list);
}

static int by_handle(
    lua_State *L, json_t *(*find)(struct shoal_call *, const char *, struct shoal_err *))
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *handle = luaL_checkstring(L, 1);
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    json_t *value = find(run->call, handle, &err);
    shoal_lua_lock(run);
    return push_found(L, value, &err);
}

/// channel, problem = shoal.channel_get "name"
static int channel_get(lua_State *L)
{
    return by_handle(L, shoal_channel_get);
}

/// account, problem = shoal.account_get "name"
static int account_get(lua_State *L)
{
    return by_handle(L, shoal_account_get);
}

/// shoal.video_update(id, { name = "…", … }): fields as PUT /api/v1/videos/ID.
static int video_update(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *id = luaL_checkstring(L, 1);
    json_t *fields = shoal_lua_hold(L, shoal_lua_take(L, 2));
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = shoal_video_update(run->call, id, fields, &err);
    shoal_lua_lock(run);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

/// shoal.video_delete(id)
static int video_delete(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *id = luaL_checkstring(L, 1);
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = shoal_video_delete(run->call, id, &err);
    shoal_lua_lock(run);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

void shoal_lua_open_catalog(lua_State *L)
{
    static const luaL_Reg functions[] = {{"video_get", video_get}, {"video_list", video_list},
        {"video_update", video_update}, {"video_delete", video_delete},
        {"channel_get", channel_get}, {"channel_list", channel_list}, {"account_get", account_get},
        {"account_list", account_list}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
