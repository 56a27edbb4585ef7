// raw_test.c - listeners of plugins: streams, datagrams, TLS, who is let in, and the end of an
// owner.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"
#include "net/server_priv.h"

#include <sys/un.h>

static atomic_int opened, closed, refusing;
static char heard[] = "heard", from_file[] = "file", got[] = "got";
static int owner_mark;
static struct shoal_plugin *owner = (void *)&owner_mark;

static int on_open(struct shoal_call *call, struct shoal_request *request, void *arg, void **state,
    struct shoal_err *err)
{
    (void)call;
    assert_null(request);
    *state = arg;
    return atomic_load(&refusing) ? shoal_fail(err, SHOAL_EFORBIDDEN, "not now") : 0;
}

static void on_opened(shoal_stream stream, void *state)
{
    (void)stream;
    (void)state;
    atomic_fetch_add(&opened, 1);
}

static void send_back(
    shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    (void)is_text;
    char out[200];
    int size =
        snprintf(out, sizeof out, "%s %.*s", (const char *)state, (int)length, (const char *)data);
    shoal_stream_send(stream, out, (size_t)size, false);
}

static void on_closed(shoal_stream stream, void *state, int code)
{
    (void)stream;
    (void)state;
    (void)code;
    atomic_fetch_add(&closed, 1);
}

static const struct shoal_stream_ops ops = {
    .open = on_open, .opened = on_opened, .message = send_back, .closed = on_closed};

static void wait_for(atomic_int *count, int expected)
{
    for (int i = 0; i < 5000 && atomic_load(count) != expected; i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(count), expected);
}

static int set_up(void **state)
{
    (void)state;
    atomic_store(&opened, 0);
    atomic_store(&closed, 0);
    atomic_store(&refusing, 0);
    return 0;
}

/// The owner stops: all that was opened is closed.
static int tear_down(void **state)
{
    (void)state;
    shoal_listeners_owner_remove(owner);
    shoal_streams_owner_remove(owner);
    wait_for(&closed, atomic_load(&opened));
    return 0;
}

static int listen_with(enum shoal_listener_kind kind, int loop, const struct shoal_stream_ops *with)
{
    int port;
    int fd = listen_on(&port);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    assert_int_equal(shoal_raw_listen(kind, fd, loop, with, owner, heard, NULL), 0);
    return port;
}

static int open_listener(enum shoal_listener_kind kind, int loop)
{
    return listen_with(kind, loop, &ops);
}

static void assert_answers(int fd, const char *said, const char *answer)
{
    char out[100] = {0};
    size_t length = 0;
    say(fd, said);
    while (length < strlen(answer)) {
        ssize_t count = recv(fd, out + length, sizeof out - 1 - length, 0);
        assert_true(count > 0);
        length += (size_t)count;
    }
    assert_string_equal(out, answer);
}

static void takes_connections_on_any_loop(void **state)
{
    (void)state;
    for (int loop = 0; loop < 3; loop++) { // the third is the first again
        int fd = dial(open_listener(SHOAL_LISTEN_TCP, loop));
        assert_answers(fd, "one", "heard one");
        assert_answers(fd, "two", "heard two");
        close(fd);
        wait_for(&closed, loop + 1);
    }
    assert_int_equal(atomic_load(&opened), 3);
}

static void takes_connections_of_a_file(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", world.folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(shoal_raw_listen(SHOAL_LISTEN_UNIX, fd, 0, &ops, owner, from_file, NULL), 0);
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    assert_answers(client, "x", "file x");
    close(client);
}

static void answers_the_sender_of_a_datagram(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(shoal_raw_listen(SHOAL_LISTEN_UDP, fd, 1, &ops, owner, got, NULL), 0);
    int clients[2];
    for (int i = 0; i < 2; i++) {
        clients[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        struct timeval most = {.tv_sec = 10};
        setsockopt(clients[i], SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof address), 0);
    }
    say(clients[0], "first");
    assert_answers(clients[1], "second", "got second"); // each its own
    char out[32] = {0};
    assert_int_equal(recv(clients[0], out, sizeof out - 1, 0), 9);
    assert_string_equal(out, "got first");
    close(clients[0]);
    close(clients[1]);
}

static void speaks_tls_where_the_server_does(void **state)
{
    (void)state;
    int fd = dial(open_listener(SHOAL_LISTEN_TLS, 0));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    assert_int_equal(SSL_write(ssl, "x", 1), 1);
    char out[32] = {0};
    assert_int_equal(SSL_read(ssl, out, sizeof out - 1), 7);
    assert_string_equal(out, "heard x");
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
}

static void who_is_idle_is_let_go(void **state)
{
    (void)state;
    struct shoal_stream_ops soon = ops;
    soon.idle_ms = 200;
    int silent = dial(listen_with(SHOAL_LISTEN_TCP, 0, &soon));
    int spoke = dial(listen_with(SHOAL_LISTEN_TCP, 0, &soon));
    assert_answers(spoke, "a", "heard a");
    assert_true(is_closed(silent));
    assert_true(is_closed(spoke));
    close(silent);
    close(spoke);
    wait_for(&closed, 2);
}

static void who_does_not_shake_hands_is_let_go(void **state)
{
    (void)state;
    int greeter = dial(open_listener(SHOAL_LISTEN_TLS, 0));
    int other = dial(open_listener(SHOAL_LISTEN_TCP, 0));
    say(greeter, "\x16\x03\x01"); // the beginning of a hello
    assert_true(is_closed(greeter));
    assert_answers(other, "a", "heard a"); // without TLS there is nothing to greet with
    close(greeter);
    close(other);
}

static void the_owner_may_refuse(void **state)
{
    (void)state;
    int port = open_listener(SHOAL_LISTEN_TCP, 0);
    atomic_store(&refusing, 1);
    int fd = dial(port);
    assert_true(is_closed(fd));
    close(fd);
    assert_int_equal(atomic_load(&opened), 0);
    atomic_store(&refusing, 0);
    fd = dial(port);
    assert_answers(fd, "now", "heard now");
    close(fd);
}

static void counts_towards_the_bound_of_all_connections(void **state)
{
    (void)state;
    int port = open_listener(SHOAL_LISTEN_TCP, 0);
    uint32_t most = world.server->options.connection_max;
    int first = dial(port);
    assert_answers(first, "a", "heard a");
    world.server->options.connection_max = atomic_load(&world.server->conn_count);
    int second = dial(port);
    assert_true(is_closed(second));
    world.server->options.connection_max = most;
    assert_answers(first, "b", "heard b");
    close(first);
    close(second);
}

static void ends_with_its_owner(void **state)
{
    (void)state;
    int port = open_listener(SHOAL_LISTEN_TCP, 0);
    int fd = dial(port);
    assert_answers(fd, "a", "heard a");
    tear_down(state);
    assert_true(is_closed(fd));
    close(fd);
    bool is_refused = false;
    for (int i = 0; i < 5000 && !is_refused; i++) { // the port is given back
        struct sockaddr_in address = {.sin_family = AF_INET,
            .sin_port = htons((uint16_t)port),
            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        is_refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0;
        close(fd);
        usleep(1000);
    }
    assert_true(is_refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(takes_connections_on_any_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_connections_of_a_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_the_sender_of_a_datagram, set_up, tear_down),
        cmocka_unit_test_setup_teardown(speaks_tls_where_the_server_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_idle_is_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_shake_hands_is_let_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_owner_may_refuse, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            counts_towards_the_bound_of_all_connections, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_with_its_owner, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
