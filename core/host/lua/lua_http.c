// lua_http.c - shoal.route, requests and answers, and requests to the server itself.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "host/lua/lua_priv.h"

#define REQUEST_KEY "shoal.request"

/// Lives in the plugin's arena.
struct route {
    struct shoal_lua *lua;
    int slot;
    int64_t cpu_ms, wall_ms;
};

/// The userdata behind `request`; it is good for the run that made it, however long Lua keeps it.
struct request_box {
    struct shoal_request *request;
    uint64_t serial;
};

struct handling {
    struct shoal_request *request;
    struct shoal_err *err;
};

static struct shoal_request *check_request(lua_State *L)
{
    struct request_box *box = luaL_checkudata(L, 1, REQUEST_KEY);
    luaL_argcheck(
        L, box->serial == shoal_lua_running(L)->serial, 1, "this request has been answered");
    return box->request;
}

static int push_text(lua_State *L, const char *text)
{
    if (text) {
        lua_pushstring(L, text);
    } else {
        lua_pushnil(L);
    }
    return 1;
}

/// text = request:method()
static int request_method(lua_State *L)
{
    return push_text(L, shoal_request_method(check_request(L)));
}

/// text = request:path()
static int request_path(lua_State *L)
{
    return push_text(L, shoal_request_path(check_request(L)));
}

/// text = request:param "name": of {name} in the path.
static int request_param(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    return push_text(L, shoal_request_param(request, luaL_checkstring(L, 2)));
}

/// text = request:query "name", or nil.
static int request_query(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    return push_text(L, shoal_request_query(request, luaL_checkstring(L, 2)));
}

/// list = request:query_all "name"
static int request_query_all(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    const char *const *values = shoal_request_query_all(request, luaL_checkstring(L, 2));
    lua_newtable(L);
    for (lua_Integer i = 0; values && values[i]; i++) {
        lua_pushstring(L, values[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/// text = request:header "accept": makes the answer private.
static int request_header(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    return push_text(L, shoal_request_header(request, luaL_checkstring(L, 2)));
}

/// text = request:cookie "name": makes the answer private.
static int request_cookie(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    return push_text(L, shoal_request_cookie(request, luaL_checkstring(L, 2)));
}

/// text = request:address(): of the client.
static int request_address(lua_State *L)
{
    return push_text(L, shoal_request_address(check_request(L)));
}

/// table = request:body(): JSON or a form's fields; raises on a broken one.
static int request_body(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    struct shoal_err err = {0};
    json_t *body = shoal_request_body(request, &err);
    if (!body) {
        lua_pushnil(L);
        lua_pushstring(L, err.text);
        return 2;
    }
    shoal_lua_push(L, body);
    return 1;
}

/// text = request:bytes(): the body as it came.
static int request_bytes(lua_State *L)
{
    size_t length = 0;
    const char *bytes = shoal_request_body_bytes(check_request(L), &length);
    lua_pushlstring(L, bytes ? bytes : "", bytes ? length : 0);
    return 1;
}

/// request:answer_header("name", "value"): before the answer.
static int answer_header(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    if (shoal_answer_header(request, luaL_checkstring(L, 2), luaL_checkstring(L, 3)) != 0) {
        return luaL_error(
            L, "header \"%s\" has characters that a header may not have", lua_tostring(L, 2));
    }
    return 0;
}

/// request:json(200, value)
static int answer_json(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    int status = (int)luaL_checkinteger(L, 2);
    shoal_answer_json(request, status, shoal_lua_take(L, 3));
    return 0;
}

/// request:answer(200, "text/plain", text)
static int answer_bytes(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    int status = (int)luaL_checkinteger(L, 2);
    const char *type = luaL_checkstring(L, 3);
    size_t length;
    const char *data = luaL_checklstring(L, 4, &length);
    shoal_answer_bytes(request, status, type, data, length);
    return 0;
}

/// request:status(204): an answer without a body.
static int answer_status(lua_State *L)
{
    shoal_answer_status(check_request(L), (int)luaL_checkinteger(L, 2));
    return 0;
}

/// request:redirect("/there"[, 302])
static int answer_redirect(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    shoal_answer_redirect(request, (int)luaL_optinteger(L, 3, 302), luaL_checkstring(L, 2));
    return 0;
}

/// request:events("hello:room"): server-sent events, one for each message of that topic.
static int answer_events(lua_State *L)
{
    struct shoal_request *request = check_request(L);
    struct shoal_err err = {0};
    int code = shoal_answer_events(request, luaL_checkstring(L, 2), NULL, NULL, &err);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

/// return request:fail(400, "sentence"): problem+json, or the error page.
static int answer_error(lua_State *L)
{
    check_request(L);
    lua_createtable(L, 0, 2);
    lua_pushvalue(L, 2);
    lua_setfield(L, -2, "status");
    lua_pushvalue(L, 3);
    lua_setfield(L, -2, "sentence");
    return 1;
}

static void open_request_class(lua_State *L)
{
    static const luaL_Reg methods[] = {{"method", request_method}, {"path", request_path},
        {"param", request_param}, {"query", request_query}, {"query_all", request_query_all},
        {"header", request_header}, {"cookie", request_cookie}, {"address", request_address},
        {"body", request_body}, {"bytes", request_bytes}, {"answer_header", answer_header},
        {"json", answer_json}, {"answer", answer_bytes}, {"status", answer_status},
        {"redirect", answer_redirect}, {"events", answer_events}, {"fail", answer_error},
        {NULL, NULL}};
    luaL_newmetatable(L, REQUEST_KEY);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
}

static int push_request(lua_State *L, void *user)
{
    struct handling *handling = user;
    struct request_box *box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = (struct request_box){handling->request, shoal_lua_running(L)->serial};
    luaL_setmetatable(L, REQUEST_KEY);
    return 1;
}

static int error_of_status(lua_Integer status)
{
    static const int codes[] = {
#define CODE(name, number, http, text) number,
        SHOAL_ERRORS(CODE)
#undef CODE
    };
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (shoal_error_status(codes[i]) == status) {
            return codes[i];
        }
    }
    return SHOAL_EINTERNAL;
}

/// What a handler may return: nothing (it answered), a table (200, JSON), or request:fail(…).
static void take_answer(lua_State *L, int results, void *user)
{
    struct handling *handling = user;
    if (results == 0 || lua_isnil(L, 1)) {
        return;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_getfield(L, 1, "sentence");
    lua_getfield(L, 1, "status");
    if (lua_isstring(L, -2) && lua_isinteger(L, -1)) {
        shoal_fail(handling->err, error_of_status(lua_tointeger(L, -1)), "%s", lua_tostring(L, -2));
        return;
    }
    lua_pop(L, 2);
    shoal_answer_json(handling->request, 200, shoal_lua_take(L, 1));
}

static int handle(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct route *route = arg;
    struct handling handling = {.request = request, .err = err};
    struct shoal_lua_entry entry = {
        push_request, take_answer, &handling, route->cpu_ms, route->wall_ms, false};
    int code = shoal_lua_enter(route->lua, call, route->slot, &entry, err);
    return code != 0 ? code : err->code;
}

static int option(lua_State *L, const char *name, const char *const *choices, int otherwise)
{
    const char *text = shoal_lua_field(L, 1, name);
    if (!text) {
        return otherwise;
    }
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) == 0) {
            return i;
        }
    }
    return luaL_error(L, "%s: \"%s\" is not one of its words", name, text);
}

/// shoal.route{ method, path, handler, auth, body, rate, cache_s, cors, timeout_ms, produces,
/// body_max_bytes, cpu_ms }: auth is optional, user, moderator, admin or none; body none, data or
/// files; rate api, login, register, write, search, page, ffmpeg, peer or none. The handler answers,
/// or returns a table (200, as JSON).
static int add_route(lua_State *L)
{
    static const char *const auths[] = {"optional", "user", "moderator", "admin", "none", NULL};
    static const char *const bodies[] = {"none", "data", "files", NULL};
    static const char *const rates[] = {
        "api", "login", "register", "write", "search", "page", "none", "ffmpeg", "peer", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    struct shoal_lua *lua = shoal_lua_running(L)->instance->owner;
    struct shoal_arena *arena = shoal_plugin_arena(lua->plugin);
    lua_getfield(L, 1, "handler");
    int slot = shoal_lua_keep(L, -1);
    if (!shoal_lua_registers(L)) {
        return 0;
    }
    const char *method = shoal_lua_field(L, 1, "method");
    const char *path = shoal_lua_field(L, 1, "path");
    const char *produces = shoal_lua_field(L, 1, "produces");
    luaL_argcheck(L, path, 1, "a route needs a path");
    int64_t timeout_ms = shoal_lua_field_int(L, 1, "timeout_ms", 10000);
    struct route *route = shoal_arena_alloc(arena, sizeof *route);
    *route = (struct route){lua, slot, shoal_lua_field_int(L, 1, "cpu_ms", 500), timeout_ms};
    bool is_get = !method || strcmp(method, "GET") == 0;
    struct shoal_route row = {
        .method = shoal_arena_strdup(arena, method ? method : "GET"),
        .path = shoal_arena_strdup(arena, path),
        .produces = produces ? shoal_arena_strdup(arena, produces) : NULL,
        .handler = handle,
        .arg = route,
        .auth = (enum shoal_auth)option(L, "auth", auths, SHOAL_AUTH_OPTIONAL),
        .body =
            (enum shoal_body)option(L, "body", bodies, is_get ? SHOAL_BODY_NONE : SHOAL_BODY_DATA),
        .body_max_bytes = (uint64_t)shoal_lua_field_int(L, 1, "body_max_bytes", 0),
        .timeout_ms = (uint32_t)timeout_ms,
        .rate =
            (enum shoal_rate)option(L, "rate", rates, is_get ? SHOAL_RATE_API : SHOAL_RATE_WRITE),
        .cache_s = (uint32_t)shoal_lua_field_int(L, 1, "cache_s", 0),
        .cors = shoal_lua_field_bool(L, 1, "cors"),
    };
    struct shoal_err err = {0};
    if (shoal_route_add(lua->plugin, &row, &err) != 0) {
        return shoal_lua_raise(L, &err);
    }
    return 0;
}

/// status, answer = shoal.api("GET", "/api/v1/videos?count=3", body)
static int call_api(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *method = luaL_checkstring(L, 1);
    const char *path = luaL_checkstring(L, 2);
    json_t *body = lua_isnoneornil(L, 3) ? NULL : shoal_lua_hold(L, shoal_lua_take(L, 3));
    int status = 0;
    json_t *answer = NULL;
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = shoal_inprocess(run->call, method, path, body, &status, &answer, &err);
    shoal_lua_lock(run);
    if (code != 0) {
        return shoal_lua_raise(L, &err);
    }
    lua_pushinteger(L, status);
    shoal_lua_give(L, answer);
    return 2;
}

/// who = shoal.viewer(): {kind, role, user_id, username} of whoever asks; kind is anonymous, user,
/// actor or system.
static int viewer(lua_State *L)
{
    static const char *const kinds[] = {"anonymous", "user", "actor", "system"};
    static const char *const roles[] = {"admin", "moderator", "user"};
    const struct shoal_viewer *who = shoal_call_viewer(shoal_lua_running(L)->call);
    lua_createtable(L, 0, 4);
    lua_pushstring(L, kinds[who->kind & 3]);
    lua_setfield(L, -2, "kind");
    if (who->kind == SHOAL_VIEWER_USER && who->role <= SHOAL_ROLE_USER) {
        lua_pushstring(L, roles[who->role]);
        lua_setfield(L, -2, "role");
        lua_pushinteger(L, who->user_id);
        lua_setfield(L, -2, "user_id");
        lua_pushstring(L, who->username);
        lua_setfield(L, -2, "username");
    }
    return 1;
}

void shoal_lua_open_http(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"route", add_route}, {"api", call_api}, {"viewer", viewer}, {NULL, NULL}};
    open_request_class(L);
    luaL_setfuncs(L, functions, 0);
}
