// jobs_holder_test.c - the name of a process that holds jobs, and whether another one is gone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <signal.h>
#include <sys/wait.h>

#include "data/jobs_priv.h"

static char self[96];

static int name_self(void **state)
{
    (void)state;
    jobs_holder_make(self);
    return 0;
}

static void a_name_says_where_and_which_process(void **state)
{
    (void)state;
    char again[96];
    char wanted[32];
    jobs_holder_make(again);
    assert_string_not_equal(again, self); // each runner has its own
    assert_int_equal(strspn(self, "0123456789abcdef"), JOB_NODE_LENGTH);
    snprintf(wanted, sizeof(wanted), "/%ld.", (long)getpid());
    assert_int_equal(strncmp(self + JOB_NODE_LENGTH, wanted, strlen(wanted)), 0);
    size_t same = (size_t)(strrchr(self, '.') - self);
    assert_int_equal(strncmp(again, self, same), 0); // but for the chance at its end
}

/// Names a process as if it were its own name.
static const char *name_of(long pid, long long started)
{
    static char name[96];
    snprintf(
        name, sizeof(name), "%.*s/%ld.%lld.0123456789abcdef", JOB_NODE_LENGTH, self, pid, started);
    return name;
}

static long long own_start(void)
{
    return strtoll(strchr(self, '.') + 1, NULL, 10);
}

static void one_that_lives_is_not_gone_and_one_that_died_is(void **state)
{
    (void)state;
    int ready[2];
    char name[96] = "";
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        jobs_holder_make(name);
        _exit(write(ready[1], name, sizeof(name)) == (ssize_t)sizeof(name) ? pause() : 1);
    }
    assert_int_equal(read(ready[0], name, sizeof(name)), sizeof(name));
    assert_false(jobs_holder_is_gone(name, self));
    assert_true(jobs_holder_is_gone(name_of(child, 1), self)); // the number was given anew
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(jobs_holder_is_gone(name, self));
    close(ready[0]);
    close(ready[1]);
}

static void an_earlier_runner_of_this_process_is_gone(void **state)
{
    (void)state;
    assert_false(jobs_holder_is_gone(self, self));
    assert_true(jobs_holder_is_gone(name_of((long)getpid(), own_start()), self));
}

/// What cannot be known is not gone: its lease decides.
static void of_others_nobody_knows(void **state)
{
    (void)state;
    char elsewhere[96];
    static const char *const tails[] = {"", "/", "/.", "/x.1.y", "/0.1.y", "/-5.1.y", "/1",
        "/1x.1.y", "/99999999999999999999999.1.y"};
    assert_false(jobs_holder_is_gone(NULL, self));
    assert_false(jobs_holder_is_gone("", self));
    snprintf(elsewhere, sizeof(elsewhere), "%s", name_of(1 << 30, 1));
    assert_true(jobs_holder_is_gone(elsewhere, self)); // no such process here
    elsewhere[0] = elsewhere[0] == '0' ? '1' : '0';
    assert_false(jobs_holder_is_gone(elsewhere, self)); // on another machine there may be one
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        char name[96];
        snprintf(name, sizeof(name), "%.*s%s", JOB_NODE_LENGTH, self, tails[i]);
        if (jobs_holder_is_gone(name, self)) {
            fail_msg("%s is not gone", name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_name_says_where_and_which_process, name_self),
        cmocka_unit_test_setup(one_that_lives_is_not_gone_and_one_that_died_is, name_self),
        cmocka_unit_test_setup(an_earlier_runner_of_this_process_is_gone, name_self),
        cmocka_unit_test_setup(of_others_nobody_knows, name_self),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
