// loader_test.c - the steps of a plugin's start, what each of them refuses, and what stays of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/cli.h>
#include <shoal/topics.h>

#include "host/host_priv.h"
#include "host/registry_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static int result;
static const char *words;
static int stops;

static int start_it(struct shoal_plugin *self, struct shoal_err *err)
{
    assert_int_equal(atomic_load(&self->state), SHOAL_PLUGIN_STARTING);
    assert_ptr_equal(shoal_call_plugin(shoal_call_current()), self);
    shoal_call_enter(shoal_call_current(), self); // left open: the host tidies up
    assert_int_equal(shoal_cli_add(self, "verb", "help", NULL, NULL), 0);
    return result < 0 && words ? shoal_fail(err, result, "%s", words) : result;
}

static void stop_it(struct shoal_plugin *self)
{
    assert_ptr_equal(shoal_call_plugin(shoal_call_current()), self);
    stops++;
}

static const struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "reef",
    .start = start_it,
    .stop = stop_it};

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    result = 0;
    words = NULL;
    stops = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static struct shoal_plugin *fake(const char *more)
{
    char path[160];
    struct shoal_err err = {0};
    snprintf(path, sizeof(path), "%s/plugins/reef", kit.folder);
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    struct shoal_plugin *plugin = shoal_plugin_new("reef", path, true);
    char *text = kit_manifest("reef", more);
    const struct shoal_manifest *manifest =
        shoal_manifest_parse(plugin->arena, text, strlen(text), "reef", &err);
    kit_write(&kit, "plugins/reef/plugin.json", text);
    free(text);
    if (!manifest) {
        fail_msg("%s", err.text);
    }
    shoal_plugin_adopt(plugin, manifest);
    plugin->descriptor = &descriptor;
    return plugin;
}

static size_t verbs(void)
{
    json_t *list = shoal_host_verbs();
    size_t count = json_array_size(list);
    json_decref(list);
    return count;
}

static void what_starts_runs_and_stops_once(void **state)
{
    (void)state;
    struct shoal_plugin *plugin = fake("\"permissions\": [\"cli\"]");
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, NULL), 0);
    assert_true(shoal_plugin_runs(plugin));
    assert_int_equal(verbs(), 1);
    shoal_plugin_stop(plugin);
    assert_false(shoal_plugin_runs(plugin));
    assert_int_equal(verbs(), 0);
    shoal_plugin_stop(plugin);
    assert_int_equal(stops, 1);
    shoal_plugin_free(plugin);
}

static void a_start_that_fails_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *words, *sentence;
    } rows[] = {
        {"no luck", "plugin reef did not start: no luck"},
        {"first line\nstack", "plugin reef did not start: first line"},
        {NULL, "plugin reef did not start: "}, // what the code itself means
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_err err = {0};
        struct shoal_plugin *plugin = fake("\"permissions\": [\"cli\"]");
        result = SHOAL_EIO;
        words = rows[i].words;
        assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), SHOAL_EIO);
        if (words) {
            assert_string_equal(err.text, rows[i].sentence);
        } else {
            assert_true(strlen(err.text) > strlen(rows[i].sentence));
        }
        assert_int_equal(atomic_load(&plugin->state), SHOAL_PLUGIN_OFF);
        assert_int_equal(verbs(), 0);
        shoal_plugin_stop(plugin);
        assert_int_equal(stops, 0); // what never ran is not stopped
        shoal_plugin_free(plugin);
    }
}

static void tables_need_their_permission(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_plugin *plugin = fake("\"permissions\": [\"cli\"]");
    char path[160];
    snprintf(path, sizeof(path), "%s/plugins/reef/migrations", kit.folder);
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    kit_write(&kit, "plugins/reef/migrations/001_start.sql", "CREATE TABLE reef_fish (id ID);");
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "not the permission \"database\""));
    shoal_plugin_free(plugin);
    plugin = fake("\"permissions\": [\"cli\", \"database\"]");
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), 0);
    assert_int_equal(shoal_migrations_pending("reef", path, &err), 0);
    shoal_plugin_stop(plugin);
    shoal_plugin_free(plugin);
    plugin = fake("\"permissions\": [\"cli\", \"database\"]");
    kit_write(&kit, "plugins/reef/migrations/002_bad.sql", "CREATE TABLE other (id ID);");
    assert_true(shoal_plugin_start(plugin, json_object(), false, &err) < 0); // not its own
    assert_int_equal(verbs(), 0);
    shoal_plugin_free(plugin);
}

static void what_did_not_come_with_the_server_is_pinned(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_plugin *plugin = fake("\"permissions\": [\"cli\"]");
    plugin->id.is_shipped = false;
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "is not pinned"));
    shoal_plugin_free(plugin);
    plugin = fake("\"permissions\": [\"cli\"]");
    plugin->id.is_shipped = false;
    shoal_host_get()->options.is_dev = true; // for who writes it
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), 0);
    shoal_host_get()->options.is_dev = false;
    shoal_plugin_stop(plugin);
    shoal_plugin_free(plugin);
    plugin = fake("\"permissions\": [\"cli\"]");
    plugin->id.is_shipped = false;
    plugin->is_builtin = true; // there are no files to pin
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), 0);
    shoal_plugin_stop(plugin);
    shoal_plugin_free(plugin);
}

static void an_unknown_language_is_named(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_plugin *plugin = fake("\"permissions\": [\"cli\"]");
    struct shoal_manifest manifest = *plugin->manifest;
    manifest.language = "cobol";
    plugin->manifest = &manifest;
    assert_int_equal(shoal_plugin_start(plugin, json_object(), false, &err), SHOAL_EUNSUPPORTED);
    assert_string_equal(err.text, "plugin reef is written in cobol, which this server lacks");
    shoal_plugin_free(plugin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(what_starts_runs_and_stops_once),
        CASE(a_start_that_fails_leaves_nothing),
        CASE(tables_need_their_permission),
        CASE(what_did_not_come_with_the_server_is_pinned),
        CASE(an_unknown_language_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
