// drill_test.c - who dies at a drill's place, and what a test may shorten.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/drill.h"

static char folder[] = "/tmp/shoal-drill-XXXXXX";
static char path[64];

static int setup(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/shoal-drill-XXXXXX");
    snprintf(path, sizeof path, "%s/wanted", mkdtemp(folder));
    setenv("SHOAL_DRILL", path, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unsetenv("SHOAL_DRILL");
    unlink(path);
    return rmdir(folder);
}

static void want(const char *name)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(name, file);
    fclose(file);
}

// A supervisor and its child, which passes the place: how the supervisor ended.
static int pass_place(const char *name)
{
    pid_t supervisor = fork();
    assert_true(supervisor >= 0);
    if (supervisor == 0) {
        pid_t child = fork();
        if (child == 0) {
            shoal_drill_point(name);
            _exit(3);
        }
        int status = 0;
        waitpid(child, &status, 0);
        while (WIFSIGNALED(status)) {
            pause(); // its own end is on the way
        }
        _exit(WEXITSTATUS(status));
    }
    int status = 0;
    assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
    return status;
}

static void the_wanted_place_kills_the_supervisor_once(void **state)
{
    (void)state;
    want("job.claimed");
    int status = pass_place("job.claimed");
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
    assert_int_equal(access(path, F_OK), -1);
    status = pass_place("job.claimed");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

static void any_other_place_is_passed(void **state)
{
    (void)state;
    static const char *const others[] = {"", "job", "job.claimed.twice", "job.claimed\n"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        want(others[i]);
        int status = pass_place("job.claimed");
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 3);
        assert_int_equal(access(path, F_OK), 0);
    }
}

static void without_a_file_nobody_dies(void **state)
{
    (void)state;
    assert_true(WIFEXITED(pass_place("job.claimed")));
    unsetenv("SHOAL_DRILL");
    assert_true(WIFEXITED(pass_place("job.claimed")));
}

static void a_variable_says_the_milliseconds(void **state)
{
    (void)state;
    unsetenv("SHOAL_DRILL_TEST");
    assert_int_equal(shoal_drill_ms("SHOAL_DRILL_TEST", 86400000), 86400000);
    setenv("SHOAL_DRILL_TEST", "250", 1);
    assert_int_equal(shoal_drill_ms("SHOAL_DRILL_TEST", 86400000), 250);
    unsetenv("SHOAL_DRILL_TEST");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_wanted_place_kills_the_supervisor_once, setup, teardown),
        cmocka_unit_test_setup_teardown(any_other_place_is_passed, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_file_nobody_dies, setup, teardown),
        cmocka_unit_test(a_variable_says_the_milliseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
