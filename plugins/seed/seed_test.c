// seed_test.c - names, addresses, lists of hashes and playlists of strangers; what fits.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "seed_mirror.h"

#define UUID  "0d2c1a3e-5b6f-4c7d-8e9f-0a1b2c3d4e5f"
#define HASH  "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
#define MEDIA UUID "-720-fragmented.mp4"

static void only_our_names_have_a_kind(void **state)
{
    (void)state;
    assert_int_equal(seed_name_kind(UUID "-master.m3u8"), SEED_KIND_MASTER);
    assert_int_equal(seed_name_kind(UUID "-720.m3u8"), SEED_KIND_PLAYLIST);
    assert_int_equal(seed_name_kind(UUID "-0-fragmented.mp4"), SEED_KIND_MEDIA);
    assert_int_equal(seed_name_kind(UUID "-segments-sha256.json"), SEED_KIND_LIST);
    static const char *const bad[] = {"", "master.m3u8", "../" UUID "-720.m3u8",
        UUID "-720.m3u8/..", UUID "-.m3u8", UUID "-7x.m3u8", UUID "-1234567.m3u8",
        UUID "/../../etc/passwd", UUID "-720-fragmented.mp4.part", UUID "-720.m3u8\n", UUID,
        UUID "-720.ts", "0d2c1a3e_5b6f-4c7d-8e9f-0a1b2c3d4e5f-720.m3u8", UUID "%2f-720.m3u8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(seed_name_kind(bad[i]), SEED_KIND_NONE);
    }
    assert_int_equal(seed_name_kind(NULL), SEED_KIND_NONE);
    assert_string_equal(seed_name_of_url("https://a/b/" MEDIA), MEDIA);
    assert_string_equal(seed_name_of_url("nothing"), "");
}

static void pages_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url, *origin, *id;
        bool is_channel;
    } rows[] = {
        {"https://a.example/w/abc", "https://a.example", "abc", false},
        {"http://127.0.0.1:9000/w/abc?start=1", "http://127.0.0.1:9000", "abc", false},
        {"https://a.example/videos/watch/" UUID, "https://a.example", UUID, false},
        {"https://a.example/c/fish/videos", "https://a.example", "fish", true},
        {"https://a.example/@fish", "https://a.example", "fish", true},
        {"https://a.example/video-channels/fish", "https://a.example", "fish", true},
        {"@fish@a.example", "https://a.example", "fish", true},
        {"http://[::1]:9000/c/fish", "http://[::1]:9000", "fish", true},
    };
    struct seed_page page;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(seed_page_parse(rows[i].url, &page, NULL), 0);
        assert_string_equal(page.origin, rows[i].origin);
        assert_string_equal(page.id, rows[i].id);
        assert_int_equal(page.is_channel, rows[i].is_channel);
    }
    static const char *const bad[] = {"", "fish", "@fish", "@@a.example", "ftp://a.example/w/x",
        "https://", "https://a.example", "https://a.example/", "https://a.example/w/",
        "https://user@a.example/w/x", "https://a.example/a/b", "https://a.example/w/..",
        "@fish@a.example/x", "https://a.example/w/a%20b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_int_equal(seed_page_parse(bad[i], &page, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "url");
    }
}

static void addresses_of_mirrors_are_plain(void **state)
{
    (void)state;
    static const char *const good[] = {"https://a.example/hls", "http://127.0.0.1:9001/hls",
        "https://a.example", "https://a.example/x/y_z-1"};
    static const char *const bad[] = {"", "a.example", "ftp://a.example", "https://a.example/",
        "https://a.example/x?y", "https://a.example/x#y", "https://u:p@a.example/x",
        "https://a.example/../x", "https://a.example//x", "https://a.example/x y", "https:///x",
        "https://a.example/x\r\nHost: b"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(seed_base_valid(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(seed_base_valid(bad[i]));
    }
    assert_false(seed_base_valid(NULL));
}

static int pieces_of(
    struct shoal_arena *arena, const char *rows, uint64_t size, struct seed_pieces *pieces)
{
    const char *text = shoal_arena_printf(arena, "{\"" MEDIA "\": {%s}}", rows);
    json_t *list = json_loads(text, 0, NULL);
    assert_non_null(list);
    int code = seed_pieces_read(arena, list, MEDIA, size, pieces, NULL);
    json_decref(list);
    return code;
}

static void a_list_covers_the_file_piece_by_piece(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct seed_pieces pieces;
    assert_int_equal(
        pieces_of(arena, "\"50-99\": \"" HASH "\", \"10-49\": \"" HASH "\"", 120, &pieces), 0);
    static const struct {
        uint64_t offset, length;
        bool has_hash;
    } rows[] = {{0, 10, false}, {10, 40, true}, {50, 50, true}, {100, 20, false}};
    assert_int_equal(pieces.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pieces.items[i].offset, rows[i].offset);
        assert_int_equal(pieces.items[i].length, rows[i].length);
        assert_int_equal(pieces.items[i].has_hash, rows[i].has_hash);
    }
    // A hole that is larger than a piece may be comes in several.
    assert_int_equal(pieces_of(arena, "\"0-9\": \"" HASH "\"", SEED_PIECE_BYTES * 3, &pieces), 0);
    assert_int_equal(pieces.count, 4);
    shoal_arena_free(arena);
}

static void wrong_lists_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "\"0-120\": \"" HASH "\"", "\"120-130\": \"" HASH "\"",
        "\"10-9\": \"" HASH "\"", "\"-1-9\": \"" HASH "\"", "\"0-9x\": \"" HASH "\"", "\"0-9\": 7",
        "\"0-9\": \"abc\"", "\"0-50\": \"" HASH "\", \"50-60\": \"" HASH "\"",
        "\"0-99999999999999999999\": \"" HASH "\"", "\"\": \"" HASH "\"", "\"9\": \"" HASH "\""};
    struct shoal_arena *arena = shoal_arena_new(0);
    struct seed_pieces pieces;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(pieces_of(arena, bad[i], 120, &pieces), SHOAL_EUNREADABLE);
    }
    assert_int_equal(
        pieces_of(arena, "\"0-99999999\": \"" HASH "\"", 200000000, &pieces), SHOAL_ETOOLARGE);
    shoal_arena_free(arena);
}

static bool known(const char *name, void *user)
{
    (void)user;
    return strcmp(name, MEDIA) == 0;
}

static int playlist(const char *text)
{
    return seed_playlist_check(text, strlen(text), known, NULL, NULL);
}

static void playlists_lead_to_files_of_their_video_alone(void **state)
{
    (void)state;
    assert_int_equal(playlist("#EXTM3U\n#EXT-X-MAP:URI=\"" MEDIA "\"\n" MEDIA "\n"), 0);
    static const char *const bad[] = {"", "no playlist", "#EXTM3U\n../" MEDIA "\n",
        "#EXTM3U\n/" MEDIA "\n", "#EXTM3U\nhttps://b.example/" MEDIA "\n", "#EXTM3U\n" MEDIA "?x\n",
        "#EXTM3U\n" UUID "-360-fragmented.mp4\n", "#EXTM3U\n#EXT-X-MAP:URI=\"../../x\"\n",
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"https://b.example/key\"\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(playlist(bad[i]), SHOAL_EUNREADABLE);
    }
}

static json_t *video_json(const char *media, json_int_t size)
{
    return json_pack("{s:s, s:s, s:I, s:[{s:s}, {s:s}, {s:s, s:I}, {s:s}]}", "uuid", UUID, "name",
        "Fish", "views", (json_int_t)7, "files", "name", UUID "-master.m3u8", "name",
        UUID "-segments-sha256.json", "name", media, "size", size, "name", UUID "-720.m3u8");
}

static void videos_of_a_stranger_are_looked_at(void **state)
{
    (void)state;
    static struct seed_video video;
    json_t *row = video_json(MEDIA, 1000);
    assert_int_equal(seed_video_read(row, &video, NULL), 0);
    assert_int_equal(video.file_count, 4);
    assert_int_equal(video.size_bytes, 1000);
    assert_int_equal(video.views, 7);
    assert_non_null(seed_file_find(&video, MEDIA));
    assert_null(seed_file_find(&video, "x"));
    json_decref(row);
    static const struct {
        const char *name;
        json_int_t size;
    } bad[] = {{"../../../etc/passwd", 10}, {MEDIA, 0}, {MEDIA, -5},
        {MEDIA, (json_int_t)SEED_MEDIA_BYTES + 1}, {UUID "-master.m3u8", 10},
        {UUID "-720.m3u8", 10}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        row = video_json(bad[i].name, bad[i].size);
        assert_int_equal(seed_video_read(row, &video, NULL), SHOAL_EUNREADABLE);
        json_decref(row);
    }
    row = video_json(MEDIA, 1000);
    json_object_set_new(row, "uuid", json_string("../x"));
    assert_int_equal(seed_video_read(row, &video, NULL), SHOAL_EUNREADABLE);
    json_array_clear(json_object_get(row, "files"));
    json_object_set_new(row, "uuid", json_string(UUID));
    assert_int_equal(seed_video_read(row, &video, NULL), SHOAL_EUNREADABLE);
    json_decref(row);
}

static void a_proof_is_of_token_nonce_and_address(void **state)
{
    (void)state;
    char sum[65], proof[65];
    const char *nonce = "00112233445566778899aabbccddeeff";
    seed_sha256("token", 5, sum);
    assert_true(seed_proof(sum, nonce, "https://mirror.example.org/hls", proof));
    assert_string_equal(proof, "9ab2c685090d85f8dbdf0c80f414db35ddf6ce832090ca63c203bbcee1eadd1a");
    assert_false(seed_proof("", nonce, "x", proof));
    assert_false(seed_proof("abc", nonce, "x", proof));
    assert_true(seed_nonce_valid(nonce));
    static const char *const bad[] = {NULL, "", "0011", "00112233445566778899AABBCCDDEEFF",
        "00112233445566778899aabbccddeeff0", "00112233445566778899aabbccddee&x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(seed_nonce_valid(bad[i]));
    }
}

static void what_fits_is_chosen(void **state)
{
    (void)state;
    static struct seed_video videos[3];
    const int64_t mega = (int64_t)1 << 20;
    for (int i = 0; i < 3; i++) {
        videos[i] =
            (struct seed_video){.published_ms = i, .views = 10 - i, .size_bytes = 16 * mega};
    }
    // 16 MiB, and 2 for its playlists.
    seed_videos_choose(videos, 3, 36 * mega, false);
    assert_int_equal(videos[0].published_ms, 2);
    assert_true(videos[0].is_chosen && videos[1].is_chosen);
    assert_false(videos[2].is_chosen);
    seed_videos_choose(videos, 3, 18 * mega, true);
    assert_int_equal(videos[0].views, 10);
    assert_true(videos[0].is_chosen);
    assert_false(videos[1].is_chosen || videos[2].is_chosen);
    // A large one does not keep smaller ones out.
    videos[0].size_bytes = 1000 * mega;
    seed_videos_choose(videos, 3, 18 * mega, true);
    assert_false(videos[0].is_chosen);
    assert_true(videos[1].is_chosen);
    seed_videos_choose(videos, 0, mega, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_names_have_a_kind),
        cmocka_unit_test(pages_are_read),
        cmocka_unit_test(addresses_of_mirrors_are_plain),
        cmocka_unit_test(a_list_covers_the_file_piece_by_piece),
        cmocka_unit_test(wrong_lists_are_refused),
        cmocka_unit_test(playlists_lead_to_files_of_their_video_alone),
        cmocka_unit_test(videos_of_a_stranger_are_looked_at),
        cmocka_unit_test(a_proof_is_of_token_nonce_and_address),
        cmocka_unit_test(what_fits_is_chosen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
