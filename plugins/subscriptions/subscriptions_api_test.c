// subscriptions_api_test.c - which handles are taken, and the routes inside a whole host.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <testkit.h>

#include "subscriptions.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

static void handles_are_names_maybe_with_a_host(void **state)
{
    (void)state;
    static const char *const good[] = {"alice", "alice_channel", "a.b-c", "Alice@example.org",
        "alice@127.0.0.1:9000", "alice@[::1]:80"};
    static const char *const bad[] = {"", "@alice", "alice@", "al ice", "alice@ex ample",
        "alice@example.org/x", "a/b", "alice@a@b", "../x", "alice@example.org\n"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(subscriptions_handle_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(subscriptions_handle_valid(bad[i]));
    }
    char name[200];
    memset(name, 'a', sizeof name);
    name[120] = '\0';
    assert_true(subscriptions_handle_valid(name));
    memset(name, 'a', sizeof name);
    name[121] = '\0';
    assert_false(subscriptions_handle_valid(name));
    assert_false(subscriptions_handle_valid(NULL));
}

static void routes_answer_in_a_host(void **state)
{
    (void)state;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    struct shoal_err err = {0};
    int code = shoal_kit_load(kit, &shoal_plugin_descriptor,
        SHOAL_SOURCE_DIR "/plugins/subscriptions", NULL, &err);
    if (code != 0) {
        fail_msg("%s", err.text);
    }
    struct shoal_call *alice = shoal_kit_user(kit, "alice");
    shoal_kit_user(kit, "bob");
    json_t *body = json_pack("{s:s}", "uri", "bob_channel");
    json_t *answer = NULL;
    assert_int_equal(
        shoal_kit_request(alice, "POST", "/api/v1/users/me/subscriptions", body, &answer), 204);
    json_decref(body);
    assert_int_equal(shoal_kit_request(alice, "GET",
                         "/api/v1/users/me/subscriptions/exist?uris=bob_channel&uris=x@y.example",
                         NULL, &answer),
        200);
    assert_true(json_is_true(json_object_get(answer, "bob_channel")));
    assert_true(json_is_false(json_object_get(answer, "x@y.example")));
    json_decref(answer);
    // Nothing federates here: what is not known is not found.
    assert_int_equal(shoal_kit_request(alice, "GET",
                         "/api/v1/subscriptions/target?uri=https%3A%2F%2Fy.example%2Fc%2Fx", NULL,
                         &answer),
        404);
    json_decref(answer);
    assert_int_equal(shoal_kit_request(shoal_kit_anonymous(kit), "GET",
                         "/api/v1/users/me/subscriptions", NULL, &answer),
        401);
    json_decref(answer);
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_are_names_maybe_with_a_host),
        cmocka_unit_test(routes_answer_in_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
