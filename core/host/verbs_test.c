// verbs_test.c - commands that plugins add: their names, their arguments, their exit codes.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/cli.h>

#include "host/test_kit.h"

static struct kit kit;

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "");
    kit_start(&kit, false);
    return 0;
}

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static int give(struct shoal_call *call, int argc, const char *const *argv, void *arg)
{
    assert_string_equal(shoal_plugin_name(shoal_call_plugin(call)), arg);
    return argc > 0 ? (int)strtol(argv[0], NULL, 10) : 0;
}

static int start_verbs(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    char verb[] = "count"; // copied
    void *name = (void *)(uintptr_t)shoal_plugin_name(self);
    assert_int_equal(shoal_cli_add(self, verb, "counts", give, name), 0);
    assert_int_equal(shoal_cli_add(self, verb, "counts", give, name), SHOAL_ECONFLICT);
    memset(verb, 'x', 5);
    return shoal_cli_add(self, "list", "lists", give, name);
}

static const char may[] = "\"permissions\": [\"cli\"]";

static void plugins_have_verbs_of_their_own(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(kit_load("first", start_verbs, may, NULL, &err), 0);
    assert_int_equal(kit_load("second", start_verbs, may, NULL, &err), 0);
    json_t *list = shoal_host_verbs();
    assert_int_equal(json_array_size(list), 4);
    assert_string_equal(shoal_text(list, "0.verb", ""), "count");
    assert_string_equal(shoal_text(list, "2.plugin", ""), "second");
    assert_string_equal(shoal_text(list, "3.help", ""), "lists");
    json_decref(list);
    assert_int_equal(shoal_host_verb_run(&kit.call, "second", "count", 0, NULL, &err), 0);
    shoal_host_quarantine("first", "it hung");
    list = shoal_host_verbs();
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(shoal_text(list, "0.plugin", ""), "second");
    json_decref(list);
}

static void what_it_returns_is_the_exit_code(void **state)
{
    (void)state;
    static const char *const three[] = {"3"};
    static const char *const failed[] = {"-7"};
    struct shoal_err err = {0};
    assert_int_equal(kit_load("first", start_verbs, may, NULL, &err), 0);
    assert_int_equal(shoal_host_verb_run(&kit.call, "first", "list", 1, three, &err), 3);
    assert_int_equal(shoal_host_verb_run(&kit.call, "first", "list", 1, failed, &err), 1);
    assert_null(shoal_call_plugin(&kit.call));
    assert_int_equal(
        shoal_host_verb_run(&kit.call, "first", "lis", 0, NULL, &err), SHOAL_ENOTFOUND);
    assert_string_equal(err.text, "plugin first has no verb lis");
    assert_int_equal(
        shoal_host_verb_run(&kit.call, "firs", "list", 0, NULL, &err), SHOAL_ENOTFOUND);
}

static int start_too_many(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    char verb[16];
    for (int i = 0; i < 256; i++) {
        snprintf(verb, sizeof(verb), "v%d", i);
        assert_int_equal(shoal_cli_add(self, verb, "", give, NULL), 0);
    }
    return shoal_cli_add(self, "last", "", give, NULL);
}

static void there_is_an_end_to_them(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(kit_load("greedy", start_too_many, may, NULL, &err), SHOAL_ECONFLICT);
    json_t *list = shoal_host_verbs();
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
    assert_int_equal(kit_load("first", start_verbs, may, NULL, &err), 0);
    assert_int_equal(shoal_cli_add(shoal_plugin_find("first"), "late", "", give, NULL),
        SHOAL_EINVAL); // outside of its start
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(plugins_have_verbs_of_their_own),
        CASE(what_it_returns_is_the_exit_code),
        CASE(there_is_an_end_to_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
