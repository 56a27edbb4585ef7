// instance_test.c - an instance is opened as far as a verb needs it, or a sentence says why not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/file.h"
#include "cli/output_test.h"

static char folder[] = "/tmp/shoal_instance_XXXXXX";

static void config_write(const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0640, NULL), 0);
}

static void a_folder_without_configuration_is_no_instance(void **unused)
{
    (void)unused;
    struct shoal_instance instance;
    struct shoal_err err = {0};
    int code = shoal_instance_open(&instance, "/nowhere/at/all", SHOAL_OPEN_CONFIG, &err);
    assert_int_equal(code, SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "shoal init /nowhere/at/all"));
    shoal_instance_close(&instance); // of one that is not open: nothing happens
}

static void a_broken_configuration_is_refused(void **unused)
{
    (void)unused;
    struct shoal_instance instance;
    struct shoal_err err = {0};
    config_write("listen = {");
    assert_int_equal(
        shoal_instance_open_as_is(&instance, folder, SHOAL_OPEN_CONFIG, &err), SHOAL_EINVAL);
    assert_true(err.text[0] != '\0');
    assert_null(instance.config);
}

static void without_a_database_only_the_configuration_opens(void **unused)
{
    (void)unused;
    struct shoal_instance instance;
    struct shoal_err err = {0};
    config_write("listen = \"127.0.0.1:9000\"\nplugins = {}\n");
    int code = shoal_instance_open_as_is(&instance, folder, SHOAL_OPEN_CONFIG, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(code, 0);
    assert_false(instance.has_call);
    shoal_instance_close(&instance);
    assert_null(instance.config);
    assert_int_equal(
        shoal_instance_open_as_is(&instance, folder, SHOAL_OPEN_DATA, &err), SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "there is no database at"));
    assert_null(instance.config); // what was open is closed again
}

static void the_database_lies_where_it_is_said_to(void **unused)
{
    (void)unused;
    static const struct {
        const char *line, *wanted; ///< wanted: behind the folder, or a whole path
    } rows[] = {
        {"", "/shoal.sqlite3"},
        {"database = { path = \"data/x.db\" }", "/data/x.db"},
        {"database = { path = \"/srv/x.db\" }", "/srv/x.db"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256], wanted[PATH_MAX], path[PATH_MAX];
        struct shoal_instance instance;
        struct shoal_err err = {0};
        snprintf(
            text, sizeof text, "%s\nlisten = \"127.0.0.1:9000\"\nplugins = {}\n", rows[i].line);
        config_write(text);
        if (shoal_instance_open_as_is(&instance, folder, SHOAL_OPEN_CONFIG, &err) != 0) {
            fail_msg("%s", err.text);
        }
        bool is_whole = strncmp(rows[i].wanted, "/srv", 4) == 0;
        snprintf(wanted, sizeof wanted, "%s%s", is_whole ? "" : folder, rows[i].wanted);
        assert_string_equal(shoal_instance_database(instance.config, path), wanted);
        shoal_instance_close(&instance);
    }
}

static void check_tells_what_is_wrong(void **unused)
{
    (void)unused;
    static struct output output;
    config_write("listen = \"127.0.0.1:9000\"\nplugins = {}\n");
    char *const word = folder;
    int code = OUTPUT_RUN(&output, "check", word);
    if (geteuid() == 0) { // a folder of root is served by nobody
        assert_int_equal(code, SHOAL_EXIT_FINDINGS);
        assert_non_null(strstr(output.err, "belongs to root"));
        return;
    }
    assert_int_equal(code, SHOAL_EXIT_FINE);
    assert_non_null(strstr(output.out, "The configuration is fine."));
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
        cmocka_unit_test(a_folder_without_configuration_is_no_instance),
        cmocka_unit_test(a_broken_configuration_is_refused),
        cmocka_unit_test(without_a_database_only_the_configuration_opens),
        cmocka_unit_test(the_database_lies_where_it_is_said_to),
        cmocka_unit_test(check_tells_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
