// lua_db.c - shoal.sql, query, exec and tx: statements are constants that the main file names.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "host/lua/lua_priv.h"

#define ARGS_MAX 32
#define TX_MAX   64

#define SQL_KEY "shoal.sql"

static const struct shoal_sql *check_sql(lua_State *L, int index)
{
    return *(const struct shoal_sql **)luaL_checkudata(L, index, SQL_KEY);
}

/// local find = shoal.sql "SELECT … WHERE id = $1": while the plugin starts, in the plugin's arena.
static int new_sql(lua_State *L)
{
    const char *text = luaL_checkstring(L, 1);
    shoal_lua_registers(L);
    struct shoal_arena *arena = shoal_plugin_arena(shoal_lua_running(L)->instance->owner->plugin);
    struct shoal_sql *sql = shoal_arena_alloc(arena, sizeof *sql);
    sql->text = shoal_arena_strdup(arena, text);
    sql->name = sql->text;
    const struct shoal_sql **box = lua_newuserdatauv(L, sizeof *box, 0);
    *box = sql;
    luaL_setmetatable(L, SQL_KEY);
    return 1;
}

static struct shoal_value take_value(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TNIL:
    case LUA_TLIGHTUSERDATA: // shoal.null
        return SHOAL_NULL;
    case LUA_TBOOLEAN:
        return SHOAL_BOOL(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return lua_isinteger(L, index) ? SHOAL_I64(lua_tointeger(L, index))
                                       : SHOAL_REAL(lua_tonumber(L, index));
    case LUA_TSTRING: {
        size_t length;
        const char *text = lua_tolstring(L, index, &length);
        shoal_lua_spend(L, length);
        char *copy =
            shoal_arena_try_copy(shoal_call_arena(shoal_lua_running(L)->call), text, length);
        if (!copy) {
            luaL_error(L, "not enough memory for a text of %d bytes", (int)length);
        }
        return (struct shoal_value){.type = SHOAL_TYPE_TEXT, .data = copy, .length = length};
    }
    default:
        luaL_error(L, "a %s cannot be an argument of a statement", luaL_typename(L, index));
        return SHOAL_NULL;
    }
}

/// Arguments first..last of the stack, in the call's arena.
static struct shoal_value *take_values(lua_State *L, int first, int last, size_t *count)
{
    *count = last >= first ? (size_t)(last - first + 1) : 0;
    luaL_argcheck(L, *count <= ARGS_MAX, first, "at most 32 arguments");
    struct shoal_value *values = shoal_arena_alloc(
        shoal_call_arena(shoal_lua_running(L)->call), (*count + 1) * sizeof *values);
    for (size_t i = 0; i < *count; i++) {
        values[i] = take_value(L, first + (int)i);
    }
    return values;
}

static size_t bytes_of(const json_t *row)
{
    size_t bytes = 0;
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)row, name, value) {
        bytes += 64 + (json_is_string(value) ? json_string_length(value) : 0);
    }
    return bytes;
}

/// rows = shoal.query(sql, …): an array of tables by column name, at most 10,000.
static int query(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const struct shoal_sql *sql = check_sql(L, 1);
    size_t count;
    struct shoal_value *values = take_values(L, 2, lua_gettop(L), &count);
    json_t *list = json_array();
    struct shoal_err err = {0};
    size_t most = run->instance->cap_bytes, taken = 0;
    shoal_lua_unlock(run);
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(run->call), sql, values, count, &err);
    int code = rows ? 0 : err.code;
    while (rows && json_array_size(list) < 10000 && taken <= most && shoal_rows_next(rows)) {
        json_t *row = shoal_row_json(rows);
        taken += bytes_of(row);
        json_array_append_new(list, row);
    }
    if (rows) {
        code = shoal_rows_close(rows, &err);
    }
    if (code == 0 && taken > most) {
        code = shoal_fail(&err, SHOAL_ETOOLARGE, "not enough memory for %zu rows and more",
            json_array_size(list));
    }
    shoal_lua_lock(run);
    if (code != 0) {
        json_decref(list);
        return shoal_lua_raise(L, &err);
    }
    shoal_lua_give(L, list);
    return 1;
}

/// The statements of one transaction; nothing of Lua runs inside it.
struct batch {
    struct {
        const struct shoal_sql *sql;
        struct shoal_value *values;
        size_t count;
    } steps[TX_MAX];
    int length;
    int64_t changed;
};

static int run_batch(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct batch *batch = arg;
    batch->changed = 0;
    for (int i = 0; i < batch->length; i++) {
        int64_t changed = 0;
        int code = shoal_db_exec(
            tx, batch->steps[i].sql, batch->steps[i].values, batch->steps[i].count, &changed, err);
        if (code != 0) {
            return code;
        }
        batch->changed += changed;
    }
    return 0;
}

static int commit(lua_State *L, struct batch *batch)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = shoal_tx(run->call, run_batch, batch, &err);
    shoal_lua_lock(run);
    if (code != 0) {
        return shoal_lua_raise(L, &err);
    }
    lua_pushinteger(L, batch->changed);
    return 1;
}

/// changed = shoal.exec(sql, …)
static int exec(lua_State *L)
{
    struct batch batch = {.length = 1};
    batch.steps[0].sql = check_sql(L, 1);
    batch.steps[0].values = take_values(L, 2, lua_gettop(L), &batch.steps[0].count);
    return commit(L, &batch);
}

/// changed = shoal.tx{ {sql, …}, {sql, …} }: all or none.
static int transact(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer length = (lua_Integer)lua_rawlen(L, 1);
    luaL_argcheck(L, length > 0 && length <= TX_MAX, 1, "1 to 64 statements");
    struct batch *batch =
        shoal_arena_alloc(shoal_call_arena(shoal_lua_running(L)->call), sizeof *batch);
    for (lua_Integer i = 1; i <= length; i++) {
        lua_settop(L, 1);
        lua_rawgeti(L, 1, i);
        luaL_checktype(L, 2, LUA_TTABLE);
        lua_Integer fields = luaL_len(L, 2);
        luaL_argcheck(L, fields >= 1 && fields <= ARGS_MAX, 1, "a statement and its arguments");
        luaL_checkstack(L, (int)fields + 4, NULL);
        for (lua_Integer field = 1; field <= fields; field++) {
            lua_rawgeti(L, 2, field);
        }
        batch->steps[i - 1].sql = check_sql(L, 3);
        batch->steps[i - 1].values = take_values(L, 4, 2 + (int)fields, &batch->steps[i - 1].count);
    }
    batch->length = (int)length;
    return commit(L, batch);
}

/// shoal.touch "mine": what is cached for visitors is made anew.
static int touch(lua_State *L)
{
    struct shoal_lua_run *run = shoal_lua_running(L);
    const char *epoch = luaL_checkstring(L, 1);
    struct shoal_err err = {0};
    shoal_lua_unlock(run);
    int code = shoal_touch(run->call, NULL, epoch, &err);
    shoal_lua_lock(run);
    return code == 0 ? 0 : shoal_lua_raise(L, &err);
}

void shoal_lua_open_db(lua_State *L)
{
    static const luaL_Reg functions[] = {{"sql", new_sql}, {"query", query}, {"exec", exec},
        {"tx", transact}, {"touch", touch}, {NULL, NULL}};
    luaL_newmetatable(L, SQL_KEY);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
