// dispatch_auth_test.c - who may come in, and which requests come from our own pages.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/dispatch_priv.h"
#include "host/test_kit.h"
#include "net/request_priv.h"

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

static void each_kind_of_route_has_its_visitors(void **state)
{
    (void)state;
    static const struct {
        enum shoal_viewer_kind kind;
        enum shoal_role role;
        int none, optional, user, moderator, admin;
    } rows[] = {
        {SHOAL_VIEWER_ANONYMOUS, SHOAL_ROLE_ADMIN, 0, 0, SHOAL_EAUTH, SHOAL_EAUTH, SHOAL_EAUTH},
        {SHOAL_VIEWER_ACTOR, SHOAL_ROLE_ADMIN, 0, 0, SHOAL_EAUTH, SHOAL_EAUTH, SHOAL_EAUTH},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_USER, 0, 0, 0, SHOAL_EFORBIDDEN, SHOAL_EFORBIDDEN},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_MODERATOR, 0, 0, 0, 0, SHOAL_EFORBIDDEN},
        {SHOAL_VIEWER_USER, SHOAL_ROLE_ADMIN, 0, 0, 0, 0, 0},
        {SHOAL_VIEWER_SYSTEM, SHOAL_ROLE_USER, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_call call = {.viewer = {.kind = rows[i].kind, .role = rows[i].role}};
        struct shoal_err err;
#define MAY(auth) shoal_dispatch_authorize(&call, auth, &err)
        assert_int_equal(MAY(SHOAL_AUTH_NONE), rows[i].none);
        assert_int_equal(MAY(SHOAL_AUTH_OPTIONAL), rows[i].optional);
        assert_int_equal(MAY(SHOAL_AUTH_USER), rows[i].user);
        assert_int_equal(MAY(SHOAL_AUTH_MODERATOR), rows[i].moderator);
        assert_int_equal(MAY(SHOAL_AUTH_ADMIN), rows[i].admin);
    }
}

static int check(
    const char *method, bool by_cookie, const char *name, const char *value, bool is_whole)
{
    struct shoal_header headers[] = {{shoal_span("cookie"), shoal_span("shoal_session=mine")},
        {shoal_span(name), shoal_span(value)}};
    struct shoal_request request = {.method = method,
        .host = "reef.example",
        .origin.is_https = true,
        .headers = headers,
        .header_count = 2,
        .call.arena = kit.call.arena};
    kit.call.viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_USER, .by_cookie = by_cookie};
    int code = shoal_dispatch_csrf(&kit.call, &request, is_whole, NULL);
    json_decref(request.json);
    return code;
}

static void what_changes_something_with_a_cookie_comes_from_our_own_pages(void **state)
{
    (void)state;
    static const struct {
        const char *method, *name, *value;
        bool by_cookie;
        int code;
    } rows[] = {
        {"GET", "x", "y", true, 0},
        {"HEAD", "x", "y", true, 0},
        {"OPTIONS", "x", "y", true, 0},
        {"POST", "x", "y", false, 0}, // a bearer token is sent by nobody else's page
        {"POST", "x", "y", true, SHOAL_EFORBIDDEN},
        {"PUT", "x", "y", true, SHOAL_EFORBIDDEN},
        {"PATCH", "x", "y", true, SHOAL_EFORBIDDEN},
        {"DELETE", "x", "y", true, SHOAL_EFORBIDDEN},
        {"POST", "sec-fetch-site", "same-origin", true, 0},
        {"POST", "sec-fetch-site", "same-site", true, SHOAL_EFORBIDDEN},
        {"POST", "sec-fetch-site", "none", true, SHOAL_EFORBIDDEN},
        {"POST", "origin", "https://reef.example", true, 0},
        {"POST", "origin", "https://REEF.example", true, 0},
        {"POST", "origin", "http://reef.example", true, SHOAL_EFORBIDDEN},
        {"POST", "origin", "https://reef.example.evil", true, SHOAL_EFORBIDDEN},
        {"POST", "origin", "null", true, SHOAL_EFORBIDDEN},
        {"POST", "x-shoal-csrf", "", true, SHOAL_EFORBIDDEN},
        {"POST", "x-shoal-csrf", "00", true, SHOAL_EFORBIDDEN},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int wanted = rows[i].code;
        if (check(rows[i].method, rows[i].by_cookie, rows[i].name, rows[i].value, true) != wanted) {
            fail_msg("row %zu", i);
        }
        // Before the form has arrived it may still hold the token.
        assert_int_equal(
            check(rows[i].method, rows[i].by_cookie, rows[i].name, rows[i].value, false),
            wanted == 0 ? 0 : SHOAL_LATER);
    }
}

static void the_token_of_the_session_opens_it(void **state)
{
    (void)state;
    struct shoal_header header = {shoal_span("cookie"), shoal_span("shoal_session=mine")};
    struct shoal_request request = {
        .headers = &header, .header_count = 1, .call.arena = kit.call.arena};
    char token[80];
    snprintf(token, sizeof(token), "%s", shoal_csrf(&kit.call, &request));
    assert_int_equal(strlen(token), 64);
    assert_int_equal(check("POST", true, "x-shoal-csrf", token, false), 0);
    token[63] = token[63] == '0' ? '1' : '0';
    assert_int_equal(check("POST", true, "x-shoal-csrf", token, true), SHOAL_EFORBIDDEN);
    token[63] = 0;
    assert_int_equal(check("POST", true, "x-shoal-csrf", token, true), SHOAL_EFORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        cmocka_unit_test(each_kind_of_route_has_its_visitors),
        CASE(what_changes_something_with_a_cookie_comes_from_our_own_pages),
        CASE(the_token_of_the_session_opens_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
