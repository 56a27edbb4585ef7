// cli_sql_test.c - all statements of the core are printed, for both databases.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <shoal/json.h>

#include "cli/output_test.h"

static json_t *printed(const char *dialect)
{
    static char text[4 << 20];
    fflush(NULL);
    int saved = dup(STDOUT_FILENO);
    int fd = memfd_create("sql", MFD_CLOEXEC);
    dup2(fd, STDOUT_FILENO);
    const char *argv[] = {"shoal", "sql", "--dialect", dialect, NULL};
    int code = shoal_cli_run(4, (char **)(uintptr_t)argv);
    fflush(NULL);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    assert_int_equal(code, SHOAL_EXIT_FINE);
    ssize_t got = pread(fd, text, sizeof text - 1, 0);
    close(fd);
    json_t *sheet = json_loadb(text, got > 0 ? (size_t)got : 0, 0, NULL);
    assert_non_null(sheet);
    return sheet;
}

static void migrations_come_in_order(void **unused)
{
    (void)unused;
    static const char *const owners[] = {"core.data", "core.host", "core.catalog"};
    json_t *sheet = printed("sqlite");
    const json_t *list = json_object_get(sheet, "migrations");
    size_t owner = 0;
    json_int_t last = -1;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        if (strcmp(shoal_text(row, "owner", ""), owners[owner]) != 0) {
            assert_true(++owner < 3);
            assert_string_equal(shoal_text(row, "owner", ""), owners[owner]);
            last = -1;
        }
        assert_true(shoal_integer(row, "number", -1) > last);
        last = shoal_integer(row, "number", -1);
    }
    assert_int_equal(owner, 2);
    json_decref(sheet);
}

static void each_database_has_its_types_and_the_same_statements(void **unused)
{
    (void)unused;
    json_t *one = printed("sqlite");
    json_t *other = printed("postgresql");
    assert_true(
        json_equal(json_object_get(one, "statements"), json_object_get(other, "statements")));
    assert_true(json_array_size(json_object_get(one, "statements")) > 100);
    const json_t *ours = json_object_get(one, "migrations");
    const json_t *theirs = json_object_get(other, "migrations");
    assert_int_equal(json_array_size(ours), json_array_size(theirs));
    assert_false(json_equal(ours, theirs));
    json_decref(one);
    json_decref(other);
}

static void what_is_no_plugin_is_refused(void **unused)
{
    (void)unused;
    static struct output output;
    assert_int_equal(OUTPUT_RUN(&output, "sql", "/nowhere/at/all"), SHOAL_EXIT_FAILED);
    assert_string_equal(output.out, "");
    assert_true(output.err[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migrations_come_in_order),
        cmocka_unit_test(each_database_has_its_types_and_the_same_statements),
        cmocka_unit_test(what_is_no_plugin_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
