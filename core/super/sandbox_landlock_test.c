// sandbox_landlock_test.c - which files stay within reach behind the rules, where the kernel has
// them.
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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "super/sandbox.h"

static char root[] = "/tmp/shoal_landlock_XXXXXX";
static char work[PATH_MAX], given[PATH_MAX], secret[PATH_MAX], made[PATH_MAX];

static int try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

/// In a process behind the rules: the number of the first question that was answered wrongly.
static int ask_behind(int rules)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || shoal_sandbox_landlock_enter(rules) != 0) {
        return 1;
    }
    if (try_open(made, O_RDWR | O_CREAT) != 0) {
        return 2;
    }
    if (try_open(given, O_RDONLY) != 0) {
        return 3;
    }
    if (try_open(given, O_WRONLY) != EACCES) {
        return 4;
    }
    if (try_open(secret, O_RDONLY) != EACCES) {
        return 5;
    }
    if (try_open("/etc/passwd", O_RDONLY) != EACCES) {
        return 6;
    }
    if (try_open("/dev/null", O_RDWR) != 0) {
        return 7;
    }
    if (symlink(secret, "link") == 0 || errno != EACCES) {
        return 8;
    }
    return unlink(made) == 0 ? 0 : 9;
}

static void only_the_work_folder_and_what_was_given_are_in_reach(void **unused)
{
    (void)unused;
    if (shoal_landlock_version() == 0) {
        skip();
    }
    const char *const reads[] = {given, NULL};
    struct shoal_process what = {.work_path = work, .read_paths = reads};
    struct shoal_sandbox sandbox = {.path = "/bin/true", .work = work};
    assert_int_equal(shoal_sandbox_landlock_open(&sandbox, &what, NULL), 0);
    assert_true(sandbox.landlock_fd >= 10); // away from the streams of the process
    assert_int_equal(fcntl(sandbox.landlock_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(chdir(work) == 0 ? ask_behind(sandbox.landlock_fd) : 10);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    close(sandbox.landlock_fd);
    assert_int_equal(status >> 8, 0);
    assert_int_equal(try_open(secret, O_RDONLY), 0); // we ourselves are as before
}

static void without_the_kernels_rules_there_is_no_descriptor(void **unused)
{
    (void)unused;
    struct shoal_process what = {.work_path = work};
    struct shoal_sandbox sandbox = {.path = "/bin/true", .work = work, .landlock_fd = 7};
    assert_int_equal(shoal_sandbox_landlock_open(&sandbox, &what, NULL), 0);
    assert_true((sandbox.landlock_fd == -1) == (shoal_landlock_version() == 0));
    if (sandbox.landlock_fd >= 0) {
        close(sandbox.landlock_fd);
    }
    assert_int_not_equal(shoal_sandbox_landlock_enter(-1), 0);
}

static int setup(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(root));
    snprintf(work, sizeof work, "%s/work", root);
    snprintf(given, sizeof given, "%s/given", root);
    snprintf(secret, sizeof secret, "%s/secret", root);
    snprintf(made, sizeof made, "%s/work/made", root);
    assert_int_equal(shoal_folder_make(work, 0700, NULL), 0);
    assert_int_equal(shoal_file_write_whole(given, "x", 1, 0600, NULL), 0);
    return shoal_file_write_whole(secret, "x", 1, 0600, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(root, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_work_folder_and_what_was_given_are_in_reach),
        cmocka_unit_test(without_the_kernels_rules_there_is_no_descriptor),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
