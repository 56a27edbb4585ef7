// plugin_kit.c - what the tests of a plugin can do with the host that runs it: kit.decide and its
// kin.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "cli/plugin_kit.h"

#include <stdio.h>
#include <string.h>

#include <shoal/base.h>

#include "base/file.h"
#include "data/data.h"
#include "host/host.h"
#include "host/lua/lua_priv.h"

#define SOURCE_MAX (1024 * 1024)
#define CPU_MS     20000
#define WALL_MS    60000
#define IDLE_MS    20000
#define MEMORY     (64 * 1024 * 1024)

static struct shoal_call *call_of(lua_State *L)
{
    return shoal_lua_running(L)->call;
}

/// verdict, sentence = kit.decide("video.publish", payload)
static int kit_decide(lua_State *L)
{
    static const char *const names[] = {"pass", "hold", "refuse", "accept"};
    const char *hook = luaL_checkstring(L, 1);
    json_t *payload = shoal_lua_hold(L, shoal_lua_take(L, 2));
    struct shoal_decision decision = {0};
    shoal_fire_decide(call_of(L), hook, payload, &decision);
    lua_pushstring(L, names[decision.verdict & 3]);
    lua_pushstring(L, decision.sentence);
    return 2;
}

/// value = kit.filter("video.view", value)
static int kit_filter(lua_State *L)
{
    const char *hook = luaL_checkstring(L, 1);
    json_t *value = shoal_lua_take(L, 2);
    shoal_fire_filter(call_of(L), hook, &value);
    shoal_lua_push(L, shoal_lua_hold(L, value));
    return 1;
}

/// Waits until no job is left to do; says so when one was parked.
static void wait_for_jobs(lua_State *L)
{
    int64_t end_ms = shoal_tick_ms() + IDLE_MS;
    shoal_host_tells_wait();
    for (;;) {
        struct shoal_err err = {0};
        json_t *waiting = shoal_lua_hold(L, shoal_jobs_list(call_of(L), "waiting", 0, 1, &err));
        json_t *active = shoal_lua_hold(L, shoal_jobs_list(call_of(L), "active", 0, 1, &err));
        json_t *parked = shoal_lua_hold(L, shoal_jobs_list(call_of(L), "parked", 0, 1, &err));
        if (json_array_size(parked) > 0) {
            luaL_error(L, "a job failed for good: %s",
                shoal_text(json_array_get(parked, 0), "error", "it does not say why"));
        }
        if (json_array_size(waiting) == 0 && json_array_size(active) == 0) {
            return;
        }
        if (shoal_tick_ms() > end_ms) {
            luaL_error(L, "jobs are still at work after 20 seconds: %s",
                shoal_text(json_array_get(waiting, 0), "error", ""));
        }
        shoal_call_sleep(call_of(L), 20);
    }
}

struct telling {
    const char *hook;
    const json_t *payload;
};

static int tell_durably(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct telling *telling = arg;
    return shoal_fire_durable(tx, telling->hook, telling->payload, err);
}

/// kit.tell("video.published", payload): returns when everybody has heard it.
static int kit_tell(lua_State *L)
{
    struct telling telling = {.hook = luaL_checkstring(L, 1)};
    telling.payload = shoal_lua_hold(L, shoal_lua_take(L, 2));
    struct shoal_err err = {0};
    if (shoal_tx(call_of(L), tell_durably, &telling, &err) != 0) {
        shoal_fire_tell(telling.hook, json_incref((json_t *)telling.payload)); // one in memory
    }
    wait_for_jobs(L);
    return 0;
}

/// kit.idle(): waits until the jobs that were added are done.
static int kit_idle(lua_State *L)
{
    wait_for_jobs(L);
    return 0;
}

/// The one user of the temporary instance: the administrator root.
static struct shoal_viewer root_viewer(lua_State *L)
{
    struct shoal_err err = {0};
    struct shoal_viewer viewer = {
        .kind = SHOAL_VIEWER_USER, .role = SHOAL_ROLE_ADMIN, .username = "root"};
    struct shoal_call call;
    shoal_call_init(&call);
    json_t *users = shoal_user_list(&call, NULL, &err);
    shoal_call_fini(&call);
    const json_t *user = json_array_get(json_object_get(users, "data"), 0);
    viewer.user_id = shoal_integer(user, "id", 0);
    viewer.account_id = shoal_integer(user, "account.id", 0);
    json_decref(users);
    if (viewer.user_id == 0) {
        luaL_error(L, "the administrator is not there: %s", err.text);
    }
    return viewer;
}

/// status, answer = kit.request("GET", "/words", body[, "root"]): as a stranger, or as the
/// administrator.
static int kit_request(lua_State *L)
{
    const char *method = luaL_checkstring(L, 1);
    const char *path = luaL_checkstring(L, 2);
    const char *as = luaL_optstring(L, 4, "");
    luaL_argcheck(L, !*as || strcmp(as, "root") == 0, 4, "there is no user but \"root\"");
    struct shoal_viewer viewer = {.kind = SHOAL_VIEWER_ANONYMOUS, .role = SHOAL_ROLE_USER};
    if (*as) {
        viewer = root_viewer(L);
    }
    json_t *body = lua_isnoneornil(L, 3) ? NULL : shoal_lua_hold(L, shoal_lua_take(L, 3));
    struct shoal_call call;
    struct shoal_err err = {0};
    int status = 0;
    json_t *answer = NULL;
    shoal_call_init(&call);
    call.viewer = viewer;
    int code = shoal_inprocess(&call, method, path, body, &status, &answer, &err);
    shoal_call_fini(&call);
    shoal_lua_hold(L, answer);
    if (code != 0) {
        return shoal_lua_raise(L, &err);
    }
    lua_pushinteger(L, status);
    shoal_lua_push(L, answer);
    return 2;
}

/// html = kit.slot("footer", data)
static int kit_slot(lua_State *L)
{
    const char *slot = luaL_checkstring(L, 1);
    json_t *data = shoal_lua_hold(L, shoal_lua_take(L, 2));
    struct shoal_buf html = {0};
    shoal_slot_render(call_of(L), slot, data, &html);
    lua_pushlstring(L, html.data ? html.data : "", html.length);
    shoal_buf_fini(&html);
    return 1;
}

/// equal(got, wanted): texts, numbers and booleans.
static int equal(lua_State *L)
{
    luaL_checkany(L, 2);
    if (lua_rawequal(L, 1, 2) || lua_compare(L, 1, 2, LUA_OPEQ)) {
        return 0;
    }
    const char *got = luaL_tolstring(L, 1, NULL);
    const char *wanted = luaL_tolstring(L, 2, NULL);
    return luaL_error(L, "got %s, wanted %s", got, wanted);
}

/// test("name", function(kit) … end): runs it at once.
static int run_test(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    struct shoal_test_counts *counts = lua_touserdata(L, lua_upvalueindex(1));
    lua_pushvalue(L, 2);
    lua_pushvalue(L, lua_upvalueindex(2));
    if (lua_pcall(L, 1, 0, 0) == LUA_OK) {
        counts->passed++;
        printf("ok - %s\n", name);
    } else {
        counts->failed++;
        printf("not ok - %s\n  %s\n", name, luaL_tolstring(L, -1, NULL));
    }
    return 0;
}

static int open_kit(lua_State *L)
{
    static const luaL_Reg functions[] = {{"decide", kit_decide}, {"filter", kit_filter},
        {"tell", kit_tell}, {"idle", kit_idle}, {"request", kit_request}, {"slot", kit_slot},
        {NULL, NULL}};
    void *counts = lua_touserdata(L, 1);
    lua_pushlightuserdata(L, counts);
    luaL_newlib(L, functions);
    lua_pushcclosure(L, run_test, 2);
    lua_setglobal(L, "test");
    lua_register(L, "equal", equal);
    return 0;
}

int shoal_plugin_kit_run(struct shoal_plugin *plugin, const char *path,
    struct shoal_test_counts *counts, struct shoal_err *err)
{
    struct shoal_lua lua = {.plugin = plugin, .is_started = true};
    struct shoal_buf source = {0};
    int code = shoal_file_read_whole(path, SOURCE_MAX, &source, err);
    struct shoal_lua_instance *instance =
        code == 0 ? shoal_lua_instance_new(&lua, MEMORY, err) : NULL;
    if (!instance) {
        shoal_buf_fini(&source);
        return code != 0 ? code : SHOAL_EINTERNAL;
    }
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_lua_run run = {.instance = instance, .call = &call};
    shoal_lua_lock(&run);
    lua_State *L = instance->main;
    lua_pushcfunction(L, open_kit);
    lua_pushlightuserdata(L, counts);
    code = shoal_lua_guarded(&run, L, 1, CPU_MS, WALL_MS, err);
    if (code == 0 && luaL_loadbufferx(L, source.data ? source.data : "", source.length,
                         shoal_arena_printf(shoal_call_arena(&call), "@%s", path), "t") != LUA_OK) {
        code = shoal_fail(err, SHOAL_EINVAL, "%s", lua_tostring(L, -1));
    } else if (code == 0) {
        code = shoal_lua_guarded(&run, L, 0, CPU_MS, WALL_MS, err);
    }
    shoal_lua_unlock(&run);
    shoal_call_fini(&call);
    shoal_lua_instance_free(instance);
    shoal_buf_fini(&source);
    return code;
}
