// transcode_ffmpeg_real_test.c - real clips through the real ffmpeg, in its sandbox.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <testkit.h>

#include "transcode_ffmpeg.h"
#include "transcode_ffmpeg_clips_test.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

static struct shoal_kit *kit;
static struct shoal_service service;
static const struct shoal_svc_transcoder *transcoder;

static struct shoal_call *call(void)
{
    return shoal_kit_system(kit);
}

static json_t *probe_of(const char *name)
{
    struct shoal_err err = {0};
    json_t *probe = NULL;
    int rc = transcoder->probe(call(), service.arg, in_folder(name), &probe, &err);
    if (rc != 0) {
        print_message("%s: %s\n", name, err.text);
    }
    assert_int_equal(rc, 0);
    return probe;
}

static void refused_with(const char *name, const char *part)
{
    struct shoal_err err = {0};
    json_t *probe = NULL;
    assert_int_equal(transcoder->probe(call(), service.arg, in_folder(name), &probe, &err),
        SHOAL_EUNREADABLE);
    assert_null(probe);
    if (strstr(err.text, part) == NULL) {
        fail_msg("%s: \"%s\" does not say \"%s\"", name, err.text, part);
    }
}

/// What a run handed over.
struct result {
    struct shoal_rendition list[TRANSCODE_RENDITIONS_MAX];
    char codecs[TRANSCODE_RENDITIONS_MAX][64];
    char media[TRANSCODE_RENDITIONS_MAX][512];
    char playlist[TRANSCODE_RENDITIONS_MAX][512];
    size_t count;
    int percent;
    int cancel_at; ///< calls of progress() until it cancels; 0: never
};

static int on_progress(void *user, int percent)
{
    struct result *result = user;
    assert_true(percent >= result->percent && percent <= 100);
    result->percent = percent;
    return result->cancel_at > 0 && --result->cancel_at == 0 ? SHOAL_ECANCELLED : 0;
}

static int on_ready(void *user, const struct shoal_rendition *rendition, struct shoal_err *err)
{
    (void)err;
    struct result *result = user;
    size_t i = result->count++;
    result->list[i] = *rendition;
    snprintf(result->codecs[i], sizeof(result->codecs[0]), "%s", rendition->codecs);
    snprintf(result->media[i], sizeof(result->media[0]), "%s", rendition->media_path);
    snprintf(result->playlist[i], sizeof(result->playlist[0]), "%s", rendition->playlist_path);
    return 0;
}

static json_t *plan_of(const int *resolutions, size_t count)
{
    json_t *plan = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(plan, json_pack("{s:i s:s s:s}", "resolution", resolutions[i],
                                        "video_codec", "h264", "audio_codec", "aac"));
    }
    return plan;
}

static int run(const char *name, const json_t *probe, const json_t *plan, const char *key,
    struct result *result, struct shoal_err *err)
{
    char work[300];
    snprintf(work, sizeof(work), "%s/work-%s", folder, key);
    mkdir(work, 0755);
    const struct shoal_transcode what = {
        .key = key,
        .source_path = in_folder(name),
        .work_path = work,
        .probe = probe,
        .plan = plan,
        .user = result,
        .progress = on_progress,
        .ready = on_ready,
    };
    return transcoder->run(call(), service.arg, &what, err);
}

/// Probes a result of ours as any MP4.
static json_t *probe_path(const char *path)
{
    struct shoal_err err = {0};
    json_t *probe = NULL;
    int rc = transcoder->probe(call(), service.arg, path, &probe, &err);
    if (rc != 0) {
        print_message("%s: %s\n", path, err.text);
    }
    assert_int_equal(rc, 0);
    return probe;
}

/// Runs a ladder and checks what is true of each.
static void ladder(const char *name, const int *resolutions, size_t count, struct result *result)
{
    json_t *probe = probe_of(name);
    json_t *plan = plan_of(resolutions, count);
    assert_int_equal(transcoder->takes(call(), service.arg, probe, plan), 0);
    struct shoal_err err = {0};
    *result = (struct result){0};
    int rc = run(name, probe, plan, name, result, &err);
    if (rc != 0) {
        print_message("%s: %s\n", name, err.text);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(result->count, count);
    assert_int_equal(result->percent, 100);
    double source_s = shoal_number(probe, "duration", 0);
    for (size_t i = 0; i < count; i++) {
        json_t *made = probe_path(result->media[i]);
        assert_true(fabs(shoal_number(made, "duration", 0) - source_s) < 0.35);
        if (result->list[i].has_video) {
            assert_int_equal(shoal_integer(made, "video.width", 0), result->list[i].width);
            assert_int_equal(shoal_integer(made, "video.height", 0), result->list[i].height);
            assert_string_equal(shoal_text(made, "video.pixel_format", ""), "yuv420p");
            assert_int_equal(shoal_integer(made, "video.rotation", -1), 0);
        } else {
            assert_true(json_is_null(shoal_get(made, "video")));
        }
        size_t length = 0;
        char *text = file_read(result->playlist[i], &length);
        assert_non_null(strstr(text, "#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\""));
        assert_non_null(strstr(text, "#EXT-X-ENDLIST\n"));
        assert_non_null(strstr(text, "\nmedia.mp4\n"));
        free(text);
        json_decref(made);
    }
    json_decref(plan);
    json_decref(probe);
}

static bool holds(const char *path, const char *what)
{
    size_t length = 0;
    char *bytes = file_read(path, &length);
    bool found = memmem(bytes, length, what, strlen(what)) != NULL;
    free(bytes);
    return found;
}

static void h264_mp4_is_remuxed_and_laddered(void **state)
{
    (void)state;
    CLIP("moov_end.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30:d=6", "-f", "lavfi", "-i",
        "sine=440:d=6", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a",
        "aac");
    json_t *probe = probe_of("moov_end.mp4");
    assert_string_equal(shoal_text(probe, "video.codec", ""), "h264");
    assert_int_equal(shoal_integer(probe, "video.width", 0), 1280);
    assert_false(shoal_flag(probe, "video.is_variable_fps", true));
    assert_int_equal(shoal_integer(probe, "audio.channels", 0), 1);
    struct shoal_err err = {0};
    assert_int_equal(transcoder->remux(call(), service.arg, in_folder("moov_end.mp4"), probe,
                         in_folder("plays.mp4"), "remux:1", &err),
        0);
    size_t length = 0;
    char *bytes = file_read(in_folder("plays.mp4"), &length);
    const char *moov = memmem(bytes, length, "moov", 4);
    const char *mdat = memmem(bytes, length, "mdat", 4);
    assert_true(moov != NULL && mdat != NULL && moov < mdat);
    free(bytes);
    json_decref(probe);
    struct result result;
    ladder("moov_end.mp4", (const int[]){720, 480, 240}, 3, &result);
    assert_int_equal(result.list[1].width, 854);
    assert_int_equal(result.list[1].height, 480);
    assert_memory_equal(result.codecs[0], "avc1.64", 7);
    assert_non_null(strstr(result.codecs[0], ",mp4a.40.2"));
    assert_true(result.list[0].bitrate_bps > result.list[2].bitrate_bps);
    // Cut at the same moments.
    char *first = file_read(result.playlist[0], &length);
    assert_non_null(strstr(first, "#EXTINF:4.0"));
    free(first);
}

static void vp9_opus_webm_is_laddered(void **state)
{
    (void)state;
    CLIP("clip.webm", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3", "-f", "lavfi", "-i",
        "sine=440:d=3", "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a",
        "libopus");
    json_t *probe = probe_of("clip.webm");
    struct shoal_err err = {0};
    assert_int_equal(transcoder->remux(call(), service.arg, in_folder("clip.webm"), probe,
                         in_folder("webm.mp4"), "remux:2", &err),
        0);
    json_decref(probe);
    probe = probe_of("webm.mp4");
    assert_string_equal(shoal_text(probe, "video.codec", ""), "vp9");
    assert_string_equal(shoal_text(probe, "audio.codec", ""), "opus");
    json_decref(probe);
    struct result result;
    ladder("clip.webm", (const int[]){360, 240}, 2, &result);
}

static void webm_without_duration_is_measured(void **state)
{
    (void)state;
    CLIP("recorded.webm", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-c:v", "libvpx",
        "-deadline", "realtime", "-cpu-used", "8", "-f", "webm", "-live", "1");
    json_t *probe = probe_of("recorded.webm");
    assert_true(fabs(shoal_number(probe, "duration", 0) - 2) < 0.1);
    json_decref(probe);
}

static void ten_bit_hevc_becomes_eight_bit(void **state)
{
    (void)state;
    if (ffmpeg("hevc.mkv", (const char *const[]){"-f", "lavfi", "-i", "testsrc2=s=640x360:r=24:d=2",
                               "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
                               "log-level=none", "-pix_fmt", "yuv420p10le", NULL}) != 0) {
        skip();
    }
    json_t *probe = probe_of("hevc.mkv");
    assert_int_equal(shoal_integer(probe, "video.bit_depth", 0), 10);
    struct shoal_err err = {0};
    assert_int_equal(transcoder->remux(call(), service.arg, in_folder("hevc.mkv"), probe,
                         in_folder("no.mp4"), "remux:3", &err),
        SHOAL_EUNSUPPORTED);
    assert_int_not_equal(access(in_folder("no.mp4"), F_OK), 0);
    json_decref(probe);
    struct result result;
    ladder("hevc.mkv", (const int[]){360}, 1, &result);
    assert_false(result.list[0].has_audio);
}

static void portrait_with_rotation_stands_upright(void **state)
{
    (void)state;
    CLIP("flat.mp4", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=30:d=2", "-c:v", "libx264",
        "-preset", "ultrafast", "-pix_fmt", "yuv420p");
    CLIP("phone.mp4", "-i", in_folder("flat.mp4"), "-c", "copy");
    turn("phone.mp4");
    json_t *probe = probe_of("phone.mp4");
    assert_int_equal(shoal_integer(probe, "video.width", 0), 360);
    assert_int_equal(shoal_integer(probe, "video.height", 0), 640);
    assert_true(shoal_integer(probe, "video.rotation", 0) == 90 ||
                shoal_integer(probe, "video.rotation", 0) == 270);
    struct shoal_err err = {0};
    assert_int_equal(transcoder->remux(call(), service.arg, in_folder("phone.mp4"), probe,
                         in_folder("upright.mp4"), "remux:4", &err),
        0);
    json_t *remuxed = probe_of("upright.mp4");
    assert_int_equal(shoal_integer(remuxed, "video.rotation", 0),
        shoal_integer(probe, "video.rotation", 1));
    assert_int_equal(shoal_integer(remuxed, "video.height", 0), 640);
    struct shoal_image image = {.path = in_folder("upright.jpg"), .width = 280};
    assert_int_equal(transcoder->images(call(), service.arg, in_folder("phone.mp4"), probe, 1,
                         &image, 1, &err),
        0);
    assert_int_equal(image.out_width, 280);
    assert_true(image.out_height > 490 && image.out_height < 500);
    json_decref(remuxed);
    json_decref(probe);
    struct result result;
    ladder("phone.mp4", (const int[]){360, 240}, 2, &result);
    assert_int_equal(result.list[0].width, 360);
    assert_int_equal(result.list[0].height, 640);
    assert_int_equal(result.list[1].width, 240);
}

static void odd_sizes_and_film_rate_are_kept(void **state)
{
    (void)state;
    CLIP("odd.mp4", "-f", "lavfi", "-i", "testsrc=s=853x479:r=24000/1001:d=3", "-c:v", "libx264",
        "-preset", "ultrafast", "-pix_fmt", "yuv444p");
    json_t *probe = probe_of("odd.mp4");
    assert_int_equal(shoal_integer(probe, "video.height", 0), 479);
    json_decref(probe);
    struct result result;
    ladder("odd.mp4", (const int[]){480, 240}, 2, &result);
    assert_int_equal(result.list[0].width, 852);
    assert_int_equal(result.list[0].height, 478);
    assert_true(fabs(result.list[0].fps - 24000.0 / 1001) < 0.001);
    json_t *made = probe_path(result.media[0]);
    assert_string_equal(shoal_text(made, "video.rate", ""), "24000/1001");
    json_decref(made);
}

/// The mean of a plane of the first frame of an 8-bit 4:2:0 video.
static int plane_mean(const char *path, int plane, int width, int height)
{
    CLIP("frame.yuv", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "yuv420p");
    size_t length = 0;
    char *bytes = file_read(in_folder("frame.yuv"), &length);
    size_t luma = (size_t)width * (size_t)height;
    assert_int_equal(length, luma * 3 / 2);
    size_t begin = plane == 0 ? 0 : luma + (size_t)(plane - 1) * luma / 4;
    size_t count = plane == 0 ? luma : luma / 4;
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += (unsigned char)bytes[begin + i];
    }
    free(bytes);
    return (int)(sum / count);
}

static void colours_stay_what_they_were(void **state)
{
    (void)state;
    // Red in RGB: 63, 102, 240 by BT.709, and the file says so.
    CLIP("red.mkv", "-f", "lavfi", "-i", "color=c=0xff0000:s=320x180:r=10:d=1,format=gbrp", "-c:v",
        "ffv1");
    // Gray in full range (128) is 126 in limited range.
    CLIP("full.mp4", "-f", "lavfi", "-i", "color=c=0x808080:s=320x180:r=10:d=1", "-vf",
        "scale=out_range=pc,format=yuvj420p", "-c:v", "libx264", "-preset", "ultrafast");
    struct result result;
    ladder("red.mkv", (const int[]){180}, 1, &result);
    assert_in_range(plane_mean(result.media[0], 0, 320, 180), 61, 65);
    assert_in_range(plane_mean(result.media[0], 1, 320, 180), 100, 104);
    assert_in_range(plane_mean(result.media[0], 2, 320, 180), 238, 242);
    json_t *made = probe_path(result.media[0]);
    assert_string_equal(shoal_text(made, "raw.streams.0.color_space", ""), "bt709");
    json_decref(made);
    ladder("full.mp4", (const int[]){180}, 1, &result);
    assert_in_range(plane_mean(result.media[0], 0, 320, 180), 124, 128);
}

static void variable_frame_rate_becomes_constant(void **state)
{
    (void)state;
    CLIP("vfr.mkv", "-f", "lavfi", "-i", "testsrc2=s=640x360:r=60:d=6", "-vf",
        "select='if(lt(t,3),1,not(mod(n,7)))'", "-fps_mode", "vfr", "-c:v", "libx264", "-preset",
        "ultrafast", "-pix_fmt", "yuv420p");
    json_t *probe = probe_of("vfr.mkv");
    assert_true(shoal_flag(probe, "video.is_variable_fps", false));
    json_decref(probe);
    struct result result;
    ladder("vfr.mkv", (const int[]){360, 240}, 2, &result);
    json_t *made = probe_path(result.media[0]);
    assert_false(shoal_flag(made, "video.is_variable_fps", true));
    json_decref(made);
    size_t length = 0;
    char *first = file_read(result.playlist[0], &length);
    char *second = file_read(result.playlist[1], &length);
    assert_memory_equal(strstr(first, "#EXTINF:"), strstr(second, "#EXTINF:"), 16);
    free(first);
    free(second);
}

/// When a file shows its first picture, in ms.
static long first_picture_ms(const char *media)
{
    assert_int_equal(ffmpeg("first.txt", (const char *const[]){"-copyts", "-i", media, "-map", "0:v",
                                "-frames:v", "1", "-vf", "settb=1/1000", "-enc_time_base", "1/1000",
                                "-f", "framecrc", NULL}),
        0);
    size_t length = 0;
    char *text = file_read(in_folder("first.txt"), &length);
    const char *line = strstr(text, "\n0,");
    assert_non_null(line);
    long ms = strtol(line + 3, NULL, 10);
    free(text);
    return ms;
}

static void renditions_begin_together_whatever_their_rates(void **state)
{
    (void)state;
    CLIP("sixty.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=60:d=2", "-f", "lavfi", "-i",
        "sine=d=2", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac");
    json_t *probe = probe_of("sixty.mp4");
    json_t *plan = json_pack("[{s:i s:i s:s s:s} {s:i s:i s:s s:s}]", "resolution", 720, "fps", 60,
        "video_codec", "h264", "audio_codec", "aac", "resolution", 240, "fps", 30, "video_codec",
        "h264", "audio_codec", "aac");
    struct shoal_err err = {0};
    struct result result = {0};
    assert_int_equal(run("sixty.mp4", probe, plan, "sixty", &result, &err), 0);
    assert_int_equal(result.count, 2);
    assert_true(result.list[0].fps - result.list[1].fps > 29);
    long first = first_picture_ms(result.media[0]);
    assert_true(labs(first - first_picture_ms(result.media[1])) <= 1);
    assert_true(first < 100);
    json_decref(plan);
    json_decref(probe);
}

static void audio_alone_has_a_picture_and_resolution_0(void **state)
{
    (void)state;
    CLIP("cover.png", "-f", "lavfi", "-i", "testsrc2=s=600x600:d=1:r=1", "-frames:v", "1");
    char cover[300];
    snprintf(cover, sizeof(cover), "%s/cover.png", folder);
    CLIP("song.mp3", "-f", "lavfi", "-i", "sine=440:d=5", "-i", cover, "-map", "0", "-map", "1",
        "-c:a", "libmp3lame", "-c:v", "mjpeg", "-disposition:v", "attached_pic", "-metadata",
        "title=secret title");
    CLIP("song.flac", "-f", "lavfi", "-i", "sine=440:d=5");
    json_t *probe = probe_of("song.mp3");
    assert_true(json_is_null(shoal_get(probe, "video")));
    assert_true(shoal_flag(probe, "has_cover", false));
    struct shoal_err err = {0};
    struct shoal_image images[] = {{.path = in_folder("small.jpg"), .width = 280, .height = 157},
        {.path = in_folder("large.jpg"), .width = 850, .height = 480}};
    assert_int_equal(
        transcoder->images(call(), service.arg, in_folder("song.mp3"), probe, 0, images, 2, &err), 0);
    assert_int_equal(images[0].out_width, 157);
    assert_int_equal(images[0].out_height, 157);
    assert_int_equal(images[1].out_height, 480);
    assert_int_equal(transcoder->remux(call(), service.arg, in_folder("song.mp3"), probe,
                         in_folder("song.mp4"), "remux:5", &err),
        0);
    assert_false(holds(in_folder("song.mp4"), "secret title"));
    json_decref(probe);

    probe = probe_of("song.flac");
    assert_false(shoal_flag(probe, "has_cover", true));
    assert_int_equal(
        transcoder->images(call(), service.arg, in_folder("song.flac"), probe, 0, images, 2, &err),
        0);
    assert_int_equal(images[1].out_width, 850);
    json_decref(probe);
    struct result result;
    ladder("song.flac", (const int[]){0}, 1, &result);
    assert_string_equal(result.codecs[0], "mp4a.40.2");
    assert_int_equal(result.list[0].width, 0);
    ladder("song.mp3", (const int[]){0}, 1, &result);
}

static void images_come_in_their_sizes_without_words(void **state)
{
    (void)state;
    json_t *probe = probe_of("moov_end.mp4");
    struct shoal_image images[] = {{.path = in_folder("280.jpg"), .width = 280},
        {.path = in_folder("850.jpg"), .width = 850}, {.path = in_folder("4k.jpg"), .width = 3840}};
    struct shoal_err err = {0};
    // A moment behind the end: the first frame is taken.
    const double moments[] = {2.5, 0, 600};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(transcoder->images(call(), service.arg, in_folder("moov_end.mp4"), probe,
                             moments[i], images, 3, &err),
            0);
        assert_int_equal(images[0].out_width, 280);
        assert_int_equal(images[0].out_height, 157);
        assert_int_equal(images[1].out_width, 850);
        assert_int_equal(images[2].out_width, 1280);
        assert_false(holds(in_folder("850.jpg"), "Lavc"));
    }
    json_decref(probe);
}

static void storyboards_have_the_size_that_was_asked_for(void **state)
{
    (void)state;
    json_t *probe = probe_of("moov_end.mp4");
    struct shoal_board board = {.size = sizeof board,
        .path = in_folder("board.jpg"),
        .tile_width = 192,
        .tile_height = 108,
        .columns = 3,
        .rows = 2,
        .count = 5};
    struct shoal_err err = {0};
    // All frames, key frames alone, and one span for more than there is.
    const double spans[] = {1, 2.5, 600};
    for (size_t i = 0; i < 3; i++) {
        char *bytes = NULL;
        size_t length = 0;
        int width = 0;
        int height = 0;
        board.tile_s = spans[i];
        assert_int_equal(transcoder->board(
                             call(), service.arg, in_folder("moov_end.mp4"), probe, &board, &err),
            0);
        struct shoal_arena *arena = shoal_arena_new(0);
        assert_int_equal(transcode_file_read(arena, board.path, 1 << 20, &bytes, &length, &err), 0);
        assert_true(transcode_jpeg_size((const unsigned char *)bytes, length, &width, &height));
        assert_int_equal(width, 576);
        assert_int_equal(height, 216);
        assert_false(holds(board.path, "Lavc"));
        shoal_arena_free(arena);
    }
    const struct shoal_board bad[] = {{.size = sizeof board},
        {.size = sizeof board, .tile_width = 192, .tile_height = 108, .columns = 1, .rows = 1, .count = 2, .tile_s = 1},
        {.size = sizeof board, .tile_width = 1920, .tile_height = 108, .columns = 10, .rows = 1, .count = 2, .tile_s = 1},
        {.size = sizeof board, .tile_width = 192, .tile_height = 108, .columns = 1, .rows = 1, .count = 1, .tile_s = NAN}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(transcoder->board(
                             call(), service.arg, in_folder("moov_end.mp4"), probe, &bad[i], &err),
            SHOAL_EINVAL);
    }
    json_decref(probe);
    probe = probe_of("song.flac");
    board.tile_s = 1;
    assert_int_equal(
        transcoder->board(call(), service.arg, in_folder("song.flac"), probe, &board, &err),
        SHOAL_EUNREADABLE);
    json_decref(probe);
}

static void nothing_says_where_it_was_filmed(void **state)
{
    (void)state;
    CLIP("gps.mov", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1", "-f", "lavfi", "-i",
        "sine=440:d=1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-bsf:v",
        "h264_metadata=sei_user_data=17ee8c60f84d11d98cd60800200c9a66+GPS48.8584N", "-c:a", "aac",
        "-movflags", "use_metadata_tags", "-metadata",
        "com.apple.quicktime.location.ISO6709=+48.8584+002.2945/", "-metadata",
        "com.apple.quicktime.make=SecretCam", "-metadata:s:v", "handler_name=SecretHandler",
        "-metadata:s:a", "title=SecretTrack", "-timecode", "10:11:12:13", "-metadata",
        "creation_time=2020-02-02T02:02:02Z");
    CLIP("xyz.mov", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=30:d=1", "-c:v", "libx264",
        "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-metadata", "location=+48.8584+002.2945/",
        "-metadata", "title=SecretTitle");
    assert_true(holds(in_folder("gps.mov"), "48.8584"));
    assert_true(holds(in_folder("gps.mov"), "GPS48"));
    assert_true(holds(in_folder("xyz.mov"), "48.8584"));
    static const char *const names[] = {"gps.mov", "xyz.mov"};
    static const char *const words[] = {"48.8584", "GPS48", "Secret", "ISO6709", "\251xyz", "loci",
        "Lavf", "x264", "tmcd"};
    for (size_t i = 0; i < 2; i++) {
        json_t *probe = probe_of(names[i]);
        char *text = json_dumps(probe, 0);
        assert_null(strstr(text, "48.8584"));
        assert_null(strstr(text, "Secret"));
        assert_null(strstr(text, folder));
        free(text);
        struct shoal_err err = {0};
        assert_int_equal(transcoder->remux(call(), service.arg, in_folder(names[i]), probe,
                             in_folder("bare.mp4"), "remux:6", &err),
            0);
        for (size_t j = 0; j < sizeof(words) / sizeof(words[0]); j++) {
            if (holds(in_folder("bare.mp4"), words[j])) {
                fail_msg("the remux of %s holds \"%s\"", names[i], words[j]);
            }
        }
        struct result result;
        json_decref(probe);
        ladder(names[i], (const int[]){180}, 1, &result);
        for (size_t j = 0; j < 3; j++) {
            assert_false(holds(result.media[0], words[j]));
        }
    }
    // It still plays.
    CLIP("played.null", "-xerror", "-i", in_folder("bare.mp4"), "-f", "null");
}

static void bad_files_get_a_sentence(void **state)
{
    (void)state;
    size_t length = 0;
    char *bytes = file_read(in_folder("moov_end.mp4"), &length);
    FILE *file = fopen(in_folder("cut.mp4"), "wbe");
    fwrite(bytes, 1, length / 2, file);
    fclose(file);
    free(bytes);
    refused_with("cut.mp4", "cut off");
    file_write("empty.mp4", "");
    refused_with("empty.mp4", "empty");
    file_write("text.mp4", "This is not a video.\n");
    refused_with("text.mp4", "text file");
    file_write("local.mp4", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n");
    refused_with("local.mp4", "playlist");
    file_write("net.m3u8", "\xef\xbb\xbf\n#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n");
    refused_with("net.m3u8", "playlist");
    file_write("concat.mp4", "ffconcat version 1.0\nfile '/etc/passwd'\n");
    refused_with("concat.mp4", "list");
    file_write("sub.mkv", "[Script Info]\nTitle: file:///etc/passwd\n");
    refused_with("sub.mkv", "subtitles");
    file_write("stream.mp4", "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 1 RTP/AVP 96\r\n");
    refused_with("stream.mp4", "SDP");
    refused_with("cover.png", "image");
    file_write("noise.mkv", "\x1a\x45\xdf\xa3 and nothing that follows");
    refused_with("noise.mkv", "damaged");
}

/// An AVI whose "subtitle" is a playlist (CVE-2016-1897's kind): it is demuxed as AVI and no more.
static void playlists_inside_of_containers_stay_bytes(void **state)
{
    (void)state;
    file_write("secret.txt", "TOPSECRET TOPSECRET TOPSECRET");
    char text[600];
    snprintf(text, sizeof(text), "1\n00:00:00,000 --> 00:00:01,000\n#EXTM3U\nconcat:%s/secret.txt\n",
        folder);
    file_write("inner.srt", text);
    char video[300];
    char inner[300];
    snprintf(video, sizeof(video), "%s/flat.mp4", folder);
    snprintf(inner, sizeof(inner), "%s/inner.srt", folder);
    CLIP("inner.mkv", "-i", video, "-i", inner, "-map", "0", "-map", "1", "-c:v", "copy", "-c:s",
        "copy");
    struct result result;
    ladder("inner.mkv", (const int[]){240}, 1, &result);
    assert_false(holds(result.media[0], "TOPSECRET"));
    json_t *probe = probe_of("inner.mkv");
    struct shoal_err err = {0};
    assert_int_equal(transcoder->remux(call(), service.arg, in_folder("inner.mkv"), probe,
                         in_folder("inner.mp4"), "remux:7", &err),
        0);
    assert_false(holds(in_folder("inner.mp4"), "#EXTM3U"));
    json_decref(probe);
}

static void cancelled_run_is_killed(void **state)
{
    (void)state;
    CLIP("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1920x1080:r=30:d=40", "-c:v", "libx264",
        "-preset", "ultrafast", "-qp", "40", "-pix_fmt", "yuv420p");
    json_t *probe = probe_of("long.mp4");
    json_t *plan = plan_of((const int[]){1080, 720}, 2);
    struct result result = {.cancel_at = 2};
    struct shoal_err err = {0};
    assert_int_equal(run("long.mp4", probe, plan, "cancel", &result, &err), SHOAL_ECANCELLED);
    assert_int_equal(result.count, 0);
    struct shoal_process_state process;
    assert_int_equal(shoal_process_wait(call(), "cancel", 2000, &process, &err), SHOAL_ENOTFOUND);
    json_decref(plan);
    json_decref(probe);
}

/// What a server finds that starts while ffmpeg works for the one that was killed.
static void run_that_goes_on_is_adopted(void **state)
{
    (void)state;
    json_t *probe = probe_of("long.mp4");
    json_t *plan = plan_of((const int[]){240}, 1);
    struct transcode_source source;
    struct transcode_options options;
    struct transcode_ladder rungs;
    struct shoal_err err = {0};
    transcode_options_read(service.arg, call(), &options);
    assert_int_equal(transcode_source_read(in_folder("long.mp4"), probe, &source, &err), 0);
    assert_int_equal(transcode_plan_read(plan, &source, &options, &rungs, &err), 0);
    struct transcode_args args;
    transcode_args_init(&args, shoal_call_arena(call()));
    transcode_ladder_args(&args, &source, &rungs);
    char work[300];
    snprintf(work, sizeof(work), "%s/work-adopt", folder);
    mkdir(work, 0755);
    const struct transcode_run process = {.program = "ffmpeg", .args = &args, .key = "adopt",
        .work_path = work, .source_path = source.path, .memory_bytes = options.memory_bytes};
    assert_int_equal(transcode_process_start(call(), &process, &err), 0);
    struct stat before;
    struct stat after;
    int tries = 0;
    char media[400];
    snprintf(media, sizeof(media), "%s/r240.mp4", work);
    while (stat(media, &before) != 0 && tries++ < 100) {
        usleep(50000);
    }
    struct result result = {0};
    assert_int_equal(run("long.mp4", probe, plan, "adopt", &result, &err), 0);
    assert_int_equal(result.count, 1);
    assert_int_equal(stat(media, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino); // not made anew

    // Asked again after it was handed over and taken away: no second run.
    assert_int_equal(unlink(result.media[0]), 0);
    struct result again = {0};
    assert_int_equal(run("long.mp4", probe, plan, "adopt", &again, &err), 0);
    assert_int_equal(again.count, 1);
    assert_int_equal(stat(again.media[0], &before), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    json_decref(plan);
    json_decref(probe);
}

static int asked;

static int turn_gray(struct shoal_call *unused, json_t **value, void *arg, struct shoal_err *err)
{
    (void)unused;
    (void)arg;
    (void)err;
    asked++;
    assert_int_equal(shoal_integer(*value, "rendition.height", 0), 180);
    assert_string_equal(shoal_text(*value, "probe.video.codec", ""), "ffv1");
    json_object_set_new(*value, "filters", json_pack("[s]", "gray"));
    return 0;
}

static int start_gray(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)err;
    return shoal_filter(self, "transcode.encode", turn_gray, NULL);
}

static const struct shoal_plugin_descriptor gray = {
    .size = sizeof(gray),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "gray",
    .start = start_gray,
};

static void plugin_changes_a_rendition(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int rc = shoal_kit_load_text(kit, &gray,
        "{\"name\":\"gray\",\"version\":\"1.0.0\",\"summary\":\"Old films\",\"licence\":\"MIT\","
        "\"sdk\":\"^1.0.0\",\"language\":\"c\",\"hooks\":[\"transcode.encode\"]}",
        NULL, &err);
    if (rc != 0) {
        fail_msg("%s", err.text);
    }
    struct result result = {0};
    json_t *probe = probe_of("red.mkv");
    json_t *plan = plan_of((const int[]){180}, 1);
    assert_int_equal(run("red.mkv", probe, plan, "gray", &result, &err), 0);
    assert_int_equal(asked, 1);
    assert_in_range(plane_mean(result.media[0], 1, 320, 180), 127, 129);
    assert_in_range(plane_mean(result.media[0], 2, 320, 180), 127, 129);
    json_decref(plan);
    json_decref(probe);
}

static int begin(void **state)
{
    (void)state;
    kit = shoal_kit_new(NULL);
    struct shoal_err err = {0};
    if (shoal_kit_load(kit, &shoal_plugin_descriptor,
            SHOAL_SOURCE_DIR "/plugins/transcode_ffmpeg", NULL, &err) != 0) {
        print_message("%s\n", err.text);
        return -1;
    }
    snprintf(folder, sizeof(folder), "%s/clips", shoal_kit_folder(kit));
    if (mkdir(folder, 0755) != 0 || !shoal_service_find("transcoder", "transcode_ffmpeg", &service)) {
        return -1;
    }
    transcoder = service.table;
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_kit_free(kit);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(h264_mp4_is_remuxed_and_laddered),
        cmocka_unit_test(vp9_opus_webm_is_laddered),
        cmocka_unit_test(webm_without_duration_is_measured),
        cmocka_unit_test(ten_bit_hevc_becomes_eight_bit),
        cmocka_unit_test(portrait_with_rotation_stands_upright),
        cmocka_unit_test(odd_sizes_and_film_rate_are_kept),
        cmocka_unit_test(colours_stay_what_they_were),
        cmocka_unit_test(variable_frame_rate_becomes_constant),
        cmocka_unit_test(renditions_begin_together_whatever_their_rates),
        cmocka_unit_test(audio_alone_has_a_picture_and_resolution_0),
        cmocka_unit_test(images_come_in_their_sizes_without_words),
        cmocka_unit_test(storyboards_have_the_size_that_was_asked_for),
        cmocka_unit_test(nothing_says_where_it_was_filmed),
        cmocka_unit_test(bad_files_get_a_sentence),
        cmocka_unit_test(playlists_inside_of_containers_stay_bytes),
        cmocka_unit_test(cancelled_run_is_killed),
        cmocka_unit_test(run_that_goes_on_is_adopted),
        cmocka_unit_test(plugin_changes_a_rendition),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
