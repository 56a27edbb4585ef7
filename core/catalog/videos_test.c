// videos_test.c - lists with filters and sorts, changes of fields, passwords.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include "catalog/videos_query.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *nobody, *user, *other, *system;
    struct test_video a, b, c;
} scene;

static void change(struct test_video *video, json_t *fields)
{
    struct shoal_err err = {0};
    if (shoal_video_update(scene.user, video->uuid, fields, &err) != 0) {
        fail_msg("%s", err.text);
    }
    json_decref(fields);
}

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.other = shoal_kit_user(scene.kit, "bob");
    scene.system = shoal_kit_system(scene.kit);
    struct test_video base = {.channel_id = test_channel_of(scene.user),
        .privacy = SHOAL_PRIVACY_PUBLIC,
        .state = SHOAL_STATE_PUBLISHED,
        .is_open = true};
    scene.a = scene.b = scene.c = base;
    scene.a.name = "Alpha 100% fish";
    scene.a.published_ms = 3000;
    scene.b.name = "Beta";
    scene.b.published_ms = 2000;
    scene.c.name = "gamma_ray";
    scene.c.published_ms = 1000;
    test_video_make(scene.system, &scene.a);
    test_video_make(scene.system, &scene.b);
    test_video_make(scene.system, &scene.c);
    change(&scene.a, json_pack("{s:i, s:s, s:[s,s], s:b}", "category", 1, "language", "fr", "tags",
                         "Sea", "Fish", "nsfw", 1));
    change(&scene.b, json_pack("{s:i, s:i, s:[s]}", "category", 2, "licence", 3, "tags", "sea"));
    assert_int_equal(shoal_video_views_add(scene.system, scene.c.id, 5, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

// The first letters of what a list shows, in its order.
static void expect(struct shoal_call *call, json_t *query, const char *expected)
{
    struct shoal_err err = {0};
    char got[16] = "";
    json_t *list = shoal_video_list(call, query, &err);
    if (list == NULL) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < json_array_size(json_object_get(list, "data")) && i < 15; i++) {
        got[i] = shoal_text(json_array_get(json_object_get(list, "data"), i), "name", "?")[0];
    }
    assert_string_equal(got, expected);
    if (json_object_get(query, "count") == NULL && json_object_get(query, "start") == NULL) {
        assert_int_equal(shoal_integer(list, "total", -1), strlen(expected));
    }
    json_decref(list);
    json_decref(query);
}

static int file_add_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct test_video *video = arg;
    struct catalog_file file = {.video_id = video->id,
        .kind = "hls_media",
        .name = "some.mp4",
        .mime = "video/mp4",
        .storage = "s",
        .key = "hls/some.mp4"};
    int code = catalog_file_add(tx, &file, NULL, err);
    return code == 0 ? shoal_touch(call, tx, "catalog", err) : code;
}

static void file_add(struct test_video *video)
{
    assert_int_equal(shoal_tx(scene.system, file_add_tx, video, NULL), 0);
}

static void filters_find_what_they_say(void **state)
{
    (void)state;
    struct shoal_call *call = scene.nobody;
    expect(call, json_object(), "ABg");
    expect(call, json_pack("{s:i}", "categoryOneOf", 1), "A");
    expect(call, json_pack("{s:[s,s]}", "categoryOneOf", "1", "2"), "AB");
    expect(call, json_pack("{s:i}", "categoryOneOf", 12), "");
    expect(call, json_pack("{s:i}", "licenceOneOf", 3), "B");
    expect(call, json_pack("{s:s}", "languageOneOf", "fr"), "A");
    expect(call, json_pack("{s:[s]}", "languageOneOf", "_unknown"), "Bg");
    expect(call, json_pack("{s:[s,s]}", "tagsOneOf", "SEA", "none"), "AB");
    expect(call, json_pack("{s:[s,s]}", "tagsAllOf", "sea", "fish"), "A");
    expect(call, json_pack("{s:[s,s]}", "tagsAllOf", "sea", "SEA"), "AB");
    expect(call, json_pack("{s:b}", "nsfw", 0), "Bg");
    expect(call, json_pack("{s:s}", "nsfw", "true"), "A");
    expect(call, json_pack("{s:s}", "nsfw", "both"), "ABg");
    expect(call, json_pack("{s:s}", "nsfw", "policy"), "Bg"); // nobody said otherwise: do_not_list
    expect(call, json_pack("{s:b}", "isLive", 1), "");
    expect(call, json_pack("{s:b}", "isLocal", 1), "ABg");
    expect(call, json_pack("{s:b}", "isLocal", 0), "");
    expect(call, json_pack("{s:s}", "search", "FISH"), "A");
    expect(call, json_pack("{s:s}", "search", "100%"), "A");
    expect(call, json_pack("{s:s}", "search", "%"), "A");
    expect(call, json_pack("{s:s}", "search", "a_r"), "g");
    expect(call, json_pack("{s:s}", "account", "alice"), "ABg");
    expect(call, json_pack("{s:s}", "account", "bob"), "");
    expect(call, json_pack("{s:s}", "channel", "alice_channel"), "ABg");
    expect(call, json_pack("{s:b}", "hasHLSFiles", 1), "");
    expect(call, json_pack("{s:b}", "hasHLSFiles", 0), "ABg");
    expect(call, json_pack("{s:i}", "durationMax", 0), "ABg");
    file_add(&scene.b);
    expect(call, json_pack("{s:b}", "hasHLSFiles", 0), "Ag");
    expect(call, json_pack("{s:b}", "hasHLSFiles", 1), "B");
    expect(call, json_pack("{s:[I]}", "excludedIds", (json_int_t)scene.a.id), "Bg");
    json_t *many = json_pack("{s:[I]}", "excludedIds", (json_int_t)scene.a.id);
    for (int i = 0; i < 5000; i++) {
        json_array_append_new(json_object_get(many, "excludedIds"), json_integer(100000 + i));
    }
    expect(call, many, "Bg");
    expect(call, json_pack("{s:s}", "uuids", scene.b.uuid), "B");
    expect(call, json_pack("{s:i, s:i}", "start", 1, "count", 1), "B");
}

static void every_sort_works_both_ways(void **state)
{
    (void)state;
    expect(scene.nobody, json_pack("{s:s}", "sort", "name"), "ABg");
    expect(scene.nobody, json_pack("{s:s}", "sort", "-name"), "gBA");
    expect(scene.nobody, json_pack("{s:s}", "sort", "publishedAt"), "gBA");
    expect(scene.nobody, json_pack("{s:s, s:i}", "sort", "-views", "count", 1), "g");
    expect(scene.nobody, json_pack("{s:s, s:i}", "sort", "-trending", "count", 1), "g");
    expect(scene.nobody, json_pack("{s:s, s:i}", "sort", "-hot", "count", 1), "g");
    for (int i = 0; catalog_videos_sorts[i] != NULL; i++) {
        char sort[40];
        struct shoal_err err = {0};
        for (int down = 0; down < 2; down++) {
            snprintf(sort, sizeof(sort), "%s%s", down ? "-" : "", catalog_videos_sorts[i]);
            json_t *query = json_pack("{s:s}", "sort", sort);
            json_t *list = shoal_video_list(scene.nobody, query, &err);
            assert_int_equal(shoal_integer(list, "total", 0), 3);
            json_decref(list);
            json_decref(query);
        }
    }
}

static void what_only_staff_may_ask_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"privacyOneOf", "stateOneOf", "include", "autoTagOneOf"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct shoal_err err = {0};
        json_t *query = json_pack("{s:i}", keys[i], 1);
        assert_null(shoal_video_list(scene.user, query, &err));
        assert_int_equal(err.code, SHOAL_EAUTH);
        json_decref(query);
    }
    struct shoal_call *admin = shoal_kit_admin(scene.kit);
    change(&scene.a, json_pack("{s:i}", "privacy", SHOAL_PRIVACY_PRIVATE));
    expect(scene.nobody, json_object(), "Bg");
    expect(admin, json_pack("{s:i}", "privacyOneOf", 3), "A");
    expect(admin, json_pack("{s:i}", "include", 8), "Bg");
    expect(scene.user, json_pack("{s:b}", "mine", 1), "ABg");
}

static void expect_bad(const char *json, const char *field)
{
    struct shoal_err err = {0};
    json_t *fields = json_loads(json, 0, NULL);
    assert_non_null(fields);
    if (shoal_video_update(scene.user, scene.a.uuid, fields, &err) != SHOAL_EINVAL) {
        fail_msg("%s was taken", json);
    }
    assert_string_equal(err.field, field);
    json_decref(fields);
}

static void bad_fields_are_named(void **state)
{
    (void)state;
    expect_bad("{\"name\": \"ab\"}", "name");
    expect_bad("{\"category\": 99}", "category");
    expect_bad("{\"category\": \"one\"}", "category");
    expect_bad("{\"licence\": 0}", "licence");
    expect_bad("{\"language\": \"klingonese\"}", "language");
    expect_bad("{\"privacy\": 6}", "privacy");
    expect_bad("{\"privacy\": 5}", "videoPasswords");
    expect_bad("{\"tags\": [\"a\"]}", "tags");
    expect_bad("{\"tags\": [\"aa\",\"bb\",\"cc\",\"dd\",\"ee\",\"ff\"]}", "tags");
    expect_bad("{\"commentsPolicy\": 4}", "commentsPolicy");
    expect_bad("{\"nsfw\": \"maybe\"}", "nsfw");
    expect_bad("{\"support\": \"ab\"}", "support");
    expect_bad("{\"scheduleUpdate\": {\"updateAt\": \"tomorrow\"}}", "scheduleUpdate.updateAt");
    expect_bad("{\"originallyPublishedAt\": \"then\"}", "originallyPublishedAt");
    expect_bad(
        "{\"channelId\": 4711}", ""); // a sentence of PeerTube's, see catalog_channel_owned()
}

static void null_clears_and_forms_send_text(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    change(&scene.a, json_pack("{s:s, s:s, s:n, s:n, s:n, s:s}", "downloadEnabled", "false", "nsfw",
                         "false", "category", "language", "tags", "commentsEnabled", "false"));
    json_t *video = shoal_video_get(scene.nobody, scene.a.uuid, NULL, &err);
    assert_true(json_is_null(shoal_get(video, "category.id")));
    assert_string_equal(shoal_text(video, "category.label", ""), "Unknown");
    assert_true(json_is_null(shoal_get(video, "language.id")));
    assert_int_equal(json_array_size(json_object_get(video, "tags")), 0);
    assert_false(shoal_flag(video, "downloadEnabled", true));
    assert_int_equal(shoal_integer(video, "commentsPolicy.id", 0), 2);
    json_decref(video);
    assert_int_equal(shoal_may_video(scene.nobody, SHOAL_MAY_DOWNLOAD, scene.a.uuid, NULL, &err),
        SHOAL_EFORBIDDEN);
}

static void others_change_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *fields = json_pack("{s:s}", "name", "Taken over");
    assert_int_equal(shoal_video_update(scene.other, scene.a.uuid, fields, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_video_update(scene.nobody, scene.a.uuid, fields, &err), SHOAL_EAUTH);
    json_decref(fields);
    // Nobody gives a video into the channel of somebody else.
    fields = json_pack("{s:I}", "channelId", (json_int_t)test_channel_of(scene.other));
    assert_int_equal(shoal_video_update(scene.user, scene.a.uuid, fields, &err), SHOAL_EINVAL);
    json_decref(fields);
}

static void a_password_video_opens_with_its_password(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    change(&scene.a, json_pack("{s:i, s:[s]}", "privacy", 5, "videoPasswords", "sesame"));
    assert_null(shoal_video_get(scene.nobody, scene.a.uuid, NULL, &err));
    assert_string_equal(err.api_code, "video_requires_password");
    assert_null(shoal_video_get(scene.nobody, scene.a.uuid, "Sesame", &err));
    assert_string_equal(err.api_code, "incorrect_video_password");
    json_t *video = shoal_video_get(scene.nobody, scene.a.uuid, "sesame", &err);
    assert_non_null(video);
    json_decref(video);
}

static void ids_come_in_three_forms(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char brief[23];
    char number[24];
    shoal_uuid_to_short(scene.a.uuid, brief);
    snprintf(number, sizeof(number), "%lld", (long long)scene.a.id);
    const char *const ids[] = {scene.a.uuid, brief, number};
    for (int i = 0; i < 3; i++) {
        json_t *video = shoal_video_get(scene.nobody, ids[i], NULL, &err);
        assert_string_equal(shoal_text(video, "uuid", ""), scene.a.uuid);
        json_decref(video);
    }
    static const char *const bad[] = {"", "0", "-1", "99999", "x", "' OR 1=1 --",
        "11111111-2222-4333-8444-555555555555", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_null(shoal_video_get(scene.nobody, bad[i], NULL, &err));
        assert_int_equal(err.code, SHOAL_ENOTFOUND);
    }
    // By number an unlisted video stays shut: numbers can be counted through.
    change(&scene.a, json_pack("{s:i}", "privacy", SHOAL_PRIVACY_UNLISTED));
    assert_null(shoal_video_get(scene.nobody, number, NULL, &err));
    assert_int_equal(err.code, SHOAL_EAUTH);
    json_t *video = shoal_video_get(scene.nobody, brief, NULL, &err);
    assert_non_null(video);
    json_decref(video);
}

static void a_scheduled_video_comes_out_on_its_date(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char at[32];
    shoal_time_format(shoal_now_ms() + 1200, at);
    change(&scene.a, json_pack("{s:i, s:{s:s, s:i}}", "privacy", 3, "scheduleUpdate", "updateAt",
                         at, "privacy", 1));
    json_t *mine = shoal_video_get(scene.user, scene.a.uuid, NULL, &err);
    assert_int_equal(shoal_integer(mine, "scheduledUpdate.privacy", 0), 1);
    json_decref(mine);
    assert_null(shoal_video_get(scene.nobody, scene.a.uuid, NULL, &err));
    assert_true(shoal_kit_idle(scene.kit, 20000));
    json_t *video = shoal_video_get(scene.nobody, scene.a.uuid, NULL, &err);
    assert_non_null(video);
    json_decref(video);
}

static void lists_cut_descriptions_between_characters(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    char text[1001] = "";
    for (int i = 0; i < 500; i++) {
        memcpy(text + i * 2, "\xc3\xa9", 3);
    }
    change(&scene.a, json_pack("{s:s}", "description", text));
    json_t *video = shoal_video_get(scene.nobody, scene.a.uuid, NULL, &err);
    assert_int_equal(strlen(shoal_text(video, "description", "")), 1000);
    assert_int_equal(catalog_utf8_length(shoal_text(video, "truncatedDescription", "")), 250);
    json_decref(video);
}

// Each total is asked for twice: counted, then remembered; and it changes with what it counts.
static void totals_follow_what_changes(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        expect(scene.nobody, json_object(), "ABg");
        expect(scene.user, json_object(), "ABg");
        expect(
            scene.nobody, json_pack("{s:b, s:b, s:b}", "nsfw", 0, "isLive", 0, "isLocal", 1), "Bg");
        expect(scene.nobody, json_pack("{s:s}", "host", "elsewhere.example"), "");
    }
    change(&scene.b, json_pack("{s:i}", "privacy", SHOAL_PRIVACY_INTERNAL));
    for (int i = 0; i < 2; i++) {
        expect(scene.nobody, json_object(), "Ag");
        expect(scene.user, json_object(), "ABg");
        expect(
            scene.nobody, json_pack("{s:b, s:b, s:b}", "nsfw", 0, "isLive", 0, "isLocal", 1), "g");
    }
    struct shoal_err err = {0};
    assert_int_equal(shoal_video_delete(scene.user, scene.c.uuid, &err), 0);
    expect(scene.nobody, json_object(), "A");
    expect(scene.user, json_object(), "AB");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(filters_find_what_they_say),
        CASE(every_sort_works_both_ways),
        CASE(totals_follow_what_changes),
        CASE(what_only_staff_may_ask_is_refused),
        CASE(bad_fields_are_named),
        CASE(null_clears_and_forms_send_text),
        CASE(others_change_nothing),
        CASE(a_password_video_opens_with_its_password),
        CASE(ids_come_in_three_forms),
        CASE(a_scheduled_video_comes_out_on_its_date),
        CASE(lists_cut_descriptions_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
