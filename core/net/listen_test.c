// listen_test.c - connections taken in: the bound, who gives way, and listening sockets of no use.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"
#include "net/server_priv.h"

static int start_patient(void **state)
{
    start(state);
    world.server->options.head_ms = world.server->options.idle_ms =
        600000; // nobody is sent for time
    return 0;
}

static uint32_t count_conns(void)
{
    return atomic_load(&world.server->conn_count);
}

static void wait_for_conns(uint32_t expected)
{
    for (int i = 0; i < 5000 && count_conns() != expected; i++) {
        usleep(1000);
    }
    assert_int_equal(count_conns(), expected);
}

static void ask_hello(int fd)
{
    struct reply reply = {0};
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    forget(&reply);
}

/// Where all loops are full, somebody idle of the same loop gives way to who comes.
static void the_idle_give_way(void **state)
{
    (void)state;
    int fds[3];
    uint32_t most = world.server->options.connection_max;
    wait_for_conns(0);
    for (int i = 0; i < 2; i++) {
        fds[i] = dial(world.redirect_port); // all of one loop
        struct reply reply = {0};
        ask(fds[i], &reply, "GET / HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(reply.status, 308);
        forget(&reply);
        usleep(5000); // so that one of them is older
    }
    world.server->options.connection_max = 2;
    fds[2] = dial(world.redirect_port);
    struct reply reply = {0};
    ask(fds[2], &reply, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 308);
    assert_true(is_closed(fds[0])); // idle for longest
    ask(fds[1], &reply, "GET / HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 308);
    forget(&reply);
    world.server->options.connection_max = most;
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
    }
}

static void who_works_does_not_give_way(void **state)
{
    (void)state;
    uint32_t most = world.server->options.connection_max;
    struct reply reply = {0};
    wait_for_conns(0);
    atomic_store(&world.gate, false);
    int busy = dial(world.port);
    say(busy, "GET /slow HTTP/1.1\r\n" HOST "\r\n");
    for (int i = 0; i < 5000 && atomic_load(&world.waiting) == 0; i++) {
        usleep(1000);
    }
    world.server->options.connection_max = 1;
    int late = dial(world.port);
    assert_true(is_closed(late)); // there is nobody to send away
    world.server->options.connection_max = most;
    atomic_store(&world.gate, true);
    hear(busy, &reply, true);
    assert_string_equal(reply.body.data, "slow");
    close(late);
    late = dial(world.port);
    ask_hello(late);
    close(busy);
    close(late);
    forget(&reply);
}

static void many_come_at_once(void **state)
{
    (void)state;
    enum {
        COUNT = 100
    }; // several turns of taking in
    int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = dial(world.port);
    }
    for (int i = 0; i < COUNT; i++) {
        ask_hello(fds[i]);
        close(fds[i]);
    }
}

static void refuses_what_cannot_listen(void **state)
{
    (void)state;
    struct shoal_loop *loop = calloc(1, sizeof *loop);
    shoal_loop_init(loop);
    int none = dup(0);
    close(none);
    struct shoal_listener listener = {.loop = loop, .fd = none};
    struct shoal_err err = {0};
    assert_int_equal(shoal_listener_start(&listener, &err), SHOAL_EIO);
    assert_non_null(strstr(err.text, "descriptor"));
    shoal_loop_fini(loop);
    free(loop);
}

static void polls_a_descriptor_of_its_own(void **state)
{
    (void)state;
    struct shoal_loop *loop = calloc(1, sizeof *loop);
    shoal_loop_init(loop);
    int port, fd = listen_on(&port);
    struct shoal_listener listener = {.loop = loop, .fd = fd};
    assert_int_equal(shoal_listener_start(&listener, NULL), 0);
    assert_int_not_equal(listener.fd, fd);
    int own = listener.fd;
    shoal_listener_stop(&listener);
    assert_int_equal(fcntl(own, F_GETFD), -1);
    assert_true(fcntl(fd, F_GETFD) >= 0); // the supervisor keeps its own
    shoal_listener_tick(&listener);       // a stopped one does not begin again
    assert_true(listener.is_paused);
    shoal_loop_fini(loop);
    free(loop);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_idle_give_way),
        cmocka_unit_test(who_works_does_not_give_way),
        cmocka_unit_test(many_come_at_once),
        cmocka_unit_test(refuses_what_cannot_listen),
        cmocka_unit_test(polls_a_descriptor_of_its_own),
    };
    return cmocka_run_group_tests(tests, start_patient, stop);
}
