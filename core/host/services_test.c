// services_test.c - who provides what, which of them is chosen, and that they go with their plugin.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static int table_of[3];

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    kit_open(&kit, "storage = \"store_b\"");
    kit_start(&kit, false);
    return 0;
}

static int provide(struct shoal_plugin *self, const char *service, struct shoal_err *err)
{
    const char *name = shoal_plugin_name(self);
    return shoal_provide(self, service, &table_of[name[strlen(name) - 1] - 'a'], self, err);
}

static int start_storage(struct shoal_plugin *self, struct shoal_err *err)
{
    return provide(self, "storage", err);
}

static int load_storage(const char *name)
{
    struct shoal_err err = {0};
    return kit_load(name, start_storage, "\"provides\": [\"storage\"]", NULL, &err);
}

static void the_one_of_the_configuration_is_chosen_else_the_first(void **state)
{
    (void)state;
    struct shoal_service found = {0};
    assert_false(shoal_service_find("storage", NULL, &found));
    assert_int_equal(load_storage("store_a"), 0);
    assert_true(shoal_service_find("storage", NULL, &found)); // the chosen one is not there
    assert_string_equal(found.plugin, "store_a");
    assert_int_equal(load_storage("store_c"), 0);
    assert_int_equal(load_storage("store_b"), 0);
    assert_true(shoal_service_find("storage", NULL, &found));
    assert_string_equal(found.plugin, "store_b");
    assert_ptr_equal(found.table, &table_of[1]);
    assert_ptr_equal(found.arg, shoal_plugin_find("store_b"));
    assert_true(shoal_service_find("storage", "store_c", &found));
    assert_ptr_equal(found.table, &table_of[2]);
    assert_false(shoal_service_find("storage", "store_x", &found));
    assert_ptr_equal(found.table, &table_of[2]); // not touched
    shoal_host_quarantine("store_b", "it hung");
    assert_true(shoal_service_find("storage", NULL, &found));
    assert_string_equal(found.plugin, "store_a");
}

static void all_are_listed_as_far_as_there_is_room(void **state)
{
    (void)state;
    struct shoal_service all[3] = {0};
    assert_int_equal(load_storage("store_a"), 0);
    assert_int_equal(load_storage("store_b"), 0);
    assert_int_equal(load_storage("store_c"), 0);
    assert_int_equal(shoal_service_all("storage", all, 2), 3);
    assert_string_equal(all[0].plugin, "store_a");
    assert_string_equal(all[1].plugin, "store_b");
    assert_null(all[2].plugin);
    assert_int_equal(shoal_service_all("storage", NULL, 0), 3);
    assert_int_equal(shoal_service_all("tracker", all, 2), 0);
}

static int start_single(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_provide_single(self, "search", &table_of[0], self, err);
}

static int start_search(struct shoal_plugin *self, struct shoal_err *err)
{
    return provide(self, "search", err);
}

static void of_a_single_service_there_is_one_whoever_comes_second(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_service found;
    static const char may[] = "\"provides\": [\"search\"]";
    assert_int_equal(kit_load("one_a", start_single, may, NULL, &err), 0);
    assert_int_equal(kit_load("one_b", start_single, may, NULL, &err), SHOAL_ECONFLICT);
    assert_non_null(strstr(err.text, "one_a provides the service search already"));
    assert_int_equal(kit_load("one_c", start_search, may, NULL, &err), SHOAL_ECONFLICT);
    assert_int_equal(shoal_service_all("search", NULL, 0), 1);
    shoal_host_quarantine("one_a", "it hung");
    assert_false(shoal_service_find("search", NULL, &found));
}

static void a_single_one_does_not_come_beside_another(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    static const char may[] = "\"provides\": [\"search\"]";
    assert_int_equal(kit_load("many_a", start_search, may, NULL, &err), 0);
    assert_int_equal(kit_load("many_b", start_search, may, NULL, &err), 0);
    assert_int_equal(kit_load("many_c", start_single, may, NULL, &err), SHOAL_ECONFLICT);
    assert_int_equal(shoal_service_all("search", NULL, 0), 2);
}

static int start_twice(struct shoal_plugin *self, struct shoal_err *err)
{
    assert_int_equal(provide(self, "other", err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err->text, "without naming it in its plugin.json"));
    assert_int_equal(provide(self, "storage", err), 0);
    return provide(self, "storage", err);
}

static void a_service_is_named_in_the_manifest_and_provided_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_service found;
    assert_int_equal(kit_load("twice_a", start_twice, "\"provides\": [\"storage\"]", NULL, &err),
        SHOAL_ECONFLICT);
    assert_false(shoal_service_find("storage", NULL, &found));
    assert_int_equal(load_storage("store_a"), 0);
    assert_int_equal(start_storage(shoal_plugin_find("store_a"), &err), SHOAL_EINVAL); // too late
}

static void who_is_called_is_who_runs(void **state)
{
    (void)state;
    struct shoal_service found;
    assert_int_equal(load_storage("store_a"), 0);
    assert_true(shoal_service_find("storage", NULL, &found));
    shoal_enter(&kit.call, &found);
    assert_ptr_equal(shoal_call_plugin(&kit.call), shoal_plugin_find("store_a"));
    shoal_leave(&kit.call);
    assert_null(shoal_call_plugin(&kit.call));
}

static void what_came_with_a_call_runs_for_who_brought_it(void **state)
{
    (void)state;
    struct shoal_service provider, user;
    assert_int_equal(load_storage("store_a"), 0);
    assert_int_equal(load_storage("store_b"), 0);
    assert_true(shoal_service_find("storage", "store_a", &provider));
    assert_true(shoal_service_find("storage", "store_b", &user));
    assert_null(shoal_caller(&kit.call));
    shoal_enter(&kit.call, &provider); // called by the core
    assert_null(shoal_caller(&kit.call));
    shoal_enter(&kit.call, &(struct shoal_service){.plugin = shoal_caller(&kit.call)});
    assert_null(shoal_call_plugin(&kit.call));
    shoal_leave(&kit.call);
    shoal_leave(&kit.call);
    // However many are on the stack already.
    for (int depth = 0; depth < 40; depth++) {
        shoal_enter(&kit.call, &user);
        shoal_enter(&kit.call, &provider);
        assert_string_equal(shoal_caller(&kit.call), "store_b");
        shoal_enter(&kit.call, &(struct shoal_service){.plugin = shoal_caller(&kit.call)});
        assert_ptr_equal(shoal_call_plugin(&kit.call), shoal_plugin_find("store_b"));
        shoal_leave(&kit.call);
        assert_ptr_equal(shoal_call_plugin(&kit.call), shoal_plugin_find("store_a"));
    }
    for (int depth = 0; depth < 80; depth++) {
        shoal_leave(&kit.call);
    }
    assert_null(shoal_call_plugin(&kit.call));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(the_one_of_the_configuration_is_chosen_else_the_first),
        CASE(all_are_listed_as_far_as_there_is_room),
        CASE(of_a_single_service_there_is_one_whoever_comes_second),
        CASE(a_single_one_does_not_come_beside_another),
        CASE(a_service_is_named_in_the_manifest_and_provided_once),
        CASE(who_is_called_is_who_runs),
        CASE(what_came_with_a_call_runs_for_who_brought_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
