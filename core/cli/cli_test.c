// cli_test.c - a command line finds its verb, or a sentence that says what was meant.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/output_test.h"

static struct output output;

static void help_lists_every_verb(void **unused)
{
    (void)unused;
    static const struct shoal_command *const tables[] = {
        shoal_cli_instance, shoal_cli_users, shoal_cli_plugins, shoal_cli_show, shoal_cli_backups};
    assert_int_equal(OUTPUT_RUN(&output, "--help"), SHOAL_EXIT_FINE);
    assert_string_equal(output.err, "");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct shoal_command *c = tables[i]; c->verb != NULL; c++) {
            char line[128];
            snprintf(line, sizeof line, "\n  %s %s", c->verb, c->words);
            assert_non_null(strstr(output.out, line));
            assert_non_null(strstr(output.out, c->help));
        }
    }
    assert_null(strstr(output.out, "\n  sql ")); // for tests
}

static void each_verb_says_its_options(void **unused)
{
    (void)unused;
    static const struct shoal_command *const tables[] = {shoal_cli_instance, shoal_cli_users,
        shoal_cli_plugins, shoal_cli_show, shoal_cli_backups, shoal_cli_hidden};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        for (const struct shoal_command *c = tables[i]; c->verb != NULL; c++) {
            char verb[64];
            snprintf(verb, sizeof verb, "%s", c->verb);
            char *second = strchr(verb, ' ');
            if (second != NULL) {
                *second++ = '\0';
            }
            int code = second != NULL ? OUTPUT_RUN(&output, verb, second, "--help")
                                      : OUTPUT_RUN(&output, verb, "-h");
            assert_int_equal(code, SHOAL_EXIT_FINE);
            assert_non_null(strstr(output.out, c->help));
            for (int j = 0; c->options != NULL && c->options[j].name != NULL; j++) {
                char option[64];
                snprintf(option, sizeof option, "\n  --%s", c->options[j].name);
                assert_non_null(strstr(output.out, option));
            }
        }
    }
}

static void the_ways_to_ask_for_help_and_the_version(void **unused)
{
    (void)unused;
    assert_int_equal(output_run(&output, (const char *const[]){NULL}), SHOAL_EXIT_USAGE);
    assert_string_equal(output.out, "");
    assert_non_null(strstr(output.err, "shoal init DIR"));
    assert_int_equal(OUTPUT_RUN(&output, "help"), SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "shoal init DIR"));
    assert_int_equal(OUTPUT_RUN(&output, "help", "user", "add"), SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "shoal user add"));
    assert_int_equal(OUTPUT_RUN(&output, "help", "user"), SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "shoal user add"));
    assert_int_equal(OUTPUT_RUN(&output, "help", "no-such"), SHOAL_EXIT_USAGE);
    assert_int_equal(OUTPUT_RUN(&output, "--version"), SHOAL_EXIT_FINE);
    assert_string_equal(output.out, "shoal " SHOAL_VERSION "\n");
}

static void what_was_meant_is_guessed(void **unused)
{
    (void)unused;
    assert_int_equal(OUTPUT_RUN(&output, "sreve", "DIR"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "did you mean serve?"));
    assert_int_equal(OUTPUT_RUN(&output, "user", "dance"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "there is no verb user dance"));
    assert_non_null(strstr(output.err, "shoal user add"));
    assert_int_equal(OUTPUT_RUN(&output, "user"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "shoal user add"));
    assert_int_equal(OUTPUT_RUN(&output, "user", "--help"), SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "shoal user add"));
}

static void wrong_words_and_options_are_usage(void **unused)
{
    (void)unused;
    assert_int_equal(OUTPUT_RUN(&output, "check"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "shoal check --help says more"));
    assert_int_equal(OUTPUT_RUN(&output, "check", "DIR", "--no-such"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "--no-such"));
    assert_int_equal(OUTPUT_RUN(&output, "check", "--", "--help", "b"), SHOAL_EXIT_USAGE);
}

static void a_plugins_verb_needs_an_instance(void **unused)
{
    (void)unused;
    assert_int_equal(OUTPUT_RUN(&output, "/bin/sh", "x", "y"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "there is no verb /bin/sh"));
    assert_int_equal(
        OUTPUT_RUN(&output, "somebody", "greets", "/nowhere/at/all"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "there is no verb somebody"));
    assert_non_null(strstr(output.err, "no instance at /nowhere/at/all"));
    assert_int_equal(OUTPUT_RUN(&output, "somebody", "greets"), SHOAL_EXIT_USAGE);
    assert_non_null(strstr(output.err, "shoal somebody VERB DIR"));
}

static void an_output_that_cannot_be_written_is_a_failure(void **unused)
{
    (void)unused;
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL) {
        skip();
    }
    dup2(fileno(full), STDOUT_FILENO);
    char *argv[] = {(char[]){"shoal"}, (char[]){"version"}, NULL};
    int code = shoal_cli_run(2, argv);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    fclose(full);
    clearerr(stdout);
    assert_int_equal(code, SHOAL_EXIT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_every_verb),
        cmocka_unit_test(each_verb_says_its_options),
        cmocka_unit_test(the_ways_to_ask_for_help_and_the_version),
        cmocka_unit_test(what_was_meant_is_guessed),
        cmocka_unit_test(wrong_words_and_options_are_usage),
        cmocka_unit_test(a_plugins_verb_needs_an_instance),
        cmocka_unit_test(an_output_that_cannot_be_written_is_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
