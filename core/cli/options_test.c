// options_test.c - command lines, as people type them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/cli.h"

static const struct shoal_option options[] = {
    {"listen", "ADDR", "where"}, {"json", NULL, "for scripts"}, {NULL, NULL, NULL}};
static const struct shoal_command command = {"try", "DIR [NAME]", "tries", options, NULL};
static const struct shoal_command many = {"many", "DIR …", "takes many", options, NULL};

static int parse(const struct shoal_command *what, struct shoal_args *args, struct shoal_err *err,
    int argc, const char **argv)
{
    memset(err, 0, sizeof *err);
    return shoal_args_parse(args, what, argc, (char **)(uintptr_t)argv, 2, err);
}

static void options_and_words_may_be_mixed(void **unused)
{
    (void)unused;
    struct shoal_args args;
    struct shoal_err err;
    const char *argv[] = {"shoal", "try", "--json", "folder", "--listen", "x:1", "name"};
    assert_int_equal(parse(&command, &args, &err, 7, argv), 0);
    assert_int_equal(args.word_count, 2);
    assert_string_equal(args.words[0], "folder");
    assert_string_equal(args.words[1], "name");
    assert_string_equal(shoal_args_get(&args, "listen"), "x:1");
    assert_true(shoal_args_has(&args, "json"));
}

static void a_value_may_follow_an_equals_sign(void **unused)
{
    (void)unused;
    struct shoal_args args;
    struct shoal_err err;
    const char *argv[] = {"shoal", "try", "folder", "--listen=[::]:1"};
    assert_int_equal(parse(&command, &args, &err, 4, argv), 0);
    assert_string_equal(shoal_args_get(&args, "listen"), "[::]:1");
    assert_false(shoal_args_has(&args, "json"));
    assert_null(shoal_args_get(&args, "no-such"));
}

static void what_is_wrong_is_named(void **unused)
{
    (void)unused;
    struct shoal_args args;
    struct shoal_err err;
    const char *unknown[] = {"shoal", "try", "folder", "--listn", "x"};
    assert_int_equal(parse(&command, &args, &err, 5, unknown), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "--listn"));
    const char *lacking[] = {"shoal", "try", "folder", "--listen"};
    assert_int_equal(parse(&command, &args, &err, 4, lacking), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "ADDR"));
    const char *valued[] = {"shoal", "try", "folder", "--json=yes"};
    assert_int_equal(parse(&command, &args, &err, 4, valued), SHOAL_EINVAL);
    const char *dash[] = {"shoal", "try", "folder", "-x"};
    assert_int_equal(parse(&command, &args, &err, 4, dash), SHOAL_EINVAL);
}

static void words_are_counted(void **unused)
{
    (void)unused;
    struct shoal_args args;
    struct shoal_err err;
    const char *argv[] = {"shoal", "try", "a", "b", "c"};
    assert_int_equal(parse(&command, &args, &err, 2, argv), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "DIR"));
    assert_int_equal(parse(&command, &args, &err, 5, argv), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "\"c\""));
    assert_int_equal(parse(&many, &args, &err, 5, argv), 0);
    assert_int_equal(args.word_count, 3);
}

static void two_dashes_end_the_options(void **unused)
{
    (void)unused;
    struct shoal_args args;
    struct shoal_err err;
    const char *argv[] = {"shoal", "try", "--", "--json", "-"};
    assert_int_equal(parse(&command, &args, &err, 5, argv), 0);
    assert_string_equal(args.words[0], "--json");
    assert_false(shoal_args_has(&args, "json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_words_may_be_mixed),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(words_are_counted),
        cmocka_unit_test(two_dashes_end_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
