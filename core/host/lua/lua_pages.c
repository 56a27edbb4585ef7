// lua_pages.c - shoal.slot, command-line verbs and metrics.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>

#include "host/lua/lua_priv.h"

struct filler {
    struct shoal_lua *lua;
    int slot;
};

struct filling {
    const json_t *data;
    struct shoal_buf *out;
};

static struct filler *new_filler(lua_State *L, int slot)
{
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct filler *filler = shoal_arena_alloc(shoal_plugin_arena(lua->plugin), sizeof *filler);
    *filler = (struct filler){lua, slot};
    return filler;
}

static int push_data(lua_State *L, void *user)
{
    shoal_lua_push(L, ((struct filling *)user)->data);
    return 1;
}

static void take_html(lua_State *L, int results, void *user)
{
    size_t length = 0;
    const char *html = results > 0 ? lua_tolstring(L, 1, &length) : NULL;
    if (html && shoal_buf_add(((struct filling *)user)->out, html, length) != 0) {
        luaL_error(L, "the slot's HTML is too long");
    }
}

static int fill(struct shoal_call *call, const char *slot, const json_t *data,
    struct shoal_buf *out, void *arg, struct shoal_err *err)
{
    (void)slot;
    struct filler *filler = arg;
    struct filling filling = {data, out};
    struct shoal_lua_entry entry = {push_data, take_html, &filling, 0, 0, false};
    return shoal_lua_enter(filler->lua, call, filler->slot, &entry, err);
}

/// shoal.slot("watch.below_player", function(data) return html end)
static int add_slot(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    int slot = shoal_lua_keep(L, 2);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    struct shoal_err err = {0};
    int code = shoal_slot_add(plugin, shoal_arena_strdup(shoal_plugin_arena(plugin), name), fill,
        new_filler(L, slot), &err);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

struct commanding {
    int argc;
    const char *const *argv;
    int exit_code;
};

static int push_arguments(lua_State *L, void *user)
{
    struct commanding *commanding = user;
    luaL_checkstack(L, commanding->argc + 4, "too many arguments");
    for (int i = 0; i < commanding->argc; i++) {
        lua_pushstring(L, commanding->argv[i]);
    }
    return commanding->argc;
}

/// A verb returns what it prints, and an exit code besides.
static void take_output(lua_State *L, int results, void *user)
{
    if (results > 0 && lua_isstring(L, 1)) {
        fprintf(stdout, "%s\n", lua_tostring(L, 1));
    }
    ((struct commanding *)user)->exit_code = (int)luaL_optinteger(L, 2, 0);
}

static int run_verb(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    struct filler *filler = arg;
    struct commanding commanding = {argc, argv, 0};
    struct shoal_lua_entry entry = {push_arguments, take_output, &commanding, 60000, 600000, false};
    struct shoal_err err = {0};
    if (shoal_lua_enter(filler->lua, call, filler->slot, &entry, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return commanding.exit_code;
}

/// shoal.cli("list", "lists the words", function(...) return text, exit_code end): text is a line
/// or more.
static int add_verb(lua_State *L)
{
    const char *verb = luaL_checkstring(L, 1);
    const char *help = luaL_checkstring(L, 2);
    int slot = shoal_lua_keep(L, 3);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    struct shoal_arena *arena = shoal_plugin_arena(plugin);
    int code = shoal_cli_add(plugin, shoal_arena_strdup(arena, verb),
        shoal_arena_strdup(arena, help), run_verb, new_filler(L, slot));
    const char *why = code == SHOAL_EFORBIDDEN ? "plugin.json lacks the permission \"cli\""
                                               : shoal_error_text(code);
    return code == 0 ? 0 : luaL_error(L, "verb \"%s\": %s", verb, why);
}

static struct shoal_metric *check_metric(lua_State *L)
{
    return *(struct shoal_metric **)luaL_checkudata(L, 1, "shoal.metric");
}

/// metric:add(n[, label]): of a counter.
static int metric_add(lua_State *L)
{
    struct shoal_metric *metric = check_metric(L);
    shoal_metric_add(metric, luaL_optstring(L, 3, NULL), luaL_optnumber(L, 2, 1));
    return 0;
}

/// metric:set(n[, label]): of a gauge.
static int metric_set(lua_State *L)
{
    struct shoal_metric *metric = check_metric(L);
    shoal_metric_set(metric, luaL_optstring(L, 3, NULL), luaL_checknumber(L, 2));
    return 0;
}

/// metric:observe(n[, label]): of a histogram.
static int metric_observe(lua_State *L)
{
    struct shoal_metric *metric = check_metric(L);
    shoal_metric_observe(metric, luaL_optstring(L, 3, NULL), luaL_checknumber(L, 2));
    return 0;
}

/// local seen = shoal.metric("words_seen", "counter", "Words that were found")
static int new_metric(lua_State *L)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram", NULL};
    const char *name = luaL_checkstring(L, 1);
    int kind = luaL_checkoption(L, 2, "counter", kinds);
    const char *help = luaL_checkstring(L, 3);
    const char *label = luaL_optstring(L, 4, NULL);
    bool registers = shoal_lua_registers(L);
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    struct shoal_arena *arena = shoal_plugin_arena(plugin);
    struct shoal_metric *metric = shoal_arena_alloc(arena, sizeof *metric);
    *metric = (struct shoal_metric){
        .name = shoal_arena_strdup(arena, name),
        .help = shoal_arena_strdup(arena, help),
        .kind = (enum shoal_metric_kind)kind,
        .label = label ? shoal_arena_strdup(arena, label) : NULL,
    };
    if (registers) {
        shoal_metric_add_to(plugin, metric);
    }
    struct shoal_metric **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = metric;
    luaL_setmetatable(L, "shoal.metric");
    return 1;
}

void shoal_lua_open_pages(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"add", metric_add}, {"set", metric_set}, {"observe", metric_observe}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"slot", add_slot}, {"cli", add_verb}, {"metric", new_metric}, {NULL, NULL}};
    luaL_newmetatable(L, "shoal.metric");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
