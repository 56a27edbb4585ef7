// crash_test.c - requests are told apart by their hashes, and a dying server names what it was in.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/context.h"
#include "super/backoff.h"
#include "super/super.h"
#include "super/watchdog.h"

static void requests_that_differ_have_other_hashes(void **unused)
{
    (void)unused;
    static const char *const requests[][3] = {
        {"GET", "/a", ""},
        {"POST", "/a", ""},
        {"GET", "/b", ""},
        {"GET", "/a", "x=1"},
        {"GET", "/ax=1", ""}, // the parts are kept apart
        {"GET/a", "", ""},
        {"", "", ""},
    };
    char hashes[7][20];
    for (size_t i = 0; i < 7; i++) {
        shoal_crash_request_hash(requests[i][0], requests[i][1], requests[i][2], hashes[i]);
        assert_int_equal(strlen(hashes[i]), 16);
        assert_int_equal(strspn(hashes[i], "0123456789abcdef"), 16);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(hashes[i], hashes[j]);
        }
    }
}

static void what_a_request_lacks_counts_as_empty(void **unused)
{
    (void)unused;
    char one[20], other[20];
    shoal_crash_request_hash("GET", "/a", NULL, one);
    shoal_crash_request_hash("GET", "/a", "", other);
    assert_string_equal(one, other);
    shoal_crash_request_hash("GET", "/a", "", other); // the same, always
    assert_string_equal(one, other);
}

/// Ends in one way or another, and gives what was said of it.
static void said_by(void (*end)(int fd), char text[4096])
{
    int ends[2];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        end(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t got;
         (got = read(ends[0], text + length, 4095 - length)) > 0 && length + (size_t)got < 4095;) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct shoal_plugin_id leaver = {.name = "leaver"};

static void exit_within(int fd)
{
    struct shoal_call call;
    shoal_crash_install(fd);
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&leaver);
    exit(0);
}

static void exit_within_a_loop(int fd)
{
    shoal_crash_install(fd);
    shoal_call_mark((struct shoal_plugin *)(void *)&leaver);
    exit(0);
}

static void exit_outside(int fd)
{
    struct shoal_call call;
    shoal_crash_install(fd);
    assert_null(shoal_call_mark((struct shoal_plugin *)(void *)&leaver));
    assert_ptr_equal(shoal_call_mark(NULL), &leaver);
    shoal_call_init(&call);
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&leaver);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    exit(0);
}

static void who_ends_the_server_by_exit_is_named(void **unused)
{
    (void)unused;
    char text[4096];
    void (*const within[])(int) = {exit_within, exit_within_a_loop};
    for (size_t i = 0; i < 2; i++) {
        struct shoal_crash crash = {0};
        said_by(within[i], text);
        shoal_crash_read(text, &crash);
        assert_string_equal(crash.plugin, "leaver");
        assert_string_equal(crash.sentence, SHOAL_CRASH_EXIT);
        assert_false(crash.is_shipped);
    }
    said_by(exit_outside, text);
    assert_string_equal(text, "");
}

/// Dies within two plugins of a call.
_Noreturn static void die(int fd)
{
    struct shoal_plugin_id outer = {.name = "outer", .is_shipped = true};
    struct shoal_plugin_id inner = {.name = "inner"};
    struct shoal_call call;
    shoal_call_init(&call);
    snprintf(call.id, sizeof call.id, "call-77");
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&outer);
    shoal_call_enter(&call, (struct shoal_plugin *)(void *)&inner);
    shoal_crash_install(fd);
    int null_fd = open("/dev/null", O_WRONLY);
    dup2(null_fd, STDERR_FILENO); // what a sanitizer says of it
#if defined(__SANITIZE_ADDRESS__)
    volatile size_t behind = 16; // the sanitizer has handlers of its own, for its own findings
    char *bytes = malloc(16);
    bytes[behind] = 'x';
#endif
#if defined(__SANITIZE_THREAD__)
    raise(SIGABRT); // of the others it has handlers of its own
#endif
    raise(SIGSEGV);
    _exit(0);
}

static void the_dead_names_its_plugins_innermost_first(void **unused)
{
    (void)unused;
    int ends[2];
    char text[4096];
    size_t length = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        die(ends[1]);
    }
    close(ends[1]);
    for (ssize_t got; length + 1 < sizeof text &&
                      (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_not_equal(status, 0);
    const char *inner = strstr(text, "elsewhere inner\n");
    const char *outer = strstr(text, "shipped outer\n");
    assert_non_null(inner);
    assert_non_null(outer);
    assert_true(inner < outer);
    assert_non_null(strstr(text, "call call-77\n"));
    struct shoal_crash crash = {0};
    shoal_crash_read(text, &crash);
    assert_string_equal(crash.plugin, "inner");
    assert_false(crash.is_shipped);
}

static void a_stack_for_the_handler_is_used_again(void **unused)
{
    (void)unused;
    void *stack = shoal_crash_stack(NULL); // none in sanitizer builds
    assert_ptr_equal(shoal_crash_stack(stack), stack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_that_differ_have_other_hashes),
        cmocka_unit_test(what_a_request_lacks_counts_as_empty),
        cmocka_unit_test(the_dead_names_its_plugins_innermost_first),
        cmocka_unit_test(who_ends_the_server_by_exit_is_named),
        cmocka_unit_test(a_stack_for_the_handler_is_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
