// id_test.c - UUIDs, their short form, and chance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <shoal/base.h>
#include <shoal/error.h>

#include "base/random.h"

static void makes_valid_version_4_uuids(void **state)
{
    (void)state;
    char one[37], other[37];
    shoal_uuid_new(one);
    shoal_uuid_new(other);
    assert_true(shoal_uuid_valid(one));
    assert_int_equal(one[14], '4');
    assert_non_null(strchr("89ab", one[19]));
    assert_string_not_equal(one, other);
}

static void refuses_what_is_no_uuid(void **state)
{
    (void)state;
    assert_false(shoal_uuid_valid(NULL));
    assert_false(shoal_uuid_valid(""));
    assert_false(shoal_uuid_valid("00000000-0000-4000-8000-00000000000"));
    assert_false(shoal_uuid_valid("00000000-0000-4000-8000-0000000000000"));
    assert_false(shoal_uuid_valid("00000000-0000-4000-8000-00000000000g"));
    assert_false(shoal_uuid_valid("000000000000-4000-8000-0000000000000"));
    assert_true(shoal_uuid_valid("9C9DE5E8-0A1E-484A-B099-E80766180A6D"));
}

static void knows_the_short_form(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"00000000-0000-0000-0000-000000000000", "1111111111111111111111"},
        {"00000000-0000-0000-0000-000000000039", "111111111111111111111Z"},
        {"00000000-0000-0000-0000-00000000003a", "1111111111111111111121"},
        {"ffffffff-ffff-ffff-ffff-ffffffffffff", "xBuEXKpA6iqZQK5Kf2TnkV"},
        {"9c9de5e8-0a1e-484a-b099-e80766180a6d", "kkGMgK9ZtnKfYAgnEtQxbv"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        char text[23], uuid[37];
        assert_int_equal(shoal_uuid_to_short(pairs[i][0], text), 0);
        assert_int_equal(strlen(text), 22);
        assert_int_equal(shoal_uuid_from_short(text, uuid), 0);
        assert_string_equal(uuid, pairs[i][0]);
        assert_string_equal(text, pairs[i][1]);
    }
}

static void comes_back_from_the_short_form(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        char uuid[37], text[23], back[37];
        shoal_uuid_new(uuid);
        assert_int_equal(shoal_uuid_to_short(uuid, text), 0);
        assert_int_equal(shoal_uuid_from_short(text, back), 0);
        assert_string_equal(uuid, back);
    }
}

static void refuses_short_forms_that_are_none(void **state)
{
    (void)state;
    char uuid[37];
    assert_int_equal(shoal_uuid_from_short("", uuid), SHOAL_EINVAL);
    assert_int_equal(shoal_uuid_from_short("111111111111111111111", uuid), SHOAL_EINVAL);
    assert_int_equal(shoal_uuid_from_short("11111111111111111111111", uuid), SHOAL_EINVAL);
    assert_int_equal(shoal_uuid_from_short("0111111111111111111111", uuid), SHOAL_EINVAL);
    assert_int_equal(shoal_uuid_from_short("ZZZZZZZZZZZZZZZZZZZZZZ", uuid), SHOAL_EINVAL);
    char text[23];
    assert_int_equal(shoal_uuid_to_short("x", text), SHOAL_EINVAL);
}

static void fill_with_counter(void *self, void *out, size_t bytes)
{
    unsigned char *counter = self;
    for (size_t i = 0; i < bytes; i++) {
        ((unsigned char *)out)[i] = (*counter)++;
    }
}

static void chance_can_be_replaced(void **state)
{
    (void)state;
    unsigned char counter = 0;
    struct shoal_random_source source = {.fill = fill_with_counter, .self = &counter};
    shoal_random_set(&source);
    char hex[9];
    shoal_random_hex(hex, 4);
    shoal_random_set(NULL);
    assert_string_equal(hex, "00010203");
}

static void stays_below_its_bound(void **state)
{
    (void)state;
    bool seen[7] = {false};
    for (int i = 0; i < 1000; i++) {
        uint64_t value = shoal_random_below(7);
        assert_true(value < 7);
        seen[value] = true;
    }
    for (int i = 0; i < 7; i++) {
        assert_true(seen[i]);
    }
    assert_int_equal(shoal_random_below(0), 0);
    assert_int_equal(shoal_random_below(1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_valid_version_4_uuids),
        cmocka_unit_test(refuses_what_is_no_uuid),
        cmocka_unit_test(knows_the_short_form),
        cmocka_unit_test(comes_back_from_the_short_form),
        cmocka_unit_test(refuses_short_forms_that_are_none),
        cmocka_unit_test(chance_can_be_replaced),
        cmocka_unit_test(stays_below_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
