// jsontext_test.c - values that are stepped over, those that are none, and bytes that travel as text.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jsontext.h"

static bool is_value(const char *text)
{
    struct jsontext at = {text, text + strlen(text)};
    struct jsontext_slice value;
    bool is_fine = jsontext_value(&at, &value);
    jsontext_space(&at);
    return is_fine && at.at == at.end;
}

static void steps_over_values(void **state)
{
    (void)state;
    static const char *const fine[] = {"1", "-0.5e+3", "true", "null", "\"\"", "\"a\\u00e9\\n\"",
        " [ ] ", "[1,[2,{\"a\":{}}]]", "{\"a\":1,\"b\":[\"long enough for a word of eight\"]}"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        assert_true(is_value(fine[i]));
    }
}

static void refuses_what_is_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {"", "01", "1.", "-", "tru", "\"", "\"\\x\"", "\"\\u12g4\"",
        "[1,]", "{\"a\"}", "{1:2}", "[", "\"a line\nin it\"", "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_false(is_value(broken[i]));
    }
}

static void a_slice_is_the_text_as_it_was(void **state)
{
    (void)state;
    static const char text[] = "  {\"a\": [1, 2]} , 5";
    struct jsontext at = {text, text + sizeof text - 1};
    struct jsontext_slice value;
    assert_true(jsontext_value(&at, &value));
    assert_int_equal(value.length, strlen("{\"a\": [1, 2]}"));
    assert_ptr_equal(value.at, text + 2);
    assert_true(jsontext_take(&at, ','));
    assert_false(jsontext_take(&at, ','));
}

static void decodes_as_many_bytes_as_are_wanted(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
        const char *bytes; // NULL: refused
    } rows[] = {
        {"\"abc\"", 3, "abc"},
        {"\"abcdefgh\"", 8, "abcdefgh"},
        {"\"abcdefghijk\"", 11, "abcdefghijk"},
        {"\"abcdefg\\u00ff\"", 8, "abcdefg\xff"},
        {"\"abcdefg\xc3\xa9\"", 8, "abcdefg\xe9"},
        {"\"abcdefghij\\n\"", 11, "abcdefghij\n"},
        {"\"abc\"", 4, NULL},
        {"\"abcd\"", 3, NULL},
        {"\"ab\\u0100\"", 3, NULL},
        {"\"ab\xe2\x82\xac\"", 3, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsigned char out[16] = {0};
        struct jsontext_slice string = {rows[i].text, strlen(rows[i].text)};
        assert_int_equal(jsontext_bytes(string, out, rows[i].count), rows[i].bytes != NULL);
        if (rows[i].bytes != NULL) {
            assert_memory_equal(out, rows[i].bytes, rows[i].count);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_over_values),
        cmocka_unit_test(refuses_what_is_broken),
        cmocka_unit_test(a_slice_is_the_text_as_it_was),
        cmocka_unit_test(decodes_as_many_bytes_as_are_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
