// followed_test.c - lists show a video of another server while somebody here follows where it is from.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *nobody, *alice;
    int64_t instance, alice_actor;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.alice = shoal_kit_user(scene.kit, "alice");
    scene.instance = test_actor(scene.system, "peertube", "");
    scene.alice_actor = test_actor(scene.system, "alice", "");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static bool listed(struct shoal_call *call, const char *uuid, json_t *query)
{
    struct shoal_err err = {0};
    json_t *list = shoal_video_list(call, query, &err);
    json_decref(query);
    if (list == NULL) {
        fail_msg("%s", err.text);
    }
    bool found = false;
    for (size_t i = 0; i < json_array_size(json_object_get(list, "data")); i++) {
        const json_t *video = json_array_get(json_object_get(list, "data"), i);
        found = found || strcmp(shoal_text(video, "uuid", ""), uuid) == 0;
    }
    // Nobody lies about how many there are either.
    assert_true(shoal_integer(list, "total", -1) ==
                (json_int_t)json_array_size(json_object_get(list, "data")));
    json_decref(list);
    return found;
}

static bool shown(const struct test_far *far)
{
    return listed(scene.nobody, far->uuid, json_pack("{s:i}", "count", 100));
}

static int64_t level(const struct test_far *far)
{
    return test_number(scene.system, &test_followed, far->video_id);
}

static void unfollow(int64_t follower_id, int64_t target_id)
{
    struct shoal_err err = {0};
    assert_int_equal(shoal_follow_remove(scene.system, follower_id, target_id, false, &err), 0);
}

static void what_came_by_its_address_alone_is_not_listed(void **state)
{
    (void)state;
    struct test_far far = {.name = "strange", .host = "strange.example"};
    struct shoal_err err = {0};
    test_far_video_make(scene.system, &far);
    assert_int_equal(shoal_video_listed(scene.system, far.video_id, &err), 0);
    assert_int_equal(level(&far), CATALOG_UNFOLLOWED);
    assert_false(shown(&far));
    // A stranger is sent to where it is from; a user who looked for it sees it.
    assert_null(shoal_video_get(scene.nobody, far.uuid, NULL, &err));
    assert_int_equal(err.code, SHOAL_EFORBIDDEN);
    assert_string_equal(err.api_code, "does_not_respect_follow_constraints");
    assert_non_null(strstr(err.text, "https://strange.example/w/"));
    json_t *video = shoal_video_get(scene.alice, far.uuid, NULL, &err);
    assert_non_null(video);
    json_decref(video);
    // So does who looks at its channel.
    const char *channel = "strange@strange.example";
    assert_true(listed(scene.alice, far.uuid, json_pack("{s:s}", "channel", channel)));
    assert_false(listed(scene.nobody, far.uuid, json_pack("{s:s}", "channel", channel)));
}

static void each_way_of_following_counts(void **state)
{
    (void)state;
    struct test_far far = {.name = "ways", .host = "ways.example"};
    struct test_far server = {.kind = "Application", .name = "peertube", .host = "ways.example"};
    struct test_far sharer = {.kind = "Group", .name = "sharer", .host = "third.example"};
    struct shoal_err err = {0};
    test_far_video_make(scene.system, &far);
    test_far_make(scene.system, &server);
    test_far_make(scene.system, &sharer);
    assert_int_equal(shoal_share_put(scene.system, far.video_id, sharer.actor_id,
                         "https://third.example/announces/1", &err),
        0);
    assert_false(shown(&far));
    const int64_t targets[] = {far.actor_id, test_actor(scene.system, "ways_owner", "ways.example"),
        server.actor_id, sharer.actor_id};
    const int64_t followers[] = {scene.alice_actor, scene.instance};
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 2; j++) {
            test_follow(scene.system, followers[j], targets[i], SHOAL_FOLLOW_PENDING);
            assert_false(shown(&far));
            test_follow(scene.system, followers[j], targets[i], SHOAL_FOLLOW_ACCEPTED);
            assert_true(shown(&far));
            assert_int_equal(level(&far), j == 0 ? CATALOG_BY_USER : CATALOG_BY_INSTANCE);
            assert_false(
                listed(scene.nobody, far.uuid, json_pack("{s:b, s:i}", "isLocal", 1, "count", 100)));
            unfollow(followers[j], targets[i]);
            assert_false(shown(&far));
        }
    }
}

static void the_greater_of_two_follows_stays(void **state)
{
    (void)state;
    struct test_far far = {.name = "both", .host = "both.example"};
    test_far_video_make(scene.system, &far);
    test_follow(scene.system, scene.alice_actor, far.actor_id, SHOAL_FOLLOW_ACCEPTED);
    test_follow(scene.system, scene.instance, far.actor_id, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(level(&far), CATALOG_BY_INSTANCE);
    unfollow(scene.instance, far.actor_id);
    assert_int_equal(level(&far), CATALOG_BY_USER);
    test_follow(scene.system, scene.alice_actor, far.actor_id, SHOAL_FOLLOW_REJECTED);
    assert_int_equal(level(&far), CATALOG_UNFOLLOWED);
}

static void followers_from_elsewhere_bring_nothing(void **state)
{
    (void)state;
    struct test_far far = {.name = "famous", .host = "famous.example"};
    test_far_video_make(scene.system, &far);
    test_follow(scene.system, far.actor_id, scene.instance, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(level(&far), CATALOG_UNFOLLOWED);
}

static void a_share_that_is_taken_back_lists_no_more(void **state)
{
    (void)state;
    struct test_far far = {.name = "passed", .host = "passed.example"};
    struct test_far server = {.kind = "Application", .name = "peertube", .host = "relay.example"};
    struct shoal_err err = {0};
    const char *url = "https://relay.example/announces/7";
    test_far_video_make(scene.system, &far);
    test_far_make(scene.system, &server);
    test_follow(scene.system, scene.instance, server.actor_id, SHOAL_FOLLOW_ACCEPTED);
    assert_false(shown(&far));
    assert_int_equal(
        shoal_share_put(scene.system, far.video_id, server.actor_id, url, &err), 0);
    assert_true(shown(&far));
    assert_int_equal(shoal_share_remove(scene.system, far.actor_id, url, &err), SHOAL_ENOTFOUND);
    assert_true(shown(&far));
    assert_int_equal(shoal_share_remove(scene.system, server.actor_id, url, &err), 0);
    assert_false(shown(&far));
}

static int64_t channels(json_t *query)
{
    struct shoal_err err = {0};
    json_t *list = shoal_channel_list(scene.nobody, query, &err);
    json_decref(query);
    int64_t total = shoal_integer(list, "total", -1);
    assert_int_equal(json_array_size(json_object_get(list, "data")), total);
    json_decref(list);
    return total;
}

static void lists_of_channels_have_the_same_rule(void **state)
{
    (void)state;
    struct test_far far = {.name = "lonely", .host = "lonely.example"};
    struct test_far server = {.kind = "Application", .name = "peertube", .host = "lonely.example"};
    test_far_video_make(scene.system, &far);
    test_far_make(scene.system, &server);
    assert_int_equal(channels(json_pack("{s:s}", "search", "lonely")), 0);
    assert_int_equal(channels(json_pack("{s:s}", "account", "lonely_owner@lonely.example")), 1);
    const int64_t targets[] = {
        far.actor_id, test_actor(scene.system, "lonely_owner", "lonely.example"), server.actor_id};
    for (size_t i = 0; i < 3; i++) {
        test_follow(scene.system, scene.alice_actor, targets[i], SHOAL_FOLLOW_PENDING);
        assert_int_equal(channels(json_pack("{s:s}", "search", "lonely")), 0);
        test_follow(scene.system, scene.alice_actor, targets[i], SHOAL_FOLLOW_ACCEPTED);
        assert_int_equal(channels(json_pack("{s:s}", "search", "lonely")), 1);
        unfollow(scene.alice_actor, targets[i]);
    }
    assert_int_equal(channels(json_pack("{s:s}", "search", "lonely")), 0);
}

SHOAL_SQL(test_many_add,
    "INSERT INTO catalog_video (uuid, channel_id, origin_host, name, privacy, state, verdict, "
    "is_open, waits, created, updated, published) VALUES ($1, $2, 'many.example', 'one of many', 2, "
    "1, 1, TRUE, FALSE, 1, 1, 1)");
SHOAL_SQL(test_many_followed,
    "SELECT COUNT(*) FROM catalog_video WHERE channel_id = $1 AND followed = 2");

static int many_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    int code = 0;
    for (int i = 0; i < 1200 && code == 0; i++) {
        char uuid[37];
        shoal_uuid_new(uuid);
        code = shoal_db_exec(tx, &test_many_add,
            SHOAL_ARGS(SHOAL_TEXT(uuid), SHOAL_I64(*(const int64_t *)arg)), NULL, err);
    }
    return code;
}

static void many_videos_are_looked_at_in_lots(void **state)
{
    (void)state;
    struct test_far far = {.name = "many", .host = "many.example"};
    struct shoal_err err = {0};
    test_far_video_make(scene.system, &far);
    assert_int_equal(shoal_tx(scene.system, many_tx, &far.channel_id, &err), 0);
    test_follow(scene.system, scene.instance, far.actor_id, SHOAL_FOLLOW_ACCEPTED);
    assert_int_equal(test_number(scene.system, &test_many_followed, far.channel_id), 500);
    assert_true(shoal_kit_idle(scene.kit, 20000));
    assert_int_equal(test_number(scene.system, &test_many_followed, far.channel_id), 1201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_by_its_address_alone_is_not_listed),
        cmocka_unit_test(each_way_of_following_counts),
        cmocka_unit_test(the_greater_of_two_follows_stays),
        cmocka_unit_test(followers_from_elsewhere_bring_nothing),
        cmocka_unit_test(a_share_that_is_taken_back_lists_no_more),
        cmocka_unit_test(lists_of_channels_have_the_same_rule),
        cmocka_unit_test(many_videos_are_looked_at_in_lots),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
