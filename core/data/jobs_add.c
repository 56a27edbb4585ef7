// jobs_add.c - adds jobs, and what callers may do with them: progress, cancel, retry.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "base/sized.h"
#include "data/db_priv.h"
#include "data/jobs_priv.h"

#define PAYLOAD_MAX (1 << 20)
#define KEY_MAX     500

SHOAL_SQL(sql_job_add,
    "INSERT INTO job (kind, payload, state, priority, run_at_ms, unique_key, subject, attempt,"
    " attempts, backoff_ms, lease_ms, fence, is_later, is_cancel_asked, is_told, tells, progress,"
    " created_ms)"
    " VALUES ($1, $2, 'waiting', $3, $4, $5, $6, 0, $7, $8, $9, 0, FALSE, FALSE, TRUE, 0, 0, $10)"
    " ON CONFLICT (kind, unique_key) WHERE state = 'waiting' AND unique_key IS NOT NULL"
    " DO UPDATE SET run_at_ms = CASE WHEN job.attempt = 0 AND excluded.run_at_ms < job.run_at_ms"
    " THEN excluded.run_at_ms ELSE job.run_at_ms END,"
    " priority = CASE WHEN excluded.priority < job.priority"
    " THEN excluded.priority ELSE job.priority END,"
    " subject = COALESCE(excluded.subject, job.subject)"
    " RETURNING id");
SHOAL_SQL(sql_job_look, "SELECT progress, lease_until_ms, lease_ms, is_cancel_asked FROM job"
                        " WHERE id = $1 AND fence = $2 AND state = 'active'");
SHOAL_SQL(sql_job_progress,
    "UPDATE job SET progress = $3, lease_until_ms = CAST($4 AS BIGINT) + lease_ms"
    " WHERE id = $1 AND fence = $2 AND state = 'active' AND is_cancel_asked = FALSE RETURNING id");
SHOAL_SQL(sql_job_subject,
    "UPDATE job SET subject = $3 WHERE id = $1 AND fence = $2 AND state = 'active' RETURNING id");
SHOAL_SQL(sql_job_cancel_idle,
    "UPDATE job SET state = 'cancelled', is_told = (state = 'parked'), error = 'cancelled',"
    " fence = fence + 1, holder = NULL, lease_until_ms = NULL, ended_ms = $2"
    " WHERE id = $1 AND (state = 'waiting' OR state = 'parked' OR"
    " (state = 'active' AND is_later = TRUE)) RETURNING id");
SHOAL_SQL(sql_job_cancel_active,
    "UPDATE job SET is_cancel_asked = TRUE WHERE id = $1 AND state = 'active' RETURNING id");
SHOAL_SQL(sql_job_state, "SELECT state FROM job WHERE id = $1");
SHOAL_SQL(sql_job_retry,
    "UPDATE job SET state = 'waiting', attempt = 0, cut_offs = 0, run_at_ms = $2, is_told = TRUE,"
    " tells = 0, is_cancel_asked = FALSE, progress = 0, ended_ms = NULL, lease_until_ms = NULL"
    " WHERE id = $1 AND (state = 'parked' OR state = 'cancelled') RETURNING id");

static int check_options(const struct shoal_job_options *options, struct shoal_err *err)
{
    bool is_long = (options->unique && strlen(options->unique) > KEY_MAX) ||
                   (options->subject && strlen(options->subject) > KEY_MAX);
    return is_long ? shoal_fail(err, SHOAL_EINVAL, "a job's key or subject is too long") : 0;
}

int shoal_job_add_sized(struct shoal_plugin *self, struct shoal_db *tx, const char *kind,
    const json_t *payload, const struct shoal_job_options *options, size_t options_bytes,
    int64_t *id, struct shoal_err *err)
{
    struct shoal_job_options mine;
    const struct shoal_job_options *chosen = &mine;
    shoal_sized_copy(&mine, sizeof(mine), options, options_bytes);
    char name[JOB_NAME_MAX];
    int code = jobs_full_name(self, kind, name, err);
    if (code == 0) {
        code = check_options(chosen, err);
    }
    if (code < 0) {
        return code;
    }
    if (!tx->is_writer) {
        return shoal_fail(err, SHOAL_EINTERNAL, "a job is added outside of a transaction");
    }
    char *text = json_dumps(payload, JSON_COMPACT | JSON_ENCODE_ANY);
    if (payload && (!text || strlen(text) > PAYLOAD_MAX)) {
        free(text);
        return shoal_fail(err, SHOAL_ETOOLARGE, "the payload of a job is larger than 1 MiB");
    }
    int64_t now = shoal_now_ms();
    int64_t run_at = chosen->run_at_ms > now ? chosen->run_at_ms : now;
    int64_t made = 0;
    code = shoal_db_i64(tx, &sql_job_add,
        SHOAL_ARGS(SHOAL_TEXT(name), SHOAL_TEXT(text ? text : "null"), SHOAL_I64(chosen->priority),
            SHOAL_I64(run_at), SHOAL_TEXT(chosen->unique), SHOAL_TEXT(chosen->subject),
            SHOAL_I64(JOB_ATTEMPTS), SHOAL_I64(JOB_BACKOFF_MS), SHOAL_I64(JOB_LEASE_S * 1000),
            SHOAL_I64(now)),
        &made, err);
    free(text);
    tx->has_new_jobs = true;
    if (code == 0 && id) {
        *id = made;
    }
    return code;
}

struct progress {
    int64_t id, fence;
    int percent;
};

static int write_progress(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct progress *progress = arg;
    int64_t id;
    return shoal_db_i64(tx, &sql_job_progress,
        SHOAL_ARGS(SHOAL_I64(progress->id), SHOAL_I64(progress->fence),
            SHOAL_I64(progress->percent), SHOAL_I64(shoal_now_ms())),
        &id, err);
}

/// What is stored says enough: the same percent, and most of the lease is left.
static int look(struct shoal_call *call, const struct progress *progress, bool *is_fresh)
{
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &sql_job_look,
        SHOAL_ARGS(SHOAL_I64(progress->id), SHOAL_I64(progress->fence)), NULL);
    *is_fresh = false;
    if (!rows) {
        return 0; // the write will tell
    }
    bool is_there = shoal_rows_next(rows);
    if (is_there) {
        int64_t left = shoal_col_i64(rows, 1) - shoal_now_ms();
        int64_t lease = shoal_col_i64(rows, 2);
        *is_fresh = shoal_col_i64(rows, 0) == progress->percent && left > lease / 3 * 2;
        is_there = !shoal_col_bool(rows, 3);
    }
    return shoal_rows_close(rows, NULL) == 0 && !is_there ? SHOAL_ECANCELLED : 0;
}

int shoal_job_progress(struct shoal_call *call, const struct shoal_job *job, int percent)
{
    struct progress progress = {.id = job->id,
        .fence = job->fence,
        .percent = percent < 0     ? 0
                   : percent > 100 ? 100
                                   : percent};
    shoal_call_alive(call);
    if (jobs_note_progress(job->id, job->fence)) {
        return 0; // the call is at its end, the job is not
    }
    bool is_fresh;
    int code = look(call, &progress, &is_fresh);
    if (code < 0 || is_fresh) {
        return code;
    }
    struct shoal_err err = {0};
    code = shoal_tx(call, write_progress, &progress, &err);
    if (code == SHOAL_ENOTFOUND) {
        return SHOAL_ECANCELLED;
    }
    if (code < 0 && code != SHOAL_ECANCELLED) {
        shoal_warn("the progress of job %lld was not stored: %s", (long long)job->id, err.text);
        return 0; // the lease says later whether it is lost
    }
    return code;
}

struct subject {
    const struct shoal_job *job;
    const char *text;
};

static int write_subject(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct subject *subject = arg;
    int64_t id;
    return shoal_db_i64(tx, &sql_job_subject,
        SHOAL_ARGS(SHOAL_I64(subject->job->id), SHOAL_I64(subject->job->fence),
            SHOAL_TEXT(subject->text)),
        &id, err);
}

int shoal_job_subject(struct shoal_call *call, const struct shoal_job *job, const char *text,
    struct shoal_err *err)
{
    if (strlen(text) > KEY_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "a job's key or subject is too long");
    }
    struct subject subject = {job, text};
    int code = shoal_tx(call, write_subject, &subject, err);
    return code == SHOAL_ENOTFOUND
               ? shoal_fail(err, SHOAL_ECANCELLED, "job %lld is another holder's", (long long)job->id)
               : code;
}

static int refuse(struct shoal_db *tx, int64_t id, const char *what, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(tx, &sql_job_state, SHOAL_ARGS(SHOAL_I64(id)), err);
    if (!rows) {
        return SHOAL_EIO;
    }
    int code;
    if (shoal_rows_next(rows)) {
        code = shoal_fail(err, SHOAL_ECONFLICT, "job %lld is %s and cannot be %s", (long long)id,
            shoal_col_text(rows, 0), what);
    } else {
        code = shoal_fail(err, SHOAL_ENOTFOUND, "there is no job %lld", (long long)id);
    }
    shoal_rows_close(rows, NULL);
    return code;
}

static int cancel(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *id = arg;
    int64_t found;
    tx->has_new_jobs = true;
    int code = shoal_db_i64(tx, &sql_job_cancel_idle,
        SHOAL_ARGS(SHOAL_I64(*id), SHOAL_I64(shoal_now_ms())), &found, err);
    if (code == SHOAL_ENOTFOUND) {
        code = shoal_db_i64(tx, &sql_job_cancel_active, SHOAL_ARGS(SHOAL_I64(*id)), &found, err);
    }
    return code == SHOAL_ENOTFOUND ? refuse(tx, *id, "cancelled", err) : code;
}

int shoal_job_cancel(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    int code = shoal_tx(call, cancel, &id, err);
    if (code == 0) {
        jobs_cancel_running(id);
    }
    return code;
}

static int retry(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *id = arg;
    int64_t found;
    tx->has_new_jobs = true;
    int code = shoal_db_i64(
        tx, &sql_job_retry, SHOAL_ARGS(SHOAL_I64(*id), SHOAL_I64(shoal_now_ms())), &found, err);
    if (code == SHOAL_ECONFLICT) {
        return shoal_fail(err, code, "job %lld: another one with its key waits", (long long)*id);
    }
    return code == SHOAL_ENOTFOUND ? refuse(tx, *id, "tried again", err) : code;
}

int shoal_jobs_retry(struct shoal_call *call, int64_t id, struct shoal_err *err)
{
    return shoal_tx(call, retry, &id, err);
}
