// multipart_test.c - multipart bodies in pieces of every size, and broken ones.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <shoal/buf.h>

#include "net/multipart_priv.h"

static int on_begin(void *user, const struct shoal_part *part, struct shoal_err *err)
{
    (void)err;
    return shoal_buf_printf(user, "[%s|%s|%s|%d:", part->name, part->filename, part->mime,
        part->is_file);
}

static int on_data(void *user, const char *data, size_t length, struct shoal_err *err)
{
    (void)err;
    assert_true(length > 0);
    return shoal_buf_add(user, data, length);
}

static int on_end(void *user, struct shoal_err *err)
{
    (void)err;
    return shoal_buf_puts(user, "]");
}

static const struct shoal_part_ops ops = {on_begin, on_data, on_end};

// Feeds the text split at one place; the buffer holds what came out.
static int feed(const char *type, const char *text, size_t split, struct shoal_buf *out,
    struct shoal_err *err)
{
    struct shoal_multipart *parser = malloc(sizeof *parser);
    size_t length = strlen(text);
    int rc = shoal_multipart_init(parser, shoal_span(type), &ops, out, err);
    rc = rc ? rc : shoal_multipart_feed(parser, text, split, err);
    rc = rc ? rc : shoal_multipart_feed(parser, text + split, length - split, err);
    rc = rc ? rc : shoal_multipart_end(parser, err);
    free(parser);
    return rc;
}

static const char body[] =
    "preamble\r\n--xy\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\r\n--x\r\n"
    "\r\n--xy \r\nContent-Disposition: form-data; name=\"f\"; filename=\"q\\\"\xc3\xa9.mp4\"\r\n"
    "Content-Type: video/mp4\r\n\r\n\r\r\n--x\r\n-\r\n--xy\r\n"
    "content-disposition: form-data; name=e; filename=\"\"\r\n\r\n\r\n--xy--\r\nepilogue";

static void reads_the_same_wherever_it_is_split(void **state)
{
    (void)state;
    for (size_t split = 0; split < sizeof body; split++) {
        struct shoal_buf out = {0};
        assert_int_equal(feed("multipart/form-data; boundary=xy", body, split, &out, NULL), 0);
        assert_string_equal(out.data,
            "[a|||0:1\r\n\r\n--x\r\n][f|q\"\xc3\xa9.mp4|video/mp4|1:\r\r\n--x\r\n-][e|||1:]");
        shoal_buf_fini(&out);
    }
}

static int calls;

static int count_data(void *user, const char *data, size_t length, struct shoal_err *err)
{
    calls++;
    return on_data(user, data, length, err);
}

static void hands_a_file_full_of_line_breaks_over_in_large_pieces(void **state)
{
    (void)state;
    static const struct shoal_part_ops counting = {on_begin, count_data, on_end};
    static const char head[] = "--xy\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n";
    char text[65536];
    size_t length = sizeof head - 1;
    memcpy(text, head, length);
    for (; length < sizeof text - 16; length++) {
        text[length] = length % 5 == 0 ? '\n' : '\r';
    }
    memcpy(text + length, "\r\n--xy--", 9);
    struct shoal_buf out = {0};
    struct shoal_multipart *parser = malloc(sizeof *parser);
    calls = 0;
    assert_int_equal(shoal_multipart_init(parser, shoal_span("multipart/form-data; boundary=xy"),
                         &counting, &out, NULL), 0);
    assert_int_equal(shoal_multipart_feed(parser, text, length + 8, NULL), 0);
    assert_int_equal(shoal_multipart_end(parser, NULL), 0);
    assert_int_equal(out.length, strlen("[f|f||1:]") + length - (sizeof head - 1));
    assert_in_range(calls, 1, 3);
    free(parser);
    shoal_buf_fini(&out);
}

static void reads_byte_by_byte(void **state)
{
    (void)state;
    struct shoal_buf out = {0};
    struct shoal_multipart *parser = malloc(sizeof *parser);
    assert_int_equal(shoal_multipart_init(parser,
                         shoal_span("multipart/form-data; charset=x; boundary=\"xy\""), &ops, &out,
                         NULL), 0);
    for (size_t i = 0; i + 1 < sizeof body; i++) {
        assert_int_equal(shoal_multipart_feed(parser, body + i, 1, NULL), 0);
    }
    assert_int_equal(shoal_multipart_end(parser, NULL), 0);
    assert_string_equal(out.data,
        "[a|||0:1\r\n\r\n--x\r\n][f|q\"\xc3\xa9.mp4|video/mp4|1:\r\r\n--x\r\n-][e|||1:]");
    shoal_buf_fini(&out);
    free(parser);
}

static void refuses_what_is_broken(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "--xy\r\n",
        "--xy\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--xy\r\n",
        "--xy\r\n\r\n1\r\n--xy--",
        "--xy\r\nContent-Disposition: form-data\r\n\r\n1\r\n--xy--",
        "--xy\r\nContent Disposition: form-data; name=a\r\n\r\n1\r\n--xy--",
        "--xy\r\nno colon\r\n\r\n1\r\n--xy--",
        "--xy\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n1\r\n--xy--",
        "--xyz\r\n",
        "--xy-x",
        ("--xy\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\n"
         "1\r\n--xy--"),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct shoal_buf out = {0};
        struct shoal_err err = {0};
        assert_int_equal(feed("multipart/form-data; boundary=xy", cases[i], 0, &out, &err),
            SHOAL_EINVAL);
        assert_true(err.text[0] != 0);
        shoal_buf_fini(&out);
    }
    struct shoal_buf none = {0};
    assert_int_equal(feed("multipart/form-data", body, 0, &none, NULL), SHOAL_EINVAL);
    assert_int_equal(feed("multipart/form-data; boundary=", body, 0, &none, NULL), SHOAL_EINVAL);
    char type[128] = "multipart/form-data; boundary=";
    memset(type + strlen(type), 'b', 71);
    assert_int_equal(feed(type, body, 0, &none, NULL), SHOAL_EINVAL);
}

static void bounds_parts_and_their_heads(void **state)
{
    (void)state;
    struct shoal_buf out = {0}, text = {0};
    for (int i = 0; i <= SHOAL_PART_MAX; i++) {
        shoal_buf_puts(&text, "--xy\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n");
    }
    shoal_buf_puts(&text, "--xy--");
    assert_int_equal(feed("multipart/form-data; boundary=xy", text.data, 0, &out, NULL),
        SHOAL_ETOOLARGE);
    text.length = 0;
    shoal_buf_puts(&text, "--xy\r\nX: ");
    for (int i = 0; i < SHOAL_PART_HEADER_MAX; i++) {
        shoal_buf_puts(&text, "a");
    }
    assert_int_equal(feed("multipart/form-data; boundary=xy", text.data, 0, &out, NULL),
        SHOAL_ETOOLARGE);
    shoal_buf_fini(&text);
    shoal_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_same_wherever_it_is_split),
        cmocka_unit_test(hands_a_file_full_of_line_breaks_over_in_large_pieces),
        cmocka_unit_test(reads_byte_by_byte),
        cmocka_unit_test(refuses_what_is_broken),
        cmocka_unit_test(bounds_parts_and_their_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
