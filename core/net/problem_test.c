// problem_test.c - errors as PeerTube's clients read them: keys, fields, statuses and their
// headers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

#include "base/log.h"

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void knows_the_words_of_every_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *text;
    } rows[] = {{101, "Switching Protocols"}, {200, "OK"}, {201, "Created"}, {202, "Accepted"},
        {204, "No Content"}, {206, "Partial Content"}, {301, "Moved Permanently"}, {302, "Found"},
        {303, "See Other"}, {304, "Not Modified"}, {307, "Temporary Redirect"},
        {308, "Permanent Redirect"}, {400, "Bad Request"}, {401, "Unauthorized"},
        {403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
        {406, "Not Acceptable"}, {408, "Request Timeout"}, {409, "Conflict"}, {410, "Gone"},
        {411, "Length Required"}, {412, "Precondition Failed"}, {413, "Payload Too Large"},
        {414, "URI Too Long"}, {415, "Unsupported Media Type"}, {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"}, {421, "Misdirected Request"}, {422, "Unprocessable Entity"},
        {423, "Locked"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {460, "Checksum Mismatch"}, {499, "Client Closed Request"}, {500, "Internal Server Error"},
        {501, "Not Implemented"}, {502, "Bad Gateway"}, {503, "Service Unavailable"},
        {504, "Gateway Timeout"}, {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"}, // and those that have no words of their own:
        {226, "OK"}, {305, "Redirect"}, {418, "Client Error"}, {599, "Server Error"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(shoal_status_text(rows[i].status), rows[i].text);
    }
}

static void says_the_sentence_twice_and_the_code_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    shoal_fail_api(&err, SHOAL_EFORBIDDEN, "quota_reached", "the quota is full");
    json_t *problem = shoal_problem_json(403, &err);
    assert_string_equal(text_of(problem, "detail"), "the quota is full");
    assert_string_equal(text_of(problem, "error"), "the quota is full"); // what older clients read
    assert_string_equal(text_of(problem, "title"), "Forbidden");
    assert_string_equal(text_of(problem, "code"), "quota_reached");
    assert_string_equal(text_of(problem, "type"),
        "https://docs.joinpeertube.org/api-rest-reference.html#section/Errors/quota_reached");
    assert_int_equal(json_integer_value(json_object_get(problem, "status")), 403);
    assert_null(json_object_get(problem, "invalid-params"));
    json_decref(problem);
}

static void what_happened_inside_is_for_the_log(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    shoal_log_set_level((enum shoal_log_level)(SHOAL_LOG_ERROR + 1));
    shoal_fail(&err, SHOAL_EIO, "cannot write /srv/secret");
    shoal_problem_hide(&call, "PUT", "/x", "core", &err);
    assert_int_equal(err.code, SHOAL_EIO);
    assert_null(strstr(err.text, "/srv"));
    assert_non_null(strstr(err.text, shoal_call_id(&call)));
    shoal_fail_api(&err, SHOAL_EFULL, "full", "cannot write /srv/secret");
    shoal_problem_hide(&call, "PUT", "/x", "core", &err);
    assert_int_equal(err.code, SHOAL_EFULL);
    assert_string_equal(err.api_code, "full");
    assert_string_equal(err.text, "this server has no space left: nothing of this was kept, please "
                                  "try again later");
    shoal_fail(&err, SHOAL_EINVAL, "the name is too long");
    shoal_problem_hide(&call, "PUT", "/x", "core", &err);
    assert_string_equal(err.text, "the name is too long"); // that is the client's
    shoal_log_set_level(SHOAL_LOG_INFO);
    shoal_call_fini(&call);
}

static void an_error_without_words_has_those_of_its_number(void **state)
{
    (void)state;
    struct shoal_err err = {.code = SHOAL_ENOTFOUND};
    json_t *problem = shoal_problem_json(404, &err);
    assert_string_equal(text_of(problem, "detail"), shoal_error_text(SHOAL_ENOTFOUND));
    assert_string_equal(text_of(problem, "type"), "about:blank");
    assert_null(json_object_get(problem, "code"));
    json_decref(problem);
    snprintf(err.text, sizeof err.text, "not \xff UTF-8");
    problem = shoal_problem_json(404, &err);
    assert_string_equal(text_of(problem, "detail"), shoal_error_text(SHOAL_ENOTFOUND));
    json_decref(problem);
}

static void says_where_the_wrong_field_came_from(void **state)
{
    (void)state;
    static const struct {
        const char *field, *location, *value;
    } rows[] = {
        {"id", "params", "42"},
        {"count", "query", "x1"},
        {"x-upload-content-length", "headers", NULL},
        {"name", "body", NULL},
    };
    made.entry = (struct shoal_entry){.names = {"id"}, .name_count = 1};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        made.loop.match =
            (struct shoal_match){.entry = &made.entry, .value_count = 1, .text = "42"};
        struct shoal_request *request = make_request("GET /42?count=x1&id=7 HTTP/1.1", "");
        struct shoal_err err = {0};
        shoal_fail_field(&err, rows[i].field, "%s is wrong", rows[i].field);
        assert_int_equal(shoal_answer_problem(request, &err), 0);
        assert_int_equal(request->answer.status, 400);
        json_t *problem = json_loads(request->answer.body, 0, NULL);
        char detail[100];
        snprintf(detail, sizeof detail, "Incorrect request parameters: %s", rows[i].field);
        assert_string_equal(text_of(problem, "detail"), detail);
        const json_t *field =
            json_object_get(json_object_get(problem, "invalid-params"), rows[i].field);
        assert_string_equal(text_of(field, "location"), rows[i].location);
        assert_non_null(strstr(text_of(field, "msg"), "is wrong"));
        if (rows[i].value) {
            assert_string_equal(text_of(field, "value"), rows[i].value);
        } else {
            assert_null(json_object_get(field, "value"));
        }
        json_decref(problem);
        shoal_request_free(request);
    }
    made.loop.match = (struct shoal_match){0};
    made.entry = (struct shoal_entry){0};
}

static void adds_the_headers_that_a_status_needs(void **state)
{
    (void)state;
    static const struct {
        int code, status;
        const char *name, *value;
    } rows[] = {
        {SHOAL_EAUTH, 401, "WWW-Authenticate", "Bearer"},
        {SHOAL_EBUSY, 503, "Retry-After", "5"},
        {SHOAL_ECANCELLED, 503, "Retry-After", "5"}, // 499 is for logs: this client is still there
        {SHOAL_ENOTFOUND, 404, NULL, NULL},
        {-9999, 500, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        struct shoal_err err = {.code = rows[i].code};
        assert_int_equal(shoal_answer_problem(request, &err), 0);
        assert_int_equal(request->answer.status, rows[i].status);
        assert_string_equal(request->answer.type, "application/problem+json; charset=utf-8");
        if (rows[i].name) {
            assert_string_equal(line_of(request->answer.headers.data, rows[i].name), rows[i].value);
        } else {
            assert_int_equal(request->answer.headers.length, 0);
        }
        shoal_request_free(request);
    }
}

static void takes_the_place_of_a_half_made_answer(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("DELETE /a HTTP/1.1", "");
    struct shoal_err err = {.code = SHOAL_ENOTFOUND};
    request->allow = "GET, HEAD";
    shoal_answer_header(request, "X-Half", "1");
    shoal_answer_text(request, 200, "half");
    assert_int_equal(shoal_answer_problem(request, &err), 0);
    assert_int_equal(request->answer.status, 404);
    assert_null(line_of(request->answer.headers.data, "X-Half"));
    assert_string_equal(line_of(request->answer.headers.data, "Allow"), "GET, HEAD");
    shoal_request_unanswer(request);
    shoal_answer_header(request, "X-Why", "1"); // headers alone were given for the error
    assert_int_equal(shoal_answer_problem(request, &err), 0);
    assert_string_equal(line_of(request->answer.headers.data, "X-Why"), "1");
    shoal_request_free(request);
}

static void writes_a_refusal_without_a_request(void **state)
{
    (void)state;
    size_t length = 0;
    char *text = shoal_problem_text(413, "the body is \"too\" large", &length);
    assert_int_equal(length, strlen(text));
    json_t *problem = json_loads(text, 0, NULL);
    assert_string_equal(text_of(problem, "detail"), "the body is \"too\" large");
    assert_string_equal(text_of(problem, "title"), "Payload Too Large");
    json_decref(problem);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_words_of_every_status),
        cmocka_unit_test(says_the_sentence_twice_and_the_code_once),
        cmocka_unit_test(what_happened_inside_is_for_the_log),
        cmocka_unit_test(an_error_without_words_has_those_of_its_number),
        cmocka_unit_test(says_where_the_wrong_field_came_from),
        cmocka_unit_test(adds_the_headers_that_a_status_needs),
        cmocka_unit_test(takes_the_place_of_a_half_made_answer),
        cmocka_unit_test(writes_a_refusal_without_a_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
