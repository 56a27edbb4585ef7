// lua_test.c - a Lua plugin inside: bounds of memory and time, errors that leak nothing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>

#include <shoal/base.h>

#include "base/file.h"
#include "host/lua/lua_priv.h"
#include "host/plugin_priv.h"

/// A plugin with one file, loaded without a host: entries work, registering with the host does not.
struct fixture {
    char folder[64];
    struct shoal_plugin plugin;
    struct shoal_lua lua;
    struct shoal_call call;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/shoal-lua-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->plugin.id.name = "tested";
    fixture->plugin.folder = fixture->folder;
    fixture->plugin.arena = shoal_arena_new(0);
    fixture->lua.plugin = &fixture->plugin;
    fixture->lua.count = 1;
    shoal_call_init(&fixture->call);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    shoal_lua_instance_free(fixture->lua.instances[0]);
    shoal_call_fini(&fixture->call);
    shoal_arena_free(fixture->plugin.arena);
    shoal_tree_remove(fixture->folder, NULL);
    free(fixture);
    return 0;
}

static int load_with(struct fixture *fixture, const char *source, size_t cap, struct shoal_err *err)
{
    char path[128];
    snprintf(path, sizeof path, "%s/tested.lua", fixture->folder);
    assert_int_equal(shoal_file_write_whole(path, source, strlen(source), 0600, NULL), 0);
    fixture->lua.instances[0] = shoal_lua_instance_new(&fixture->lua, cap, err);
    assert_non_null(fixture->lua.instances[0]);
    return shoal_lua_instance_load(fixture->lua.instances[0], &fixture->call, err);
}

static void load(struct fixture *fixture, const char *source)
{
    struct shoal_err err = {0};
    if (load_with(fixture, source, 8 * 1024 * 1024, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

/// Keeps the global function `f` in slot 0.
static void keep(struct fixture *fixture)
{
    struct shoal_lua_run run = {.instance = fixture->lua.instances[0], .call = &fixture->call};
    shoal_lua_lock(&run);
    lua_State *L = run.instance->main;
    lua_getglobal(L, "f");
    assert_int_equal(shoal_lua_keep(L, lua_gettop(L)), 0);
    lua_settop(L, 0);
    shoal_lua_unlock(&run);
    fixture->lua.is_started = true;
}

static int push_value(lua_State *L, void *user)
{
    shoal_lua_push(L, *(json_t **)user);
    return 1;
}

static void take_value(lua_State *L, int results, void *user)
{
    json_t **value = user;
    json_decref(*value);
    *value = results > 0 ? shoal_lua_take(L, 1) : NULL;
}

static void values_come_back_as_they_went(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "function f(v) return v end");
    keep(fixture);
    const char *text =
        "{\"a\":[],\"b\":{},\"c\":null,\"d\":[1,2.5,\"x\",true,null],\"e\":{\"f\":\"\\u00e9\"}}";
    json_t *value = shoal_json_parse(text, strlen(text), NULL);
    json_t *before = json_deep_copy(value);
    struct shoal_lua_entry entry = {push_value, take_value, &value, 0, 0, false};
    struct shoal_err err = {0};
    assert_int_equal(shoal_lua_enter(&fixture->lua, &fixture->call, 0, &entry, &err), 0);
    assert_true(json_equal(before, value));
    json_decref(before);
    json_decref(value);
}

static void an_endless_loop_runs_out_of_time_even_under_pcall(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "function f() while true do pcall(function() while true do end end) end end");
    keep(fixture);
    struct shoal_lua_entry entry = {.cpu_ms = 30};
    struct shoal_err err = {0};
    assert_int_equal(
        shoal_lua_enter(&fixture->lua, &fixture->call, 0, &entry, &err), SHOAL_ETIMEOUT);
    assert_non_null(strstr(err.text, "ran out of time"));
    // The state is good for the next call.
    assert_int_equal(
        shoal_lua_enter(&fixture->lua, &fixture->call, 0, &entry, &err), SHOAL_ETIMEOUT);
}

static void memory_has_a_cap_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "function f() local t = {} while true do t[#t + 1] = ('x'):rep(10000) end end");
    keep(fixture);
    struct shoal_lua_entry entry = {.cpu_ms = 5000, .wall_ms = 20000};
    for (int i = 0; i < 3; i++) {
        struct shoal_err err = {0};
        assert_int_equal(
            shoal_lua_enter(&fixture->lua, &fixture->call, 0, &entry, &err), SHOAL_EINTERNAL);
        assert_true(fixture->lua.instances[0]->used_bytes <= 9 * 1024 * 1024);
    }
}

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

/// What C holds of the heap, Lua's states among it.
static size_t heap_bytes(void)
{
    return __sanitizer_get_current_allocated_bytes ? __sanitizer_get_current_allocated_bytes()
                                                   : mallinfo2().uordblks;
}

static void hooks_that_throw_keep_memory_flat(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "function f(v) local copy = { v, v } error({ deep = copy }) end");
    keep(fixture);
    json_t *value = json_pack("{s:s, s:[i,i]}", "name", "a", "list", 1, 2);
    struct shoal_lua_entry entry = {.push = push_value, .user = &value};
    size_t early = 0, early_heap = 0;
    for (int i = 0; i < 100000; i++) {
        struct shoal_call call;
        struct shoal_err err = {0};
        shoal_call_init(&call);
        assert_int_equal(shoal_lua_enter(&fixture->lua, &call, 0, &entry, &err), SHOAL_EINTERNAL);
        shoal_call_fini(&call);
        if (i == 1000) {
            lua_gc(fixture->lua.instances[0]->main, LUA_GCCOLLECT);
            early = fixture->lua.instances[0]->used_bytes;
            early_heap = heap_bytes();
        }
    }
    lua_gc(fixture->lua.instances[0]->main, LUA_GCCOLLECT);
    assert_true(fixture->lua.instances[0]->used_bytes <= early + 4096);
    assert_true(heap_bytes() <= early_heap + 65536); // less than a byte a call
    json_decref(value);
}

static void take_kept(lua_State *L, int results, void *user)
{
    *(int *)user += results;
    assert_int_equal(lua_gettop(L), results + 1);
    luaL_checkinteger(L, -1);
}

static int push_large(lua_State *L, void *user)
{
    (void)user;
    lua_createtable(L, 1000, 0);
    return 1;
}

/// Arguments that are kept for the results, as a filter's are, go with the call, however it ends.
static void what_a_call_keeps_goes_with_it(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "local n = 0 function f(v) n = n + 1 if n % 3 == 0 then error(v) end "
                  "if n % 3 == 1 then return 'no number' end return v, 1 end");
    keep(fixture);
    int results = 0;
    struct shoal_lua_entry entry = {
        .push = push_large, .take = take_kept, .user = &results, .keeps = true};
    for (int i = 0; i < 3000; i++) { // of 16 KB each: six times the cap
        struct shoal_call call;
        struct shoal_err err = {0};
        shoal_call_init(&call);
        int code = shoal_lua_enter(&fixture->lua, &call, 0, &entry, &err);
        assert_int_equal(code, i % 3 == 1 ? 0 : SHOAL_EINTERNAL);
        assert_null(strstr(err.text, "memory"));
        shoal_call_fini(&call);
    }
    assert_int_equal(results, 3000);
}

struct holding {
    struct fixture *fixture;
    atomic_bool holds, may_go;
};

static int push_and_hold(lua_State *L, void *user)
{
    (void)L;
    struct holding *holding = user;
    atomic_store(&holding->holds, true);
    while (!atomic_load(&holding->may_go)) {
        usleep(1000);
    }
    return 0;
}

static void *hold(void *arg)
{
    struct holding *holding = arg;
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_lua_entry entry = {
        .push = push_and_hold, .user = holding, .cpu_ms = 60000, .wall_ms = 60000};
    shoal_lua_enter(&holding->fixture->lua, &call, 0, &entry, NULL);
    shoal_call_fini(&call);
    return NULL;
}

/// Who waits for a state that another call works in waits no longer than its own call may last.
static void a_busy_plugin_is_not_waited_for_without_end(void **state)
{
    struct fixture *fixture = *state;
    struct holding holding = {.fixture = fixture};
    pthread_t thread;
    load(fixture, "function f() end");
    keep(fixture);
    assert_int_equal(pthread_create(&thread, NULL, hold, &holding), 0);
    while (!atomic_load(&holding.holds)) {
        usleep(1000);
    }
    struct shoal_lua_entry entry = {.wall_ms = 200};
    struct shoal_err err = {0};
    assert_int_equal(shoal_lua_enter(&fixture->lua, &fixture->call, 0, &entry, &err), SHOAL_EBUSY);
    assert_non_null(strstr(err.text, "busy"));
    atomic_store(&holding.may_go, true);
    entry.wall_ms = 20000;
    assert_int_equal(shoal_lua_enter(&fixture->lua, &fixture->call, 0, &entry, &err), 0);
    pthread_join(thread, NULL);
}

static void arrays_have_no_finaliser(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "local shoal = require 'shoal' local meta = getmetatable(shoal.array {})\n"
                  "assert(meta == false) assert(#setmetatable(shoal.array {1}, {}) == 1)");
}

static void errors_name_file_and_line(void **state)
{
    struct fixture *fixture = *state;
    struct shoal_err err = {0};
    assert_int_not_equal(load_with(fixture, "local x = 1\nlocal y = x +\n", 1 << 20, &err), 0);
    assert_non_null(strstr(err.text, "tested.lua:"));
}

static void modules_stay_in_the_folder(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    snprintf(path, sizeof path, "%s/part.lua", fixture->folder);
    assert_int_equal(shoal_file_write_whole(path, "return 7", 8, 0600, NULL), 0);
    load(fixture, "assert(require 'part' == 7) assert(require 'part' == 7)\n"
                  "for _, name in ipairs { '../x', '/etc/passwd', 'a..b', '.a', 'a/b', '' } do\n"
                  "  assert(not pcall(require, name), name)\nend");
}

static void bytecode_is_refused(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, "assert(load('return 1')() == 1)\n"
                  "assert(not load('\\27Lua\\84'))\n"
                  "assert(string.dump == nil and os == nil and io == nil and debug == nil)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_come_back_as_they_went, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_endless_loop_runs_out_of_time_even_under_pcall, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_has_a_cap_and_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hooks_that_throw_keep_memory_flat, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_call_keeps_goes_with_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_busy_plugin_is_not_waited_for_without_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(arrays_have_no_finaliser, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_name_file_and_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(modules_stay_in_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytecode_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
