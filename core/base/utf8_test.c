// utf8_test.c - the borders of what is UTF-8.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void takes_the_first_and_last_of_each_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } rows[] = {{"\x7f", 1}, {"\xc2\x80", 2}, {"\xdf\xbf", 2}, {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3}, {"\xee\x80\x80", 3}, {"\xef\xbf\xbf", 3}, {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(shoal_utf8_sequence(rows[i].text, strlen(rows[i].text)), rows[i].length);
        assert_true(shoal_is_utf8(rows[i].text, rows[i].length));
    }
    assert_true(shoal_is_utf8("", 0));
}

static void refuses_what_lies_beyond(void **state)
{
    (void)state;
    static const char *const rows[] = {"\x80", "\xbf", "\xff", "\xfe", "\xc2", "\xe0\xa0",
        "\xf0\x90\x80", "\xc2\x41", "\xe0\xa0\x41", "\xf0\x90\x41\x80", "\xc0\x80", "\xc1\xbf",
        "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", // longer than they need be
        "\xed\xa0\x80", "\xed\xbf\xbf",     // halves of a pair
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(shoal_utf8_sequence(rows[i], strlen(rows[i])), 0);
        assert_false(shoal_is_utf8(rows[i], strlen(rows[i])));
    }
    assert_false(shoal_is_utf8("a\xff", 2));
    assert_false(shoal_is_utf8("\xe2\x82\xac", 2)); // the rest is not ours
    assert_true(shoal_is_utf8("a\0b", 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_first_and_last_of_each_length),
        cmocka_unit_test(refuses_what_lies_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
