// fetcher_flight_test.c - many requests under way at once: together, in the order of their ends, bounded.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include <shoal/base.h>

#include "base/context.h"
#include "net/fetcher.h"

#define CLIENTS 400

/// On all of 127.0.0.0/8. Keeps all connections at once. "/mute" is never answered, "/wait" when `wait_for` of them are
/// there, anything else at once; connections stay open.
static struct {
    pthread_t thread;
    int fd, port;
    atomic_int accepted, wait_for;
} peer;

static void answer(int fd, const char *status)
{
    char text[128];
    int length = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: 2\r\n\r\nok", status);
    send(fd, text, (size_t)length, MSG_NOSIGNAL);
}

static void release(int *waiting, int *count)
{
    if (*count >= atomic_load(&peer.wait_for)) {
        while (*count > 0) {
            answer(waiting[--*count], "202 Accepted");
        }
    }
}

static void *serve(void *unused)
{
    (void)unused;
    struct pollfd polled[CLIENTS] = {{.fd = peer.fd, .events = POLLIN}};
    int count = 1, waiting[CLIENTS], waiting_count = 0;
    for (;;) {
        poll(polled, (nfds_t)count, 50);
        if (polled[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
            break;
        }
        if (polled[0].revents & POLLIN && count < CLIENTS) {
            polled[count++] = (struct pollfd){.fd = accept(peer.fd, NULL, NULL), .events = POLLIN};
            atomic_fetch_add(&peer.accepted, 1);
        }
        for (int i = 1; i < count; i++) {
            char asked[2048];
            ssize_t got = polled[i].revents ? recv(polled[i].fd, asked, sizeof asked - 1, 0) : -1;
            if (polled[i].revents && got <= 0) {
                close(polled[i].fd);
                polled[i--] = polled[--count];
                continue;
            }
            if (got > 0) {
                asked[got] = '\0';
                if (strncmp(asked, "POST /wait", 10) == 0) {
                    waiting[waiting_count++] = polled[i].fd;
                    release(waiting, &waiting_count);
                } else if (strncmp(asked, "POST /mute", 10) != 0) {
                    answer(polled[i].fd, strncmp(asked, "POST /no", 8) == 0 ? "500 No" : "200 OK");
                }
            }
        }
    }
    for (int i = 1; i < count; i++) {
        close(polled[i].fd);
    }
    return NULL;
}

static int start_all(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t length = sizeof address;
    peer.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(peer.fd, (struct sockaddr *)&address, length) != 0 || listen(peer.fd, 512) != 0) {
        return -1;
    }
    getsockname(peer.fd, (struct sockaddr *)&address, &length);
    peer.port = ntohs(address.sin_port);
    struct shoal_guard guard = {0};
    struct shoal_err err = {0};
    return shoal_guard_allow(&guard, "127.0.0.0/30", &err) != 0 ||
                   shoal_fetcher_start("Test/1", &guard, &err) != 0
               ? -1
               : pthread_create(&peer.thread, NULL, serve, NULL);
}

static int stop_all(void **state)
{
    (void)state;
    shoal_fetcher_stop();
    shutdown(peer.fd, SHUT_RDWR);
    pthread_join(peer.thread, NULL);
    close(peer.fd);
    return 0;
}

static struct shoal_call call;

static int open_call(void **state)
{
    (void)state;
    shoal_call_init(&call);
    return 0;
}

static int close_call(void **state)
{
    (void)state;
    shoal_call_fini(&call);
    return 0;
}

/// Hosts 127.0.0.1, .2 and .3, so that six connections a host are not what bounds it.
static int begin(struct shoal_flight *flight, int i, const char *path, uint32_t timeout_ms)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.%d:%d%s", i % 3 + 1, peer.port, path);
    const struct shoal_fetch what = {.method = "POST",
        .url = url,
        .body = "hello",
        .body_bytes = 5,
        .timeout_ms = timeout_ms};
    struct shoal_err err = {0};
    return shoal_fetcher_begin(flight, &what, (void *)(intptr_t)(i + 1), &err);
}

static int take(struct shoal_flight *flight, int wait_ms, intptr_t *mark, int *status, int *code)
{
    struct shoal_fetched fetched = {0};
    struct shoal_err err = {0};
    void *whose = NULL;
    int taken = shoal_fetcher_take(flight, wait_ms, &whose, &fetched, code, &err);
    *mark = (intptr_t)whose;
    *status = fetched.status;
    if (taken && *code == 0) {
        assert_string_equal(fetched.body, "ok");
    }
    return taken;
}

static void many_are_under_way_at_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_flight *flight = shoal_flight_open(&call, 18, &err);
    assert_non_null(flight);
    atomic_store(&peer.wait_for, 18); // none is answered before all are there
    for (int i = 0; i < 18; i++) {
        assert_int_equal(begin(flight, i, "/wait", 5000), 0);
    }
    assert_int_equal(begin(flight, 19, "/", 5000), SHOAL_EFULL);
    intptr_t mark, sum = 0;
    int status, code;
    for (int i = 0; i < 18; i++) {
        assert_int_equal(take(flight, 5000, &mark, &status, &code), 1);
        assert_int_equal(code, 0);
        assert_int_equal(status, 202);
        sum += mark;
    }
    assert_int_equal(sum, 18 * 19 / 2);
    assert_int_equal(take(flight, 0, &mark, &status, &code), 0);
    shoal_flight_close(flight);
}

static void connections_are_used_again(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_flight *flight = shoal_flight_open(&call, 1, &err);
    intptr_t mark;
    int status, code, before = 0;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(begin(flight, 0, "/again", 5000), 0);
        assert_int_equal(take(flight, 5000, &mark, &status, &code), 1);
        assert_int_equal(status, 200);
        before = i == 0 ? atomic_load(&peer.accepted) : before;
    }
    assert_int_equal(atomic_load(&peer.accepted), before);
    shoal_flight_close(flight);
}

static void each_ends_in_its_own_way(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_flight *flight = shoal_flight_open(&call, 8, &err);
    assert_int_equal(begin(flight, 0, "/mute", 300), 0);
    assert_int_equal(begin(flight, 1, "/no", 5000), 0);
    const struct shoal_fetch forbidden = {.url = "http://127.9.9.9/"};
    assert_int_equal(shoal_fetcher_begin(flight, &forbidden, (void *)3, &err), 0);
    const struct shoal_fetch broken = {.url = "nothing"};
    assert_int_equal(shoal_fetcher_begin(flight, &broken, NULL, &err), SHOAL_EINVAL);
    const struct shoal_fetch redirected = {.url = "http://127.0.0.1/", .redirects = 1};
    assert_int_equal(shoal_fetcher_begin(flight, &redirected, NULL, &err), SHOAL_EINVAL);
    int codes[4] = {0}, statuses[4] = {0}, status, code;
    intptr_t mark, last = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(take(flight, 3000, &mark, &status, &code), 1);
        codes[mark] = code;
        statuses[mark] = status;
        last = mark;
    }
    assert_int_equal(codes[1], SHOAL_ETIMEOUT);
    assert_int_equal(last, 1); // who is silent keeps nobody waiting
    assert_int_equal(codes[2], 0);
    assert_int_equal(statuses[2], 500);
    assert_int_equal(codes[3], SHOAL_EFORBIDDEN);
    assert_int_equal(statuses[3], 0);
    shoal_flight_close(flight);
}

static void what_is_under_way_ends_with_its_flight(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_flight *flight = shoal_flight_open(&call, 12, &err);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(begin(flight, i, "/mute", 60000), 0);
    }
    int64_t from = shoal_tick_ms();
    shoal_flight_close(flight);
    assert_true(shoal_tick_ms() - from < 5000);
}

static void who_waits_hears_that_the_call_is_cancelled(void **state)
{
    (void)state;
    static atomic_bool cancel;
    struct shoal_err err = {0};
    struct shoal_flight *flight = shoal_flight_open(&call, 2, &err);
    assert_int_equal(begin(flight, 0, "/mute", 60000), 0);
    call.cancel = &cancel;
    atomic_store(&cancel, true);
    intptr_t mark;
    int status, code;
    int64_t from = shoal_tick_ms();
    assert_int_equal(take(flight, 60000, &mark, &status, &code), 0);
    assert_true(shoal_tick_ms() - from < 5000);
    shoal_flight_close(flight);
}

static void flights_share_one_room(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_null(shoal_flight_open(&call, 0, &err));
    assert_null(shoal_flight_open(&call, 513, &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    struct shoal_flight *one = shoal_flight_open(&call, 512, &err);
    struct shoal_flight *other = shoal_flight_open(&call, 256, &err);
    assert_true(one && other);
    assert_null(shoal_flight_open(&call, 1, &err));
    assert_int_equal(err.code, SHOAL_EBUSY);
    shoal_flight_close(one);
    one = shoal_flight_open(&call, 1, &err);
    assert_non_null(one);
    shoal_flight_close(one);
    shoal_flight_close(other);
    shoal_flight_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_call, close_call)
        CASE(many_are_under_way_at_once),
        CASE(connections_are_used_again),
        CASE(each_ends_in_its_own_way),
        CASE(what_is_under_way_ends_with_its_flight),
        CASE(who_waits_hears_that_the_call_is_cancelled),
        CASE(flights_share_one_room),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
