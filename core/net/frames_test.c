// frames_test.c - frames by their bytes: lengths, masks, and what is none.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/frames_priv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 100000

static size_t make(char *out, int first, const char *payload, size_t length, const char *mask)
{
    size_t at = shoal_frame_head(out, 0, length);
    out[0] = (char)first;
    out[1] = (char)(out[1] | 0x80);
    memcpy(out + at, mask, 4);
    for (size_t i = 0; i < length; i++) {
        out[at + 4 + i] = (char)(payload[i] ^ mask[i % 4]);
    }
    return at + 4 + length;
}

static void reads_frames_of_every_length(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536, 70000};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t length = lengths[i];
        char *payload = malloc(length + 1), *bytes = malloc(length + 14);
        for (size_t j = 0; j < length; j++) {
            payload[j] = (char)(j * 7);
        }
        size_t whole = make(bytes, 0x82, payload, length, "\x12\x34\x56\xff");
        struct shoal_frame frame;
        size_t steps = whole < 300 ? whole : 20; // not whole yet: nothing is changed
        for (size_t cut = 0; cut < steps; cut++) {
            assert_int_equal(shoal_frame_read(bytes, cut, ROOM, &frame), 0);
        }
        assert_int_equal(shoal_frame_read(bytes, whole - 1, ROOM, &frame), 0);
        assert_int_equal(shoal_frame_read(bytes, whole, ROOM, &frame), 1);
        assert_int_equal(frame.opcode, SHOAL_FRAME_BINARY);
        assert_true(frame.is_last);
        assert_int_equal(frame.whole, whole);
        assert_int_equal(frame.length, length);
        assert_memory_equal(frame.payload, payload, length);
        free(payload);
        free(bytes);
    }
}

static void refuses_what_is_no_frame(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        int code;
    } rows[] = {
        {"\x81\x00", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x91\x80", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\xa1\x80", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\xc1\x80", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x83\x80", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x8b\x80", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x08\x80", 2, -SHOAL_CLOSE_NO_STATUS},
        {"\x89\xfe", 2, -SHOAL_CLOSE_NO_STATUS},
        {"\x81\xfe\x00\x7d", 4, -SHOAL_CLOSE_NO_FRAME},
        {"\x81\xff\0\0\0\0\0\0\xff\xff", 10, -SHOAL_CLOSE_NO_FRAME},
        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, -SHOAL_CLOSE_TOO_LARGE},
        {"\x81\xff\0\0\0\0\0\1\x86\xa1", 10, -SHOAL_CLOSE_TOO_LARGE}, // 100,001
        {"\x81\xff\0\0\0\0\0\1\x86\xa0", 10, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char bytes[16];
        memcpy(bytes, rows[i].bytes, rows[i].length);
        struct shoal_frame frame;
        assert_int_equal(shoal_frame_read(bytes, rows[i].length, ROOM, &frame), rows[i].code);
    }
}

static void knows_the_codes_of_a_goodbye(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        size_t length;
        int code;
    } rows[] = {
        {"", 0, SHOAL_CLOSE_NO_STATUS},
        {"\x03", 1, -SHOAL_CLOSE_NO_FRAME},
        {"\x03\xe8", 2, 1000},
        {"\x03\xe8 \xc3\xa9", 5, 1000},
        {"\x03\xe8\xc3", 3, -SHOAL_CLOSE_NO_TEXT},
        {"\x03\xec", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x03\xee", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x03\xf4", 2, 1012},
        {"\x03\xf7", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x03\xe7", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x0b\xb7", 2, -SHOAL_CLOSE_NO_FRAME},
        {"\x0b\xb8", 2, 3000},
        {"\x13\x87", 2, 4999},
        {"\x13\x88", 2, -SHOAL_CLOSE_NO_FRAME},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char payload[16];
        memcpy(payload, rows[i].payload, rows[i].length);
        const struct shoal_frame frame = {.payload = payload, .length = rows[i].length};
        assert_int_equal(shoal_frame_goodbye(&frame), rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_frames_of_every_length),
        cmocka_unit_test(refuses_what_is_no_frame),
        cmocka_unit_test(knows_the_codes_of_a_goodbye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
