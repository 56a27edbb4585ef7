// lua_topics.c - shoal.publish and subscribe.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/context.h"
#include "host/lua/lua_priv.h"
#include "host/permissions.h"

struct subscriber {
    struct shoal_lua *lua;
    int slot;
};

struct message {
    const char *topic;
    const json_t *value;
};

static void need_topics(lua_State *L)
{
    struct shoal_err err = {0};
    const struct shoal_plugin *plugin = shoal_lua_running(L)->instance->owner->plugin;
    if (shoal_permission_need(plugin, "topics", NULL, &err) < 0) {
        luaL_error(L, "%s", err.text);
    }
}

/// shoal.publish("mine:room", value): to every subscriber and every request:events of that topic.
static int publish(lua_State *L)
{
    need_topics(L);
    shoal_publish(luaL_checkstring(L, 1), shoal_lua_hold(L, shoal_lua_take(L, 2)));
    return 0;
}

static int push_message(lua_State *L, void *user)
{
    struct message *message = user;
    shoal_lua_push(L, message->value);
    lua_pushstring(L, message->topic);
    return 2;
}

static void on_message(const char *topic, const json_t *value, void *arg)
{
    struct subscriber *subscriber = arg;
    struct message message = {topic, value};
    struct shoal_lua_entry entry = {.push = push_message, .user = &message};
    struct shoal_err err = {0};
    struct shoal_call call;
    shoal_call_init(&call);
    shoal_call_enter(&call, subscriber->lua->plugin);
    if (shoal_lua_enter(subscriber->lua, &call, subscriber->slot, &entry, &err) != 0) {
        shoal_error("topic %s: %s", topic, err.text);
    }
    shoal_call_leave(&call);
    shoal_call_fini(&call);
}

/// shoal.subscribe("video:UUID", function(message, topic) … end)
static int subscribe(lua_State *L)
{
    const char *topic = luaL_checkstring(L, 1);
    need_topics(L);
    int slot = shoal_lua_keep(L, 2);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct subscriber *subscriber =
        shoal_arena_alloc(shoal_plugin_arena(lua->plugin), sizeof *subscriber);
    *subscriber = (struct subscriber){lua, slot};
    if (shoal_subscribe(lua->plugin, topic, on_message, subscriber) == 0) {
        return luaL_error(L, "too many subscriptions");
    }
    return 0;
}

void shoal_lua_open_topics(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"publish", publish}, {"subscribe", subscribe}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
