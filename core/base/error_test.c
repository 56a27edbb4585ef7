// error_test.c - the sentence, the field and the word of an error.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <shoal/error.h>

static void every_row_has_name_text_and_status(void **state)
{
    (void)state;
#define CHECK(name, number, status, text)                                                          \
    assert_int_equal(name, number);                                                                \
    assert_string_equal(shoal_error_name(name), #name);                                            \
    assert_string_equal(shoal_error_text(name), text);                                             \
    assert_int_equal(shoal_error_status(name), status);
    SHOAL_ERRORS(CHECK)
#undef CHECK
    assert_int_equal(shoal_error_status(-9999), 500);
    assert_int_equal(shoal_error_status(SHOAL_OK), 200);
    assert_string_equal(shoal_error_name(-9999), "SHOAL_EINTERNAL");
}

static void numbers_are_never_used_twice(void **state)
{
    (void)state;
    static const int numbers[] = {
#define NUMBER(name, number, status, text) number,
        SHOAL_ERRORS(NUMBER)
#undef NUMBER
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_int_equal(numbers[i], -(int)i - 1);
    }
}

static void fills_what_it_is_given(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_fail(&err, SHOAL_EFULL, "video %d: no room", 42), SHOAL_EFULL);
    assert_int_equal(err.code, SHOAL_EFULL);
    assert_string_equal(err.text, "video 42: no room");
    assert_int_equal(shoal_fail_field(&err, "name", "it is %s", "empty"), SHOAL_EINVAL);
    assert_string_equal(err.field, "name");
    assert_int_equal(
        shoal_fail_api(&err, SHOAL_ETOOLARGE, "quota_reached", "too much"), SHOAL_ETOOLARGE);
    assert_string_equal(err.api_code, "quota_reached");
    assert_string_equal(err.field, "");
    assert_int_equal(shoal_fail(NULL, SHOAL_EIO, "nobody asks"), SHOAL_EIO);
    assert_int_equal(shoal_fail_field(NULL, "x", "nobody asks"), SHOAL_EINVAL);
}

static void may_quote_the_error_that_it_replaces(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    shoal_fail_field(&err, "title", "inner");
    shoal_fail(&err, SHOAL_EIO, "outer: %s", err.text);
    assert_string_equal(err.text, "outer: inner");
    shoal_fail_field(&err, "title", "inner");
    shoal_fail_field(&err, err.field, "again: %s", err.text);
    assert_string_equal(err.field, "title");
    assert_string_equal(err.text, "again: inner");
}

static void never_cuts_a_letter_in_two(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char text[600];
    memset(text, 'a', sizeof(text));
    memcpy(text + 510, "\xC3\xA9", 2);
    text[520] = 0;
    shoal_fail(&err, SHOAL_EINVAL, "%s", text);
    assert_int_equal(strlen(err.text), 510);
    assert_int_equal(err.text[509], 'a');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_name_text_and_status),
        cmocka_unit_test(numbers_are_never_used_twice),
        cmocka_unit_test(fills_what_it_is_given),
        cmocka_unit_test(may_quote_the_error_that_it_replaces),
        cmocka_unit_test(never_cuts_a_letter_in_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
