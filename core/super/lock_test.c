// lock_test.c - one server a folder: the lock names its holder, and is free when nobody has it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/plugin.h>

#include "base/file.h"
#include "super/drop.h"
#include "super/super.h"

static char folder[] = "/tmp/shoal_lock_XXXXXX";

static void a_folder_that_nobody_serves_has_no_holder(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    assert_int_equal(shoal_lock_holder(folder), 0);
    assert_int_equal(shoal_lock_holder("/nowhere/at/all"), 0);
    assert_int_equal(shoal_instance_end("a test", NULL), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_super_order(folder, 's', &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, folder));
}

static void the_second_is_told_who_was_first(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    int first = -1;
    int second = -1;
    char pid[24];
    assert_int_equal(shoal_lock_take(folder, &first, &err), 0);
    assert_int_equal(shoal_lock_holder(folder), getpid());
    assert_int_equal(shoal_lock_take(folder, &second, &err), SHOAL_EBUSY);
    assert_int_equal(second, -1);
    snprintf(pid, sizeof pid, "process %d)", (int)getpid());
    assert_non_null(strstr(err.text, pid));
    close(first);
    assert_int_equal(shoal_lock_holder(folder), 0); // the file is still there
    assert_int_equal(shoal_lock_take(folder, &second, &err), 0);
    close(second);
}

static void it_is_not_handed_to_programs(void **unused)
{
    (void)unused;
    int fd = -1;
    assert_int_equal(shoal_lock_take(folder, &fd, NULL), 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}

static void a_copy_of_it_holds_it_on(void **unused)
{
    (void)unused;
    int fd = -1;
    assert_int_equal(shoal_lock_take(folder, &fd, NULL), 0);
    int copy = dup(fd);
    close(fd);
    assert_int_equal(shoal_lock_take(folder, &fd, NULL), SHOAL_EBUSY);
    close(copy);
    assert_int_equal(shoal_lock_take(folder, &fd, NULL), 0);
    close(fd);
}

/// A supervisor takes the lock, a child of it keeps it until a byte comes from `release`, and it
/// dies.
static void dead_supervisor(int release)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = -1;
        bool is_taken = shoal_lock_take(folder, &fd, NULL) == 0;
        if (is_taken && fork() == 0) {
            close(ready[1]);
            while (read(release, &byte, 1) < 0) {
            }
            _exit(0);
        }
        _exit(is_taken ? 0 : 1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 0);
    close(ready[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void what_a_killed_supervisor_left_is_waited_for(void **unused)
{
    (void)unused;
    int release[2];
    assert_int_equal(pipe2(release, O_CLOEXEC), 0);
    dead_supervisor(release[0]);
    assert_int_equal(shoal_lock_holder(folder), 0); // who is named there is gone
    pid_t next = fork();
    if (next == 0) {
        int fd = -1;
        _exit(shoal_lock_take(folder, &fd, NULL) == 0 ? 0 : 1);
    }
    assert_int_equal(write(release[1], "x", 1), 1);
    int status;
    assert_int_equal(waitpid(next, &status, 0), next);
    assert_int_equal(status, 0);
    close(release[0]);
    close(release[1]);
}

static void a_link_in_its_place_is_not_followed(void **unused)
{
    (void)unused;
    char path[PATH_MAX], target[PATH_MAX];
    struct shoal_err err = {0};
    int fd = -1;
    snprintf(path, sizeof path, "%s/run/lock", folder);
    snprintf(target, sizeof target, "%s/victim", folder);
    assert_int_equal(shoal_file_write_whole(target, "mine", 4, 0600, NULL), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(target, path), 0);
    assert_int_not_equal(shoal_lock_take(folder, &fd, &err), 0);
    struct shoal_buf text = {0};
    assert_int_equal(shoal_file_read_whole(target, 16, &text, NULL), 0);
    assert_string_equal(text.data, "mine");
    shoal_buf_fini(&text);
    unlink(path);
}

static void a_path_without_end_is_refused(void **unused)
{
    (void)unused;
    char path[PATH_MAX + 1];
    int fd = -1;
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_int_equal(shoal_lock_take(path, &fd, NULL), SHOAL_EINVAL);
    assert_int_equal(shoal_lock_holder(path), 0);
}

static void a_lock_that_names_nobody_is_held_all_the_same(void **unused)
{
    (void)unused;
    char path[PATH_MAX];
    int fd = -1;
    snprintf(path, sizeof path, "%s/run/lock", folder);
    int held = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(flock(held, LOCK_EX), 0);
    assert_int_equal(shoal_lock_take(folder, &fd, NULL), SHOAL_EBUSY);
    assert_int_equal(shoal_lock_holder(folder), 0);
    close(held);
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
        cmocka_unit_test(a_folder_that_nobody_serves_has_no_holder),
        cmocka_unit_test(the_second_is_told_who_was_first),
        cmocka_unit_test(it_is_not_handed_to_programs),
        cmocka_unit_test(a_copy_of_it_holds_it_on),
        cmocka_unit_test(what_a_killed_supervisor_left_is_waited_for),
        cmocka_unit_test(a_link_in_its_place_is_not_followed),
        cmocka_unit_test(a_path_without_end_is_refused),
        cmocka_unit_test(a_lock_that_names_nobody_is_held_all_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
