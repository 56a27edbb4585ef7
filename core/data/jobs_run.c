// jobs_run.c - the runner: a keeper that claims and renews, workers that run handlers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "data/jobs_priv.h"
#include "data/jobs_work.h"

#define TIDY_MS       600000
#define SILENT_MAX_MS INT64_C(21600000) // a handler without a sign of life keeps its lease so long
#define REMOVE_WAIT_S 30

static struct {
    pthread_mutex_t lock;
    pthread_cond_t keeper, work, ended;
    bool is_ready, is_started, is_woken;
    bool is_stopping, is_draining; ///< nothing is claimed any more; nothing will be handed over
    struct job_kind *kinds;
    struct job_run *ready, *running; ///< claimed and waiting for a worker; in a worker
    int busy;                        ///< how many runs are in the two lists
    int threads;
    pthread_t keeper_thread, worker_threads[JOB_THREADS_MAX];
    char holder[96];
} jobs = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local const struct job_run *own_run;

static void start_conditions(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&jobs.keeper, &attributes);
    pthread_cond_init(&jobs.work, &attributes);
    pthread_cond_init(&jobs.ended, &attributes);
    pthread_condattr_destroy(&attributes);
    jobs.is_ready = true;
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    return until;
}

void jobs_run_free(struct job_run *run)
{
    if (run) {
        free(run->payload);
        free(run->why);
        free(run);
    }
}

static void kind_free(struct job_kind *kind)
{
    free(kind->name);
    free(kind);
}

int jobs_kind_link(struct job_kind *kind, struct shoal_err *err)
{
    pthread_mutex_lock(&jobs.lock);
    size_t count = 0;
    int code = 0;
    for (const struct job_kind *other = jobs.kinds; other; other = other->next, count++) {
        if (strcmp(other->name, kind->name) == 0) {
            code = shoal_fail(
                err, SHOAL_ECONFLICT, "the kind of job %s is registered already", kind->name);
        }
    }
    if (code == 0 && count >= JOB_KINDS_MAX) {
        code = shoal_fail(err, SHOAL_EFULL, "there are too many kinds of jobs");
    }
    if (code == 0) {
        kind->next = jobs.kinds;
        jobs.kinds = kind;
    }
    pthread_mutex_unlock(&jobs.lock);
    if (code == 0) {
        jobs_wake();
    }
    return code;
}

bool jobs_kind_is_brief(const char *name)
{
    bool is_brief = false;
    pthread_mutex_lock(&jobs.lock);
    for (const struct job_kind *kind = jobs.kinds; kind; kind = kind->next) {
        is_brief |= kind->def.is_brief && strcmp(kind->name, name) == 0;
    }
    pthread_mutex_unlock(&jobs.lock);
    return is_brief;
}

void jobs_wake(void)
{
    pthread_mutex_lock(&jobs.lock);
    jobs.is_woken = true;
    if (jobs.is_ready) {
        pthread_cond_signal(&jobs.keeper);
    }
    pthread_mutex_unlock(&jobs.lock);
}

/// Calls each for everything that was handed to workers. The lock is held.
static void each_run(void (*each)(struct job_run *run, const void *user), const void *user)
{
    for (struct job_run *run = jobs.ready; run; run = run->next) {
        each(run, user);
    }
    for (struct job_run *run = jobs.running; run; run = run->next) {
        each(run, user);
    }
}

static void cancel_if_id(struct job_run *run, const void *user)
{
    const int64_t *id = user;
    if (run->id == *id && !run->why) {
        atomic_store(&run->cancel, true);
    }
}

void jobs_cancel_running(int64_t id)
{
    pthread_mutex_lock(&jobs.lock);
    each_run(cancel_if_id, &id);
    pthread_mutex_unlock(&jobs.lock);
}

struct note {
    int64_t id, fence;
    bool *is_given_back;
};

static void note_if_same(struct job_run *run, const void *user)
{
    const struct note *note = user;
    if (run->id == note->id && run->fence == note->fence) {
        atomic_store(&run->progress_tick_ms, shoal_tick_ms());
        *note->is_given_back = atomic_load(&run->is_given_back);
    }
}

bool jobs_note_progress(int64_t id, int64_t fence)
{
    bool is_given_back = false;
    struct note note = {id, fence, &is_given_back};
    pthread_mutex_lock(&jobs.lock);
    each_run(note_if_same, &note);
    pthread_mutex_unlock(&jobs.lock);
    return is_given_back;
}

bool jobs_is_mine(int64_t id, void *user)
{
    (void)user;
    pthread_mutex_lock(&jobs.lock);
    bool is_found = false;
    for (const struct job_run *run = jobs.ready; run && !is_found; run = run->next) {
        is_found = run->id == id;
    }
    for (const struct job_run *run = jobs.running; run && !is_found; run = run->next) {
        is_found = run->id == id;
    }
    pthread_mutex_unlock(&jobs.lock);
    return is_found;
}

static void give_back_if_owner(struct job_run *run, const void *user)
{
    struct shoal_plugin *const *owner = user;
    if (!owner || run->kind->owner == *owner) {
        atomic_store(&run->is_given_back, true);
        atomic_store(&run->cancel, true);
    }
}

// What the keeper asks.

size_t jobs_collect_renewals(struct job_run *list, size_t most)
{
    size_t count = 0;
    int64_t now = shoal_tick_ms();
    pthread_mutex_lock(&jobs.lock);
    for (struct job_run *run = jobs.running; run && count < most; run = run->next) {
        if (run->why || run->renew_tick_ms > now) {
            continue;
        }
        if (now - atomic_load(&run->progress_tick_ms) > SILENT_MAX_MS) {
            if (!atomic_exchange(&run->cancel, true)) {
                shoal_warn("job %lld (%s) has shown no sign of life for %lld hours: it is told to end",
                    (long long)run->id, run->kind->name, (long long)(SILENT_MAX_MS / 3600000));
            }
            continue;
        }
        run->renew_tick_ms = now + (int64_t)run->kind->def.lease_s * 1000 / 3;
        list[count].id = run->id;
        list[count].fence = run->fence;
        list[count].kind = run->kind;
        run->kind->running++; // holds the kind while it is used without the lock
        count++;
    }
    pthread_mutex_unlock(&jobs.lock);
    return count;
}

static void release_kind(struct job_kind *kind)
{
    kind->running--;
    if (kind->is_removed && kind->running == 0) {
        kind_free(kind);
    }
    pthread_cond_broadcast(&jobs.ended);
}

size_t jobs_hold_kinds(struct job_kind *list[JOB_KINDS_MAX])
{
    size_t count = 0;
    pthread_mutex_lock(&jobs.lock);
    for (struct job_kind *kind = jobs.kinds; kind && count < JOB_KINDS_MAX; kind = kind->next) {
        kind->running++;
        list[count++] = kind;
    }
    pthread_mutex_unlock(&jobs.lock);
    return count;
}

void jobs_let_kinds_go(struct job_kind *const *list, size_t count)
{
    pthread_mutex_lock(&jobs.lock);
    for (size_t i = 0; i < count; i++) {
        release_kind(list[i]);
    }
    pthread_mutex_unlock(&jobs.lock);
}

void jobs_hand_over(struct job_run *run)
{
    int64_t now = shoal_tick_ms();
    run->renew_tick_ms = now + (int64_t)run->kind->def.lease_s * 1000 / 3;
    atomic_store(&run->progress_tick_ms, now);
    pthread_mutex_lock(&jobs.lock);
    if (jobs.is_stopping || run->kind->is_removed) {
        atomic_store(&run->is_given_back, true);
        atomic_store(&run->cancel, true);
    }
    struct job_run **end = &jobs.ready;
    while (*end) {
        end = &(*end)->next;
    }
    run->next = NULL;
    *end = run;
    run->kind->running++;
    jobs.busy++;
    pthread_cond_signal(&jobs.work);
    pthread_mutex_unlock(&jobs.lock);
}

int jobs_idle(void)
{
    pthread_mutex_lock(&jobs.lock);
    int idle = jobs.is_stopping ? 0 : jobs.threads - jobs.busy;
    pthread_mutex_unlock(&jobs.lock);
    return idle;
}

int jobs_room_of(const struct job_kind *kind, int held)
{
    pthread_mutex_lock(&jobs.lock);
    int room =
        jobs.is_stopping || kind->is_removed ? 0 : kind->def.concurrency - kind->running + held;
    int idle = jobs.threads - jobs.busy;
    pthread_mutex_unlock(&jobs.lock);
    return room < idle ? room : idle;
}

// The threads.

static void *run_keeper(void *unused)
{
    (void)unused;
    int64_t polled = shoal_tick_ms() - JOB_POLL_MS;
    int64_t tidied = shoal_tick_ms();
    size_t turn = 0; // which kind claims first, so that none starves
    for (;;) {
        int64_t now = shoal_tick_ms();
        bool is_poll = now - polled >= JOB_POLL_MS;
        bool is_tidy = now - tidied >= TIDY_MS;
        polled = is_poll ? now : polled;
        tidied = is_tidy ? now : tidied;
        int64_t wait = jobs_keep(jobs.holder, turn++, is_poll, is_tidy);
        struct timespec until = in_ms(wait);
        pthread_mutex_lock(&jobs.lock);
        int waited = 0;
        while (!jobs.is_woken && !jobs.is_stopping && waited == 0) {
            waited = pthread_cond_timedwait(&jobs.keeper, &jobs.lock, &until);
        }
        jobs.is_woken = false;
        bool is_stopping = jobs.is_stopping;
        pthread_mutex_unlock(&jobs.lock);
        if (is_stopping) {
            return NULL;
        }
    }
}

static struct job_run *take_ready(void)
{
    pthread_mutex_lock(&jobs.lock);
    while (!jobs.ready && !jobs.is_draining) {
        pthread_cond_wait(&jobs.work, &jobs.lock);
    }
    struct job_run *run = jobs.ready;
    if (run) {
        jobs.ready = run->next;
        run->next = jobs.running;
        jobs.running = run;
    }
    pthread_mutex_unlock(&jobs.lock);
    return run;
}

static void put_away(struct job_run *run)
{
    pthread_mutex_lock(&jobs.lock);
    struct job_run **at = &jobs.running;
    while (*at != run) {
        at = &(*at)->next;
    }
    *at = run->next;
    jobs.busy--;
    release_kind(run->kind);
    jobs.is_woken = true;
    pthread_cond_signal(&jobs.keeper);
    pthread_mutex_unlock(&jobs.lock);
    jobs_run_free(run);
}

static void *run_worker(void *unused)
{
    (void)unused;
    struct job_run *run;
    while ((run = take_ready())) {
        own_run = run;
        jobs_work(run);
        own_run = NULL;
        put_away(run);
    }
    return NULL;
}

int shoal_jobs_start(int threads, struct shoal_err *err)
{
    pthread_mutex_lock(&jobs.lock);
    if (jobs.is_started) {
        pthread_mutex_unlock(&jobs.lock);
        return shoal_fail(err, SHOAL_ECONFLICT, "jobs run already");
    }
    if (!jobs.is_ready) {
        start_conditions();
    }
    jobs.is_started = true;
    jobs.is_stopping = false;
    int wanted = threads < 1 ? 1 : threads > JOB_THREADS_MAX ? JOB_THREADS_MAX : threads;
    jobs.threads = 0;
    jobs_holder_make(jobs.holder);
    int failed = pthread_create(&jobs.keeper_thread, NULL, run_keeper, NULL);
    while (!failed && jobs.threads < wanted) {
        failed = pthread_create(&jobs.worker_threads[jobs.threads], NULL, run_worker, NULL);
        jobs.threads += failed ? 0 : 1;
    }
    jobs.is_started = jobs.threads > 0;
    pthread_mutex_unlock(&jobs.lock);
    if (failed && jobs.threads == 0) {
        return shoal_fail(err, SHOAL_EIO, "the threads of the jobs cannot be started");
    }
    return 0;
}

void shoal_jobs_stop(void)
{
    pthread_mutex_lock(&jobs.lock);
    bool is_started = jobs.is_started;
    jobs.is_stopping = is_started;
    if (is_started) {
        each_run(give_back_if_owner, NULL);
        pthread_cond_broadcast(&jobs.keeper);
    }
    pthread_mutex_unlock(&jobs.lock);
    if (!is_started) {
        return;
    }
    pthread_join(jobs.keeper_thread, NULL);
    pthread_mutex_lock(&jobs.lock);
    jobs.is_draining = true;
    pthread_cond_broadcast(&jobs.work);
    pthread_mutex_unlock(&jobs.lock);
    for (int i = 0; i < jobs.threads; i++) {
        pthread_join(jobs.worker_threads[i], NULL);
    }
    pthread_mutex_lock(&jobs.lock);
    jobs.is_started = false;
    jobs.is_stopping = false;
    jobs.is_draining = false;
    pthread_mutex_unlock(&jobs.lock);
}

/// How many runs of the owner are in other threads than this one. The lock is held.
static int count_running(struct shoal_plugin *owner)
{
    int count = 0;
    for (const struct job_run *run = jobs.ready; run; run = run->next) {
        count += run->kind->owner == owner ? 1 : 0;
    }
    for (const struct job_run *run = jobs.running; run; run = run->next) {
        count += run->kind->owner == owner && run != own_run ? 1 : 0;
    }
    return count;
}

void shoal_jobs_owner_remove(struct shoal_plugin *owner)
{
    struct timespec until = in_ms(REMOVE_WAIT_S * 1000);
    pthread_mutex_lock(&jobs.lock);
    struct job_kind **at = &jobs.kinds;
    while (*at) {
        struct job_kind *kind = *at;
        if (kind->owner != owner) {
            at = &kind->next;
            continue;
        }
        *at = kind->next;
        kind->is_removed = true;
        if (kind->running == 0) {
            kind_free(kind);
        }
    }
    each_run(give_back_if_owner, &owner);
    int waited = 0;
    while (jobs.is_started && count_running(owner) > 0 && waited == 0) {
        waited = pthread_cond_timedwait(&jobs.ended, &jobs.lock, &until);
    }
    pthread_mutex_unlock(&jobs.lock);
    if (waited != 0) {
        shoal_warn("jobs of %s did not end in time", jobs_owner_name(owner));
    }
}
