// plugin_test.c - what a plugin may ask of itself, and when it may register.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sys/stat.h>

#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static struct shoal_plugin *plugin;

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    plugin = shoal_plugin_new("reef", "/where/it/lies", true);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_plugin_free(plugin);
    kit_close(&kit);
    return 0;
}

static void each_state_has_its_rights(void **state)
{
    (void)state;
    static const struct {
        enum shoal_plugin_state state;
        bool runs, may_register;
    } rows[] = {
        {SHOAL_PLUGIN_OFF, false, false},
        {SHOAL_PLUGIN_STARTING, true, true},
        {SHOAL_PLUGIN_RUNNING, true, false},
        {SHOAL_PLUGIN_QUARANTINED, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_err err = {0};
        atomic_store(&plugin->state, (int)rows[i].state);
        assert_int_equal(shoal_plugin_runs(plugin), rows[i].runs);
        assert_int_equal(shoal_plugin_may_register(plugin, "the route /x", &err),
            rows[i].may_register ? 0 : SHOAL_EINVAL);
        if (!rows[i].may_register) {
            assert_string_equal(
                err.text, "plugin reef registers the route /x outside of its start");
        }
    }
    assert_int_equal(shoal_plugin_may_register(NULL, "x", NULL), 0); // the core, at any time
}

static void its_folder_of_data_is_made_when_it_is_asked_for(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct stat info;
    char path[160];
    assert_null(shoal_plugin_data(plugin, &err)); // no host, no folder
    assert_int_equal(err.code, SHOAL_EINTERNAL);
    kit_start(&kit, false);
    snprintf(path, sizeof(path), "%s/data/reef", kit.folder);
    assert_int_not_equal(stat(path, &info), 0);
    const char *data = shoal_plugin_data(plugin, &err);
    assert_string_equal(data, path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07, 0); // not for everybody
    assert_ptr_equal(shoal_plugin_data(plugin, &err), data);
    assert_int_equal(rmdir(path), 0);
    kit_write(&kit, "data/reef", "a file in its place");
    assert_null(shoal_plugin_data(plugin, &err));
}

static void it_keeps_what_it_is_given(void **state)
{
    (void)state;
    int thing = 0;
    assert_null(shoal_plugin_kept(plugin));
    shoal_plugin_keep(plugin, &thing);
    assert_ptr_equal(shoal_plugin_kept(plugin), &thing);
    assert_string_equal(shoal_plugin_name(plugin), "reef");
    assert_string_equal(shoal_plugin_folder(plugin), "/where/it/lies");
    assert_non_null(shoal_arena_strdup(shoal_plugin_arena(plugin), "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(each_state_has_its_rights),
        CASE(its_folder_of_data_is_made_when_it_is_asked_for),
        CASE(it_keeps_what_it_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
