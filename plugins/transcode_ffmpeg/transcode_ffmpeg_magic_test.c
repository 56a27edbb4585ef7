// transcode_ffmpeg_magic_test.c - every kind of file goes to its demuxer or is refused.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "transcode_ffmpeg.h"

static struct transcode_magic of(const char *bytes, size_t length)
{
    unsigned char padded[1024] = {0};
    memcpy(padded, bytes, length);
    return transcode_magic_of(padded, sizeof(padded), sizeof(padded));
}
#define IS(demuxer_name, bytes)                                                                    \
    assert_string_equal(of(bytes, sizeof(bytes) - 1).demuxer, demuxer_name)

static void formats_go_to_their_demuxer(void **state)
{
    (void)state;
    IS("mov", "\0\0\0\x20" "ftypisom");
    IS("mov", "\0\0\0\x14" "ftypqt  ");
    IS("mov", "\0\0\0\x20" "moov");
    IS("mov", "\0\0\0\x20" "mdat");
    IS("mov", "\0\0\0\x08" "wide");
    IS("mov", "\0\0\0\x08" "free");
    IS("mov", "\0\0\0\x08" "skip");
    IS("mov", "\0\0\0\x08" "pnot");
    IS("mov", "\0\0\0\x08" "styp");
    IS("matroska", "\x1a\x45\xdf\xa3");
    IS("ogg", "OggS");
    IS("flac", "fLaC");
    IS("flv", "FLV\x01");
    IS("asf", "\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c");
    IS("mpeg", "\x00\x00\x01\xba");
    IS("mpegvideo", "\x00\x00\x01\xb3");
    IS("mxf", "\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02");
    IS("ac3", "\x0b\x77");
    IS("avi", "RIFF\0\0\0\0AVI ");
    IS("wav", "RIFF\0\0\0\0WAVE");
    IS("wav", "RF64\0\0\0\0WAVE");
    IS("mp3", "\xff\xfb\x90\x64");
    IS("mp3", "\xff\xf3\x40\xc4");
    IS("aac", "\xff\xf1\x50\x80");
    IS("aac", "\xff\xf9\x50\x80");
}

static void transport_streams_are_known_by_their_rhythm(void **state)
{
    (void)state;
    unsigned char bytes[1024] = {0};
    for (size_t i = 0; i < sizeof(bytes); i += 188) {
        bytes[i] = 0x47;
    }
    assert_string_equal(transcode_magic_of(bytes, sizeof(bytes), 1024).demuxer, "mpegts");
    memset(bytes, 0, sizeof(bytes));
    for (size_t i = 4; i < sizeof(bytes); i += 192) {
        bytes[i] = 0x47;
    }
    assert_string_equal(transcode_magic_of(bytes, sizeof(bytes), 1024).demuxer, "mpegts");
    // "GGGG…" is text.
    assert_null(transcode_magic_of((const unsigned char *)"G", 1, 1).demuxer);
}

static void others_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        const char *reason;
    } rows[] = {
        {"#EXTM3U\n", "playlist"},
        {"\xef\xbb\xbf \n#extm3u", "playlist"},
        {"ffconcat version 1.0", "other files"},
        {"[Script Info]\n", "subtitles"},
        {"WEBVTT\n", "subtitles"},
        {"v=0\r\no=-", "SDP"},
        {"[playlist]", "playlist"},
        {"<ASX version", "playlist"},
        {"<!DOCTYPE html>", "web page"},
        {"  <html>", "web page"},
        {"<?xml version", "XML"},
        {"<svg ", "image"},
        {"\xff\xd8\xff\xe0", "image"},
        {"\x89PNG\r\n", "image"},
        {"GIF89a", "image"},
        {"BM6", "image"},
        {"%PDF-1.7", "PDF"},
        {"PK\x03\x04", "archive"},
        {"Rar!", "archive"},
        {"\x7f" "ELF", "program"},
        {"MZ\x90", "program"},
        {"hello there", "text file"},
        {"\x01\x02\x03\x04", "that we know"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct transcode_magic magic = transcode_magic_of((const unsigned char *)rows[i].bytes,
            strlen(rows[i].bytes), strlen(rows[i].bytes));
        assert_null(magic.demuxer);
        if (strstr(magic.refusal, rows[i].reason) == NULL) {
            fail_msg("%s: %s", rows[i].bytes, magic.refusal);
        }
    }
    assert_null(of("RIFF\0\0\0\0WEBP", 12).demuxer);
    assert_null(of("\0\0\0\x20" "ftypavif", 12).demuxer);
    assert_null(of("\0\0\0\x20" "ftypheic", 12).demuxer);
    assert_non_null(transcode_magic_of(NULL, 0, 0).refusal);
}

static void short_files_are_not_read_past_their_end(void **state)
{
    (void)state;
    static const char *const starts[] = {"RIFF", "\xff\xfb", "OggS", "ftyp", "v=", "<", "ID3"};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        for (size_t length = 1; length <= strlen(starts[i]); length++) {
            unsigned char *bytes = malloc(length);
            memcpy(bytes, starts[i], length);
            struct transcode_magic magic = transcode_magic_of(bytes, length, length);
            assert_true(magic.demuxer != NULL || magic.refusal != NULL);
            free(bytes);
        }
    }
}

static int read_file(const char *bytes, size_t length, const char **demuxer)
{
    char path[] = "/tmp/shoal-magic-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    close(fd);
    struct shoal_err err = {0};
    int rc = transcode_magic_read(path, demuxer, &err);
    unlink(path);
    return rc;
}

static void tags_before_audio_are_stepped_over(void **state)
{
    (void)state;
    const char *demuxer = NULL;
    // A tag of 300 bytes (2 * 128 + 44), then MP3.
    char bytes[400] = "ID3\x04\0\0\0\0\x02\x2c";
    memcpy(bytes + 310, "\xff\xfb\x90\x64", 4);
    assert_int_equal(read_file(bytes, sizeof(bytes), &demuxer), 0);
    assert_string_equal(demuxer, "mp3");
    memcpy(bytes + 310, "fLaC", 4);
    assert_int_equal(read_file(bytes, sizeof(bytes), &demuxer), 0);
    assert_string_equal(demuxer, "flac");
    // A tag is no cloak for something else.
    memcpy(bytes + 310, "\0\0\0 ftyp", 8);
    assert_int_equal(read_file(bytes, sizeof(bytes), &demuxer), SHOAL_EUNREADABLE);
    memcpy(bytes + 310, "#EXTM3U\n", 8);
    assert_int_equal(read_file(bytes, sizeof(bytes), &demuxer), SHOAL_EUNREADABLE);
    // It says that it is longer than the file.
    assert_int_equal(read_file("ID3\x04\0\0\x7f\x7f\x7f\x7f", 10, &demuxer), SHOAL_EUNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_go_to_their_demuxer),
        cmocka_unit_test(transport_streams_are_known_by_their_rhythm),
        cmocka_unit_test(others_are_refused_with_a_reason),
        cmocka_unit_test(short_files_are_not_read_past_their_end),
        cmocka_unit_test(tags_before_audio_are_stepped_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
