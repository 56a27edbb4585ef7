// jobs_kinds.c - the kinds of jobs that somebody handles, and their names.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/drill.h"
#include "base/sized.h"
#include "data/jobs_priv.h"

#define CONCURRENCY_MAX 256
#define ATTEMPTS_MAX    1000
#define LEASE_S_MAX     (7 * 24 * 3600)

const char *jobs_owner_name(struct shoal_plugin *owner)
{
    return owner ? ((const struct shoal_plugin_id *)(const void *)owner)->name : "core";
}

int jobs_full_name(
    struct shoal_plugin *self, const char *kind, char out[JOB_NAME_MAX], struct shoal_err *err)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:";
    if (!kind || kind[0] == 0 || kind[0] == '.' || kind[strspn(kind, letters)] != 0) {
        return shoal_fail(err, SHOAL_EINVAL, "a kind of job has no proper name");
    }
    const char *owner = jobs_owner_name(self);
    const char *dot = strchr(kind, '.');
    int length;
    if (!dot) {
        length = snprintf(out, JOB_NAME_MAX, "%s.%s", owner, kind);
    } else {
        size_t part = (size_t)(dot - kind);
        if (self && (strlen(owner) != part || memcmp(owner, kind, part) != 0)) {
            return shoal_fail(
                err, SHOAL_EFORBIDDEN, "%s adds no jobs of another plugin: %s", owner, kind);
        }
        length = snprintf(out, JOB_NAME_MAX, "%s", kind);
    }
    if (length < 0 || length >= JOB_NAME_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "the name of a kind of job is too long");
    }
    return 0;
}

static int bounded(int value, int otherwise, int most)
{
    int chosen = value > 0 ? value : otherwise;
    return chosen < most ? chosen : most;
}

int shoal_jobs_kind_add(
    struct shoal_plugin *owner, const struct shoal_job_kind *kind, struct shoal_err *err)
{
    char name[JOB_NAME_MAX];
    int code = jobs_full_name(owner, kind->kind, name, err);
    if (code < 0) {
        return code;
    }
    if (!kind->run) {
        return shoal_fail(err, SHOAL_EINVAL, "the kind of job %s has no handler", name);
    }
    struct job_kind *added = shoal_alloc(1, sizeof(*added));
    added->owner = owner;
    added->name = shoal_dup(name);
    added->def = *kind;
    added->def.kind = strchr(added->name, '.') + 1;
    added->def.attempts = bounded(kind->attempts, JOB_ATTEMPTS, ATTEMPTS_MAX);
    added->def.lease_s = bounded(kind->lease_s, JOB_LEASE_S, LEASE_S_MAX);
    added->def.concurrency = bounded(kind->concurrency, JOB_CONCURRENCY, CONCURRENCY_MAX);
    added->def.backoff_ms = shoal_drill_ms(
        "SHOAL_DRILL_BACKOFF", kind->backoff_ms > 0 ? kind->backoff_ms : JOB_BACKOFF_MS);
    code = jobs_kind_link(added, err);
    if (code < 0) {
        free(added->name);
        free(added);
    }
    return code;
}

int shoal_job_kind_add_sized(struct shoal_plugin *self, const struct shoal_job_kind *theirs,
    size_t kind_bytes, struct shoal_err *err)
{
    struct shoal_job_kind kind;
    shoal_sized_copy(&kind, sizeof(kind), theirs, kind_bytes);
    return shoal_jobs_kind_add(self, &kind, err);
}
