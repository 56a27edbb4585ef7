// media_test.c - names, types, download names and playlists with tokens.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"

static void takes_only_plain_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a.mp4", "0d2c-720-fragmented.mp4", "master.m3u8", "A_b-1"};
    static const char *const bad[] = {"", ".", "..", ".hidden", "../x", "a/b", "a\\b", "a..b",
        "a%2fb", "a b", "a\nb", "\xc3\xa9.mp4", "..\\..\\etc", "a;b", "a?b", "a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(media_name_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(media_name_valid(bad[i]));
    }
    assert_false(media_name_valid(NULL));
}

static void tells_the_files_of_a_playlist_apart(void **state)
{
    (void)state;
    assert_string_equal(media_hls_kind("x-master.m3u8"), "hls_master");
    assert_string_equal(media_hls_kind("x-720.m3u8"), "hls_playlist");
    assert_string_equal(media_hls_kind("x-720-fragmented.mp4"), "hls_media");
    assert_string_equal(media_hls_kind("x-segments-sha256.json"), "hls_sha256");
    assert_null(media_hls_kind("x.html"));
    assert_null(media_hls_kind("x.json"));
}

static void gives_types_from_its_own_table(void **state)
{
    (void)state;
    assert_string_equal(media_type("web_video", "a.mp4", "text/html"), "video/mp4");
    assert_string_equal(media_type("hls_media", "a.mp4", "audio/mp4"), "audio/mp4");
    assert_string_equal(media_type("thumbnail", "a.jpg", "audio/mp4"), "image/jpeg");
    assert_string_equal(media_type("web_video", "a.html", "text/html"), "application/octet-stream");
    assert_string_equal(
        media_type("web_video", "a.svg", "image/svg+xml"), "application/octet-stream");
    assert_string_equal(
        media_type("web_video", "a.activity", "application/activity+json"), "application/octet-stream");
    assert_string_equal(
        media_type("hls_master", "a.m3u8", NULL), "application/vnd.apple.mpegurl");
}

static void makes_names_that_any_file_system_takes(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    static const struct {
        const char *from, *to;
    } names[] = {
        {"Holiday - 720p.mp4", "Holiday - 720p.mp4"},
        {"../../etc/passwd.mp4", "_.._etc_passwd.mp4"},
        {"a/b\\c:d*e?f\"g<h>i|j.mp4", "a_b_c_d_e_f_g_h_i_j.mp4"},
        {"line\r\nSet-Cookie: x=1.mp4", "line__Set-Cookie_ x=1.mp4"},
        {"\xc3\x89t\xc3\xa9.mp4", "\xc3\x89t\xc3\xa9.mp4"},
        {"bad\xff\xfe utf8.mp4", "bad utf8.mp4"},
        {"gpj.\xe2\x80\xae" "exe.mp4", "gpj.exe.mp4"},
        {"...", "video"},
        {"", "video"},
        {".mp4", "mp4"},
        {"trailing . .mp4", "trailing.mp4"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_string_equal(media_name_clean(arena, names[i].from), names[i].to);
    }
    shoal_arena_free(arena);
}

static void cuts_long_names_between_characters_and_keeps_the_ending(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    char name[1100] = "";
    for (int i = 0; i < 300; i++) {
        memcpy(name + 3 * i, "\xe2\x82\xac", 4);
    }
    memcpy(name + 900, ".mp4", 5);
    const char *cut = media_name_clean(arena, name);
    assert_true(strlen(cut) <= 150);
    assert_string_equal(cut + strlen(cut) - 4, ".mp4");
    assert_int_equal((strlen(cut) - 4) % 3, 0);
    shoal_arena_free(arena);
}

static void says_names_in_both_forms(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(media_disposition(arena, "a.mp4"),
        "attachment; filename=\"a.mp4\"; filename*=UTF-8''a.mp4");
    assert_string_equal(media_disposition(arena, "\xc3\xa9 100%.mp4"),
        "attachment; filename=\"__ 100_.mp4\"; filename*=UTF-8''%C3%A9%20100%25.mp4");
    shoal_arena_free(arena);
}

static void expect(const char *playlist, const char *wanted)
{
    struct shoal_buf out = {0};
    assert_int_equal(media_playlist_token(&out, playlist, strlen(playlist), "T"), 0);
    assert_string_equal(out.data, wanted);
    shoal_buf_fini(&out);
}

static void carries_the_token_into_a_master_playlist(void **state)
{
    (void)state;
    expect("#EXTM3U\n#EXT-X-VERSION:7\n"
           "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",URI=\"a-0.m3u8\"\n"
           "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1,mp4a\"\na-360.m3u8\n",
        "#EXTM3U\n#EXT-X-VERSION:7\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\","
        "URI=\"a-0.m3u8?videoFileToken=T&reinjectVideoFileToken=true\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1,mp4a\"\n"
        "a-360.m3u8?videoFileToken=T&reinjectVideoFileToken=true\n");
}

static void carries_the_token_into_a_media_playlist(void **state)
{
    (void)state;
    expect("#EXTM3U\r\n#EXT-X-MAP:URI=\"a.mp4\",BYTERANGE=\"9@0\"\r\n#EXTINF:4.0,\r\n"
           "#EXT-X-BYTERANGE:5@9\r\na.mp4\r\n#EXT-X-ENDLIST",
        "#EXTM3U\n#EXT-X-MAP:URI=\"a.mp4?videoFileToken=T\",BYTERANGE=\"9@0\"\n#EXTINF:4.0,\n"
        "#EXT-X-BYTERANGE:5@9\na.mp4?videoFileToken=T\n#EXT-X-ENDLIST\n");
}

static void tells_the_token_to_nobody_else(void **state)
{
    (void)state;
    expect("#EXTM3U\nhttps://other.example/x.m3u8\n//other.example/y.mp4\ndata:video/mp4,\n\n"
           "x.m3u8?v=1\n",
        "#EXTM3U\nhttps://other.example/x.m3u8\n//other.example/y.mp4\ndata:video/mp4,\n\n"
        "x.m3u8?v=1&videoFileToken=T&reinjectVideoFileToken=true\n");
}

static void refuses_what_is_no_playlist(void **state)
{
    (void)state;
    struct shoal_buf out = {0};
    assert_int_equal(media_playlist_token(&out, "<html>", 6, "T"), SHOAL_EUNREADABLE);
    assert_int_equal(media_playlist_token(&out, "", 0, "T"), SHOAL_EUNREADABLE);
    assert_int_equal(media_playlist_token(&out, "#EXTM3U\na\0b\n", 12, "T"), SHOAL_EUNREADABLE);
    char *line = malloc(10000);
    memset(line, 'a', 10000);
    memcpy(line, "#EXTM3U\n", 8);
    assert_int_equal(media_playlist_token(&out, line, 10000, "T"), SHOAL_EUNREADABLE);
    free(line);
    shoal_buf_fini(&out);
    struct shoal_buf small = {.limit = 16};
    assert_int_equal(
        media_playlist_token(&small, "#EXTM3U\na.mp4\n", 14, "T"), SHOAL_ETOOLARGE);
    shoal_buf_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_only_plain_names),
        cmocka_unit_test(tells_the_files_of_a_playlist_apart),
        cmocka_unit_test(gives_types_from_its_own_table),
        cmocka_unit_test(makes_names_that_any_file_system_takes),
        cmocka_unit_test(cuts_long_names_between_characters_and_keeps_the_ending),
        cmocka_unit_test(says_names_in_both_forms),
        cmocka_unit_test(carries_the_token_into_a_master_playlist),
        cmocka_unit_test(carries_the_token_into_a_media_playlist),
        cmocka_unit_test(tells_the_token_to_nobody_else),
        cmocka_unit_test(refuses_what_is_no_playlist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
