// percent_test.c - percent-encoding both ways, and what is UTF-8.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <shoal/arena.h>
#include <shoal/http.h>

#include "net/percent_priv.h"

static void decodes(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        bool is_form;
        const char *to; // NULL: refused
    } rows[] = {
        {"", false, ""},
        {"plain", false, "plain"},
        {"a%20b", false, "a b"},
        {"a+b", false, "a+b"},
        {"a+b", true, "a b"},
        {"a%2Bb", true, "a+b"},
        {"%c3%A9", false, "\xc3\xa9"},
        {"%25%32%35", false, "%25"}, // once, not twice
        {"%", false, NULL},
        {"%4", false, NULL},
        {"a%4", false, NULL},
        {"%4g", false, NULL},
        {"%G4", false, NULL},
        {"%%41", false, NULL},
        {"%-1", false, NULL},
        {"a%00b", false, NULL},
        {"%c3", false, NULL},
        {"%ff", false, NULL},
        {"\xc3", false, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[32];
        long length = shoal_percent_decode(shoal_span(rows[i].from), out, rows[i].is_form);
        if (!rows[i].to) {
            assert_int_equal(length, -1);
            continue;
        }
        assert_string_equal(out, rows[i].to);
        assert_int_equal(length, strlen(rows[i].to));
    }
}

static void reads_no_further_than_the_span(void **state)
{
    (void)state;
    char out[8];
    assert_int_equal(shoal_percent_decode((struct shoal_span){"a%41", 3}, out, false), -1);
    assert_int_equal(shoal_percent_decode((struct shoal_span){"a%41", 1}, out, false), 1);
    assert_string_equal(out, "a");
    assert_int_equal(shoal_percent_decode((struct shoal_span){"a\0b", 3}, out, false), -1);
}

static void encodes_all_but_the_unreserved(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(shoal_url_encode(arena, "AZaz09-_.~"), "AZaz09-_.~");
    assert_string_equal(shoal_url_encode(arena, ""), "");
    assert_string_equal(
        shoal_url_encode(arena, "a b/?&=+%\xc3\xa9\n"), "a%20b%2F%3F%26%3D%2B%25%C3%A9%0A");
    char all[128], out[512];
    for (int i = 1; i < 128; i++) {
        all[i - 1] = (char)i;
    }
    all[127] = 0;
    const char *encoded = shoal_url_encode(arena, all);
    assert_int_equal(strspn(encoded, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_.~%"),
        strlen(encoded));
    assert_int_equal(shoal_percent_decode(shoal_span(encoded), out, true), 127);
    assert_string_equal(out, all);
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(reads_no_further_than_the_span),
        cmocka_unit_test(encodes_all_but_the_unreserved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
