// folder_test.c - folders: their modes and errors, names made durable, and how deep a tree may be.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char root[] = "/tmp/shoal-folder-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static bool is_there(const char *name)
{
    struct stat info;
    return lstat(path_of(name), &info) == 0;
}

static void gives_each_new_folder_the_mode(void **state)
{
    (void)state;
    struct stat info;
    assert_int_equal(shoal_folder_make(path_of("a/b"), 0700, NULL), 0);
    assert_int_equal(shoal_folder_make(path_of("a/b/c/"), 0750, NULL), 0);
    assert_int_equal(stat(path_of("a/b"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700); // one that was there keeps its own
    assert_int_equal(stat(path_of("a/b/c"), &info), 0);
    assert_int_equal(info.st_mode & 0700, 0700);
}

static void says_what_is_in_the_way(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_file_write_whole(path_of("file"), "x", 1, 0600, NULL), 0);
    assert_int_equal(shoal_folder_make(path_of("file"), 0700, &err), SHOAL_ECONFLICT);
    assert_non_null(strstr(err.text, "/file"));
    char long_path[PATH_MAX + 10];
    memset(long_path, 'a', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    assert_int_equal(shoal_folder_make(long_path, 0700, &err), SHOAL_EINVAL);
}

static int mkdir_calls;

static int mkdir_is_full(const char *path, mode_t mode)
{
    (void)path;
    (void)mode;
    mkdir_calls++;
    errno = ENOSPC;
    return -1;
}

static void stops_at_the_first_folder_that_cannot_be_made(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_file_calls calls = *shoal_file_system();
    calls.mkdir = mkdir_is_full;
    shoal_file_set(&calls);
    mkdir_calls = 0;
    assert_int_equal(shoal_folder_make(path_of("full/of/things"), 0700, &err), SHOAL_EFULL);
    assert_int_equal(mkdir_calls, 1);
    assert_false(is_there("full"));
    assert_int_equal(shoal_folder_make(root, 0700, &err), 0); // nothing to make: nothing to fail
    shoal_file_set(NULL);
}

static int fsync_fails(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static void makes_names_durable_or_says_why_not(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_folder_sync(root, &err), 0);
    assert_int_equal(shoal_folder_sync(path_of("none"), &err), SHOAL_ENOTFOUND);
    shoal_file_write_whole(path_of("file"), "x", 1, 0600, NULL);
    assert_true(shoal_folder_sync(path_of("file"), &err) < 0);
    struct shoal_file_calls calls = *shoal_file_system();
    calls.fsync = fsync_fails;
    shoal_file_set(&calls);
    assert_int_equal(shoal_folder_sync(root, &err), SHOAL_EIO);
    assert_non_null(strstr(err.text, "sync"));
    shoal_file_set(NULL);
}

/// Makes `depth` folders within each other; the innermost holds a file.
static void dig(const char *name, int depth)
{
    int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(fd, name, 0700), 0);
    for (int i = 0; i < depth; i++) {
        int next = openat(fd, i == 0 ? name : "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(next >= 0);
        close(fd);
        fd = next;
        assert_int_equal(mkdirat(fd, "d", 0700), 0);
    }
    close(fd);
}

static void removes_trees_as_deep_as_ours_are(void **state)
{
    (void)state;
    dig("deep", 60);
    assert_int_equal(shoal_tree_remove(path_of("deep"), NULL), 0);
    assert_false(is_there("deep"));
}

static void gives_up_on_a_tree_without_end(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    dig("endless", 70);
    assert_true(shoal_tree_remove(path_of("endless"), &err) < 0);
    assert_non_null(strstr(err.text, "remove"));
    assert_true(is_there("endless"));
    char inner[PATH_MAX];
    snprintf(inner, sizeof inner, "%s/endless/d/d/d/d/d/d/d/d/d/d", root);
    assert_int_equal(shoal_tree_remove(inner, &err), 0); // in two goes it is gone
    assert_int_equal(shoal_tree_remove(path_of("endless"), &err), 0);
}

static void removes_a_link_and_not_what_it_names(void **state)
{
    (void)state;
    assert_int_equal(shoal_folder_make(path_of("kept"), 0700, NULL), 0);
    assert_int_equal(symlink("kept", path_of("link")), 0);
    assert_int_equal(shoal_tree_remove(path_of("link"), NULL), 0);
    assert_false(is_there("link"));
    assert_true(is_there("kept"));
    assert_int_equal(shoal_tree_remove(path_of("none"), NULL), 0);
    shoal_file_write_whole(path_of("file"), "x", 1, 0600, NULL);
    assert_true(shoal_tree_remove(path_of("file/under"), NULL) < 0);
}

static int start(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static void tidies_up_after_who_was_killed(void **state)
{
    (void)state;
    static const char *const kept[] = {"a.json", "a.json.new", "a.json.0123456789abcdeg.new",
        "a.0123456789abcdef.new.json", ".0123456789abcdef.new", "a.00123456789abcdef.new"};
    assert_int_equal(shoal_file_write_whole(path_of("a.json.0123456789abcdef.new"), "x", 1, 0600, NULL), 0);
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_int_equal(shoal_file_write_whole(path_of(kept[i]), "x", 1, 0600, NULL), 0);
    }
    shoal_folder_tidy(root);
    assert_false(is_there("a.json.0123456789abcdef.new"));
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        assert_true(is_there(kept[i]));
    }
    shoal_folder_tidy(path_of("none"));
}

static int empty(void **state)
{
    (void)state;
    shoal_file_set(NULL);
    int code = shoal_tree_remove(root, NULL);
    return code == 0 ? mkdir(root, 0700) : code;
}

static int stop(void **state)
{
    (void)state;
    return shoal_tree_remove(root, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(gives_each_new_folder_the_mode, empty),
        cmocka_unit_test_teardown(says_what_is_in_the_way, empty),
        cmocka_unit_test_teardown(stops_at_the_first_folder_that_cannot_be_made, empty),
        cmocka_unit_test_teardown(makes_names_durable_or_says_why_not, empty),
        cmocka_unit_test_teardown(removes_trees_as_deep_as_ours_are, empty),
        cmocka_unit_test_teardown(gives_up_on_a_tree_without_end, empty),
        cmocka_unit_test_teardown(tidies_up_after_who_was_killed, empty),
        cmocka_unit_test_teardown(removes_a_link_and_not_what_it_names, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
