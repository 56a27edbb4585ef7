// core_routes_test.c - /health and /metrics: what they say, and to whom.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/host_priv.h"
#include "host/registry_priv.h"
#include "host/test_kit.h"
#include "net/request_priv.h"

static struct kit kit;

static int end(void **state)
{
    (void)state;
    kit_close(&kit);
    return 0;
}

static void open_it(const char *lua)
{
    kit_open(&kit, lua);
    kit_start(&kit, false);
}

/// Asks from an address; the status, and the answer where it is JSON.
static int ask(const char *path, const char *address, json_t **answer)
{
    struct shoal_request from = {
        .host = "reef.example", .sent_host = "inside:9000", .origin.is_https = true};
    int status = 0;
    struct shoal_err err = {0};
    snprintf(from.address, sizeof(from.address), "%s", address);
    assert_int_equal(
        shoal_inprocess_from(&kit.call, &from, "GET", path, NULL, &status, answer, &err), 0);
    return status;
}

static void health_says_how_a_request_arrived(void **state)
{
    (void)state;
    json_t *answer = NULL;
    open_it("");
    assert_int_equal(ask("/health", "203.0.113.9", &answer), 200);
    assert_string_equal(shoal_text(answer, "status", ""), "ok");
    assert_string_equal(shoal_text(answer, "scheme", ""), "https");
    assert_string_equal(shoal_text(answer, "host", ""), "reef.example");
    json_decref(answer);
}

static void metrics_are_for_those_that_are_listed(void **state)
{
    (void)state;
    static const struct {
        const char *lua, *address;
        int status;
    } rows[] = {
        {"", "127.0.0.1", 200},
        {"", "::1", 200},
        {"", "203.0.113.9", 403},
        {"", "", 403},
        {"metrics = { allow = {} }", "127.0.0.1", 403},
        {"metrics = { allow = { \"203.0.113.0/24\" } }", "203.0.113.9", 200},
        {"metrics = { allow = { \"203.0.113.0/24\" } }", "127.0.0.1", 403},
        {"metrics = { allow = { \"203.0.113.0/\" } }", "203.0.113.9", 403},
        {"metrics = { allow = { \"unix\" } }", "unix", 200},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *answer = NULL;
        open_it(rows[i].lua);
        if (ask("/metrics", rows[i].address, &answer) != rows[i].status) {
            fail_msg("%s from %s", rows[i].lua, rows[i].address);
        }
        json_decref(answer);
        end(NULL);
    }
}

static void they_are_added_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    open_it("");
    assert_int_equal(shoal_core_routes_add(kit.router, &err), SHOAL_ECONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(health_says_how_a_request_arrived, end),
        cmocka_unit_test(metrics_are_for_those_that_are_listed),
        cmocka_unit_test_teardown(they_are_added_once, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
