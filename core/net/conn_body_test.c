// conn_body_test.c - bodies of requests: exactly as large as is allowed, in any framing, and
// 100-continue.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

static uint64_t limit;

static int limit_head(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    shoal_request_limit(request, limit);
    return 0;
}

static int count_bytes(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    size_t length;
    char text[32];
    shoal_request_body_bytes(request, &length);
    snprintf(text, sizeof text, "%zu", length);
    return shoal_answer_text(request, 200, text);
}

static int start_more(void **state)
{
    start(state);
    add(&(struct shoal_route){.method = "POST",
        .path = "/default",
        .handler = count_bytes,
        .body = SHOAL_BODY_DATA,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "POST",
        .path = "/ten",
        .handler = count_bytes,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 10,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "POST",
        .path = "/head",
        .handler = count_bytes,
        .head = limit_head,
        .body = SHOAL_BODY_DATA,
        .body_max_bytes = 10,
        .rate = SHOAL_RATE_NONE});
    add(&(struct shoal_route){.method = "POST",
        .path = "/files",
        .handler = count_bytes,
        .head = limit_head,
        .body = SHOAL_BODY_FILES,
        .rate = SHOAL_RATE_NONE});
    return 0;
}

/// Posts so many bytes. Returns: the status; the body's length is checked where it is 200.
static int post(const char *path, size_t size, bool is_chunked)
{
    char text[300];
    char *bytes = malloc(size + 1);
    memset(bytes, 'x', size + 1);
    struct reply reply = {0};
    int fd = dial(world.port);
    if (is_chunked) {
        snprintf(text, sizeof text,
            "POST %s HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", path, size);
    } else {
        snprintf(text, sizeof text, "POST %s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", path,
            size);
    }
    say(fd, text);
    say_bytes(fd, bytes, size);
    if (is_chunked) {
        say(fd, "\r\n0\r\n\r\n");
    }
    hear(fd, &reply, true);
    int status = reply.status;
    if (status == 200) {
        assert_int_equal(strtoull(reply.body.data, NULL, 10), size);
    }
    close(fd);
    forget(&reply);
    free(bytes);
    return status;
}

static void takes_as_much_as_is_allowed_and_no_byte_more(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t limit; // what the head handler says
        size_t most;
    } rows[] = {
        {"/default", 0, 500000}, {"/ten", 0, 10},
        {"/head", 20000, 20000}, // its word goes over the route's
        {"/head", 3, 3}, {"/files", 1000, 1000},
        {"/files", 1ull << 40, 8u << 20}, // memory has a bound of its own
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        limit = rows[i].limit;
        for (int is_chunked = 0; is_chunked < 2; is_chunked++) {
            assert_int_equal(post(rows[i].path, rows[i].most, is_chunked), 200);
            assert_int_equal(post(rows[i].path, rows[i].most + 1, is_chunked), 413);
        }
    }
}

static void a_limit_of_nothing_is_one(void **state)
{
    (void)state;
    limit = 0;
    assert_int_equal(post("/head", 1, false), 413);
    assert_int_equal(post("/head", 1, true), 413);
}

static void reads_a_body_that_comes_in_drops(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    const char *text = "POST /ten HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
                       "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nA: b\r\n\r\n"
                       "POST /ten HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nhi";
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i += 5) {
        say_bytes(fd, text + i, length - i < 5 ? length - i : 5);
        usleep(500);
    }
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "7");
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "2");
    close(fd);
    forget(&reply);
}

static void says_go_on_only_to_who_waits_for_it(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply,
        "POST /ten HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(reply.status, 100);
    say(fd, "hi");
    hear(fd, &reply, true);
    assert_string_equal(reply.body.data, "2");
    ask(fd, &reply,
        "POST /ten HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
    assert_int_equal(reply.status, 200); // the body is here already
    ask(fd, &reply,
        "POST /ten HTTP/1.1\r\n" HOST "Expect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    assert_int_equal(reply.status, 413);
    assert_true(is_closed(fd));
    close(fd);
    forget(&reply);
}

static void refuses_chunks_that_are_none_and_ends(void **state)
{
    (void)state;
    static const char *const bad[] = {"x\r\n", "1\r\nabc", "1\na", "2\r\na\r\n0\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct reply reply = {0};
        int fd = dial(world.port);
        say(fd, "POST /ten HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        ask(fd, &reply, bad[i]);
        assert_int_equal(reply.status, 400);
        assert_true(is_closed(fd)); // nobody knows where the next request begins
        close(fd);
        forget(&reply);
    }
}

#define HOLDERS 80 // who send a body and never its end: 40 MB if all were taken

static void bodies_in_memory_have_a_bound_together(void **state)
{
    (void)state;
    struct reply reply = {0};
    struct pollfd holders[HOLDERS];
    char *bytes = calloc(1, 499999);
    for (size_t i = 0; i < HOLDERS; i++) {
        holders[i] = (struct pollfd){.fd = dial(world.port), .events = POLLIN};
        ask(holders[i].fd, &reply, "POST /default HTTP/1.1\r\n" HOST
                                   "Expect: 100-continue\r\nContent-Length: 500000\r\n\r\n");
        assert_int_equal(reply.status, 100); // it has left the workers
        for (size_t done = 0; done < 499999;) {
            ssize_t sent = send(holders[i].fd, bytes + done, 499999 - done, MSG_NOSIGNAL);
            if (sent <= 0) {
                break; // refused meanwhile
            }
            done += (size_t)sent;
        }
    }
    free(bytes);
    assert_true(poll(holders, HOLDERS, 20000) > 0);
    size_t refused = 0;
    while (holders[refused].revents == 0) {
        refused++;
    }
    hear(holders[refused].fd, &reply, true);
    assert_int_equal(reply.status, 503);
    assert_string_equal(header(&reply, "Retry-After"), "5");
    forget(&reply);
    assert_int_equal(post("/default", 10000, false), 200); // a login, a comment
    for (size_t i = 0; i < HOLDERS; i++) {
        close(holders[i].fd);
    }
    int status = 503;
    for (int i = 0; i < 2000 && status == 503; i++) {
        status = post("/default", 400000, true);
    }
    assert_int_equal(status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_as_much_as_is_allowed_and_no_byte_more),
        cmocka_unit_test(a_limit_of_nothing_is_one),
        cmocka_unit_test(reads_a_body_that_comes_in_drops),
        cmocka_unit_test(says_go_on_only_to_who_waits_for_it),
        cmocka_unit_test(refuses_chunks_that_are_none_and_ends),
        cmocka_unit_test(bodies_in_memory_have_a_bound_together),
    };
    return cmocka_run_group_tests(tests, start_more, stop);
}
