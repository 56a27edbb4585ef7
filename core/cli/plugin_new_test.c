// plugin_new_test.c - templates are filled with a plugin's name, and what is no name makes nothing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/output_test.h"
#include "cli/plugins.h"

static char folder[] = "/tmp/shoal_new_XXXXXX";
static struct output output;

static void templates_are_filled_wherever_the_name_stands(void **unused)
{
    (void)unused;
    static const char *const rows[][2] = {{"", ""}, {"plain", "plain"}, {"@NAME@", "fish"},
        {"@NAME@@NAME@", "fishfish"}, {"a@NAME@b", "afishb"}, {"@NAME", "@NAME"},
        {"@@NAME@@", "@fish@"}, {"@name@", "@name@"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = 99;
        char *text = shoal_template_fill(rows[i][0], strlen(rows[i][0]), "fish", &length);
        assert_int_equal(length, strlen(rows[i][1]));
        assert_memory_equal(text != NULL ? text : "", rows[i][1], length);
        free(text);
    }
}

static void bytes_behind_a_nul_are_kept(void **unused)
{
    (void)unused;
    size_t length = 0;
    char *text = shoal_template_fill("a\0@NAME@", 8, "fish", &length);
    assert_int_equal(length, 6);
    assert_memory_equal(text, "a\0fish", 6);
    free(text);
}

static bool is_there(const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return stat(path, &info) == 0;
}

static void without_templates_nothing_is_made(void **unused)
{
    (void)unused;
    char *const in = folder; // this program has none beside it
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "new", "one", "--in", in), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "templates"));
    assert_false(is_there("one"));
}

static void names_that_are_none_are_refused(void **unused)
{
    (void)unused;
    static const char *const bad[] = {"", "x", "Fish", "../fish", "a/b", "1fish", "fi-sh", "fish ",
        "a2345678901234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *const in = folder;
        assert_int_equal(
            OUTPUT_RUN(&output, "plugin", "new", bad[i], "--in", in), SHOAL_EXIT_USAGE);
    }
    char *const in = folder;
    assert_int_equal(
        OUTPUT_RUN(&output, "plugin", "new", "four", "--c", "--lua", "--in", in), SHOAL_EXIT_USAGE);
    assert_false(is_there("four"));
}

static int setup(void **unused)
{
    (void)unused;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_filled_wherever_the_name_stands),
        cmocka_unit_test(bytes_behind_a_nul_are_kept),
        cmocka_unit_test(without_templates_nothing_is_made),
        cmocka_unit_test(names_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
