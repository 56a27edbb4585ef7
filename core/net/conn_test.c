// conn_test.c - the life of a connection: what waits in its buffer, blank lines, and quiet ends.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

#include <sys/wait.h>

static void answers_all_that_is_sent_ahead(void **state)
{
    (void)state;
    enum {
        COUNT = 3000
    }; // more than a buffer holds
    struct shoal_buf all = {0};
    struct reply reply = {0};
    for (int i = 0; i < COUNT; i++) {
        shoal_buf_printf(&all, "GET /hello?name=%d HTTP/1.1\r\n" HOST "\r\n", i);
    }
    int fd = dial(world.port);
    pid_t sender = fork(); // both ends have buffers: who only writes would wait for ever
    if (sender == 0) {
        say_bytes(fd, all.data, all.length);
        _exit(0);
    }
    for (int i = 0; i < COUNT; i++) {
        char expected[32];
        hear(fd, &reply, true);
        snprintf(expected, sizeof expected, "hello %d", i);
        assert_string_equal(reply.body.data, expected);
    }
    waitpid(sender, NULL, 0);
    close(fd);
    shoal_buf_fini(&all);
    forget(&reply);
}

static void passes_over_blank_lines_before_a_request(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, "\nPOST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}\r\n");
    assert_int_equal(reply.status, 200);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void says_nothing_after_its_last_word(void **state)
{
    (void)state;
    static const char *const lasts[] = {
        "GET /hello HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
        "rubbish\r\n\r\n",
        "GET / HTTP/2.0\r\n" HOST "\r\n",
    };
    for (size_t i = 0; i < sizeof lasts / sizeof lasts[0]; i++) {
        struct reply reply = {0};
        int fd = dial(world.port);
        int before = atomic_load(&world.made);
        say(fd, lasts[i]);
        say(fd, "GET /shared?after HTTP/1.1\r\n" HOST "\r\n");
        hear(fd, &reply, true);
        assert_int_equal(reply.status == 200, i == 0);
        assert_string_equal(header(&reply, "Connection"), "close");
        assert_true(is_closed(fd));
        assert_int_equal(atomic_load(&world.made), before); // the next was never looked at
        close(fd);
        forget(&reply);
    }
}

static void a_client_that_leaves_at_any_point_costs_nothing(void **state)
{
    (void)state;
    static const char *const parts[] = {"", "G", "GET /hello HTTP/1.1\r\nHo",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\n", // in a body
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "PUT /raw HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc",
        "GET /hello HTTP/1.1\r\n" HOST "\r\n", "GET /pull HTTP/1.1\r\n" HOST "\r\n"};
    struct shoal_server_stats stats;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        for (int is_hard = 0; is_hard < 2; is_hard++) {
            int fd = dial(world.port);
            say(fd, parts[i]);
            struct linger hard = {.l_onoff = is_hard, .l_linger = 0}; // with a reset
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
            close(fd);
        }
    }
    for (int i = 0; i < 5000; i++) {
        shoal_server_stats(&stats);
        if (stats.connections == 0) {
            break;
        }
        usleep(1000);
    }
    assert_int_equal(stats.connections, 0);
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

static void plain_words_to_a_tls_port_end_the_connection(void **state)
{
    (void)state;
    char byte;
    int fd = dial(world.tls_port);
    say(fd, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    ssize_t got;
    while ((got = recv(fd, &byte, 1, 0)) > 0) {
        assert_int_not_equal(byte, 'H'); // at most an alert, never an answer
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_all_that_is_sent_ahead),
        cmocka_unit_test(passes_over_blank_lines_before_a_request),
        cmocka_unit_test(says_nothing_after_its_last_word),
        cmocka_unit_test(a_client_that_leaves_at_any_point_costs_nothing),
        cmocka_unit_test(plain_words_to_a_tls_port_end_the_connection),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
