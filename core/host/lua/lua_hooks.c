// lua_hooks.c - shoal.tell, filter, decide and their firing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "host/hooks_priv.h"
#include "host/lua/lua_priv.h"
#include "host/plugin_priv.h"

/// What a hook in C needs to find its function in Lua; lives as long as the plugin.
struct listener {
    struct shoal_lua *lua;
    int slot;
};

static struct listener *new_listener(lua_State *L, int slot)
{
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct listener *listener =
        shoal_arena_alloc(shoal_plugin_arena(lua->plugin), sizeof *listener);
    *listener = (struct listener){lua, slot};
    return listener;
}

static int push_event(lua_State *L, void *user)
{
    shoal_lua_push(L, user);
    return 1;
}

static int on_tell(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    struct listener *listener = arg;
    struct shoal_lua_entry entry = {.push = push_event, .user = (void *)(uintptr_t)event};
    return shoal_lua_enter(listener->lua, call, listener->slot, &entry, err);
}

struct filtering {
    json_t *value;
    json_t *result;
};

static int push_filtered(lua_State *L, void *user)
{
    shoal_lua_push(L, ((struct filtering *)user)->value);
    return 1;
}

/// A filter changes the value in place and returns nothing, or returns another.
static void take_filtered(lua_State *L, int results, void *user)
{
    struct filtering *filtering = user;
    filtering->result = shoal_lua_take(L, results == 0 || lua_isnil(L, 2) ? 1 : 2);
}

static int on_filter(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    struct listener *listener = arg;
    struct filtering filtering = {.value = *value};
    struct shoal_lua_entry entry = {
        .push = push_filtered, .take = take_filtered, .user = &filtering, .keeps = true};
    int code = shoal_lua_enter(listener->lua, call, listener->slot, &entry, err);
    if (code == 0 && filtering.result) {
        json_decref(*value);
        *value = filtering.result;
    }
    return code;
}

struct judging {
    json_t *event;
    enum shoal_verdict verdict;
    char sentence[512];
};

static int push_judged(lua_State *L, void *user)
{
    shoal_lua_push(L, ((struct judging *)user)->event);
    return 1;
}

/// Nothing or true: pass. false: refuse. What shoal.hold() and shoal.refuse() give: {verdict,
/// text}.
static void take_verdict(lua_State *L, int results, void *user)
{
    struct judging *judging = user;
    if (results == 0 || lua_isnil(L, 1)) {
        judging->verdict = SHOAL_PASS;
        return;
    }
    if (lua_isboolean(L, 1)) {
        judging->verdict = lua_toboolean(L, 1) ? SHOAL_PASS : SHOAL_REFUSE;
        return;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "verdict");
    lua_Integer verdict = luaL_checkinteger(L, -1);
    luaL_argcheck(L, verdict >= SHOAL_PASS && verdict <= SHOAL_ACCEPT, 1, "not a verdict");
    judging->verdict = (enum shoal_verdict)verdict;
    lua_getfield(L, 1, "sentence");
    snprintf(judging->sentence, sizeof judging->sentence, "%s", luaL_optstring(L, -1, ""));
}

/// An error in Lua is no verdict: the hook's failure rule answers.
static enum shoal_verdict on_decide(struct shoal_call *call, json_t *event, void *arg)
{
    struct listener *listener = arg;
    struct judging judging = {.event = event};
    struct shoal_lua_entry entry = {push_judged, take_verdict, &judging, 0, 0, false};
    struct shoal_err err = {0};
    if (shoal_lua_enter(listener->lua, call, listener->slot, &entry, &err) != 0) {
        shoal_error("%s", err.text);
        return SHOAL_VERDICT_FAILED;
    }
    if (judging.verdict == SHOAL_HOLD) {
        return shoal_hold(call, "%s", judging.sentence);
    }
    if (judging.verdict == SHOAL_REFUSE) {
        return shoal_refuse(call, "%s", judging.sentence);
    }
    return judging.verdict;
}

static int registered(lua_State *L, const char *hook, int code)
{
    if (code == 0) {
        return 0;
    }
    return luaL_error(L, "hook \"%s\": %s", hook,
        code == SHOAL_ENOTFOUND    ? "there is none of that name"
        : code == SHOAL_EFORBIDDEN ? "plugin.json does not list it"
        : code == SHOAL_EINVAL     ? "it is of another kind"
                                   : shoal_error_text(code));
}

/// shoal.tell("video.published", function(event) … end)
static int add_tell(lua_State *L)
{
    const char *hook = luaL_checkstring(L, 1);
    int slot = shoal_lua_keep(L, 2);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    return registered(L, hook, shoal_tell(plugin, hook, on_tell, new_listener(L, slot)));
}

/// shoal.filter("video.view", function(value) … end): change it, or return another.
static int add_filter(lua_State *L)
{
    const char *hook = luaL_checkstring(L, 1);
    int slot = shoal_lua_keep(L, 2);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    return registered(L, hook, shoal_filter(plugin, hook, on_filter, new_listener(L, slot)));
}

/// shoal.decide("video.publish", function(event) return shoal.hold "why" end): nothing to let it
/// pass.
static int add_decide(lua_State *L)
{
    const char *hook = luaL_checkstring(L, 1);
    int slot = shoal_lua_keep(L, 2);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    return registered(L, hook, shoal_decide(plugin, hook, on_decide, new_listener(L, slot)));
}

static int give_verdict(lua_State *L, enum shoal_verdict verdict)
{
    const char *sentence = luaL_optstring(L, 1, "");
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, verdict);
    lua_setfield(L, -2, "verdict");
    lua_pushstring(L, sentence);
    lua_setfield(L, -2, "sentence");
    return 1;
}

/// return shoal.hold "why": for a decide; a moderator will look at it.
static int hold(lua_State *L)
{
    return give_verdict(L, SHOAL_HOLD);
}

/// return shoal.refuse "why"
static int refuse(lua_State *L)
{
    return give_verdict(L, SHOAL_REFUSE);
}

/// return shoal.accept(): ends the asking; needs the permission moderation.override.
static int accept(lua_State *L)
{
    return give_verdict(L, SHOAL_ACCEPT);
}

/// The name of a hook of its own. What the core's say happened is the core's to say: with the hooks
/// of others a plugin could make up views, or judge what it may not.
static const char *own_hook(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct shoal_hook *hook = shoal_hook_find(name);
    if (hook && strcmp(hook->owner, shoal_lua_running(L)->instance->owner->plugin->id.name) != 0) {
        luaL_error(L, "hook \"%s\": it is fired by %s alone", name, hook->owner);
    }
    return name;
}

/// shoal.fire_tell("mine.done", payload): a hook of your manifest's "fires".
static int fire_tell(lua_State *L)
{
    const char *hook = own_hook(L);
    shoal_fire_tell(hook, shoal_lua_take(L, 2));
    return 0;
}

/// value = shoal.fire_filter("mine.shape", value)
static int fire_filter(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *hook = own_hook(L);
    json_t *value = shoal_lua_take(L, 2);
    shoal_lua_unlock(run);
    shoal_fire_filter(run->call, hook, &value);
    shoal_lua_lock(run);
    shoal_lua_give(L, value);
    return 1;
}

/// verdict, sentence = shoal.fire_decide("mine.begin", payload): "pass", "hold" or "refuse".
static int fire_decide(lua_State *L)
{
    static const char *const names[] = {"pass", "hold", "refuse", "accept"};
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *hook = own_hook(L);
    json_t *value = shoal_lua_hold(L, shoal_lua_take(L, 2));
    struct shoal_decision decision = {0};
    shoal_lua_unlock(run);
    shoal_fire_decide(run->call, hook, value, &decision);
    shoal_lua_lock(run);
    lua_pushstring(L, names[decision.verdict & 3]);
    lua_pushstring(L, decision.sentence);
    return 2;
}

static int let_go(lua_State *L,
    int (*act)(struct shoal_call *, const char *, const char *, const char *, struct shoal_err *))
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *hook = luaL_checkstring(L, 1);
    const char *subject = luaL_checkstring(L, 2);
    const char *sentence = luaL_optstring(L, 3, NULL);
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = act(run->call, hook, subject, sentence, &err);
    shoal_lua_lock(run);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

/// shoal.release("video.publish", "video:UUID"[, "why"]): lets go what you held; also days later.
static int release(lua_State *L)
{
    return let_go(L, shoal_release);
}

/// shoal.refuse_held("video.publish", "video:UUID"[, "why"])
static int refuse_held(lua_State *L)
{
    return let_go(L, shoal_refuse_held);
}

void shoal_lua_open_hooks(lua_State *L)
{
    static const luaL_Reg functions[] = {{"tell", add_tell}, {"filter", add_filter},
        {"decide", add_decide}, {"hold", hold}, {"refuse", refuse}, {"accept", accept},
        {"fire_tell", fire_tell}, {"fire_filter", fire_filter}, {"fire_decide", fire_decide},
        {"release", release}, {"refuse_held", refuse_held}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
