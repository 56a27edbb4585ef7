// beside_test.c - what other servers tell of their videos' captions, chapters and storyboards, and what of ours.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include "catalog/captions_priv.h"

SHOAL_SQL(test_make_remote,
    "UPDATE catalog_video SET origin_host = 'far.example', url = $2 WHERE id = $1");
SHOAL_SQL(test_cache_caption,
    "INSERT INTO catalog_file (video_id, kind, variant, name, mime, storage, storage_key, "
    "size_bytes, created) VALUES ($1, 'caption', 'en', $2, 'text/vtt', 'storage_fs', "
    "'video-captions/x.vtt', 1, 1)");

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
    struct test_video video;
} scene;

static int remote_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)arg;
    return shoal_db_exec(tx, &test_make_remote,
        SHOAL_ARGS(SHOAL_I64(scene.video.id),
            SHOAL_TEXT(shoal_arena_printf(
                call->arena, "https://far.example/%s", scene.video.uuid))),
        NULL, err);
}

static int setup(void **state)
{
    struct shoal_err err = {0};
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    return shoal_tx(scene.system, remote_tx, NULL, &err);
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

typedef int set_fn(struct shoal_call *call, struct shoal_db *tx, int64_t video_id,
    const json_t *value, struct shoal_err *err);
struct setting {
    set_fn *set;
    json_t *value;
};

static int set_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct setting *setting = arg;
    return setting->set(call, tx, scene.video.id, setting->value, err);
}

/// Takes the value.
static int set(set_fn *fn, json_t *value)
{
    struct shoal_err err = {0};
    struct setting setting = {fn, value};
    int code = shoal_tx(scene.system, set_tx, &setting, &err);
    json_decref(value);
    return code;
}

static json_t *parse(const char *text)
{
    json_t *value = shoal_json_parse(text, strlen(text), NULL);
    assert_non_null(value);
    return value;
}

/// A part of what stands beside the video, as text; free() it.
static char *shown(const char *part)
{
    struct shoal_err err = {0};
    json_t *all = shoal_annotations_get(scene.system, scene.video.id, &err);
    assert_non_null(all);
    json_t *value = shoal_get(all, part);
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(all);
    return text;
}

static void expect(const char *part, const char *wanted)
{
    char *text = shown(part);
    if (text == NULL || wanted == NULL) {
        assert_ptr_equal(text, wanted);
    } else {
        assert_string_equal(text, wanted);
    }
    free(text);
}

static void captions_are_replaced_by_language_and_address(void **state)
{
    (void)state;
    assert_int_equal(set(shoal_captions_remote_set,
                         parse("[{\"language\":\"en\",\"label\":\"English\",\"url\":\"https://f/a.vtt\"},"
                               "{\"language\":\"tlh\",\"label\":\"Our Klingon\",\"url\":\"https://f/b.vtt\","
                               "\"automaticallyGenerated\":true}]")),
        0);
    expect("captions.0.language", "\"en\"");
    expect("captions.0.label", "\"English\"");
    expect("captions.1.label", "\"Our Klingon\"");
    expect("captions.1.automaticallyGenerated", "true");
    char *first = shown("captions.0.url");
    char *second = shown("captions.1.url");
    assert_non_null(strstr(first, "/lazy-static/video-captions/"));
    // The same again changes nothing; another address is another file.
    assert_int_equal(set(shoal_captions_remote_set,
                         parse("[{\"language\":\"en\",\"url\":\"https://f/a.vtt\"},"
                               "{\"language\":\"tlh\",\"label\":\"Our Klingon\",\"url\":\"https://f/c.vtt\","
                               "\"automaticallyGenerated\":true}]")),
        0);
    expect("captions.0.url", first);
    char *other = shown("captions.1.url");
    assert_string_not_equal(other, second);
    free(first);
    free(second);
    free(other);
    assert_int_equal(set(shoal_captions_remote_set, NULL), 0);
    expect("captions", "[]");
}

static void captions_that_make_no_sense_are_left_out(void **state)
{
    (void)state;
    static const char *const bad[] = {"{}", "7", "null", "{\"language\":\"en\"}",
        "{\"language\":\"../en\",\"url\":\"https://f/a.vtt\"}",
        "{\"language\":\"\",\"url\":\"https://f/a.vtt\"}",
        "{\"language\":\"a-language-of-too-many-letters\",\"url\":\"https://f/a.vtt\"}",
        "{\"language\":7,\"url\":\"https://f/a.vtt\"}",
        "{\"language\":\"en\",\"url\":\"file:///etc/passwd\"}",
        "{\"language\":\"en\",\"url\":\"https://f/a b\"}",
        "{\"language\":\"en\",\"url\":\"javascript:alert(1)\"}",
        "{\"language\":\"en\",\"url\":[\"https://f/a.vtt\"]}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *list = json_array();
        json_array_append_new(list, json_loads(bad[i], JSON_DECODE_ANY, NULL));
        json_array_append_new(list, parse("{\"language\":\"fr\",\"url\":\"http://f/fr.vtt\"}"));
        json_array_append_new(list, parse("{\"language\":\"fr\",\"url\":\"http://f/2.vtt\"}"));
        assert_int_equal(set(shoal_captions_remote_set, list), 0);
        expect("captions.0.language", "\"fr\"");
        expect("captions.1", NULL);
    }
    json_t *many = json_array();
    for (int i = 0; i < 300; i++) {
        char language[8];
        snprintf(language, sizeof language, "x%d", i);
        json_array_append_new(
            many, json_pack("{s:s, s:s}", "language", language, "url", "https://f/a.vtt"));
    }
    assert_int_equal(set(shoal_captions_remote_set, many), 0);
    struct catalog_caption *captions = NULL;
    struct shoal_err err = {0};
    size_t count = 0;
    assert_int_equal(
        catalog_captions_get(scene.system, scene.video.id, &captions, &count, &err), 0);
    assert_int_equal(count, CATALOG_CAPTIONS_MAX);
    assert_int_equal(set(shoal_captions_remote_set, json_array()), 0);
}

static int cache_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &test_cache_caption,
        SHOAL_ARGS(SHOAL_I64(scene.video.id), SHOAL_TEXT(arg)), NULL, err);
}

static void what_was_fetched_goes_with_its_caption(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct catalog_caption *captions = NULL;
    struct catalog_file *files = NULL;
    size_t count = 0;
    assert_int_equal(set(shoal_captions_remote_set,
                         parse("[{\"language\":\"en\",\"url\":\"https://f/a.vtt\"}]")),
        0);
    assert_int_equal(
        catalog_captions_get(scene.system, scene.video.id, &captions, &count, &err), 0);
    char name[100];
    snprintf(name, sizeof name, "%s", captions[0].name);
    assert_int_equal(shoal_tx(scene.system, cache_tx, name, &err), 0);
    assert_int_equal(set(shoal_captions_remote_set,
                         parse("[{\"language\":\"en\",\"url\":\"https://f/b.vtt\"}]")),
        0);
    assert_int_equal(
        catalog_files_get(scene.system, scene.video.id, "caption", &files, &count, &err), 0);
    assert_int_equal(count, 0);
    assert_int_equal(set(shoal_captions_remote_set, NULL), 0);
}

static void chapters_are_taken_as_far_as_they_go(void **state)
{
    (void)state;
    assert_int_equal(set(shoal_chapters_remote_set,
                         parse("[{\"timecode\":62.9,\"title\":\"B\"},{\"timecode\":0,\"title\":\"A\"},"
                               "{\"timecode\":-1,\"title\":\"C\"},{\"timecode\":5},{\"title\":\"D\"},"
                               "{\"timecode\":6,\"title\":\"\"},{\"timecode\":0,\"title\":\"E\"},"
                               "{\"timecode\":1e30,\"title\":\"F\"},3]")),
        0);
    expect("chapters", "[{\"timecode\":0,\"title\":\"A\"},{\"timecode\":62,\"title\":\"B\"}]");
    // Marks that turn what stands beside them, and line ends, are no part of a title.
    assert_int_equal(set(shoal_chapters_remote_set,
                         parse("[{\"timecode\":1,\"title\":\"a\\u202eb\\nc\\u0007\"},"
                               "{\"timecode\":2,\"title\":\"\\u202e\"}]")),
        0);
    expect("chapters", "[{\"timecode\":1,\"title\":\"ab c\"}]");
    json_t *many = json_array();
    for (int i = 0; i < 3000; i++) {
        json_array_append_new(many, json_pack("{s:i, s:s}", "timecode", i, "title", "x"));
    }
    assert_int_equal(set(shoal_chapters_remote_set, many), 0);
    expect("chapters.999.timecode", "999");
    expect("chapters.1000", NULL);
    assert_int_equal(set(shoal_chapters_remote_set, NULL), 0);
    expect("chapters", "[]");
}

#define BOARD                                                                                      \
    "\"totalWidth\":1920,\"totalHeight\":1080,\"spriteWidth\":192,\"spriteHeight\":108,"           \
    "\"spriteDuration\":2"

static void a_storyboard_has_an_address_and_sides(void **state)
{
    (void)state;
    assert_int_equal(
        set(shoal_storyboard_remote_set, parse("{\"url\":\"https://f/s.jpg\"," BOARD "}")), 0);
    expect("storyboard.spriteDuration", "2");
    char *url = shown("storyboard.url");
    assert_non_null(strstr(url, "/lazy-static/storyboards/"));
    assert_int_equal(
        set(shoal_storyboard_remote_set, parse("{\"url\":\"https://f/s.jpg\"," BOARD "}")), 0);
    expect("storyboard.url", url);
    free(url);
    static const char *const bad[] = {"{\"url\":\"ftp://f/s.jpg\"," BOARD "}",
        "{\"url\":\"https://f/s.jpg\"}",
        "{\"url\":\"https://f/s.jpg\",\"totalWidth\":100,\"totalHeight\":100,\"spriteWidth\":192,"
        "\"spriteHeight\":108,\"spriteDuration\":1}",
        "{\"url\":\"https://f/s.jpg\",\"totalWidth\":99999,\"totalHeight\":100,\"spriteWidth\":19,"
        "\"spriteHeight\":10,\"spriteDuration\":1}",
        "{\"url\":\"https://f/s.jpg\",\"totalWidth\":100,\"totalHeight\":100,\"spriteWidth\":10,"
        "\"spriteHeight\":10,\"spriteDuration\":0}",
        "[]", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(set(shoal_storyboard_remote_set, parse("{\"url\":\"https://f/s.jpg\"," BOARD "}")), 0);
        assert_int_equal(set(shoal_storyboard_remote_set, parse(bad[i])), 0);
        expect("storyboard", "null");
    }
    assert_int_equal(set(shoal_storyboard_remote_set, json_null()), 0);
}

static void a_video_of_ours_is_not_told_about(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video remote = scene.video;
    scene.video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(set(shoal_captions_remote_set, json_array()), SHOAL_EINVAL);
    assert_int_equal(set(shoal_chapters_remote_set, json_array()), SHOAL_EINVAL);
    assert_int_equal(set(shoal_storyboard_remote_set, json_null()), SHOAL_EINVAL);
    scene.video = remote;
    // And a remote one is not changed by people here.
    json_t *chapters = json_array();
    assert_int_equal(
        shoal_chapter_put(scene.user, remote.uuid, chapters, &err), SHOAL_EFORBIDDEN);
    json_decref(chapters);
}

static void what_cannot_be_fetched_is_not_asked_for_again_at_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct catalog_caption *captions = NULL;
    size_t count = 0;
    assert_int_equal(catalog_beside_fetch(scene.system, "caption", "unknown.vtt", &err),
        SHOAL_ENOTFOUND);
    // The guard refuses this machine itself.
    assert_int_equal(set(shoal_captions_remote_set,
                         parse("[{\"language\":\"en\",\"url\":\"http://127.0.0.1:9/a.vtt\"}]")),
        0);
    assert_int_equal(
        catalog_captions_get(scene.system, scene.video.id, &captions, &count, &err), 0);
    for (int i = 0; i < 3; i++) {
        struct shoal_media_file file;
        assert_int_equal(
            test_find_far(scene.system, "caption", captions[0].name, &file), SHOAL_EUPSTREAM);
    }
    assert_int_equal(set(shoal_captions_remote_set, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captions_are_replaced_by_language_and_address),
        cmocka_unit_test(captions_that_make_no_sense_are_left_out),
        cmocka_unit_test(what_was_fetched_goes_with_its_caption),
        cmocka_unit_test(chapters_are_taken_as_far_as_they_go),
        cmocka_unit_test(a_storyboard_has_an_address_and_sides),
        cmocka_unit_test(a_video_of_ours_is_not_told_about),
        cmocka_unit_test(what_cannot_be_fetched_is_not_asked_for_again_at_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
