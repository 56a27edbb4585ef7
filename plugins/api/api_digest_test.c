// api_digest_test.c - checksums of chunks, and hashes that grow with an upload.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api_digest.h"

// SHA-256 and MD5 of "hello world", and SHA-256 of "world".
#define HELLO_SHA256 "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="
#define HELLO_MD5    "XrY7u+Ae7tCTyyK7j1rNww=="
#define HELLO_HEX    "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
#define WORLD_SHA256 "SG6kYiTRu0+2gPNPfJrZao8k7Ii+c+qOWmxlJg6cuKc="
#define ID           "abcdef0123456789abcdef0123456789abcdef0123456789"

static char path[] = "/tmp/api_digest_XXXXXX";

static void write_at(const char *text, off_t offset)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), offset), (ssize_t)strlen(text));
    close(fd);
}

static int set_up(void **state)
{
    (void)state;
    memcpy(strrchr(path, '_') + 1, "XXXXXX", 6);
    int fd = mkstemp(path);
    if (fd < 0) {
        return -1;
    }
    close(fd);
    write_at("hello world", 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

static void accepts_right_checksums(void **state)
{
    (void)state;
    assert_int_equal(api_digest_check(path, 0, 11, "sha-256=" HELLO_SHA256, NULL, NULL), 0);
    assert_int_equal(api_digest_check(path, 0, 11, "SHA-256=" HELLO_SHA256, HELLO_MD5, NULL), 0);
    assert_int_equal(api_digest_check(path, 0, 11, NULL, HELLO_MD5, NULL), 0);
    assert_int_equal(api_digest_check(path, 6, 5, "md5=x, sha-256=" WORLD_SHA256, NULL, NULL), 0);
    assert_int_equal(api_digest_check(path, 0, 11, "unixsum=30637", NULL, NULL), 0);
}

static void notices_wrong_ones(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(api_digest_check(path, 0, 11, "sha-256=" WORLD_SHA256, NULL, &err),
        SHOAL_EMISMATCH);
    assert_int_equal(shoal_error_status(err.code), 460);
    assert_int_equal(api_digest_check(path, 0, 5, NULL, HELLO_MD5, NULL), SHOAL_EMISMATCH);
}

static void refuses_what_is_no_base64(void **state)
{
    (void)state;
    assert_int_equal(api_digest_check(path, 0, 11, "sha-256=abc", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(api_digest_check(path, 0, 11, "sha-256=", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(
        api_digest_check(path, 0, 11, NULL, "!!!!!!!!!!!!!!!!!!!!!!!!", NULL), SHOAL_EINVAL);
}

// A piece arrives: what the network does with the sum of an upload.
static void piece(struct api_running *running, const char *id, const char *text, uint64_t first)
{
    struct shoal_sha256 *sum = api_running_take(running, id, first);
    write_at(text, (off_t)first);
    if (sum != NULL) {
        shoal_sha256_add(sum, text, strlen(text));
    }
    api_running_put(running, id, sum, first + strlen(text));
}

static void hashes_on_from_chunk_to_chunk(void **state)
{
    (void)state;
    struct api_running *running = api_running_new();
    char out[65];
    piece(running, ID, "hell", 0);
    piece(running, ID, "o wo", 4);
    piece(running, ID, "rld", 8);
    // What was hashed already is not read again: a change behind our back is not seen.
    write_at("HELLO", 0);
    assert_int_equal(api_running_finish(running, NULL, ID, path, 11, out, NULL), 0);
    assert_string_equal(out, HELLO_HEX);
    api_running_free(running);
}

static void begins_anew_when_a_chunk_is_sent_again(void **state)
{
    (void)state;
    struct api_running *running = api_running_new();
    char out[65];
    piece(running, ID, "HELLO", 0);
    piece(running, ID, "hello", 0);
    piece(running, ID, " world", 5);
    assert_int_equal(api_running_finish(running, NULL, ID, path, 11, out, NULL), 0);
    assert_string_equal(out, HELLO_HEX);
    piece(running, ID, "hello", 0);
    piece(running, ID, "lo world", 3); // overlaps: no longer what was hashed
    assert_null(api_running_take(running, ID, 11));
    assert_int_equal(api_running_finish(running, NULL, ID, path, 11, out, NULL), 0);
    assert_string_equal(out, HELLO_HEX);
    api_running_free(running);
}

static void nobody_else_sees_a_sum_that_is_worked_on(void **state)
{
    (void)state;
    struct api_running *running = api_running_new();
    piece(running, ID, "hello", 0);
    struct shoal_sha256 *sum = api_running_take(running, ID, 5);
    assert_non_null(sum);
    assert_null(api_running_take(running, ID, 5));
    api_running_put(running, ID, sum, 5); // nothing came
    api_running_drop(running, ID);
    assert_null(api_running_take(running, ID, 5));
    api_running_free(running);
}

static void reads_the_file_when_nothing_is_known(void **state)
{
    (void)state;
    struct api_running *running = api_running_new();
    char out[65];
    assert_int_equal(api_running_finish(running, NULL, ID, path, 11, out, NULL), 0);
    assert_string_equal(out, HELLO_HEX);
    struct shoal_err err = {0};
    assert_int_equal(api_running_finish(running, NULL, ID, path, 12, out, &err), SHOAL_EIO);
    api_running_free(running);
}

static void keeps_at_most_so_many_uploads(void **state)
{
    (void)state;
    struct api_running *running = api_running_new();
    char id[49];
    char out[65];
    for (int i = 0; i < 200; i++) {
        snprintf(id, sizeof id, "%048d", i);
        piece(running, id, "hello", 0);
    }
    assert_int_equal(api_running_finish(running, NULL, "000000000000000000000000000000000000000000000003",
                         path, 11, out, NULL), 0);
    assert_string_equal(out, HELLO_HEX);
    api_running_free(running);
}

#define DIGEST_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DIGEST_TEST(accepts_right_checksums),
        DIGEST_TEST(notices_wrong_ones),
        DIGEST_TEST(refuses_what_is_no_base64),
        DIGEST_TEST(hashes_on_from_chunk_to_chunk),
        DIGEST_TEST(begins_anew_when_a_chunk_is_sent_again),
        DIGEST_TEST(nobody_else_sees_a_sum_that_is_worked_on),
        DIGEST_TEST(reads_the_file_when_nothing_is_known),
        DIGEST_TEST(keeps_at_most_so_many_uploads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
