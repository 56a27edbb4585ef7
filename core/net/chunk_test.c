// chunk_test.c - bodies in chunks: split anywhere, bounded, and every byte that is not in the
// grammar.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/chunk_priv.h"

struct result {
    char body[256];
    size_t length, used;
    bool is_done, is_bad;
};

/// Feeds a text in pieces of `step` bytes, each from memory of its own.
static void feed(const char *text, size_t size, size_t step, struct result *result)
{
    struct shoal_chunked chunked = {0};
    *result = (struct result){0};
    for (size_t at = 0; at < size && !chunked.is_done; at += step) {
        size_t left = size - at < step ? size - at : step;
        char *piece = malloc(left);
        memcpy(piece, text + at, left);
        size_t done = 0;
        while (done < left && !chunked.is_done) {
            const char *body;
            size_t length;
            long used = shoal_chunked_feed(&chunked, piece + done, left - done, &body, &length);
            if (used < 0) {
                result->is_bad = true;
                free(piece);
                return;
            }
            assert_true(used > 0);
            assert_true(result->length + length < sizeof result->body);
            if (length > 0) {
                memcpy(result->body + result->length, body, length);
            }
            result->length += length;
            done += (size_t)used;
        }
        result->used += done;
        free(piece);
    }
    result->is_done = chunked.is_done;
}

static void reads_bodies_however_they_are_cut(void **state)
{
    (void)state;
    static const struct {
        const char *text, *body;
    } rows[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"},
        {"00000A\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
        {"a;name=value;x\r\n0123456789\r\n0;last\r\n\r\n", "0123456789"},
        {"4\r\n\r\n\r\n\r\n0\r\n\r\n", "\r\n\r\n"},
        {"1\r\na\r\n0\r\nTrailer: x\r\nOther:\ty\r\n\r\n", "a"},
        {"1;\x80\xff\r\na\r\n0\r\n\r\n", "a"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t size = strlen(rows[i].text);
        for (size_t step = 1; step <= size; step++) {
            struct result result;
            feed(rows[i].text, size, step, &result);
            assert_false(result.is_bad);
            assert_true(result.is_done);
            assert_int_equal(result.length, strlen(rows[i].body));
            assert_memory_equal(result.body, rows[i].body, result.length);
            assert_int_equal(result.used, size);
        }
    }
}

static void leaves_what_comes_behind(void **state)
{
    (void)state;
    const char *text = "1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n";
    struct result result;
    feed(text, strlen(text), strlen(text), &result);
    assert_true(result.is_done);
    assert_int_equal(result.used, 11);
}

static void refuses_every_other_byte(void **state)
{
    (void)state;
    static const char *const bad[] = {"\r\n", ";\r\n", "g\r\n", " 1\r\na", "1 \r\na", "-1\r\na",
        "+1\r\na", "0x1\r\na", "1\na", "1\r\r\na", "1\r\nab\r\n", "1\r\na\n0\r\n\r\n",
        "1\r\na\r0\r\n\r\n", "1\r\na0\r\n\r\n", "0\r\n\n", "0\r\n\rx", "0\r\n folded: x\r\n\r\n",
        "0\r\n\tfolded\r\n\r\n", "0\r\nA: b\nC: d\r\n\r\n", "0\r\nA: \x01\r\n\r\n", "1;a\x7f\r\na",
        "1;a\rb\r\na", "0\r\nA: b\rC\r\n\r\n", "1000000000000000\r\na"}; // 16 digits
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        size_t size = strlen(bad[i]);
        for (size_t step = 1; step <= size; step++) {
            struct result result;
            feed(bad[i], size, step, &result);
            assert_true(result.is_bad);
            assert_false(result.is_done);
        }
    }
    struct result result;
    feed("1;\0\r\na", 6, 6, &result);
    assert_true(result.is_bad);
}

static void is_not_done_before_the_last_byte(void **state)
{
    (void)state;
    const char *text = "3\r\nabc\r\n0\r\nA: b\r\n\r\n";
    for (size_t size = 0; size < strlen(text); size++) {
        struct result result;
        feed(text, size, 4, &result);
        assert_false(result.is_bad);
        assert_false(result.is_done);
    }
}

/// Ends with an extension or trailer of so many bytes a line, on so many lines.
static bool takes(const char *before, size_t line, size_t lines)
{
    size_t size = strlen(before) + (line + 2) * lines + 16;
    char *text = calloc(size, 1);
    strncpy(text, before, size - 1);
    for (size_t i = 0; i < lines; i++) {
        size_t at = strlen(text);
        memset(text + at, 'x', line);
        memcpy(text + at + line, "\r\n", 2);
    }
    struct result result;
    feed(text, strlen(text), 100, &result);
    free(text);
    return !result.is_bad;
}

static void bounds_what_nobody_reads(void **state)
{
    (void)state;
    assert_true(takes("1;", 1024, 1));
    assert_false(takes("1;", 1025, 1));
    assert_true(takes("0\r\n", 1024, 8));
    assert_false(takes("0\r\n", 1024, 9)); // 8 KiB of trailers in all
    assert_false(takes("0\r\n", 1, 8193));
    assert_true(takes("0\r\n", 1, 8192));
}

static void a_huge_chunk_needs_no_memory(void **state)
{
    (void)state;
    struct shoal_chunked chunked = {0};
    const char *body;
    size_t length;
    const char *text = "fffffffffffffff\r\nabc"; // 15 digits
    assert_int_equal(shoal_chunked_feed(&chunked, text, 20, &body, &length), 20);
    assert_int_equal(length, 3);
    assert_ptr_equal(body, text + 17);
    assert_true(chunked.left == 0xfffffffffffffff - 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_bodies_however_they_are_cut),
        cmocka_unit_test(leaves_what_comes_behind),
        cmocka_unit_test(refuses_every_other_byte),
        cmocka_unit_test(is_not_done_before_the_last_byte),
        cmocka_unit_test(bounds_what_nobody_reads),
        cmocka_unit_test(a_huge_chunk_needs_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
