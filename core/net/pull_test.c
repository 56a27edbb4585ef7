// pull_test.c - sources that make their bytes: framing, ends that come too soon, clients that go
// away.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

/// A source of `left` bytes that then ends, fails, or waits for the gate.
struct script {
    int64_t left, part; // part: most of one read; 0: as asked
    int64_t at_end;     // what the last read gives
    uint64_t at;
};

static atomic_int opened, closed;

static int64_t read_script(void *state, void *out, size_t room)
{
    struct script *script = state;
    if (script->left == 0) {
        return script->at_end;
    }
    int64_t count = script->left < (int64_t)room ? script->left : (int64_t)room;
    count = script->part > 0 && script->part < count ? script->part : count;
    for (int64_t i = 0; i < count; i++) {
        ((char *)out)[i] = (char)('a' + (script->at + (uint64_t)i) % 26);
    }
    script->at += (uint64_t)count;
    script->left -= count;
    return count;
}

static void close_script(void *state)
{
    free(state);
    atomic_fetch_add(&closed, 1);
}

static int64_t number(const struct shoal_request *request, const char *name, int64_t otherwise)
{
    const char *text = shoal_request_query(request, name);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static int scripted(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    struct script *script = calloc(1, sizeof *script);
    script->left = number(request, "left", 0);
    script->part = number(request, "part", 0);
    script->at_end = number(request, "end", 0);
    atomic_fetch_add(&opened, 1);
    return shoal_answer_pull(request, 200, "text/plain",
        &(struct shoal_pull){.read = read_script,
            .close = close_script,
            .state = script,
            .size_bytes = number(request, "size", -1)});
}

static int start_more(void **state)
{
    start(state);
    add(&(struct shoal_route){
        .method = "GET", .path = "/script", .handler = scripted, .rate = SHOAL_RATE_NONE});
    return 0;
}

/// Every source was closed once, whatever became of its client.
static int all_closed(void **state)
{
    (void)state;
    for (int i = 0; i < 5000 && atomic_load(&closed) < atomic_load(&opened); i++) {
        usleep(1000);
    }
    assert_int_equal(atomic_load(&closed), atomic_load(&opened));
    return 0;
}

static void frames_what_it_gives(void **state)
{
    (void)state;
    static const struct {
        const char *query;
        size_t length;
        bool is_cut; // the connection ends before the answer does
    } rows[] = {
        {"left=0", 0, false},
        {"left=1", 1, false},
        {"left=200000", 200000, false},
        {"left=1000&part=7", 1000, false},
        {"left=0&size=0", 0, false},
        {"left=70000&size=70000", 70000, false},
        {"left=70001&size=70000", 70000, false}, // no byte past what was promised
        {"left=1000&part=7&size=1000", 1000, false},
        {"left=999&size=1000", 999, true},
        {"left=0&size=1", 0, true},
        {"left=500&end=-10", 500, true}, // an error, not an end
        {"left=500&end=-10&size=1000", 500, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        struct reply reply = {0};
        int fd = dial(world.port);
        snprintf(text, sizeof text, "GET /script?%s HTTP/1.1\r\n" HOST "\r\n", rows[i].query);
        ask(fd, &reply, text);
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.is_closed, rows[i].is_cut);
        assert_int_equal(reply.body.length, rows[i].length);
        for (size_t at = 0; at < reply.body.length; at++) {
            assert_int_equal(reply.body.data[at], 'a' + at % 26);
        }
        if (!rows[i].is_cut) {
            ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
            assert_string_equal(reply.body.data, "hello you"); // the connection is in step
        }
        close(fd);
        forget(&reply);
    }
}

static void an_old_client_hears_the_end_as_the_end(void **state)
{
    (void)state;
    struct shoal_buf all = {0};
    char block[4096];
    ssize_t got;
    int fd = dial(world.port);
    say(fd, "GET /script?left=100000 HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n\r\n");
    while ((got = recv(fd, block, sizeof block, 0)) > 0) {
        shoal_buf_add(&all, block, (size_t)got);
    }
    assert_null(strstr(all.data, "chunked"));
    assert_int_equal(all.length - (size_t)(strstr(all.data, "\r\n\r\n") + 4 - all.data), 100000);
    close(fd);
    shoal_buf_fini(&all);
}

static void closes_the_source_of_a_client_that_went_away(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        char block[100];
        int fd = dial(world.port);
        say(fd, "GET /script?left=100000000 HTTP/1.1\r\n" HOST "\r\n");
        assert_true(recv(fd, block, sizeof block, 0) > 0);
        close(fd);
    }
}

static void head_opens_and_closes_it_unread(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "HEAD /script?left=5&size=5 HTTP/1.1\r\n" HOST "\r\n");
    assert_string_equal(header(&reply, "Content-Length"), "5");
    ask(fd, &reply, "GET /hello HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.status, 200);
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(frames_what_it_gives, all_closed),
        cmocka_unit_test_teardown(an_old_client_hears_the_end_as_the_end, all_closed),
        cmocka_unit_test_teardown(closes_the_source_of_a_client_that_went_away, all_closed),
        cmocka_unit_test_teardown(head_opens_and_closes_it_unread, all_closed),
    };
    return cmocka_run_group_tests(tests, start_more, stop);
}
