// file_test.c - whole files, folders, and disks that fail.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static char folder[] = "/tmp/shoal-file-XXXXXX";

static const char *path_of(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir)) {
        count++;
    }
    closedir(dir);
    return count - 2;
}

static void assert_holds(const char *name, const char *text)
{
    struct shoal_buf buf = {0};
    struct shoal_err err = {0};
    assert_int_equal(shoal_file_read_whole(path_of(name), 100, &buf, &err), 0);
    assert_string_equal(buf.data, text);
    shoal_buf_fini(&buf);
}

static void replaces_a_file_whole(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_file_write_whole(path_of("a"), "one", 3, 0640, &err), 0);
    assert_int_equal(shoal_file_write_whole(path_of("a"), "other", 5, 0640, &err), 0);
    assert_holds("a", "other");
    assert_int_equal(count_entries(folder), 1);
}

static int refuse_number;

static ssize_t write_nothing(int fd, const void *data, size_t length)
{
    (void)fd;
    (void)data;
    (void)length;
    errno = refuse_number;
    return -1;
}

static int fsync_fails(int fd)
{
    (void)fd;
    errno = EIO;
    return -1;
}

static int rename_fails(const char *from, const char *to)
{
    (void)from;
    (void)to;
    errno = EIO;
    return -1;
}

static void a_disk_that_fails_leaves_the_old_file(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    shoal_file_write_whole(path_of("a"), "old", 3, 0600, &err);
    struct shoal_file_calls calls = *shoal_file_system();
    shoal_file_set(&calls);
    calls.write = write_nothing;
    refuse_number = ENOSPC;
    assert_int_equal(shoal_file_write_whole(path_of("a"), "new", 3, 0600, &err), SHOAL_EFULL);
    calls.write = shoal_file_system()->write;
    calls.fsync = fsync_fails;
    assert_int_equal(shoal_file_write_whole(path_of("a"), "new", 3, 0600, &err), SHOAL_EIO);
    assert_non_null(strstr(err.text, "sync"));
    calls.fsync = shoal_file_system()->fsync;
    calls.rename = rename_fails;
    assert_int_equal(shoal_file_write_whole(path_of("a"), "new", 3, 0600, &err), SHOAL_EIO);
    shoal_file_set(NULL);
    assert_holds("a", "old");
    assert_int_equal(count_entries(folder), 1);
}

static ssize_t write_little(int fd, const void *data, size_t length)
{
    static int turn;
    if (turn++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return write(fd, data, length > 2 ? 2 : length);
}

static void writes_on_over_signals_and_partial_writes(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_file_calls calls = *shoal_file_system();
    calls.write = write_little;
    shoal_file_set(&calls);
    assert_int_equal(shoal_file_write_whole(path_of("a"), "piecemeal", 9, 0600, &err), 0);
    shoal_file_set(NULL);
    assert_holds("a", "piecemeal");
}

static void reads_at_most_what_it_is_told(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_buf buf = {0};
    shoal_file_write_whole(path_of("a"), "0123456789", 10, 0600, &err);
    shoal_buf_puts(&buf, "kept");
    assert_int_equal(shoal_file_read_whole(path_of("a"), 9, &buf, &err), SHOAL_ETOOLARGE);
    assert_string_equal(buf.data, "kept");
    assert_int_equal(shoal_file_read_whole(path_of("a"), 10, &buf, &err), 0);
    assert_string_equal(buf.data, "kept0123456789");
    assert_int_equal(shoal_file_read_whole(path_of("none"), 10, &buf, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_file_read_whole(folder, 10, &buf, &err), SHOAL_EIO);
    shoal_buf_fini(&buf);
}

static void makes_folders_on_the_way(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_folder_make(path_of("x/y//z"), 0700, &err), 0);
    assert_int_equal(shoal_folder_make(path_of("x/y/z"), 0700, &err), 0);
    struct stat info;
    assert_int_equal(stat(path_of("x/y/z"), &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    shoal_file_write_whole(path_of("x/file"), "", 0, 0600, &err);
    assert_true(shoal_folder_make(path_of("x/file/z"), 0700, &err) < 0);
    assert_int_equal(shoal_folder_make("", 0700, &err), SHOAL_EINVAL);
}

static void removes_a_tree_and_follows_no_link(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    shoal_folder_make(path_of("tree/in/side"), 0700, &err);
    shoal_file_write_whole(path_of("tree/in/file"), "x", 1, 0600, &err);
    shoal_file_write_whole(path_of("outside"), "kept", 4, 0600, &err);
    char target[PATH_MAX];
    snprintf(target, sizeof(target), "%s", folder);
    assert_int_equal(symlink(target, path_of("tree/in/link")), 0);
    assert_int_equal(shoal_tree_remove(path_of("tree"), &err), 0);
    struct stat info;
    assert_int_not_equal(lstat(path_of("tree"), &info), 0);
    assert_holds("outside", "kept");
    assert_int_equal(shoal_tree_remove(path_of("tree"), &err), 0);
}

static int start(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int empty(void **state)
{
    (void)state;
    shoal_file_set(NULL);
    struct shoal_err err = {0};
    int code = shoal_tree_remove(folder, &err);
    return code == 0 ? mkdir(folder, 0700) : code;
}

static int stop(void **state)
{
    (void)state;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(replaces_a_file_whole, empty),
        cmocka_unit_test_teardown(a_disk_that_fails_leaves_the_old_file, empty),
        cmocka_unit_test_teardown(writes_on_over_signals_and_partial_writes, empty),
        cmocka_unit_test_teardown(reads_at_most_what_it_is_told, empty),
        cmocka_unit_test_teardown(makes_folders_on_the_way, empty),
        cmocka_unit_test_teardown(removes_a_tree_and_follows_no_link, empty),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
