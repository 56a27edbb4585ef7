// backoff_test.c - crashes are counted, blamed and answered.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "super/backoff.h"
#include "super/super.h"

static struct shoal_crash by(const char *plugin, bool is_shipped, int64_t at_ms)
{
    struct shoal_crash crash = {.at_ms = at_ms, .is_shipped = is_shipped};
    snprintf(crash.plugin, sizeof crash.plugin, "%s", plugin);
    return crash;
}

static enum shoal_remedy add(struct shoal_backoff *backoff, const char *plugin, bool is_shipped,
    int64_t at_ms)
{
    struct shoal_crash crash = by(plugin, is_shipped, at_ms);
    return shoal_backoff_crash(backoff, &crash, 1000);
}

static void the_third_crash_of_a_stranger_quarantines_it_alone(void **unused)
{
    (void)unused;
    struct shoal_backoff backoff = {0};
    assert_int_equal(add(&backoff, "far", false, 1000), SHOAL_REMEDY_RESTART);
    assert_int_equal(add(&backoff, "other", false, 1500), SHOAL_REMEDY_RESTART);
    assert_int_equal(add(&backoff, "far", false, 2000), SHOAL_REMEDY_RESTART);
    assert_int_equal(add(&backoff, "web", true, 2500), SHOAL_REMEDY_RESTART);
    assert_int_equal(add(&backoff, "far", false, 3000), SHOAL_REMEDY_QUARANTINE);
}

static void three_of_our_own_start_safe_mode(void **unused)
{
    (void)unused;
    struct shoal_backoff backoff = {0};
    assert_int_equal(add(&backoff, "", true, 1000), SHOAL_REMEDY_RESTART);
    assert_int_equal(add(&backoff, "web", true, 2000), SHOAL_REMEDY_RESTART);
    assert_int_equal(add(&backoff, "api", true, 3000), SHOAL_REMEDY_SAFE_MODE);
}

static void crashes_of_long_ago_do_not_count(void **unused)
{
    (void)unused;
    struct shoal_backoff backoff = {0};
    add(&backoff, "far", false, 1000);
    add(&backoff, "far", false, 2000);
    assert_int_equal(add(&backoff, "far", false, 2001 + SHOAL_CRASH_WINDOW_MS),
        SHOAL_REMEDY_RESTART);
}

static void the_wait_doubles_and_is_bounded(void **unused)
{
    (void)unused;
    struct shoal_backoff backoff = {0};
    struct shoal_crash crash = by("", true, 1000);
    shoal_backoff_crash(&backoff, &crash, 10);
    assert_int_equal(shoal_backoff_delay_ms(&backoff), 100);
    shoal_backoff_crash(&backoff, &crash, 10);
    assert_int_equal(shoal_backoff_delay_ms(&backoff), 200);
    for (int i = 0; i < 100; i++) {
        shoal_backoff_crash(&backoff, &crash, 10);
    }
    assert_int_equal(shoal_backoff_delay_ms(&backoff), 30000);
    assert_int_equal(backoff.count, SHOAL_CRASHES_KEPT);
    shoal_backoff_crash(&backoff, &crash, SHOAL_CRASH_SETTLED_MS);
    assert_int_equal(shoal_backoff_delay_ms(&backoff), 100);
}

static void a_request_that_crashed_it_twice_is_refused(void **unused)
{
    (void)unused;
    struct shoal_backoff backoff = {0};
    struct shoal_crash crash = by("web", true, 1000);
    shoal_crash_request_hash("GET", "/w/x", "a=1", crash.request);
    shoal_backoff_crash(&backoff, &crash, 10);
    assert_false(shoal_backoff_refuses(&backoff, crash.request));
    shoal_backoff_crash(&backoff, &crash, 10);
    assert_true(shoal_backoff_refuses(&backoff, crash.request));
    char other[20];
    shoal_crash_request_hash("GET", "/w/x", "a=2", other);
    assert_false(shoal_backoff_refuses(&backoff, other));
    assert_false(shoal_backoff_refuses(&backoff, ""));
    assert_int_equal(strlen(other), 16);
}

static void the_blame_goes_to_the_innermost_plugin(void **unused)
{
    (void)unused;
    struct shoal_crash crash = {0};
    shoal_crash_read("signal 11\nmodule libc\nat libc +0x12\nelsewhere inner\nshipped outer\n"
                     "call 0011\nrequest 00112233aabbccdd\nframe libc +0x1\n", &crash);
    assert_int_equal(crash.signal, 11);
    assert_string_equal(crash.plugin, "inner");
    assert_false(crash.is_shipped);
    assert_string_equal(crash.request, "00112233aabbccdd");
}

static void a_fault_in_a_plugins_own_module_is_its_own(void **unused)
{
    (void)unused;
    struct shoal_crash crash = {0};
    shoal_crash_read("signal 6\nmodule outer\nshipped inner\nelsewhere outer\n", &crash);
    assert_string_equal(crash.plugin, "outer");
    assert_false(crash.is_shipped);
}

static void silence_is_blamed_on_the_core(void **unused)
{
    (void)unused;
    struct shoal_crash crash = {0};
    shoal_crash_read("", &crash);
    assert_string_equal(crash.plugin, "");
    assert_true(crash.is_shipped);
    shoal_crash_read("says loop 1 is silent\nelsewhere far\n", &crash);
    assert_string_equal(crash.sentence, "loop 1 is silent");
    assert_string_equal(crash.plugin, "far");
}

static void crashes_survive_an_upgrade(void **unused)
{
    (void)unused;
    struct shoal_backoff backoff = {0}, after;
    add(&backoff, "far", false, 1000);
    add(&backoff, "far", false, 2000);
    json_t *dump = shoal_backoff_dump(&backoff);
    shoal_backoff_load(&after, dump);
    json_decref(dump);
    assert_int_equal(add(&after, "far", false, 3000), SHOAL_REMEDY_QUARANTINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_third_crash_of_a_stranger_quarantines_it_alone),
        cmocka_unit_test(three_of_our_own_start_safe_mode),
        cmocka_unit_test(crashes_of_long_ago_do_not_count),
        cmocka_unit_test(the_wait_doubles_and_is_bounded),
        cmocka_unit_test(a_request_that_crashed_it_twice_is_refused),
        cmocka_unit_test(the_blame_goes_to_the_innermost_plugin),
        cmocka_unit_test(a_fault_in_a_plugins_own_module_is_its_own),
        cmocka_unit_test(silence_is_blamed_on_the_core),
        cmocka_unit_test(crashes_survive_an_upgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
