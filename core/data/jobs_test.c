// jobs_test.c - jobs: durable, leased, fenced, tried again, parked, cancelled.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include "data/jobs_priv.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

static const struct shoal_plugin_id worker = {.name = "worker", .table_prefix = "worker_"};
static atomic_int runs, given_up, most_at_once, at_once, answer, progress_at_end;
static _Atomic int64_t last_fence, last_id;
static atomic_bool is_held;
static char last_why[200];

static struct shoal_plugin *owner(void)
{
    return (struct shoal_plugin *)(uintptr_t)&worker;
}

static int open_jobs(void **state)
{
    kit_open(state);
    atomic_store(&runs, 0);
    atomic_store(&given_up, 0);
    atomic_store(&most_at_once, 0);
    atomic_store(&answer, 0);
    atomic_store(&is_held, false);
    memset(last_why, 0, sizeof(last_why));
    return 0;
}

static int close_jobs(void **state)
{
    atomic_store(&is_held, false);
    shoal_clock_set(NULL);
    shoal_jobs_owner_remove(owner());
    return kit_close(state);
}

static int handle(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    assert_ptr_equal(shoal_call_plugin(call), owner());
    atomic_store(&last_id, job->id);
    atomic_store(&last_fence, job->fence);
    int now = atomic_fetch_add(&at_once, 1) + 1;
    if (now > atomic_load(&most_at_once)) {
        atomic_store(&most_at_once, now);
    }
    atomic_fetch_add(&runs, 1);
    while (atomic_load(&is_held) && shoal_call_sleep(call, 10) == 0) {
    }
    atomic_fetch_sub(&at_once, 1);
    if (shoal_call_cancelled(call)) {
        atomic_store(&progress_at_end, shoal_job_progress(call, job, 50));
        return shoal_fail(err, SHOAL_ECANCELLED, "told to end");
    }
    int code = atomic_load(&answer);
    return code < 0 ? shoal_fail(err, code, "it broke on try %d", job->attempt) : code;
}

static void give_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why)
{
    (void)call;
    (void)arg;
    assert_int_equal(shoal_integer(job->payload, "n", -1), 7);
    snprintf(last_why, sizeof(last_why), "%s", why);
    atomic_fetch_add(&given_up, 1);
}

static void add_kind(int attempts, int concurrency, int64_t backoff_ms)
{
    struct shoal_job_kind kind = {.kind = "work",
        .run = handle,
        .gave_up = give_up,
        .attempts = attempts,
        .concurrency = concurrency,
        .backoff_ms = backoff_ms};
    struct shoal_err err = {0};
    assert_int_equal(shoal_job_kind_add(owner(), &kind, &err), 0);
}

struct addition {
    const struct shoal_job_options *options;
    int64_t id;
    int code;
};

static int add_closure(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct addition *addition = arg;
    json_t *payload = json_pack("{s:i}", "n", 7);
    int code = shoal_job_add(owner(), tx, "work", payload, addition->options, &addition->id, err);
    json_decref(payload);
    return code < 0 ? code : addition->code;
}

static int64_t add_job(const struct shoal_job_options *options)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    struct addition addition = {.options = options};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, add_closure, &addition, &err), 0);
    shoal_call_fini(&call);
    return addition.id;
}

static void start_runner(void)
{
    struct shoal_err err = {0};
    assert_int_equal(shoal_jobs_start(4, &err), 0);
}

static void wait_for(atomic_int *counter, int value)
{
    for (int i = 0; i < 1000 && atomic_load(counter) < value; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(counter), value);
}

static void a_job_runs_soon_after_its_commit(void **state)
{
    (void)state;
    add_kind(0, 0, 0);
    start_runner();
    usleep(100000);
    int64_t before = shoal_tick_ms();
    add_job(NULL);
    wait_for(&runs, 1);
    assert_true(shoal_tick_ms() - before < 700);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done' AND progress = 100", 1);
}

static void a_job_of_a_failed_transaction_does_not_exist(void **state)
{
    (void)state;
    struct shoal_call call;
    struct addition addition = {.code = SHOAL_EINVAL};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, add_closure, &addition, NULL), SHOAL_EINVAL);
    shoal_call_fini(&call);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job"), 0);
}

static void a_job_of_an_unknown_kind_waits(void **state)
{
    (void)state;
    start_runner();
    add_job(NULL);
    usleep(100000);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'waiting'"), 1);
    add_kind(0, 0, 0);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
}

static void is_tried_again_and_then_parked(void **state)
{
    (void)state;
    add_kind(3, 0, 20);
    atomic_store(&answer, SHOAL_EIO);
    start_runner();
    add_job(NULL);
    wait_for(&given_up, 1);
    assert_int_equal(atomic_load(&runs), 3);
    assert_string_equal(last_why, "it broke on try 3");
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'parked' AND is_told = TRUE", 1);
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    json_t *list = shoal_jobs_list(&call, "parked", 0, 10, &err);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(shoal_text(list, "0.kind", ""), "worker.work");
    assert_string_equal(shoal_text(list, "0.error", ""), "it broke on try 3");
    json_decref(list);
    json_t *counts = shoal_jobs_count(&call, &err);
    assert_int_equal(shoal_integer(counts, "parked", -1), 1);
    json_decref(counts);
    assert_null(shoal_jobs_list(&call, "sleeping", 0, 10, &err));
    atomic_store(&answer, 0);
    assert_int_equal(shoal_jobs_retry(&call, atomic_load(&last_id), &err), 0);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
    assert_int_equal(shoal_jobs_retry(&call, atomic_load(&last_id), &err), SHOAL_ECONFLICT);
    assert_int_equal(shoal_jobs_retry(&call, 9999, &err), SHOAL_ENOTFOUND);
    shoal_call_fini(&call);
}

static void what_cannot_succeed_is_parked_at_once(void **state)
{
    (void)state;
    add_kind(5, 0, 10);
    atomic_store(&answer, SHOAL_EUNREADABLE);
    start_runner();
    add_job(NULL);
    wait_for(&given_up, 1);
    assert_int_equal(atomic_load(&runs), 1);
}

static void a_payload_that_is_no_json_is_parked(void **state)
{
    (void)state;
    struct shoal_job_kind kind = {.kind = "work", .run = handle};
    assert_int_equal(shoal_job_kind_add(owner(), &kind, NULL), 0);
    start_runner();
    int64_t id = add_job(&(struct shoal_job_options){.run_at_ms = INT64_MAX / 2});
    char text[200];
    snprintf(text, sizeof(text), "UPDATE job SET payload = '{', run_at_ms = 0 WHERE id = %lld",
        (long long)id);
    kit_run(text);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'parked'", 1);
    assert_int_equal(atomic_load(&runs), 0);
}

static _Atomic int64_t fake_ms;

static int64_t fake_now(void *self)
{
    (void)self;
    return atomic_load(&fake_ms);
}

static int64_t real_tick(void *self)
{
    (void)self;
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void real_sleep(void *self, int64_t ms)
{
    (void)self;
    usleep((useconds_t)ms * 1000);
}

static void waits_twice_as_long_after_each_try(void **state)
{
    (void)state;
    static const struct shoal_clock clock = {
        .now_ms = fake_now, .tick_ms = real_tick, .sleep = real_sleep};
    atomic_store(&fake_ms, INT64_C(1000000));
    shoal_clock_set(&clock);
    add_kind(4, 0, 1000);
    atomic_store(&answer, SHOAL_EIO);
    start_runner();
    add_job(NULL);
    int64_t wait = 1000;
    for (int attempt = 1; attempt < 4; attempt++, wait *= 2) {
        wait_for(&runs, attempt);
        kit_wait("SELECT COUNT(*) FROM job WHERE state = 'waiting'", 1);
        int64_t left = kit_i64("SELECT run_at_ms FROM job") - atomic_load(&fake_ms);
        assert_in_range(left, wait * 8 / 10, wait * 12 / 10);
        usleep(50000);
        assert_int_equal(atomic_load(&runs), attempt);
        atomic_fetch_add(&fake_ms, left);
    }
    wait_for(&given_up, 1);
    assert_int_equal(atomic_load(&runs), 4);
}

static void a_job_for_later_waits_for_its_time(void **state)
{
    (void)state;
    add_kind(0, 0, 0);
    start_runner();
    add_job(&(struct shoal_job_options){.run_at_ms = shoal_now_ms() + 300});
    usleep(100000);
    assert_int_equal(atomic_load(&runs), 0);
    wait_for(&runs, 1);
}

static void runs_no_more_at_once_than_its_kind_allows(void **state)
{
    (void)state;
    add_kind(0, 2, 0);
    atomic_store(&is_held, true);
    start_runner();
    for (int i = 0; i < 5; i++) {
        add_job(NULL);
    }
    wait_for(&runs, 2);
    usleep(100000);
    assert_int_equal(atomic_load(&runs), 2);
    atomic_store(&is_held, false);
    wait_for(&runs, 5);
    assert_int_equal(atomic_load(&most_at_once), 2);
}

static void takes_the_lower_priority_first(void **state)
{
    (void)state;
    add_job(&(struct shoal_job_options){.priority = 5});
    int64_t urgent = add_job(&(struct shoal_job_options){.priority = -5});
    add_job(NULL);
    atomic_store(&is_held, true);
    add_kind(0, 1, 0);
    start_runner();
    wait_for(&runs, 1);
    assert_int_equal(atomic_load(&last_id), urgent);
}

static void a_unique_key_waits_only_once(void **state)
{
    (void)state;
    struct shoal_job_options options = {.unique = "video:1", .subject = "video:1"};
    int64_t first = add_job(&options);
    assert_int_equal(add_job(&options), first);
    options.unique = "video:2";
    assert_int_not_equal(add_job(&options), first);
    options.unique = "video:1";
    atomic_store(&is_held, true);
    add_kind(0, 1, 0);
    start_runner();
    wait_for(&runs, 1);
    assert_int_not_equal(add_job(&options), first);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job"), 3);
}

static void a_failed_unique_job_gives_way_to_the_one_that_waits(void **state)
{
    (void)state;
    struct shoal_job_options options = {.unique = "k"};
    add_kind(5, 1, 1);
    atomic_store(&is_held, true);
    atomic_store(&answer, SHOAL_EIO);
    int64_t first = add_job(&options);
    start_runner();
    wait_for(&runs, 1);
    options.run_at_ms = shoal_now_ms() + 100000;
    assert_int_not_equal(add_job(&options), first);
    atomic_store(&is_held, false);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'cancelled' AND is_told = TRUE", 1);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'waiting'"), 1);
}

static int finish(int64_t id, int64_t fence, int code)
{
    struct shoal_call call;
    shoal_call_init(&call);
    int result = shoal_job_finish(&call, id, fence, code, "later", NULL);
    shoal_call_fini(&call);
    return result;
}

static void a_later_job_is_finished_by_its_id_and_fence(void **state)
{
    (void)state;
    add_kind(2, 1, 1);
    atomic_store(&answer, SHOAL_LATER);
    start_runner();
    int64_t id = add_job(NULL);
    kit_wait("SELECT COUNT(*) FROM job WHERE is_later = TRUE", 1);
    int64_t fence = atomic_load(&last_fence);
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_job job = {.id = id, .fence = fence};
    assert_int_equal(shoal_job_progress(&call, &job, 40), 0);
    assert_int_equal(kit_i64("SELECT progress FROM job"), 40);
    job.fence--;
    assert_int_equal(shoal_job_progress(&call, &job, 50), SHOAL_ECANCELLED);
    assert_int_equal(shoal_job_subject(&call, &job, "lost", NULL), SHOAL_ECANCELLED);
    job.fence++;
    assert_int_equal(shoal_job_subject(&call, &job, "three wait", NULL), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE subject = 'three wait'"), 1);
    char *long_text = shoal_arena_alloc(shoal_call_arena(&call), 502);
    memset(long_text, 'x', 501);
    assert_int_equal(shoal_job_subject(&call, &job, long_text, NULL), SHOAL_EINVAL);
    shoal_call_fini(&call);
    assert_int_equal(finish(id, fence - 1, 0), SHOAL_ECONFLICT);
    assert_int_equal(finish(id, fence, SHOAL_LATER), SHOAL_EINVAL);
    assert_int_equal(finish(id, fence, SHOAL_EIO), 0);
    kit_wait("SELECT COUNT(*) FROM job WHERE is_later = TRUE AND attempt = 2", 1);
    assert_int_equal(finish(id, fence, 0), SHOAL_ECONFLICT);
    assert_int_equal(finish(id, atomic_load(&last_fence), 0), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'done'"), 1);
    assert_int_equal(finish(id, atomic_load(&last_fence), 0), SHOAL_ECONFLICT);
    assert_int_equal(finish(4711, 1, 0), SHOAL_ENOTFOUND);
}

static void later_jobs_count_for_the_concurrency(void **state)
{
    (void)state;
    add_kind(0, 1, 0);
    atomic_store(&answer, SHOAL_LATER);
    start_runner();
    int64_t id = add_job(NULL);
    kit_wait("SELECT COUNT(*) FROM job WHERE is_later = TRUE", 1);
    add_job(NULL);
    usleep(150000);
    assert_int_equal(atomic_load(&runs), 1);
    assert_int_equal(finish(id, atomic_load(&last_fence), 0), 0);
    wait_for(&runs, 2);
}

static int cancel(int64_t id)
{
    struct shoal_call call;
    shoal_call_init(&call);
    int code = shoal_job_cancel(&call, id, NULL);
    shoal_call_fini(&call);
    return code;
}

static void a_running_job_can_be_cancelled(void **state)
{
    (void)state;
    add_kind(5, 0, 0);
    atomic_store(&is_held, true);
    start_runner();
    int64_t id = add_job(NULL);
    wait_for(&runs, 1);
    assert_int_equal(cancel(id), 0);
    wait_for(&given_up, 1);
    assert_int_equal(atomic_load(&progress_at_end), SHOAL_ECANCELLED);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'cancelled'"), 1);
    assert_int_equal(cancel(id), SHOAL_ECONFLICT);
    assert_int_equal(cancel(4711), SHOAL_ENOTFOUND);
    assert_int_equal(atomic_load(&runs), 1);
}

static void waiting_and_later_jobs_can_be_cancelled(void **state)
{
    (void)state;
    int64_t id = add_job(NULL);
    assert_int_equal(cancel(id), 0);
    atomic_store(&answer, SHOAL_LATER);
    add_kind(0, 0, 0);
    start_runner();
    wait_for(&given_up, 1);
    id = add_job(NULL);
    kit_wait("SELECT COUNT(*) FROM job WHERE is_later = TRUE AND state = 'active'", 1);
    assert_int_equal(cancel(id), 0);
    wait_for(&given_up, 2);
    assert_int_equal(finish(id, atomic_load(&last_fence), 0), SHOAL_ECANCELLED);
}

static void stopping_gives_jobs_back_without_counting_the_try(void **state)
{
    (void)state;
    add_kind(1, 0, 0);
    atomic_store(&is_held, true);
    start_runner();
    add_job(NULL);
    wait_for(&runs, 1);
    shoal_jobs_stop();
    assert_int_equal(atomic_load(&progress_at_end), 0); // the call ends, the job goes on
    assert_int_equal(
        kit_i64("SELECT COUNT(*) FROM job WHERE state = 'waiting' AND attempt = 0"), 1);
    atomic_store(&is_held, false);
    start_runner();
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
    assert_int_equal(atomic_load(&given_up), 0);
}

static void a_plugin_that_goes_leaves_its_jobs_waiting(void **state)
{
    (void)state;
    add_kind(1, 0, 0);
    atomic_store(&is_held, true);
    start_runner();
    add_job(NULL);
    wait_for(&runs, 1);
    shoal_jobs_owner_remove(owner());
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'waiting'"), 1);
    usleep(100000);
    assert_int_equal(atomic_load(&runs), 1);
}

static void an_older_holder_cannot_go_on(void **state)
{
    (void)state;
    add_kind(5, 0, 1);
    atomic_store(&is_held, true);
    start_runner();
    int64_t id = add_job(NULL);
    wait_for(&runs, 1);
    int64_t fence = atomic_load(&last_fence);
    // As if another node had taken it after the lease had ended.
    kit_run("UPDATE job SET fence = fence + 1, holder = 'ffffffffffffffff/1.1.x',"
            " lease_until_ms = 99999999999999");
    struct shoal_call call;
    shoal_call_init(&call);
    struct shoal_job job = {.id = id, .fence = fence};
    assert_int_equal(shoal_job_progress(&call, &job, 10), SHOAL_ECANCELLED);
    shoal_call_fini(&call);
    atomic_store(&is_held, false);
    shoal_jobs_stop();
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'active'"), 1);
}

static void a_job_whose_end_was_not_stored_does_not_wait_for_its_lease(void **state)
{
    (void)state;
    add_kind(1, 0, 1);
    atomic_store(&is_held, true);
    start_runner();
    add_job(NULL);
    wait_for(&runs, 1);
    kit_run("CREATE TABLE kept AS SELECT holder FROM job");
    atomic_store(&is_held, false);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
    kit_run("UPDATE job SET state = 'active', holder = (SELECT holder FROM kept),"
            " lease_until_ms = 99999999999999"); // as if the end had not been written
    wait_for(&runs, 2);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done' AND attempt = 1 AND cut_offs = 1", 1);
    assert_int_equal(atomic_load(&given_up), 0);
}

static int crash(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)job;
    (void)arg;
    (void)err;
    kill(getpid(), SIGKILL);
    return 0;
}

/// A process that is killed by the job it runs; or ends well when the job is parked.
static void child_runs_poison(void)
{
    struct shoal_err err = {0};
    struct shoal_job_kind kind = {
        .kind = "work", .run = crash, .attempts = 1, .backoff_ms = 1, .lease_s = 600};
    if (shoal_data_open(kit_folder, &err) < 0 || shoal_job_kind_add(owner(), &kind, &err) < 0 ||
        shoal_jobs_start(1, &err) < 0) {
        _exit(1);
    }
    for (int i = 0; i < 300; i++) {
        usleep(10000);
        kit_run("UPDATE job SET run_at_ms = 0 WHERE state = 'waiting'"); // whatever the backoff says
        jobs_wake();
        if (kit_i64("SELECT COUNT(*) FROM job WHERE state = 'parked'") == 1) {
            _exit(0);
        }
    }
    _exit(2);
}

/// Runs processes that the job kills, so many at most. Returns: how many it killed.
static int run_poison(int most, int *status)
{
    int killed = 0;
    while (killed < most) {
        pid_t child = fork();
        if (child == 0) {
            child_runs_poison();
        }
        waitpid(child, status, 0);
        if (!WIFSIGNALED(*status)) {
            break;
        }
        killed++;
    }
    return killed;
}

static void a_job_that_kills_its_process_is_parked(void **state)
{
    (void)state;
    int status = 0;
    kit_folder_make();
    kit_reopen();
    add_job(NULL);
    shoal_data_close();
    assert_int_equal(run_poison(JOB_CUT_OFFS + 3, &status), JOB_CUT_OFFS);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    kit_reopen();
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE state = 'parked'"
                             " AND error LIKE 'the process that ran it ended 20 times%'"),
        1);
    shoal_data_close();
    shoal_tree_remove(kit_folder, NULL);
}

static void a_killed_process_uses_up_no_try(void **state)
{
    int status = 0;
    open_jobs(state);
    add_job(NULL);
    shoal_data_close();
    assert_int_equal(run_poison(3, &status), 3);
    kit_reopen();
    add_kind(1, 0, 1); // one try, and it is still there
    start_runner();
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done' AND attempt = 1 AND cut_offs = 3", 1);
    assert_int_equal(atomic_load(&runs), 1);
    close_jobs(state);
}

static int add_foreign(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_job_add(owner(), tx, arg, json_null(), NULL, NULL, err);
}

static void a_brief_job_leaves_no_row_unless_it_failed(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_job_kind kind = {
        .kind = "work", .run = handle, .gave_up = give_up, .attempts = 1, .is_brief = true};
    assert_int_equal(shoal_job_kind_add(owner(), &kind, &err), 0);
    add_job(NULL);
    start_runner();
    wait_for(&runs, 1);
    kit_wait("SELECT COUNT(*) FROM job", 0);
    atomic_store(&answer, SHOAL_EIO);
    add_job(NULL);
    wait_for(&given_up, 1);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'parked'", 1);
}

static int add_core(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_job_add(NULL, tx, arg, json_null(), NULL, NULL, err);
}

static void names_of_kinds_are_kept_apart(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    char other[] = "other.work", own[] = "worker.work", bad[] = "a b", plain[] = "clean";
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, add_foreign, other, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_tx(&call, add_foreign, own, &err), 0);
    assert_int_equal(shoal_tx(&call, add_foreign, bad, &err), SHOAL_EINVAL);
    assert_int_equal(shoal_tx(&call, add_core, other, &err), 0);
    assert_int_equal(shoal_tx(&call, add_core, plain, &err), 0);
    assert_int_equal(kit_i64("SELECT COUNT(*) FROM job WHERE kind = 'core.clean'"), 1);
    assert_int_equal(
        shoal_job_add(owner(), shoal_call_db(&call), "work", json_null(), NULL, NULL, &err),
        SHOAL_EINTERNAL);
    shoal_call_fini(&call);
    struct shoal_job_kind kind = {.kind = "work", .run = handle};
    assert_int_equal(shoal_job_kind_add(owner(), &kind, &err), 0);
    assert_int_equal(shoal_job_kind_add(owner(), &kind, &err), SHOAL_ECONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_jobs, close_jobs)
        cmocka_unit_test(a_job_that_kills_its_process_is_parked),
        cmocka_unit_test(a_killed_process_uses_up_no_try),
        CASE(a_job_runs_soon_after_its_commit),
        CASE(a_job_of_a_failed_transaction_does_not_exist),
        CASE(a_job_of_an_unknown_kind_waits),
        CASE(is_tried_again_and_then_parked),
        CASE(what_cannot_succeed_is_parked_at_once),
        CASE(a_payload_that_is_no_json_is_parked),
        CASE(waits_twice_as_long_after_each_try),
        CASE(a_job_for_later_waits_for_its_time),
        CASE(runs_no_more_at_once_than_its_kind_allows),
        CASE(takes_the_lower_priority_first),
        CASE(a_unique_key_waits_only_once),
        CASE(a_failed_unique_job_gives_way_to_the_one_that_waits),
        CASE(a_later_job_is_finished_by_its_id_and_fence),
        CASE(later_jobs_count_for_the_concurrency),
        CASE(a_running_job_can_be_cancelled),
        CASE(waiting_and_later_jobs_can_be_cancelled),
        CASE(stopping_gives_jobs_back_without_counting_the_try),
        CASE(a_plugin_that_goes_leaves_its_jobs_waiting),
        CASE(an_older_holder_cannot_go_on),
        CASE(a_job_whose_end_was_not_stored_does_not_wait_for_its_lease),
        CASE(a_brief_job_leaves_no_row_unless_it_failed),
        CASE(names_of_kinds_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
