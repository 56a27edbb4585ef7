// request_test.c - what a request says: its parts, and which of them make the answer private.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_test.h"

#include "net/body_priv.h"

static void says_what_its_head_said(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("POST /a%20b?x=1 HTTP/1.1",
        "Content-Length: 12\r\nExpect: 100-continue\r\nAccept-Language: fr\r\n");
    assert_string_equal(shoal_request_method(request), "POST");
    assert_string_equal(shoal_request_path(request), "/a%20b");
    assert_string_equal(shoal_request_query_string(request), "x=1");
    assert_int_equal(shoal_request_content_length(request), 12);
    assert_true(request->expects_continue);
    assert_false(request->is_head);
    assert_string_equal(request->call.locale, "fr");
    assert_string_equal(shoal_request_scheme(request), "http");
    assert_false(shoal_request_internal(request));
    assert_false(shoal_request_is_private(request));
    shoal_request_free(request);
    request = make_request("HEAD / HTTP/1.0", "");
    assert_true(request->is_head);
    assert_true(request->is_old);
    assert_string_equal(shoal_request_query_string(request), "");
    shoal_request_free(request);
    request = make_request("PUT / HTTP/1.1", "Transfer-Encoding: chunked\r\n");
    assert_int_equal(shoal_request_content_length(request), -1);
    assert_true(request->has_body);
    shoal_request_free(request);
}

static void links_are_made_of_our_own_host(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
    } rows[] = {
        {NULL, "asked.example"},
        {"https://tube.example", "tube.example"},
        {"https://tube.example:8443/", "tube.example:8443"},
        {"not a url", "asked.example"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        made.server.options.url = rows[i].url;
        struct shoal_request *request = make_request("GET / HTTP/1.1", "");
        assert_string_equal(shoal_request_host(request), rows[i].host);
        assert_string_equal(shoal_request_sent_host(request), "asked.example");
        shoal_request_free(request);
    }
    made.server.options.url = NULL;
}

static void finds_values_of_the_query(void **state)
{
    (void)state;
    struct shoal_request *request =
        make_request("GET /?tags[]=a&tags=b%26&tagsx=c&tag=d&empty= HTTP/1.1", "");
    assert_string_equal(shoal_request_query(request, "tags"), "a");
    assert_string_equal(shoal_request_query(request, "tags[]"), "a");
    assert_string_equal(shoal_request_query(request, "tag"), "d");
    assert_string_equal(shoal_request_query(request, "empty"), "");
    assert_null(shoal_request_query(request, "none"));
    const char *const *all = shoal_request_query_all(request, "tags");
    assert_string_equal(all[0], "a");
    assert_string_equal(all[1], "b&");
    assert_null(all[2]);
    assert_null(shoal_request_query_all(request, "none"));
    assert_false(shoal_request_is_private(request));
    shoal_request_free(request);
    request = make_request("GET /?a=1&b=%zz HTTP/1.1", "");
    assert_null(shoal_request_query(request, "a")); // a part of a broken query is not believed
    shoal_request_free(request);
}

static void finds_cookies_by_their_whole_name(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1",
        "Cookie: xid=1; id=2;id2=3\r\nCookie: late=a=b; none\r\nAuthorization: bearer   tok\r\n");
    assert_true(request->has_credential);
    assert_string_equal(shoal_request_cookie(request, "id"), "2");
    assert_string_equal(shoal_request_cookie(request, "late"), "a=b");
    assert_null(shoal_request_cookie(request, "none"));
    assert_null(shoal_request_cookie(request, "i"));
    assert_string_equal(shoal_request_bearer(request), "tok");
    shoal_request_free(request);
    request = make_request("GET / HTTP/1.1", "Authorization: Basic dTpw\r\n");
    assert_null(shoal_request_bearer(request));
    assert_true(shoal_request_is_private(request));
    shoal_request_free(request);
}

enum reading {
    HEADER,
    COOKIE,
    NO_COOKIE,
    BEARER,
    NO_BEARER,
    ADDRESS,
    PREFIX,
    PEEK
};

static void read_one(struct shoal_request *request, enum reading reading)
{
    switch (reading) {
    case HEADER:
        assert_null(shoal_request_header(request, "x-none"));
        break;
    case COOKIE:
    case NO_COOKIE:
        shoal_request_cookie(request, "id");
        break;
    case BEARER:
    case NO_BEARER:
        shoal_request_bearer(request);
        break;
    case ADDRESS:
        assert_string_equal(shoal_request_address(request), "203.0.113.9");
        break;
    case PREFIX:
        assert_string_equal(shoal_request_address_prefix(request), "203.0.113.0/24");
        break;
    case PEEK:
        assert_string_equal(shoal_request_peek(request, "HOST"), "asked.example");
        break;
    }
}

static void reading_what_one_client_sent_makes_the_answer_private(void **state)
{
    (void)state;
    static const struct {
        enum reading reading;
        const char *headers;
        bool is_private;
    } rows[] = {
        {HEADER, "", true},
        {COOKIE, "Cookie: x=1\r\n", true}, // also where it is another one
        {NO_COOKIE, "", false},
        {BEARER, "Authorization: Bearer x\r\n", true},
        {NO_BEARER, "", false},
        {ADDRESS, "", true},
        {PREFIX, "", true},
        {PEEK, "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_request *request = make_request("GET / HTTP/1.1", rows[i].headers);
        read_one(request, rows[i].reading);
        assert_int_equal(shoal_request_is_private(request), rows[i].is_private);
        shoal_request_free(request);
    }
}

static void only_a_raw_head_says_where_the_body_goes(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_request *request = make_request("PUT / HTTP/1.1", "Content-Length: 1\r\n");
    request->mode = SHOAL_BODY_DATA;
    struct shoal_sha256 *sum = shoal_sha256_new();
    assert_int_equal(shoal_request_body_to(request, "/x", 5, 9, &err), SHOAL_EINVAL);
    assert_false(request->has_limit);
    shoal_request_body_sum(request, sum);
    assert_null(request->to_sum);
    request->mode = SHOAL_BODY_RAW;
    assert_int_equal(shoal_request_body_to(request, "/x", 5, 9, &err), 0);
    assert_string_equal(request->to_path, "/x");
    assert_int_equal(request->to_offset, 5);
    assert_int_equal(request->body_max, 9);
    shoal_request_body_sum(request, sum);
    assert_ptr_equal(request->to_sum, sum);
    request->ran_body = true;
    shoal_request_body_sum(request, NULL);
    assert_ptr_equal(request->to_sum, sum);
    assert_int_equal(shoal_request_body_to(request, "/y", 5, 9, &err), SHOAL_EINVAL);
    assert_string_equal(request->to_path, "/x");
    shoal_request_limit(request, 0);
    assert_true(request->has_limit);
    assert_int_equal(request->body_max, 0); // nothing at all, not the default
    shoal_request_free(request);
    shoal_sha256_free(sum);
}

static void a_phase_has_the_time_of_its_route(void **state)
{
    (void)state;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    int64_t before = shoal_tick_ms();
    shoal_request_enter(request);
    assert_ptr_equal(shoal_call_current(), &request->call);
    assert_true(request->call.deadline_ms >= before + 10000);
    shoal_request_leave(request);
    assert_null(shoal_call_current());
    made.entry.route.timeout_ms = 3600000;
    request->entry = &made.entry;
    shoal_request_enter(request);
    assert_true(request->call.deadline_ms >= before + 3600000);
    shoal_request_leave(request);
    made.entry = (struct shoal_entry){0};
    shoal_request_drop(request);
    shoal_request_leave(request); // its call is gone: nothing to leave
    assert_null(shoal_call_current());
    shoal_request_free(request);
}

static void gives_parameters_bodies_and_what_is_kept(void **state)
{
    (void)state;
    static const char *const names[] = {"id", "rest"};
    made.entry = (struct shoal_entry){.names = {names[0], names[1]}, .name_count = 2};
    made.loop.match.entry = &made.entry;
    made.loop.match.value_count = 2;
    memcpy(made.loop.match.text, "42\0a/b", 7);
    made.loop.match.values[1] = 3;
    struct shoal_request *request = make_request("GET / HTTP/1.1", "");
    made.loop.match = (struct shoal_match){0};
    assert_string_equal(shoal_request_param(request, "id"), "42");
    assert_string_equal(shoal_request_param(request, "rest"), "a/b");
    assert_null(shoal_request_param(request, "i"));
    const char *allow = "x";
    assert_ptr_equal(shoal_request_route(request, NULL, &allow), &made.entry.route);
    assert_null(allow);
    size_t length = 7;
    assert_string_equal(shoal_request_body_bytes(request, &length), "");
    assert_int_equal(length, 0);
    shoal_request_keep(request, &length);
    assert_ptr_equal(shoal_request_kept(request), &length);
    assert_null(shoal_request_upload(request, "file"));
    shoal_request_free(request);
    made.entry = (struct shoal_entry){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_its_head_said),
        cmocka_unit_test(links_are_made_of_our_own_host),
        cmocka_unit_test(finds_values_of_the_query),
        cmocka_unit_test(finds_cookies_by_their_whole_name),
        cmocka_unit_test(reading_what_one_client_sent_makes_the_answer_private),
        cmocka_unit_test(only_a_raw_head_says_where_the_body_goes),
        cmocka_unit_test(a_phase_has_the_time_of_its_route),
        cmocka_unit_test(gives_parameters_bodies_and_what_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
