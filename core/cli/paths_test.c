// paths_test.c - what came with the server is found from where the program lies.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/cli.h"

// This program itself is put into a tree, and asked there.
static char root[PATH_MAX];

static void folder_make(const char *name)
{
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", root, name);
    assert_int_equal(shoal_folder_make(path, 0755, NULL), 0);
}

/// The answer of a program at `place` in the tree: a path from the tree's top, "" for none.
static const char *asked(const char *place, const char *what)
{
    static char answer[PATH_MAX];
    char program[2 * PATH_MAX], real[PATH_MAX];
    int ends[2];
    snprintf(program, sizeof program, "%s/%s", root, place);
    unlink(program);
    assert_true(readlink("/proc/self/exe", real, sizeof real - 1) > 0);
    real[readlink("/proc/self/exe", real, sizeof real - 1)] = '\0';
    assert_int_equal(link(real, program), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        execl(program, "paths_test", "ask", what, (char *)NULL);
        _exit(9);
    }
    close(ends[1]);
    char said[PATH_MAX] = "", whole[PATH_MAX];
    ssize_t got = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    unlink(program);
    if (got <= 0) {
        return "";
    }
    assert_non_null(realpath(said, whole));
    assert_memory_equal(whole, root, strlen(root));
    snprintf(answer, sizeof answer, "%s", whole + strlen(root) + 1);
    return answer;
}

static void each_thing_is_found_where_it_may_be(void **unused)
{
    (void)unused;
    static const struct {
        const char *program, *what, *folder; ///< folder: where it is, from the tree's top
    } rows[] = {
        {"build/shoal", "plugins", "build/plugins"},
        {"bin/shoal", "plugins", "lib/shoal/plugins"},
        {"build/shoal", "themes", "build/themes"},
        {"build/shoal", "themes", "themes"},
        {"build/test/shoal", "themes", "themes"},
        {"bin/shoal", "themes", "share/shoal/themes"},
        {"build/shoal", "templates", "build/templates"},
        {"build/shoal", "templates", "sdk/templates"},
        {"build/test/shoal", "templates", "sdk/templates"},
        {"bin/shoal", "templates", "share/shoal/templates"},
        {"build/shoal", "include", "sdk/include"},
        {"bin/shoal", "include", "include"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[2 * PATH_MAX];
        assert_string_equal(asked(rows[i].program, rows[i].what), "");
        folder_make(rows[i].folder);
        assert_string_equal(asked(rows[i].program, rows[i].what), rows[i].folder);
        snprintf(path, sizeof path, "%s/%s", root, rows[i].folder);
        assert_int_equal(rmdir(path), 0);
    }
}

static void a_file_of_that_name_is_not_it(void **unused)
{
    (void)unused;
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/build/themes", root);
    assert_int_equal(shoal_file_write_whole(path, "x", 1, 0600, NULL), 0);
    assert_string_equal(asked("build/shoal", "themes"), "");
    assert_int_equal(unlink(path), 0);
}

static void only_what_is_listed_is_shipped(void **unused)
{
    (void)unused;
    folder_make("build/passwords");
    assert_string_equal(asked("build/shoal", "passwords"), "");
    assert_string_equal(asked("build/shoal", ""), "");
}

static int setup(void **unused)
{
    (void)unused;
    // Beside this program: a hard link does not cross file systems.
    char place[PATH_MAX];
    snprintf(place, sizeof place, "%s/tests/paths-XXXXXX", SHOAL_BUILD_DIR);
    assert_non_null(mkdtemp(place));
    assert_non_null(realpath(place, root));
    static const char *const inner[] = {"build/test", "bin", "lib/shoal", "share/shoal", "sdk"};
    for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
        folder_make(inner[i]);
    }
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(root, NULL);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "ask") == 0) {
        char path[PATH_MAX];
        bool found = shoal_path_shipped(argv[2], path);
        if (found != (path[0] != '\0')) {
            return 1;
        }
        fputs(path, stdout);
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thing_is_found_where_it_may_be),
        cmocka_unit_test(a_file_of_that_name_is_not_it),
        cmocka_unit_test(only_what_is_listed_is_shipped),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
