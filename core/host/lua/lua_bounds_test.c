// lua_bounds_test.c - nothing in Lua's library goes on for ever where no budget reaches it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "base/context.h"
#include "host/lua/lua_bounds.h"
#include "host/lua/lua_priv.h"

static int start(void **state)
{
    lua_State *L = luaL_newstate();
    *(struct shoal_lua_instance **)lua_getextraspace(L) = NULL;
    luaL_openlibs(L);
    shoal_lua_bound(L);
    *state = L;
    alarm(60); // an endless loop ends the test, as a failure
    return 0;
}

static int stop(void **state)
{
    alarm(0);
    lua_close(*state);
    return 0;
}

static void refuses(lua_State *L, const char *text, const char *why)
{
    lua_settop(L, 0);
    assert_int_not_equal(luaL_dostring(L, text), LUA_OK);
    const char *error = lua_tostring(L, -1);
    if (!strstr(error, why)) {
        fail_msg("%s: %s", text, error);
    }
}

static void gives(lua_State *L, const char *text, const char *wanted)
{
    lua_settop(L, 0);
    if (luaL_dostring(L, text) != LUA_OK) {
        fail_msg("%s: %s", text, lua_tostring(L, -1));
    }
    assert_string_equal(luaL_tolstring(L, -1, NULL), wanted);
}

static void finalisers_are_refused(void **state)
{
    refuses(*state, "setmetatable({}, {__gc = function() while true do end end})", "no __gc");
    refuses(*state, "setmetatable({}, {__gc = true})", "no __gc");
    gives(*state, "return setmetatable({}, {__index = {a = 1}}).a", "1");
    gives(*state, "return getmetatable(setmetatable(setmetatable({}, {}), nil))", "nil");
    refuses(*state, "setmetatable(1, {})", "table expected");
    refuses(*state, "setmetatable(setmetatable({}, {__metatable = 1}), {})", "protected");
}

static void finalisers_that_come_late_are_never_called(void **state)
{
    gives(*state,
        "local meta = {} setmetatable({}, meta) meta.__gc = function() while true do end end "
        "collectgarbage() return 'on'", "on");
}

static void repeating_nothing_ends(void **state)
{
    gives(*state, "return string.rep('', math.maxinteger)", "");
    gives(*state, "return (''):rep(1 << 60, '')", "");
    gives(*state, "return ('ab'):rep(3, '-')", "ab-ab-ab");
    gives(*state, "return ('ab'):rep(0)", "");
}

static void moves_at_most_a_million(void **state)
{
    refuses(*state, "table.move({}, 1, 1 << 60, 2)", "a million");
    refuses(*state, "table.move({}, math.mininteger, -2, 2)", "a million");
    refuses(*state, "table.move({}, math.mininteger, math.maxinteger, 2)", "a million");
    gives(*state, "return table.concat(table.move({1, 2, 3}, 2, 3, 1), ' ')", "2 3 3");
    gives(*state, "return #table.move({1, 2, 3}, 3, 2, 1)", "3");
}

static void lengths_that_are_made_up_are_refused(void **state)
{
    static const char *const texts[] = {"table.insert(%s, 1, 0)", "table.remove(%s, 1)",
        "table.sort(%s, math.type)"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        lua_State *L = *state;
        const char *endless = "setmetatable({}, {__len = function() return 1 << 30 end})";
        refuses(L, luaL_gsub(L, texts[i], "%s", endless), "without __len");
    }
    gives(*state,
        "local t = {3, 1} table.insert(t, 2) table.sort(t) table.remove(t, 1) "
        "return table.concat(t, ' ')", "2 3");
}

static int take(lua_State *L)
{
    json_t *value = shoal_lua_take(L, 1);
    lua_pushinteger(L, (lua_Integer)json_array_size(value));
    json_decref(value);
    return 1;
}

static void tables_that_hold_each_other_often_stay_small(void **state)
{
    lua_State *L = *state;
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_lua_instance instance = {.main = L, .cap_bytes = 64 << 20};
    struct shoal_lua_run run = {.instance = &instance,
        .call = &call,
        .cpu_end_us = INT64_MAX,
        .wall_end_ms = INT64_MAX};
    instance.current = &run;
    *(struct shoal_lua_instance **)lua_getextraspace(L) = &instance;
    lua_register(L, "take", take);
    refuses(L, "local t = {1} for i = 1, 30 do t = {t, t} end take(t)", "larger than 16 MiB");
    refuses(L, "local s = ('x'):rep(1 << 20) local t = {} for i = 1, 100 do t[i] = s end take(t)",
        "larger than 16 MiB");
    gives(L, "local t = {1, 2} for i = 1, 10 do t = {t, t} end return take(t)", "2");
    gives(L, "local t = {} for i = 1, 10000 do t[i] = 'word' end return take(t)", "10000");
    // Many values that are small enough each are too much in the end, and no pcall swallows that.
    refuses(L, "local s = ('x'):rep(1 << 20) while true do pcall(take, {s, s}) end", "not enough memory");
    shoal_call_fini(&call);
    *(struct shoal_lua_instance **)lua_getextraspace(L) = NULL;
}

static void joins_at_most_a_million(void **state)
{
    refuses(*state,
        "table.concat(setmetatable({}, {__index = table.concat}), '', 1, math.maxinteger)",
        "a million");
    refuses(*state, "table.concat(setmetatable({}, {__len = function() return 1 << 60 end}))",
        "a million");
    refuses(*state, "table.concat(7)", "table expected");
    refuses(*state, "table.concat({1, {}})", "invalid value");
    gives(*state, "return table.concat({1, 2, 3}) .. table.concat({1, 2, 3}, ' ', 2)", "1232 3");
    gives(*state, "return table.concat({1, 2, 3}, '-', 2, 3) .. table.concat({}, ',', 3, 1)", "2-3");
    gives(*state, "return table.concat(setmetatable({}, {__index = {'a', 'b'}}), '', 1, 2)", "ab");
}

static void arrays_take_another_metatable_and_keep_their_own_hidden(void **state)
{
    lua_State *L = *state;
    luaL_newmetatable(L, SHOAL_LUA_ARRAY);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    luaL_setmetatable(L, SHOAL_LUA_ARRAY);
    lua_setglobal(L, "array");
    gives(L, "return tostring(getmetatable(array))", "false");
    refuses(L, "setmetatable(array, {__gc = print})", "no __gc");
    refuses(L, "setmetatable(array, 7)", "nil or table");
    gives(L, "return setmetatable(array, {__index = {a = 1}}).a", "1");
    gives(L, "return tostring(getmetatable(setmetatable(array, nil)))", "nil");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_that_hold_each_other_often_stay_small, start, stop),
        cmocka_unit_test_setup_teardown(finalisers_are_refused, start, stop),
        cmocka_unit_test_setup_teardown(finalisers_that_come_late_are_never_called, start, stop),
        cmocka_unit_test_setup_teardown(repeating_nothing_ends, start, stop),
        cmocka_unit_test_setup_teardown(moves_at_most_a_million, start, stop),
        cmocka_unit_test_setup_teardown(joins_at_most_a_million, start, stop),
        cmocka_unit_test_setup_teardown(
            arrays_take_another_metatable_and_keep_their_own_hidden, start, stop),
        cmocka_unit_test_setup_teardown(lengths_that_are_made_up_are_refused, start, stop),
    };
    return cmocka_run_group_tests_name("lua_bounds", tests, NULL, NULL);
}
