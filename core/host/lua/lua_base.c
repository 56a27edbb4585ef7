// lua_base.c - shoal.log, time, ids, JSON, text: what needs no other part of the server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "host/lua/lua_priv.h"

/// shoal.log("info", text): a line of the log; levels are debug, info, warn, error.
static int write_log(lua_State *L)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    int level = luaL_checkoption(L, 1, "info", levels);
    shoal_log((enum shoal_log_level)level, "%s", luaL_checkstring(L, 2));
    return 0;
}

/// ms = shoal.now_ms(): since 1970.
static int now_ms(lua_State *L)
{
    lua_pushinteger(L, shoal_now_ms());
    return 1;
}

/// text = shoal.time_format(ms): "2026-01-31T12:00:00.000Z", as the API writes times.
static int format_time(lua_State *L)
{
    char text[32];
    lua_pushstring(L, shoal_time_format(luaL_checkinteger(L, 1), text));
    return 1;
}

/// ms = shoal.time_parse(text), or nil.
static int parse_time(lua_State *L)
{
    int64_t time_ms = 0;
    if (shoal_time_parse(luaL_checkstring(L, 1), &time_ms) != 0) {
        return 0;
    }
    lua_pushinteger(L, time_ms);
    return 1;
}

/// text = shoal.uuid_new()
static int new_uuid(lua_State *L)
{
    char text[37];
    shoal_uuid_new(text);
    lua_pushstring(L, text);
    return 1;
}

/// text = shoal.random_hex(bytes): for secrets and names.
static int random_hex(lua_State *L)
{
    lua_Integer bytes = luaL_checkinteger(L, 1);
    luaL_argcheck(L, bytes > 0 && bytes <= 256, 1, "1 to 256 bytes");
    char text[513];
    shoal_random_hex(text, (size_t)bytes);
    lua_pushstring(L, text);
    return 1;
}

/// text = shoal.json_encode(value)
static int encode_json(lua_State *L)
{
    json_t *value = shoal_lua_hold(L, shoal_lua_take(L, 1));
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text) {
        return luaL_error(L, "the value cannot become JSON");
    }
    shoal_arena_defer(shoal_call_arena(shoal_lua_running(L)->call), free, text);
    shoal_lua_spend(L, strlen(text));
    lua_pushstring(L, text);
    return 1;
}

/// value, problem = shoal.json_decode(text): nil and a sentence for what is no JSON.
static int decode_json(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    struct shoal_err err = {0};
    json_t *value = shoal_json_parse(text, length, &err);
    if (!value) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    shoal_lua_give(L, value);
    return 1;
}

/// Runs one of the functions that append to a buffer.
static int append_text(lua_State *L, int (*append)(struct shoal_buf *, const char *))
{
    const char *text = luaL_checkstring(L, 1);
    struct shoal_buf buf = {0};
    if (append(&buf, text) != 0) {
        shoal_buf_fini(&buf);
        return luaL_error(L, "the text is too long");
    }
    shoal_arena_defer(shoal_call_arena(shoal_lua_running(L)->call), free, buf.data);
    shoal_lua_spend(L, buf.length);
    lua_pushlstring(L, buf.data ? buf.data : "", buf.length);
    return 1;
}

/// html = shoal.html_escape(text): for every text that goes into a slot.
static int escape_html(lua_State *L)
{
    return append_text(L, shoal_html_escape);
}

/// html = shoal.markdown(text): what a user wrote, made clean.
static int markdown(lua_State *L)
{
    return append_text(L, shoal_markdown);
}

/// text = shoal.url_encode(text): for a part of a path or query.
static int encode_url(lua_State *L)
{
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    shoal_lua_spend(L, 3 * length);
    lua_pushstring(L, shoal_url_encode(shoal_call_arena(shoal_lua_running(L)->call), text));
    return 1;
}

/// url = shoal.url("/w/…"): a path of this site as an absolute URL.
static int site_url(lua_State *L)
{
    size_t length;
    const char *path = luaL_checklstring(L, 1, &length);
    shoal_lua_spend(L, length + 256);
    lua_pushstring(L, shoal_url(shoal_lua_running(L)->call, path));
    return 1;
}

/// shoal.sleep(ms): other calls of the plugin run meanwhile.
static int sleep_ms(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    lua_Integer ms = luaL_checkinteger(L, 1);
    shoal_lua_unlock(run);
    int code = shoal_call_sleep(run->call, ms);
    shoal_lua_lock(run);
    lua_pushboolean(L, code == 0);
    return 1;
}

/// table = shoal.array(table): an empty one becomes [] in JSON, not {}.
static int array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_setmetatable(L, SHOAL_LUA_ARRAY);
    lua_settop(L, 1);
    return 1;
}

void shoal_lua_open_base(lua_State *L)
{
    static const luaL_Reg functions[] = {{"log", write_log}, {"now_ms", now_ms},
        {"time_format", format_time}, {"time_parse", parse_time}, {"uuid_new", new_uuid},
        {"random_hex", random_hex}, {"json_encode", encode_json}, {"json_decode", decode_json},
        {"html_escape", escape_html}, {"markdown", markdown}, {"url_encode", encode_url},
        {"url", site_url}, {"sleep", sleep_ms}, {"array", array}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
