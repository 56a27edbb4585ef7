// torrents_make_test.c - bencode, piece lengths, torrents and magnets.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "torrents.h"
#include "torrents_bencode.h"

static void bencode_says_lengths_in_bytes(void **state)
{
    (void)state;
    static const char wanted[] = "d1:ai-5e1:bl5:caf\xc3\xa9"
                                 "0:3:\0\1\2ei0ee";
    struct torrents_bencode to = {0};
    torrents_bencode_dictionary(&to);
    torrents_bencode_text(&to, "a");
    torrents_bencode_number(&to, -5);
    torrents_bencode_text(&to, "b");
    torrents_bencode_list(&to);
    torrents_bencode_text(&to, "caf\xc3\xa9");
    torrents_bencode_text(&to, "");
    torrents_bencode_bytes(&to, "\0\1\2", 3);
    torrents_bencode_end(&to);
    torrents_bencode_number(&to, 0);
    torrents_bencode_end(&to);
    assert_int_equal(to.code, 0);
    assert_int_equal(to.out.length, sizeof wanted - 1);
    assert_memory_equal(to.out.data, wanted, sizeof wanted - 1);
    shoal_buf_fini(&to.out);
}

static void bencode_keeps_its_first_error(void **state)
{
    (void)state;
    struct torrents_bencode to = {.out = {.limit = 8}};
    torrents_bencode_text(&to, "123456");
    assert_int_equal(to.code, 0);
    torrents_bencode_text(&to, "too much of it");
    assert_int_equal(to.code, SHOAL_ETOOLARGE);
    size_t length = to.out.length;
    torrents_bencode_end(&to);
    assert_int_equal(to.out.length, length);
    assert_int_equal(to.code, SHOAL_ETOOLARGE);
    shoal_buf_fini(&to.out);
}

static void pieces_are_neither_many_nor_long(void **state)
{
    (void)state;
    static const int64_t rows[][2] = {
        {0, 65536},
        {1, 65536},
        {INT64_C(65536) * 2000, 65536},
        {INT64_C(65536) * 2000 + 1, 131072},
        {INT64_C(1) << 30, 1 << 20},
        {INT64_C(4) << 30, 4 << 20},
        {INT64_C(50) << 30, 16 << 20},
        {INT64_C(900) << 30, 16 << 20},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(torrents_piece_bytes(rows[i][0]), rows[i][1]);
    }
    for (int64_t size = 200 << 20; size < INT64_C(30) << 30; size = size * 5 / 4 + 12345) {
        int64_t pieces = (size + torrents_piece_bytes(size) - 1) / torrents_piece_bytes(size);
        assert_in_range(pieces, 1000, 2000);
    }
}

static void a_title_has_no_folders_in_it(void **state)
{
    (void)state;
    static const struct {
        const char *video;
        int resolution;
        const char *wanted;
    } rows[] = {
        {"A film", 720, "A film 720p.mp4"},
        {"../a/b\\c\n", 0, ".._a_b_c_ 0p.mp4"},
        {"Caf\xc3\xa9", 1080, "Caf\xc3\xa9 1080p.mp4"},
    };
    struct shoal_arena *arena = shoal_arena_new(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(torrents_title(arena, rows[i].video, rows[i].resolution), rows[i].wanted);
    }
    char name[300];
    memset(name, 'x', sizeof name);
    memcpy(name + 199, "\xc3\xa9", 2); // the limit is in the middle of this letter
    name[sizeof name - 1] = '\0';
    const char *title = torrents_title(arena, name, 1);
    assert_int_equal(strlen(title), 199 + strlen(" 1p.mp4"));
    shoal_arena_free(arena);
}

static const struct torrent film = {.size_bytes = 70000,
    .piece_bytes = 65536,
    .title = "A film 720p.mp4",
    .pieces = "aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbb",
    .pieces_length = 40};
#define INFO                                                                                       \
    "d6:lengthi70000e4:name15:A film 720p.mp412:piece lengthi65536e6:pieces"                       \
    "40:aaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbe"

static void a_torrent_has_its_keys_in_order(void **state)
{
    (void)state;
    json_t *trackers = json_pack("[s, s]", "https://a.example/announce", "wss://a.example:443/s");
    json_t *seeds = json_pack("[s, s]", "https://a.example/x.mp4", "http://b/x.mp4");
    struct shoal_buf out = {0};
    assert_int_equal(torrents_write(&film, trackers, seeds, &out), 0);
    assert_string_equal(out.data,
        "d8:announce26:https://a.example/announce"
        "13:announce-listll21:wss://a.example:443/sel26:https://a.example/announceee"
        "10:created by5:Shoal8:encoding5:UTF-84:info" INFO
        "8:url-listl23:https://a.example/x.mp414:http://b/x.mp4ee");
    shoal_buf_fini(&out);
    json_decref(trackers);
    json_decref(seeds);
}

static void without_trackers_a_torrent_names_none(void **state)
{
    (void)state;
    json_t *none = json_array();
    struct shoal_buf out = {0};
    assert_int_equal(torrents_write(&film, none, none, &out), 0);
    assert_string_equal(
        out.data, "d10:created by5:Shoal8:encoding5:UTF-84:info" INFO "8:url-listlee");
    shoal_buf_fini(&out);
    json_decref(none);
}

static void the_infohash_is_that_of_the_info(void **state)
{
    (void)state;
    struct torrent torrent = film;
    char hex[41];
    assert_int_equal(torrents_infohash_make(&torrent), 0);
    torrents_hex(torrent.infohash, hex);
    assert_string_equal(hex, "c521e6e800a672465065b16654cc8d5e6e802350");
    torrent.title = "Another 720p.mp4";
    struct torrent before = torrent;
    assert_int_equal(torrents_infohash_make(&torrent), 0);
    assert_memory_not_equal(before.infohash, torrent.infohash, TORRENTS_HASH_BYTES);
}

static void a_magnet_is_percent_encoded(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    struct torrent torrent = film;
    torrent.title = "Q&A: 100% caf\xc3\xa9 720p.mp4";
    memset(torrent.infohash, 0xab, TORRENTS_HASH_BYTES);
    json_t *trackers = json_pack("[s, s]", "https://a.example/announce", "wss://a.example:443/s");
    json_t *seeds = json_pack("[s]", "https://a.example/x.mp4?a=1&b=2");
    assert_string_equal(torrents_magnet(arena, &torrent, "https://a.example/t/1.torrent", trackers, seeds),
        "magnet:?xs=https%3A%2F%2Fa.example%2Ft%2F1.torrent"
        "&xt=urn:btih:abababababababababababababababababababab"
        "&dn=Q%26A%3A%20100%25%20caf%C3%A9%20720p.mp4"
        "&tr=https%3A%2F%2Fa.example%2Fannounce&tr=wss%3A%2F%2Fa.example%3A443%2Fs"
        "&ws=https%3A%2F%2Fa.example%2Fx.mp4%3Fa%3D1%26b%3D2");
    json_decref(trackers);
    json_decref(seeds);
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bencode_says_lengths_in_bytes),
        cmocka_unit_test(bencode_keeps_its_first_error),
        cmocka_unit_test(pieces_are_neither_many_nor_long),
        cmocka_unit_test(a_title_has_no_folders_in_it),
        cmocka_unit_test(a_torrent_has_its_keys_in_order),
        cmocka_unit_test(without_trackers_a_torrent_names_none),
        cmocka_unit_test(the_infohash_is_that_of_the_info),
        cmocka_unit_test(a_magnet_is_percent_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
