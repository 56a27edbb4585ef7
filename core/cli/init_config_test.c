// init_config_test.c - the first shoal.lua can be read back, and its addresses are checked.
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

#include "base/file.h"
#include "cli/serve.h"

static void the_first_configuration_is_valid(void **unused)
{
    (void)unused;
    char folder[PATH_MAX], path[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/tests/init-XXXXXX", SHOAL_BUILD_DIR);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    static const char *const plugins[] = {"storage_fs", "web", NULL};
    char *text = shoal_init_config("[::1]:9000", "https://videos.example.org", plugins);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0640, NULL), 0);
    free(text);
    struct shoal_err err = {0};
    struct shoal_config *config = shoal_config_read(folder, NULL, 0, &err);
    assert_string_equal(err.text, "");
    assert_non_null(config);
    assert_string_equal(config->url, "https://videos.example.org");
    assert_int_equal(config->listen_count, 1);
    assert_string_equal(config->listens[0].host, "::1");
    assert_int_equal(config->listens[0].port, 9000);
    assert_int_equal(config->plugin_count, 2);
    assert_string_equal(config->plugins[1].name, "web");
    shoal_config_free(config);
    assert_int_equal(shoal_tree_remove(folder, NULL), 0);
}

static void addresses_are_checked_before_they_are_written(void **unused)
{
    (void)unused;
    assert_true(shoal_init_listen_valid("127.0.0.1:9000"));
    assert_true(shoal_init_listen_valid("[::]:443 tls"));
    assert_true(shoal_init_listen_valid("9000"));
    assert_true(shoal_init_listen_valid("unix:run/x.sock"));
    assert_false(shoal_init_listen_valid("127.0.0.1:90000"));
    assert_false(shoal_init_listen_valid("127.0.0.1:"));
    assert_false(shoal_init_listen_valid("example"));
    assert_false(shoal_init_listen_valid("unix:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_configuration_is_valid),
        cmocka_unit_test(addresses_are_checked_before_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
