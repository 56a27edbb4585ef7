// lua_match_test.c - our matcher says what the library's says, and stops where that one would not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "host/lua/lua_match.h"
#include "host/lua/lua_priv.h"

static const struct {
    const char *text, *pattern;
} cases[] = {
    {"hello world", "o w"}, {"hello world", "wor"}, {"hello", "l+"}, {"hello", "(l)(l)"},
    {"hello", "^h"}, {"hello", "^e"}, {"hello", "o$"}, {"hello", "l$"}, {"", ""}, {"", "^$"},
    {"abc", ""}, {"  trim  ", "^%s*(.-)%s*$"}, {"key=value", "(%w+)=(%w*)"},
    {"2026-11-23", "(%d+)-(%d+)-(%d+)"}, {"f(a(b)c)d", "%b()"}, {"THE (quick) fox", "%f[%a]%a+"},
    {"THE (quick) fox", "%f[%l]%l+"}, {"aXbXc", "[^X]+"}, {"a]b", "[]]"}, {"a-b", "[a%-]+"},
    {"x^y", "[%^]"}, {"abc123", "[a-c]+[1-3]*"}, {"aaa", "a-b"}, {"aaab", "a-b"}, {"aab", "a?a?ab"},
    {"position", "()s"}, {"abab", "(ab)%1"}, {"abac", "(ab)%1"}, {"caf\xc3\xa9", "[\x80-\xff]+"},
    {"a.b", "%."}, {"tab\there", "%c"}, {"ab12!", "%w+%p"}, {"0x1F", "0x%x+"}, {"AbC", "%u%l%u"},
    {"$5", "%$%d"}, {"a$b", "$b"}, {"(x)", "[(]x[)]"}, {"aaa", "a*"}, {"line\nline", "l[^\n]*$"},
};

/// A state that belongs to no plugin.
static lua_State *new_state(void)
{
    lua_State *L = luaL_newstate();
    *(void **)lua_getextraspace(L) = NULL;
    return L;
}

/// Runs a function of a state's string library and leaves a text of all results on its stack.
static void run(lua_State *L, const char *function, const char *text, const char *pattern)
{
    lua_settop(L, 0);
    lua_getglobal(L, "string");
    lua_getfield(L, 1, function);
    lua_pushstring(L, text);
    lua_pushstring(L, pattern);
    int arguments = 2;
    if (strcmp(function, "gsub") == 0) {
        lua_pushstring(L, "<%0>");
        arguments = 3;
    }
    int status = lua_pcall(L, arguments, LUA_MULTRET, 0);
    lua_remove(L, 1);
    luaL_Buffer out;
    int count = lua_gettop(L);
    luaL_buffinit(L, &out);
    luaL_addstring(&out, status == LUA_OK ? "ok" : "error");
    for (int i = 1; status == LUA_OK && i <= count; i++) {
        luaL_addchar(&out, '|');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&out);
    }
    luaL_pushresult(&out);
}

static void agrees_with_the_library(void **state)
{
    (void)state;
    static const char *const functions[] = {"find", "match", "gsub"};
    lua_State *theirs = luaL_newstate(), *ours = new_state();
    luaL_openlibs(theirs);
    luaL_openlibs(ours);
    shoal_lua_open_string(ours);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t f = 0; f < 3; f++) {
            run(theirs, functions[f], cases[i].text, cases[i].pattern);
            run(ours, functions[f], cases[i].text, cases[i].pattern);
            if (strcmp(lua_tostring(theirs, -1), lua_tostring(ours, -1)) != 0) {
                fail_msg("%s(\"%s\", \"%s\"): %s, not %s", functions[f], cases[i].text,
                    cases[i].pattern, lua_tostring(ours, -1), lua_tostring(theirs, -1));
            }
        }
    }
    lua_close(theirs);
    lua_close(ours);
}

static void walks_all_matches(void **state)
{
    (void)state;
    lua_State *L = new_state();
    luaL_openlibs(L);
    shoal_lua_open_string(L);
    assert_int_equal(luaL_dostring(L,
        "local t = {} for k, v in ('a=1, b=2'):gmatch('(%w)=(%w)') do t[#t + 1] = k .. v end "
        "for e in ('abc'):gmatch('') do t[#t + 1] = '-' end return table.concat(t, ' ')"), LUA_OK);
    assert_string_equal(lua_tostring(L, -1), "a1 b2 - - - -");
    lua_close(L);
}

static void names_what_is_wrong_with_a_pattern(void **state)
{
    (void)state;
    static const char *const bad[] = {"%", "[a", "(a", "a)", "%b", "%f", "%1", "[%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lua_State *L = new_state();
        luaL_openlibs(L);
        shoal_lua_open_string(L);
        run(L, "match", "aaa", bad[i]);
        assert_string_equal(lua_tostring(L, -1), "error");
        lua_close(L);
    }
}

static void gives_up_on_a_pattern_that_explodes(void **state)
{
    (void)state;
    char text[3001];
    memset(text, 'a', 3000);
    text[3000] = '\0';
    static const char *const slow[] = {"(.-)(.-)(.-)(.-)x", "a*a*a*a*b", ".*.*.*.*x"};
    for (size_t i = 0; i < 3; i++) {
        struct shoal_match match;
        shoal_match_init(&match, text, 3000, slow[i], strlen(slow[i]));
        const char *found = NULL;
        for (const char *at = text; at <= text + 3000 && !found && !match.problem; at++) {
            found = shoal_match_at(&match, at);
        }
        assert_null(found);
        assert_non_null(match.problem);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_library),
        cmocka_unit_test(walks_all_matches),
        cmocka_unit_test(names_what_is_wrong_with_a_pattern),
        cmocka_unit_test(gives_up_on_a_pattern_that_explodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
