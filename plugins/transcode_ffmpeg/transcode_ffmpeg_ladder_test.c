// transcode_ffmpeg_ladder_test.c - plans and command lines.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

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

static const struct transcode_options options = {
    .preset = "veryfast", .quality = 23, .fps_max = 60, .audio_bitrate_bps = 128000};

static struct transcode_source source(void)
{
    return (struct transcode_source){
        .path = "/x/clip.mp4",
        .demuxer = "mov",
        .duration_s = 10,
        .video_index = 0,
        .audio_index = 1,
        .cover_index = -1,
        .width = 1920,
        .height = 1080,
        .fps = {30, 1},
        .has_color = true,
    };
}

static json_t *plan(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static size_t at(const struct transcode_args *args, const char *item)
{
    for (size_t i = 0; i < args->count; i++) {
        if (strcmp(args->items[i], item) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static const char *after(const struct transcode_args *args, const char *item)
{
    size_t i = at(args, item);
    assert_true(i != SIZE_MAX && i + 1 < args->count);
    return args->items[i + 1];
}

static void sizes_follow_the_short_side(void **state)
{
    (void)state;
    static const int rows[][5] = {
        // source, resolution, result
        {1920, 1080, 720, 1280, 720},
        {1080, 1920, 720, 720, 1280},
        {1920, 1080, 480, 854, 480},
        {640, 360, 1080, 640, 360},
        {853, 479, 480, 852, 478},
        {853, 479, 240, 428, 240},
        {1, 1, 240, 2, 2},
        {16384, 2, 240, 16384, 2},
        {4096, 1716, 1080, 2578, 1080},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int width = 0;
        int height = 0;
        transcode_fit(rows[i][0], rows[i][1], rows[i][2], &width, &height);
        assert_int_equal(width, rows[i][3]);
        assert_int_equal(height, rows[i][4]);
    }
}

static void rates_stay_even_and_below_the_cap(void **state)
{
    (void)state;
    static const struct {
        struct transcode_rate source;
        bool is_variable;
        double max;
        struct transcode_rate wanted;
    } rows[] = {
        {{24000, 1001}, false, 60, {24000, 1001}},
        {{2997, 125}, false, 60, {24000, 1001}},
        {{60, 1}, false, 30, {60, 2}},
        {{50, 1}, false, 30, {50, 2}},
        {{120, 1}, false, 60, {120, 2}},
        {{60000, 1001}, false, 60, {60000, 1001}},
        {{60000, 1001}, false, 30, {60000, 2002}},
        {{15, 1}, false, 30, {15, 1}},
        {{2987, 100}, true, 60, {30000, 1001}},
        {{90, 1}, true, 60, {60, 1}},
        {{12, 1}, false, 60, {12, 1}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct transcode_rate rate =
            transcode_rate_choose(rows[i].source, rows[i].is_variable, rows[i].max);
        assert_int_equal(rate.num, rows[i].wanted.num);
        assert_int_equal(rate.den, rows[i].wanted.den);
    }
}

static void bitrates_grow_with_size_and_rate(void **state)
{
    (void)state;
    assert_int_equal(transcode_bitrate(1920, 1080, 30), 4500000);
    assert_true(transcode_bitrate(1280, 720, 30) < 2600000);
    assert_true(transcode_bitrate(1920, 1080, 60) > 6000000);
    assert_true(transcode_bitrate(2, 2, 1) >= 100000);
    assert_true(transcode_bitrate(16384, 16384, 240) <= 400000000);
}

static void plans_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"[]", "{}", "[{}]", "[{\"resolution\":-1}]",
        "[{\"resolution\":99999}]", "[{\"resolution\":\"720\"}]",
        "[{\"resolution\":720,\"video_codec\":\"vp9\"}]",
        "[{\"resolution\":720,\"audio_codec\":\"opus;rm\"}]",
        "[{\"resolution\":720},{\"resolution\":720}]"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *value = plan(bad[i]);
        assert_false(transcode_plan_fits(value, NULL));
        json_decref(value);
    }
}

static void one_command_decodes_once(void **state)
{
    (void)state;
    struct transcode_source from = source();
    struct transcode_ladder ladder;
    struct shoal_err err = {0};
    json_t *value = plan("[{\"resolution\":1080},{\"resolution\":480,\"fps\":15,"
                         "\"bitrate_bps\":700000},{\"resolution\":0}]");
    assert_int_equal(transcode_plan_read(value, &from, &options, &ladder, &err), 0);
    json_decref(value);
    struct transcode_args args;
    transcode_args_init(&args, arena);
    transcode_ladder_args(&args, &from, &ladder);
    assert_null(args.items[args.count]);
    // What is allowed stands before the input, and the input is there once.
    assert_string_equal(after(&args, "-i"), "file:/x/clip.mp4");
    assert_true(at(&args, "-protocol_whitelist") < at(&args, "-i"));
    assert_string_equal(after(&args, "-protocol_whitelist"), "file,pipe");
    assert_string_equal(after(&args, "-format_whitelist"), "mov");
    assert_true(at(&args, "-enable_drefs") < at(&args, "-i"));
    assert_string_equal(after(&args, "-f"), "mov");
    assert_string_equal(after(&args, "-filter_complex"),
        "[0:0]fps=30/1:start_time=0,scale=1920:1080:flags=bicubic:out_range=tv,setsar=1,"
        "format=yuv420p,split=2[s0][s1];[s0]format=yuv420p[v0];"
        "[s1]fps=30/2:start_time=0,scale=854:480:flags=bicubic,setsar=1,format=yuv420p[v1];"
        "[0:1]aresample=48000:async=1:first_pts=0[a]");
    assert_string_equal(after(&args, "-maxrate:v:1"), "700000");
    assert_string_equal(after(&args, "-bufsize:v:1"), "1400000");
    assert_string_equal(after(&args, "-force_key_frames:v"), "expr:gte(t,n_forced*2)");
    assert_string_equal(after(&args, "-map_metadata"), "-1");
    const char *outputs = args.items[args.count - 1];
    assert_non_null(strstr(outputs, "select=\\'v:0,a:0\\']r1080.m3u8|"));
    assert_non_null(strstr(outputs, "select=\\'v:1,a:0\\']r480.m3u8|"));
    assert_non_null(strstr(outputs, "select=\\'a:0\\']r0.m3u8"));
}

static void silent_video_maps_no_audio(void **state)
{
    (void)state;
    struct transcode_source from = source();
    from.audio_index = -1;
    from.is_interlaced = true;
    from.has_color = false;
    struct transcode_ladder ladder;
    struct shoal_err err = {0};
    json_t *value = plan("[{\"resolution\":720}]");
    assert_int_equal(transcode_plan_read(value, &from, &options, &ladder, &err), 0);
    json_decref(value);
    struct transcode_args args;
    transcode_args_init(&args, arena);
    transcode_ladder_args(&args, &from, &ladder);
    assert_true(at(&args, "[a]") == SIZE_MAX);
    assert_true(at(&args, "-c:a") == SIZE_MAX);
    assert_non_null(strstr(after(&args, "-filter_complex"), "bwdif"));
    assert_non_null(strstr(after(&args, "-filter_complex"), "colorspace=bt709"));
    value = plan("[{\"resolution\":0}]");
    assert_int_equal(transcode_plan_read(value, &from, &options, &ladder, &err),
        SHOAL_EUNSUPPORTED);
    json_decref(value);
}

static void hostile_names_stay_names(void **state)
{
    (void)state;
    struct transcode_source from = source();
    static const char *const names[] = {"-y", "/x/-i", "concat:/etc/passwd", "a b;'\"$(id)|[x]",
        "http://127.0.0.1/", "\n-f\nlavfi"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        from.path = names[i];
        struct transcode_args args;
        transcode_args_init(&args, arena);
        transcode_remux_args(&args, &from, "out.mp4");
        const char *item = after(&args, "-i");
        assert_memory_equal(item, "file:", 5);
        assert_string_equal(item + 5, names[i]);
        assert_true(at(&args, names[i]) == SIZE_MAX || names[i][0] == '-');
        struct transcode_args images;
        transcode_args_init(&images, arena);
        const struct shoal_image image = {.path = names[i], .out_width = 280, .out_height = 157};
        transcode_images_args(&images, &from, 1.5, true, &image, 1);
        assert_string_equal(images.items[images.count - 1], "image0.jpg");
        assert_string_equal(after(&images, "-ss"), "1.500");
        struct transcode_args tiles;
        transcode_args_init(&tiles, arena);
        const struct shoal_board board = {.path = names[i], .tile_width = 192, .tile_height = 108,
            .columns = 10, .rows = 10, .count = 100, .tile_s = 36};
        transcode_board_args(&tiles, &from, &board);
        assert_memory_equal(after(&tiles, "-i"), "file:", 5);
        assert_string_equal(after(&tiles, "-skip_frame"), "nokey");
        assert_string_equal(tiles.items[tiles.count - 1], "board.jpg");
    }
}

static void plugins_choose_from_lists_alone(void **state)
{
    (void)state;
    struct transcode_rung rung = {.encoder = "libx264", .preset = "veryfast", .quality = 23};
    json_t *value = plan("{\"encoder\":\"libx264\",\"preset\":\"slow\",\"quality\":20,"
                         "\"filters\":[\"denoise\",\"gray\"]}");
    assert_true(transcode_rung_apply(&rung, value));
    assert_string_equal(rung.preset, "slow");
    assert_int_equal(rung.quality, 20);
    assert_int_equal(rung.filter_count, 2);
    json_decref(value);
    static const char *const bad[] = {
        "{\"encoder\":\"libx264 -i /etc/passwd\",\"preset\":\"slow\",\"quality\":20,\"filters\":[]}",
        "{\"encoder\":\"libx264\",\"preset\":\"slow,movie=/etc/passwd\",\"quality\":20,"
        "\"filters\":[]}",
        "{\"encoder\":\"libx264\",\"preset\":\"slow\",\"quality\":99,\"filters\":[]}",
        "{\"encoder\":\"libx264\",\"preset\":\"slow\",\"quality\":20,"
        "\"filters\":[\"movie=/etc/passwd\"]}",
        "{\"encoder\":\"libx264\",\"preset\":\"slow\",\"quality\":20,\"filters\":\"gray\"}",
        "null",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        rung.quality = 23;
        assert_false(transcode_rung_apply(&rung, value));
        assert_string_equal(rung.encoder, "libx264");
        assert_string_equal(rung.preset, "slow");
        assert_int_equal(rung.filter_count, 0);
        assert_true(rung.quality == 23 || rung.quality == 20);
        json_decref(value);
    }
}

static void remux_keeps_no_metadata(void **state)
{
    (void)state;
    struct transcode_source from = source();
    struct transcode_args args;
    transcode_args_init(&args, arena);
    transcode_remux_args(&args, &from, "remux.mp4");
    assert_string_equal(after(&args, "-map_metadata"), "-1");
    assert_string_equal(after(&args, "-map_metadata:s:v"), "-1");
    assert_string_equal(after(&args, "-map_chapters"), "-1");
    assert_string_equal(after(&args, "-movflags"), "+faststart");
    assert_string_equal(after(&args, "-write_tmcd"), "0");
    assert_true(at(&args, "-dn") != SIZE_MAX && at(&args, "-sn") != SIZE_MAX);
    assert_string_equal(args.items[args.count - 1], "remux.mp4");
}

static void browsers_play_what_the_table_says(void **state)
{
    (void)state;
    assert_true(transcode_video_plays("h264", "High", "yuv420p"));
    assert_true(transcode_video_plays("h264", "Constrained Baseline", "yuvj420p"));
    assert_false(transcode_video_plays("h264", "High 10", "yuv420p10le"));
    assert_false(transcode_video_plays("h264", "High 4:2:2", "yuv422p"));
    assert_false(transcode_video_plays("hevc", "Main", "yuv420p"));
    assert_true(transcode_video_plays("vp9", "Profile 0", "yuv420p"));
    assert_true(transcode_video_plays("av1", "Main", "yuv420p10le"));
    assert_false(transcode_video_plays("mpeg4", "", "yuv420p"));
    assert_false(transcode_video_plays("h264", NULL, NULL));
    assert_true(transcode_audio_plays("aac") && transcode_audio_plays("mp3"));
    assert_true(transcode_audio_plays("opus") && transcode_audio_plays("flac"));
    assert_false(transcode_audio_plays("ac3") || transcode_audio_plays("pcm_s16le"));
    assert_false(transcode_audio_plays("h264") || transcode_audio_plays(NULL));
}

static void pictures_fit_their_box(void **state)
{
    (void)state;
    static const int rows[][6] = {
        {1920, 1080, 280, 0, 280, 157},
        {1920, 1080, 850, 480, 850, 478},
        {1080, 1920, 280, 157, 88, 157},
        {100, 50, 850, 480, 100, 50},
        {5000, 1, 280, 157, 280, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct shoal_image image = {.width = rows[i][2], .height = rows[i][3]};
        transcode_image_fit(rows[i][0], rows[i][1], &image);
        assert_int_equal(image.out_width, rows[i][4]);
        assert_int_equal(image.out_height, rows[i][5]);
    }
}

static void progress_is_the_newest(void **state)
{
    (void)state;
    assert_int_equal(transcode_progress_us(""), -1);
    assert_int_equal(transcode_progress_us("out_time_us=N/A\n"), -1);
    assert_int_equal(
        transcode_progress_us("out_time_us=100\nprogress=continue\nout_time_us=2500000\n"), 2500000);
    assert_int_equal(transcode_progress_us("out_time_us=-9\n"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_follow_the_short_side),
        cmocka_unit_test(rates_stay_even_and_below_the_cap),
        cmocka_unit_test(bitrates_grow_with_size_and_rate),
        cmocka_unit_test(plans_out_of_bounds_are_refused),
        cmocka_unit_test(one_command_decodes_once),
        cmocka_unit_test(silent_video_maps_no_audio),
        cmocka_unit_test(hostile_names_stay_names),
        cmocka_unit_test(plugins_choose_from_lists_alone),
        cmocka_unit_test(remux_keeps_no_metadata),
        cmocka_unit_test(browsers_play_what_the_table_says),
        cmocka_unit_test(pictures_fit_their_box),
        cmocka_unit_test(progress_is_the_newest),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
