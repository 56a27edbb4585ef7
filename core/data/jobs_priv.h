// jobs_priv.h - what the files of the job queue share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_DATA_JOBS_PRIV_H
#define SHOAL_CORE_DATA_JOBS_PRIV_H
#include <pthread.h>
#include <stdatomic.h>

#include "data/data.h"

#define JOB_ATTEMPTS    5
#define JOB_LEASE_S     60
#define JOB_CONCURRENCY 2
#define JOB_BACKOFF_MS  5000
/// Ends of the process under a job, after which it is parked: it may be what ends it. Far more than
/// tries, as most of them are kills, power cuts and the crashes of others.
#define JOB_CUT_OFFS 20
#define JOB_NAME_MAX    160
#define JOB_KINDS_MAX   256
#define JOB_THREADS_MAX 64
#define JOB_POLL_MS     1000

/// A registered kind. Freed when it was removed and nothing of it runs any more.
struct job_kind {
    struct job_kind *next;
    struct shoal_plugin *owner; ///< NULL: the core
    char *name;                 ///< "PLUGIN.kind"
    struct shoal_job_kind def; ///< with its defaults filled in; def.kind is the part behind the dot
    int running;               ///< handed to workers of this process
    bool is_removed;
};

/// A claimed job, or a parked one whose gave_up shall run. Owned by the runner.
struct job_run {
    struct job_run *next;
    struct job_kind *kind;
    int64_t id, fence, created_ms;
    int attempt;
    char *payload; ///< JSON text
    char *why;     ///< for gave_up; NULL: run the handler
    atomic_bool cancel;
    atomic_bool is_given_back; ///< the server or its plugin stops: the attempt does not count
    int64_t renew_tick_ms;
    _Atomic int64_t progress_tick_ms; ///< when it last showed a sign of life
};

struct job_runs {
    struct job_run *first;
    size_t count;
};

// jobs_kinds.c

/// "kind" or "PLUGIN.kind" as stored; SHOAL_EINVAL for no proper name.
int jobs_full_name(
    struct shoal_plugin *self, const char *kind, char out[JOB_NAME_MAX], struct shoal_err *err);
const char *jobs_owner_name(struct shoal_plugin *owner);

// jobs_holder.c

/// Who this runner is: node, process, and a part that differs with each start.
void jobs_holder_make(char out[96]);
/// How many leading characters of a holder name the node.
#define JOB_NODE_LENGTH 16
/// Whether the process behind a holder's name is surely gone: it was on this node and is no more.
bool jobs_holder_is_gone(const char *holder, const char *self);

// jobs_end.c

enum job_ending {
    JOB_RETURNED,
    JOB_FORGOTTEN, ///< whoever was to finish it later did not report in time
    JOB_CUT_OFF,   ///< the process that ran it ended, or could not store its end
    JOB_GIVEN_BACK
};
/// Leads an active job to its next state within a transaction.
/// Errors: SHOAL_ENOTFOUND, SHOAL_ECANCELLED, SHOAL_ECONFLICT (another holder has it, or it ended).
int jobs_end(struct shoal_call *call, int64_t id, int64_t fence, enum job_ending ending, int code,
    const char *why, struct shoal_err *err);

// jobs_room.c

/// Whether a job that ended so waits, and that was no try.
bool jobs_room_awaits(int code, int64_t created_ms);
/// How long a job that found the disk full, or something away, waits until it is tried again.
int64_t jobs_room_wait_ms(int64_t created_ms);

// jobs_claim.c: the runner's own statements. All run in a call of the runner.

struct job_want {
    struct job_kind *kind;
    int most;
};
/// Claims up to `most` jobs of each wanted kind in one transaction; the runs are the caller's.
int jobs_claim(struct shoal_call *call, const char *holder, const struct job_want *wants,
    size_t count, struct job_runs *out, struct shoal_err *err);
/// Whether a job of the kind is due; *next_ms gets the time of the earliest one (0: none waits).
bool jobs_is_due(struct shoal_call *call, const struct job_kind *kind, int64_t *next_ms);
/// How many jobs of the kind this node has in hands that finish them later.
int jobs_count_later(struct shoal_call *call, const struct job_kind *kind, const char *holder);
/// Renews the lease of a run. Returns: 0, or SHOAL_ECANCELLED when it is to end.
int jobs_renew(struct shoal_call *call, const struct job_run *run, struct shoal_err *err);
/// Calls each with the id of every job of this holder that somebody cancelled.
void jobs_each_cancelled(
    struct shoal_call *call, const char *holder, void (*each)(int64_t id, void *user), void *user);
/// Takes back jobs of the kind whose holder died or whose lease ended; is_mine says which ids run
/// in this process.
void jobs_reclaim(struct shoal_call *call, const struct job_kind *kind, const char *holder,
    bool (*is_mine)(int64_t id, void *user), void *user);
/// Takes one parked or cancelled job whose gave_up has not run.
struct job_run *jobs_take_untold(struct shoal_call *call, struct job_kind *kind);
int jobs_told(struct shoal_call *call, int64_t id, struct shoal_err *err);
/// Removes jobs that ended long ago.
void jobs_tidy(struct shoal_call *call);

// jobs_run.c

/// Makes the runner look for work now. Any thread.
void jobs_wake(void);
/// Sets the cancel flag of a job that runs in this process.
void jobs_cancel_running(int64_t id);
/// Notes a sign of life of a job that runs in this process. Returns: whether it is given back to the
/// next server, for which it goes on.
bool jobs_note_progress(int64_t id, int64_t fence);
void jobs_run_free(struct job_run *run);
/// Whether done jobs of a kind, "PLUGIN.kind", leave no row.
bool jobs_kind_is_brief(const char *name);
/// Adds to the registered kinds.
int jobs_kind_link(struct job_kind *kind, struct shoal_err *err);
/// Takes hold of all kinds, so that none is freed while the keeper looks at it without the lock.
size_t jobs_hold_kinds(struct job_kind *list[JOB_KINDS_MAX]);
void jobs_let_kinds_go(struct job_kind *const *list, size_t count);
/// Copies of the runs whose lease is to be renewed now; each holds its kind once more.
size_t jobs_collect_renewals(struct job_run *list, size_t most);
/// How many workers are free, and how many more of a kind may run; held: how often the keeper holds
/// it.
int jobs_idle(void);
int jobs_room_of(const struct job_kind *kind, int held);
/// Hands a claimed run to the workers.
void jobs_hand_over(struct job_run *run);
/// Whether a job is in the hands of this runner.
bool jobs_is_mine(int64_t id, void *user);

// jobs_keep.c

/// One round of the keeper. turn: which kind claims first. Returns: how long it may wait for the
/// next.
int64_t jobs_keep(const char *holder, size_t turn, bool is_poll, bool is_tidy);

#endif
