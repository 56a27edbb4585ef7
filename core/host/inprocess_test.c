// inprocess_test.c - requests to this server by itself: what comes back, how deep, and as whom.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/http.h>

#include "host/test_kit.h"
#include "net/request_priv.h"

static struct kit kit;
static int deepest;

static int say(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    assert_ptr_equal(call->request, request);
    return shoal_answer_json(request, 201,
        json_pack("{s:s, s:i, s:O?}", "address", shoal_request_address(request), "depth",
            call->inprocess_depth, "body", request->json));
}

static int say_privately(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    shoal_answer_private(request);
    return shoal_answer_text(request, 200, "secret");
}

static int go_deeper(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    int status = 0;
    json_t *inner = NULL;
    (void)arg;
    deepest = call->inprocess_depth > deepest ? call->inprocess_depth : deepest;
    int code = shoal_inprocess(call, "GET", "/t/deep", NULL, &status, &inner, err);
    json_decref(inner);
    return code < 0 ? code : shoal_answer_status(request, status);
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_route routes[] = {
        {.method = "GET", .path = "/t/say", .handler = say},
        {.method = "POST", .path = "/t/say", .handler = say, .body = SHOAL_BODY_DATA},
        {.method = "GET", .path = "/t/private", .handler = say_privately},
        {.method = "GET", .path = "/t/deep", .handler = go_deeper},
        {.method = "GET", .path = "/t/user", .handler = say, .auth = SHOAL_AUTH_USER},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    return code;
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    deepest = 0;
    return kit_load("tested", start, "\"permissions\": [\"routes:/t\"]", NULL, &err);
}

static int end(void **state)
{
    (void)state;
    kit.call.cancel = NULL;
    kit_close(&kit);
    return 0;
}

static int ask(const char *method, const char *path, const json_t *body, json_t **answer)
{
    int status = -1;
    struct shoal_err err = {0};
    int code = shoal_inprocess(&kit.call, method, path, body, &status, answer, &err);
    return code < 0 ? code : status;
}

static void the_answer_comes_back_as_json(void **state)
{
    (void)state;
    json_t *answer = NULL;
    json_t *body = json_pack("{s:i}", "a", 1);
    assert_int_equal(ask("POST", "/t/say", body, &answer), 201);
    assert_int_equal(shoal_integer(answer, "body.a", 0), 1);
    assert_int_equal(shoal_integer(answer, "depth", 0), 1);
    json_decref(answer);
    json_decref(body);
    assert_int_equal(ask("GET", "/t/private", NULL, &answer), 200);
    assert_null(answer); // text is not
    assert_int_equal(ask("GET", "/t/none", NULL, &answer), 404);
    assert_string_equal(shoal_text(answer, "title", ""), "Not Found");
    json_decref(answer);
    assert_int_equal(ask("DELETE", "/t/say", NULL, &answer), 405);
    json_decref(answer);
    assert_int_equal(ask("GET", "/t/user", NULL, &answer), 201); // the system's own call
    json_decref(answer);
    kit.call.viewer =
        (struct shoal_viewer){.kind = SHOAL_VIEWER_ANONYMOUS, .role = SHOAL_ROLE_USER};
    assert_int_equal(ask("GET", "/t/user", NULL, &answer), 401);
    json_decref(answer);
    assert_null(kit.call.request);
    assert_int_equal(kit.call.inprocess_depth, 0);
}

static void what_cannot_be_asked_has_no_answer(void **state)
{
    (void)state;
    json_t *answer = (json_t *)1;
    static const char *const bad[] = {"", "t/say", "http://x/t/say", "/t/../t/say"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ask("GET", bad[i], NULL, &answer), SHOAL_EINVAL);
        assert_null(answer);
    }
    int status = -1;
    assert_int_equal( // also where nobody wants to know why
        shoal_inprocess(&kit.call, "GET", "", NULL, &status, &answer, NULL), SHOAL_EINVAL);
    atomic_bool cancel = true;
    kit.call.cancel = &cancel;
    assert_int_equal(ask("GET", "/t/say", NULL, &answer), SHOAL_ECANCELLED);
}

static void they_go_four_deep(void **state)
{
    (void)state;
    json_t *answer = NULL;
    assert_int_equal(ask("GET", "/t/deep", NULL, &answer), 400);
    json_decref(answer);
    assert_int_equal(deepest, 4);
    assert_int_equal(kit.call.inprocess_depth, 0);
}

static void it_is_of_the_same_visitor_and_as_private(void **state)
{
    (void)state;
    struct shoal_request from = {.host = "reef.example"};
    struct shoal_err err = {0};
    json_t *answer = NULL;
    int status = 0;
    snprintf(from.address, sizeof(from.address), "203.0.113.9");
    assert_int_equal(
        shoal_inprocess_from(&kit.call, &from, "GET", "/t/say", NULL, &status, &answer, &err), 0);
    assert_string_equal(shoal_text(answer, "address", ""), "203.0.113.9");
    json_decref(answer);
    assert_int_equal(
        shoal_inprocess_from(&kit.call, &from, "GET", "/t/private", NULL, &status, &answer, &err),
        0);
    assert_true(shoal_request_is_private(&from)); // made from a private answer
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(the_answer_comes_back_as_json),
        CASE(what_cannot_be_asked_has_no_answer),
        CASE(they_go_four_deep),
        CASE(it_is_of_the_same_visitor_and_as_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
