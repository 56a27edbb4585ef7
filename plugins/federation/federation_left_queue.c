// federation_left_queue.c - hands over to the plugin delivery what an earlier version had still to send.
//
// In lots, each of which is whole: a row is here or there. Activities come in the order in which they were
// said, each with all that waits of it before the next, so that what is said of one object keeps its order.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <ask.h>

#include "federation_left.h"

#define LOT 200

SHOAL_SQL(left_any,
    "SELECT COUNT(*) FROM (SELECT id FROM (SELECT id FROM federation_out LIMIT 1) AS said"
    " UNION ALL SELECT id FROM (SELECT id FROM federation_host LIMIT 1) AS host"
    " UNION ALL SELECT since FROM (SELECT since FROM federation_gone LIMIT 1) AS gone) AS any_left");
SHOAL_SQL(left_said,
    "SELECT id, given, actor_id, activity, body, plan, priority, replaces, subject, passed, is_spread, created"
    " FROM federation_out ORDER BY id LIMIT 1");
SHOAL_SQL(left_said_given, "UPDATE federation_out SET given = $2 WHERE id = $1");
SHOAL_SQL(left_said_done, "DELETE FROM federation_out WHERE id = $1");
SHOAL_SQL(left_waiting,
    "SELECT q.id, q.inbox, q.priority, q.replaces, q.subject, q.attempts, q.next, q.created, h.host,"
    " h.failures, h.silent_since, h.last_ok, h.last_error, h.next"
    " FROM federation_queue q JOIN federation_host h ON h.id = q.host_id WHERE q.out_id = $1"
    " ORDER BY q.id LIMIT 200");
SHOAL_SQL(left_waiting_done, "DELETE FROM federation_queue WHERE id = $1");
SHOAL_SQL(left_lost, "DELETE FROM federation_queue"); // of no activity: nothing could be sent
SHOAL_SQL(left_hosts_next, "SELECT id, host, failures, silent_since, last_ok, last_error, next"
                           " FROM federation_host ORDER BY id LIMIT 200");
SHOAL_SQL(left_host_done, "DELETE FROM federation_host WHERE id = $1");
SHOAL_SQL(left_gone, "SELECT inbox, since FROM federation_gone ORDER BY inbox LIMIT 200");
SHOAL_SQL(left_gone_done, "DELETE FROM federation_gone WHERE inbox = $1");

// Columns of a row as members, by one letter each: number, text, text or nothing, bool.
struct column {
    const char *name;
    char type;
};
static const struct column said_columns[] = {{"id", 'n'}, {"given", 'n'}, {"actor_id", 'n'},
    {"activity", 't'}, {"body", 't'}, {"plan", 't'}, {"priority", 'n'}, {"replaces", 't'},
    {"subject", 'n'}, {"passed", 't'}, {"is_spread", 'b'}, {"created", 'n'}, {NULL, 0}};
static const struct column waiting_columns[] = {{"id", 'n'}, {"inbox", 't'}, {"priority", 'n'},
    {"replaces", '?'}, {"subject", 'n'}, {"attempts", 'n'}, {"next", 'n'}, {"created", 'n'}, {"host", 't'},
    {"failures", 'n'}, {"silent_since", 'n'}, {"last_ok", 'n'}, {"last_error", 't'}, {"host_next", 'n'},
    {NULL, 0}};
static const struct column host_columns[] = {{"id", 'n'}, {"host", 't'}, {"failures", 'n'},
    {"silent_since", 'n'}, {"last_ok", 'n'}, {"last_error", 't'}, {"next", 'n'}, {NULL, 0}};
static const struct column gone_columns[] = {{"inbox", 't'}, {"since", 'n'}, {NULL, 0}};

// All rows of a statement, read before anything is written; NULL on an error.
static json_t *rows_read(struct shoal_db *tx, const struct shoal_sql *sql, const struct shoal_value *args,
    size_t count, const struct column *columns, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(tx, sql, args, count, err);
    json_t *list = json_array();
    while (rows != NULL && shoal_rows_next(rows)) {
        json_t *row = json_object();
        for (int i = 0; columns[i].name != NULL; i++) {
            char type = columns[i].type;
            json_t *value = type == 'n'   ? json_integer(shoal_col_i64(rows, i))
                            : type == 'b' ? json_boolean(shoal_col_bool(rows, i))
                            : type == '?' && shoal_col_null(rows, i)
                                ? json_null()
                                : json_string(shoal_col_text(rows, i));
            json_object_set_new(row, columns[i].name, value);
        }
        json_array_append_new(list, row);
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

struct lot {
    struct shoal_db *tx;
    bool is_more;
};

static int take(struct shoal_call *call, const struct lot *lot, const char *kind, const json_t *row,
    int64_t *id, struct shoal_err *err)
{
    return ASK(call, delivery, err, SHOAL_EBUSY, take, lot->tx, kind, row, id, ask.err);
}

static int waiting_give(struct shoal_call *call, const struct lot *lot, json_t *row, int64_t said,
    struct shoal_err *err)
{
    json_t *host = json_copy(row);
    json_object_set(host, "next", json_object_get(row, "host_next"));
    int code = take(call, lot, "host", host, NULL, err);
    json_decref(host);
    json_object_set_new(row, "said", json_integer(said));
    code = code != 0 ? code : take(call, lot, "waiting", row, NULL, err);
    return code != 0 ? code
                     : shoal_db_exec(lot->tx, &left_waiting_done,
                           SHOAL_ARGS(SHOAL_I64(shoal_integer(row, "id", 0))), NULL, err);
}

// The oldest activity, and the next of those that wait for it.
static int said_give(
    struct shoal_call *call, const struct lot *lot, const json_t *said, struct shoal_err *err)
{
    struct shoal_value id = SHOAL_I64(shoal_integer(said, "id", 0));
    int64_t given = shoal_integer(said, "given", 0);
    int code = 0;
    if (given == 0) {
        code = take(call, lot, "said", said, &given, err);
        code = code != 0 ? code
                         : shoal_db_exec(lot->tx, &left_said_given, SHOAL_ARGS(id, SHOAL_I64(given)),
                               NULL, err);
    }
    json_t *rows = code != 0 ? NULL
                             : rows_read(lot->tx, &left_waiting, SHOAL_ARGS(id), waiting_columns, err);
    code = code == 0 && rows == NULL ? SHOAL_EIO : code;
    size_t count = json_array_size(rows);
    for (size_t i = 0; i < count && code == 0; i++) {
        code = waiting_give(call, lot, json_array_get(rows, i), given, err);
    }
    json_decref(rows);
    return code != 0 || count == LOT
               ? code
               : shoal_db_exec(lot->tx, &left_said_done, SHOAL_ARGS(id), NULL, err);
}

// A lot of plain rows, which go when they are given. *count: how many.
static int plain_give(struct shoal_call *call, const struct lot *lot, const char *kind,
    const struct shoal_sql *next, const struct column *columns, const struct shoal_sql *done, size_t *count,
    struct shoal_err *err)
{
    json_t *rows = rows_read(lot->tx, next, SHOAL_NOARGS, columns, err);
    int code = rows == NULL ? SHOAL_EIO : 0;
    *count = json_array_size(rows);
    for (size_t i = 0; i < *count && code == 0; i++) {
        const json_t *row = json_array_get(rows, i);
        const json_t *key = json_object_get(row, columns[0].name);
        code = take(call, lot, kind, row, NULL, err);
        code = code != 0 ? code
                         : shoal_db_exec(lot->tx, done,
                               SHOAL_ARGS(json_is_string(key) ? SHOAL_TEXT(json_string_value(key))
                                                              : SHOAL_I64(json_integer_value(key))),
                               NULL, err);
    }
    json_decref(rows);
    return code;
}

static int lot_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct lot *lot = arg;
    lot->tx = tx;
    json_t *said = rows_read(tx, &left_said, SHOAL_NOARGS, said_columns, err);
    int code = said == NULL ? SHOAL_EIO : 0;
    size_t count = json_array_size(said);
    if (count > 0) {
        code = said_give(call, lot, json_array_get(said, 0), err);
    } else if (code == 0) {
        code = shoal_db_exec(tx, &left_lost, SHOAL_NOARGS, NULL, err);
        code = code != 0 ? code
                         : plain_give(call, lot, "host", &left_hosts_next, host_columns, &left_host_done,
                               &count, err);
        if (code == 0 && count == 0) {
            code = plain_give(call, lot, "gone", &left_gone, gone_columns, &left_gone_done, &count, err);
        }
    }
    json_decref(said);
    lot->is_more = count > 0;
    return code;
}

int fed_left_all(struct shoal_call *call, struct shoal_err *err)
{
    if (fed_left_nothing()) {
        return 0;
    }
    int64_t left = 0;
    int code = fed_left_keys(call, err);
    code = code != 0 ? code : shoal_db_i64(shoal_call_db(call), &left_any, SHOAL_NOARGS, &left, err);
    struct lot lot = {.is_more = left > 0};
    if (code == 0 && left > 0 && !ask_is_there("delivery")) {
        code = shoal_fail(err, SHOAL_EBUSY, "what waits to be sent waits for the plugin delivery");
    }
    while (code == 0 && lot.is_more) {
        code = shoal_tx(call, lot_tx, &lot, err);
    }
    return code;
}
