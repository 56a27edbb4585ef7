// health_test.c - how the instance is, for pages and commands.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/hooks_priv.h"
#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static enum shoal_verdict pass(struct shoal_call *call, json_t *event, void *arg)
{
    (void)call;
    (void)event;
    (void)arg;
    return SHOAL_PASS;
}

static int start_good(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_decide(self, "user.login", pass, NULL);
}

static int start_bad(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    return shoal_fail(err, SHOAL_EIO, "no luck");
}

static void plugins_are_listed_with_their_state(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    json_t *health = shoal_host_health();
    assert_string_equal(shoal_text(health, "status", ""), "ok");
    assert_int_equal(json_array_size(shoal_get(health, "sentences")), 0);
    json_decref(health);
    assert_int_equal(
        kit_load("good", start_good,
            "\"hooks\": {\"user.login\": 30}, \"permissions\": [\"media\", \"topics\"]", NULL,
            &err),
        0);
    assert_true(kit_load("bad", start_bad, "", NULL, &err) < 0);
    struct shoal_host *host = shoal_host_get();
    host->plugins[host->count++] = shoal_plugin_new("found", "", false); // not started, no manifest
    atomic_store(&shoal_plugin_find("good")->strikes, 3);
    json_t *list = shoal_host_plugins();
    assert_int_equal(json_array_size(list), 3);
    assert_string_equal(shoal_text(list, "0.state", ""), "running");
    assert_true(json_is_null(shoal_get(list, "0.sentence")));
    assert_string_equal(shoal_text(list, "0.version", ""), "1.0.0");
    assert_string_equal(shoal_text(list, "0.language", ""), "c");
    assert_string_equal(shoal_text(list, "0.permissions.1", ""), "topics");
    assert_int_equal(shoal_integer(list, "0.strikes", 0), 3);
    assert_true(shoal_flag(list, "0.shipped", false));
    assert_string_equal(shoal_text(list, "1.state", ""), "quarantined");
    assert_string_equal(shoal_text(list, "1.sentence", ""), "plugin bad did not start: no luck");
    assert_string_equal(shoal_text(list, "2.state", ""), "off");
    assert_string_equal(shoal_text(list, "2.version", "?"), "");
    json_decref(list);
    health = shoal_host_health();
    assert_string_equal(shoal_text(health, "status", ""), "degraded");
    assert_int_equal(json_array_size(shoal_get(health, "sentences")), 1);
    // What anybody may read does not say why.
    assert_string_equal(shoal_text(health, "sentences.0", ""), "the plugin bad is quarantined");
    json_decref(health);
}

static void safe_mode_is_no_good_health(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, true);
    json_t *health = shoal_host_health();
    assert_string_equal(shoal_text(health, "status", ""), "degraded");
    assert_string_equal(shoal_text(health, "sentences.0", ""), "the server is in safe mode");
    json_decref(health);
}

static void listeners_are_listed_with_their_stubs(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    assert_int_equal(
        kit_load("good", start_good, "\"hooks\": {\"user.login\": 30}", NULL, &err), 0);
    json_t *list = shoal_host_hooks();
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(shoal_text(list, "0.hook", ""), "user.login");
    assert_string_equal(shoal_text(list, "0.kind", ""), "decide");
    assert_string_equal(shoal_text(list, "0.plugin", ""), "good");
    assert_int_equal(shoal_integer(list, "0.priority", 0), 30);
    assert_false(shoal_flag(list, "0.quarantined", true));
    json_decref(list);
    shoal_host_quarantine("good", "it hung");
    list = shoal_host_hooks();
    assert_string_equal(shoal_text(list, "0.plugin", ""), "good");
    assert_true(shoal_flag(list, "0.quarantined", false)); // it goes on answering hold
    json_decref(list);
}

static void put(const char *name, const char *more)
{
    char path[160];
    char file[64];
    snprintf(path, sizeof(path), "%s/plugins/%s", kit.folder, name);
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    snprintf(file, sizeof(file), "plugins/%s/plugin.json", name);
    char *text = kit_manifest(name, more);
    kit_write(&kit, file, text);
    free(text);
}

static void a_check_says_what_would_go_wrong_and_starts_nothing(void **state)
{
    (void)state;
    kit_open(&kit, "plugins = { \"absent\", \"unpinned\", { \"options\", size = 1 } }");
    put("unpinned", "\"permissions\": [\"listen:1935\", \"pages\"]");
    put("options", "");
    struct shoal_host_options options = {.config = kit.config};
    json_t *list = shoal_host_check(&options);
    assert_int_equal(json_array_size(list), 3);
    assert_non_null(strstr(shoal_text(list, "0.problem", ""), "there is no plugin absent"));
    assert_non_null(strstr(shoal_text(list, "1.problem", ""), "is not pinned"));
    assert_string_equal(shoal_text(list, "1.permissions.0", ""), "listens on port 1935");
    assert_string_equal(
        shoal_text(list, "1.permissions.1", ""), "adds pages and parts of pages to the site");
    assert_false(shoal_flag(list, "1.shipped", true));
    assert_non_null(strstr(shoal_text(list, "2.problem", ""), "has no setting \"size\""));
    json_decref(list);
    char shipped[160];
    snprintf(shipped, sizeof(shipped), "%s/plugins", kit.folder);
    struct shoal_config bare = *kit.config;
    char elsewhere[160];
    snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", kit.folder);
    bare.folder = elsewhere;
    options = (struct shoal_host_options){.config = &bare, .shipped_plugins = shipped};
    list = shoal_host_check(&options); // what comes with the server needs no pin
    assert_true(json_is_null(shoal_get(list, "1.problem")));
    assert_true(shoal_flag(list, "1.shipped", false));
    json_decref(list);
    assert_int_equal(shoal_host_get()->count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(plugins_are_listed_with_their_state, end),
        cmocka_unit_test_teardown(safe_mode_is_no_good_health, end),
        cmocka_unit_test_teardown(listeners_are_listed_with_their_stubs, end),
        cmocka_unit_test_teardown(a_check_says_what_would_go_wrong_and_starts_nothing, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
