// api_query_test.c - what lists accept behind the "?", and what they refuse.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api_query.h"

static const char *const *one(const char *value)
{
    static const char *values[2];
    values[0] = value;
    return values;
}

static void takes_numbers_within_bounds(void **state)
{
    (void)state;
    static const struct api_query_row row = {"count", API_QUERY_INT, 0, 100};
    static const char *const good[] = {"0", "15", "100"};
    static const char *const bad[] = {"101", "-1", "", "abc", "1x", " 1", "1.5", "0x10",
        "99999999999999999999999"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        json_t *value = NULL;
        assert_int_equal(api_query_value(&row, one(good[i]), &value, NULL), 0);
        assert_true(json_is_integer(value));
        json_decref(value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *value = NULL;
        struct shoal_err err = {0};
        assert_int_equal(api_query_value(&row, one(bad[i]), &value, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "count");
    }
}

static void takes_the_four_words_of_a_boolean(void **state)
{
    (void)state;
    static const struct api_query_row row = {"isLocal", API_QUERY_BOOL, 0, 0};
    static const char *const words[] = {"true", "false", "1", "0"};
    for (size_t i = 0; i < 4; i++) {
        json_t *value = NULL;
        assert_int_equal(api_query_value(&row, one(words[i]), &value, NULL), 0);
        assert_int_equal(json_is_true(value), i % 2 == 0);
        json_decref(value);
    }
    static const char *const bad[] = {"both", "yes", "TRUE", "2", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        json_t *value = NULL;
        assert_int_equal(api_query_value(&row, one(bad[i]), &value, NULL), SHOAL_EINVAL);
    }
}

static void takes_both_for_nsfw_alone(void **state)
{
    (void)state;
    static const struct api_query_row row = {"nsfw", API_QUERY_BOTH, 0, 0};
    json_t *value = NULL;
    assert_int_equal(api_query_value(&row, one("both"), &value, NULL), 0);
    assert_string_equal(json_string_value(value), "both");
    json_decref(value);
    assert_int_equal(api_query_value(&row, one("true"), &value, NULL), 0);
    assert_true(json_is_true(value));
    json_decref(value);
    assert_int_equal(api_query_value(&row, one("neither"), &value, NULL), SHOAL_EINVAL);
}

static void makes_arrays_of_repeated_and_of_single_values(void **state)
{
    (void)state;
    static const struct api_query_row row = {"categoryOneOf", API_QUERY_INTS, 0, 1000};
    static const char *const many[] = {"1", "15", NULL};
    json_t *value = NULL;
    assert_int_equal(api_query_value(&row, many, &value, NULL), 0);
    assert_int_equal(json_array_size(value), 2);
    assert_int_equal(json_integer_value(json_array_get(value, 1)), 15);
    json_decref(value);
    assert_int_equal(api_query_value(&row, one("7"), &value, NULL), 0);
    assert_int_equal(json_array_size(value), 1);
    json_decref(value);
    static const char *const mixed[] = {"1", "x", NULL};
    assert_int_equal(api_query_value(&row, mixed, &value, NULL), SHOAL_EINVAL);
}

static void bounds_how_many_values_an_array_has(void **state)
{
    (void)state;
    static const struct api_query_row row = {"tagsOneOf", API_QUERY_TEXTS, 1, 30};
    const char *values[102] = {NULL};
    for (size_t i = 0; i < 101; i++) {
        values[i] = "tag";
    }
    json_t *value = NULL;
    struct shoal_err err = {0};
    assert_int_equal(api_query_value(&row, values, &value, &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "tagsOneOf");
    values[100] = NULL;
    assert_int_equal(api_query_value(&row, values, &value, NULL), 0);
    assert_int_equal(json_array_size(value), 100);
    json_decref(value);
}

static void refuses_text_that_is_too_long_or_not_utf8(void **state)
{
    (void)state;
    static const struct api_query_row row = {"search", API_QUERY_TEXT, 0, 5};
    json_t *value = NULL;
    assert_int_equal(api_query_value(&row, one("12345"), &value, NULL), 0);
    json_decref(value);
    assert_int_equal(api_query_value(&row, one("123456"), &value, NULL), SHOAL_EINVAL);
    assert_int_equal(api_query_value(&row, one("\xff\xfe"), &value, NULL), SHOAL_EINVAL);
}

static void sorts_by_known_fields_in_both_directions(void **state)
{
    (void)state;
    static const char fields[] = "name createdAt publishedAt originallyPublishedAt hot";
    assert_true(api_query_sorts(fields, "name"));
    assert_true(api_query_sorts(fields, "-publishedAt"));
    assert_true(api_query_sorts(fields, "hot"));
    assert_false(api_query_sorts(fields, "ublishedAt"));
    assert_false(api_query_sorts(fields, "published"));
    assert_false(api_query_sorts(fields, "name createdAt"));
    assert_false(api_query_sorts(fields, "--name"));
    assert_false(api_query_sorts(fields, "-"));
    assert_false(api_query_sorts(fields, ""));
    assert_false(api_query_sorts(fields, "name;DROP TABLE x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_numbers_within_bounds),
        cmocka_unit_test(takes_the_four_words_of_a_boolean),
        cmocka_unit_test(takes_both_for_nsfw_alone),
        cmocka_unit_test(makes_arrays_of_repeated_and_of_single_values),
        cmocka_unit_test(bounds_how_many_values_an_array_has),
        cmocka_unit_test(refuses_text_that_is_too_long_or_not_utf8),
        cmocka_unit_test(sorts_by_known_fields_in_both_directions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
