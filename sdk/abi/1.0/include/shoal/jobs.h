// jobs.h - work that survives a crash: durable, leased, fenced, retried with backoff.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_JOBS_H
#define SHOAL_JOBS_H
#include <jansson.h>

#include <shoal/sized.h>
#include <shoal/version.h>

/// A handler returns this when shoal_job_finish() will be called by id, maybe after a restart.
#define SHOAL_LATER 1

/// One claimed job; borrowed for the call.
struct shoal_job {
    int64_t id;
    const char *kind;
    const json_t *payload;
    int attempt;        ///< 1 the first time
    int64_t fence;      ///< grows with every claim: an older holder can no longer finish the job
    int64_t created_ms;
};

/// Runs on a job worker and may block; asks shoal_call_cancelled() now and then. At least once: it
/// must be repeatable.
/// Returns: 0 done, SHOAL_LATER, or a negative error: tried again with backoff, then parked.
///          SHOAL_EINVAL and SHOAL_EUNREADABLE park at once (another try cannot help).
typedef int shoal_job_fn(struct shoal_call *call, const struct shoal_job *job, void *arg,
    struct shoal_err *err);

struct shoal_job_kind {
    const char *kind;      ///< "transcode"; stored as PLUGIN.kind
    shoal_job_fn *run;
    /// [worker] Called once when the job is parked or was cancelled, so that its subject can be put
    /// into a state that says so; or NULL.
    void (*gave_up)(struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why);
    void *arg;
    int attempts;          ///< tries before it is parked; 5 when 0
    int lease_s;           ///< renewed by progress; 60 when 0
    int concurrency;       ///< at once on this node; 2 when 0
    int64_t backoff_ms;    ///< before the second try, doubled each time; 5 s when 0
    bool is_brief;         ///< there are many: one that is done leaves no row, where others are listed for a day
};

/// Names a kind of job and its handler.
///
/// Returns: 0 or a negative error. Errors: SHOAL_ECONFLICT. Thread: start() only. Blocks: no.
/// Since:   1.0.
SHOAL_INLINE int shoal_job_kind_add(struct shoal_plugin *self, const struct shoal_job_kind *kind,
    struct shoal_err *err)
{
    return shoal_job_kind_add_sized(self, kind, sizeof *kind, err);
}

struct shoal_job_options {
    int64_t run_at_ms;  ///< not before; 0: now
    int priority;       ///< lower first; 0 is normal
    const char *unique; ///< at most one waiting job of the kind with this key; NULL: any number
    const char *subject; ///< what it is about, for lists and crash attribution ("video:UUID"), or NULL
};

/// Adds a job within a transaction. kind: "kind" of self, or "PLUGIN.kind" (self NULL in the core).
///
/// payload: borrowed. options: or NULL. id (or NULL): out.
/// Returns: 0 or a negative error. Errors: SHOAL_EIO, SHOAL_EFULL. Thread: [worker]. Blocks: yes.
/// Since:   1.0.
SHOAL_INLINE int shoal_job_add(struct shoal_plugin *self, struct shoal_db *tx, const char *kind,
    const json_t *payload, const struct shoal_job_options *options, int64_t *id,
    struct shoal_err *err)
{
    return shoal_job_add_sized(self, tx, kind, payload, options, sizeof *options, id, err);
}
/// Says how far it is (0 to 100) and renews the lease.
/// Returns: 0, or SHOAL_ECANCELLED when the job was cancelled or taken by another holder. Where the
/// server stops it is 0: shoal_call_cancelled() says that the call has to end, and what works for the
/// job outside of this process (a media process) may go on for the next server.
SHOAL_API int shoal_job_progress(struct shoal_call *call, const struct shoal_job *job, int percent);
/// Says what it is about now, for lists ("120 deliveries to 30 servers wait"), in place of its subject.
/// Returns: 0 or a negative error. Errors: SHOAL_ECANCELLED (it is another holder's), SHOAL_EINVAL (longer
/// than 500 bytes), SHOAL_EIO, SHOAL_EFULL.
SHOAL_API int shoal_job_subject(struct shoal_call *call, const struct shoal_job *job,
    const char *subject, struct shoal_err *err);
/// Ends a job whose handler said "later": code 0, or a negative error and why.
SHOAL_API int shoal_job_finish(struct shoal_call *call, int64_t id, int64_t fence, int code,
    const char *why, struct shoal_err *err);
SHOAL_API int shoal_job_cancel(struct shoal_call *call, int64_t id, struct shoal_err *err);

#endif
