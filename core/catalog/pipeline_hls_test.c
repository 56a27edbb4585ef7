// pipeline_hls_test.c - playlists, hashes and plans.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <unistd.h>

static void every_line_gets_the_public_name(void **state)
{
    (void)state;
    char *out = catalog_hls_rename("#EXT-X-MAP:URI=\"media.mp4\"\nmedia.mp4\nmedia.mp4\n",
        "media.mp4", "x-720-fragmented.mp4", NULL);
    assert_string_equal(out, "#EXT-X-MAP:URI=\"x-720-fragmented.mp4\"\nx-720-fragmented.mp4\n"
                             "x-720-fragmented.mp4\n");
    free(out);
}

static json_t *segments_of(const char *playlist, struct shoal_err *err)
{
    char path[] = "/tmp/shoal-hls-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "initabcdef", 10), 10);
    close(fd);
    json_t *out = catalog_hls_segments(playlist, path, err);
    unlink(path);
    return out;
}

static void segments_are_hashed_by_inclusive_ranges(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *out = segments_of("#EXT-X-MAP:URI=\"m\",BYTERANGE=\"4@0\"\n#EXT-X-BYTERANGE:3@4\nm\n"
                              "#EXT-X-BYTERANGE:3@7\nm\n",
        &err);
    assert_int_equal(json_object_size(out), 2);
    assert_string_equal(shoal_text(out, "4-6", ""),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_non_null(json_object_get(out, "7-9"));
    json_decref(out);
}

static void bad_ranges_are_damage(void **state)
{
    (void)state;
    static const char *const bad[] = {"#EXT-X-BYTERANGE:3\nm\n", "#EXT-X-BYTERANGE:x@4\nm\n",
        "#EXT-X-BYTERANGE:-3@4\nm\n", "#EXT-X-BYTERANGE:30@4\nm\n", "#EXTM3U\n",
        "#EXT-X-BYTERANGE:9223372036854775807@9223372036854775807\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct shoal_err err = {0};
        assert_null(segments_of(bad[i], &err));
        assert_int_equal(err.code, SHOAL_ECORRUPT);
    }
}

static void the_master_lists_the_lowest_first(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    const struct catalog_file files[] = {
        {.name = "b-720-fragmented.mp4",
            .resolution = 720,
            .width = 1280,
            .height = 720,
            .fps = 30,
            .bitrate_bps = 1900000,
            .codecs = "avc1.64001f,mp4a.40.2",
            .has_video = true},
        {.name = "a-0-fragmented.mp4",
            .resolution = 0,
            .bitrate_bps = 128000,
            .codecs = "mp4a.40.2"},
    };
    char *out = catalog_hls_master(arena, files, 2);
    assert_string_equal(out,
        "#EXTM3U\n#EXT-X-VERSION:7\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS=\"mp4a.40.2\"\na-0.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1900000,RESOLUTION=1280x720,FRAME-RATE=30,"
        "CODECS=\"avc1.64001f,mp4a.40.2\"\nb-720.m3u8\n");
    free(out);
    shoal_arena_free(arena);
}

static void the_hash_list_is_keyed_by_file(void **state)
{
    (void)state;
    const struct catalog_file files[] = {
        {.name = "b-720-fragmented.mp4", .segments = "{\"4-6\":\"aa\"}"},
        {.name = "a-360-fragmented.mp4", .segments = NULL}};
    char *out = catalog_hls_hashes(files, 2);
    json_t *all = json_loads(out, 0, NULL);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(all, "b-720-fragmented.mp4"), "4-6")),
        "aa");
    assert_int_equal(json_object_size(json_object_get(all, "a-360-fragmented.mp4")), 0);
    json_decref(all);
    free(out);
}

static void expect_plan(int width, int height, double fps, const char *expected)
{
    json_t *probe = json_pack("{s:{s:i, s:i, s:f}, s:{s:s}}", "video", "width", width, "height",
        height, "fps", fps, "audio", "codec", "aac");
    if (width == 0) {
        json_object_set_new(probe, "video", json_null());
    }
    json_t *plan = catalog_plan_make(probe);
    char text[256] = "";
    for (size_t i = 0; i < json_array_size(plan); i++) {
        const json_t *row = json_array_get(plan, i);
        size_t at = strlen(text);
        snprintf(text + at, sizeof(text) - at, "%s%d@%d", i == 0 ? "" : " ",
            (int)shoal_integer(row, "resolution", -1), (int)shoal_number(row, "fps", -1));
        assert_true(shoal_integer(row, "bitrate_bps", 0) > 0);
    }
    assert_string_equal(text, expected);
    json_decref(plan);
    json_decref(probe);
}

static void plans_never_go_above_the_source(void **state)
{
    (void)state;
    struct shoal_kit *kit = shoal_kit_new(NULL);
    expect_plan(1920, 1080, 30, "360@30 720@30 1080@30");
    expect_plan(1080, 1920, 30, "360@30 720@30 1080@30");
    expect_plan(1280, 720, 60, "360@30 720@60");
    expect_plan(3840, 2160, 120, "360@30 720@60 1080@60");
    expect_plan(640, 480, 25, "360@25 480@25");
    expect_plan(655, 367, 25, "360@25");
    expect_plan(320, 181, 25, "180@25");
    expect_plan(0, 0, 0, "0@0");
    shoal_kit_free(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_gets_the_public_name),
        cmocka_unit_test(segments_are_hashed_by_inclusive_ranges),
        cmocka_unit_test(bad_ranges_are_damage),
        cmocka_unit_test(the_master_lists_the_lowest_first),
        cmocka_unit_test(the_hash_list_is_keyed_by_file),
        cmocka_unit_test(plans_never_go_above_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
