// memory_test.c - who was at work while memory grew, and what the server may use.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "super/memory.h"

#define MB ((int64_t)1 << 20)

static const struct shoal_plugin_id eater = {.name = "eater"}, api = {.name = "api", .is_shipped = true};
static const struct shoal_plugin_id *const the_eater[] = {&eater}, *const the_api[] = {&api},
    *const both[] = {&eater, &api};

static void what_is_used_is_read(void **unused)
{
    (void)unused;
    int64_t before = shoal_memory_used();
    assert_true(before > 0);
    char *block = malloc((size_t)(64 * MB));
    assert_non_null(block);
    memset(block, 1, (size_t)(64 * MB));
    assert_true(shoal_memory_used() - before > 60 * MB);
    free(block);
}

static void what_it_may_use_is_as_wanted_or_half_the_machine(void **unused)
{
    (void)unused;
    assert_int_equal(shoal_memory_most(500 * MB), 500 * MB);
    assert_int_equal(shoal_memory_most(1), 64 * MB); // it would end before it began
    assert_true(shoal_memory_most(0) >= 256 * MB);
}

static void who_was_at_work_while_it_grew_is_blamed(void **unused)
{
    (void)unused;
    struct shoal_memory memory = {0};
    shoal_memory_look(&memory, 100 * MB, the_api, 1); // the first look: nothing grew yet
    shoal_memory_look(&memory, 110 * MB, the_api, 1);
    assert_null(shoal_memory_blame(&memory, 400 * MB));
    shoal_memory_look(&memory, 210 * MB, the_eater, 1);
    assert_ptr_equal(shoal_memory_blame(&memory, 400 * MB), &eater);
    assert_null(shoal_memory_blame(&memory, 900 * MB)); // a small part of all that there is
}

static void where_it_is_not_clear_nobody_is_blamed(void **unused)
{
    (void)unused;
    struct shoal_memory memory = {0};
    shoal_memory_look(&memory, 100 * MB, NULL, 0);
    shoal_memory_look(&memory, 500 * MB, both, 2); // it may have been either
    assert_null(shoal_memory_blame(&memory, 400 * MB));
    shoal_memory_look(&memory, 900 * MB, NULL, 0); // nobody that is known of
    assert_null(shoal_memory_blame(&memory, 400 * MB));
    shoal_memory_look(&memory, 990 * MB, the_eater, 1);
    assert_ptr_equal(shoal_memory_blame(&memory, 400 * MB), &eater);
}

static void what_was_given_back_is_forgiven(void **unused)
{
    (void)unused;
    struct shoal_memory memory = {0};
    shoal_memory_look(&memory, 100 * MB, NULL, 0);
    for (int i = 0; i < 50; i++) { // much work, nothing kept
        shoal_memory_look(&memory, 180 * MB, the_eater, 1);
        shoal_memory_look(&memory, 100 * MB, the_eater, 1);
    }
    shoal_memory_look(&memory, 500 * MB, the_api, 1);
    assert_ptr_equal(shoal_memory_blame(&memory, 400 * MB), &api);
}

static void more_of_them_than_fit_push_out_the_smallest(void **unused)
{
    (void)unused;
    struct shoal_memory memory = {0};
    struct shoal_plugin_id others[40] = {0};
    shoal_memory_look(&memory, 100 * MB, NULL, 0);
    shoal_memory_look(&memory, 400 * MB, the_eater, 1);
    for (int i = 0; i < 40; i++) {
        const struct shoal_plugin_id *const one[] = {&others[i]};
        shoal_memory_look(&memory, (400 + i) * MB, one, 1);
    }
    assert_ptr_equal(shoal_memory_blame(&memory, 400 * MB), &eater);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_used_is_read),
        cmocka_unit_test(what_it_may_use_is_as_wanted_or_half_the_machine),
        cmocka_unit_test(who_was_at_work_while_it_grew_is_blamed),
        cmocka_unit_test(where_it_is_not_clear_nobody_is_blamed),
        cmocka_unit_test(what_was_given_back_is_forgiven),
        cmocka_unit_test(more_of_them_than_fit_push_out_the_smallest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
