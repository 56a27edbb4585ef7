// lua_string.c - string.find, match, gmatch and gsub on the bounded matcher; no string.dump.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "host/lua/lua_match.h"
#include "host/lua/lua_priv.h"

static void check_problem(lua_State *L, const struct shoal_match *m)
{
    if (m->problem) {
        shoal_lua_check(L);
        luaL_error(L, "%s", m->problem);
    }
}

static void push_capture(lua_State *L, struct shoal_match *m, int level, const char *from,
    const char *to)
{
    if (level >= m->level) {
        if (level != 0) {
            luaL_error(L, "invalid capture index %%%d", level + 1);
        }
        lua_pushlstring(L, from, (size_t)(to - from)); // no capture: the whole match
        return;
    }
    ptrdiff_t length = m->captures[level].length;
    if (length == -1) {
        luaL_error(L, "unfinished capture");
    }
    if (length == -2) {
        lua_pushinteger(L, m->captures[level].start - m->text + 1);
    } else {
        lua_pushlstring(L, m->captures[level].start, (size_t)length);
    }
}

static int push_captures(lua_State *L, struct shoal_match *m, const char *from, const char *to)
{
    int count = m->level == 0 && from ? 1 : m->level;
    luaL_checkstack(L, count, "too many captures");
    for (int i = 0; i < count; i++) {
        push_capture(L, m, i, from, to);
    }
    return count;
}

/// A start index as string.find counts: negative from the end, at least 1.
static size_t first_index(lua_Integer at, size_t length)
{
    if (at > 0) {
        return (size_t)at;
    }
    if (at == 0) {
        return 1;
    }
    return (size_t)-at > length ? 1 : length - (size_t)-at + 1;
}

static int find_or_match(lua_State *L, bool is_find)
{
    size_t length, pattern_length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    size_t start = first_index(luaL_optinteger(L, 3, 1), length) - 1;
    if (start > length) {
        lua_pushnil(L);
        return 1;
    }
    if (is_find && (lua_toboolean(L, 4) || !strpbrk(pattern, "^$*+?.([%-"))) {
        const char *found = memmem(text + start, length - start, pattern, pattern_length);
        if (!found) {
            lua_pushnil(L);
            return 1;
        }
        lua_pushinteger(L, found - text + 1);
        lua_pushinteger(L, found - text + (lua_Integer)pattern_length);
        return 2;
    }
    bool is_anchored = pattern_length > 0 && *pattern == '^';
    struct shoal_match m;
    shoal_match_init(&m, text, length, pattern + is_anchored, pattern_length - is_anchored);
    for (const char *at = text + start; at <= m.text_end; at++) {
        const char *end = shoal_match_at(&m, at);
        check_problem(L, &m);
        if (end) {
            if (!is_find) {
                return push_captures(L, &m, at, end);
            }
            lua_pushinteger(L, at - text + 1);
            lua_pushinteger(L, end - text);
            return 2 + push_captures(L, &m, NULL, NULL);
        }
        if (is_anchored) {
            break;
        }
    }
    lua_pushnil(L);
    return 1;
}

static int find(lua_State *L)
{
    return find_or_match(L, true);
}

static int match(lua_State *L)
{
    return find_or_match(L, false);
}

/// Upvalues: text, pattern, where the next attempt starts, where the last match ended (-1: none).
static int next_match(lua_State *L)
{
    size_t length, pattern_length;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &length);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_length);
    size_t start = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct shoal_match m;
    shoal_match_init(&m, text, length, pattern, pattern_length);
    for (const char *at = text + start; at <= m.text_end; at++) {
        const char *end = shoal_match_at(&m, at);
        check_problem(L, &m);
        if (end && end - text != last) {
            lua_pushinteger(L, end - text);
            lua_copy(L, -1, lua_upvalueindex(3));
            lua_replace(L, lua_upvalueindex(4));
            return push_captures(L, &m, at, end);
        }
    }
    return 0;
}

static int gmatch(lua_State *L)
{
    size_t length;
    luaL_checklstring(L, 1, &length);
    luaL_checkstring(L, 2);
    size_t start = first_index(luaL_optinteger(L, 3, 1), length) - 1;
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)(start > length ? length + 1 : start));
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/// Adds a replacement text with its %0 … %9.
static void add_text(lua_State *L, struct shoal_match *m, luaL_Buffer *out, const char *from,
    const char *to)
{
    size_t length;
    const char *text = lua_tolstring(L, 3, &length);
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '%') {
            luaL_addchar(out, text[i]);
            continue;
        }
        char next = ++i < length ? text[i] : '\0';
        if (next == '%') {
            luaL_addchar(out, '%');
        } else if (next == '0') {
            luaL_addlstring(out, from, (size_t)(to - from));
        } else if (next >= '1' && next <= '9') {
            push_capture(L, m, next - '1', from, to);
            luaL_tolstring(L, -1, NULL);
            lua_remove(L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
}

/// Adds what one match becomes: a text, or what a table or function says (nil and false keep it).
static void add_replacement(lua_State *L, struct shoal_match *m, luaL_Buffer *out, const char *from,
    const char *to)
{
    int type = lua_type(L, 3);
    if (type == LUA_TNUMBER || type == LUA_TSTRING) {
        add_text(L, m, out, from, to);
        return;
    }
    if (type == LUA_TTABLE) {
        push_capture(L, m, 0, from, to);
        lua_gettable(L, 3);
    } else {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(L, m, from, to), 1);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, from, (size_t)(to - from));
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(out);
}

static int gsub(lua_State *L)
{
    size_t length, pattern_length;
    const char *text = luaL_checklstring(L, 1, &length);
    const char *pattern = luaL_checklstring(L, 2, &pattern_length);
    int type = lua_type(L, 3);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE ||
        type == LUA_TFUNCTION, 3, "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)length + 1);
    bool is_anchored = pattern_length > 0 && *pattern == '^';
    struct shoal_match m;
    shoal_match_init(&m, text, length, pattern + is_anchored, pattern_length - is_anchored);
    const char *at = text, *last = NULL;
    lua_Integer count = 0;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    while (count < most) {
        const char *end = shoal_match_at(&m, at);
        check_problem(L, &m);
        if (end && end != last) {
            count++;
            add_replacement(L, &m, &out, at, end);
            at = last = end;
        } else if (at < m.text_end) {
            luaL_addchar(&out, *at);
            at++;
        } else {
            break;
        }
        if (is_anchored) {
            break;
        }
    }
    luaL_addlstring(&out, at, (size_t)(m.text_end - at));
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

void shoal_lua_open_string(lua_State *L)
{
    static const luaL_Reg functions[] = {{"find", find}, {"match", match}, {"gmatch", gmatch},
        {"gsub", gsub}, {NULL, NULL}};
    lua_getglobal(L, "string");
    luaL_setfuncs(L, functions, 0);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 1);
}
