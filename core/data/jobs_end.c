// jobs_end.c - the one place where an active job becomes done, waiting again, parked or cancelled.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/arena.h>
#include <shoal/base.h>

#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "data/db_priv.h"
#include "data/jobs_priv.h"

#define BACKOFF_MAX_MS INT64_C(21600000) // six hours
#define CUT_OFF_MAX_MS INT64_C(60000)
#define WHY_MAX        500

SHOAL_SQL(sql_job_for_end,
    "SELECT kind, unique_key, attempt, attempts, backoff_ms, lease_ms, state, fence,"
    " is_cancel_asked, cut_offs, created_ms, is_later FROM job WHERE id = $1");
SHOAL_SQL(sql_job_other_waiting,
    "SELECT id FROM job WHERE kind = $1 AND unique_key = $2 AND state = 'waiting' AND id <> $3");
SHOAL_SQL(sql_job_end,
    "UPDATE job SET state = $2, error = $3, ended_ms = $4, is_told = $5, holder = NULL,"
    " lease_until_ms = NULL, is_later = FALSE,"
    " progress = CASE WHEN CAST($2 AS TEXT) = 'done' THEN 100 ELSE progress END WHERE id = $1");
SHOAL_SQL(sql_job_forget, "DELETE FROM job WHERE id = $1");
SHOAL_SQL(sql_job_again,
    "UPDATE job SET state = 'waiting', error = $2, run_at_ms = $3, attempt = $4, cut_offs = $5,"
    " holder = NULL, lease_until_ms = NULL, is_later = FALSE, progress = 0 WHERE id = $1");
SHOAL_SQL(sql_job_later, "UPDATE job SET is_later = TRUE, lease_until_ms = $2 WHERE id = $1");

struct end {
    int64_t id, fence;
    enum job_ending ending;
    int code;
    const char *why;
    // as read
    const char *kind, *unique;
    int64_t attempt, attempts, backoff_ms, lease_ms, cut_offs, created_ms;
    bool is_cancel_asked;
};

static int check_holder(const struct shoal_rows *rows, const struct end *end, struct shoal_err *err)
{
    const char *state = shoal_col_text(rows, 6);
    if (strcmp(state, "cancelled") == 0) {
        return shoal_fail(err, SHOAL_ECANCELLED, "job %lld was cancelled", (long long)end->id);
    }
    if (strcmp(state, "active") != 0 || shoal_col_i64(rows, 7) != end->fence) {
        return shoal_fail(err, SHOAL_ECONFLICT, "job %lld is %s and not this holder's any more",
            (long long)end->id, state);
    }
    return 0;
}

static int read_job(
    struct shoal_call *call, struct shoal_db *tx, struct end *end, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(tx, &sql_job_for_end, SHOAL_ARGS(SHOAL_I64(end->id)), err);
    if (!rows) {
        return err->code;
    }
    int code = 0;
    if (!shoal_rows_next(rows)) {
        code = shoal_rows_close(rows, err);
        return code < 0
                   ? code
                   : shoal_fail(err, SHOAL_ENOTFOUND, "there is no job %lld", (long long)end->id);
    }
    code = check_holder(rows, end, err);
    if (code == 0 && end->ending == JOB_CUT_OFF && shoal_col_bool(rows, 11)) {
        // Its end was stored just now, and was "later".
        code = shoal_fail(err, SHOAL_ECONFLICT, "job %lld is in other hands", (long long)end->id);
    }
    end->kind = shoal_arena_strdup(call->arena, shoal_col_text(rows, 0));
    end->unique = shoal_arena_strdup(call->arena, shoal_col_text(rows, 1));
    end->attempt = shoal_col_i64(rows, 2);
    end->attempts = shoal_col_i64(rows, 3);
    end->backoff_ms = shoal_col_i64(rows, 4);
    end->lease_ms = shoal_col_i64(rows, 5);
    end->is_cancel_asked = shoal_col_bool(rows, 8);
    end->cut_offs = shoal_col_i64(rows, 9);
    end->created_ms = shoal_col_i64(rows, 10);
    int closed = shoal_rows_close(rows, code < 0 ? NULL : err);
    return code < 0 ? code : closed;
}

/// Doubled with each time, and a fifth more or less, so that what failed together does not come back
/// together.
static int64_t backoff_of(const struct end *end, int64_t times, int64_t most_ms)
{
    int64_t wait = end->backoff_ms;
    for (int64_t i = 1; i < times && wait < most_ms; i++) {
        wait *= 2;
    }
    wait = wait < most_ms ? wait : most_ms;
    int64_t part = wait / 5;
    return wait - part + (int64_t)shoal_random_below((uint64_t)(2 * part + 1));
}

static int set_state(struct shoal_db *tx, const struct end *end, const char *state, const char *why,
    bool is_told, struct shoal_err *err)
{
    return shoal_db_exec(tx, &sql_job_end,
        SHOAL_ARGS(SHOAL_I64(end->id), SHOAL_TEXT(state), SHOAL_TEXT(why),
            SHOAL_I64(shoal_now_ms()), SHOAL_BOOL(is_told)),
        NULL, err);
}

/// Back to waiting; but where another job with its unique key waits, that one does the work.
static int again(struct shoal_db *tx, const struct end *end, int64_t wait_ms, int64_t attempt,
    struct shoal_err *err)
{
    if (end->unique) {
        int64_t other;
        struct shoal_err inner = {0};
        int code = shoal_db_i64(tx, &sql_job_other_waiting,
            SHOAL_ARGS(SHOAL_TEXT(end->kind), SHOAL_TEXT(end->unique), SHOAL_I64(end->id)), &other,
            &inner);
        if (code == 0) {
            char why[64];
            snprintf(why, sizeof(why), "job %lld does it", (long long)other);
            return set_state(tx, end, "cancelled", why, true, err);
        }
        if (code != SHOAL_ENOTFOUND) {
            return shoal_fail(err, code, "%s", inner.text);
        }
    }
    return shoal_db_exec(tx, &sql_job_again,
        SHOAL_ARGS(SHOAL_I64(end->id), SHOAL_TEXT(end->why), SHOAL_I64(shoal_now_ms() + wait_ms),
            SHOAL_I64(attempt), SHOAL_I64(end->cut_offs)),
        NULL, err);
}

/// The process ended under it (or its end could not be stored), which is no try of the job. Whoever was active then is innocent in all
/// likelihood and goes on at once; what is always there when it happens is parked in the end.
static int cut_off(struct shoal_db *tx, struct end *end, struct shoal_err *err)
{
    if (++end->cut_offs >= JOB_CUT_OFFS) {
        char why[96];
        snprintf(why, sizeof(why), "the process that ran it ended %d times: it may be why",
            JOB_CUT_OFFS);
        shoal_warn("job %lld (%s) is parked: %s", (long long)end->id, end->kind, why);
        return set_state(tx, end, "parked", why, false, err);
    }
    int64_t times = end->cut_offs - 1;
    return again(
        tx, end, times == 0 ? 0 : backoff_of(end, times, CUT_OFF_MAX_MS), end->attempt - 1, err);
}

static bool is_hopeless(const struct end *end)
{
    return end->ending == JOB_RETURNED &&
           (end->code == SHOAL_EINVAL || end->code == SHOAL_EUNREADABLE);
}

static int decide(struct shoal_db *tx, struct end *end, struct shoal_err *err)
{
    if (end->ending == JOB_RETURNED && end->code == 0 && jobs_kind_is_brief(end->kind)) {
        return shoal_db_exec(tx, &sql_job_forget, SHOAL_ARGS(SHOAL_I64(end->id)), NULL, err);
    }
    if (end->ending == JOB_RETURNED && end->code == 0) {
        return set_state(tx, end, "done", NULL, true, err);
    }
    if (end->is_cancel_asked) {
        return set_state(tx, end, "cancelled", "cancelled", false, err);
    }
    if (end->ending == JOB_RETURNED && end->code == SHOAL_LATER) {
        return shoal_db_exec(tx, &sql_job_later,
            SHOAL_ARGS(SHOAL_I64(end->id), SHOAL_I64(shoal_now_ms() + end->lease_ms)), NULL, err);
    }
    if (end->ending == JOB_GIVEN_BACK) {
        return again(tx, end, 0, end->attempt - 1, err);
    }
    if (end->ending == JOB_RETURNED && jobs_room_awaits(end->code, end->created_ms)) {
        return again(tx, end, jobs_room_wait_ms(end->created_ms), end->attempt - 1, err);
    }
    if (end->ending == JOB_CUT_OFF) {
        return cut_off(tx, end, err);
    }
    if (is_hopeless(end) || end->attempt >= end->attempts) {
        shoal_warn("job %lld (%s) is parked after %lld tries: %s", (long long)end->id, end->kind,
            (long long)end->attempt, end->why ? end->why : "");
        return set_state(tx, end, "parked", end->why, false, err);
    }
    int64_t wait_ms = end->code == SHOAL_JOB_EAWAY
                          ? jobs_room_wait_ms(end->created_ms)
                          : backoff_of(end, end->attempt, BACKOFF_MAX_MS);
    return again(tx, end, wait_ms, end->attempt, err);
}

static int run(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct shoal_err inner = {0};
    struct end end = *(const struct end *)arg;
    int code = read_job(call, tx, &end, &inner);
    if (code == 0) {
        tx->has_new_jobs = true;
        code = decide(tx, &end, &inner);
    }
    if (code < 0 && err) {
        *err = inner;
    }
    return code;
}

int jobs_end(struct shoal_call *call, int64_t id, int64_t fence, enum job_ending ending, int code,
    const char *why, struct shoal_err *err)
{
    char text[WHY_MAX];
    snprintf(text, sizeof(text), "%s", why && why[0] ? why : shoal_error_text(code));
    struct end end = {.id = id,
        .fence = fence,
        .ending = ending,
        .code = code,
        .why = code == 0 || code == SHOAL_LATER ? NULL : text};
    return shoal_tx(call, run, &end, err);
}

int shoal_job_finish(struct shoal_call *call, int64_t id, int64_t fence, int code, const char *why,
    struct shoal_err *err)
{
    if (code > 0) {
        return shoal_fail(err, SHOAL_EINVAL, "a job is finished with 0 or an error");
    }
    return jobs_end(call, id, fence, JOB_RETURNED, code, why, err);
}
