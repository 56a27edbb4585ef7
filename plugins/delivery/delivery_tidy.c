// delivery_tidy.c - what is too old or too much in the queues, and what administrators see of them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "delivery.h"

#define GONE_MS ((int64_t)7 * 24 * 3600 * 1000)
#define OVER_MAX 50 // hosts that are looked after in one turn
#define LIST_MAX 1000
#define AHEAD_MS ((int64_t)8 * 3600 * 1000) // further ahead nothing is put off: the clock was wrong
#define IDLE_MS ((int64_t)180 * 24 * 3600 * 1000)

SHOAL_SQL(tidy_old,
    "SELECT h.host, COUNT(*) FROM delivery_queue q JOIN delivery_host h ON h.id = q.host_id"
    " WHERE q.created < CAST($1 AS BIGINT) GROUP BY h.host ORDER BY h.host LIMIT 100");
SHOAL_SQL(tidy_old_remove, "DELETE FROM delivery_queue WHERE created < CAST($1 AS BIGINT)");
SHOAL_SQL(tidy_over,
    "SELECT q.host_id, (SELECT h.host FROM delivery_host h WHERE h.id = q.host_id), COUNT(*)"
    " FROM delivery_queue q GROUP BY q.host_id"
    " HAVING COUNT(*) > CAST($1 AS BIGINT) ORDER BY q.host_id LIMIT CAST($2 AS BIGINT)");
SHOAL_SQL(tidy_over_remove,
    "DELETE FROM delivery_queue WHERE id IN (SELECT id FROM delivery_queue WHERE host_id = $1"
    " ORDER BY priority DESC, id LIMIT CAST($2 AS BIGINT))");
SHOAL_SQL(tidy_outs,
    "DELETE FROM delivery_out WHERE id IN (SELECT o.id FROM delivery_out o WHERE o.is_spread = TRUE"
    " AND NOT EXISTS (SELECT 1 FROM delivery_queue q WHERE q.out_id = o.id))");
SHOAL_SQL(tidy_gone, "DELETE FROM delivery_gone WHERE since < CAST($1 AS BIGINT)");
SHOAL_SQL(tidy_idle, "UPDATE delivery_host SET due = 0 WHERE due > 0 AND holder = ''"
                     " AND NOT EXISTS (SELECT 1 FROM delivery_queue WHERE host_id = delivery_host.id)");
SHOAL_SQL(tidy_clock,
    "UPDATE delivery_host SET next = 0, due = CASE WHEN due > 0 THEN CAST($1 AS BIGINT) ELSE 0 END,"
    " holder = '', held_until = 0 WHERE next > CAST($2 AS BIGINT) OR due > CAST($2 AS BIGINT)"
    " OR held_until > CAST($2 AS BIGINT)");
SHOAL_SQL(tidy_clock_queue, "UPDATE delivery_queue SET next = 0 WHERE next > CAST($1 AS BIGINT)");
SHOAL_SQL(tidy_hosts,
    "DELETE FROM delivery_host WHERE due = 0 AND holder = '' AND last_ok < CAST($1 AS BIGINT)"
    " AND silent_since < CAST($1 AS BIGINT) AND (last_ok > 0 OR silent_since > 0)"
    " AND NOT EXISTS (SELECT 1 FROM delivery_queue WHERE host_id = delivery_host.id)");
SHOAL_SQL(tidy_lost,
    "UPDATE delivery_host SET due = CASE WHEN next > CAST($1 AS BIGINT) THEN next"
    " ELSE CAST($1 AS BIGINT) END WHERE due = 0"
    " AND EXISTS (SELECT 1 FROM delivery_queue q WHERE q.host_id = delivery_host.id)");
SHOAL_SQL(host_states,
    "SELECT COALESCE(SUM(CASE WHEN failures < 3 THEN 1 ELSE 0 END), 0),"
    " COALESCE(SUM(CASE WHEN failures >= 3 AND failures < 6 THEN 1 ELSE 0 END), 0),"
    " COALESCE(SUM(CASE WHEN failures >= 6 THEN 1 ELSE 0 END), 0) FROM delivery_host");
SHOAL_SQL(host_list,
    "SELECT host, failures, silent_since, last_ok, last_error, next,"
    " (SELECT COUNT(*) FROM delivery_queue q WHERE q.host_id = delivery_host.id)"
    " FROM delivery_host WHERE CAST($1 AS TEXT) = '' OR host = CAST($1 AS TEXT)"
    " ORDER BY failures DESC, host LIMIT CAST($2 AS BIGINT) OFFSET CAST($3 AS BIGINT)");
SHOAL_SQL(host_retry,
    "UPDATE delivery_host SET next = 0, due = $2, holder = '', held_until = 0 WHERE host = $1"
    " RETURNING id");
SHOAL_SQL(host_retry_queue, "UPDATE delivery_queue SET next = 0 WHERE host_id = $1 AND next > 0");

/// After a clock that was ahead is right again nobody waits for the time that it showed.
static int clock_mend(struct shoal_db *tx, int64_t now, struct shoal_err *err)
{
    int64_t mended = 0;
    int code = shoal_db_exec(
        tx, &tidy_clock, SHOAL_ARGS(SHOAL_I64(now), SHOAL_I64(now + AHEAD_MS)), &mended, err);
    return code != 0 || mended == 0
               ? code
               : shoal_db_exec(tx, &tidy_clock_queue, SHOAL_ARGS(SHOAL_I64(now + AHEAD_MS)), NULL, err);
}

static int old_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *before = arg;
    int64_t now = shoal_now_ms();
    int code =
        shoal_db_exec(tx, &tidy_old_remove, SHOAL_ARGS(SHOAL_I64(*before)), NULL, err);
    code = code != 0 ? code : shoal_db_exec(tx, &tidy_outs, SHOAL_NOARGS, NULL, err);
    code = code != 0 ? code
                     : shoal_db_exec(
                           tx, &tidy_gone, SHOAL_ARGS(SHOAL_I64(now - GONE_MS)), NULL, err);
    code = code != 0 ? code : shoal_db_exec(tx, &tidy_idle, SHOAL_NOARGS, NULL, err);
    code = code != 0 ? code
                     : shoal_db_exec(tx, &tidy_hosts, SHOAL_ARGS(SHOAL_I64(now - IDLE_MS)), NULL, err);
    code = code != 0 ? code : clock_mend(tx, now, err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &tidy_lost, SHOAL_ARGS(SHOAL_I64(now)), NULL, err);
}

/// The follower stays; what it was not told in all that time is not told any more.
static int remove_old(struct shoal_call *call, struct shoal_err *err)
{
    int64_t before = shoal_now_ms() - shoal_setting_i64(dlv_plugin, "keep");
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &tidy_old, SHOAL_ARGS(SHOAL_I64(before)), err);
    while (rows != NULL && shoal_rows_next(rows)) {
        shoal_warn("%s could not be reached: %lld deliveries to it are given up",
            shoal_col_text(rows, 0), (long long)shoal_col_i64(rows, 1));
        shoal_metric_add(&dlv_metric_failed, "too old", (double)shoal_col_i64(rows, 1));
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 ? code : shoal_tx(call, old_tx, &before, err);
}

struct over {
    int64_t ids[OVER_MAX], counts[OVER_MAX];
    int count;
};

static int over_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct over *over = arg;
    int code = 0;
    for (int i = 0; i < over->count && code == 0; i++) {
        code = shoal_db_exec(tx, &tidy_over_remove,
            SHOAL_ARGS(SHOAL_I64(over->ids[i]), SHOAL_I64(over->counts[i])), NULL, err);
    }
    return code;
}

static int remove_over(struct shoal_call *call, struct shoal_err *err)
{
    struct over over = {.count = 0};
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &tidy_over,
        SHOAL_ARGS(SHOAL_I64(DLV_QUEUE_MAX), SHOAL_I64(OVER_MAX)), err);
    while (rows != NULL && shoal_rows_next(rows) && over.count < OVER_MAX) {
        over.ids[over.count] = shoal_col_i64(rows, 0);
        over.counts[over.count] = shoal_col_i64(rows, 2) - DLV_QUEUE_MAX;
        shoal_warn("more than %d deliveries wait for %s: %lld of the least urgent are given up",
            DLV_QUEUE_MAX, shoal_col_text(rows, 1), (long long)over.counts[over.count]);
        shoal_metric_add(&dlv_metric_failed, "too many", (double)over.counts[over.count++]);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 || over.count == 0 ? code : shoal_tx(call, over_tx, &over, err);
}

static void count_all(struct shoal_call *call)
{
    int64_t waiting = 0, hosts = 0;
    dlv_queue_count(call, &waiting, &hosts);
    shoal_metric_set(&dlv_metric_waiting, NULL, (double)waiting);
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &host_states, SHOAL_NOARGS, NULL);
    if (rows != NULL && shoal_rows_next(rows)) {
        static const char *const states[] = {"well", "slow", "down"};
        for (int i = 0; i < 3; i++) {
            shoal_metric_set(&dlv_metric_hosts, states[i], (double)shoal_col_i64(rows, i));
        }
    }
    shoal_rows_close(rows, NULL);
}

static int wake_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *at = arg;
    return dlv_queue_wake(tx, *at, NULL, err);
}

int dlv_queue_tidy(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    int code = remove_old(call, err);
    code = code != 0 ? code : remove_over(call, err);
    count_all(call);
    int64_t due = dlv_queue_next_due(call);
    return code == 0 && due > 0 && dlv_enabled(call) ? shoal_tx(call, wake_tx, &due, err) : code;
}

json_t *dlv_hosts(struct shoal_call *call, const char *host, int start, int count,
    struct shoal_err *err)
{
    int most = count < 0 ? 0 : count > LIST_MAX ? LIST_MAX : count;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &host_list,
        SHOAL_ARGS(SHOAL_TEXT(host != NULL ? host : ""), SHOAL_I64(host != NULL ? 1 : most),
            SHOAL_I64(host != NULL || start < 0 ? 0 : start)),
        err);
    json_t *list = json_array();
    while (rows != NULL && shoal_rows_next(rows)) {
        json_array_append_new(list,
            json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:I}", "host", shoal_col_text(rows, 0),
                "state", dlv_breaker_state(shoal_col_i64(rows, 1)), "waiting",
                (json_int_t)shoal_col_i64(rows, 6), "failures", (json_int_t)shoal_col_i64(rows, 1),
                "silent_since_ms", (json_int_t)shoal_col_i64(rows, 2), "last_ok_ms",
                (json_int_t)shoal_col_i64(rows, 3), "last_error", shoal_col_text(rows, 4), "next_ms",
                (json_int_t)shoal_col_i64(rows, 5)));
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        json_decref(list);
        return NULL;
    }
    size_t i;
    json_t *each;
    json_array_foreach(list, i, each)
    {
        if (dlv_shuns(call, shoal_text(each, "host", ""))) {
            json_object_set_new(each, "state", json_string("blocked"));
            json_object_set_new(each, "next_ms", json_integer(0));
        }
    }
    return list;
}

static int retry_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const char *host = arg;
    int64_t id = 0, now = shoal_now_ms();
    int code = shoal_db_i64(
        tx, &host_retry, SHOAL_ARGS(SHOAL_TEXT(host), SHOAL_I64(now)), &id, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "nothing was ever sent to %.200s", host);
    }
    code = code != 0 ? code
                     : shoal_db_exec(tx, &host_retry_queue, SHOAL_ARGS(SHOAL_I64(id)), NULL, err);
    return code != 0 ? code : dlv_queue_wake(tx, now, NULL, err);
}

int dlv_host_retry(struct shoal_call *call, const char *host, struct shoal_err *err)
{
    return dlv_shuns(call, host) ? shoal_fail(err, SHOAL_ECONFLICT, "%.200s is blocked here", host)
                                 : shoal_tx(call, retry_tx, (void *)(uintptr_t)host, err);
}
