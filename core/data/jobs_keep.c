// jobs_keep.c - one round of the keeper: renew, take back, tell, claim, tidy.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <string.h>

#include "data/jobs_priv.h"

static void renew_leases(struct shoal_call *call)
{
    struct job_run list[JOB_THREADS_MAX];
    memset(list, 0, sizeof(list));
    size_t count = jobs_collect_renewals(list, JOB_THREADS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct shoal_err err = {0};
        int code = jobs_renew(call, &list[i], &err);
        if (code == SHOAL_ECANCELLED) {
            jobs_cancel_running(list[i].id);
        } else if (code < 0) {
            shoal_warn(
                "the lease of job %lld was not renewed: %s", (long long)list[i].id, err.text);
        }
        jobs_let_kinds_go(&list[i].kind, 1);
    }
}

static void cancel_one(int64_t id, void *user)
{
    (void)user;
    jobs_cancel_running(id);
}

static void tell_parked(struct shoal_call *call, struct job_kind *const *kinds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (jobs_room_of(kinds[i], 1) < 1) {
            continue;
        }
        struct job_run *run = jobs_take_untold(call, kinds[i]);
        if (run) {
            jobs_hand_over(run);
        }
    }
}

/// Claims for every kind that has something due, in turn. Returns: when the next job will be due.
static int64_t claim_due(struct shoal_call *call, struct job_kind *const *kinds, size_t count,
    const char *holder, size_t turn)
{
    struct job_want wants[JOB_KINDS_MAX];
    size_t wanted = 0;
    int64_t earliest = 0;
    int idle = jobs_idle();
    for (size_t i = 0; i < count && idle > 0; i++) {
        struct job_kind *kind = kinds[(i + turn) % count];
        int64_t next_ms;
        if (!jobs_is_due(call, kind, &next_ms)) {
            earliest = next_ms != 0 && (earliest == 0 || next_ms < earliest) ? next_ms : earliest;
            continue;
        }
        int room = jobs_room_of(kind, 1);
        room = room > 0 ? room - jobs_count_later(call, kind, holder) : 0;
        room = room < idle ? room : idle;
        if (room > 0) {
            wants[wanted++] = (struct job_want){.kind = kind, .most = room};
            idle -= room;
        }
    }
    struct job_runs runs = {0};
    struct shoal_err err = {0};
    if (wanted > 0 && jobs_claim(call, holder, wants, wanted, &runs, &err) < 0) {
        shoal_warn("no job could be claimed: %s", err.text);
    }
    while (runs.first) {
        struct job_run *run = runs.first;
        runs.first = run->next;
        jobs_hand_over(run);
    }
    return earliest;
}

int64_t jobs_keep(const char *holder, size_t turn, bool is_poll, bool is_tidy)
{
    struct shoal_call call;
    shoal_call_init(&call);
    struct job_kind *kinds[JOB_KINDS_MAX];
    size_t count = jobs_hold_kinds(kinds);
    renew_leases(&call);
    if (is_poll) {
        jobs_each_cancelled(&call, holder, cancel_one, NULL);
        for (size_t i = 0; i < count; i++) {
            jobs_reclaim(&call, kinds[i], holder, jobs_is_mine, NULL);
        }
    }
    tell_parked(&call, kinds, count);
    int64_t next_ms = count > 0 ? claim_due(&call, kinds, count, holder, turn) : 0;
    if (is_tidy) {
        jobs_tidy(&call);
    }
    jobs_let_kinds_go(kinds, count);
    shoal_call_fini(&call);
    int64_t wait = next_ms != 0 ? next_ms - shoal_now_ms() : JOB_POLL_MS;
    return wait < 10 ? 10 : wait > JOB_POLL_MS ? JOB_POLL_MS : wait;
}
