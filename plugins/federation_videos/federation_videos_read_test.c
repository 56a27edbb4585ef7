// federation_videos_read_test.c - documents in the shape of PeerTube 6.3 and 8.2, and what is
// refused of them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "federation_videos.h"

static struct shoal_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = shoal_arena_new(0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_arena_free(arena);
    return 0;
}

static json_t *fixture(const char *name)
{
    const char *path =
        shoal_arena_printf(arena, SHOAL_SOURCE_DIR "/plugins/federation_videos/fixtures/%s", name);
    json_error_t why;
    json_t *document = json_load_file(path, 0, &why);
    if (document == NULL) {
        fail_msg("%s: %s", path, why.text);
    }
    return document;
}

static json_t *draft_of(const json_t *document)
{
    struct shoal_err err = {0};
    json_t *draft = fv_draft(arena, document, NULL, &err);
    if (draft == NULL) {
        fail_msg("%s: %s", err.field, err.text);
    }
    return draft;
}

static void reads_a_video_of_six(void **state)
{
    (void)state;
    json_t *document = fixture("video_6.json");
    json_t *draft = draft_of(document);
    assert_string_equal(shoal_text(draft, "uuid", ""), "0a4f2f4e-6d0e-4a0c-9a6a-1f0f6b9a7c01");
    assert_int_equal(shoal_integer(draft, "duration", 0), 3725);
    assert_int_equal(shoal_integer(draft, "privacy", 0), SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(shoal_integer(draft, "category", 0), 10);
    assert_int_equal(shoal_integer(draft, "licence", 0), 1);
    assert_string_equal(shoal_text(draft, "language", ""), "fr");
    assert_int_equal(shoal_integer(draft, "commentsPolicy", 0), 1);
    assert_int_equal(shoal_integer(draft, "publishedAt", 0), 1772359200000);
    assert_int_equal(json_array_size(json_object_get(draft, "tags")), 2);
    assert_string_equal(shoal_text(draft, "tags.1", ""), "walk");
    assert_int_equal(json_array_size(json_object_get(draft, "thumbnails")), 2);
    assert_string_equal(shoal_text(draft, "captions.0.url", ""),
        "https://six.example/lazy-static/video-captions/c1-en.vtt");
    assert_true(shoal_flag(draft, "captions.0.automaticallyGenerated", false));
    assert_int_equal(shoal_integer(draft, "storyboard.tileDuration", 0), 37);
    assert_int_equal(shoal_integer(draft, "storyboard.width", 0), 1920);
    assert_null(json_object_get(draft, "chapters"));
    assert_null(json_object_get(draft, "originallyPublishedAt"));
    json_decref(draft);
    json_decref(document);
}

static void reads_files_with_what_stands_beside_them(void **state)
{
    (void)state;
    json_t *document = fixture("video_6.json");
    json_t *draft = draft_of(document);
    const json_t *files = json_object_get(draft, "files");
    assert_int_equal(json_array_size(files), 3);
    const json_t *web = json_array_get(files, 0);
    assert_string_equal(shoal_text(web, "kind", ""), "web_video");
    assert_string_equal(shoal_text(web, "torrentUrl", ""),
        "https://six.example/lazy-static/torrents/w-720.torrent");
    assert_non_null(shoal_text(web, "magnet", NULL));
    assert_string_equal(
        shoal_text(web, "metadataUrl", ""), "https://six.example/api/v1/videos/x/metadata/8");
    assert_true(shoal_flag(web, "hasVideo", false) && shoal_flag(web, "hasAudio", false));
    const json_t *hls = json_array_get(files, 1);
    assert_string_equal(shoal_text(hls, "kind", ""), "hls");
    assert_string_equal(shoal_text(hls, "playlistUrl", ""),
        "https://six.example/static/streaming-playlists/hls/x/a-720.m3u8");
    assert_string_equal(
        shoal_text(hls, "metadataUrl", ""), "https://six.example/api/v1/videos/x/metadata/9");
    assert_false(shoal_flag(hls, "hasAudio", true));
    const json_t *audio = json_array_get(files, 2);
    assert_int_equal(shoal_integer(audio, "resolution", -1), 0);
    assert_false(shoal_flag(audio, "hasVideo", true));
    assert_string_equal(shoal_text(draft, "playlist.sha256Url", ""),
        "https://six.example/static/streaming-playlists/hls/x/h-segments-sha256.json");
    assert_int_equal(json_array_size(shoal_get(draft, "playlist.infohashes")), 2);
    assert_int_equal(json_array_size(json_object_get(draft, "trackers")), 2);
    json_decref(draft);
    json_decref(document);
}

static void reads_a_live_of_eight(void **state)
{
    (void)state;
    json_t *document = fixture("video_8.json");
    json_t *draft = draft_of(document);
    assert_true(shoal_flag(draft, "isLive", false) && shoal_flag(draft, "permanentLive", false));
    assert_int_equal(shoal_integer(draft, "state", 0), 4);
    assert_int_equal(shoal_integer(draft, "privacy", 0), SHOAL_PRIVACY_UNLISTED);
    assert_int_equal(shoal_integer(draft, "commentsPolicy", 0), 3);
    assert_int_equal(shoal_integer(draft, "nsfwFlags", 0), 1);
    assert_string_equal(shoal_text(draft, "nsfwSummary", ""), "storms");
    assert_false(shoal_flag(draft, "downloadEnabled", true));
    assert_string_equal(shoal_text(draft, "captions.0.url", ""), "https://eight.example/c-de.vtt");
    assert_int_equal(json_array_size(json_object_get(draft, "files")), 0);
    // It names no tracker: those that every PeerTube has.
    assert_string_equal(shoal_text(draft, "trackers.1", ""), "wss://eight.example/tracker/socket");
    assert_int_equal(shoal_integer(draft, "originallyPublishedAt", 0), 1577836800000);
    assert_int_equal(json_array_size(json_object_get(draft, "starts")), 1);
    assert_int_equal(shoal_integer(draft, "starts.0", 0), 1780423200000);
    assert_int_equal(shoal_integer(draft, "dvrWindow", 0), 3600);
    assert_int_equal(shoal_integer(draft, "inputFileUpdatedAt", 0), 1780311600000);
    assert_false(shoal_flag(draft, "isEmbeddable", true));
    json_decref(draft);
    // While it waits there is nothing to play, and it is one all the same.
    json_array_remove(json_object_get(document, "url"), 1);
    draft = draft_of(document);
    assert_null(json_object_get(draft, "playlist"));
    json_decref(draft);
    json_decref(document);
}

static void a_square_picture_is_left_out_beside_wide_ones(void **state)
{
    (void)state;
    json_t *document = fixture("video_8.json");
    json_t *draft = draft_of(document);
    assert_int_equal(json_array_size(json_object_get(draft, "thumbnails")), 1);
    assert_int_equal(shoal_integer(draft, "thumbnails.0.height", 0), 720);
    json_decref(draft);
    json_array_remove(json_object_get(document, "icon"), 0);
    draft = draft_of(document);
    assert_int_equal(shoal_integer(draft, "thumbnails.0.width", 0), 1400);
    json_decref(draft);
    json_decref(document);
}

static void who_says_nothing_of_embedding_allows_it(void **state)
{
    (void)state;
    json_t *document = fixture("video_8.json");
    json_object_del(document, "embedUrl");
    json_object_del(document, "schedules");
    json_object_set_new(document, "dvrWindow", json_null());
    json_t *draft = draft_of(document);
    assert_true(shoal_flag(draft, "isEmbeddable", false));
    assert_int_equal(json_array_size(json_object_get(draft, "starts")), 0);
    assert_int_equal(shoal_integer(draft, "dvrWindow", -1), 0);
    json_decref(draft);
    json_decref(document);
}

static void what_peertube_refuses_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *json, *field;
    } rows[] = {{"type", "\"Note\"", "type"}, {"id", "null", "id"}, {"uuid", "\"1\"", "uuid"},
        {"name", "\"ab\"", "name"}, {"name", "null", "name"}, {"views", "\"7\"", "views"},
        {"views", "1.5", "views"}, {"duration", "\"PT1H2M3S\"", "duration"},
        {"duration", "62", "duration"}, {"duration", "\"PT99999999999999999999999S\"", "duration"},
        {"duration", "\"PT-1S\"", "duration"}, {"published", "\"yesterday\"", "published"},
        {"updated", "null", "updated"}, {"icon", "[]", "icon"},
        {"icon",
            "[{\"type\":\"Image\",\"url\":\"https://x.y/z.jpg\",\"mediaType\":\"image/jpeg\"}]",
            "icon"},
        {"icon",
            "[{\"url\":\"https://x.y/z\",\"mediaType\":\"text/html\",\"width\":1,\"height\":1}]",
            "icon"},
        {"to", "[\"https://six.example/accounts/anna/followers\"]", "to"},
        {"url", "[]", "url"}, {"url", "\"https://six.example/\"", "url"},
        {"url",
            "[{\"type\":\"Link\",\"mediaType\":\"application/x-mpegURL\",\"href\":\"https://x.y/"
            "m.m3u8\"}]",
            "url"},
        {"url",
            "[{\"type\":\"Link\",\"mediaType\":\"video/mp4\",\"href\":\"https://x.y/"
            "m.mp4\",\"height\":\"720\",\"size\":1}]",
            "url"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct shoal_err err = {0};
        json_t *document = fixture("video_6.json");
        json_object_set_new(document, rows[i].key, json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
        assert_null(fv_draft(arena, document, NULL, &err));
        assert_string_equal(err.field, rows[i].field);
        assert_int_equal(err.code, SHOAL_EINVAL);
        json_decref(document);
    }
}

static void what_is_no_more_than_odd_is_left_out(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "null", "1", "\"text\"", "[]", "{}", "[[[]]]", "[{\"url\":{}}]", "true"};
    static const char *const keys[] = {"category", "licence", "language", "tag", "subtitleLanguage",
        "preview", "content", "mediaType", "support", "aspectRatio", "state", "commentsPolicy",
        "latencyMode", "likes", "originallyPublishedAt", "sensitive", "summary", "cc",
        "attachment"};
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
            json_t *document = fixture("video_6.json");
            json_object_set_new(document, keys[k], json_loads(odd[i], JSON_DECODE_ANY, NULL));
            json_decref(draft_of(document));
            json_decref(document);
        }
    }
}

static void what_others_write_otherwise_is_read_too(void **state)
{
    (void)state;
    static const struct {
        const char *key, *json, *path, *wanted;
    } rows[] = {{"licence", "{\"identifier\":\"CC-BY-SA-4.0\"}", "licence", "2"},
        {"licence", "{\"identifier\":\"CC-BY-4.0\"}", "licence", "1"},
        {"licence", "{\"identifier\":\"CC-BY-NC-ND-4.0\"}", "licence", "6"},
        {"licence", "{\"identifier\":\"CC0-1.0\"}", "licence", "7"},
        {"licence", "{\"identifier\":\"MIT\"}", "licence", NULL},
        {"subtitleLanguage",
            "[{\"identifier\":\"de\",\"url\":{\"type\":\"Link\",\"href\":\"https://x.y/z.vtt\"}}]",
            "captions.0.url", "\"https://x.y/z.vtt\""},
        {"subtitleLanguage",
            "[{\"identifier\":\"de\",\"url\":[{\"href\":\"https://x.y/z.m3u8\"}]}]",
            "captions.0.url", NULL},
        {"preview",
            "[{\"rel\":[\"poster\"],\"url\":[{}]},{\"type\":\"Image\",\"rel\":[\"storyboard\"],\"url\":"
            "[{\"mediaType\":\"image/jpeg\",\"href\":\"https://x.y/b.jpg\",\"width\":1920,"
            "\"height\":1080,\"tileWidth\":192,\"tileHeight\":108,\"tileDuration\":\"PT1S\"}]}]",
            "storyboard.url", "\"https://x.y/b.jpg\""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *document = fixture("video_6.json");
        json_object_set_new(document, rows[i].key, json_loads(rows[i].json, 0, NULL));
        json_t *draft = draft_of(document);
        json_t *found = shoal_get(draft, rows[i].path);
        char *text = found == NULL ? NULL : json_dumps(found, JSON_ENCODE_ANY);
        if (rows[i].wanted == NULL) {
            assert_null(text);
        } else {
            assert_non_null(text);
            assert_string_equal(text, rows[i].wanted);
        }
        free(text);
        json_decref(draft);
        json_decref(document);
    }
}

static void comments_of_old_servers_are_as_they_say(void **state)
{
    (void)state;
    json_t *document = fixture("video_6.json");
    json_object_del(document, "commentsPolicy");
    json_t *draft = draft_of(document);
    assert_int_equal(shoal_integer(draft, "commentsPolicy", 0), 1);
    json_decref(draft);
    json_object_del(document, "commentsEnabled");
    draft = draft_of(document);
    assert_int_equal(shoal_integer(draft, "commentsPolicy", 0), 2);
    json_decref(draft);
    json_decref(document);
}

static void durations_are_seconds(void **state)
{
    (void)state;
    assert_int_equal(fv_duration("PT0S"), 0);
    assert_int_equal(fv_duration("PT3725S"), 3725);
    static const char *const wrong[] = {
        "", "PTS", "PT1H", "P1D", "PT1M1S", "PT 1S", "3725", "pt1s", "PT1.5S"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(fv_duration(wrong[i]), -1);
    }
    assert_int_equal(fv_duration(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_video_of_six),
        cmocka_unit_test(reads_files_with_what_stands_beside_them),
        cmocka_unit_test(reads_a_live_of_eight),
        cmocka_unit_test(a_square_picture_is_left_out_beside_wide_ones),
        cmocka_unit_test(who_says_nothing_of_embedding_allows_it),
        cmocka_unit_test(what_others_write_otherwise_is_read_too),
        cmocka_unit_test(what_peertube_refuses_is_refused),
        cmocka_unit_test(what_is_no_more_than_odd_is_left_out),
        cmocka_unit_test(comments_of_old_servers_are_as_they_say),
        cmocka_unit_test(durations_are_seconds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
