// counts_test.c - numbers that others keep of a video are set one by one, and nothing else moves.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>

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

struct counts {
    int64_t id, views, likes, dislikes, comments;
};

static int set_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct counts *counts = arg;
    return shoal_video_counts(call, tx, counts->id, counts->views, counts->likes, counts->dislikes,
        counts->comments, err);
}

static void counts_are_set_one_by_one(void **state)
{
    (void)state;
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct counts all = {video.id, 5, 4, 3, 2};
    struct counts one = {video.id, -1, 7, -1, 0};
    struct catalog_video found;
    assert_int_equal(shoal_tx(scene.system, set_tx, &all, NULL), 0);
    assert_int_equal(shoal_tx(scene.system, set_tx, &one, NULL), 0);
    assert_int_equal(catalog_video_by_number(scene.system, video.id, &found, NULL), 0);
    assert_int_equal(found.views, 5);
    assert_int_equal(found.likes, 7);
    assert_int_equal(found.dislikes, 3);
    assert_int_equal(found.comments, 0);
}

static void a_video_that_is_not_there_has_no_counts(void **state)
{
    (void)state;
    struct counts none = {987654, 1, 1, 1, 1};
    assert_int_equal(shoal_tx(scene.system, set_tx, &none, NULL), SHOAL_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_set_one_by_one),
        cmocka_unit_test(a_video_that_is_not_there_has_no_counts),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
