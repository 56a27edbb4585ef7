// clock_test.c - the table of the clock: replaced, asked with its own self, and given back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <shoal/base.h>

#include "base/clock.h"

struct fake {
    int64_t now_ms, tick_ms, slept_ms;
    int sleeps;
};

static int64_t fake_now(void *self)
{
    return ((struct fake *)self)->now_ms;
}

static int64_t fake_tick(void *self)
{
    return ((struct fake *)self)->tick_ms;
}

static void fake_sleep(void *self, int64_t ms)
{
    struct fake *fake = self;
    fake->slept_ms += ms;
    fake->tick_ms += ms;
    fake->sleeps++;
}

static void asks_the_table_that_is_set(void **state)
{
    (void)state;
    struct fake fake = {.now_ms = -5, .tick_ms = 70};
    const struct shoal_clock clock = {fake_now, fake_tick, fake_sleep, &fake};
    shoal_clock_set(&clock);
    assert_int_equal(shoal_now_ms(), -5);
    assert_int_equal(shoal_tick_ms(), 70);
    fake.now_ms = 123456789012345;
    assert_int_equal(shoal_now_ms(), 123456789012345);
    shoal_clock_set(NULL);
}

static void sleeps_by_the_table_and_never_backwards(void **state)
{
    (void)state;
    struct fake fake = {.tick_ms = 10};
    const struct shoal_clock clock = {fake_now, fake_tick, fake_sleep, &fake};
    shoal_clock_set(&clock);
    shoal_clock_sleep(0);
    shoal_clock_sleep(-1000);
    assert_int_equal(fake.sleeps, 0);
    shoal_clock_sleep(86400000);
    assert_int_equal(fake.sleeps, 1);
    assert_int_equal(fake.slept_ms, 86400000);
    assert_int_equal(shoal_tick_ms(), 86400010);
    shoal_clock_set(NULL);
}

static void the_system_comes_back(void **state)
{
    (void)state;
    struct fake fake = {.now_ms = 1, .tick_ms = -1};
    const struct shoal_clock clock = {fake_now, fake_tick, fake_sleep, &fake};
    shoal_clock_set(&clock);
    shoal_clock_set(NULL);
    assert_true(shoal_now_ms() > 1600000000000); // milliseconds since 1970, not seconds
    int64_t before = shoal_tick_ms();
    assert_true(before >= 0);
    shoal_clock_sleep(2);
    assert_true(shoal_tick_ms() >= before);
    assert_int_equal(fake.sleeps, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_the_table_that_is_set),
        cmocka_unit_test(sleeps_by_the_table_and_never_backwards),
        cmocka_unit_test(the_system_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
