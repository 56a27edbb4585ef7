// settings_sdk_test.c - settings as plugins ask for them, and who may set them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/settings.h>

#include "host/host_priv.h"
#include "host/settings_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static struct shoal_plugin *self;

static const char rows[] =
    "\"settings\": [{\"name\": \"count\", \"type\": \"int\", \"default\": 3, \"help\": \"h\"},"
    "{\"name\": \"part\", \"type\": \"number\", \"default\": 2.75, \"help\": \"h\"},"
    "{\"name\": \"on\", \"type\": \"bool\", \"default\": true, \"help\": \"h\"},"
    "{\"name\": \"title\", \"type\": \"text\", \"help\": \"h\"},"
    "{\"name\": \"list\", \"type\": \"list\", \"default\": [\"a\"], \"help\": \"h\"}]";

static int do_nothing(struct shoal_plugin *plugin, struct shoal_err *err)
{
    (void)plugin;
    (void)err;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "instance = { name = \"Reef\" }");
    kit_start(&kit, false);
    if (kit_load("asker", do_nothing, rows, NULL, &err) < 0 ||
        kit_load("stranger", do_nothing, "", NULL, &err) < 0) {
        fail_msg("%s", err.text);
    }
    self = shoal_plugin_find("asker");
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static void values_come_in_the_type_of_the_asker(void **state)
{
    (void)state;
    assert_int_equal(shoal_setting_i64(self, "count"), 3);
    assert_int_equal(shoal_setting_i64(self, "part"), 2);
    assert_int_equal(shoal_setting_i64(self, "title"), 0); // there is none
    assert_true(shoal_setting_bool(self, "on"));
    assert_false(shoal_setting_bool(self, "count"));
    assert_null(shoal_setting_text(self, &kit.call, "title"));
    json_t *list = shoal_setting_json(self, "list");
    assert_string_equal(shoal_text(list, "0", ""), "a");
    json_decref(list);
}

static int set(const char *plugin, const char *key, json_t *value, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    int code = shoal_setting_set(&kit.call, plugin, key, value, err);
    json_decref(value);
    return code;
}

static void administrators_the_core_and_the_plugin_itself_may_set(void **state)
{
    (void)state;
    static const struct {
        enum shoal_viewer_kind kind;
        enum shoal_role role;
        const char *plugin; ///< that runs
        bool may_own, may_instance;
    } cases[] = {
        {SHOAL_VIEWER_SYSTEM, SHOAL_ROLE_USER, NULL, true, true},
        {SHOAL_VIEWER_SYSTEM, SHOAL_ROLE_USER, "asker", true, false},
        {SHOAL_VIEWER_SYSTEM, SHOAL_ROLE_USER, "stranger", false, false},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_ADMIN, NULL, true, true},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_ADMIN, "stranger", true, true},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_MODERATOR, NULL, false, false},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_USER, NULL, false, false},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_USER, "asker", true, false},
        {SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_ADMIN, NULL, false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct shoal_err err;
        kit.call.viewer = (struct shoal_viewer){.kind = cases[i].kind, .role = cases[i].role};
        if (cases[i].plugin) {
            shoal_call_enter(&kit.call, shoal_plugin_find(cases[i].plugin));
        }
        int64_t wanted = 10 + (int64_t)i;
        int64_t before = shoal_setting_i64(self, "count");
        int own = set("asker", "count", json_integer(wanted), &err);
        int instance = set("instance", "instance.terms", json_string("be kind"), &err);
        if (cases[i].plugin) {
            shoal_call_leave(&kit.call);
        }
        if (own != (cases[i].may_own ? 0 : SHOAL_EFORBIDDEN) ||
            instance != (cases[i].may_instance ? 0 : SHOAL_EFORBIDDEN)) {
            fail_msg("case %zu: %d %d", i, own, instance);
        }
        assert_int_equal(shoal_setting_i64(self, "count"), cases[i].may_own ? wanted : before);
    }
}

static void what_is_not_there_cannot_be_set(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(set("nobody", "x", json_true(), &err), SHOAL_ENOTFOUND);
    assert_int_equal(set("", "instance.name", json_string("Bay"), &err), SHOAL_ELOCKED);
    assert_int_equal(set("", "no.such", json_string("Bay"), &err), SHOAL_EINVAL);
    assert_null(shoal_instance_setting("no.such"));
    assert_null(shoal_host_settings("nobody"));
}

static void both_names_of_the_instance_are_one(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, "", "instance"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        json_t *list = shoal_host_settings(names[i]);
        assert_true(json_array_size(list) > 20);
        json_decref(list);
    }
    json_t *list = shoal_host_settings("asker");
    assert_int_equal(json_array_size(list), 5);
    json_decref(list);
}

static void the_level_of_the_log_changes_while_it_runs(void **state)
{
    (void)state;
    struct shoal_err err;
    json_t *level = shoal_instance_setting("log.level");
    assert_string_equal(json_string_value(level), "error"); // the kit's file says so
    json_decref(level);
    assert_int_equal(set("", "log.level", json_string("debug"), &err), SHOAL_ELOCKED);
    assert_int_equal(set("", "http.rate.login", json_string("7/10s"), &err), 0);
    json_t *rate = shoal_instance_setting("http.rate.login");
    assert_string_equal(json_string_value(rate), "7/10s");
    json_decref(rate);
    assert_int_equal(set("", "http.rate.login", json_string("7"), &err), SHOAL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(values_come_in_the_type_of_the_asker),
        CASE(administrators_the_core_and_the_plugin_itself_may_set),
        CASE(what_is_not_there_cannot_be_set),
        CASE(both_names_of_the_instance_are_one),
        CASE(the_level_of_the_log_changes_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
