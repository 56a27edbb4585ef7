// conn_out_test.c - answers on their way: the lines of the moment, bodies that nobody read, the
// end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

static void says_whether_the_connection_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *text, *connection;
    } rows[] = {
        {"GET /hello HTTP/1.1\r\n" HOST "\r\n", "keep-alive"},
        {"GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", "close"},
        {"GET /hello HTTP/1.0\r\n" HOST "\r\n", "close"},
        {"GET /hello HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", "keep-alive"},
        {"GET /last HTTP/1.1\r\n" HOST "\r\n", "close"}, // as its handler says
        {"GET /none HTTP/1.1\r\n" HOST "\r\n", "keep-alive"},
        {"GET /pull HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n", "close"}, // its only end
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct reply reply = {0};
        int fd = dial(world.port);
        say(fd, rows[i].text);
        hear(fd, &reply, false);
        assert_string_equal(header(&reply, "Connection"), rows[i].connection);
        if (strcmp(rows[i].connection, "close") == 0) {
            char block[4096];
            ssize_t got;
            while ((got = recv(fd, block, sizeof block, 0)) > 0) {
            }
            assert_int_equal(got, 0);
        }
        close(fd);
        forget(&reply);
    }
}

static void every_answer_has_an_id_of_its_own(void **state)
{
    (void)state;
    char ids[3][32];
    struct reply reply = {0};
    int fd = dial(world.port);
    for (int i = 0; i < 3; i++) { // also where an answer is shared
        ask(fd, &reply, "GET /shared?ids HTTP/1.1\r\n" HOST "\r\n");
        snprintf(ids[i], sizeof ids[i], "%.31s", header(&reply, "x-request-id"));
        assert_int_equal(strlen(ids[i]), 16);
        for (int before = 0; before < i; before++) {
            assert_string_not_equal(ids[i], ids[before]);
        }
    }
    close(fd);
    forget(&reply);
}

/// Posts a body that the head handler refuses. Returns: whether the connection went on.
static bool goes_on(size_t size, bool is_chunked)
{
    struct reply reply = {0};
    char text[300], *bytes = calloc(1, size);
    int fd = dial(world.port);
    snprintf(text, sizeof text, "POST /echo HTTP/1.1\r\n" HOST "X-Refuse: 1\r\n");
    size_t length = strlen(text);
    snprintf(text + length, sizeof text - length,
        is_chunked ? "Transfer-Encoding: chunked\r\n\r\n%zx\r\n" : "Content-Length: %zu\r\n\r\n",
        size);
    say(fd, text);
    hear(fd, &reply, true); // the answer comes before the body
    assert_int_equal(reply.status, 403);
    bool says_close = strcmp(header(&reply, "Connection"), "close") == 0;
    say_bytes(fd, bytes, size);
    if (!says_close) {
        ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(reply.status, 200); // and not a part of the body
    } else {
        char byte;
        assert_true(recv(fd, &byte, 1, 0) <= 0);
    }
    close(fd);
    forget(&reply);
    free(bytes);
    return !says_close;
}

static void throws_a_small_unread_body_away(void **state)
{
    (void)state;
    assert_true(goes_on(1, false));
    assert_true(goes_on(65536, false));
    assert_false(goes_on(65537, false));
    assert_false(goes_on(1, true)); // who knows how long
}

static void head_has_the_lines_and_no_body(void **state)
{
    (void)state;
    static const char *const targets[] = {
        "/hello", "/file", "/pull", "/pull?sized", "/shared?x", "/none"};
    struct reply reply = {0};
    int fd = dial(world.port);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "HEAD %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
        ask(fd, &reply, text);
        assert_int_equal(reply.status, strcmp(targets[i], "/none") == 0 ? 404 : 200);
    }
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body.data, "hello you"); // the connection is in step
    close(fd);
    forget(&reply);
}

static void a_client_that_says_no_more_still_hears_its_answer(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    say(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\nGET /hello?name=2 HTTP/1.1\r\n" HOST "\r\n");
    shutdown(fd, SHUT_WR);
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "hello you");
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "hello 2");
    assert_true(is_closed(fd));
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_whether_the_connection_goes_on),
        cmocka_unit_test(every_answer_has_an_id_of_its_own),
        cmocka_unit_test(throws_a_small_unread_body_away),
        cmocka_unit_test(head_has_the_lines_and_no_body),
        cmocka_unit_test(a_client_that_says_no_more_still_hears_its_answer),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
