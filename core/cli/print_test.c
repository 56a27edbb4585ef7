// print_test.c - tables line up, and names from outside move no cursor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/output_test.h"

static const char *const keys[] = {"name", "size", NULL};
static const char *const headings[] = {"NAME", "SIZE", NULL};

/// Takes the reference.
static const char *table(json_t *rows)
{
    static struct output output;
    assert_non_null(rows);
    output_start(&output);
    shoal_cli_print_table(rows, keys, headings);
    output_stop(&output);
    json_decref(rows);
    return output.out;
}

static void columns_are_as_wide_as_their_widest_cell(void **unused)
{
    (void)unused;
    assert_string_equal(table(json_array()), "NAME  SIZE\n");
    assert_string_equal(table(json_pack("[{s:s, s:i}, {s:s, s:i}]", "name", "a", "size", 1, "name",
                            "longest", "size", 22222)),
        "NAME     SIZE\na        1\nlongest  22222\n");
}

static void each_kind_of_value_has_its_text(void **unused)
{
    (void)unused;
    static const struct {
        const char *value, *shown;
    } rows[] = {{"\"x\"", "x"}, {"-7", "-7"}, {"9223372036854775807", "9223372036854775807"},
        {"1.5", "1.5"}, {"true", "yes"}, {"false", "no"}, {"null", ""}, {"[1]", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[64];
        json_t *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        snprintf(wanted, sizeof wanted, "NAME  SIZE\nx     %s\n", rows[i].shown);
        assert_string_equal(table(json_pack("[{s:s, s:o}]", "name", "x", "size", value)), wanted);
    }
    assert_string_equal(table(json_pack("[{s:i}]", "size", 3)), "NAME  SIZE\n      3\n");
}

static void characters_count_not_bytes(void **unused)
{
    (void)unused;
    assert_string_equal(
        table(json_pack("[{s:s, s:i}]", "name", "\xc3\xa9t\xc3\xa9\xf0\x9f\x90\x9f", "size", 1)),
        "NAME  SIZE\n\xc3\xa9t\xc3\xa9\xf0\x9f\x90\x9f  1\n");
}

static void what_would_move_the_cursor_is_a_question_mark(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {{"a\x1b[2J", "a?[2J"}, {"a\nb", "a?b"}, {"a\rb", "a?b"},
        {"a\tb", "a?b"},
        {"a\x7f"
         "b",
            "a?b"},
        {"a\xc2\x9b"
         "2J",
            "a?2J"},
        {"a\xc2\x80", "a?"}, {"\xc2\xa0", "\xc2\xa0"}, {"\xc2\xbf", "\xc2\xbf"},
        {"\xe2\x82\xac", "\xe2\x82\xac"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "NAME  SIZE\n1     %s\n", rows[i][1]);
        assert_string_equal(
            table(json_pack("[{s:i, s:s}]", "name", 1, "size", rows[i][0])), wanted);
    }
}

static void sentences_go_to_stderr_with_their_exit_code(void **unused)
{
    (void)unused;
    static struct output output;
    struct shoal_err err = {.code = SHOAL_EBUSY, .text = "it is taken"};
    output_start(&output);
    int code = shoal_cli_fail(&err);
    output_stop(&output);
    assert_int_equal(code, SHOAL_EXIT_FAILED);
    assert_string_equal(output.err, "shoal: it is taken\n");
    assert_string_equal(output.out, "");
    err.text[0] = '\0'; // then the error's own words
    output_start(&output);
    shoal_cli_fail(&err);
    output_stop(&output);
    assert_non_null(strstr(output.err, shoal_error_text(SHOAL_EBUSY)));
    output_start(&output);
    code = shoal_cli_usage("there is no %s", "verb");
    output_stop(&output);
    assert_int_equal(code, SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "shoal: there is no verb\n"));
    assert_non_null(strstr(output.err, "--help"));
}

static void json_is_printed_whole(void **unused)
{
    (void)unused;
    static struct output output;
    output_start(&output);
    shoal_cli_print_json(json_pack("{s:i}", "a", 1));
    shoal_cli_print_json(json_null());
    output_stop(&output);
    assert_string_equal(output.out, "{\n  \"a\": 1\n}\nnull\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(each_kind_of_value_has_its_text),
        cmocka_unit_test(characters_count_not_bytes),
        cmocka_unit_test(what_would_move_the_cursor_is_a_question_mark),
        cmocka_unit_test(sentences_go_to_stderr_with_their_exit_code),
        cmocka_unit_test(json_is_printed_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
