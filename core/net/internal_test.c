// internal_test.c - requests without a socket: their path, what they inherit, what comes back.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

static struct shoal_router *router;
static struct shoal_call call;

static int handle(
    struct shoal_call *with, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)with;
    (void)arg;
    (void)err;
    return shoal_answer_status(request, 200);
}

static int start(void **state)
{
    (void)state;
    static const struct shoal_route routes[] = {
        {.method = "GET", .path = "/api/videos/{id}", .handler = handle},
        {.method = "POST", .path = "/api/videos", .handler = handle, .body = SHOAL_BODY_DATA},
        {.method = "GET", .path = "/both", .produces = "text/html", .handler = handle},
        {.method = "GET", .path = "/both", .produces = "application/json", .handler = handle},
    };
    router = shoal_router_new();
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        assert_int_equal(shoal_router_add(router, &routes[i], NULL, NULL), 0);
    }
    shoal_server_use(router);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    shoal_server_use(NULL);
    shoal_router_free(router);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    shoal_call_init(&call);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shoal_call_fini(&call);
    return 0;
}

static void finds_its_route_and_parts(void **state)
{
    (void)state;
    struct shoal_request *request =
        shoal_request_internal_new(&call, NULL, "GET", "/api/videos/a%20b?x=1&y=2", NULL, NULL);
    assert_non_null(request);
    assert_true(shoal_request_internal(request));
    assert_string_equal(shoal_request_path(request), "/api/videos/a%20b");
    assert_string_equal(shoal_request_param(request, "id"), "a b");
    assert_string_equal(shoal_request_query(request, "y"), "2");
    assert_string_equal(shoal_request_host(request), "");
    const struct shoal_route *route = shoal_request_route(request, NULL, NULL);
    assert_string_equal(route->path, "/api/videos/{id}");
    request = shoal_request_internal_new(&call, NULL, "HEAD", "/api/videos/1", NULL, NULL);
    assert_true(request->is_head);
    assert_string_equal(shoal_request_query_string(request), "");
}

static void asks_for_json(void **state)
{
    (void)state;
    struct shoal_request *request =
        shoal_request_internal_new(&call, NULL, "GET", "/both", NULL, NULL);
    assert_string_equal(shoal_request_route(request, NULL, NULL)->produces, "application/json");
}

static void an_unknown_path_is_a_request_without_a_route(void **state)
{
    (void)state;
    const char *allow = "x";
    struct shoal_request *request =
        shoal_request_internal_new(&call, NULL, "GET", "/none", NULL, NULL);
    assert_null(shoal_request_route(request, NULL, &allow));
    assert_null(allow);
    request = shoal_request_internal_new(&call, NULL, "DELETE", "/api/videos", NULL, NULL);
    assert_null(shoal_request_route(request, NULL, &allow));
    assert_non_null(strstr(allow, "POST"));
}

static void refuses_what_is_no_path(void **state)
{
    (void)state;
    char long_path[SHOAL_LINE_MAX + 2];
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = 0;
    const char *const bad[] = {NULL, "", "api/videos/1", "http://x/api", long_path,
        "/api/../secret", "/api/%ff", "/api/%zz"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_null(shoal_request_internal_new(&call, NULL, "GET", bad[i], NULL, &err));
        assert_int_equal(err.code, SHOAL_EINVAL);
    }
}

static void the_body_is_a_copy(void **state)
{
    (void)state;
    json_t *body = json_pack("{s:i}", "a", 1);
    struct shoal_request *request =
        shoal_request_internal_new(&call, NULL, "POST", "/api/videos", body, NULL);
    json_object_set_new(body, "a", json_integer(2));
    json_decref(body);
    struct shoal_err err = {0};
    json_t *seen = shoal_request_body(request, &err);
    assert_int_equal(json_integer_value(json_object_get(seen, "a")), 1);
    assert_true(request->has_body);
    assert_int_equal(request->mode, SHOAL_BODY_DATA);
    bool is_whole = false;
    shoal_request_written(request, &is_whole);
    assert_true(is_whole);
}

static void inherits_who_asks(void **state)
{
    (void)state;
    struct shoal_request *outer =
        make_request("GET /page?p=1 HTTP/1.1", "Cookie: a=b\r\nX-Own: yes\r\n");
    outer->origin.is_https = true;
    struct shoal_uploads uploads = {.count = 1, .items = {{.field = "f", .path = "/nowhere"}}};
    outer->uploads = &uploads;
    struct shoal_request *request =
        shoal_request_internal_new(&call, outer, "GET", "/api/videos/1", NULL, NULL);
    assert_string_equal(shoal_request_host(request), "asked.example");
    assert_string_equal(shoal_request_scheme(request), "https");
    assert_string_equal(shoal_request_address(request), "203.0.113.9");
    assert_string_equal(shoal_request_header(request, "x-own"), "yes");
    assert_string_equal(shoal_request_cookie(request, "a"), "b");
    assert_null(shoal_request_query(request, "p")); // the query is its own
    assert_null(shoal_request_upload(request, "f"));
    shoal_request_internal_uploads(request, outer);
    assert_non_null(shoal_request_upload(request, "f"));
    assert_false(request->owns_uploads); // they go with the request that they came with
    outer->uploads = NULL;
    shoal_request_free(outer);
}

static void gives_back_status_and_json(void **state)
{
    (void)state;
    static const struct {
        const char *type, *body, *json; // NULL: none
    } rows[] = {
        {"application/json", "{\"a\":1}", "{\"a\":1}"},
        {"application/problem+json; charset=utf-8", "\"text\"", "\"text\""},
        {"application/json", "{", NULL},
        {"text/html", "{}", NULL},
        {NULL, "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request =
            shoal_request_internal_new(&call, NULL, "GET", "/api/videos/1", NULL, NULL);
        json_t *answer = NULL;
        assert_int_equal(shoal_request_internal_take(request, &answer), 0); // nothing yet
        assert_null(answer);
        shoal_answer_bytes(request, 201, rows[i].type, rows[i].body, strlen(rows[i].body));
        assert_int_equal(shoal_request_internal_take(request, &answer), 201);
        char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
        assert_int_equal(text != NULL, rows[i].json != NULL);
        if (text) {
            assert_string_equal(text, rows[i].json);
        }
        free(text);
        json_decref(answer);
    }
}

static void has_no_connection_to_take(void **state)
{
    (void)state;
    struct shoal_request *request =
        shoal_request_internal_new(&call, NULL, "GET", "/api/videos/1", NULL, NULL);
    assert_int_equal(shoal_answer_taken(request, 101, NULL, NULL, NULL), SHOAL_EINVAL);
    assert_false(shoal_request_answered(request, NULL));
}

static void needs_routes(void **state)
{
    (void)state;
    shoal_server_use(NULL);
    struct shoal_err err = {0};
    assert_null(shoal_request_internal_new(&call, NULL, "GET", "/both", NULL, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    shoal_server_use(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(finds_its_route_and_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asks_for_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_unknown_path_is_a_request_without_a_route, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_body_is_a_copy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(inherits_who_asks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_back_status_and_json, set_up, tear_down),
        cmocka_unit_test_setup_teardown(has_no_connection_to_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(needs_routes, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
