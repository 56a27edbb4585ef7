// routes_test.c - routes of plugins: complete, permitted, and of the first that asks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/http.h>

#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static struct shoal_route wanted;
static int code;
static struct shoal_err why;

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

static int answer(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    return shoal_answer_status(request, 204);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    why = (struct shoal_err){0};
    code = shoal_route_add(self, &wanted, &why);
    return 0;
}

static int add(const char *plugin, const char *method, const char *path, shoal_handler_fn *handler)
{
    struct shoal_err err = {0};
    wanted = (struct shoal_route){.method = method, .path = path, .handler = handler};
    assert_int_equal(
        kit_load(plugin, start, "\"permissions\": [\"routes:/a\", \"routes:/b\"]", NULL, &err), 0);
    return code;
}

static void a_route_is_complete_and_permitted(void **state)
{
    (void)state;
    assert_int_equal(add("p_one", NULL, "/a", answer), SHOAL_EINVAL);
    assert_non_null(strstr(why.text, "a route of p_one lacks its method, path or handler"));
    assert_int_equal(add("p_two", "GET", NULL, answer), SHOAL_EINVAL);
    assert_int_equal(add("p_three", "GET", "/a", NULL), SHOAL_EINVAL);
    assert_int_equal(add("p_four", "GET", "/c", answer), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(why.text, "routes:/c"));
    assert_int_equal(add("p_five", "GET", "/a/{id}", answer), 0);
    assert_int_equal(
        shoal_route_add(shoal_plugin_find("p_five"), &wanted, &why), SHOAL_EINVAL); // too late
}

static void the_first_keeps_it_and_is_named(void **state)
{
    (void)state;
    assert_int_equal(add("first", "GET", "/a", answer), 0);
    assert_int_equal(add("other", "GET", "/b", answer), 0);
    assert_int_equal(add("second", "GET", "/a", answer), SHOAL_ECONFLICT);
    assert_string_equal(
        why.text, "plugin first answers GET /a already, and stands before second in shoal.lua");
    assert_int_equal(add("third", "POST", "/a", answer), 0);
    shoal_plugin_unregister(shoal_plugin_find("first"), false, true);
    assert_int_equal(add("fourth", "GET", "/a", answer), 0); // it went with its plugin
}

static void without_a_router_the_rest_is_checked_all_the_same(void **state)
{
    (void)state;
    shoal_host_get()->options.router = NULL; // a command of the command line
    assert_int_equal(add("first", "GET", "/a", answer), 0);
    assert_int_equal(add("second", "GET", "/a", answer), 0);
    assert_int_equal(add("third", "GET", "/c", answer), SHOAL_EFORBIDDEN);
    shoal_host_get()->options.router = kit.router;
}

static void a_quick_route_has_nobody_to_ask(void **state)
{
    (void)state;
    static const struct shoal_route rows[] = {
        {.auth = SHOAL_AUTH_OPTIONAL},
        {.auth = SHOAL_AUTH_ADMIN},
        {.auth = SHOAL_AUTH_NONE, .body = SHOAL_BODY_DATA},
        {.auth = SHOAL_AUTH_NONE, .cache_s = 1},
        {.auth = SHOAL_AUTH_NONE, .head = answer},
        {.auth = SHOAL_AUTH_NONE}, // the one that is right
    };
    size_t count = sizeof(rows) / sizeof(rows[0]);
    for (size_t i = 0; i < count; i++) {
        struct shoal_err err = {0};
        char name[16];
        snprintf(name, sizeof(name), "quick_%zu", i);
        wanted = rows[i];
        wanted.method = "GET";
        wanted.path = "/a";
        wanted.handler = wanted.quick = answer;
        assert_int_equal(kit_load(name, start, "\"permissions\": [\"routes:/a\"]", NULL, &err), 0);
        assert_int_equal(code, i + 1 < count ? SHOAL_EINVAL : 0);
        assert_int_equal(strstr(why.text, "route GET /a is quick") != NULL, i + 1 < count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(a_route_is_complete_and_permitted),
        CASE(the_first_keeps_it_and_is_named),
        CASE(without_a_router_the_rest_is_checked_all_the_same),
        CASE(a_quick_route_has_nobody_to_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
