// gzip_test.c - which types become smaller, and bytes that come back as they were.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <shoal/base.h>

#include "net/gzip_priv.h"

static void knows_what_becomes_smaller(void **state)
{
    (void)state;
    static const char *const fits[] = {"application/json", "application/problem+json",
        "application/javascript", "application/xml", "application/activity+json",
        "application/ld+json", "application/manifest+json", "application/rss+xml",
        "application/atom+xml", "application/jrd+json", "application/vnd.apple.mpegurl",
        "application/x-mpegurl", "image/svg+xml", "text/html", "text/css; charset=utf-8",
        "Application/JSON", "application/ld+json; profile=\"https://www.w3.org/ns/x;y\""};
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
        assert_true(shoal_gzip_fits(fits[i]));
    }
    static const char *const others[] = {"", "video/mp4", "image/png", "application/zip",
        "application/octet-stream", "application/jsonx", "text", "xtext/html", "text/event-stream",
        "text/event-stream; charset=utf-8"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_false(shoal_gzip_fits(others[i]));
    }
    assert_false(shoal_gzip_fits(NULL));
}

static void the_same_bytes_come_back(void **state)
{
    (void)state;
    enum {
        SIZE = 300000
    };
    char *plain = malloc(SIZE), *back = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        plain[i] = (char)("a shoal of fish \0\xff"[i % 18] + (char)(i / 5000 % 3));
    }
    size_t length = 0;
    char *small = shoal_gzip(plain, SIZE, &length);
    assert_non_null(small);
    assert_true(length > 0 && length < SIZE / 10);
    assert_memory_equal(small, "\x1f\x8b", 2); // gzip, neither zlib nor bare deflate
    z_stream stream = {.next_in = (Bytef *)small,
        .avail_in = (uInt)length,
        .next_out = (Bytef *)back,
        .avail_out = SIZE};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.total_out, SIZE);
    assert_int_equal(stream.avail_in, 0);
    inflateEnd(&stream);
    assert_memory_equal(back, plain, SIZE);
    free(small);
    free(plain);
    free(back);
}

static void leaves_what_does_not_become_smaller(void **state)
{
    (void)state;
    unsigned char chance[5000];
    size_t length = 0;
    shoal_random(chance, sizeof chance);
    assert_null(shoal_gzip(chance, sizeof chance, &length));
    assert_null(shoal_gzip("", 0, &length));
    assert_null(shoal_gzip("aaaaaaaaaa", 10, &length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_becomes_smaller),
        cmocka_unit_test(the_same_bytes_come_back),
        cmocka_unit_test(leaves_what_does_not_become_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
