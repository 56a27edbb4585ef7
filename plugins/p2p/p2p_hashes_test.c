// p2p_hashes_test.c - the names of swarms: vectors of each generation, and which ones a video has.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "p2p_index.h"

#define VIDEO "11111111-2222-4333-8444-555555555555"
#define MASTER                                                                                     \
    "https://example.org/static/streaming-playlists/hls/" VIDEO                                    \
    "/66666666-7777-4888-9999-aaaaaaaaaaaa-master.m3u8"

static void is(const struct p2p_hash *hash, int generation, const char *wanted)
{
    char name[P2P_NAME_BYTES];
    p2p_hash_name(hash, name);
    assert_string_equal(name, wanted);
    assert_int_equal(hash->generation, generation);
}

static void the_first_generation_is_sha1_of_url_and_variant(void **state)
{
    (void)state;
    struct p2p_hash hash;
    assert_int_equal(p2p_hash_first(MASTER, 0, &hash), 0);
    is(&hash, 1, "01e36a825ba9b557a72d385134ece0e678d099a0");
    assert_int_equal(p2p_hash_first(MASTER, 1, &hash), 0);
    is(&hash, 1, "9b2b4ede109450e6d11cc6bcdbbf55edb57bf856");
}

static void the_second_generation_is_base64_of_md5(void **state)
{
    (void)state;
    static const struct {
        const char *stream, *text, *name;
    } rows[] = {
        {"main-0", "bPpsBPG3m8ktWPlseEcJ", "62507073425047336d386b7457506c736545634a"},
        {"main-1", "4ll0UXPXYU+BtItVY3Um", "346c6c305558505859552b42744974565933556d"},
        {"secondary-0", "RjHa/LH+X9Nom1c7bRQo", "526a48612f4c482b58394e6f6d3163376252516f"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct p2p_hash hash;
        assert_int_equal(p2p_hash_second(MASTER, rows[i].stream, &hash), 0);
        assert_memory_equal(hash.bytes, rows[i].text, P2P_HASH_BYTES);
        is(&hash, 2, rows[i].name);
    }
}

static void the_third_generation_does_not_know_the_url(void **state)
{
    (void)state;
    struct p2p_hash hash;
    assert_int_equal(p2p_hash_third(VIDEO, "main-default-720", &hash), 0);
    is(&hash, 3, "0A0dY8ac0ECHjduOQb31");
    assert_int_equal(p2p_hash_third(VIDEO, "secondary-default-default", &hash), 0);
    is(&hash, 3, "xEuCRfL8fb+n/qe9rozY");
}

static int make(const char *files, struct p2p_hash out[P2P_HASHES_MAX])
{
    json_t *list = json_loads(files, 0, NULL);
    assert_non_null(list);
    json_t *video = json_pack("{s:s, s:[{s:s, s:o}]}", "uuid", VIDEO, "streamingPlaylists",
        "playlistUrl", MASTER, "files", list);
    int count = p2p_hashes_make(video, out);
    json_decref(video);
    return count;
}

static void a_video_has_three_for_each_rendition(void **state)
{
    (void)state;
    struct p2p_hash out[P2P_HASHES_MAX];
    int count = make("[{\"resolution\": {\"id\": 720}}, {\"resolution\": {\"id\": 360}}]", out);
    assert_int_equal(count, 6);
    is(&out[0], 1, "01e36a825ba9b557a72d385134ece0e678d099a0");
    is(&out[1], 2, "62507073425047336d386b7457506c736545634a");
    is(&out[2], 3, "0A0dY8ac0ECHjduOQb31");
    is(&out[3], 1, "9b2b4ede109450e6d11cc6bcdbbf55edb57bf856");
    is(&out[4], 2, "346c6c305558505859552b42744974565933556d");
}

static void sound_apart_has_two_more(void **state)
{
    (void)state;
    struct p2p_hash out[P2P_HASHES_MAX];
    int count = make("[{\"resolution\": {\"id\": 720}}, {\"resolution\": {\"id\": 0}}]", out);
    assert_int_equal(count, 8);
    is(&out[6], 2, "526a48612f4c482b58394e6f6d3163376252516f");
    is(&out[7], 3, "xEuCRfL8fb+n/qe9rozY");
}

static void without_a_playlist_there_are_none(void **state)
{
    (void)state;
    struct p2p_hash out[P2P_HASHES_MAX];
    json_t *video = json_pack("{s:s, s:[]}", "uuid", VIDEO, "streamingPlaylists");
    assert_int_equal(p2p_hashes_make(video, out), 0);
    json_decref(video);
    assert_int_equal(make("[]", out), 0);
}

static void more_files_than_a_video_can_have_are_left_out(void **state)
{
    (void)state;
    struct p2p_hash out[P2P_HASHES_MAX];
    json_t *files = json_array();
    for (int i = 0; i < 2 * P2P_FILES_MAX; i++) {
        json_array_append_new(files, json_pack("{s:{s:i}}", "resolution", "id", 0));
    }
    char *text = json_dumps(files, 0);
    json_decref(files);
    assert_int_equal(make(text, out), P2P_HASHES_MAX);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_generation_is_sha1_of_url_and_variant),
        cmocka_unit_test(the_second_generation_is_base64_of_md5),
        cmocka_unit_test(the_third_generation_does_not_know_the_url),
        cmocka_unit_test(a_video_has_three_for_each_rendition),
        cmocka_unit_test(sound_apart_has_two_more),
        cmocka_unit_test(without_a_playlist_there_are_none),
        cmocka_unit_test(more_files_than_a_video_can_have_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
