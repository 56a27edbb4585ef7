// lua_settings.c - shoal.setting and instance_setting.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/lua/lua_priv.h"

/// value = shoal.setting "name": of a declared setting; sizes are bytes and times milliseconds.
static int setting(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *key = luaL_checkstring(L, 1);
    json_t *value = shoal_setting_json(run->instance->owner->plugin, key);
    shoal_lua_give(L, value);
    return 1;
}

/// value = shoal.instance_setting "instance.name"
static int instance_setting(lua_State *L)
{
    shoal_lua_give(L, shoal_instance_setting(luaL_checkstring(L, 1)));
    return 1;
}

void shoal_lua_open_settings(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"setting", setting}, {"instance_setting", instance_setting}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
