// plugin_tests_test.c - shoal plugin test runs the files of a folder by name, and leaves nothing.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cli/output_test.h"

#define MANIFEST                                                                                   \
    "{\"name\": \"fish\", \"version\": \"1.0.0\", \"summary\": \"Swims\", \"licence\": \"MIT\","   \
    " \"sdk\": \">=1.0.0 <2.0.0\", \"language\": \"lua\"}"

static char folder[] = "/tmp/shoal_tests_XXXXXX";
static struct output output;

static void put(const char *name, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0644, NULL), 0);
}

/// A plugin that starts, and no test.
static int make_plugin(void **unused)
{
    (void)unused;
    char path[PATH_MAX];
    shoal_tree_remove(folder, NULL);
    snprintf(path, sizeof path, "%s/tests", folder);
    assert_int_equal(shoal_folder_make(folder, 0755, NULL), 0);
    assert_int_equal(shoal_folder_make(path, 0755, NULL), 0);
    put("plugin.json", MANIFEST);
    put("fish.lua", "");
    return 0;
}

static int run(void)
{
    char *const at = folder;
    return OUTPUT_RUN(&output, "plugin", "test", at);
}

static void what_is_no_plugin_is_not_tested(void **unused)
{
    (void)unused;
    char path[PATH_MAX];
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "test", "/nowhere/at/all"), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "there is no plugin at /nowhere/at/all"));
    snprintf(path, sizeof path, "%s/plugin.json", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "plugin.json"));
    put("plugin.json", "{\"name\": ");
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_string_equal(output.out, "");
}

static void a_plugin_without_tests_is_told_so(void **unused)
{
    (void)unused;
    put("tests/fish.lua", "test('one', function() end)");
    put("tests/_test.lua", "test('one', function() end)"); // a name has to stand in front
    put("tests/one_test.lua.orig", "test('one', function() end)");
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "has no file that ends in _test.lua"));
    assert_string_equal(output.out, "");
}

static void files_run_by_name_and_are_counted_together(void **unused)
{
    (void)unused;
    put("tests/b_test.lua", "test('third', function() end)");
    put("tests/a_test.lua", "test('first', function() end) test('second', function() end)");
    assert_int_equal(run(), SHOAL_EXIT_FINE);
    assert_string_equal(output.out, "ok - first\nok - second\nok - third\n3 passed, 0 failed\n");
}

static void one_failure_fails_the_run_and_the_rest_is_run(void **unused)
{
    (void)unused;
    put("tests/a_test.lua", "test('first', function() error('no luck', 0) end)");
    put("tests/b_test.lua", "test('second', function() end)");
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_string_equal(output.out, "not ok - first\n  no luck\nok - second\n1 passed, 1 failed\n");
}

static void a_file_that_cannot_run_is_a_failure(void **unused)
{
    (void)unused;
    put("tests/a_test.lua", "test('first', function(");
    put("tests/b_test.lua", "error('outside of a test', 0)");
    put("tests/c_test.lua", "test('second', function() end)");
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_int_equal(strncmp(output.out, "not ok - /", 10), 0);
    assert_non_null(strstr(output.out, "/tests/a_test.lua\n"));
    assert_non_null(strstr(output.out, "outside of a test"));
    assert_non_null(strstr(output.out, "ok - second\n1 passed, 2 failed\n"));
}

static void a_plugin_that_does_not_start_is_told_why(void **unused)
{
    (void)unused;
    put("fish.lua", "error('no water')");
    put("tests/a_test.lua", "test('first', function() end)");
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "fish does not start"));
    assert_non_null(strstr(output.err, "no water"));
    assert_string_equal(output.out, "");
}

/// Temporary instances that are linked to this plugin.
static int count_left(void)
{
    int count = 0;
    DIR *dir = opendir("/tmp");
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[PATH_MAX], target[PATH_MAX];
        snprintf(path, sizeof path, "/tmp/%s/plugins/fish", entry->d_name);
        ssize_t length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        count += strcmp(target, folder) == 0 ? 1 : 0;
    }
    closedir(dir);
    return count;
}

static void the_instance_goes_and_the_plugin_stays(void **unused)
{
    (void)unused;
    char path[PATH_MAX];
    put("tests/a_test.lua", "test('first', function() end)");
    assert_int_equal(run(), SHOAL_EXIT_FINE);
    put("tests/a_test.lua", "test('first', function() error() end)");
    assert_int_equal(run(), SHOAL_EXIT_FAILED);
    assert_int_equal(count_left(), 0);
    snprintf(path, sizeof path, "%s/tests/a_test.lua", folder); // not removed through the link
    assert_int_equal(access(path, F_OK), 0);
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

#define CASE(name) cmocka_unit_test_setup(name, make_plugin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_no_plugin_is_not_tested),
        CASE(a_plugin_without_tests_is_told_so),
        CASE(files_run_by_name_and_are_counted_together),
        CASE(one_failure_fails_the_run_and_the_rest_is_run),
        CASE(a_file_that_cannot_run_is_a_failure),
        CASE(a_plugin_that_does_not_start_is_told_why),
        CASE(the_instance_goes_and_the_plugin_stays),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
