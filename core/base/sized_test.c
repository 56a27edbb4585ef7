// sized_test.c - structs of another size than ours.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sized.h"

struct older {
    int a, b;
};
struct newer {
    int a, b, c, d;
};

static void takes_what_an_older_side_knows_and_zeroes_the_rest(void **state)
{
    (void)state;
    struct older theirs = {1, 2};
    struct newer mine = {9, 9, 9, 9};
    shoal_sized_copy(&mine, sizeof mine, &theirs, sizeof theirs);
    assert_int_equal(mine.a, 1);
    assert_int_equal(mine.b, 2);
    assert_int_equal(mine.c, 0);
    assert_int_equal(mine.d, 0);
}

static void gives_an_older_side_no_more_than_it_has_room_for(void **state)
{
    (void)state;
    struct newer mine = {1, 2, 3, 4};
    struct older theirs[2] = {{7, 7}, {8, 8}};
    shoal_sized_copy(&theirs[0], sizeof theirs[0], &mine, sizeof mine);
    assert_int_equal(theirs[0].b, 2);
    assert_int_equal(theirs[1].a, 8);
    assert_int_equal(theirs[1].b, 8);
}

static void no_struct_is_one_of_zeroes(void **state)
{
    (void)state;
    struct older mine = {1, 2};
    shoal_sized_copy(&mine, sizeof mine, NULL, sizeof mine);
    assert_int_equal(mine.a, 0);
    assert_int_equal(mine.b, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_an_older_side_knows_and_zeroes_the_rest),
        cmocka_unit_test(gives_an_older_side_no_more_than_it_has_room_for),
        cmocka_unit_test(no_struct_is_one_of_zeroes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
