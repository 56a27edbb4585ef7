// lua_plugin.c - Lua as a language of plugins: loading, starting, stopping.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include "host/language.h"
#include "host/lua/lua_priv.h"
#include "host/plugin_priv.h"

#define MEMORY_BYTES (32 * 1024 * 1024)

/// The keys of a Lua plugin in shoal.lua that are the host's: instances (1 to 16), memory_mb.
static int64_t option(const struct shoal_plugin *plugin, const char *key, int64_t otherwise,
    int64_t most)
{
    int64_t value = shoal_integer(plugin->options, key, otherwise);
    return value < 1 ? 1 : value > most ? most : value;
}

static void unload(struct shoal_plugin *plugin)
{
    struct shoal_lua *lua = plugin->language_state;
    for (int i = 0; lua && i < lua->count; i++) {
        shoal_lua_instance_free(lua->instances[i]);
    }
    free(lua);
    plugin->language_state = NULL;
}

static int load(struct shoal_plugin *plugin, struct shoal_err *err)
{
    struct shoal_lua *lua = calloc(1, sizeof *lua);
    if (!lua) {
        return shoal_fail(err, SHOAL_EINTERNAL, "no memory for plugin %s", plugin->id.name);
    }
    lua->plugin = plugin;
    plugin->language_state = lua;
    int count = (int)option(plugin, "instances", 1, SHOAL_LUA_INSTANCES);
    size_t cap = (size_t)option(plugin, "memory_mb", MEMORY_BYTES / 1048576, 4096) * 1048576;
    for (; lua->count < count; lua->count++) {
        lua->instances[lua->count] = shoal_lua_instance_new(lua, cap, err);
        if (!lua->instances[lua->count]) {
            unload(plugin);
            return err ? err->code : SHOAL_EINTERNAL;
        }
    }
    return 0;
}

/// Every instance runs the file; the first one's registrations count.
static int start(struct shoal_plugin *plugin, struct shoal_err *err)
{
    struct shoal_lua *lua = plugin->language_state;
    struct shoal_call call;
    int code = 0;
    shoal_call_init(&call);
    shoal_call_enter(&call, plugin);
    for (int i = 0; i < lua->count && code == 0; i++) {
        code = shoal_lua_instance_load(lua->instances[i], &call, err);
        if (code == 0 && lua->instances[i]->slots != lua->instances[0]->slots) {
            code = shoal_fail(err, SHOAL_EINVAL,
                "%s registers other functions each time it is loaded: it cannot have instances",
                plugin->id.name);
        }
    }
    lua->is_started = code == 0;
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    return code;
}

const struct shoal_language shoal_language_lua = {
    .name = "lua", .suffix = ".lua", .load = load, .start = start, .unload = unload};
