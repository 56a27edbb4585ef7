// alloc_test.c - small allocations: zeroed, counted without overflow, and the end when there is
// none.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

static void gives_zeroed_memory(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) { // the second turn may get what the first gave back
        unsigned char *memory = shoal_alloc(300, 3);
        for (size_t i = 0; i < 900; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xff, 900);
        free(memory);
    }
}

static void nothing_is_still_something_to_free(void **state)
{
    (void)state;
    void *none = shoal_alloc(0, 8), *empty = shoal_alloc(8, 0);
    assert_non_null(none);
    assert_non_null(empty);
    assert_ptr_not_equal(none, empty);
    none = shoal_realloc(none, 0, 8);
    assert_non_null(none);
    free(none);
    free(empty);
}

static void grows_and_keeps_what_was_there(void **state)
{
    (void)state;
    uint32_t *numbers = shoal_realloc(NULL, 2, sizeof *numbers);
    numbers[0] = 7;
    numbers[1] = 9;
    numbers = shoal_realloc(numbers, 5000, sizeof *numbers);
    numbers[4999] = 11;
    assert_int_equal(numbers[0], 7);
    assert_int_equal(numbers[1], 9);
    free(numbers);
}

static void copies_text(void **state)
{
    (void)state;
    char text[] = "of somebody else";
    char *copy = shoal_dup(text);
    text[0] = 'x';
    assert_string_equal(copy, "of somebody else");
    free(copy);
    assert_null(shoal_dup(NULL));
}

/// What a child says on stderr before it ends by SIGABRT.
static void assert_ends(void (*fn)(void), char *said, size_t room)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        fn();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while (length + 1 < room && (got = read(ends[0], said + length, room - 1 - length)) > 0) {
        length += (size_t)got;
    }
    said[length] = 0;
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void overflow(void)
{
    free(shoal_realloc(NULL, SIZE_MAX / 2, 3)); // 3 * SIZE_MAX / 2 would wrap to something small
}

static void run_out(void)
{
    shoal_out_of_memory(4711);
}

static void says_so_and_aborts_without_memory(void **state)
{
    (void)state;
    char said[4096];
    assert_ends(run_out, said, sizeof said);
    assert_string_equal(said, "shoal: out of memory (4711 bytes)\n");
    assert_ends(overflow, said, sizeof said);
    assert_non_null(strstr(said, "shoal: out of memory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_zeroed_memory),
        cmocka_unit_test(nothing_is_still_something_to_free),
        cmocka_unit_test(grows_and_keeps_what_was_there),
        cmocka_unit_test(copies_text),
        cmocka_unit_test(says_so_and_aborts_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
