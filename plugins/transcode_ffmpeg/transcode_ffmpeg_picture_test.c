// transcode_ffmpeg_picture_test.c - pictures by their first bytes: kind, size, and what is refused.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "transcode_ffmpeg.h"

#define BYTES(text) (const unsigned char *)(text), sizeof(text) - 1

#define PNG(width, height) "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" width height "\x08\x02\x00\x00\x00"
#define JPEG "\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x11\x08\x00\x9d\x01\x18\x03\x01\x22\x00"
#define VP8  "RIFF\x1a\x00\x00\x00WEBPVP8 \x0e\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x40\x01\xb4\x00"
// 320 - 1 and 180 - 1, 14 bits each, behind the mark.
#define VP8L "RIFF\x1a\x00\x00\x00WEBPVP8L\x0e\x00\x00\x00\x2f\x3f\xc1\x2c\x00\x00\x00\x00\x00\x00\x00"
#define VP8X "RIFF\x1a\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\x3f\x01\x00\xb3\x00\x00"

static void kind_and_size_come_from_the_bytes(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t length;
        const char *name;
        int width, height;
    } rows[] = {
        {BYTES(JPEG), "jpeg", 280, 157},
        {BYTES(PNG("\x00\x00\x01\x40", "\x00\x00\x00\xb4")), "png", 320, 180},
        {BYTES(VP8), "webp", 320, 180},
        {BYTES(VP8L), "webp", 320, 180},
        {BYTES(VP8X), "webp", 320, 180},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int width = -1;
        int height = -1;
        const struct transcode_picture_kind *kind =
            transcode_picture_of(rows[i].bytes, rows[i].length, &width, &height);
        assert_non_null(kind);
        assert_string_equal(kind->name, rows[i].name);
        assert_int_equal(width, rows[i].width);
        assert_int_equal(height, rows[i].height);
    }
}

static void no_cut_file_is_read_beyond_its_end(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t length;
    } rows[] = {{BYTES(JPEG)}, {BYTES(PNG("\x00\x00\x01\x40", "\x00\x00\x00\xb4"))}, {BYTES(VP8)},
        {BYTES(VP8L)}, {BYTES(VP8X)}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t length = 0; length < rows[i].length; length++) {
            // A copy of its own, so that the sanitizer sees each byte too many.
            unsigned char *cut = malloc(length > 0 ? length : 1);
            int width = 0;
            int height = 0;
            memcpy(cut, rows[i].bytes, length);
            const struct transcode_picture_kind *kind =
                transcode_picture_of(cut, length, &width, &height);
            assert_true(kind == NULL || (width >= 0 && height >= 0));
            free(cut);
        }
    }
}

static int read_bytes(const unsigned char *bytes, size_t length, struct shoal_err *err)
{
    char path[] = "/tmp/shoal-picture-XXXXXX";
    int fd = mkstemp(path);
    struct transcode_source source = {0};
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), (ssize_t)length);
    close(fd);
    int code = transcode_picture_read(path, &source, err);
    unlink(path);
    return code;
}

static void what_is_no_picture_or_too_large_is_refused(void **state)
{
    (void)state;
    static const struct {
        const unsigned char *bytes;
        size_t length;
        int code;
    } rows[] = {
        {BYTES(PNG("\x00\x00\x01\x40", "\x00\x00\x00\xb4")), 0},
        {BYTES("just text, called .jpg"), SHOAL_EUNREADABLE},
        {BYTES("<svg xmlns='http://www.w3.org/2000/svg'/>"), SHOAL_EUNREADABLE},
        {BYTES("GIF89a\x01\x00\x01\x00\x00\x00\x00"), SHOAL_EUNREADABLE},
        {BYTES("#EXTM3U\nfile:///etc/passwd\n"), SHOAL_EUNREADABLE},
        // No pixels; 60,000 on a side; 16,384 × 16,384; a line.
        {BYTES(PNG("\x00\x00\x00\x00", "\x00\x00\x00\xb4")), SHOAL_EUNREADABLE},
        {BYTES(PNG("\x00\x00\xea\x60", "\x00\x00\x00\xb4")), SHOAL_EUNREADABLE},
        {BYTES(PNG("\xff\xff\xff\xff", "\xff\xff\xff\xff")), SHOAL_EUNREADABLE},
        {BYTES(PNG("\x00\x00\x40\x00", "\x00\x00\x40\x00")), SHOAL_EUNREADABLE},
        {BYTES(PNG("\x00\x00\x40\x00", "\x00\x00\x00\x01")), SHOAL_EUNREADABLE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_err err = {0};
        assert_int_equal(read_bytes(rows[i].bytes, rows[i].length, &err), rows[i].code);
        assert_true(rows[i].code == 0 || err.text[0] != '\0');
    }
}

static void each_kind_has_one_decoder(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    const struct transcode_picture_kind kind = {"webp", "webp_pipe", "webp"};
    const struct transcode_source source = {.path = "/x",
        .demuxer = kind.demuxer,
        .picture = &kind,
        .width = 1000,
        .height = 500};
    const struct shoal_image image = {.width = 280, .height = 157};
    struct transcode_args args;
    transcode_args_init(&args, arena);
    transcode_images_args(&args, &source, 0, false, &image, 1);
    bool has_decoder = false;
    bool has_format = false;
    bool has_box = false;
    for (size_t i = 0; i + 1 < args.count; i++) {
        has_decoder |= strcmp(args.items[i], "-codec_whitelist") == 0 &&
                       strcmp(args.items[i + 1], "webp") == 0;
        has_format |= strcmp(args.items[i], "-format_whitelist") == 0 &&
                      strcmp(args.items[i + 1], "webp_pipe") == 0;
        has_box |= strstr(args.items[i], "min(iw,280)") != NULL;
    }
    assert_true(has_decoder && has_format && has_box);
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kind_and_size_come_from_the_bytes),
        cmocka_unit_test(no_cut_file_is_read_beyond_its_end),
        cmocka_unit_test(what_is_no_picture_or_too_large_is_refused),
        cmocka_unit_test(each_kind_has_one_decoder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
