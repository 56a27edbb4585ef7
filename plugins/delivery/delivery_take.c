// delivery_take.c - takes over what another plugin had queued, row by row, in its transaction.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "delivery.h"

SHOAL_SQL(take_host,
    "INSERT INTO delivery_host (host, failures, silent_since, last_ok, last_error, next)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (host) DO NOTHING");
SHOAL_SQL(take_gone, "INSERT INTO delivery_gone (inbox, since) VALUES ($1, $2)"
                     " ON CONFLICT (inbox) DO NOTHING");
SHOAL_SQL(take_said,
    "INSERT INTO delivery_out (actor_id, activity, body, plan, priority, replaces, subject, passed, is_spread,"
    " created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id");
SHOAL_SQL(take_host_id, "SELECT id FROM delivery_host WHERE host = $1");
SHOAL_SQL(take_waiting,
    "INSERT INTO delivery_queue (host_id, out_id, inbox, priority, replaces, subject, attempts, next, created)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
    " ON CONFLICT (inbox, replaces) WHERE replaces IS NOT NULL DO NOTHING");

static struct shoal_value number(const json_t *row, const char *key)
{
    return SHOAL_I64(shoal_integer(row, key, 0));
}

static struct shoal_value text(const json_t *row, const char *key)
{
    return SHOAL_TEXT(shoal_text(row, key, ""));
}

static int host(struct shoal_db *tx, const json_t *row, struct shoal_err *err)
{
    return shoal_db_exec(tx, &take_host,
        SHOAL_ARGS(text(row, "host"), number(row, "failures"), number(row, "silent_since"),
            number(row, "last_ok"), text(row, "last_error"), number(row, "next")),
        NULL, err);
}

// What was being queued goes on behind the last address; its job is another one here.
static int said(struct shoal_db *tx, const json_t *row, int64_t *id, struct shoal_err *err)
{
    bool is_spread = shoal_flag(row, "is_spread", false);
    int code = shoal_db_i64(tx, &take_said,
        SHOAL_ARGS(number(row, "actor_id"), text(row, "activity"), text(row, "body"), text(row, "plan"),
            number(row, "priority"), text(row, "replaces"), number(row, "subject"), text(row, "passed"),
            SHOAL_BOOL(is_spread), number(row, "created")),
        id, err);
    return code != 0 || is_spread ? code
                                  : dlv_spread_add(tx, *id, shoal_integer(row, "priority", 0), 0, err);
}

static int waiting(struct shoal_db *tx, const json_t *row, struct shoal_err *err)
{
    int64_t host_id = 0;
    const char *replaces = shoal_text(row, "replaces", NULL);
    int code = shoal_db_i64(tx, &take_host_id, SHOAL_ARGS(text(row, "host")), &host_id, err);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, SHOAL_EINVAL, "the host %.200s was not handed over", shoal_text(row, "host", ""));
    }
    code = code != 0 ? code
                     : shoal_db_exec(tx, &take_waiting,
                           SHOAL_ARGS(SHOAL_I64(host_id), number(row, "said"), text(row, "inbox"),
                               number(row, "priority"), SHOAL_TEXT(replaces), number(row, "subject"),
                               number(row, "attempts"), number(row, "next"), number(row, "created")),
                           NULL, err);
    code = code != 0 ? code : dlv_queue_due(tx, host_id, shoal_integer(row, "priority", 0), err);
    return code != 0 ? code : dlv_queue_wake(tx, 0, NULL, err);
}

int dlv_take(struct shoal_call *call, struct shoal_db *tx, const char *kind, const json_t *row,
    int64_t *id, struct shoal_err *err)
{
    (void)call;
    int64_t own = 0;
    if (strcmp(kind, "host") == 0) {
        return host(tx, row, err);
    }
    if (strcmp(kind, "gone") == 0) {
        return shoal_db_exec(
            tx, &take_gone, SHOAL_ARGS(text(row, "inbox"), number(row, "since")), NULL, err);
    }
    if (strcmp(kind, "said") == 0) {
        return said(tx, row, id != NULL ? id : &own, err);
    }
    return strcmp(kind, "waiting") == 0
               ? waiting(tx, row, err)
               : shoal_fail(err, SHOAL_EINVAL, "\"%.40s\" is nothing that waits", kind);
}
