// m3u8_test.c - addresses of playlists are found, all parts are the playlist, bad ones are refused.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "m3u8.h"

/// The parts one behind the other, addresses in <>; "!" at the end of a bad one.
static const char *walk(const char *text, size_t length)
{
    static char out[4096];
    size_t at = 0;
    struct m3u8_reader reader;
    m3u8_open(&reader, text, length);
    for (;;) {
        struct m3u8_part part = m3u8_next(&reader);
        if (part.kind == M3U8_END || part.kind == M3U8_BAD) {
            snprintf(out + at, sizeof out - at, "%s", part.kind == M3U8_BAD ? "!" : "");
            return out;
        }
        at += (size_t)snprintf(out + at, sizeof out - at, part.kind == M3U8_URI ? "<%.*s>" : "%.*s",
            (int)part.length, part.text);
        assert_true(at < sizeof out);
    }
}

static void finds_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *walked;
    } rows[] = {
        {"#EXTM3U\na.m3u8\n", "#EXTM3U\n<a.m3u8>\n"},
        {"#EXTM3U\r\na.m3u8\r\n\r\nb", "#EXTM3U\n<a.m3u8>\n\n<b>\n"},
        {"#EXTM3U\n#EXT-X-MAP:URI=\"a.mp4\",BYTERANGE=\"1@0\"\n",
            "#EXTM3U\n#EXT-X-MAP:URI=\"<a.mp4>\",BYTERANGE=\"1@0\"\n"},
        {"#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"x\"\n",
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"<x>\"\n"},
        {"#EXTM3U\n#EXT-X:NOURI=\"x\"\n", "#EXTM3U\n#EXT-X:NOURI=\"x\"\n"},
        {"#EXTM3U\n#EXT-X-MAP:URI=\"open\n", "#EXTM3U\n#EXT-X-MAP:URI=\"open\n"},
        {"#EXTM3U\n#EXT-X-MAP:URI=\"\"\n", "#EXTM3U\n#EXT-X-MAP:URI=\"\"\n"},
        {"#EXTM3U", "#EXTM3U\n"},
        {"", "!"},
        {"#EXTM3", "!"},
        {"a.m3u8\n#EXTM3U\n", "!"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(walk(rows[i].text, strlen(rows[i].text)), rows[i].walked);
    }
}

static void refuses_long_lines_and_nul(void **state)
{
    (void)state;
    char text[M3U8_LINE_MAX + 32] = "#EXTM3U\n";
    memset(text + 8, 'a', M3U8_LINE_MAX + 1);
    struct m3u8_reader reader;
    m3u8_open(&reader, text, 8 + M3U8_LINE_MAX + 1);
    m3u8_next(&reader);
    m3u8_next(&reader);
    assert_int_equal(m3u8_next(&reader).kind, M3U8_BAD);
    m3u8_open(&reader, text, 8 + M3U8_LINE_MAX);
    m3u8_next(&reader);
    m3u8_next(&reader);
    assert_int_equal(m3u8_next(&reader).kind, M3U8_URI);
    assert_string_equal(walk("#EXTM3U\na\0b\n", 12), "#EXTM3U\n!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_addresses),
        cmocka_unit_test(refuses_long_lines_and_nul),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
