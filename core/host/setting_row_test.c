// setting_row_test.c - values that fit their rows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/setting_row.h"
#include "host/test_kit.h"

static void sizes_times_and_rates_are_read(void **state)
{
    (void)state;
    int64_t number = 0;
    uint32_t count = 0;
    uint32_t window_ms = 0;
    assert_int_equal(shoal_size_parse("2M", &number), 0);
    assert_int_equal(number, 2097152);
    assert_int_equal(shoal_size_parse("1.5 G", &number), 0);
    assert_int_equal(number, 1610612736);
    assert_int_equal(shoal_size_parse("-1", &number), 0);
    assert_int_equal(number, -1);
    assert_int_equal(shoal_size_parse("2 apples", &number), SHOAL_EINVAL);
    assert_int_equal(shoal_size_parse("1e300T", &number), SHOAL_EINVAL);
    assert_int_equal(shoal_size_parse("nan", &number), SHOAL_EINVAL);
    assert_int_equal(shoal_duration_parse("2h", &number), 0);
    assert_int_equal(number, 7200000);
    assert_int_equal(shoal_duration_parse("250ms", &number), 0);
    assert_int_equal(number, 250);
    assert_int_equal(shoal_rate_parse("500/10s", &count, &window_ms), 0);
    assert_int_equal(count, 500);
    assert_int_equal(window_ms, 10000);
    assert_int_equal(shoal_rate_parse("500", &count, &window_ms), SHOAL_EINVAL);
    assert_int_equal(shoal_rate_parse("5/0s", &count, &window_ms), SHOAL_EINVAL);
}

static json_t *normal(
    enum shoal_setting_type type, const char *choices, json_t *value, struct shoal_err *err)
{
    const struct shoal_setting_row row = {
        .name = "key", .type = type, .otherwise = "0", .choices = choices};
    json_t *out = shoal_setting_normal(&row, value, err);
    json_decref(value);
    return out;
}

static void texts_are_read_by_the_type(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *value = normal(SHOAL_SETTING_BOOL, NULL, json_string("true"), &err);
    assert_true(json_is_true(value));
    json_decref(value);
    value = normal(SHOAL_SETTING_INT, NULL, json_string("12"), &err);
    assert_int_equal(json_integer_value(value), 12);
    json_decref(value);
    value = normal(SHOAL_SETTING_LIST, NULL, json_string("a,b"), &err);
    assert_int_equal(json_array_size(value), 2);
    json_decref(value);
    value = normal(SHOAL_SETTING_TEXT, "red green", json_string("green"), &err);
    assert_non_null(value);
    json_decref(value);
    assert_null(normal(SHOAL_SETTING_TEXT, "red green", json_string("gree"), &err));
    assert_string_equal(err.field, "key");
    assert_null(normal(SHOAL_SETTING_INT, NULL, json_real(1.5), &err));
    assert_null(normal(SHOAL_SETTING_TEXT, NULL, json_integer(1), &err));
    assert_null(normal(SHOAL_SETTING_LIST, NULL, json_pack("[i]", 1), &err));
}

static void entries_are_of_the_words_that_there_are(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *value = normal(SHOAL_SETTING_LIST, "240 360", json_string(" 360 ,240"), &err);
    assert_string_equal(json_string_value(json_array_get(value, 0)), "360");
    assert_string_equal(json_string_value(json_array_get(value, 1)), "240");
    json_decref(value);
    value = normal(SHOAL_SETTING_LIST, "240 360", json_pack("[i, s]", 360, "240"), &err);
    assert_string_equal(json_string_value(json_array_get(value, 0)), "360");
    json_decref(value);
    assert_null(normal(SHOAL_SETTING_LIST, "240 360", json_string("[\"360\"]"), &err));
    assert_non_null(strstr(err.text, "240 360"));
    assert_null(normal(SHOAL_SETTING_LIST, "240 360", json_string("360,,240"), &err));
    assert_null(normal(SHOAL_SETTING_LIST, "240 360", json_pack("[b]", 1), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_times_and_rates_are_read),
        cmocka_unit_test(texts_are_read_by_the_type),
        cmocka_unit_test(entries_are_of_the_words_that_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
