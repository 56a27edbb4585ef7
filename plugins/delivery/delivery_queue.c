// delivery_queue.c - what waits for each host, in the order of priority and age; who sends to it now.
//
// A host with something to send is due at a time. A sender holds the hosts that it took for a short
// while, renewed: another node, or the next process, goes on with them when it is gone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/follows.h>

#include "delivery.h"

#define HOLD_MS 12000
#define NAME_MAX_BYTES 300
#define WELL_SCORE 10000
#define SLOW_SCORE 5000

SHOAL_SQL(queue_host,
    "INSERT INTO delivery_host (host) VALUES ($1) ON CONFLICT (host) DO UPDATE SET host = "
    "excluded.host RETURNING id");
SHOAL_SQL(queue_add,
    "INSERT INTO delivery_queue (host_id, out_id, inbox, priority, replaces, created, subject)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
    " ON CONFLICT (inbox, replaces) WHERE replaces IS NOT NULL DO UPDATE SET"
    " out_id = excluded.out_id, subject = excluded.subject, created = excluded.created, attempts = 0,"
    " priority = CASE WHEN excluded.priority < delivery_queue.priority"
    " THEN excluded.priority ELSE delivery_queue.priority END"
    " WHERE excluded.out_id > delivery_queue.out_id");
SHOAL_SQL(queue_due,
    "UPDATE delivery_host SET"
    " due = CASE WHEN next > CAST($2 AS BIGINT) THEN next ELSE CAST($2 AS BIGINT) END,"
    " urgency = CASE WHEN due = 0 OR urgency > CAST($3 AS BIGINT) THEN CAST($3 AS BIGINT)"
    " ELSE urgency END"
    " WHERE id = $1 AND (due = 0 OR due > CAST($2 AS BIGINT) OR urgency > CAST($3 AS BIGINT))");
SHOAL_SQL(queue_claim,
    "UPDATE delivery_host SET holder = $1, held_until = $2 WHERE held_until < CAST($3 AS BIGINT)"
    " AND id IN (SELECT id FROM delivery_host WHERE due > 0 AND due <= CAST($3 AS BIGINT)"
    " AND held_until < CAST($3 AS BIGINT) ORDER BY urgency, due, id LIMIT CAST($4 AS BIGINT))"
    " RETURNING id, host, failures, silent_since, last_ok, next, last_error");
// What is said of one object waits for what was said of it before, unless that fails again and again.
SHOAL_SQL(queue_next,
    "SELECT q.id, q.out_id, q.inbox, q.attempts FROM delivery_queue q WHERE q.host_id = $1"
    " AND q.next <= CAST($2 AS BIGINT) AND NOT EXISTS (SELECT 1 FROM delivery_queue e"
    " WHERE e.host_id = q.host_id AND e.subject = q.subject AND e.out_id < q.out_id AND e.inbox = q.inbox"
    " AND e.subject <> 0 AND e.attempts < CAST($4 AS BIGINT))"
    " ORDER BY q.priority, q.id LIMIT CAST($3 AS BIGINT)");
SHOAL_SQL(queue_done, "DELETE FROM delivery_queue WHERE id = $1 AND out_id = $2");
SHOAL_SQL(queue_again,
    "UPDATE delivery_queue SET attempts = $4, next = $3 WHERE id = $1 AND out_id = $2");
SHOAL_SQL(queue_gone, "DELETE FROM delivery_queue WHERE host_id = $1 AND inbox = $2");
SHOAL_SQL(queue_gone_add, "INSERT INTO delivery_gone (inbox, since) VALUES ($1, $2)"
                          " ON CONFLICT (inbox) DO UPDATE SET since = excluded.since");
SHOAL_SQL(queue_gone_any, "SELECT 1 FROM delivery_gone LIMIT 1");
SHOAL_SQL(queue_gone_find, "SELECT 1 FROM delivery_gone WHERE inbox = $1");
SHOAL_SQL(queue_gone_remove, "DELETE FROM delivery_gone WHERE inbox = $1");
SHOAL_SQL(queue_out_done,
    "DELETE FROM delivery_out WHERE id = $1 AND is_spread = TRUE AND NOT EXISTS"
    " (SELECT 1 FROM delivery_queue WHERE out_id = delivery_out.id)");
SHOAL_SQL(queue_host_write,
    "UPDATE delivery_host SET failures = $3, silent_since = $4, last_ok = $5, next = $6,"
    " last_error = $7 WHERE id = $1 AND holder = $2");
SHOAL_SQL(queue_host_leave,
    "UPDATE delivery_host SET holder = '', held_until = 0,"
    " due = COALESCE((SELECT MIN(CASE WHEN q.next > CAST($3 AS BIGINT) THEN q.next"
    " ELSE CAST($3 AS BIGINT) END) FROM delivery_queue q"
    " WHERE q.host_id = delivery_host.id), 0),"
    " urgency = COALESCE((SELECT MIN(q.priority) FROM delivery_queue q"
    " WHERE q.host_id = delivery_host.id), 0) WHERE id = $1 AND holder = $2");
SHOAL_SQL(queue_host_back, "UPDATE delivery_queue SET next = 0, attempts = 0"
                           " WHERE host_id = $1 AND (next > 0 OR attempts > 0)");
SHOAL_SQL(queue_renew, "UPDATE delivery_host SET held_until = $2 WHERE holder = $1");
SHOAL_SQL(queue_forget, "DELETE FROM delivery_queue WHERE host_id = $1");
SHOAL_SQL(queue_next_due, "SELECT MIN(CASE WHEN due > held_until THEN due ELSE held_until END)"
                          " FROM delivery_host WHERE due > 0");
SHOAL_SQL(queue_count, "SELECT COUNT(*) FROM delivery_queue");
SHOAL_SQL(queue_count_hosts, "SELECT COUNT(*) FROM delivery_host WHERE due > 0");

int dlv_queue_wake(struct shoal_db *tx, int64_t at_ms, const char *subject, struct shoal_err *err)
{
    const struct shoal_job_options options = {
        .unique = "next", .run_at_ms = at_ms, .subject = subject};
    json_t *nothing = json_object();
    int code = shoal_job_add(dlv_plugin, tx, "send", nothing, &options, NULL, err);
    json_decref(nothing);
    return code;
}

int dlv_queue_add(struct shoal_db *tx, int64_t *host_id, const char *host, const char *inbox,
    const struct dlv_out *out, struct shoal_err *err)
{
    int code = 0;
    if (*host_id == 0) {
        code = shoal_db_i64(tx, &queue_host, SHOAL_ARGS(SHOAL_TEXT(host)), host_id, err);
    }
    return code != 0 ? code
                     : shoal_db_exec(tx, &queue_add,
                           SHOAL_ARGS(SHOAL_I64(*host_id), SHOAL_I64(out->id), SHOAL_TEXT(inbox),
                               SHOAL_I64(out->priority),
                               SHOAL_TEXT(out->replaces[0] != '\0' ? out->replaces : NULL),
                               SHOAL_I64(shoal_now_ms()), SHOAL_I64(out->subject)),
                           NULL, err);
}

int dlv_queue_due(struct shoal_db *tx, int64_t host_id, int64_t priority, struct shoal_err *err)
{
    return shoal_db_exec(tx, &queue_due,
        SHOAL_ARGS(SHOAL_I64(host_id), SHOAL_I64(shoal_now_ms()), SHOAL_I64(priority)), NULL, err);
}

struct claim {
    const char *holder;
    struct dlv_host *hosts;
    int room, count;
};

static void host_read(struct dlv_host *host, const struct shoal_rows *rows)
{
    const char *name = shoal_col_text(rows, 1), *error = shoal_col_text(rows, 6);
    *host = (struct dlv_host){.id = shoal_col_i64(rows, 0),
        .name = strndup(name, NAME_MAX_BYTES),
        .is_there = true,
        .breaker = {.failures = shoal_col_i64(rows, 2),
            .silent_since_ms = shoal_col_i64(rows, 3),
            .last_ok_ms = shoal_col_i64(rows, 4),
            .next_ms = shoal_col_i64(rows, 5)}};
    snprintf(host->breaker.last_error, sizeof host->breaker.last_error, "%s", error);
}

/// May run again: what a run before took into slots is taken out first.
static int claim_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct claim *claim = arg;
    int64_t now = shoal_now_ms();
    for (int i = 0; i < claim->count; i++) {
        free(claim->hosts[i].name);
    }
    claim->count = 0;
    struct shoal_rows *rows = shoal_db_query(tx, &queue_claim,
        SHOAL_ARGS(SHOAL_TEXT(claim->holder), SHOAL_I64(now + HOLD_MS), SHOAL_I64(now),
            SHOAL_I64(claim->room)),
        err);
    while (rows != NULL && shoal_rows_next(rows)) {
        if (claim->count < claim->room) {
            host_read(&claim->hosts[claim->count++], rows);
        }
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

int dlv_queue_claim(struct shoal_call *call, const char *holder, struct dlv_host *hosts, int most,
    int *count, struct shoal_err *err)
{
    int room = 0;
    for (int i = 0; i < most; i++) {
        room += hosts[i].is_there ? 0 : 1;
    }
    *count = 0;
    int64_t due = room > 0 ? dlv_queue_next_due(call) : 0;
    if (due == 0 || due > shoal_now_ms()) {
        return 0; // looked at without the writer
    }
    struct dlv_host *taken = calloc((size_t)room, sizeof *taken);
    struct claim claim = {.holder = holder, .hosts = taken, .room = room};
    int code = taken == NULL ? shoal_fail(err, SHOAL_EBUSY, "no memory for %d hosts", room)
                             : shoal_tx(call, claim_tx, &claim, err);
    int used = 0;
    for (int i = 0; i < most && used < claim.count && code == 0; i++) {
        if (!hosts[i].is_there) {
            hosts[i] = taken[used++];
        }
    }
    for (int i = used; i < claim.count; i++) {
        free(taken[i].name);
    }
    free(taken);
    *count = used;
    return code;
}

int dlv_queue_next(struct shoal_call *call, int64_t host_id, int room,
    bool (*is_used)(int64_t id, void *arg), void *arg, struct dlv_item *out, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &queue_next,
        SHOAL_ARGS(SHOAL_I64(host_id), SHOAL_I64(shoal_now_ms()), SHOAL_I64(room),
            SHOAL_I64(DLV_ALONE_AFTER)),
        err);
    int count = 0;
    while (rows != NULL && shoal_rows_next(rows)) {
        if (count < room && !is_used(shoal_col_i64(rows, 0), arg)) {
            out[count++] = (struct dlv_item){.id = shoal_col_i64(rows, 0),
                .out_id = shoal_col_i64(rows, 1),
                .inbox = strdup(shoal_col_text(rows, 2)),
                .tries = shoal_col_i64(rows, 3)};
        }
    }
    return rows == NULL || shoal_rows_close(rows, err) != 0 ? -1 : count;
}

static int item_write(struct shoal_db *tx, const struct dlv_item *item, const struct dlv_host *host,
    bool forgets_gone, struct shoal_err *err)
{
    if (item->verdict == DLV_LATER || item->verdict == DLV_HOST_FAILED ||
        item->verdict == DLV_HOST_WAITS) {
        return shoal_db_exec(tx, &queue_again,
            SHOAL_ARGS(SHOAL_I64(item->id), SHOAL_I64(item->out_id), SHOAL_I64(item->again_ms),
                SHOAL_I64(item->tries)),
            NULL, err);
    }
    int code = shoal_db_exec(
        tx, &queue_done, SHOAL_ARGS(SHOAL_I64(item->id), SHOAL_I64(item->out_id)), NULL, err);
    if (code == 0 && item->verdict == DLV_INBOX_GONE) {
        code = shoal_db_exec(tx, &queue_gone_add,
            SHOAL_ARGS(SHOAL_TEXT(item->inbox), SHOAL_I64(shoal_now_ms())), NULL, err);
        code = code != 0 ? code
                         : shoal_db_exec(tx, &queue_gone,
                               SHOAL_ARGS(SHOAL_I64(host->id), SHOAL_TEXT(item->inbox)), NULL, err);
    } else if (code == 0 && forgets_gone && item->verdict == DLV_DELIVERED) {
        code = shoal_db_exec(
            tx, &queue_gone_remove, SHOAL_ARGS(SHOAL_TEXT(item->inbox)), NULL, err);
    }
    return code;
}

/// The follows of its actors keep how well it can be reached; follow.changed tells it. Nobody is dropped.
static int change_tell(struct shoal_call *call, struct shoal_db *tx, const struct dlv_host *host,
    struct shoal_err *err)
{
    const char *why = host->change == DLV_BACK ? NULL : host->breaker.last_error;
    int64_t score = host->change == DLV_BACK ? WELL_SCORE : host->change == DLV_SLOW ? SLOW_SCORE : 0;
    int scored = shoal_follow_score(call, host->name, score, why, err);
    if (scored != 0 || host->change == DLV_DOWN) {
        return scored;
    }
    json_t *event = json_pack("{s:s, s:s, s:s, s:I, s:n, s:n}", "what",
        host->change == DLV_SLOW ? "host slow" : "host back", "host", host->name, "why",
        host->breaker.last_error, "failures", (json_int_t)host->breaker.failures, "follower",
        "target");
    int code = shoal_fire_durable(tx, "follow.changed", event, err);
    json_decref(event);
    return code;
}

static int host_write(struct shoal_call *call, struct shoal_db *tx, const char *holder, const struct dlv_host *host,
    struct shoal_err *err)
{
    const struct dlv_breaker *breaker = &host->breaker;
    int code = 0;
    if (host->is_touched) {
        code = shoal_db_exec(tx, &queue_host_write,
            SHOAL_ARGS(SHOAL_I64(host->id), SHOAL_TEXT(holder), SHOAL_I64(breaker->failures),
                SHOAL_I64(breaker->silent_since_ms), SHOAL_I64(breaker->last_ok_ms),
                SHOAL_I64(breaker->next_ms), SHOAL_TEXT(breaker->last_error)),
            NULL, err);
    }
    if (code == 0 && host->is_back) {
        code = shoal_db_exec(tx, &queue_host_back, SHOAL_ARGS(SHOAL_I64(host->id)), NULL, err);
    }
    if (code == 0 && host->change != DLV_SAME) {
        code = change_tell(call, tx, host, err);
    }
    if (code == 0 && host->is_leaving) {
        int64_t now = shoal_now_ms();
        code = shoal_db_exec(tx, &queue_host_leave,
            SHOAL_ARGS(SHOAL_I64(host->id), SHOAL_TEXT(holder),
                SHOAL_I64(breaker->next_ms > now ? breaker->next_ms : now)),
            NULL, err);
    }
    return code;
}

/// The bytes of what nobody waits for any more.
static int outs_drop(struct shoal_db *tx, const struct dlv_results *results, struct shoal_err *err)
{
    int code = 0;
    for (int i = 0; i < results->item_count && code == 0; i++) {
        bool is_first = true;
        for (int j = 0; j < i && is_first; j++) {
            is_first = results->items[j]->out_id != results->items[i]->out_id;
        }
        code = is_first ? shoal_db_exec(tx, &queue_out_done,
                              SHOAL_ARGS(SHOAL_I64(results->items[i]->out_id)), NULL, err)
                        : 0;
    }
    return code;
}

static int write_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct dlv_results *results = arg;
    bool forgets_gone = dlv_gone_any(call);
    int code = 0;
    for (int i = 0; i < results->item_count && code == 0; i++) {
        const struct dlv_item *item = results->items[i];
        code = item_write(tx, item, &results->hosts[item->host], forgets_gone, err);
    }
    for (int i = 0; i < results->host_count && code == 0; i++) {
        const struct dlv_host *host = &results->hosts[i];
        code = host->is_there ? host_write(call, tx, results->holder, host, err) : 0;
    }
    return code != 0 ? code : outs_drop(tx, results, err);
}

int dlv_queue_write(
    struct shoal_call *call, const struct dlv_results *results, struct shoal_err *err)
{
    return shoal_tx(call, write_tx, (void *)results, err);
}

static int renew_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &queue_renew,
        SHOAL_ARGS(SHOAL_TEXT((const char *)arg), SHOAL_I64(shoal_now_ms() + HOLD_MS)), NULL, err);
}

int dlv_queue_renew(struct shoal_call *call, const char *holder, struct shoal_err *err)
{
    return shoal_tx(call, renew_tx, (void *)(uintptr_t)holder, err);
}

static int forget_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *id = arg;
    return shoal_db_exec(tx, &queue_forget, SHOAL_ARGS(SHOAL_I64(*id)), NULL, err);
}

int dlv_queue_forget(struct shoal_call *call, int64_t host_id, struct shoal_err *err)
{
    return shoal_tx(call, forget_tx, &host_id, err);
}

static int64_t one(struct shoal_call *call, const struct shoal_sql *sql)
{
    int64_t value = 0;
    return shoal_db_i64(shoal_call_db(call), sql, SHOAL_NOARGS, &value, NULL) == 0 ? value : 0;
}

bool dlv_gone_any(struct shoal_call *call)
{
    return one(call, &queue_gone_any) != 0;
}

bool dlv_gone(struct shoal_call *call, const char *inbox)
{
    int64_t found = 0;
    return shoal_db_i64(shoal_call_db(call), &queue_gone_find, SHOAL_ARGS(SHOAL_TEXT(inbox)), &found,
               NULL) == 0;
}

int64_t dlv_queue_next_due(struct shoal_call *call)
{
    return one(call, &queue_next_due);
}

void dlv_queue_count(struct shoal_call *call, int64_t *waiting, int64_t *hosts)
{
    *waiting = one(call, &queue_count);
    *hosts = one(call, &queue_count_hosts);
}
