// transcode_ffmpeg_playlist_test.c - playlists, boxes, codecs and the scrubbing of camera data.
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

static struct shoal_arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = shoal_arena_new(0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_arena_free(arena);
    return 0;
}

#define HEAD "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-MAP:URI=\"r.mp4\",BYTERANGE=\"100@0\"\n"

static int parse(const char *text, uint64_t media_bytes, struct transcode_playlist *playlist)
{
    struct shoal_err err = {0};
    return transcode_playlist_parse(arena, text, strlen(text), media_bytes, playlist, &err);
}

static void ranges_become_explicit(void **state)
{
    (void)state;
    struct transcode_playlist playlist;
    assert_int_equal(parse(HEAD "#EXTINF:4.000000,\n#EXT-X-BYTERANGE:50@100\nr.mp4\n"
                                "#EXTINF:4.6,\r\n#EXT-X-BYTERANGE:25\r\nr.mp4\n#EXT-X-ENDLIST\n",
                         175, &playlist),
        0);
    assert_int_equal(playlist.count, 2);
    assert_int_equal(playlist.segments[1].offset, 150);
    struct shoal_buf out = {0};
    assert_int_equal(transcode_playlist_write(&playlist, &out), 0);
    assert_string_equal(out.data,
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\"100@0\"\n"
        "#EXTINF:4.000000,\n#EXT-X-BYTERANGE:50@100\nmedia.mp4\n"
        "#EXTINF:4.600000,\n#EXT-X-BYTERANGE:25@150\nmedia.mp4\n#EXT-X-ENDLIST\n");
    // What we write we read.
    struct transcode_playlist again;
    assert_int_equal(parse(out.data, 175, &again), 0);
    assert_int_equal(again.segments[1].length, 25);
    shoal_buf_fini(&out);
}

static void damaged_playlists_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "#EXTM3U\n", "EXTM3U\n#EXTINF:4,\n",
        HEAD "#EXTINF:4,\n#EXT-X-BYTERANGE:50@100\nr.mp4\n",                 // not ended
        HEAD "#EXTINF:4,\nr.mp4\n#EXT-X-ENDLIST\n",                          // no range
        HEAD "#EXT-X-BYTERANGE:50@100\nr.mp4\n#EXT-X-ENDLIST\n",             // no duration
        HEAD "#EXTINF:4,\n#EXT-X-BYTERANGE:50@126\nr.mp4\n#EXT-X-ENDLIST\n", // past the end
        HEAD "#EXTINF:4,\n#EXT-X-BYTERANGE:0@100\nr.mp4\n#EXT-X-ENDLIST\n",
        HEAD "#EXTINF:4,\n#EXT-X-BYTERANGE:18446744073709551615@1\nr.mp4\n#EXT-X-ENDLIST\n",
        HEAD "#EXTINF:-4,\n#EXT-X-BYTERANGE:50@100\nr.mp4\n#EXT-X-ENDLIST\n",
        HEAD "#EXTINF:nan,\n#EXT-X-BYTERANGE:50@100\nr.mp4\n#EXT-X-ENDLIST\n",
        HEAD HEAD "#EXTINF:4,\n#EXT-X-BYTERANGE:50@100\nr.mp4\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXTINF:4,\n#EXT-X-BYTERANGE:50@100\nr.mp4\n#EXT-X-ENDLIST\n", // no map
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct transcode_playlist playlist;
        if (parse(bad[i], 175, &playlist) != SHOAL_EIO) {
            fail_msg("row %zu was taken", i);
        }
    }
}

/// Boxes written from the inside to the outside.
struct writer {
    unsigned char bytes[4096];
    size_t length;
};

static void put(struct writer *writer, const void *data, size_t length)
{
    assert_true(writer->length + length <= sizeof(writer->bytes));
    memcpy(writer->bytes + writer->length, data, length);
    writer->length += length;
}

static void put32(struct writer *writer, uint32_t value)
{
    const unsigned char bytes[] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
        (unsigned char)(value >> 8), (unsigned char)value};
    put(writer, bytes, 4);
}

static size_t open_box(struct writer *writer, const char *name)
{
    size_t start = writer->length;
    put32(writer, 0);
    put(writer, name, 4);
    return start;
}

static void close_box(struct writer *writer, size_t start)
{
    size_t size = writer->length - start;
    writer->bytes[start + 2] = (unsigned char)(size >> 8);
    writer->bytes[start + 3] = (unsigned char)size;
}

static void zeros(struct writer *writer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put(writer, "", 1);
    }
}

/// One video track; its table of one chunk when sample_bytes is not 0.
static void video_track(struct writer *writer, uint32_t offset, uint32_t sample_bytes)
{
    size_t trak = open_box(writer, "trak");
    size_t mdia = open_box(writer, "mdia");
    size_t minf = open_box(writer, "minf");
    size_t stbl = open_box(writer, "stbl");
    size_t stsd = open_box(writer, "stsd");
    zeros(writer, 8);
    size_t avc1 = open_box(writer, "avc1");
    zeros(writer, 78);
    size_t avcc = open_box(writer, "avcC");
    put(writer, "\x01\x64\x00\x1f\xff\xe1\x00", 7);
    close_box(writer, avcc);
    close_box(writer, avc1);
    close_box(writer, stsd);
    if (sample_bytes > 0) {
        size_t stsz = open_box(writer, "stsz");
        zeros(writer, 8);
        put32(writer, 1);
        put32(writer, sample_bytes);
        close_box(writer, stsz);
        size_t stsc = open_box(writer, "stsc");
        zeros(writer, 4);
        put32(writer, 1);
        put32(writer, 1);
        put32(writer, 1);
        put32(writer, 1);
        close_box(writer, stsc);
        size_t stco = open_box(writer, "stco");
        zeros(writer, 4);
        put32(writer, 1);
        put32(writer, offset);
        close_box(writer, stco);
    }
    close_box(writer, stbl);
    close_box(writer, minf);
    close_box(writer, mdia);
    close_box(writer, trak);
}

static void audio_track(struct writer *writer)
{
    size_t boxes[] = {open_box(writer, "trak"), open_box(writer, "mdia"), open_box(writer, "minf"),
        open_box(writer, "stbl"), open_box(writer, "stsd")};
    zeros(writer, 8);
    size_t mp4a = open_box(writer, "mp4a");
    zeros(writer, 28);
    size_t esds = open_box(writer, "esds");
    put(writer, "\0\0\0\0\x03\x80\x80\x80\x25\0\x01\0\x04\x80\x80\x80\x17\x40\x15", 19);
    zeros(writer, 11);
    put(writer, "\x05\x80\x80\x80\x02\x11\x90\x06\x80\x80\x80\x01\x02", 13);
    close_box(writer, esds);
    close_box(writer, mp4a);
    for (size_t i = 5; i-- > 0;) {
        close_box(writer, boxes[i]);
    }
}

static void codecs_come_from_the_init_segment(void **state)
{
    (void)state;
    struct writer writer = {.length = 0};
    size_t ftyp = open_box(&writer, "ftyp");
    close_box(&writer, ftyp);
    size_t moov = open_box(&writer, "moov");
    video_track(&writer, 0, 0);
    audio_track(&writer);
    close_box(&writer, moov);
    const char *codecs = NULL;
    struct shoal_err err = {0};
    assert_int_equal(transcode_codecs_of(arena, writer.bytes, writer.length, &codecs, &err), 0);
    assert_string_equal(codecs, "avc1.64001f,mp4a.40.2");
    // Cut anywhere: an error, and never a read past the end.
    for (size_t length = 0; length < writer.length; length++) {
        unsigned char *bytes = malloc(length + 1);
        memcpy(bytes, writer.bytes, length);
        unsigned char *exact = realloc(bytes, length > 0 ? length : 1);
        assert_int_equal(transcode_codecs_of(arena, exact, length, &codecs, &err), SHOAL_EIO);
        free(exact);
    }
}

static void camera_data_is_overwritten_in_place(void **state)
{
    (void)state;
    // user data with an escape (00 00 03 01), recovery point, slice.
    static const unsigned char sei[] = "\x06\x05\x15"
                                       "0123456789abcdef"
                                       "G\0\0\x03\x01P"
                                       "\x80";
    static const unsigned char point[] = "\x06\x06\x01\xc4\x80";
    static const unsigned char slice[] = "\x65\x05\x14"
                                         "0123456789abcdef";
    struct writer sample = {.length = 0};
    put32(&sample, sizeof(sei) - 1);
    put(&sample, sei, sizeof(sei) - 1);
    put32(&sample, sizeof(point) - 1);
    put(&sample, point, sizeof(point) - 1);
    put32(&sample, sizeof(slice) - 1);
    put(&sample, slice, sizeof(slice) - 1);
    struct writer writer = {.length = 0};
    size_t mdat = open_box(&writer, "mdat");
    put(&writer, sample.bytes, sample.length);
    close_box(&writer, mdat);
    size_t moov = open_box(&writer, "moov");
    video_track(&writer, 8, (uint32_t)sample.length);
    close_box(&writer, moov);
    char path[] = "/tmp/shoal-scrub-XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, writer.bytes, writer.length), writer.length);
    struct shoal_err err = {0};
    assert_int_equal(transcode_scrub(path, &err), 1);
    unsigned char after[4096];
    assert_int_equal(pread(fd, after, sizeof(after), 0), writer.length);
    close(fd);
    unlink(path);
    static const unsigned char wanted[] = "\x06\x05\x15"
                                          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                          "\xff\xff\xff\xff\0\0\x03\x02\xff\x80";
    assert_memory_equal(after + 12, wanted, sizeof(wanted) - 1);
    size_t rest = 12 + sizeof(sei) - 1;
    assert_memory_equal(after + rest, writer.bytes + rest, writer.length - rest);
}

static void jpeg_sizes_are_read(void **state)
{
    (void)state;
    static const unsigned char jpeg[] =
        "\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x11\x08\x00\x9d\x01\x18\x03";
    int width = 0;
    int height = 0;
    assert_true(transcode_jpeg_size(jpeg, sizeof(jpeg), &width, &height));
    assert_int_equal(width, 280);
    assert_int_equal(height, 157);
    for (size_t length = 0; length < 17; length++) {
        assert_false(transcode_jpeg_size(jpeg, length, &width, &height));
    }
}

static void the_heaviest_segment_says_what_a_player_must_take_in(void **state)
{
    (void)state;
    static const struct transcode_segment segments[] = {
        {4, 100, 1000}, {4, 1100, 3001}, {2, 4101, 1400}, {0.1, 5501, 9000}};
    struct transcode_playlist playlist = {.segments = (struct transcode_segment *)segments};
    static const int64_t expected[] = {0, 2000, 6002, 6002, 6002}; // a last scrap does not count
    for (size_t count = 0; count <= 4; count++) {
        playlist.count = count;
        assert_int_equal(transcode_playlist_peak_bps(&playlist), expected[count]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_become_explicit),
        cmocka_unit_test(the_heaviest_segment_says_what_a_player_must_take_in),
        cmocka_unit_test(damaged_playlists_are_refused),
        cmocka_unit_test(codecs_come_from_the_init_segment),
        cmocka_unit_test(camera_data_is_overwritten_in_place),
        cmocka_unit_test(jpeg_sizes_are_read),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
