// views_test.c - views are counted within bounds, by the hour too.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
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

SHOAL_SQL(
    test_views_hours, "SELECT COALESCE(SUM(views), 0) FROM catalog_view_hour WHERE video_id = $1");
SHOAL_SQL(test_views_old, "SELECT COUNT(*) FROM catalog_view_hour WHERE hour < $1");
SHOAL_SQL(test_views_age, "UPDATE catalog_view_hour SET hour = 0 WHERE video_id = $1");

static int64_t views_of(const struct test_video *video)
{
    struct catalog_video found;
    assert_int_equal(catalog_video_by_number(scene.system, video->id, &found, NULL), 0);
    return found.views;
}

static int age_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &test_views_age, SHOAL_ARGS(SHOAL_I64(*(int64_t *)arg)), NULL, err);
}

static void views_add_up(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    int64_t hours = 0;
    assert_int_equal(shoal_video_views_add(scene.system, video.id, 3, NULL), 0);
    assert_int_equal(shoal_video_views_add(scene.system, video.id, 4, NULL), 0);
    assert_int_equal(views_of(&video), 7);
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), &test_views_hours,
                         SHOAL_ARGS(SHOAL_I64(video.id)), &hours, NULL),
        0);
    assert_int_equal(hours, 7);
}

static void what_is_no_number_of_views_changes_nothing(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    static const int64_t wrong[] = {0, -1, 1000001, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(
            shoal_video_views_add(scene.system, video.id, wrong[i], NULL), SHOAL_EINVAL);
    }
    assert_int_equal(views_of(&video), 0);
    assert_int_equal(shoal_video_views_add(scene.system, video.id, 1000000, NULL), 0);
    assert_int_equal(shoal_video_views_add(scene.system, 999999, 1, NULL), SHOAL_ENOTFOUND);
}

static void hours_of_long_ago_are_forgotten_and_the_sum_is_not(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    int64_t old = 0;
    assert_int_equal(shoal_video_views_add(scene.system, video.id, 2, NULL), 0);
    assert_int_equal(shoal_tx(scene.system, age_tx, &video.id, NULL), 0);
    assert_int_equal(shoal_video_views_add(scene.system, video.id, 1, NULL), 0);
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), &test_views_old,
                         SHOAL_ARGS(SHOAL_I64(1000)), &old, NULL),
        0);
    assert_int_equal(old, 0);
    assert_int_equal(views_of(&video), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_add_up),
        cmocka_unit_test(what_is_no_number_of_views_changes_nothing),
        cmocka_unit_test(hours_of_long_ago_are_forgotten_and_the_sum_is_not),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
