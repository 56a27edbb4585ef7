// drop_test.c - root gives its rights up for those of the folder's owner, and not for less.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "super/drop.h"

#define STRANGER 54321 ///< a user whom nobody knows

static char folder[] = "/tmp/shoal_drop_XXXXXX";

/// Runs it in a process of its own and gives its code: rights that are given up do not come back.
static int apart(int (*part)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        _exit(part());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_is_no_folder_is_refused(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    char path[PATH_MAX];
    assert_int_equal(shoal_drop_to_owner("/nowhere/at/all", &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "shoal init /nowhere/at/all"));
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(shoal_file_write_whole(path, "x", 1, 0600, NULL), 0);
    assert_int_equal(shoal_drop_to_owner(path, &err), SHOAL_ENOTFOUND);
}

static void a_folder_of_root_is_not_served(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(folder, 0, 0), 0);
    assert_int_equal(shoal_drop_to_owner(folder, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "chown"));
    assert_int_equal(geteuid(), 0); // nothing was given up
}

static int become_owner(void)
{
    if (shoal_drop_to_owner(folder, NULL) != 0) {
        return 1;
    }
    if (getuid() != STRANGER || geteuid() != STRANGER || getgid() != STRANGER) {
        return 2;
    }
    if (getgroups(0, NULL) != 0 || setuid(0) == 0) {
        return 3;
    }
    return 0;
}

static void root_becomes_the_owner_for_good(void **unused)
{
    (void)unused;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(folder, STRANGER, STRANGER), 0);
    assert_int_equal(apart(become_owner), 0);
}

static int look_as_stranger(void)
{
    struct shoal_err err = {0};
    if (setuid(STRANGER) != 0) {
        return 1;
    }
    int code = shoal_drop_to_owner(folder, &err);
    return code == SHOAL_EFORBIDDEN && strstr(err.text, folder) != NULL ? 0 : 2;
}

static void who_may_not_write_there_is_told_so(void **unused)
{
    (void)unused;
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chown(folder, 0, 0), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(apart(look_as_stranger), 0);
}

static void a_folder_behind_closed_ones_is_not_reached(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    char inner[PATH_MAX];
    if (geteuid() != 0) {
        assert_int_equal(shoal_drop_reaches(folder, STRANGER, "stranger", &err), 0);
        skip();
    }
    snprintf(inner, sizeof inner, "%s/inner", folder);
    assert_int_equal(mkdir(inner, 0777), 0);
    assert_int_equal(chown(inner, STRANGER, STRANGER), 0);
    assert_int_equal(chmod(folder, 0700), 0);
    assert_int_equal(chown(folder, 0, 0), 0);
    assert_int_equal(shoal_drop_reaches(inner, STRANGER, "stranger", &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "stranger"));
    assert_int_equal(geteuid(), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(shoal_drop_reaches(inner, STRANGER, "stranger", &err), 0);
    assert_int_equal(geteuid(), 0);
}

static void an_instance_goes_to_who_stands_behind_sudo(void **unused)
{
    (void)unused;
    uid_t uid = 0;
    gid_t gid = 0;
    char name[64] = "";
    const struct passwd *daemon = getpwnam("daemon");
    if (daemon == NULL) {
        skip();
    }
    uid_t daemon_uid = daemon->pw_uid;
    assert_int_equal(setenv("SUDO_USER", "daemon", 1), 0);
    assert_int_equal(shoal_drop_choose(&uid, &gid, name, NULL), 0);
    assert_string_equal(name, "daemon");
    assert_int_equal(uid, daemon_uid);
    // Neither root nor somebody who is not there.
    static const char *const others[] = {"root", "no-such-user-here", ""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_int_equal(setenv("SUDO_USER", others[i], 1), 0);
        uid = 0;
        if (shoal_drop_choose(&uid, &gid, name, NULL) == 0) {
            assert_int_not_equal(uid, 0);
            assert_string_not_equal(name, "root");
        }
    }
    unsetenv("SUDO_USER");
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
        cmocka_unit_test(what_is_no_folder_is_refused),
        cmocka_unit_test(a_folder_of_root_is_not_served),
        cmocka_unit_test(root_becomes_the_owner_for_good),
        cmocka_unit_test(who_may_not_write_there_is_told_so),
        cmocka_unit_test(a_folder_behind_closed_ones_is_not_reached),
        cmocka_unit_test(an_instance_goes_to_who_stands_behind_sudo),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
