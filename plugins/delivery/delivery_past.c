// delivery_past.c - who followed before it was kept whom deliveries reach: looked up once, after an upgrade.
//
// All follows are walked in the order of their numbers, in lots, and the last number is kept with each lot
// (delivery_past): a job that was cut off goes on behind it. The row goes when none is left.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "delivery.h"

#define LOT 100

SHOAL_SQL(past_after, "SELECT follow_id FROM delivery_past");
SHOAL_SQL(past_next, "SELECT id, follower_id, target_id, state FROM v1_follow WHERE id > $1"
                     " ORDER BY id LIMIT CAST($2 AS BIGINT)");
SHOAL_SQL(past_passed, "UPDATE delivery_past SET follow_id = $1");
SHOAL_SQL(past_done, "DELETE FROM delivery_past");

struct past {
    int64_t ids[LOT], followers[LOT], targets[LOT];
    enum shoal_follow_state states[LOT];
    int count;
};

// 0, or SHOAL_ENOTFOUND: all were walked.
static int lot_read(struct shoal_db *tx, struct past *past, struct shoal_err *err)
{
    int64_t after = 0;
    past->count = 0;
    int code = shoal_db_i64(tx, &past_after, SHOAL_NOARGS, &after, err);
    if (code != 0) {
        return code;
    }
    struct shoal_rows *rows =
        shoal_db_query(tx, &past_next, SHOAL_ARGS(SHOAL_I64(after), SHOAL_I64(LOT)), err);
    while (rows != NULL && past->count < LOT && shoal_rows_next(rows)) {
        int i = past->count++;
        past->ids[i] = shoal_col_i64(rows, 0);
        past->followers[i] = shoal_col_i64(rows, 1);
        past->targets[i] = shoal_col_i64(rows, 2);
        past->states[i] = (enum shoal_follow_state)shoal_col_i64(rows, 3);
    }
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

// Whom we let in was answered, and whom one of us asked to follow was asked: both know the one of us.
static int follow_put(
    struct shoal_call *call, struct shoal_db *tx, const struct past *past, int i, struct shoal_err *err)
{
    struct shoal_actor follower = {0}, target = {0};
    struct shoal_err why = {0};
    int code = shoal_actor_get(call, past->followers[i], &follower, &why);
    code = code != 0 ? code : shoal_actor_get(call, past->targets[i], &target, &why);
    if (code != 0) { // one of the two is gone
        return code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
    }
    if (target.host[0] == '\0' && follower.host[0] != '\0') {
        return past->states[i] == SHOAL_FOLLOW_ACCEPTED ? dlv_known_meet(tx, &target, &follower, err) : 0;
    }
    return target.host[0] != '\0' && follower.host[0] == '\0'
               ? dlv_known_meet(tx, &follower, &target, err)
               : 0;
}

static int lot_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct past *past = arg;
    int code = lot_read(tx, past, err);
    struct shoal_arena *scratch = shoal_arena_new(0);
    struct shoal_arena *own = shoal_call_arena_use(call, scratch);
    for (int i = 0; i < past->count && code == 0; i++) {
        shoal_arena_reset(scratch);
        code = follow_put(call, tx, past, i, err);
    }
    shoal_call_arena_use(call, own);
    shoal_arena_free(scratch);
    if (code != 0) {
        return code;
    }
    return past->count < LOT
               ? shoal_db_exec(tx, &past_done, SHOAL_NOARGS, NULL, err)
               : shoal_db_exec(tx, &past_passed, SHOAL_ARGS(SHOAL_I64(past->ids[LOT - 1])), NULL, err);
}

static int walk(struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)job;
    (void)arg;
    struct past past = {.count = LOT};
    int code = 0;
    while (code == 0 && past.count == LOT) {
        code = shoal_call_cancelled(call) ? shoal_fail(err, SHOAL_ECANCELLED, "the server stops")
                                          : shoal_tx(call, lot_tx, &past, err);
    }
    return code == SHOAL_ENOTFOUND ? 0 : code; // another one has walked them
}

static int job_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    const struct shoal_job_options options = {.unique = "all"};
    json_t *nothing = json_object();
    int code = shoal_job_add(dlv_plugin, tx, "past", nothing, &options, NULL, err);
    json_decref(nothing);
    return code;
}

static int started(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    (void)arg;
    int64_t after = 0;
    int code = shoal_db_i64(shoal_call_db(call), &past_after, SHOAL_NOARGS, &after, err);
    return code == 0 ? shoal_tx(call, job_tx, NULL, err) : code == SHOAL_ENOTFOUND ? 0 : code;
}

int dlv_past_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {.kind = "past", .run = walk, .attempts = 100, .concurrency = 1};
    int code = shoal_job_kind_add(self, &kind, err);
    return code != 0 ? code : shoal_tell(self, "instance.started", started, NULL);
}
