// files_json_test.c - public paths of files, and files and playlists as clients see them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static void a_path_says_whether_a_token_is_needed(void **state)
{
    (void)state;
    static const struct {
        enum shoal_privacy privacy;
        bool is_open, is_blocked;
        const char *wanted;
    } rows[] = {
        {SHOAL_PRIVACY_PUBLIC, true, false, "/static/web-videos/x.mp4"},
        {SHOAL_PRIVACY_UNLISTED, true, false, "/static/web-videos/x.mp4"},
        {SHOAL_PRIVACY_PRIVATE, true, false, "/static/web-videos/private/x.mp4"},
        {SHOAL_PRIVACY_INTERNAL, true, false, "/static/web-videos/private/x.mp4"},
        {SHOAL_PRIVACY_PASSWORD, true, false, "/static/web-videos/private/x.mp4"},
        {SHOAL_PRIVACY_PUBLIC, false, false, "/static/web-videos/private/x.mp4"},
        {SHOAL_PRIVACY_PUBLIC, true, true, "/static/web-videos/private/x.mp4"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct catalog_video video = {.uuid = "U",
            .privacy = rows[i].privacy,
            .is_open = rows[i].is_open,
            .is_blocked = rows[i].is_blocked};
        struct catalog_file file = {.kind = "web_video", .name = "x.mp4"};
        assert_string_equal(catalog_file_path(scene.system, &video, &file), rows[i].wanted);
    }
}

static void each_kind_has_its_path(void **state)
{
    (void)state;
    struct catalog_video video = {.uuid = "U", .privacy = SHOAL_PRIVACY_PRIVATE, .is_open = true};
    static const char *const rows[][2] = {
        {"thumbnail", "/lazy-static/thumbnails/x"},
        {"preview", "/lazy-static/previews/x"},
        {"hls_media", "/static/streaming-playlists/hls/private/U/x"},
        {"hls_master", "/static/streaming-playlists/hls/private/U/x"},
        {"hls_playlist", "/static/streaming-playlists/hls/private/U/x"},
        {"hls_sha256", "/static/streaming-playlists/hls/private/U/x"},
        {"web_video", "/static/web-videos/private/x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct catalog_file file = {.kind = rows[i][0], .name = "x"};
        assert_string_equal(catalog_file_path(scene.system, &video, &file), rows[i][1]);
    }
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void a_file_has_what_players_read(void **state)
{
    (void)state;
    struct catalog_video video = {
        .uuid = "U", .origin_host = "", .privacy = SHOAL_PRIVACY_PUBLIC, .is_open = true};
    struct catalog_file file = {.id = 7,
        .kind = "web_video",
        .name = "x.mp4",
        .storage = "nowhere",
        .size_bytes = INT64_C(5000000000),
        .resolution = 720,
        .width = 1280,
        .height = 720,
        .fps = 25,
        .has_video = true,
        .is_ready = true};
    json_t *shown = catalog_file_json(scene.system, &video, &file);
    assert_int_equal(shoal_integer(shown, "resolution.id", 0), 720);
    assert_string_equal(shoal_text(shown, "resolution.label", ""), "720p");
    assert_int_equal(shoal_integer(shown, "size", 0), INT64_C(5000000000));
    assert_true(ends_with(shoal_text(shown, "fileUrl", ""), "/static/web-videos/x.mp4"));
    assert_true(
        ends_with(shoal_text(shown, "fileDownloadUrl", ""), "/download/web-videos/U-720.mp4"));
    assert_true(ends_with(shoal_text(shown, "metadataUrl", ""), "/api/v1/videos/U/metadata/7"));
    static const char *const empty[] = {"magnetUri", "torrentUrl", "torrentDownloadUrl"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        assert_string_equal(json_string_value(json_object_get(shown, empty[i])), "");
    }
    assert_true(shoal_flag(shown, "hasVideo", false));
    assert_false(shoal_flag(shown, "hasAudio", true));
    assert_int_equal(shoal_integer(shown, "storage", -1), 1); // not on this machine
    assert_null(json_object_get(shown, "isReady"));
    json_decref(shown);
    file.kind = "hls_media";
    file.is_ready = false;
    file.url = "https://elsewhere.example/x.mp4";
    video.origin_host = "elsewhere.example";
    shown = catalog_file_json(scene.system, &video, &file);
    assert_string_equal(shoal_text(shown, "fileUrl", ""), "https://elsewhere.example/x.mp4");
    assert_true(ends_with(shoal_text(shown, "fileDownloadUrl", ""),
        "/download/streaming-playlists/hls/videos/U-720-fragmented.mp4"));
    assert_true(json_is_null(json_object_get(shown, "storage")));
    assert_false(shoal_flag(shown, "isReady", true));
    json_decref(shown);
}

static void without_a_playlist_the_list_is_empty(void **state)
{
    (void)state;
    struct catalog_video video = {.id = 999999, .uuid = "U", .origin_host = ""};
    json_t *list = catalog_playlists_json(scene.system, &video, NULL);
    assert_true(json_is_array(list));
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_says_whether_a_token_is_needed),
        cmocka_unit_test(each_kind_has_its_path),
        cmocka_unit_test(a_file_has_what_players_read),
        cmocka_unit_test(without_a_playlist_the_list_is_empty),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
