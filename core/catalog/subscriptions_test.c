// subscriptions_test.c - users subscribe to channels and accounts, here at once, elsewhere when asked.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *alice, *bob;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.alice = shoal_kit_user(scene.kit, "alice");
    scene.bob = shoal_kit_user(scene.kit, "bob");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static int64_t total(struct shoal_call *call, json_t *query)
{
    struct shoal_err err = {0};
    json_t *list = shoal_subscription_list(call, query, &err);
    json_decref(query);
    int64_t count = shoal_integer(list, "total", -1);
    assert_int_equal(json_array_size(json_object_get(list, "data")), count);
    json_decref(list);
    return count;
}

static int64_t feed(struct shoal_call *call, json_t *query)
{
    struct shoal_err err = {0};
    json_object_set_new(query, "subscribed", json_true());
    json_t *list = shoal_video_list(call, query, &err);
    json_decref(query);
    if (list == NULL) {
        fail_msg("%s", err.text);
    }
    int64_t count = shoal_integer(list, "total", -1);
    assert_int_equal(json_array_size(json_object_get(list, "data")), count);
    json_decref(list);
    return count;
}

static void a_channel_of_this_server_is_subscribed_to_at_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    test_video_published(scene.system, scene.bob, SHOAL_PRIVACY_PUBLIC);
    test_video_published(scene.system, scene.bob, SHOAL_PRIVACY_UNLISTED);
    test_video_published(scene.system, scene.bob, SHOAL_PRIVACY_INTERNAL);
    test_video_published(scene.system, scene.alice, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(feed(scene.alice, json_object()), 0);
    assert_int_equal(shoal_subscription_add(scene.alice, "bob_channel", &err), 0);
    assert_int_equal(shoal_subscription_add(scene.alice, "bob_channel", &err), 0);
    assert_int_equal(total(scene.alice, json_object()), 1);
    assert_int_equal(feed(scene.alice, json_object()), 2); // without what is not listed
    assert_int_equal(feed(scene.alice, json_pack("{s:s}", "search", "nothing like it")), 0);
    assert_int_equal(feed(scene.bob, json_object()), 0);
    json_t *one = shoal_subscription_get(scene.alice, "bob_channel", &err);
    assert_string_equal(shoal_text(one, "name", ""), "bob_channel");
    assert_string_equal(shoal_text(one, "subscription.state", ""), "accepted");
    assert_int_equal(shoal_integer(one, "followersCount", 0), 1);
    json_decref(one);
    assert_int_equal(total(scene.alice, json_pack("{s:s}", "search", "MAIN bob")), 1);
    assert_int_equal(total(scene.alice, json_pack("{s:s}", "search", "carol")), 0);
    assert_int_equal(shoal_subscription_remove(scene.alice, "bob_channel", &err), 0);
    assert_int_equal(
        shoal_subscription_remove(scene.alice, "bob_channel", &err), SHOAL_ENOTFOUND);
    assert_null(shoal_subscription_get(scene.alice, "bob_channel", &err));
    assert_int_equal(feed(scene.alice, json_object()), 0);
}

static void a_page_asks_what_a_channel_is_to_the_visitor(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    enum shoal_follow_state now = SHOAL_FOLLOW_REJECTED;
    int64_t followers = -1;
    assert_int_equal(shoal_subscription_add(scene.alice, "bob_channel", &err), 0);
    assert_int_equal(
        shoal_subscription_state(scene.alice, "bob_channel", &now, &followers, &err), 0);
    assert_int_equal(now, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(followers, 1);
    assert_int_equal(
        shoal_subscription_state(scene.nobody, "bob_channel", &now, &followers, &err), 0);
    assert_int_equal(now, SHOAL_FOLLOW_NONE);
    assert_int_equal(followers, 1);
    assert_int_equal(shoal_subscription_remove(scene.alice, "bob_channel", &err), 0);
    assert_int_equal(
        shoal_subscription_state(scene.alice, "bob_channel", &now, &followers, &err), 0);
    assert_int_equal(now, SHOAL_FOLLOW_NONE);
    assert_int_equal(followers, 0);
    assert_int_equal(
        shoal_subscription_state(scene.alice, "nobody", &now, &followers, &err), SHOAL_ENOTFOUND);
}

static void every_order_of_the_list_is_one_of_the_feed(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    static const char *const sorts[] = {"name", "duration", "createdAt", "publishedAt",
        "originallyPublishedAt", "views", "likes", "comments", "trending", "hot", "best",
        "localVideoFilesSize", "match"};
    assert_int_equal(shoal_subscription_add(scene.alice, "bob_channel", &err), 0);
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        char down[40];
        snprintf(down, sizeof down, "-%s", sorts[i]);
        assert_int_equal(feed(scene.alice, json_pack("{s:s}", "sort", sorts[i])), 2);
        assert_int_equal(feed(scene.alice, json_pack("{s:s}", "sort", down)), 2);
    }
    assert_int_equal(shoal_subscription_remove(scene.alice, "bob_channel", &err), 0);
}

static void an_account_is_all_its_channels(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_int_equal(shoal_subscription_add(scene.alice, "bob", &err), 0);
    assert_int_equal(total(scene.alice, json_object()), 0);
    assert_int_equal(total(scene.alice, json_pack("{s:b}", "accounts", 1)), 1);
    assert_int_equal(feed(scene.alice, json_object()), 2);
    json_t *one = shoal_subscription_get(scene.alice, "bob", &err);
    assert_string_equal(shoal_text(one, "name", ""), "bob");
    json_decref(one);
    assert_int_equal(shoal_subscription_remove(scene.alice, "bob", &err), 0);
}

static const char *first_of(const char *sort, bool accounts)
{
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s, s:b}", "sort", sort, "accounts", accounts);
    json_t *list = shoal_subscription_list(scene.alice, query, &err);
    json_decref(query);
    if (list == NULL) {
        fail_msg("%s: %s", sort, err.text);
    }
    assert_int_equal(shoal_integer(list, "total", 0), 2);
    const char *name = shoal_arena_strdup(scene.alice->arena, shoal_text(list, "data.0.name", ""));
    json_decref(list);
    return name;
}

static void the_list_begins_with_what_published_last_where_that_is_asked_for(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_far quiet = {.name = "quiet", .host = "quiet.example"};
    test_far_video_make(scene.system, &quiet);
    test_video_published(scene.system, scene.bob, SHOAL_PRIVACY_PUBLIC); // later than that one
    static const char *const handles[][2] = {
        {"bob_channel", "quiet@quiet.example"}, {"bob", "quiet_owner@quiet.example"}};
    static const char *const names[] = {"quiet", "quiet_owner"};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            assert_int_equal(shoal_subscription_add(scene.alice, handles[i][k], &err), 0);
        }
        assert_string_equal(first_of("-createdAt", i), names[i]);
        assert_string_equal(first_of("-id", i), names[i]);
        assert_string_equal(first_of("id", i), handles[i][0]);
        assert_string_equal(first_of("-channelUpdatedAt", i), handles[i][0]);
        assert_string_equal(first_of("channelUpdatedAt", i), names[i]);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(shoal_subscription_remove(scene.alice, handles[i][k], &err), 0);
        }
    }
}

static void elsewhere_it_waits_to_be_accepted(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_far far = {.name = "far", .host = "far.example"};
    test_far_video_make(scene.system, &far);
    assert_int_equal(shoal_subscription_add(scene.alice, "far@far.example", &err), 0);
    json_t *one = shoal_subscription_get(scene.alice, "far@far.example", &err);
    assert_string_equal(shoal_text(one, "subscription.state", ""), "pending");
    json_decref(one);
    assert_int_equal(feed(scene.alice, json_object()), 0);
    int64_t alice = test_actor(scene.system, "alice", "");
    test_follow(scene.system, alice, far.actor_id, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(feed(scene.alice, json_object()), 1);
    assert_int_equal(feed(scene.alice, json_pack("{s:b}", "isLocal", 1)), 0);
    // Refused, it is none; asked again, it waits again.
    test_follow(scene.system, alice, far.actor_id, SHOAL_FOLLOW_REJECTED);
    assert_null(shoal_subscription_get(scene.alice, "far@far.example", &err));
    assert_int_equal(shoal_subscription_add(scene.alice, "far@far.example", &err), 0);
    one = shoal_subscription_get(scene.alice, "far@far.example", &err);
    assert_string_equal(shoal_text(one, "subscription.state", ""), "pending");
    json_decref(one);
}

static void bad_wishes_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *handle;
        int code;
    } rows[] = {{"nobody", SHOAL_ENOTFOUND}, {"nobody@far.example", SHOAL_ENOTFOUND},
        {"peertube", SHOAL_ENOTFOUND}, {"alice", SHOAL_EINVAL}, {"", SHOAL_ENOTFOUND}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_err err = {0};
        assert_int_equal(
            shoal_subscription_add(scene.alice, rows[i].handle, &err), rows[i].code);
    }
    struct shoal_err err = {0};
    assert_int_equal(shoal_subscription_add(scene.nobody, "bob_channel", &err), SHOAL_EAUTH);
    assert_null(shoal_subscription_list(scene.nobody, NULL, &err));
    json_t *query = json_pack("{s:b}", "subscribed", 1);
    assert_null(shoal_video_list(scene.nobody, query, &err));
    assert_int_equal(err.code, SHOAL_EAUTH);
    json_decref(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_channel_of_this_server_is_subscribed_to_at_once),
        cmocka_unit_test(a_page_asks_what_a_channel_is_to_the_visitor),
        cmocka_unit_test(every_order_of_the_list_is_one_of_the_feed),
        cmocka_unit_test(an_account_is_all_its_channels),
        cmocka_unit_test(the_list_begins_with_what_published_last_where_that_is_asked_for),
        cmocka_unit_test(elsewhere_it_waits_to_be_accepted),
        cmocka_unit_test(bad_wishes_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
