// exchange_test.c - what becomes of a head: what is shared with whom, what it costs, what never
// runs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

static int set_up(void **state)
{
    (void)state;
    shoal_limit_clear();
    atomic_fetch_add(&world.epoch, 1);
    return 0;
}

static void get(int fd, struct reply *reply, const char *line, const char *headers)
{
    char text[1024];
    snprintf(text, sizeof text, "%s HTTP/1.1\r\n" HOST "%s\r\n", line, headers);
    ask(fd, reply, text);
}

static void shares_only_what_does_not_differ(void **state)
{
    (void)state;
    static const struct {
        const char *line, *headers;
        bool is_same; // as the first
    } rows[] = {
        {"GET /shared?a=1&b=2", "", true},
        {"GET /shared?b=2&a=1", "", true},
        {"HEAD /shared?a=1&b=2", "", true},
        {"GET /shared?a=1&b=2", "User-Agent: x\r\n", true},
        {"GET /shared?a=1&b=2", "Accept-Language: en, fr;q=0.5\r\n", true},
        {"GET /shared?a=1&b=2", "Accept-Language: fr\r\n", false},
        {"GET /shared?a=1&b=3", "", false},
        {"GET /shared?a=1&b=2&b=2", "", false},
        {"GET /shared?a=1&b=2", "X-Forwarded-Proto: https\r\n", false},
        {"GET /shared?a=1&b=2", "X-Forwarded-Host: other.example\r\n", false},
        {"GET /shared?a=1&b=2", "Cookie: a=b\r\n", false},
        {"GET /shared?a=1&b=2", "Authorization: Bearer x\r\n", false},
        {"GET /shared?a=1&b=2", "If-Match: *\r\n", false},
    };
    struct reply reply = {0};
    int fd = dial(world.port);
    get(fd, &reply, "GET /shared?a=1&b=2", "");
    char etag[64];
    snprintf(etag, sizeof etag, "%.63s", header(&reply, "ETag"));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int before = atomic_load(&world.made);
        get(fd, &reply, rows[i].line, rows[i].headers);
        assert_int_equal(reply.status, 200);
        assert_int_equal(atomic_load(&world.made) == before, rows[i].is_same);
        assert_int_equal(strcmp(header(&reply, "ETag"), etag) == 0, rows[i].is_same);
    }
    close(fd);
    forget(&reply);
}

static void a_broken_query_reaches_no_handler(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    static const char *const bad[] = {
        "GET /shared?a=%zz", "GET /shared?a=%ff", "GET /shared?a=%00"};
    int before = atomic_load(&world.made);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        get(fd, &reply, bad[i], "");
        assert_int_equal(reply.status, 400);
    }
    assert_int_equal(atomic_load(&world.made), before);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) { // but one that reads it by itself
        char raw[64];
        snprintf(raw, sizeof raw, "GET /raw%s", strchr(bad[i], '?'));
        get(fd, &reply, raw, "");
        assert_int_equal(reply.status, 200);
    }
    static const char *const paths[] = {"GET /../hello", "GET /%ff", "GET /a%2fb%zz"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        get(fd, &reply, paths[i], "");
        assert_int_equal(reply.status, 400);
    }
    get(fd, &reply, "GET /hello", ""); // all on one connection, which is in step
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void looking_for_text_costs_more_wherever_it_is(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    get(fd, &reply, "GET /api/v1/none", "");
    assert_int_equal(reply.status, 404);
    assert_string_not_equal(header(&reply, "X-RateLimit-Limit"), "3");
    static const char *const searches[] = {"GET /api/v1/none?start=1&search=x",
        "GET /api/v1/none?s%65arch=x", "GET /api/v1/none?a&search%5b%5D=x&b"};
    for (int i = 0; i < 3; i++) { // the bucket of searches, which the kit makes small
        get(fd, &reply, searches[i], "");
        assert_int_equal(reply.status, 404);
        assert_string_equal(header(&reply, "X-RateLimit-Limit"), "3");
    }
    get(fd, &reply, "GET /api/v1/none?search=y", "");
    assert_int_equal(reply.status, 429);
    assert_non_null(header(&reply, "Retry-After"));
    get(fd, &reply, "GET /api/v1/none?a=search%3D&research=z", ""); // is none
    assert_int_equal(reply.status, 404);
    get(fd, &reply, "GET /none?search=y", ""); // a page, whose words are its own
    assert_int_equal(reply.status, 404);
    close(fd);
    forget(&reply);
}

static void counts_by_the_session_of_a_browser(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    shoal_request_proved("session-of-one");
    for (int i = 0; i < 4; i++) {
        get(fd, &reply, "GET /limited", "Cookie: x=y; shoal_session=session-of-one\r\n");
        assert_int_equal(reply.status, i < 3 ? 200 : 429);
    }
    get(fd, &reply, "GET /limited", ""); // the address has spent nothing
    assert_int_equal(reply.status, 200);
    shoal_request_proved("token-of-one");
    get(fd, &reply, "GET /limited",
        "Cookie: shoal_session=session-of-one\r\nAuthorization: Bearer token-of-one\r\n");
    assert_int_equal(reply.status, 200); // the header comes first
    close(fd);
    forget(&reply);
}

static void answers_preflights_of_routes_that_others_may_call(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    get(fd, &reply, "OPTIONS /hello", "Origin: https://a.example\r\n");
    assert_int_equal(reply.status, 204);
    assert_string_equal(header(&reply, "Access-Control-Allow-Methods"), "GET, HEAD");
    assert_string_equal(header(&reply, "Allow"), "GET, HEAD, OPTIONS");
    get(fd, &reply, "OPTIONS /shared", "Origin: https://a.example\r\n");
    assert_int_not_equal(reply.status, 204);
    assert_null(header(&reply, "Access-Control-Allow-Methods"));
    close(fd);
    forget(&reply);
}

/// Takes both workers and both places behind them.
static void block_workers(int fds[4])
{
    atomic_store(&world.gate, false);
    for (int i = 0; i < 4; i++) {
        fds[i] = dial(world.port);
        say(fds[i], "GET /slow HTTP/1.1\r\n" HOST "\r\n");
        while (atomic_load(&world.waiting) < (i < 2 ? i + 1 : 2)) {
            usleep(1000);
        }
    }
    usleep(50000); // the last two wait where nobody counts them
}

static void quick_handlers_need_no_worker(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fds[4], fd = dial(world.port);
    block_workers(fds);
    get(fd, &reply, "GET /hello", "");
    assert_int_equal(reply.status, 503);
    get(fd, &reply, "GET /quick", "");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.data, "quick");
    assert_non_null(header(&reply, "x-request-id"));
    get(fd, &reply, "HEAD /quick", "");
    assert_int_equal(reply.status, 200);
    assert_string_equal(header(&reply, "Content-Length"), "5");
    get(fd, &reply, "GET /quick?how=%ff", ""); // reaches no handler
    assert_int_equal(reply.status, 400);
    get(fd, &reply, "GET /quick?how=not", ""); // wants a worker, and there is none
    assert_int_equal(reply.status, 503);
    say(fd, "GET /quick HTTP/1.1\r\n" HOST "\r\nGET /quick HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, &reply, true);
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "quick");
    get(fd, &reply, "GET /quick", "Connection: close\r\n");
    assert_int_equal(reply.status, 200);
    assert_true(is_closed(fd));
    close(fd);
    atomic_store(&world.gate, true);
    for (int i = 0; i < 4; i++) {
        hear(fds[i], &reply, true);
        assert_string_equal(reply.body.data, "slow");
        close(fds[i]);
    }
    forget(&reply);
}

static void what_is_not_quick_goes_to_the_handler(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    static const char *const lines[] = {"GET /quick?how=not", "GET /quick?how=file"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        get(fd, &reply, lines[i], "");
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body.data, "told");
        assert_null(header(&reply, "X-Half")); // as if nothing had been tried
    }
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(shares_only_what_does_not_differ, set_up),
        cmocka_unit_test_setup(a_broken_query_reaches_no_handler, set_up),
        cmocka_unit_test_setup(looking_for_text_costs_more_wherever_it_is, set_up),
        cmocka_unit_test_setup(counts_by_the_session_of_a_browser, set_up),
        cmocka_unit_test_setup(answers_preflights_of_routes_that_others_may_call, set_up),
        cmocka_unit_test_setup(quick_handlers_need_no_worker, set_up),
        cmocka_unit_test_setup(what_is_not_quick_goes_to_the_handler, set_up),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
