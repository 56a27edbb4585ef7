// identity_unproved.h - what waits for a key, as its table and its job share it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef IDENTITY_UNPROVED_H
#define IDENTITY_UNPROVED_H
#include <shoal/jobs.h>
#include <shoal/metrics.h>

#include "identity.h"

#define UNPROVED_LOT 16

extern struct shoal_metric who_metric_unproved;

/// One that waits; texts live in the arena of the call that read it.
struct who_unproved {
    int64_t id, attempts, received_ms;
    struct shoal_claim claim;
    const char *sender, *body;
    size_t body_bytes;
};

/// What becomes of one: it ends, or is looked at again at next_ms with so many attempts behind it (-1: as many
/// as it had).
struct who_unproved_end {
    int64_t id, next_ms, attempts;
    bool is_over;
};

/// When a host is looked at again. attempts -1: as they were.
struct who_unproved_host {
    const char *host;
    int64_t attempts, next_ms;
};

/// Hosts of which something is due, at most `room`; texts in the call's arena. Negative on failure.
int who_unproved_hosts(struct shoal_call *call, const char **hosts, int room, struct shoal_err *err);
/// What is due of a host, the oldest first; at most UNPROVED_LOT. Negative on failure.
int who_unproved_due(struct shoal_call *call, const char *host, struct who_unproved *out,
    struct shoal_err *err);
int who_unproved_end(struct shoal_call *call, const struct who_unproved_end *end, struct shoal_err *err);
/// Whether its key could not be read lately counts with the host as well: so many times in a row.
int64_t who_unproved_attempts(struct shoal_call *call, const char *host);
int who_unproved_host(struct shoal_call *call, const struct who_unproved_host *host, struct shoal_err *err);
/// Adds the job that reads keys, at the time of the first host that is due; nothing where none waits.
int who_unproved_job(struct shoal_call *call, int64_t not_before_ms, struct shoal_err *err);
/// The first that waits below this number and was signed with this very key, and not only in its name; or 0. What
/// came from the same sender is looked at first: of others a few, since anybody may put some before.
int64_t who_unproved_first(struct shoal_call *call, const struct shoal_claim *claim, int64_t below_id,
    const char *sender, const char *public_key);

#endif
