// captions_test.c - captions: which files are ones, what is kept of them, and who may change them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/pipeline_test.h"

#include "catalog/captions_priv.h"

static char from[600], to[600];

static void paths_set(struct scene *scene)
{
    snprintf(from, sizeof from, "%s/from", shoal_kit_folder(scene->kit));
    snprintf(to, sizeof to, "%s/to", shoal_kit_folder(scene->kit));
}

static void from_write(const char *bytes, size_t length)
{
    FILE *file = fopen(from, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

static char *converted(const char *bytes, size_t length, bool is_srt)
{
    struct shoal_err err = {0};
    struct shoal_buf text = {0};
    from_write(bytes, length);
    if (catalog_caption_convert(from, is_srt, to, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_int_equal(shoal_file_read_whole(to, 64 << 20, &text, &err), 0);
    return shoal_buf_take(&text, NULL);
}

static void expect(const char *bytes, bool is_srt, const char *wanted)
{
    char *text = converted(bytes, strlen(bytes), is_srt);
    assert_string_equal(text, wanted);
    free(text);
}

static void refuse(const char *bytes, size_t length, bool is_srt, const char *words)
{
    struct shoal_err err = {0};
    from_write(bytes, length);
    assert_int_equal(catalog_caption_convert(from, is_srt, to, &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "captionfile");
    if (strstr(err.text, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    }
}

static void webvtt_is_kept_with_plain_line_ends(void **state)
{
    paths_set(*state);
    expect("WEBVTT", false, "WEBVTT\n");
    expect("\xef\xbb\xbfWEBVTT\tx\r\n\r\n00:01.000 --> 00:02.000\rA\n\rB\r\n\r\n", false,
        "WEBVTT\tx\n\n00:01.000 --> 00:02.000\nA\n\nB\n\n");
    expect("WEBVTT\n\nNOTE \xe2\x82\xac \xf0\x9f\x90\x9f\n", false,
        "WEBVTT\n\nNOTE \xe2\x82\xac \xf0\x9f\x90\x9f\n");
}

static void what_is_no_webvtt_is_refused(void **state)
{
    paths_set(*state);
    refuse("", 0, false, "WEBVTT");
    refuse("\xef\xbb\xbf", 3, false, "WEBVTT");
    refuse("\n\nWEBVTT\n", 9, false, "WEBVTT");
    refuse("WEBVTTING", 9, false, "WEBVTT");
    refuse("webvtt\n", 7, false, "WEBVTT");
    refuse("WEBVTT\n\xff\n", 9, false, "Line 2 is not UTF-8");
    refuse("WEBVTT\n\n\xed\xa0\x80\n", 12, false, "Line 3 is not UTF-8"); // half of a pair
    refuse("WEBVTT\na\0b\n", 11, false, "Line 2 has control");
    refuse("WEBVTT\n\x1b[2J\n", 12, false, "Line 2 has control");
}

static void lines_are_as_long_as_they_may_be_and_no_longer(void **state)
{
    paths_set(*state);
    size_t most = CATALOG_LINE_MAX;
    char *text = malloc(most + 100);
    memcpy(text, "WEBVTT\n", 7);
    memset(text + 7, 'x', most + 1);
    memcpy(text + 7 + most, "\nend\n", 6);
    char *kept = converted(text, 7 + most + 5, false);
    assert_memory_equal(kept, text, 7 + most + 5);
    free(kept);
    memset(text + 7, 'x', most + 1);
    memcpy(text + 7 + most + 1, "\n", 2);
    refuse(text, 7 + most + 2, false, "Line 2 is too long");
    free(text);
}

// Each line lies somewhere else in the room that is read into, its end too.
static void lines_are_whole_wherever_a_read_ends(void **state)
{
    paths_set(*state);
    struct shoal_buf text = {0};
    struct shoal_buf wanted = {0};
    shoal_buf_puts(&text, "WEBVTT\r\n");
    shoal_buf_puts(&wanted, "WEBVTT\n");
    for (int i = 0; i < 9000; i++) {
        shoal_buf_printf(&text, "%.*s\xe2\x82\xac%d\r\n", i % 61, "0123456789012345678901234567890123456789012345678901234567890", i);
        shoal_buf_printf(&wanted, "%.*s\xe2\x82\xac%d\n", i % 61, "0123456789012345678901234567890123456789012345678901234567890", i);
    }
    char *kept = converted(text.data, text.length, false);
    assert_int_equal(strlen(kept), wanted.length);
    assert_string_equal(kept, wanted.data);
    free(kept);
    shoal_buf_fini(&text);
    shoal_buf_fini(&wanted);
}

static void subrip_becomes_webvtt(void **state)
{
    paths_set(*state);
    expect("1\n00:00:01,000 --> 00:00:02,500 X1:0\nA\nB\n\n\n2\n1:02:03,4 --> 100:00:00.05\nC", true,
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nA\nB\n\n01:02:03.400 --> 100:00:00.050\nC\n");
    // Without numbers, without empty lines, with numbers in the text.
    expect("00:01,000-->00:02,000\nA\n7\n3\n00:03,000 --> 00:04,000\n12\n", true,
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nA\n7\n\n00:00:03.000 --> 00:00:04.000\n12\n");
}

static void tags_that_webvtt_lacks_are_no_tags(void **state)
{
    paths_set(*state);
    expect("00:01,0 --> 00:02,0\n<I>a</I> <b>b</b> <font color=#fff>c</font> {\\an8}d <c.x>e {f}\n", true,
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n<i>a</i> <b>b</b> c d &lt;c.x&gt;e {f}\n");
    expect("00:01,0 --> 00:02,0\n<script src=x>\n00:05 --> x\n<font\n", true,
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n&lt;script src=x&gt;\n00:05 --&gt; x\n&lt;font\n");
}

static void what_has_no_time_is_no_subrip(void **state)
{
    paths_set(*state);
    static const char *const bad[] = {"", "1\nwords\n", "00:00:01,000 -> 00:00:02,000\nA\n",
        "00:00:61,000 --> 00:00:62,000\nA\n", "00:61:01,000 --> 00:61:02,000\nA\n",
        "1,000 --> 2,000\nA\n", "00:01, --> 00:02,\nA\n", "aa:01,0 --> 00:02,0\n",
        "00:00:01,000 -->\nA\n", "9999999:00:00,0 --> 9999999:00:01,0\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        refuse(bad[i], strlen(bad[i]), true, "SubRip");
    }
}

static int64_t total(struct shoal_call *call, const char *id)
{
    struct shoal_err err = {0};
    json_t *list = shoal_caption_list(call, id, NULL, &err);
    int64_t count = list == NULL ? err.code : shoal_integer(list, "total", -1);
    json_decref(list);
    return count;
}

static void captions_are_of_those_who_may_change_the_video(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    paths_set(scene);
    struct shoal_call *other = shoal_kit_user(scene->kit, "bob");
    struct test_video video =
        test_video_published(scene->system, scene->user, SHOAL_PRIVACY_PUBLIC);
    from_write("WEBVTT\n", 7);
    assert_int_equal(
        shoal_caption_put(other, video.uuid, "en", "a.vtt", from, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(
        shoal_caption_put(scene->nobody, video.uuid, "en", "a.vtt", from, &err), SHOAL_EAUTH);
    assert_int_equal(shoal_caption_put(scene->user, video.uuid, "xx", "a.vtt", from, &err),
        SHOAL_EINVAL);
    assert_string_equal(err.field, "captionLanguage");
    assert_int_equal(shoal_caption_put(scene->user, video.uuid, "en", "a.txt", from, &err),
        SHOAL_EINVAL);
    assert_int_equal(total(scene->nobody, video.uuid), 0);
    assert_int_equal(shoal_caption_put(scene->user, video.uuid, "en", "A.VTT", from, &err), 0);
    assert_int_equal(shoal_caption_put(scene->user, video.uuid, "fr", "a.vtt", from, &err), 0);
    assert_int_equal(shoal_caption_put(scene->user, video.uuid, "en", "b.vtt", from, &err), 0);
    assert_int_equal(total(scene->nobody, video.uuid), 2);
    assert_int_equal(shoal_caption_delete(other, video.uuid, "en", &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_caption_delete(scene->user, video.uuid, "en", &err), 0);
    assert_int_equal(shoal_caption_delete(scene->user, video.uuid, "en", &err), SHOAL_ENOTFOUND);
    assert_int_equal(total(scene->nobody, video.uuid), 1);
}

static void a_file_is_known_by_its_name_until_it_goes(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    paths_set(scene);
    struct test_video video =
        test_video_published(scene->system, scene->user, SHOAL_PRIVACY_UNLISTED);
    from_write("WEBVTT\n", 7);
    assert_int_equal(shoal_caption_put(scene->user, video.uuid, "en", "a.vtt", from, &err), 0);
    json_t *list = shoal_caption_list(scene->user, video.uuid, NULL, &err);
    const char *path = shoal_text(list, "data.0.captionPath", "");
    char name[200];
    snprintf(name, sizeof name, "%s", strrchr(path, '/') + 1);
    json_decref(list);
    struct shoal_media_file file;
    assert_int_equal(
        shoal_media_find(scene->nobody, "caption", NULL, name, &file, &err), 0);
    assert_string_equal(file.mime, "text/vtt");
    assert_int_equal(file.size_bytes, 7);
    bool known = false;
    assert_int_equal(catalog_object_known(scene->system, file.storage, file.key, &known, &err), 0);
    assert_true(known);
    assert_int_equal(shoal_media_find(scene->nobody, "storyboard", NULL, name, &file, &err),
        SHOAL_ENOTFOUND);
    assert_int_equal(shoal_video_delete(scene->user, video.uuid, &err), 0);
    assert_int_equal(
        shoal_media_find(scene->nobody, "caption", NULL, name, &file, &err), SHOAL_ENOTFOUND);
}

static void a_storage_that_is_away_leaves_nothing_behind(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    paths_set(scene);
    struct test_video video =
        test_video_published(scene->system, scene->user, SHOAL_PRIVACY_PUBLIC);
    from_write("WEBVTT\n", 7);
    fake.away = 1;
    assert_int_equal(
        shoal_caption_put(scene->user, video.uuid, "en", "a.vtt", from, &err), SHOAL_EIO);
    assert_int_equal(total(scene->nobody, video.uuid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(webvtt_is_kept_with_plain_line_ends),
        CASE(what_is_no_webvtt_is_refused),
        CASE(lines_are_as_long_as_they_may_be_and_no_longer),
        CASE(lines_are_whole_wherever_a_read_ends),
        CASE(subrip_becomes_webvtt),
        CASE(tags_that_webvtt_lacks_are_no_tags),
        CASE(what_has_no_time_is_no_subrip),
        CASE(captions_are_of_those_who_may_change_the_video),
        CASE(a_file_is_known_by_its_name_until_it_goes),
        CASE(a_storage_that_is_away_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
