// supervisor_test.c - what the supervisor takes from the configuration and the command line.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "super/supervisor.h"

static char folder[] = "/tmp/shoal_super_XXXXXX";

/// Reads a configuration of these lines, with a command line; the ports stay open.
static int configure(
    struct shoal_supervisor *super, const char *lines, char **argv, int argc, struct shoal_err *err)
{
    char text[512], path[PATH_MAX];
    *err = (struct shoal_err){0};
    snprintf(text, sizeof text, "plugins = {}\n%s\n", lines);
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0640, NULL), 0);
    snprintf(super->folder, sizeof super->folder, "%s", folder);
    super->argv = argv;
    super->argc = argc;
    return shoal_supervisor_configure(super, err);
}

static void loops_are_bounded(void **unused)
{
    (void)unused;
    static const struct {
        const char *lines;
        int least, most;
    } rows[] = {{"loops = 3", 3, 3}, {"loops = 1", 1, 1}, {"", 1, 64}, {"loops = 64", 64, 64}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_supervisor super = {0};
        struct shoal_err err;
        char lines[128];
        snprintf(lines, sizeof lines, "listen = \"127.0.0.1:0\"\n%s", rows[i].lines);
        if (configure(&super, lines, NULL, 0, &err) != 0) {
            fail_msg("%s", err.text);
        }
        assert_true(super.loops >= rows[i].least && super.loops <= rows[i].most);
        assert_int_equal(super.sockets.count, super.loops);
        assert_true(super.stop_grace_ms > 0);
        shoal_sockets_fini(&super.sockets);
    }
}

static void the_command_line_has_the_last_word(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {0};
    struct shoal_err err;
    char *argv[] = {(char[]){"shoal"}, (char[]){"serve"}, (char[]){"--set"}, (char[]){"loops=2"},
        (char[]){"--listen=127.0.0.1:0"}, NULL};
    int code = configure(&super, "loops = 5\nlisten = \"127.0.0.1:1\"", argv, 5, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 0);
    assert_int_equal(super.loops, 2);
    assert_true(super.sockets.list[0].port > 1);
    shoal_sockets_fini(&super.sockets);
}

static void what_cannot_be_read_changes_nothing(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {0};
    struct shoal_err err;
    assert_int_equal(configure(&super, "loops = 2\nlisten = \"127.0.0.1:0\"", NULL, 0, &err), 0);
    int port = super.sockets.list[0].port;
    static const char *const bad[] = {"listen = {", "loops = \"many\"", "no_such_key = 1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(configure(&super, bad[i], NULL, 0, &err), SHOAL_EINVAL);
        assert_true(err.text[0] != '\0');
        assert_int_equal(super.loops, 2);
        assert_int_equal(super.sockets.count, 2);
        assert_int_equal(super.sockets.list[0].port, port);
    }
    shoal_sockets_fini(&super.sockets);
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
        cmocka_unit_test(loops_are_bounded),
        cmocka_unit_test(the_command_line_has_the_last_word),
        cmocka_unit_test(what_cannot_be_read_changes_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
