// fields_test.c - fields of requests, as JSON and as the text of a form.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

/// {"x": VALUE}, from JSON text.
static json_t *with(const char *value)
{
    char text[256];
    json_error_t error;
    snprintf(text, sizeof text, "{\"x\": %s}", value);
    json_t *fields = json_loads(text, 0, &error);
    if (fields == NULL) {
        fail_msg("%s: %s", text, error.text);
    }
    return fields;
}

static void null_is_there_and_says_nothing(void **state)
{
    (void)state;
    json_t *null = with("null");
    json_t *zero = with("0");
    assert_false(catalog_field_has(null, "x"));
    assert_true(catalog_field_has(zero, "x"));
    assert_false(catalog_field_has(zero, "y"));
    assert_false(catalog_field_has(NULL, "x"));
    json_decref(null);
    json_decref(zero);
}

static void whole_numbers_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        int64_t number;
    } right[] = {{"7", 7}, {"-7", -7}, {"0", 0}, {"\"7\"", 7}, {"\"-7\"", -7}, {"\"007\"", 7},
        {"\"9223372036854775807\"", INT64_MAX}, {"9223372036854775807", INT64_MAX}};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        json_t *fields = with(right[i].value);
        int64_t number = 99;
        assert_int_equal(catalog_field_i64(fields, "x", &number, NULL), 0);
        assert_int_equal(number, right[i].number);
        json_decref(fields);
    }
}

static void what_is_no_whole_number_is_refused_by_its_name(void **state)
{
    (void)state;
    static const char *const wrong[] = {"null", "true", "7.0", "\"\"", "\" 7\"", "\"7 \"", "\"+7\"",
        "\"0x7\"", "\"7.5\"", "\"-\"", "\"--7\"", "\"- 7\"", "\"seven\"", "[7]", "{}",
        "\"9223372036854775808\"", "\"00000000000000000007\"", "\"7\\n\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *fields = with(wrong[i]);
        struct shoal_err err = {0};
        int64_t number = 99;
        assert_int_equal(catalog_field_i64(fields, "x", &number, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "x");
        assert_int_equal(number, 99);
        json_decref(fields);
    }
}

static void flags_are_read(void **state)
{
    (void)state;
    static const char *const yes[] = {"true", "1", "\"true\"", "\"1\""};
    static const char *const no[] = {"false", "0", "\"false\"", "\"0\""};
    static const char *const wrong[] = {
        "null", "2", "-1", "\"yes\"", "\"TRUE\"", "\"\"", "1.0", "[]", "\"true \""};
    for (size_t i = 0; i < 4; i++) {
        json_t *fields = with(yes[i]);
        bool flag = false;
        assert_int_equal(catalog_field_bool(fields, "x", &flag, NULL), 0);
        assert_true(flag);
        json_decref(fields);
        fields = with(no[i]);
        assert_int_equal(catalog_field_bool(fields, "x", &flag, NULL), 0);
        assert_false(flag);
        json_decref(fields);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *fields = with(wrong[i]);
        struct shoal_err err = {0};
        bool flag = true;
        assert_int_equal(catalog_field_bool(fields, "x", &flag, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "x");
        assert_true(flag);
        json_decref(fields);
    }
}

static void texts_are_counted_in_characters(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_right;
    } rows[] = {{"\"ab\"", true}, {"\"abcd\"", true}, {"\"a\"", false}, {"\"abcde\"", false},
        {"\"\xf0\x9f\x90\x9f\xf0\x9f\x90\x9f\xf0\x9f\x90\x9f\xf0\x9f\x90\x9f\"", true},
        {"\"\xc3\xa9\"", false}, {"7", false}, {"null", false}, {"\"\"", false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *fields = with(rows[i].value);
        struct shoal_err err = {0};
        const char *text = "before";
        int code = catalog_field_text(fields, "x", 2, 4, &text, &err);
        assert_int_equal(code, rows[i].is_right ? 0 : SHOAL_EINVAL);
        assert_string_equal(
            text, rows[i].is_right ? json_string_value(json_object_get(fields, "x")) : "before");
        assert_string_equal(err.field, rows[i].is_right ? "" : "x");
        json_decref(fields);
    }
}

static void a_text_that_goes_on_behind_a_nul_is_refused(void **state)
{
    (void)state;
    json_t *fields = json_object();
    const char *text = NULL;
    json_object_set_new(fields, "x", json_stringn("ab\0cd", 5));
    assert_int_equal(catalog_field_text(fields, "x", 1, 9, &text, NULL), SHOAL_EINVAL);
    json_decref(fields);
}

static void what_is_missing_is_shown_as_null(void **state)
{
    (void)state;
    json_t *rows[] = {catalog_text_or_null(NULL), catalog_text_or_null(""), catalog_time(0),
        catalog_time(1000), catalog_labelled(-1, "x"), catalog_labelled(3, NULL),
        catalog_labelled(0, "none")};
    assert_true(json_is_null(rows[0]));
    assert_string_equal(json_string_value(rows[1]), "");
    assert_true(json_is_null(rows[2]));
    assert_string_equal(json_string_value(rows[3]), "1970-01-01T00:00:01.000Z");
    for (int i = 4; i < 6; i++) {
        assert_true(json_is_null(json_object_get(rows[i], "id")));
        assert_string_equal(shoal_text(rows[i], "label", ""), "Unknown");
    }
    assert_int_equal(shoal_integer(rows[6], "id", -1), 0);
    assert_string_equal(shoal_text(rows[6], "label", ""), "none");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_decref(rows[i]);
    }
}

static void a_page_has_defaults(void **state)
{
    (void)state;
    static const char *const sorts[] = {"name", "createdAt", NULL};
    struct catalog_page page;
    assert_int_equal(catalog_page_read(NULL, sorts, "-createdAt", &page, NULL), 0);
    assert_int_equal(page.start, 0);
    assert_int_equal(page.count, 15);
    assert_int_equal(page.sort, 1);
    assert_true(page.is_down);
}

static void pages_are_bounded(void **state)
{
    (void)state;
    static const char *const sorts[] = {"name", "createdAt", NULL};
    static const struct {
        const char *key, *value, *field; ///< field "": it is fine
    } rows[] = {{"count", "0", ""}, {"count", "100", ""}, {"count", "101", "count"},
        {"count", "-1", "count"}, {"count", "x", "count"}, {"start", "0", ""},
        {"start", "9223372036854775807", ""}, {"start", "-1", "start"}, {"start", "1.5", "start"},
        {"sort", "name", ""}, {"sort", "-name", ""}, {"sort", "--name", "sort"},
        {"sort", "", "sort"}, {"sort", "-", "sort"}, {"sort", "Name", "sort"},
        {"sort", "password", "sort"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct catalog_page page;
        struct shoal_err err = {0};
        json_t *query = json_pack("{s:s}", rows[i].key, rows[i].value);
        int code = catalog_page_read(query, sorts, "name", &page, &err);
        assert_int_equal(code, rows[i].field[0] == '\0' ? 0 : SHOAL_EINVAL);
        assert_string_equal(err.field, rows[i].field);
        json_decref(query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_there_and_says_nothing),
        cmocka_unit_test(whole_numbers_are_read),
        cmocka_unit_test(what_is_no_whole_number_is_refused_by_its_name),
        cmocka_unit_test(flags_are_read),
        cmocka_unit_test(texts_are_counted_in_characters),
        cmocka_unit_test(a_text_that_goes_on_behind_a_nul_is_refused),
        cmocka_unit_test(what_is_missing_is_shown_as_null),
        cmocka_unit_test(a_page_has_defaults),
        cmocka_unit_test(pages_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
