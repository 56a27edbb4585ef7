// channels_write_test.c - what a channel may be called, who may change it, and what stays.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <pthread.h>

#include "catalog/channels_priv.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *admin, *user, *other;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.other = shoal_kit_user(scene.kit, "bob");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

/// Creates a channel of these fields (taken): 0, or the error.
static int create(struct shoal_call *call, json_t *fields, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    json_t *made = shoal_channel_create(call, fields, err);
    json_decref(fields);
    int code = made == NULL ? err->code : 0;
    json_decref(made);
    return code;
}

static void fields_are_checked_one_by_one(void **state)
{
    (void)state;
    char longer[1002];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const struct {
        const char *key, *value, *field; ///< field "": it is fine
    } rows[] = {{"name", "Not valid", "name"}, {"name", "", "name"},
        {"displayName", "", "displayName"}, {"displayName", longer, "displayName"},
        {"description", longer, "description"}, {"support", "ab", "support"},
        {"support", longer, "support"},
        {"bulkVideosSupportUpdate", "perhaps", "bulkVideosSupportUpdate"}, {"description", "", ""},
        {"support", "abc", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char name[32];
        struct shoal_err err;
        snprintf(name, sizeof name, "check_%zu", i);
        json_t *fields = json_pack("{s:s, s:s}", "name", name, "displayName", "Fine");
        json_object_set_new(fields, rows[i].key, json_string(rows[i].value));
        int code = create(scene.user, fields, &err);
        assert_int_equal(code, rows[i].field[0] == '\0' ? 0 : SHOAL_EINVAL);
        assert_string_equal(err.field, rows[i].field);
    }
    struct shoal_err err;
    assert_int_equal(
        create(scene.nobody, json_pack("{s:s, s:s}", "name", "x", "displayName", "x"), &err),
        SHOAL_EAUTH);
}

static void an_update_changes_what_it_names(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(create(scene.user,
                         json_pack("{s:s, s:s, s:s, s:s}", "name", "kept", "displayName", "Kept",
                             "description", "Fish.", "support", "Give fish."),
                         &err),
        0);
    json_t *fields = json_pack("{s:s, s:s}", "displayName", "New", "name", "renamed");
    assert_int_equal(shoal_channel_update(scene.user, "kept", fields, &err), 0);
    json_decref(fields);
    json_t *shown = shoal_channel_get(scene.nobody, "kept", &err); // a name stays
    assert_string_equal(shoal_text(shown, "displayName", ""), "New");
    assert_string_equal(shoal_text(shown, "description", ""), "Fish.");
    assert_string_equal(shoal_text(shown, "support", ""), "Give fish.");
    json_decref(shown);
    fields = json_pack("{s:s, s:n}", "support", "", "description");
    assert_int_equal(shoal_channel_update(scene.user, "kept", fields, &err), 0);
    json_decref(fields);
    shown = shoal_channel_get(scene.nobody, "kept", &err);
    assert_true(json_is_null(json_object_get(shown, "support")));
    assert_true(json_is_null(json_object_get(shown, "description")));
    json_decref(shown);
}

static void a_support_text_spreads_to_videos_when_asked_to(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct catalog_video found;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    json_t *fields = json_pack("{s:s}", "support", "Give fish.");
    assert_int_equal(shoal_channel_update(scene.user, "alice_channel", fields, &err), 0);
    assert_int_equal(catalog_video_by_number(scene.system, video.id, &found, &err), 0);
    assert_null(found.support);
    json_object_set_new(fields, "bulkVideosSupportUpdate", json_true());
    assert_int_equal(shoal_channel_update(scene.user, "alice_channel", fields, &err), 0);
    assert_int_equal(catalog_video_by_number(scene.system, video.id, &found, &err), 0);
    assert_string_equal(found.support, "Give fish.");
    json_decref(fields);
}

static void others_change_and_remove_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *fields = json_pack("{s:s}", "displayName", "Mine");
    struct shoal_call *const calls[] = {scene.other, scene.nobody};
    const int codes[] = {SHOAL_EFORBIDDEN, SHOAL_EAUTH};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(shoal_channel_update(calls[i], "alice_channel", fields, &err), codes[i]);
        assert_int_equal(shoal_channel_delete(calls[i], "alice_channel", &err), codes[i]);
    }
    assert_int_equal(shoal_channel_update(scene.user, "no_channel", fields, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_channel_update(scene.admin, "bob_channel", fields, &err), 0);
    json_decref(fields);
}

static void a_removed_channel_takes_its_videos_with_it(void **state)
{
    (void)state;
    struct shoal_err err;
    assert_int_equal(
        create(scene.user, json_pack("{s:s, s:s}", "name", "going", "displayName", "Going"), &err),
        0);
    json_t *channel = shoal_channel_get(scene.nobody, "going", &err);
    struct test_video video = {.name = "left",
        .channel_id = shoal_integer(channel, "id", 0),
        .privacy = SHOAL_PRIVACY_PUBLIC,
        .state = SHOAL_STATE_PUBLISHED,
        .is_open = true,
        .published_ms = 1};
    json_decref(channel);
    test_video_make(scene.system, &video);
    struct test_video stays = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(shoal_channel_delete(scene.user, "going", &err), 0);
    struct catalog_video found;
    assert_int_equal(
        catalog_video_by_number(scene.system, video.id, &found, &err), SHOAL_ENOTFOUND);
    assert_int_equal(catalog_video_by_number(scene.system, stays.id, &found, &err), 0);
    assert_null(shoal_channel_get(scene.nobody, "going", &err));
    assert_int_equal(
        scene.user->viewer.kind, SHOAL_VIEWER_USER); // it acted as the system meanwhile
}

static void nobody_has_more_channels_than_the_limit(void **state)
{
    (void)state;
    struct shoal_err err;
    int code = 0;
    int made = 1; // bob_channel
    while (code == 0 && made < 30) {
        char name[32];
        snprintf(name, sizeof name, "many_%d", made);
        code = create(scene.other, json_pack("{s:s, s:s}", "name", name, "displayName", "x"), &err);
        made += code == 0 ? 1 : 0;
    }
    assert_int_equal(code, SHOAL_EFORBIDDEN);
    assert_int_equal(made, catalog_setting_i64("user.channels_max", 20));
}

static pthread_barrier_t both;

static void *remove_second(void *arg)
{
    struct shoal_err err = {0};
    int *code = arg;
    pthread_barrier_wait(&both);
    *code = shoal_channel_delete(scene.nobody, "second", &err);
    return NULL;
}

static int64_t videos_of(const char *handle)
{
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s}", "channel", handle);
    json_t *list = shoal_video_list(scene.admin, query, &err);
    int64_t total = list == NULL ? -1 : shoal_integer(list, "total", -1);
    json_decref(list);
    json_decref(query);
    return total;
}

static void of_two_that_go_at_once_one_stays_whole(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_call *carol = shoal_kit_user(scene.kit, "carol");
    int64_t first = test_channel_of(carol);
    int64_t second = 0;
    pthread_t thread;
    int codes[2] = {0};
    json_t *fields = json_pack("{s:s, s:s}", "name", "second", "displayName", "Second");
    assert_int_equal(create(carol, fields, &err), 0);
    assert_int_equal(catalog_channel_find(carol, "second", &second, &err), 0);
    for (int i = 0; i < 20; i++) {
        struct test_video video =
            test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
        video.channel_id = first;
        test_video_make(scene.system, &video);
        video.channel_id = second;
        test_video_make(scene.system, &video);
    }
    int64_t were[] = {videos_of("carol_channel"), videos_of("second")};
    assert_true(were[0] == 20 && were[1] == 20);
    struct shoal_viewer old = catalog_viewer_swap(scene.nobody, carol->viewer);
    pthread_barrier_init(&both, NULL, 2);
    pthread_create(&thread, NULL, remove_second, &codes[1]);
    pthread_barrier_wait(&both);
    codes[0] = shoal_channel_delete(carol, "carol_channel", &err);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&both);
    catalog_viewer_swap(scene.nobody, old);
    assert_true((codes[0] == 0) != (codes[1] == 0));
    assert_int_equal(codes[0] == 0 ? codes[1] : codes[0], SHOAL_ECONFLICT);
    assert_int_equal(codes[0] == 0 ? videos_of("second") : videos_of("carol_channel"),
        codes[0] == 0 ? were[1] : were[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_checked_one_by_one),
        cmocka_unit_test(an_update_changes_what_it_names),
        cmocka_unit_test(a_support_text_spreads_to_videos_when_asked_to),
        cmocka_unit_test(others_change_and_remove_nothing),
        cmocka_unit_test(a_removed_channel_takes_its_videos_with_it),
        cmocka_unit_test(nobody_has_more_channels_than_the_limit),
        cmocka_unit_test(of_two_that_go_at_once_one_stays_whole),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
