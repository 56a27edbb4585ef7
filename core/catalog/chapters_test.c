// chapters_test.c - chapters out of texts, and chapters by hand.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include "catalog/captions_priv.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user, *nobody;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.nobody = shoal_kit_anonymous(scene.kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

/// "0 Shore|30 Rocks" of what a text tells of.
static const char *parsed(const char *text)
{
    struct catalog_chapter *chapters = NULL;
    struct shoal_arena *arena = shoal_call_arena(scene.system);
    size_t count = catalog_chapters_parse(arena, text, &chapters);
    const char *shown = "";
    for (size_t i = 0; i < count; i++) {
        shown = shoal_arena_printf(arena, "%s%s%lld %s", shown, i == 0 ? "" : "|",
            (long long)chapters[i].timecode_s, chapters[i].title);
    }
    return shown;
}

static void a_description_tells_of_chapters_by_lines_that_begin_with_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } rows[] = {
        {"0:00 Shore\n00:30 Rocks\n1:02:03 Home", "0 Shore|30 Rocks|3723 Home"},
        {"Words\r\n\r\n0:00 Shore\r\n0:30 Rocks\r\nWords\r\n1:00 No more", "0 Shore|30 Rocks"},
        {"- 0:00 - Shore\n* 0:30 \xe2\x80\x93 Rocks\n[1:00] Home\n(2:00) Sea", "0 Shore|30 Rocks|60 Home|120 Sea"},
        {"0:30 Rocks\n0:00 Shore", "0 Shore|30 Rocks"},
        {"0:00 Shore\n0:00 Again\n0:30 Rocks", "0 Shore|30 Rocks"},
        {"  0:00\tShore \n0:30  Rocks ", "0 Shore|30 Rocks"},
        {"120:00 Long\n121:30 Longer", "7200 Long|7290 Longer"},
        {"0:00 One alone", ""},
        {"0:00 Shore\n\n0:30 Apart", ""},
        {"0:61 No second\n1:60:00 No minute\n0:5 One digit is fine\n0:06 Next", "5 One digit is fine|6 Next"},
        {"at 0:00 Shore\nat 0:30 Rocks", ""},
        {"0:00Shore\n0:30Rocks", ""},
        {"0:00\n0:30", ""},
        {"1:2:3:4 x\n1:2:3:5 y", ""},
        {"12345:00 x\n12345:01 y", ""},
        {"[0:00 x\n[0:30 y", ""},
        {":00 x\n0: y", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(parsed(rows[i].text), rows[i].shown);
    }
    assert_string_equal(parsed(NULL), "");
}

static void long_titles_are_cut_between_characters(void **state)
{
    (void)state;
    char text[2000] = "0:00 ";
    for (int i = 0; i < 150; i++) {
        memcpy(text + 5 + 3 * i, "\xe2\x82\xac", 4);
    }
    strncat(text, "\n0:01 b", sizeof text - strlen(text) - 1);
    struct catalog_chapter *chapters = NULL;
    assert_int_equal(
        catalog_chapters_parse(shoal_call_arena(scene.system), text, &chapters), 2);
    assert_int_equal(strlen(chapters[0].title), 3 * CATALOG_CHAPTER_TITLE_MAX);
}

static void a_text_of_very_many_lines_is_bounded(void **state)
{
    (void)state;
    struct shoal_buf text = {0};
    for (int i = 0; i < 3000; i++) {
        shoal_buf_printf(&text, "%d:%02d x\n", i / 60, i % 60);
    }
    struct catalog_chapter *chapters = NULL;
    size_t count = catalog_chapters_parse(shoal_call_arena(scene.system), text.data, &chapters);
    assert_int_equal(count, CATALOG_CHAPTERS_MAX);
    struct shoal_err err = {0};
    assert_int_equal(catalog_chapters_read_list(
                         shoal_call_arena(scene.system), text.data, &chapters, &count, &err),
        SHOAL_EINVAL);
    assert_string_equal(err.field, "chapters");
    shoal_buf_fini(&text);
}

static void each_line_of_a_list_has_to_be_one(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } bad[] = {{"0:00 a\nb", "Line 2"}, {"\n\n9", "Line 3"}, {"0:01 a\n0:00 b\n0:01 c", "Line 3"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct catalog_chapter *chapters = NULL;
        struct shoal_err err = {0};
        size_t count = 0;
        assert_int_equal(catalog_chapters_read_list(shoal_call_arena(scene.system), bad[i].text,
                             &chapters, &count, &err),
            SHOAL_EINVAL);
        assert_non_null(strstr(err.text, bad[i].words));
    }
}

static int64_t count_of(const char *uuid)
{
    struct shoal_err err = {0};
    json_t *list = shoal_chapter_list(scene.nobody, uuid, NULL, &err);
    int64_t count = (int64_t)json_array_size(json_object_get(list, "chapters"));
    json_decref(list);
    return count;
}

static void a_description_yields_to_what_was_written_by_hand(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    json_t *fields = json_pack("{s:s}", "description", "0:00 a\n0:01 b\n0:02 c");
    assert_int_equal(shoal_video_update(scene.user, video.uuid, fields, &err), 0);
    assert_int_equal(count_of(video.uuid), 3);
    json_t *chapters = json_pack("[{s:i, s:s}]", "timecode", 5, "title", "By hand");
    assert_int_equal(shoal_chapter_put(scene.user, video.uuid, chapters, &err), 0);
    assert_int_equal(shoal_chapter_put(scene.nobody, video.uuid, chapters, &err), SHOAL_EAUTH);
    json_object_set_new(fields, "description", json_string("0:00 a\n0:01 b"));
    assert_int_equal(shoal_video_update(scene.user, video.uuid, fields, &err), 0);
    assert_int_equal(count_of(video.uuid), 1);
    json_array_clear(chapters);
    assert_int_equal(shoal_chapter_put(scene.user, video.uuid, chapters, &err), 0);
    json_object_set_new(fields, "description", json_null());
    assert_int_equal(shoal_video_update(scene.user, video.uuid, fields, &err), 0);
    assert_int_equal(count_of(video.uuid), 0);
    json_decref(chapters);
    json_decref(fields);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_description_tells_of_chapters_by_lines_that_begin_with_a_time),
        cmocka_unit_test(long_titles_are_cut_between_characters),
        cmocka_unit_test(a_text_of_very_many_lines_is_bounded),
        cmocka_unit_test(each_line_of_a_list_has_to_be_one),
        cmocka_unit_test(a_description_yields_to_what_was_written_by_hand),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
