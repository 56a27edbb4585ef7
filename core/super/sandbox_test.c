// sandbox_test.c - what is refused before a program starts, and what its sandbox holds.
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
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "super/sandbox.h"

static char folder[] = "/tmp/shoal_sandbox_XXXXXX";

static void programs_are_named_without_a_folder(void **unused)
{
    (void)unused;
    char path[4096], longer[66];
    memset(longer, 'x', 65);
    longer[65] = '\0';
    const char *const bad[] = {NULL, "", "/bin/sh", "../sh", "bin/sh", ".", "..", longer};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(shoal_sandbox_find(bad[i], path, NULL), SHOAL_EINVAL);
    }
    assert_int_equal(shoal_sandbox_find("no-such-program", path, NULL), SHOAL_ENOTFOUND);
}

static void make_file(const char *name, mode_t mode)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(shoal_file_write_whole(path, "x", 1, 0600, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void the_path_is_searched_in_order(void **unused)
{
    (void)unused;
    char path[4096], folders[PATH_MAX], wanted[PATH_MAX];
    const char *before = getenv("PATH");
    char *kept = strdup(before == NULL ? "" : before);
    make_file("a/tool", 0600); // nobody may run it
    make_file("b/tool", 0700);
    make_file("c/tool", 0700);
    make_file("a/only/tool2", 0700); // "only" is a folder, no program
    snprintf(folders, sizeof folders, "relative::/nowhere:%s/a:%s/b:%s/c", folder, folder, folder);
    snprintf(wanted, sizeof wanted, "%s/b/tool", folder);
    assert_int_equal(setenv("PATH", folders, 1), 0);
    assert_int_equal(shoal_sandbox_find("tool", path, NULL), 0);
    assert_string_equal(path, wanted);
    assert_int_equal(shoal_sandbox_find("only", path, NULL), SHOAL_ENOTFOUND);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(setenv("PATH", ":b:.", 1), 0); // the folder of the day does not count
    assert_int_equal(shoal_sandbox_find("tool", path, NULL), SHOAL_ENOTFOUND);
    assert_int_equal(setenv("PATH", "", 1), 0);
    assert_int_equal(shoal_sandbox_find("env", path, NULL), 0);
    assert_int_equal(setenv("PATH", kept, 1), 0);
    free(kept);
}

static int init(struct shoal_process what, struct shoal_err *err)
{
    struct shoal_sandbox sandbox;
    *err = (struct shoal_err){0};
    what.program = "env";
    int code = shoal_sandbox_init(&sandbox, &what, err);
    shoal_sandbox_fini(&sandbox); // of a failed one too
    return code;
}

static void folders_and_paths_are_checked(void **unused)
{
    (void)unused;
    struct shoal_err err;
    make_file("plain", 0600);
    char plain[PATH_MAX];
    snprintf(plain, sizeof plain, "%s/plain", folder);
    const char *const relative[] = {"plain", NULL};
    const char *const missing[] = {"/nowhere/at/all", NULL};
    const char *const there[] = {plain, NULL};
    const char *many[66];
    for (int i = 0; i < 65; i++) {
        many[i] = plain;
    }
    many[65] = NULL;
    const struct {
        const char *work;
        const char *const *reads;
        int code;
    } rows[] = {
        {folder, NULL, 0},
        {folder, there, 0},
        {NULL, NULL, SHOAL_EINVAL},
        {"tmp", NULL, SHOAL_EINVAL},
        {"/nowhere/at/all", NULL, SHOAL_EINVAL},
        {plain, NULL, SHOAL_EINVAL},
        {folder, relative, SHOAL_EINVAL},
        {folder, many, SHOAL_EINVAL},
        {folder, missing, SHOAL_ENOTFOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_process what = {.work_path = rows[i].work, .read_paths = rows[i].reads};
        assert_int_equal(init(what, &err), rows[i].code);
        assert_true((err.text[0] != '\0') == (rows[i].code != 0));
    }
}

static void arguments_are_bounded(void **unused)
{
    (void)unused;
    static const char *many[1100];
    static char text[256 * 1024];
    struct shoal_err err;
    for (int i = 0; i < 1099; i++) {
        many[i] = "x";
    }
    memset(text, 'x', sizeof text - 1);
    const char *const longer[] = {text, NULL};
    assert_int_equal(
        init((struct shoal_process){.work_path = folder, .args = many}, &err), SHOAL_ETOOLARGE);
    assert_int_equal(
        init((struct shoal_process){.work_path = folder, .args = longer}, &err), SHOAL_ETOOLARGE);
}

static void what_it_is_started_with_is_copied(void **unused)
{
    (void)unused;
    char first[] = "one";
    char home[PATH_MAX];
    const char *const args[] = {first, "", "two", NULL};
    struct shoal_process what = {.program = "env", .work_path = folder, .args = args, .nice = 40};
    struct shoal_sandbox sandbox;
    assert_int_equal(shoal_sandbox_init(&sandbox, &what, NULL), 0);
    first[0] = 'X';
    assert_string_equal(sandbox.argv[0], sandbox.path);
    assert_string_equal(sandbox.argv[1], "one");
    assert_string_equal(sandbox.argv[2], "");
    assert_string_equal(sandbox.argv[3], "two");
    assert_null(sandbox.argv[4]);
    assert_string_equal(sandbox.work, folder);
    snprintf(home, sizeof home, "HOME=%s", folder);
    bool has_home = false;
    int count = 0;
    for (; sandbox.envp[count] != NULL; count++) {
        has_home = has_home || strcmp(sandbox.envp[count], home) == 0;
        assert_null(strstr(sandbox.envp[count], "SHOAL"));
    }
    assert_true(has_home);
    assert_int_equal(count, 4); // nothing of ours comes along
    assert_int_equal(sandbox.nice, 19);
    assert_true(sandbox.memory_bytes > 0 && sandbox.file_bytes > 0);
    assert_true((sandbox.landlock_fd >= 0) == (shoal_landlock_version() > 0));
    shoal_sandbox_fini(&sandbox);
    assert_null(sandbox.page);
    assert_int_equal(sandbox.landlock_fd, -1);
}

static void a_folder_that_went_away_is_reported(void **unused)
{
    (void)unused;
    char work[PATH_MAX];
    struct shoal_sandbox sandbox;
    int ends[2], number = 0, status;
    snprintf(work, sizeof work, "%s/gone", folder);
    assert_int_equal(mkdir(work, 0700), 0);
    const struct shoal_process what = {.program = "env", .work_path = work};
    assert_int_equal(shoal_sandbox_init(&sandbox, &what, NULL), 0);
    assert_int_equal(rmdir(work), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int report = fcntl(ends[1], F_DUPFD_CLOEXEC, 10);
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        shoal_sandbox_exec(&sandbox, null_fd, null_fd, null_fd, report);
    }
    close(ends[1]);
    close(report);
    close(null_fd);
    assert_int_equal(read(ends[0], &number, sizeof number), sizeof number);
    assert_int_equal(number, ENOENT);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 127);
    close(ends[0]);
    shoal_sandbox_fini(&sandbox);
}

static int setup(void **unused)
{
    (void)unused;
    char path[PATH_MAX];
    assert_non_null(mkdtemp(folder));
    static const char *const inner[] = {"a", "a/only", "b", "c"};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, inner[i]);
        if (mkdir(path, 0700) != 0) {
            return -1;
        }
    }
    return setenv("SHOAL_SECRET", "x", 1);
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_named_without_a_folder),
        cmocka_unit_test(the_path_is_searched_in_order),
        cmocka_unit_test(folders_and_paths_are_checked),
        cmocka_unit_test(arguments_are_bounded),
        cmocka_unit_test(what_it_is_started_with_is_copied),
        cmocka_unit_test(a_folder_that_went_away_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
