// transcode_ffmpeg_probe_test.c - ffprobe's answers in the words of the contract.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "transcode_ffmpeg.h"

static json_t *normal(const char *text)
{
    json_t *raw = json_loads(text, 0, NULL);
    assert_non_null(raw);
    struct shoal_err err = {0};
    json_t *probe = transcode_probe_normal(raw, &err);
    if (probe == NULL) {
        print_message("%s\n", err.text);
    }
    assert_non_null(probe);
    json_decref(raw);
    return probe;
}

static void refused(const char *text)
{
    json_t *raw = json_loads(text, 0, NULL);
    assert_non_null(raw);
    struct shoal_err err = {0};
    assert_null(transcode_probe_normal(raw, &err));
    assert_int_equal(err.code, SHOAL_EUNREADABLE);
    assert_true(err.text[0] != '\0');
    json_decref(raw);
}

static void phone_clip_is_turned(void **state)
{
    (void)state;
    json_t *probe = normal(
        "{\"streams\":[{\"index\":0,\"codec_type\":\"data\"},"
        "{\"index\":1,\"codec_name\":\"h264\",\"codec_type\":\"video\",\"profile\":\"High\","
        "\"width\":1920,\"height\":1080,\"pix_fmt\":\"yuv420p\",\"avg_frame_rate\":\"30000/1001\","
        "\"r_frame_rate\":\"30000/1001\",\"color_space\":\"bt709\","
        "\"side_data_list\":[{\"side_data_type\":\"Display Matrix\",\"rotation\":-90}],"
        "\"tags\":{\"language\":\"und\",\"location\":\"+48.8\"}},"
        "{\"index\":2,\"codec_name\":\"aac\",\"codec_type\":\"audio\",\"channels\":2,"
        "\"sample_rate\":\"44100\"}],\"chapters\":[{\"start_time\":\"0\",\"tags\":{\"title\":\"One\","
        "\"where\":\"here\"}}],\"format\":{\"filename\":\"file:/secret/place.mp4\","
        "\"format_name\":\"mov,mp4\",\"duration\":\"12.500000\",\"bit_rate\":\"800000\","
        "\"tags\":{\"location\":\"+48.8\"}}}");
    assert_int_equal(shoal_integer(probe, "video.width", 0), 1080);
    assert_int_equal(shoal_integer(probe, "video.height", 0), 1920);
    assert_int_equal(shoal_integer(probe, "video.rotation", 0), 90);
    assert_int_equal(shoal_integer(probe, "video.index", 0), 1);
    assert_true(fabs(shoal_number(probe, "video.fps", 0) - 29.97) < 0.001);
    assert_false(shoal_flag(probe, "video.is_variable_fps", true));
    assert_true(shoal_flag(probe, "video.has_color", false));
    assert_int_equal(shoal_integer(probe, "video.bit_depth", 0), 8);
    assert_int_equal(shoal_integer(probe, "audio.sample_rate", 0), 44100);
    assert_true(fabs(shoal_number(probe, "duration", 0) - 12.5) < 1e-9);
    assert_int_equal(shoal_integer(probe, "bitrate_bps", 0), 800000);
    char *text = json_dumps(probe, 0);
    assert_null(strstr(text, "48.8"));
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, "here"));
    assert_non_null(strstr(text, "\"One\""));
    free(text);
    json_decref(probe);
}

static void cover_is_no_video(void **state)
{
    (void)state;
    json_t *probe = normal(
        "{\"streams\":[{\"index\":0,\"codec_name\":\"mp3\",\"codec_type\":\"audio\",\"channels\":1,"
        "\"sample_rate\":\"48000\"},{\"index\":1,\"codec_name\":\"png\",\"codec_type\":\"video\","
        "\"width\":600,\"height\":500,\"disposition\":{\"attached_pic\":1}}],"
        "\"format\":{\"format_name\":\"mp3\",\"duration\":\"5.0\"}}");
    assert_true(json_is_null(shoal_get(probe, "video")));
    assert_true(shoal_flag(probe, "has_cover", false));
    assert_int_equal(shoal_integer(probe, "cover.index", -1), 1);
    assert_int_equal(shoal_integer(probe, "cover.height", -1), 500);
    json_decref(probe);
}

static void wide_pixels_widen_the_picture(void **state)
{
    (void)state;
    json_t *probe = normal(
        "{\"streams\":[{\"index\":0,\"codec_name\":\"mpeg2video\",\"codec_type\":\"video\","
        "\"width\":720,\"height\":576,\"sample_aspect_ratio\":\"64:45\",\"field_order\":\"tt\","
        "\"pix_fmt\":\"yuv420p\",\"avg_frame_rate\":\"25/1\",\"r_frame_rate\":\"50/1\"}],"
        "\"format\":{\"format_name\":\"mpeg\",\"duration\":\"5.0\"}}");
    assert_int_equal(shoal_integer(probe, "video.width", 0), 1024);
    assert_true(shoal_flag(probe, "video.is_interlaced", false));
    assert_false(shoal_flag(probe, "video.is_variable_fps", true));
    assert_true(json_is_null(shoal_get(probe, "audio")));
    json_decref(probe);
}

static void uneven_frames_are_seen(void **state)
{
    (void)state;
    static const char head[] =
        "{\"streams\":[{\"index\":0,\"codec_name\":\"h264\",\"codec_type\":\"video\","
        "\"width\":64,\"height\":64,\"pix_fmt\":\"yuv420p10le\",\"avg_frame_rate\":\"%s\","
        "\"r_frame_rate\":\"%s\"}],%s\"format\":{\"duration\":\"5\"}}";
    static const struct {
        const char *average, *base, *packets;
        bool is_variable;
    } rows[] = {
        {"30/1", "30/1", "", false},
        {"2997/100", "30000/1001", "", false},
        {"6180/179", "60/1", "", true},
        {"0/0", "1000/1", "", true},
        {"30/1", "0/0", "", true},
        {"30/1", "30/1",
            "\"packets\":[{\"stream_index\":0,\"pts_time\":\"0\"},{\"stream_index\":0,\"pts_time\":"
            "\"0.1\"},{\"stream_index\":0,\"pts_time\":\"0.033\"},{\"stream_index\":0,\"pts_time\":"
            "\"0.067\"},{\"stream_index\":1,\"pts_time\":\"0.001\"}],",
            false},
        {"30/1", "30/1",
            "\"packets\":[{\"stream_index\":0,\"pts_time\":\"0\"},{\"stream_index\":0,\"pts_time\":"
            "\"0.033\"},{\"stream_index\":0,\"pts_time\":\"0.067\"},{\"stream_index\":0,\"pts_time\":"
            "\"0.5\"}],",
            true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_buf text = {0};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        shoal_buf_printf(&text, head, rows[i].average, rows[i].base, rows[i].packets);
#pragma GCC diagnostic pop
        json_t *probe = normal(text.data);
        if (shoal_flag(probe, "video.is_variable_fps", !rows[i].is_variable) !=
            rows[i].is_variable) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(shoal_integer(probe, "video.bit_depth", 0), 10);
        json_decref(probe);
        shoal_buf_fini(&text);
    }
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    refused("{}");
    refused("{\"streams\":[],\"format\":{}}");
    refused("{\"streams\":[{\"index\":0,\"codec_type\":\"data\"}],\"format\":{}}");
    refused("{\"streams\":[{\"index\":0,\"codec_type\":\"video\",\"codec_name\":\"ansi\","
            "\"width\":10,\"height\":10}],\"format\":{}}");
    refused("{\"streams\":[{\"index\":0,\"codec_type\":\"video\",\"codec_name\":\"h264\","
            "\"width\":100000,\"height\":10}],\"format\":{}}");
    refused("{\"streams\":[{\"index\":0,\"codec_type\":\"video\",\"codec_name\":\"h264\","
            "\"width\":10,\"height\":10}],\"format\":{\"duration\":\"1e12\"}}");
}

static void rates_are_parsed_strictly(void **state)
{
    (void)state;
    struct transcode_rate rate;
    assert_true(transcode_rate_parse("30000/1001", &rate));
    assert_int_equal(rate.num, 30000);
    assert_true(transcode_rate_parse("25", &rate));
    assert_int_equal(rate.den, 1);
    static const char *const bad[] = {"", "0/0", "1/0", "-1/1", "1/-1", " 1", "1/1;", "x",
        "99999999999999999999/1", "1/", "1//1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(transcode_rate_parse(bad[i], &rate));
    }
    assert_false(transcode_rate_parse(NULL, &rate));
}

static void words_of_ffmpeg_become_sentences(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(transcode_words_mean("x: No space left on device", &err), SHOAL_EFULL);
    assert_int_equal(transcode_words_mean("[mov] moov atom not found\nx: Invalid data found", &err),
        SHOAL_EUNREADABLE);
    assert_non_null(strstr(err.text, "cut off"));
    assert_int_equal(transcode_words_mean("whatever", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phone_clip_is_turned),
        cmocka_unit_test(cover_is_no_video),
        cmocka_unit_test(wide_pixels_widen_the_picture),
        cmocka_unit_test(uneven_frames_are_seen),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(rates_are_parsed_strictly),
        cmocka_unit_test(words_of_ffmpeg_become_sentences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
