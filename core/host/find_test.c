// find_test.c - where a plugin is found, and what it takes from its manifest.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static char shipped[160];

static int begin(void **state)
{
    (void)state;
    kit_folder(&kit);
    kit_write(&kit, "shoal.lua", "plugins = {\n\"reef\",\n{ \"bay\", size = 5 },\n}");
    kit.config = shoal_config_read(kit.folder, NULL, 0, NULL);
    assert_non_null(kit.config);
    snprintf(shipped, sizeof(shipped), "%s/shipped", kit.folder);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_config_free(kit.config);
    return shoal_tree_remove(kit.folder, NULL);
}

static void put(const char *where, const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s/%s", kit.folder, where, name);
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    snprintf(path, sizeof(path), "%s/%s/plugin.json", where, name);
    kit_write(&kit, path, text);
}

static struct shoal_plugin *discover(size_t index)
{
    struct shoal_host_options options = {.config = kit.config, .shipped_plugins = shipped};
    return shoal_plugin_discover(&options, index);
}

static bool is_out(const struct shoal_plugin *plugin, const char *part)
{
    return atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED && !plugin->manifest &&
           strstr(plugin->sentence, part);
}

static void the_own_folder_comes_before_the_servers(void **state)
{
    (void)state;
    char *text = kit_manifest("reef", "");
    put("shipped", "reef", text);
    struct shoal_plugin *plugin = discover(0);
    assert_true(plugin->id.is_shipped);
    assert_non_null(strstr(plugin->folder, "/shipped/reef"));
    assert_non_null(plugin->manifest);
    assert_int_equal(atomic_load(&plugin->state), SHOAL_PLUGIN_OFF);
    shoal_plugin_free(plugin);
    put("plugins", "reef", text);
    plugin = discover(0);
    assert_false(plugin->id.is_shipped);
    assert_non_null(strstr(plugin->folder, "/plugins/reef"));
    shoal_plugin_free(plugin);
    free(text);
}

static void what_is_nowhere_or_broken_says_so_with_its_line(void **state)
{
    (void)state;
    struct shoal_plugin *plugin = discover(0);
    assert_true(is_out(plugin, "shoal.lua:2: there is no plugin reef"));
    shoal_plugin_free(plugin);
    char path[160];
    snprintf(path, sizeof(path), "%s/plugins/reef/plugin.json", kit.folder);
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0); // a folder is no manifest
    plugin = discover(0);
    assert_true(is_out(plugin, "there is no plugin reef"));
    shoal_plugin_free(plugin);
    put("shipped", "reef", "{");
    plugin = discover(0);
    assert_true(plugin->id.is_shipped);
    assert_true(is_out(plugin, "plugin.json"));
    shoal_plugin_free(plugin);
    char *text = kit_manifest("other", ""); // copied into a folder of another name
    put("shipped", "reef", text);
    free(text);
    plugin = discover(0);
    assert_true(is_out(plugin, "its folder is called reef"));
    shoal_plugin_free(plugin);
    struct shoal_host_options options = {.config = kit.config}; // a server without a folder
    plugin = shoal_plugin_discover(&options, 1);
    assert_true(is_out(plugin, "shoal.lua:3: there is no plugin bay"));
    assert_int_equal(plugin->index, 1);
    shoal_plugin_free(plugin);
}

static void options_of_the_file_come_along(void **state)
{
    (void)state;
    char *text = kit_manifest("bay", "");
    put("plugins", "bay", text);
    free(text);
    struct shoal_plugin *plugin = discover(1);
    assert_int_equal(shoal_integer(plugin->options, "size", 0), 5);
    assert_int_equal(plugin->index, 1);
    shoal_plugin_free(plugin); // the configuration keeps its own
    assert_int_equal(shoal_integer(kit.config->plugins[1].options, "size", 0), 5);
}

static void tables_and_views_are_those_of_the_permissions(void **state)
{
    (void)state;
    char *text = kit_manifest("bay", "\"permissions\": [\"read:videos\"]");
    put("plugins", "bay", text);
    free(text);
    struct shoal_plugin *plugin = discover(1);
    assert_null(plugin->id.table_prefix); // none of its own without "database"
    assert_string_equal(plugin->id.views[0], "v1_video");
    assert_null(plugin->id.views[1]);
    assert_string_equal(plugin->id.permissions[0], "read:videos");
    shoal_plugin_free(plugin);
    text = kit_manifest("bay", "\"permissions\": [\"database\"]");
    put("plugins", "bay", text);
    free(text);
    plugin = discover(1);
    assert_string_equal(plugin->id.table_prefix, "bay_");
    assert_null(plugin->id.views[0]);
    shoal_plugin_free(plugin);
    shoal_plugin_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(the_own_folder_comes_before_the_servers),
        CASE(what_is_nowhere_or_broken_says_so_with_its_line),
        CASE(options_of_the_file_come_along),
        CASE(tables_and_views_are_those_of_the_permissions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
