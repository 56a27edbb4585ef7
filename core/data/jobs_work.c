// jobs_work.c - runs one handler and stores what became of the job.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/jobs_work.h"

#include <shoal/base.h>
#include <shoal/json.h>

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/drill.h"
#include "data/jobs_priv.h"

#define STORE_TRIES   5
#define STORE_WAIT_MS 500

static bool is_broken(int code)
{
    return code == SHOAL_EBUSY || code == SHOAL_EFULL || code == SHOAL_EIO ||
           code == SHOAL_ETIMEOUT;
}

static bool waits_for_room(const struct job_run *run, int code)
{
    return code == SHOAL_EFULL && !atomic_load(&run->cancel) && !atomic_load(&run->is_given_back);
}

/// The handler's work is done: storing that is tried a few times before the lease must tell.
static void store_end(struct shoal_call *call, struct job_run *run, int code, const char *why)
{
    bool is_given_back = code < 0 && atomic_load(&run->is_given_back);
    enum job_ending ending = is_given_back ? JOB_GIVEN_BACK : JOB_RETURNED;
    struct shoal_err err = {0};
    int stored = SHOAL_EIO;
    // Without room for the database nobody else could begin anything: the end waits for it.
    for (int i = 0; is_broken(stored) && (i < STORE_TRIES || waits_for_room(run, stored)); i++) {
        if (i > 0) {
            shoal_clock_sleep(STORE_WAIT_MS);
        }
        stored = jobs_end(call, run->id, run->fence, ending, code, why, &err);
    }
    if (stored < 0) {
        shoal_warn("the end of the job (%s) was not stored: %s", run->kind->name, err.text);
    }
}

static void run_handler(
    struct shoal_call *call, struct job_run *run, struct shoal_job *job, json_t *payload)
{
    struct shoal_err err = {0};
    int code;
    if (atomic_load(&run->is_given_back)) {
        code = SHOAL_ECANCELLED;
    } else if (!payload) {
        code = shoal_fail(&err, SHOAL_EUNREADABLE, "its payload is not JSON");
    } else {
        shoal_call_enter(call, run->kind->owner);
        code = run->kind->def.run(call, job, run->kind->def.arg, &err);
        shoal_call_leave(call);
        shoal_drill_point("job.ran");
    }
    call->cancel = NULL; // what became of it is stored even so
    call->deadline_ms = 0;
    if (code > 0 && code != SHOAL_LATER) {
        code = shoal_fail(&err, SHOAL_EINTERNAL, "its handler returned %d", code);
    }
    const char *why = err.text[0] ? err.text : shoal_error_text(code);
    if (jobs_room_awaits(code, run->created_ms)) {
        shoal_warn("job %lld (%s) waits: %s", (long long)run->id, run->kind->name, why);
    } else if (code < 0 && !atomic_load(&run->is_given_back)) {
        shoal_warn("job %lld (%s) failed, try %d of %d: %s", (long long)run->id, run->kind->name,
            run->attempt, run->kind->def.attempts, why);
    }
    store_end(call, run, code, why);
}

static void run_gave_up(
    struct shoal_call *call, struct job_run *run, struct shoal_job *job, json_t *payload)
{
    job->payload = payload ? payload : json_null();
    if (run->kind->def.gave_up && !atomic_load(&run->is_given_back)) {
        shoal_call_enter(call, run->kind->owner);
        run->kind->def.gave_up(call, job, run->kind->def.arg, run->why);
        shoal_call_leave(call);
    }
    bool is_cut_off = atomic_load(&run->is_given_back);
    call->cancel = NULL;
    call->deadline_ms = 0;
    struct shoal_err err = {0};
    if (!is_cut_off && jobs_told(call, run->id, &err) < 0) {
        shoal_warn("%s", err.text);
    }
}

void jobs_work(struct job_run *run)
{
    struct shoal_call call;
    shoal_call_init(&call);
    snprintf(call.id, sizeof(call.id), "job-%lld", (long long)run->id);
    call.cancel = &run->cancel;
    json_t *payload =
        run->payload ? shoal_json_parse(run->payload, strlen(run->payload), NULL) : NULL;
    struct shoal_job job = {.id = run->id,
        .kind = run->kind->def.kind,
        .payload = payload,
        .attempt = run->attempt,
        .fence = run->fence,
        .created_ms = run->created_ms};
    (run->why ? run_gave_up : run_handler)(&call, run, &job, payload);
    json_decref(payload);
    shoal_call_fini(&call);
}
