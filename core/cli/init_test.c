// init_test.c - what is refused before an instance is made, and that nothing is left of it.
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

static char folder[] = "/tmp/shoal_init_XXXXXX";
static char place[64];
static struct output output;

static bool is_made(void)
{
    struct stat info;
    return stat(place, &info) == 0;
}

static void options_are_checked_before_anything_is_made(void **unused)
{
    (void)unused;
    static const struct {
        const char *option, *value, *sentence;
    } rows[] = {
        {"--listen", "nowhere", "no address to listen on"},
        {"--listen", "127.0.0.1:90000", "no address to listen on"},
        {"--url", "ftp://example.org", "--url ftp://example.org"},
        {"--url", "https://example.org/", "without a path or slash"},
        {"--admin", "Root", "lower-case letters"},
        {"--admin", "peertube", "the instance's own"},
        {"--admin", "a23456789012345678901234567890123456789012345678901234567890123456789",
            "lower-case letters"},
        {"--password", "short", "at least 6 characters"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *const at = place;
        assert_int_equal(
            OUTPUT_RUN(&output, "init", at, rows[i].option, rows[i].value), SHOAL_EXIT_USAGE);
        if (strstr(output.err, rows[i].sentence) == NULL) {
            fail_msg("%s %s: %s", rows[i].option, rows[i].value, output.err);
        }
        assert_false(is_made());
        assert_string_equal(output.out, "");
    }
}

static void a_password_may_not_be_endless(void **unused)
{
    (void)unused;
    char longer[700];
    char *const at = place;
    char *const password = longer;
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(OUTPUT_RUN(&output, "init", at, "--password", password), SHOAL_EXIT_USAGE);
    assert_null(strstr(output.err, "xxxx"));
    assert_false(is_made());
}

static void file_make(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", place, name);
    assert_int_equal(shoal_file_write_whole(path, "x", 1, 0600, NULL), 0);
}

static void a_folder_of_something_else_is_left_alone(void **unused)
{
    (void)unused;
    char *const at = place;
    assert_int_equal(shoal_folder_make(place, 0750, NULL), 0);
    file_make("letters.txt");
    assert_int_equal(OUTPUT_RUN(&output, "init", at), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "letters.txt is in it"));
    file_make("shoal.lua");
    assert_int_equal(OUTPUT_RUN(&output, "init", at), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "is an instance already"));
    char path[128];
    struct stat info;
    snprintf(path, sizeof path, "%s/letters.txt", place);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(shoal_tree_remove(place, NULL), 0);
}

static void a_file_or_nothing_is_no_folder(void **unused)
{
    (void)unused;
    char *const at = place;
    assert_int_equal(shoal_file_write_whole(place, "x", 1, 0600, NULL), 0);
    assert_int_equal(OUTPUT_RUN(&output, "init", at), SHOAL_EXIT_FAILED);
    assert_true(output.err[0] != '\0');
    assert_int_equal(unlink(place), 0);
    assert_int_equal(OUTPUT_RUN(&output, "init", ""), SHOAL_EXIT_FAILED);
    assert_true(output.err[0] != '\0');
    assert_int_equal(OUTPUT_RUN(&output, "init"), SHOAL_EXIT_USAGE);
}

static int setup(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(folder));
    assert_non_null(freopen("/dev/null", "r", stdin)); // nobody is asked
    snprintf(place, sizeof place, "%s/site", folder);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_checked_before_anything_is_made),
        cmocka_unit_test(a_password_may_not_be_endless),
        cmocka_unit_test(a_folder_of_something_else_is_left_alone),
        cmocka_unit_test(a_file_or_nothing_is_no_folder),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
