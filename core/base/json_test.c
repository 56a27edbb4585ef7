// json_test.c - dotted paths, and JSON that comes from outside.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <shoal/error.h>
#include <shoal/json.h>

static json_t *parse(const char *text)
{
    struct shoal_err err = {0};
    return shoal_json_parse(text, strlen(text), &err);
}

static void finds_values_by_path(void **state)
{
    (void)state;
    json_t *root = parse("{\"a\":{\"b\":[{\"c\":1},{\"c\":2.5}],\"t\":\"x\",\"f\":true},\"\":3}");
    assert_non_null(root);
    assert_int_equal(shoal_integer(root, "a.b.0.c", -1), 1);
    assert_true(shoal_number(root, "a.b.1.c", 0) == 2.5);
    assert_int_equal(shoal_integer(root, "a.b.1.c", -1), -1);
    assert_string_equal(shoal_text(root, "a.t", "no"), "x");
    assert_true(shoal_flag(root, "a.f", false));
    assert_int_equal(shoal_integer(root, "", 0), 3);
    assert_null(shoal_get(root, "a.b.2.c"));
    assert_null(shoal_get(root, "a.b.-1"));
    assert_null(shoal_get(root, "a.b.99999999999999999999"));
    assert_null(shoal_get(root, "a.t.x"));
    assert_null(shoal_get(root, "a."));
    assert_null(shoal_get(NULL, "a"));
    assert_string_equal(shoal_text(root, "a.f", "no"), "no");
    assert_false(shoal_flag(root, "a.t", false));
    json_decref(root);
}

static void reads_whole_reals_as_integers(void **state)
{
    (void)state;
    json_t *root = parse("{\"a\":3.0,\"b\":1e300,\"c\":-7.0}");
    assert_int_equal(shoal_integer(root, "a", -1), 3);
    assert_int_equal(shoal_integer(root, "b", -1), -1);
    assert_int_equal(shoal_integer(root, "c", -1), -7);
    json_decref(root);
}

static void names_line_and_column_of_a_mistake(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_null(shoal_json_parse("{\n  \"a\": nope }", 15, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "line 2"));
}

static void refuses_double_keys_bad_utf8_and_what_follows(void **state)
{
    (void)state;
    assert_null(parse("{\"a\":1,\"a\":2}"));
    assert_null(parse("\"\xFF\""));
    assert_null(parse("{} {}"));
    assert_null(parse(""));
    struct shoal_err err = {0};
    assert_null(shoal_json_parse("[1", 2, &err));
    assert_null(shoal_json_parse("\"a\0b\"", 5, &err));
}

static void bounds_the_depth(void **state)
{
    (void)state;
    char text[300] = "";
    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    json_t *deep = parse(text);
    assert_non_null(deep);
    json_decref(deep);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    struct shoal_err err = {0};
    assert_null(shoal_json_parse(text, 130, &err));
    assert_non_null(strstr(err.text, "nested"));
    json_t *brackets_in_text =
        parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
              "[[[[[[[[[[[[[[[[[[ \\\" [[[\"");
    assert_non_null(brackets_in_text);
    json_decref(brackets_in_text);
}

static void sets_values_and_makes_objects_on_the_way(void **state)
{
    (void)state;
    json_t *root = json_object();
    assert_int_equal(shoal_json_set(root, "a.b.c", json_integer(1)), 0);
    assert_int_equal(shoal_json_set(root, "a.b.d", json_integer(2)), 0);
    assert_int_equal(shoal_integer(root, "a.b.c", 0), 1);
    assert_int_equal(shoal_integer(root, "a.b.d", 0), 2);
    assert_int_equal(shoal_json_set(root, "a.b.c.x", json_integer(3)), SHOAL_EINVAL);
    assert_int_equal(shoal_json_set(root, "a..c", json_integer(3)), SHOAL_EINVAL);
    assert_int_equal(shoal_json_set(root, "a.q", NULL), SHOAL_EINVAL);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_values_by_path),
        cmocka_unit_test(reads_whole_reals_as_integers),
        cmocka_unit_test(names_line_and_column_of_a_mistake),
        cmocka_unit_test(refuses_double_keys_bad_utf8_and_what_follows),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(sets_values_and_makes_objects_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
