// server_abuse_test.c - a whole server refuses, limits and ends what it should.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

static void asks_for_the_body_only_when_the_head_is_accepted(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
                    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(reply.status, 100);
    ask(fd, &reply, "{}");
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nX-Refuse: 1\r\n"
                    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(reply.status, 403);
    assert_non_null(strstr(reply.body.data, "\"code\":\"quota_reached\""));
    assert_non_null(strstr(reply.body.data, "\"error\":\"the quota is full\""));
    assert_true(is_closed(fd));
    close(fd);
    forget(&reply);
}

static void refuses_bodies_that_are_too_large(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 500001\r\n\r\n");
    assert_int_equal(reply.status, 413);
    close(fd);
    fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx");
    assert_int_equal(reply.status, 413);
    close(fd);
    forget(&reply);
}

// Who sends on although the answer is there is heard out for a moment, but not without end.
static void cuts_off_who_sends_on_after_the_answer(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 1073741824\r\n\r\n");
    static const char block[1 << 20];
    size_t sent = 0;
    ssize_t count = 0;
    while (sent < (1u << 30) && (count = send(fd, block, sizeof block, MSG_NOSIGNAL)) > 0) {
        sent += (size_t)count;
    }
    assert_true(count < 0);
    assert_true(sent < (100u << 20));
    hear(fd, &reply, true); // what it was told is there all the same
    assert_int_equal(reply.status, 413);
    close(fd);
    forget(&reply);
}

static void limits_and_says_so(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    shoal_limit_clear();
    const char *text = "GET /limited HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.7\r\n\r\n";
    for (int i = 0; i < 3; i++) {
        ask(fd, &reply, text);
        assert_int_equal(reply.status, 200);
        assert_string_equal(header(&reply, "X-RateLimit-Limit"), "3");
    }
    ask(fd, &reply, text);
    assert_int_equal(reply.status, 429);
    assert_non_null(header(&reply, "Retry-After"));
    ask(fd, &reply, "GET /limited HTTP/1.1\r\n" HOST "X-Forwarded-For: 203.0.113.8\r\n\r\n");
    assert_int_equal(reply.status, 200); // another client behind the same proxy
    close(fd);
    forget(&reply);
}

// What is answered without a worker ends with its head too: else the body that a client does not
// expect would be its next answer.
static void answers_head_without_a_body_also_when_it_refuses(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    shoal_limit_clear();
    static const char limited[] = "HEAD /limited HTTP/1.1\r\n" HOST
                                  "X-Forwarded-For: 203.0.113.9\r\n\r\n";
    static const char next[] = "GET /hello HTTP/1.1\r\n" HOST "\r\n";
    for (int i = 0; i < 4; i++) {
        say(fd, limited);
        hear(fd, &reply, false);
    }
    assert_int_equal(reply.status, 429);
    ask(fd, &reply, next);
    assert_int_equal(reply.status, 200);
    say(fd, "HEAD /a%00b HTTP/1.1\r\n" HOST "\r\n");
    hear(fd, &reply, false);
    assert_int_equal(reply.status, 400);
    ask(fd, &reply, next);
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void answers_once_whatever_becomes_of_the_body(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "X-Refuse: 1\r\n"
                    "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n");
    assert_int_equal(reply.status, 403);
    assert_true(is_closed(fd)); // the rest never came: no second answer, but the end
    close(fd);
    forget(&reply);
}

// Each ping makes an answer: a client that takes none of them may not fill the memory.
static void ends_sockets_that_ping_and_do_not_listen(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    say(fd, "GET /chat HTTP/1.1\r\n" HOST "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    hear(fd, &reply, false);
    assert_int_equal(reply.status, 101);
    static const unsigned char ping[131] = {0x89, 0x80 | 125};
    static unsigned char pings[500 * sizeof ping];
    for (size_t i = 0; i < 500; i++) {
        memcpy(pings + i * sizeof ping, ping, sizeof ping);
    }
    size_t sent = 0;
    ssize_t count = 0;
    while (sent < (64u << 20) && (count = send(fd, pings, sizeof pings, MSG_NOSIGNAL)) > 0) {
        sent += (size_t)count;
        if ((size_t)count % sizeof ping != 0) { // what is left of the last one
            say_bytes(fd, pings + (size_t)count % sizeof ping,
                sizeof ping - (size_t)count % sizeof ping);
        }
    }
    assert_true(count < 0);
    close(fd);
    forget(&reply);
}

static void says_busy_when_the_workers_are_full(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fds[4];
    atomic_store(&world.gate, false);
    for (int i = 0; i < 4; i++) { // two run, two wait
        fds[i] = dial(world.port);
        say(fds[i], "GET /slow HTTP/1.1\r\n" HOST "\r\n");
        usleep(50000);
    }
    int fd = dial(world.port);
    ask(fd, &reply, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 503);
    assert_non_null(header(&reply, "Retry-After"));
    close(fd);
    atomic_store(&world.gate, true);
    for (int i = 0; i < 4; i++) {
        hear(fds[i], &reply, true);
        assert_int_equal(reply.status, 200);
        close(fds[i]);
    }
    forget(&reply);
}

static void tells_the_handler_that_the_client_went_away(void **state)
{
    (void)state;
    atomic_store(&world.gate, false);
    int before = atomic_load(&world.cancelled);
    int fd = dial(world.port);
    say(fd, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 1000 && atomic_load(&world.waiting) == 0; i++) {
        usleep(1000);
    }
    close(fd);
    for (int i = 0; i < 3000 && atomic_load(&world.cancelled) == before; i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(&world.cancelled), before + 1);
    atomic_store(&world.gate, true);
}

static void ends_connections_that_dawdle(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTT");
    assert_int_equal(reply.status, 408);
    assert_true(is_closed(fd));
    close(fd);
    fd = dial(world.port);
    ask(fd, &reply, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\nx");
    assert_int_equal(reply.status, 408);
    close(fd);
    fd = dial(world.port);
    assert_true(is_closed(fd)); // silent from the start: no answer
    close(fd);
    forget(&reply);
}

static void refuses_what_proxies_read_differently(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: +3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3, 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
        "POST /echo HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X-A: b\r\n folded\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X-A : b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\n" "Host: a\n\n",
        "GET /hello HTTP/1.1\r\n" HOST "X-A: b\rc\r\n\r\n",
        "GET /hello HTTP/1.1\r\n" HOST "X@A: b\r\n\r\n",
        "GET http://other/hello HTTP/1.1\r\n" HOST "\r\n",
        "GET hello HTTP/1.1\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reply reply = {0};
        int fd = dial(world.port);
        ask(fd, &reply, cases[i]);
        if (reply.status != 400) {
            print_error("case %zu: %d\n", i, reply.status);
        }
        assert_int_equal(reply.status, 400);
        assert_non_null(strstr(reply.body.data, "\"detail\":\""));
        assert_true(is_closed(fd));
        close(fd);
        forget(&reply);
    }
}

static void refuses_heads_that_are_too_long(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct shoal_buf text = {0};
    shoal_buf_puts(&text, "GET /");
    for (int i = 0; i < 9000; i++) {
        shoal_buf_puts(&text, "a");
    }
    int fd = dial(world.port);
    ask(fd, &reply, text.data);
    assert_int_equal(reply.status, 414);
    close(fd);
    text.length = 0;
    shoal_buf_puts(&text, "GET /hello HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 101; i++) {
        shoal_buf_printf(&text, "X-%d: y\r\n", i);
    }
    shoal_buf_puts(&text, "\r\n");
    fd = dial(world.port);
    ask(fd, &reply, text.data);
    assert_int_equal(reply.status, 431);
    close(fd);
    text.length = 0;
    shoal_buf_printf(&text, "GET /brief HTTP/1.1\r\n" HOST "X: %0250d\r\n\r\n", 7);
    fd = dial(world.port);
    ask(fd, &reply, "GET /brief HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, text.data); // too long for this route, and not for another
    assert_int_equal(reply.status, 431);
    close(fd);
    memcpy(text.data + 5, "hello", 5);
    fd = dial(world.port);
    ask(fd, &reply, text.data);
    assert_int_equal(reply.status, 200);
    close(fd);
    shoal_buf_fini(&text);
    forget(&reply);
}

static void answers_unknown_paths_and_preflights(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /nothing HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 404);
    ask(fd, &reply, "DELETE /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&reply, "Allow"), "GET, HEAD");
    ask(fd, &reply, "OPTIONS /hello HTTP/1.1\r\n" HOST "Origin: https://a.example\r\n\r\n");
    assert_int_equal(reply.status, 204);
    assert_string_equal(header(&reply, "Access-Control-Allow-Origin"), "*");
    ask(fd, &reply, "GET /%2e%2e/etc/passwd HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 400);
    ask(fd, &reply, "GET /hello?a=%zz HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 400);
    close(fd);
    forget(&reply);
}

static void redirects_the_plain_port(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.redirect_port);
    ask(fd, &reply, "GET /w/abc?start=3 HTTP/1.1\r\nHost: tube.example:80\r\n\r\n");
    assert_int_equal(reply.status, 308);
    assert_string_equal(header(&reply, "Location"), "https://tube.example/w/abc?start=3");
    ask(fd, &reply, "GET /.well-known/acme-challenge/token-1 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body.data, "proof");
    ask(fd, &reply, "GET /.well-known/acme-challenge/../key.pem HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 308);
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_the_body_only_when_the_head_is_accepted),
        cmocka_unit_test(refuses_bodies_that_are_too_large),
        cmocka_unit_test(cuts_off_who_sends_on_after_the_answer),
        cmocka_unit_test(limits_and_says_so),
        cmocka_unit_test(answers_head_without_a_body_also_when_it_refuses),
        cmocka_unit_test(answers_once_whatever_becomes_of_the_body),
        cmocka_unit_test(ends_sockets_that_ping_and_do_not_listen),
        cmocka_unit_test(says_busy_when_the_workers_are_full),
        cmocka_unit_test(tells_the_handler_that_the_client_went_away),
        cmocka_unit_test(ends_connections_that_dawdle),
        cmocka_unit_test(refuses_what_proxies_read_differently),
        cmocka_unit_test(refuses_heads_that_are_too_long),
        cmocka_unit_test(answers_unknown_paths_and_preflights),
        cmocka_unit_test(redirects_the_plain_port),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
