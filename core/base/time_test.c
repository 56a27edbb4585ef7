// time_test.c - clocks, and ISO 8601 both ways.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <shoal/base.h>
#include <shoal/error.h>

#include "base/clock.h"

static void writes_times(void **state)
{
    (void)state;
    char text[32];
    assert_string_equal(shoal_time_format(0, text), "1970-01-01T00:00:00.000Z");
    assert_string_equal(
        shoal_time_format(INT64_C(1769860800123), text), "2026-01-31T12:00:00.123Z");
    assert_string_equal(shoal_time_format(-1, text), "1969-12-31T23:59:59.999Z");
    assert_string_equal(shoal_time_format(INT64_C(951782400000), text), "2000-02-29T00:00:00.000Z");
    assert_string_equal(shoal_time_format(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    assert_string_equal(shoal_time_format(INT64_MIN, text), "0000-01-01T00:00:00.000Z");
}

static void reads_what_it_writes(void **state)
{
    (void)state;
    for (int64_t time = -5000000000000; time < 9000000000000; time += 86399876543) {
        char text[32];
        int64_t back = 0;
        assert_int_equal(shoal_time_parse(shoal_time_format(time, text), &back), 0);
        assert_int_equal(back, time);
    }
}

static void reads_other_forms(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"2026-01-31", INT64_C(1769817600000)},
        {"2026-01-31T12:00:00Z", INT64_C(1769860800000)},
        {"2026-01-31T12:00Z", INT64_C(1769860800000)},
        {"2026-01-31T12:00:00.5Z", INT64_C(1769860800500)},
        {"2026-01-31T12:00:00.123456Z", INT64_C(1769860800123)},
        {"2026-01-31T14:00:00+02:00", INT64_C(1769860800000)},
        {"2026-01-31T07:00:00-0500", INT64_C(1769860800000)},
        {"2026-01-31 12:00:00Z", INT64_C(1769860800000)},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = 0;
        assert_int_equal(shoal_time_parse(rows[i].text, &ms), 0);
        assert_int_equal(ms, rows[i].ms);
    }
}

static void refuses_what_is_no_time(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "2026", "2026-13-01", "2026-02-29",
        "2026-01-31T25:00:00Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00Zx", "26-01-31", "2026-01-31T12:00:00+99:00", "2026-00-10",
        "2026-01-00", "tomorrow"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t ms = 7;
        assert_int_equal(shoal_time_parse(texts[i], &ms), SHOAL_EINVAL);
        assert_int_equal(ms, 7);
    }
    int64_t ms;
    assert_int_equal(shoal_time_parse(NULL, &ms), SHOAL_EINVAL);
}

static int64_t fixed(void *self)
{
    return *(const int64_t *)self;
}

static void add(void *self, int64_t ms)
{
    *(int64_t *)self += ms;
}

static void the_clock_can_be_replaced(void **state)
{
    (void)state;
    int64_t time = 1000;
    struct shoal_clock clock = {.now_ms = fixed, .tick_ms = fixed, .sleep = add, .self = &time};
    shoal_clock_set(&clock);
    assert_int_equal(shoal_now_ms(), 1000);
    shoal_clock_sleep(500);
    assert_int_equal(shoal_tick_ms(), 1500);
    shoal_clock_set(NULL);
    assert_true(shoal_now_ms() > INT64_C(1600000000000));
}

static void the_tick_does_not_go_back(void **state)
{
    (void)state;
    int64_t before = shoal_tick_ms();
    shoal_clock_sleep(3);
    assert_true(shoal_tick_ms() >= before + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_times),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(reads_other_forms),
        cmocka_unit_test(refuses_what_is_no_time),
        cmocka_unit_test(the_clock_can_be_replaced),
        cmocka_unit_test(the_tick_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
