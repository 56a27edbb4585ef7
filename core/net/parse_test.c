// parse_test.c - heads and chunks: what is read, and what is refused.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/chunk_priv.h"
#include "net/parse_priv.h"

static struct shoal_head head;
static struct shoal_refusal refusal;

static int parse(const char *text)
{
    size_t length = strlen(text);
    char *exact = malloc(length); // no byte behind it may be read
    memcpy(exact, text, length);
    refusal = (struct shoal_refusal){0};
    int rc = shoal_head_parse(exact, length, &head, &refusal);
    if (rc == 0) {
        static char kept[SHOAL_HEAD_MAX];
        shoal_head_move(&head, exact, memcpy(kept, exact, length));
    }
    free(exact);
    return rc ? refusal.status : 0;
}

static void reads_a_head(void **state)
{
    (void)state;
    assert_int_equal(parse("GET /a/b?c=d&e HTTP/1.1\r\nHost: x:80\r\nX-Empty:\r\nAccept:  y \r\n\r\n"),
        0);
    assert_string_equal(head.method.at, "GET");
    assert_string_equal(head.path.at, "/a/b");
    assert_string_equal(head.query.at, "c=d&e");
    assert_string_equal(head.host.at, "x:80");
    assert_string_equal(shoal_head_get(&head, "accept").at, "y");
    assert_string_equal(shoal_head_get(&head, "x-empty").at, "");
    assert_null(shoal_head_get(&head, "x-none").at);
    assert_true(head.keep_alive);
}

static void reads_connection_and_version(void **state)
{
    (void)state;
    assert_int_equal(parse("GET / HTTP/1.0\r\nHost: x\r\n\r\n"), 0);
    assert_false(head.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n"), 0);
    assert_true(head.keep_alive);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\n\r\n"), 0);
    assert_false(head.keep_alive);
    assert_true(head.is_upgrade);
    assert_int_equal(parse("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
}

static void reads_absolute_targets_of_its_own_host(void **state)
{
    (void)state;
    assert_int_equal(parse("GET http://x/a?b HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
    assert_string_equal(head.path.at, "/a");
    assert_string_equal(head.query.at, "b");
    assert_int_equal(parse("GET http://y/a HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"), 0);
}

static void refuses_each_smuggling_form(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1\r\nTransfer-Encoding: chunked",
        "Content-Length: -1",
        "Content-Length: 0x1",
        "Content-Length: 1 1",
        "Content-Length: ",
        "Content-Length: 9999999999999999999",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
        ("Transfer-Encoding:\x0b" "chunked"),
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X: a\r\n\tb",
        "X: a\rY: b",
        "X: a\nY: b",
        "X\x80: a",
        ": a",
        "X",
        "Host: y",
        "X: \x01",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", cases[i]);
        if (parse(text) != 400) {
            print_error("case %zu\n", i);
        }
        assert_int_equal(parse(text), 400);
        assert_true(refusal.text[0] != 0);
    }
    assert_int_equal(parse("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(parse("GET  / HTTP/1.1\r\nHost: x\r\n\r\n"), 400);
    assert_int_equal(parse("GET / HTTP/1.1 \r\nHost: x\r\n\r\n"), 505);
    assert_int_equal(parse("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
    assert_int_equal(parse("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n"), 417);
}

static void finds_the_end_however_it_arrives(void **state)
{
    (void)state;
    const char *text = "GET / HTTP/1.1\r\nHost: x\r\n\r\nrest";
    size_t scanned = 0;
    for (size_t length = 1; length < 27; length++) {
        assert_int_equal(shoal_head_find(text, length, &scanned, &refusal), 0);
    }
    assert_int_equal(shoal_head_find(text, 27, &scanned, &refusal), 27);
    scanned = 0;
    assert_int_equal(shoal_head_find(text, strlen(text), &scanned, &refusal), 27);
    scanned = 0;
    assert_int_equal(shoal_head_find("G\n\n", 3, &scanned, &refusal), 3); // refused by the parser
}

static void knows_at_the_first_byte_what_is_no_request(void **state)
{
    (void)state;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    size_t scanned = 0;
    assert_int_equal(shoal_head_find(hello, sizeof hello - 1, &scanned, &refusal), -1);
    assert_int_equal(refusal.status, 400);
    scanned = 0;
    assert_int_equal(shoal_head_find("\0\0", 2, &scanned, &refusal), -1);
    scanned = 0;
    assert_int_equal(shoal_head_find("G", 1, &scanned, &refusal), 0);
    scanned = 0;
    assert_int_equal(shoal_head_find("\r\n", 2, &scanned, &refusal), 0);
}

static void bounds_lines_and_heads(void **state)
{
    (void)state;
    char *text = malloc(SHOAL_HEAD_MAX + 10);
    memset(text, 'a', SHOAL_HEAD_MAX + 10);
    size_t scanned = 0;
    assert_int_equal(shoal_head_find(text, SHOAL_LINE_MAX, &scanned, &refusal), 0);
    assert_int_equal(shoal_head_find(text, SHOAL_LINE_MAX + 1, &scanned, &refusal), -1);
    assert_int_equal(refusal.status, 414);
    scanned = 0;
    text[10] = '\n';
    assert_int_equal(shoal_head_find(text, SHOAL_HEAD_MAX + 1, &scanned, &refusal), -1);
    assert_int_equal(refusal.status, 431);
    memcpy(text + SHOAL_HEAD_MAX - 3, "\r\n\r\n", 4); // whole, in one piece, and one byte too long
    scanned = 0;
    refusal.status = 0;
    assert_int_equal(shoal_head_find(text, SHOAL_HEAD_MAX + 10, &scanned, &refusal), -1);
    assert_int_equal(refusal.status, 431);
    memcpy(text + SHOAL_HEAD_MAX - 4, "\r\n\r\na", 5);
    scanned = 0;
    assert_int_equal(shoal_head_find(text, SHOAL_HEAD_MAX + 10, &scanned, &refusal), SHOAL_HEAD_MAX);
    free(text);
}

// Feeds a chunked body in pieces of `step` bytes; the result is the body, or NULL.
static const char *unchunk(const char *text, size_t step, size_t *left)
{
    static char out[256];
    struct shoal_chunked chunked = {0};
    size_t length = strlen(text), at = 0, used = 0;
    while (at < length && !chunked.is_done) {
        size_t take = length - at < step ? length - at : step;
        const char *body;
        size_t body_length;
        long count = shoal_chunked_feed(&chunked, text + at, take, &body, &body_length);
        if (count < 0) {
            return NULL;
        }
        memcpy(out + used, body ? body : "", body_length);
        used += body_length;
        at += (size_t)count;
    }
    out[used] = 0;
    *left = length - at;
    return chunked.is_done ? out : NULL;
}

static void reads_chunks_however_they_arrive(void **state)
{
    (void)state;
    const char *text = "5;a=\"b\"\r\nhello\r\n001\r\n \r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nnext";
    for (size_t step = 1; step < 64; step++) {
        size_t left = 0;
        assert_string_equal(unchunk(text, step, &left), "hello 0123456789");
        assert_int_equal(left, 4);
    }
}

static void refuses_what_is_not_a_chunk(void **state)
{
    (void)state;
    static const char *const cases[] = {"x\r\n", "\r\n", "-1\r\n", " 1\r\na\r\n", "1 \r\na\r\n",
        "1\na\n0\n\n", "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "0x1\r\na\r\n",
        "1000000000000000\r\n", "1;\x01\r\na\r\n", "1;a\nb\r\n", "0\r\n X: y\r\n\r\n",
        "0\r\n\rX", "1\r\ra"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t left;
        assert_null(unchunk(cases[i], 100, &left));
    }
}

static void bounds_chunk_extensions_and_trailers(void **state)
{
    (void)state;
    struct shoal_chunked chunked = {0};
    char line[2000];
    memset(line, 'a', sizeof line);
    line[0] = '1';
    line[1] = ';';
    const char *body;
    size_t length;
    assert_int_equal(shoal_chunked_feed(&chunked, line, sizeof line, &body, &length), -1);
    chunked = (struct shoal_chunked){0};
    const char *chunk = "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", *data = "x\r\n";
    long rc = 0;
    for (int i = 0; i < 1000 && rc >= 0; i++) {
        rc = shoal_chunked_feed(&chunked, chunk, strlen(chunk), &body, &length);
        rc = rc < 0 ? rc : shoal_chunked_feed(&chunked, data, 1, &body, &length);
        rc = rc < 0 ? rc : shoal_chunked_feed(&chunked, data + 1, 2, &body, &length);
    }
    assert_int_equal(rc, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_head),
        cmocka_unit_test(reads_connection_and_version),
        cmocka_unit_test(reads_absolute_targets_of_its_own_host),
        cmocka_unit_test(refuses_each_smuggling_form),
        cmocka_unit_test(finds_the_end_however_it_arrives),
        cmocka_unit_test(knows_at_the_first_byte_what_is_no_request),
        cmocka_unit_test(bounds_lines_and_heads),
        cmocka_unit_test(reads_chunks_however_they_arrive),
        cmocka_unit_test(refuses_what_is_not_a_chunk),
        cmocka_unit_test(bounds_chunk_extensions_and_trailers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
