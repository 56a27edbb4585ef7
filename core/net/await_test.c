// await_test.c - requests that wait for a word hold no worker, miss no word and never wait for ever.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_priv.h"
#include "net/server.h"
#include "net/server_kit_priv.h"

#define MANY 60

static atomic_int begun, again;

// Waits once for the word of its query; how: what it does besides.
static int wait_once(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    const char *word = shoal_request_query(request, "word");
    const char *how = shoal_request_query(request, "how");
    const char *wait_ms = shoal_request_query(request, "ms");
    bool is_stubborn = how && strcmp(how, "stubborn") == 0;
    if (is_stubborn && shoal_request_await(request, word, 60000, err) == 0) {
        atomic_fetch_add(&begun, 1);
        return 0;
    }
    if (is_stubborn || shoal_request_kept(request)) {
        atomic_fetch_add(&again, 1);
        return shoal_answer_text(request, 200, shoal_call_cancelled(call) ? "cancelled" : "again");
    }
    shoal_answer_header(request, "X-Half", "made");
    int code = shoal_request_await(request, word,
        wait_ms ? (uint32_t)strtoul(wait_ms, NULL, 10) : 60000, err);
    if (code != 0) {
        return code;
    }
    shoal_request_keep(request, &world);
    if (how && strcmp(how, "said") == 0) { // before it rests
        shoal_request_wake(word);
    }
    if (how && strcmp(how, "answered") == 0) {
        return shoal_answer_text(request, 200, "at once");
    }
    atomic_fetch_add(&begun, 1);
    return 0;
}

// Asks to wait where nobody may; how: what it does then.
static int wait_too_early(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    bool is_refused = shoal_request_await(request, "early", 60000, err) == SHOAL_EUNSUPPORTED;
    return !is_refused ? SHOAL_EINTERNAL
        : shoal_request_query(request, "goes on")
        ? 0
        : shoal_answer_text(request, 200, "refused");
}

static int start_waiting(void **state)
{
    int code = start(state);
    add(&(struct shoal_route){.method = "GET", .path = "/soon", .handler = hello,
        .quick = wait_too_early, .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "POST", .path = "/soon", .handler = hello,
        .head = wait_too_early, .body = SHOAL_BODY_DATA, .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){
        .method = "GET", .path = "/wait", .handler = wait_once, .rate = SHOAL_RATE_NONE});
    return code;
}

static int set_up(void **state)
{
    (void)state;
    atomic_store(&begun, 0);
    atomic_store(&again, 0);
    return 0;
}

static void ask_to_wait(int fd, const char *query)
{
    char text[256];
    snprintf(text, sizeof text, "GET /wait?%s HTTP/1.1\r\n" HOST "\r\n", query);
    say(fd, text);
}

static void until(atomic_int *count, int wanted)
{
    for (int i = 0; i < 5000 && atomic_load(count) < wanted; i++) {
        usleep(2000);
    }
    assert_int_equal(atomic_load(count), wanted);
}

static void many_wait_and_the_workers_are_free(void **state)
{
    (void)state;
    int fds[MANY];
    struct reply reply = {0};
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial(world.port);
        ask_to_wait(fds[i], i % 2 ? "word=odd" : "word=even");
        until(&begun, i + 1); // the kit's queue is short
    }
    int fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body.data, "hello you");
    shoal_request_wake("other");
    shoal_request_wake("odd");
    until(&again, MANY / 2);
    for (int i = 1; i < MANY; i += 2) {
        hear(fds[i], &reply, true);
        assert_int_equal(reply.status, 200);
        assert_string_equal(reply.body.data, "again");
        assert_null(header(&reply, "X-Half")); // of the answer that it did not give
    }
    assert_int_equal(atomic_load(&again), MANY / 2);
    shoal_request_wake("even");
    for (int i = 0; i < MANY; i++) {
        if (i % 2 == 0) {
            hear(fds[i], &reply, true);
            assert_string_equal(reply.body.data, "again");
        }
        ask(fds[i], &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n"); // the connection is in step
        assert_string_equal(reply.body.data, "hello you");
        close(fds[i]);
    }
    close(fd);
    forget(&reply);
}

static void a_word_that_comes_early_is_not_missed(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    for (int i = 0; i < 20; i++) {
        ask_to_wait(fd, "word=early&how=said");
        hear(fd, &reply, true);
        assert_string_equal(reply.body.data, "again");
    }
    ask_to_wait(fd, "word=early&how=answered");
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "at once");
    shoal_request_wake("early"); // nobody is left to hear it
    assert_int_equal(atomic_load(&again), 20);
    close(fd);
    forget(&reply);
}

static void the_wait_has_an_end(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask_to_wait(fd, "word=never&ms=300");
    hear(fd, &reply, true);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.data, "again");
    close(fd);
    forget(&reply);
}

// Until the loops have seen who is gone.
static void connections_left(uint32_t wanted)
{
    struct shoal_server_stats stats = {0};
    for (int i = 0; i < 5000; i++) {
        shoal_server_stats(&stats);
        if (stats.connections == wanted) {
            break;
        }
        usleep(2000);
    }
    assert_int_equal(stats.connections, wanted);
}

static void who_went_away_is_waited_for_by_nobody(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        int fd = dial(world.port);
        ask_to_wait(fd, "word=gone");
        until(&begun, i + 1);
        struct linger reset = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    int fd = dial(world.port);
    struct reply reply = {0};
    ask_to_wait(fd, "word=there");
    until(&begun, 11);
    for (int i = 0; i < 100 && atomic_load(&again) == 0; i++) {
        shoal_request_wake("there");
        usleep(10000);
    }
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "again");
    connections_left(1);
    shoal_request_wake("gone");
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(atomic_load(&again), 1);
    close(fd);
    forget(&reply);
}

static void requests_without_a_connection_cannot_wait(void **state)
{
    (void)state;
    struct shoal_call call;
    struct shoal_err err = {0};
    shoal_call_init(&call);
    struct shoal_request *inner =
        shoal_request_internal_new(&call, NULL, "GET", "/wait", NULL, &err);
    assert_non_null(inner);
    assert_int_equal(shoal_request_await(inner, "x", 1000, &err), SHOAL_EUNSUPPORTED);
    assert_false(shoal_request_awaits(inner));
    shoal_call_fini(&call);
}

static void only_the_handler_may_wait(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "GET /soon HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body.data, "refused");
    ask(fd, &reply, "GET /soon?goes+on=1 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(reply.body.data, "hello you");
    // Its body never comes: the request ends between its two handlers.
    say(fd, "POST /soon?goes+on=1 HTTP/1.1\r\nContent-Length: 10\r\n" HOST "\r\n");
    close(fd);
    fd = dial(world.port);
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    shoal_request_wake("early"); // nobody was listed
    assert_string_equal(reply.body.data, "hello you");
    close(fd);
    forget(&reply);
}

static void those_who_wait_are_called_when_the_server_stops(void **state)
{
    int fd = dial(world.port);
    struct reply reply = {0};
    int other = dial(world.port);
    ask_to_wait(fd, "word=never");
    until(&begun, 1);
    ask_to_wait(other, "word=never&how=stubborn"); // waits whenever it is called, as long as it may
    until(&begun, 2);
    usleep(50000);
    assert_int_equal(stop(state), 0); // it would wait for its grace, and cut the requests off
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "again");
    hear(other, &reply, true);
    assert_string_equal(reply.body.data, "again");
    close(fd);
    close(other);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(many_wait_and_the_workers_are_free, set_up),
        cmocka_unit_test_setup(a_word_that_comes_early_is_not_missed, set_up),
        cmocka_unit_test_setup(the_wait_has_an_end, set_up),
        cmocka_unit_test_setup(who_went_away_is_waited_for_by_nobody, set_up),
        cmocka_unit_test_setup(requests_without_a_connection_cannot_wait, set_up),
        cmocka_unit_test_setup(only_the_handler_may_wait, set_up),
        cmocka_unit_test_setup(those_who_wait_are_called_when_the_server_stops, set_up),
    };
    return cmocka_run_group_tests(tests, start_waiting, NULL); // its last test stops the server
}
