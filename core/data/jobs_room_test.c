// jobs_room_test.c - jobs that found a full disk wait for as long as it is full.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <stdatomic.h>

#include "data/jobs_priv.h"

static const struct shoal_plugin_id worker = {.name = "worker", .table_prefix = "worker_"};
static atomic_int runs, answer, given_up;

static struct shoal_plugin *owner(void)
{
    return (struct shoal_plugin *)(uintptr_t)&worker;
}

static int handle(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    assert_int_equal(job->attempt, 1); // however often: none of them counted
    atomic_fetch_add(&runs, 1);
    int code = atomic_load(&answer);
    return code < 0 ? shoal_fail(err, code, "no room") : code;
}

static void give_up(
    struct shoal_call *call, const struct shoal_job *job, void *arg, const char *why)
{
    (void)call;
    (void)job;
    (void)arg;
    (void)why;
    atomic_fetch_add(&given_up, 1);
}

static int add(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    return shoal_job_add(owner(), tx, "work", NULL, NULL, NULL, err);
}

static int setup(void **state)
{
    struct shoal_err err = {0};
    struct shoal_job_kind kind = {
        .kind = "work", .run = handle, .gave_up = give_up, .attempts = 2, .backoff_ms = 1};
    kit_open(state);
    atomic_store(&runs, 0);
    atomic_store(&given_up, 0);
    atomic_store(&answer, SHOAL_EFULL);
    return shoal_job_kind_add(owner(), &kind, &err) == 0 && shoal_jobs_start(1, &err) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    unsetenv("SHOAL_DRILL_FULL");
    shoal_jobs_owner_remove(owner());
    return kit_close(state);
}

static void submit(void)
{
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    assert_int_equal(shoal_tx(&call, add, NULL, &err), 0);
    shoal_call_fini(&call);
}

static void wait_for(int value)
{
    for (int i = 0; i < 1000 && atomic_load(&runs) < value; i++) {
        usleep(10000);
    }
    assert_true(atomic_load(&runs) >= value);
}

static void it_is_tried_more_often_than_its_kind_allows(void **state)
{
    (void)state;
    setenv("SHOAL_DRILL_FULL", "10", 1);
    submit();
    wait_for(6);
    atomic_store(&answer, 0);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
    assert_int_equal(atomic_load(&given_up), 0);
}

static void what_is_away_is_waited_for_a_day(void **state)
{
    (void)state;
    setenv("SHOAL_DRILL_FULL", "10", 1);
    atomic_store(&answer, SHOAL_JOB_EAWAY);
    submit();
    wait_for(6);
    atomic_store(&answer, 0);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
    assert_int_equal(atomic_load(&given_up), 0);
    int64_t day = INT64_C(86400000);
    assert_true(jobs_room_awaits(SHOAL_JOB_EAWAY, shoal_now_ms() - day + 60000));
    assert_false(jobs_room_awaits(SHOAL_JOB_EAWAY, shoal_now_ms() - day));
    assert_true(jobs_room_awaits(SHOAL_EFULL, shoal_now_ms() - day));
    assert_false(jobs_room_awaits(SHOAL_EIO, shoal_now_ms()));
}

static void it_is_called_back_when_there_is_room(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    submit();
    wait_for(1);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'waiting' AND attempt = 0 AND error = 'no room'",
        1);
    kit_wait("SELECT COUNT(*) FROM job WHERE run_at_ms - created_ms >= 59000", 1);
    atomic_store(&answer, 0);
    shoal_call_init(&call);
    assert_int_equal(shoal_jobs_hurry(&call, &err), 0);
    shoal_call_fini(&call);
    kit_wait("SELECT COUNT(*) FROM job WHERE state = 'done'", 1);
    assert_int_equal(atomic_load(&runs), 2);
}

static void it_waits_longer_the_older_it_is(void **state)
{
    (void)state;
    int64_t now = shoal_now_ms();
    int64_t hour = INT64_C(3600000);
    assert_int_equal(jobs_room_wait_ms(now), 60000);
    int64_t wait = jobs_room_wait_ms(now - hour);
    assert_true(wait >= hour / 4 && wait < hour / 4 + 60000);
    assert_int_equal(jobs_room_wait_ms(now - 100 * hour), hour);
    assert_int_equal(jobs_room_wait_ms(now + hour), 60000); // a clock that was set back
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            it_is_tried_more_often_than_its_kind_allows, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_away_is_waited_for_a_day, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_called_back_when_there_is_room, setup, teardown),
        cmocka_unit_test_setup_teardown(it_waits_longer_the_older_it_is, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
