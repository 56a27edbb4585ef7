// jobs_claim.c - the runner's statements: claim, renew, take back, tidy.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "data/db_priv.h"
#include "data/jobs_priv.h"

#define DONE_KEPT_MS      INT64_C(86400000)  // a day
#define CANCELLED_KEPT_MS INT64_C(604800000) // a week
#define TELL_LEASE_MS     60000
#define TAKE_BACK_MAX     64

SHOAL_SQL(sql_job_claim,
    "UPDATE job SET state = 'active', attempt = attempt + 1, fence = fence + 1, holder = $2,"
    " lease_until_ms = $3, attempts = $4, backoff_ms = $5, lease_ms = $6, is_later = FALSE"
    " WHERE id = (SELECT id FROM job WHERE kind = $1 AND state = 'waiting' AND run_at_ms <= $7"
    " ORDER BY priority, run_at_ms, id LIMIT 1)"
    " RETURNING id, fence, attempt, payload, created_ms");
SHOAL_SQL(sql_job_next,
    "SELECT run_at_ms FROM job WHERE kind = $1 AND state = 'waiting' ORDER BY run_at_ms LIMIT 1");
SHOAL_SQL(sql_job_count_later,
    "SELECT COUNT(*) FROM job WHERE kind = $1 AND state = 'active' AND is_later = TRUE"
    " AND lease_until_ms > $2 AND SUBSTR(holder, 1, 16) = SUBSTR(CAST($3 AS TEXT), 1, 16)");
SHOAL_SQL(sql_job_renew,
    "UPDATE job SET lease_until_ms = $3 WHERE id = $1 AND fence = $2 AND state = 'active'"
    " AND is_cancel_asked = FALSE RETURNING id");
SHOAL_SQL(sql_job_cancelled,
    "SELECT id FROM job WHERE state = 'active' AND is_cancel_asked = TRUE AND holder = $1");
SHOAL_SQL(sql_job_active,
    "SELECT id, fence, holder, lease_until_ms, is_later FROM job WHERE kind = $1"
    " AND state = 'active' ORDER BY lease_until_ms");
SHOAL_SQL(sql_job_untold,
    "UPDATE job SET tells = tells + 1, is_told = (tells + 1 >= $4), lease_until_ms = $3"
    " WHERE id = (SELECT id FROM job WHERE kind = $1 AND is_told = FALSE"
    " AND (lease_until_ms IS NULL OR lease_until_ms < $2) ORDER BY id LIMIT 1)"
    " RETURNING id, fence, attempt, payload, created_ms, error");
SHOAL_SQL(sql_job_any_untold, "SELECT id FROM job WHERE kind = $1 AND is_told = FALSE"
                              " AND (lease_until_ms IS NULL OR lease_until_ms < $2) LIMIT 1");
SHOAL_SQL(sql_job_told, "UPDATE job SET is_told = TRUE, lease_until_ms = NULL WHERE id = $1");
SHOAL_SQL(sql_job_tidy,
    "DELETE FROM job WHERE id IN (SELECT id FROM job WHERE is_told = TRUE AND"
    " ((state = 'done' AND ended_ms < $1) OR (state = 'cancelled' AND ended_ms < $2)) LIMIT 1000)");

static struct job_run *run_of(const struct shoal_rows *rows, struct job_kind *kind)
{
    struct job_run *run = shoal_alloc(1, sizeof(*run));
    run->kind = kind;
    run->id = shoal_col_i64(rows, 0);
    run->fence = shoal_col_i64(rows, 1);
    run->attempt = (int)shoal_col_i64(rows, 2);
    run->payload = shoal_dup(shoal_col_text(rows, 3));
    run->created_ms = shoal_col_i64(rows, 4);
    return run;
}

static void drop_runs(struct job_runs *runs)
{
    while (runs->first) {
        struct job_run *run = runs->first;
        runs->first = run->next;
        jobs_run_free(run);
    }
    runs->count = 0;
}

struct claim {
    const char *holder;
    const struct job_want *wants;
    size_t count;
    struct job_runs *out;
};

/// Returns: 1 for a claimed job, 0 when none is due, or a negative error.
static int claim_one(
    struct shoal_db *tx, const struct claim *claim, struct job_kind *kind, struct shoal_err *err)
{
    int64_t now = shoal_now_ms();
    int64_t lease_ms = (int64_t)kind->def.lease_s * 1000;
    struct shoal_rows *rows = shoal_db_query(tx, &sql_job_claim,
        SHOAL_ARGS(SHOAL_TEXT(kind->name), SHOAL_TEXT(claim->holder), SHOAL_I64(now + lease_ms),
            SHOAL_I64(kind->def.attempts), SHOAL_I64(kind->def.backoff_ms), SHOAL_I64(lease_ms),
            SHOAL_I64(now)),
        err);
    if (!rows) {
        return SHOAL_EIO;
    }
    struct job_run *run = shoal_rows_next(rows) ? run_of(rows, kind) : NULL;
    while (run && shoal_rows_next(rows)) {
    }
    int code = shoal_rows_close(rows, err);
    if (!run || code < 0) {
        jobs_run_free(run);
        return code;
    }
    run->next = claim->out->first;
    claim->out->first = run;
    claim->out->count++;
    return 1;
}

/// May run again with its group: it starts from nothing each time.
static int claim_all(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct claim *claim = arg;
    drop_runs(claim->out);
    for (size_t i = 0; i < claim->count; i++) {
        int code = 1;
        for (int n = 0; n < claim->wants[i].most && code > 0; n++) {
            code = claim_one(tx, claim, claim->wants[i].kind, err);
        }
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

int jobs_claim(struct shoal_call *call, const char *holder, const struct job_want *wants,
    size_t count, struct job_runs *out, struct shoal_err *err)
{
    struct claim claim = {.holder = holder, .wants = wants, .count = count, .out = out};
    int code = shoal_tx(call, claim_all, &claim, err);
    if (code < 0) {
        drop_runs(out);
    }
    return code;
}

bool jobs_is_due(struct shoal_call *call, const struct job_kind *kind, int64_t *next_ms)
{
    *next_ms = 0;
    return shoal_db_i64(shoal_call_db(call), &sql_job_next, SHOAL_ARGS(SHOAL_TEXT(kind->name)),
               next_ms, NULL) == 0 &&
           *next_ms <= shoal_now_ms();
}

int jobs_count_later(struct shoal_call *call, const struct job_kind *kind, const char *holder)
{
    int64_t count = 0;
    shoal_db_i64(shoal_call_db(call), &sql_job_count_later,
        SHOAL_ARGS(SHOAL_TEXT(kind->name), SHOAL_I64(shoal_now_ms()), SHOAL_TEXT(holder)), &count,
        NULL);
    return count > 10000 ? 10000 : (int)count;
}

static int renew(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct job_run *run = arg;
    int64_t id;
    return shoal_db_i64(tx, &sql_job_renew,
        SHOAL_ARGS(SHOAL_I64(run->id), SHOAL_I64(run->fence),
            SHOAL_I64(shoal_now_ms() + (int64_t)run->kind->def.lease_s * 1000)),
        &id, err);
}

int jobs_renew(struct shoal_call *call, const struct job_run *run, struct shoal_err *err)
{
    struct job_run copy = {.id = run->id, .fence = run->fence, .kind = run->kind};
    int code = shoal_tx(call, renew, &copy, err);
    return code == SHOAL_ENOTFOUND ? SHOAL_ECANCELLED : code;
}

void jobs_each_cancelled(
    struct shoal_call *call, const char *holder, void (*each)(int64_t id, void *user), void *user)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &sql_job_cancelled, SHOAL_ARGS(SHOAL_TEXT(holder)), NULL);
    while (rows && shoal_rows_next(rows)) {
        each(shoal_col_i64(rows, 0), user);
    }
    shoal_rows_close(rows, NULL);
}

struct lost {
    int64_t id, fence;
    bool is_later, is_own;
};

static size_t find_lost(struct shoal_call *call, const struct job_kind *kind, const char *holder,
    bool (*is_mine)(int64_t id, void *user), void *user, struct lost list[TAKE_BACK_MAX])
{
    size_t count = 0;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &sql_job_active, SHOAL_ARGS(SHOAL_TEXT(kind->name)), NULL);
    while (count < TAKE_BACK_MAX && rows && shoal_rows_next(rows)) {
        int64_t id = shoal_col_i64(rows, 0);
        bool is_expired = shoal_col_i64(rows, 3) < shoal_now_ms();
        bool is_later = shoal_col_bool(rows, 4);
        if (is_mine(id, user)) {
            continue;
        }
        // What is this runner's and does not run has ended, and that could not be stored.
        const char *whose = shoal_col_text(rows, 2);
        bool is_own = !is_later && whose && strcmp(whose, holder) == 0;
        if (is_expired || is_own || (!is_later && jobs_holder_is_gone(whose, holder))) {
            list[count++] = (struct lost){.id = id,
                .fence = shoal_col_i64(rows, 1),
                .is_later = is_later,
                .is_own = is_own};
        }
    }
    shoal_rows_close(rows, NULL);
    return count;
}

void jobs_reclaim(struct shoal_call *call, const struct job_kind *kind, const char *holder,
    bool (*is_mine)(int64_t id, void *user), void *user)
{
    struct lost list[TAKE_BACK_MAX];
    size_t count = find_lost(call, kind, holder, is_mine, user, list);
    for (size_t i = 0; i < count; i++) {
        struct shoal_err err = {0};
        const char *why = list[i].is_later ? "nobody reported about it in time"
                          : list[i].is_own ? "its end could not be stored"
                                           : "the process that ran it ended";
        int code = jobs_end(call, list[i].id, list[i].fence,
            list[i].is_later ? JOB_FORGOTTEN : JOB_CUT_OFF, SHOAL_EINTERNAL, why, &err);
        if (code < 0 && code != SHOAL_ECONFLICT && code != SHOAL_ECANCELLED) {
            shoal_warn("job %lld was not taken back: %s", (long long)list[i].id, err.text);
        } else if (code == 0) {
            shoal_warn("job %lld (%s): %s", (long long)list[i].id, kind->name, why);
        }
    }
}

struct untold {
    struct job_kind *kind;
    struct job_run *run;
};

static int take_untold(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct untold *untold = arg;
    jobs_run_free(untold->run);
    untold->run = NULL;
    int64_t now = shoal_now_ms();
    struct shoal_rows *rows = shoal_db_query(tx, &sql_job_untold,
        SHOAL_ARGS(SHOAL_TEXT(untold->kind->name), SHOAL_I64(now), SHOAL_I64(now + TELL_LEASE_MS),
            SHOAL_I64(JOB_CUT_OFFS)),
        err);
    if (!rows) {
        return SHOAL_EIO;
    }
    if (shoal_rows_next(rows)) {
        untold->run = run_of(rows, untold->kind);
        const char *why = shoal_col_text(rows, 5);
        untold->run->why = shoal_dup(why ? why : "it failed");
    }
    while (untold->run && shoal_rows_next(rows)) {
    }
    return shoal_rows_close(rows, err);
}

struct job_run *jobs_take_untold(struct shoal_call *call, struct job_kind *kind)
{
    int64_t id;
    if (shoal_db_i64(shoal_call_db(call), &sql_job_any_untold,
            SHOAL_ARGS(SHOAL_TEXT(kind->name), SHOAL_I64(shoal_now_ms())), &id, NULL) < 0) {
        return NULL;
    }
    struct untold untold = {.kind = kind};
    struct shoal_err err = {0};
    if (shoal_tx(call, take_untold, &untold, &err) < 0) {
        shoal_warn("%s", err.text);
        jobs_run_free(untold.run);
        return NULL;
    }
    return untold.run;
}

static int told(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *id = arg;
    return shoal_db_exec(tx, &sql_job_told, SHOAL_ARGS(SHOAL_I64(*id)), NULL, err);
}

int jobs_told(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    return shoal_tx(call, told, &id, err);
}

static int tidy(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    int64_t now = shoal_now_ms();
    return shoal_db_exec(tx, &sql_job_tidy,
        SHOAL_ARGS(SHOAL_I64(now - DONE_KEPT_MS), SHOAL_I64(now - CANCELLED_KEPT_MS)), NULL, err);
}

void jobs_tidy(struct shoal_call *call)
{
    struct shoal_err err = {0};
    if (shoal_tx(call, tidy, NULL, &err) < 0) {
        shoal_warn("old jobs were not removed: %s", err.text);
    }
}
