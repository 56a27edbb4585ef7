// watchdog_test.c - who is said to hang, and who is watched.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/context.h"
#include "super/super.h"
#include "super/watchdog.h"

static void only_long_stays_past_the_deadline_are_hangs(void **unused)
{
    (void)unused;
    const int64_t limit = SHOAL_WATCHDOG_WORKER_MS;
    assert_false(shoal_watchdog_judges(limit * 9, 0, 1));
    assert_false(shoal_watchdog_judges(limit * 9, 1, 0));
    assert_false(shoal_watchdog_judges(limit + 10, 1, 20));
    assert_false(shoal_watchdog_judges(limit * 9, limit * 9 - 5, 1));
    assert_true(shoal_watchdog_judges(limit * 3, 1, limit));
}

static void the_last_moment_is_still_in_time(void **unused)
{
    (void)unused;
    const int64_t limit = SHOAL_WATCHDOG_WORKER_MS;
    assert_false(shoal_watchdog_judges(limit + 1000, 1000, 1));
    assert_true(shoal_watchdog_judges(limit + 1001, 1000, 1));
    assert_false(shoal_watchdog_judges(limit + 1000, 1, 1000));
    assert_true(shoal_watchdog_judges(limit + 1001, 1, 1000));
    assert_false(shoal_watchdog_judges(1000, 1, 5000)); // the deadline is yet to come
}

static void a_job_that_waits_does_not_spin(void **unused)
{
    (void)unused;
    const int64_t limit = SHOAL_WATCHDOG_JOB_MS;
    assert_false(shoal_watchdog_spins(limit, limit));
    assert_true(shoal_watchdog_spins(limit + 1, limit));
    assert_false(shoal_watchdog_spins(limit * 50, limit)); // ffmpeg works for it
    assert_true(shoal_watchdog_spins(limit * 50, limit * 30)); // beside others, on few cores
}

static void calls_are_watched_while_it_runs(void **unused)
{
    (void)unused;
    struct shoal_plugin_id plugin = {.name = "far"};
    struct shoal_call call;
    assert_null(shoal_call_watch);
    assert_int_equal(shoal_watchdog_start(0, NULL), 0);
    assert_non_null(shoal_call_watch);
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&plugin);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    shoal_watchdog_stop();
    assert_null(shoal_call_watch);
    shoal_watchdog_stop(); // of one that does not run: nothing happens
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_long_stays_past_the_deadline_are_hangs),
        cmocka_unit_test(the_last_moment_is_still_in_time),
        cmocka_unit_test(a_job_that_waits_does_not_spin),
        cmocka_unit_test(calls_are_watched_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
