// stats_test.c - the numbers of the instance count what everybody may see.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/follows_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *nobody, *system, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static int64_t stat_of(const char *name)
{
    json_t *stats = shoal_catalog_stats(scene.nobody, NULL);
    assert_non_null(stats);
    int64_t value = shoal_integer(stats, name, -1);
    json_decref(stats);
    return value;
}

static void an_instance_without_videos_has_zeros(void **state)
{
    (void)state;
    static const char *const zeros[] = {"totalVideos", "totalLocalVideos", "totalLocalVideoViews",
        "totalLocalVideoDownloads", "totalLocalVideoComments", "totalVideoComments",
        "totalLocalVideoFilesSize", "totalLocalDailyActiveVideoChannels",
        "totalLocalWeeklyActiveVideoChannels", "totalLocalMonthlyActiveVideoChannels",
        "totalInstanceFollowers", "totalInstanceFollowing"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++) {
        assert_int_equal(stat_of(zeros[i]), 0);
    }
    assert_int_equal(stat_of("totalUsers"), 2);
    assert_int_equal(stat_of("totalAdmins"), 1);
    assert_int_equal(stat_of("totalModerators"), 0);
    assert_int_equal(stat_of("totalLocalVideoChannels"), 2);
}

static void only_public_videos_count(void **state)
{
    (void)state;
    struct test_video public = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    test_video_published(scene.system, scene.user, SHOAL_PRIVACY_UNLISTED);
    test_video_published(scene.system, scene.user, SHOAL_PRIVACY_INTERNAL);
    assert_int_equal(stat_of("totalVideos"), 1);
    assert_int_equal(stat_of("totalLocalVideos"), 1);
    assert_int_equal(shoal_video_views_add(scene.system, public.id, 5, NULL), 0);
    assert_int_equal(stat_of("totalLocalVideoViews"), 5);
}

static void a_channel_is_active_by_its_newest_video(void **state)
{
    (void)state;
    struct test_video old = {.name = "old",
        .channel_id = test_channel_of(scene.user),
        .privacy = SHOAL_PRIVACY_PUBLIC,
        .state = SHOAL_STATE_PUBLISHED,
        .is_open = true};
    old.published_ms = shoal_now_ms() - 8 * CATALOG_DAY_MS;
    test_video_make(scene.system, &old);
    assert_int_equal(stat_of("totalLocalDailyActiveVideoChannels"), 0);
    assert_int_equal(stat_of("totalLocalWeeklyActiveVideoChannels"), 0);
    assert_int_equal(stat_of("totalLocalMonthlyActiveVideoChannels"), 1);
    test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(stat_of("totalLocalDailyActiveVideoChannels"), 1);
    assert_int_equal(stat_of("totalLocalMonthlyActiveVideoChannels"), 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void follows_of_the_instance_count(void **state)
{
    (void)state;
    struct test_far far = {.kind = "Application", .name = "peertube", .host = "far.example"};
    int64_t instance = test_actor(scene.system, "peertube", "");
    test_far_make(scene.system, &far);
    test_follow(scene.system, far.actor_id, instance, SHOAL_FOLLOW_ACCEPTED);
    test_follow(scene.system, instance, far.actor_id, SHOAL_FOLLOW_PENDING);
    assert_int_equal(stat_of("totalInstanceFollowers"), 1);
    assert_int_equal(stat_of("totalInstanceFollowing"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_instance_without_videos_has_zeros),
        CASE(only_public_videos_count),
        CASE(a_channel_is_active_by_its_newest_video),
        CASE(follows_of_the_instance_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
