// media_spawn_test.c - what a start message may ask for, and what a process gets.
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/file.h"
#include "super/media.h"

static char folder[] = "/tmp/shoal_spawn_XXXXXX";

/// Starts it and waits for its end; takes the reference. Returns: the error, else its exit code.
static int spawn(json_t *body, struct shoal_err *err)
{
    struct shoal_message message = {.body = body};
    struct shoal_media media = {.errors_pipe = -1, .errors_file = -1};
    struct shoal_err unused = {0};
    int code = shoal_media_spawn(&media, &message, err != NULL ? err : &unused);
    shoal_message_fini(&message);
    if (code == 0) {
        int status;
        assert_true(media.pid > 0);
        assert_true(media.state.running);
        assert_true(media.wall_at_ms > shoal_tick_ms());
        assert_int_equal(waitpid(media.pid, &status, 0), media.pid);
        shoal_media_errors_read(&media);
        shoal_media_errors_close(&media);
        return WEXITSTATUS(status);
    }
    assert_int_equal(media.pid, 0);
    assert_int_equal(media.errors_pipe, -1); // nothing is left open
    assert_int_equal(media.errors_file, -1);
    return code;
}

static bool holds(const char *name, const char *text)
{
    char path[PATH_MAX];
    struct shoal_buf got = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    bool same = shoal_file_read_whole(path, 4096, &got, NULL) == 0 &&
                strcmp(got.data == NULL ? "" : got.data, text) == 0;
    shoal_buf_fini(&got);
    return same;
}

static void its_output_goes_where_it_was_asked_to(void **unused)
{
    (void)unused;
    char absolute[PATH_MAX];
    assert_int_equal(spawn(json_pack("{s:s, s:s, s:[s], s:s}", "program", "echo", "work", folder,
                               "args", "one two", "output", "out.txt"),
                         NULL),
        0);
    assert_true(holds("out.txt", "one two\n"));
    snprintf(absolute, sizeof absolute, "%s/out.txt", folder);
    assert_int_equal(spawn(json_pack("{s:s, s:s, s:[s], s:s}", "program", "echo", "work", folder,
                               "args", "x", "output", absolute),
                         NULL),
        0);
    assert_true(holds("out.txt", "x\n")); // and not the end of what was there before
}

static void its_complaints_and_its_code_are_kept(void **unused)
{
    (void)unused;
    int code = spawn(json_pack("{s:s, s:s, s:[s], s:s}", "program", "cat", "work", folder, "args",
                         "no-such-file", "errors", "errors.txt"),
        NULL);
    assert_int_equal(code, 1);
    assert_false(holds("errors.txt", ""));
}

static void no_file_outside_of_its_folder_is_opened(void **unused)
{
    (void)unused;
    char sibling[PATH_MAX], victim[PATH_MAX];
    snprintf(sibling, sizeof sibling, "%s-other/x", folder);
    snprintf(victim, sizeof victim, "%s/link", folder);
    assert_int_equal(symlink("/nowhere/at/all", victim), 0);
    const char *const bad[] = {
        "", "..", "../x", "a/../../x", "a/..", "/etc/shoal-test", sibling, "/", folder};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_int_equal(
            spawn(json_pack("{s:s, s:s, s:s}", "program", "echo", "work", folder, "output", bad[i]),
                &err),
            SHOAL_EINVAL);
        assert_non_null(strstr(err.text, "is not in the folder"));
        assert_int_equal(
            spawn(json_pack("{s:s, s:s, s:s}", "program", "echo", "work", folder, "errors", bad[i]),
                &err),
            SHOAL_EINVAL);
    }
    // A link is not followed, and a folder that is not there is not made.
    assert_int_equal(
        spawn(json_pack("{s:s, s:s, s:s}", "program", "echo", "work", folder, "output", "link"),
            NULL),
        SHOAL_EIO);
    assert_int_equal(
        spawn(json_pack("{s:s, s:s, s:s}", "program", "echo", "work", folder, "output", "none/x"),
            NULL),
        SHOAL_EIO);
}

static void arguments_are_text_and_bounded(void **unused)
{
    (void)unused;
    json_t *many = json_array();
    for (int i = 0; i < 1024; i++) {
        json_array_append_new(many, json_string("x"));
    }
    assert_int_equal(
        spawn(json_pack("{s:s, s:s, s:[s, i]}", "program", "echo", "work", folder, "args", "x", 7),
            NULL),
        SHOAL_EINVAL);
    assert_int_equal(
        spawn(json_pack("{s:s, s:s, s:[n]}", "program", "echo", "work", folder, "read"), NULL),
        SHOAL_EINVAL);
    assert_int_equal(
        spawn(json_pack("{s:s, s:s, s:o}", "program", "echo", "work", folder, "args", many), NULL),
        SHOAL_ETOOLARGE);
}

static void without_a_program_or_a_folder_nothing_starts(void **unused)
{
    (void)unused;
    assert_int_equal(spawn(json_pack("{s:s}", "work", folder), NULL), SHOAL_EINVAL);
    assert_int_equal(spawn(json_pack("{s:s}", "program", "echo"), NULL), SHOAL_EINVAL);
    assert_int_equal(spawn(json_object(), NULL), SHOAL_EINVAL);
}

static void a_pipe_that_was_promised_has_to_come(void **unused)
{
    (void)unused;
    assert_int_equal(
        spawn(json_pack("{s:s, s:s, s:b}", "program", "cat", "work", folder, "stdin", true), NULL),
        SHOAL_EIO);
    assert_int_equal(
        spawn(
            json_pack("{s:s, s:s, s:b}", "program", "echo", "work", folder, "stdout", true), NULL),
        SHOAL_EIO);
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
        cmocka_unit_test(its_output_goes_where_it_was_asked_to),
        cmocka_unit_test(its_complaints_and_its_code_are_kept),
        cmocka_unit_test(no_file_outside_of_its_folder_is_opened),
        cmocka_unit_test(arguments_are_text_and_bounded),
        cmocka_unit_test(without_a_program_or_a_folder_nothing_starts),
        cmocka_unit_test(a_pipe_that_was_promised_has_to_come),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
