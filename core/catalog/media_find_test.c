// media_find_test.c - where public addresses of media lead, and what a download is called.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

struct adding {
    struct catalog_file file;
    int64_t id;
};

static int adding_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct adding *adding = arg;
    return catalog_file_add(tx, &adding->file, &adding->id, err);
}

static int64_t file_make(int64_t video_id, const char *kind, const char *name, int resolution)
{
    struct adding adding = {.file = {.video_id = video_id,
                                .kind = kind,
                                .version = 1,
                                .name = name,
                                .mime = "video/mp4",
                                .storage = "fs",
                                .key = name,
                                .size_bytes = 7,
                                .resolution = resolution,
                                .is_ready = true}};
    struct shoal_err err = {0};
    if (shoal_tx(scene.system, adding_tx, &adding, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return adding.id;
}

static int find(
    const char *kind, const char *video, const char *name, struct shoal_media_file *file)
{
    struct shoal_media_file unused;
    return shoal_media_find(scene.nobody, kind, video, name, file != NULL ? file : &unused, NULL);
}

static void a_file_is_found_by_its_name(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct test_video other = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct shoal_media_file file;
    int64_t id = file_make(video.id, "web_video", "named.mp4", 720);
    assert_int_equal(find("web_video", NULL, "named.mp4", &file), 0);
    assert_int_equal(file.id, id);
    assert_int_equal(file.video_id, video.id);
    assert_string_equal(file.video_uuid, video.uuid);
    assert_string_equal(file.key, "named.mp4");
    assert_int_equal(file.size_bytes, 7);
    assert_false(file.is_private);
    assert_true(file.is_ready);
    assert_int_equal(find("web_video", video.uuid, "named.mp4", NULL), 0);
    assert_int_equal(find("web_video", other.uuid, "named.mp4", NULL), SHOAL_ENOTFOUND);
    assert_int_equal(find("hls_media", NULL, "named.mp4", NULL), SHOAL_ENOTFOUND);
    assert_int_equal(find("caption", NULL, "none.vtt", NULL), SHOAL_ENOTFOUND); // also where nobody asks why
}

static void a_download_goes_by_video_and_resolution(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct shoal_media_file file;
    file_make(video.id, "web_video", "dl-720.mp4", 720);
    file_make(video.id, "web_video", "dl-0.mp4", 0);
    int64_t hls = file_make(video.id, "hls_media", "dl-hls.mp4", 720);
    static const struct {
        const char *kind, *end;
        int code;
    } rows[] = {{"web_video", "-720.mp4", 0}, {"web_video", "-0.mp4", 0},
        {"hls_media", "-720-fragmented.mp4", 0}, {"web_video", "-480.mp4", SHOAL_ENOTFOUND},
        {"web_video", "-720-fragmented.mp4", SHOAL_ENOTFOUND},
        {"hls_media", "-720.mp4", SHOAL_ENOTFOUND}, {"web_video", "-720", SHOAL_ENOTFOUND},
        {"web_video", "-.mp4", SHOAL_ENOTFOUND}, {"web_video", "--720.mp4", SHOAL_ENOTFOUND},
        {"web_video", "-+720.mp4", SHOAL_ENOTFOUND}, {"web_video", "720.mp4", SHOAL_ENOTFOUND},
        {"web_video", "-99999999999999999999.mp4", SHOAL_ENOTFOUND},
        {"web_video", "-720.mp4x", SHOAL_ENOTFOUND}, {"preview", "-720.mp4", SHOAL_ENOTFOUND}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[128];
        snprintf(name, sizeof name, "%s%s", video.uuid, rows[i].end);
        if (find(rows[i].kind, NULL, name, &file) != rows[i].code) {
            fail_msg("%s %s", rows[i].kind, rows[i].end);
        }
        if (rows[i].code == 0 && rows[i].kind[0] == 'h') {
            assert_int_equal(file.id, hls);
        }
    }
}

static void who_needs_a_token_is_said(void **state)
{
    (void)state;
    static const struct {
        enum shoal_privacy privacy;
        bool is_open, is_blocked, is_private;
    } rows[] = {
        {SHOAL_PRIVACY_PUBLIC, true, false, false},
        {SHOAL_PRIVACY_UNLISTED, true, false, false},
        {SHOAL_PRIVACY_PRIVATE, true, false, true},
        {SHOAL_PRIVACY_INTERNAL, true, false, true},
        {SHOAL_PRIVACY_PASSWORD, true, false, true},
        {SHOAL_PRIVACY_PUBLIC, false, false, true},
        {SHOAL_PRIVACY_PUBLIC, true, true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        struct shoal_media_file file;
        struct test_video video = {.name = "x",
            .channel_id = test_channel_of(scene.user),
            .privacy = rows[i].privacy,
            .state = SHOAL_STATE_PUBLISHED,
            .is_open = rows[i].is_open,
            .is_blocked = rows[i].is_blocked,
            .published_ms = 1};
        test_video_make(scene.system, &video);
        snprintf(name, sizeof name, "token-%zu.mp4", i);
        file_make(video.id, "web_video", name, 720);
        assert_int_equal(find("web_video", NULL, name, &file), 0);
        assert_int_equal(file.is_private, rows[i].is_private);
    }
}

static void sources_have_no_address(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    file_make(video.id, "source", "source.mp4", 720);
    assert_int_equal(find("source", NULL, "source.mp4", NULL), SHOAL_ENOTFOUND);
}

static void names_that_are_none_are_not_found(void **state)
{
    (void)state;
    char longer[300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const bad[] = {NULL, "", "x", "../x", longer};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(find("web_video", NULL, bad[i], NULL), SHOAL_ENOTFOUND);
        assert_int_equal(find("avatar", NULL, bad[i], NULL), SHOAL_ENOTFOUND);
        assert_int_equal(find("banner", NULL, bad[i], NULL), SHOAL_ENOTFOUND);
    }
    assert_int_equal(find(NULL, NULL, "x.mp4", NULL), SHOAL_ENOTFOUND);
    assert_int_equal(find("no-kind", NULL, "x.mp4", NULL), SHOAL_ENOTFOUND);
}

static void a_title_becomes_a_file_name(void **state)
{
    (void)state;
    char longer[200], cut[200];
    memset(longer, 'x', 149);
    memcpy(longer + 149, "\xc3\xa9more", 7); // the limit is in the middle of it
    memset(cut, 'x', 149);
    memcpy(cut + 149, "-720p.mp4", 10);
    char fits[200], whole[200];
    memset(fits, 'x', 148);
    memcpy(fits + 148, "\xc3\xa9more", 7); // the limit is right behind it
    memset(whole, 'x', 148);
    memcpy(whole + 148, "\xc3\xa9-720p.mp4", 12);
    const char *const rows[][2] = {{fits, whole}, {"My holiday", "My holiday-720p.mp4"},
        {"a/b\\c:d*e?f\"g<h>i|j", "a_b_c_d_e_f_g_h_i_j-720p.mp4"},
        {"line\nbreak\x7f", "line_break_-720p.mp4"},
        {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9-720p.mp4"}, {longer, cut}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        struct shoal_media_file file;
        struct test_video video = {.name = rows[i][0],
            .channel_id = test_channel_of(scene.user),
            .privacy = SHOAL_PRIVACY_PUBLIC,
            .state = SHOAL_STATE_PUBLISHED,
            .is_open = true,
            .published_ms = 1};
        test_video_make(scene.system, &video);
        snprintf(name, sizeof name, "title-%zu.mp4", i);
        file_make(video.id, "web_video", name, 720);
        assert_int_equal(find("web_video", NULL, name, &file), 0);
        assert_string_equal(file.download_name, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_found_by_its_name),
        cmocka_unit_test(a_download_goes_by_video_and_resolution),
        cmocka_unit_test(who_needs_a_token_is_said),
        cmocka_unit_test(sources_have_no_address),
        cmocka_unit_test(names_that_are_none_are_not_found),
        cmocka_unit_test(a_title_becomes_a_file_name),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
