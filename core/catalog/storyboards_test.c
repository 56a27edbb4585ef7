// storyboards_test.c - how a storyboard is divided, and that each file of a video gets one of its own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/pipeline_test.h"

#include "catalog/captions_priv.h"

static void tiles_are_at_most_a_hundred_and_cover_the_video(void **state)
{
    (void)state;
    static const int64_t durations[] = {1, 2, 9, 10, 11, 99, 100, 101, 199, 200, 201, 3600, 86400};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        struct catalog_board_plan plan;
        assert_true(catalog_storyboard_plan(durations[i], 1920, 1080, &plan));
        assert_in_range(plan.count, 1, 100);
        assert_true(plan.columns <= 10 && plan.columns * plan.rows >= plan.count);
        assert_true(plan.columns * (plan.rows - 1) < plan.count);
        assert_true(plan.count * plan.tile_s >= durations[i]);
        assert_true((plan.count - 1) * plan.tile_s < durations[i]);
        assert_int_equal(plan.tile_width, 192);
        assert_int_equal(plan.tile_height, 108);
    }
}

static void tiles_have_the_shape_of_the_video(void **state)
{
    (void)state;
    static const struct {
        int width, height, tile_width, tile_height;
    } rows[] = {{1080, 1920, 108, 192}, {640, 480, 192, 144}, {100, 100, 192, 192},
        {2560, 1080, 192, 80}, {1366, 768, 192, 106}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct catalog_board_plan plan;
        assert_true(catalog_storyboard_plan(60, rows[i].width, rows[i].height, &plan));
        assert_int_equal(plan.tile_width, rows[i].tile_width);
        assert_int_equal(plan.tile_height, rows[i].tile_height);
    }
    struct catalog_board_plan plan;
    assert_false(catalog_storyboard_plan(0, 1920, 1080, &plan));
    assert_false(catalog_storyboard_plan(60, 0, 1080, &plan));
    assert_false(catalog_storyboard_plan(60, 16384, 2, &plan)); // a line is no picture
}

static json_t *board_of(struct scene *scene)
{
    struct shoal_err err = {0};
    json_t *list = shoal_storyboard_list(scene->user, scene->uuid, NULL, &err);
    assert_non_null(list);
    json_t *board = json_incref(json_array_get(json_object_get(list, "storyboards"), 0));
    json_decref(list);
    return board;
}

static void a_video_gets_one_with_its_first_rendition(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO of fish", false, &err), 0);
    settle(scene);
    assert_int_equal(fake.boards, 1);
    json_t *board = board_of(scene);
    const char *path = shoal_text(board, "storyboardPath", "");
    struct shoal_media_file file;
    assert_int_equal(shoal_media_find(scene->nobody, "storyboard", NULL,
                         strrchr(path, '/') + 1, &file, &err),
        0);
    assert_string_equal(file.mime, "image/jpeg");
    assert_int_equal(shoal_integer(board, "spriteDuration", 0), 1);
    assert_int_equal(
        shoal_integer(board, "totalWidth", 0) % shoal_integer(board, "spriteWidth", 1), 0);
    json_decref(board);
}

static void a_transcoder_that_fails_costs_the_storyboard_alone(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    fake.refuses_boards = true;
    assert_int_equal(submit(scene, "VIDEO of fish", false, &err), 0);
    settle(scene);
    json_t *board = board_of(scene);
    assert_null(board);
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(shoal_integer(video, "state.id", 0), SHOAL_STATE_PUBLISHED);
    json_decref(video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiles_are_at_most_a_hundred_and_cover_the_video),
        cmocka_unit_test(tiles_have_the_shape_of_the_video),
        CASE(a_video_gets_one_with_its_first_rendition),
        CASE(a_transcoder_that_fails_costs_the_storyboard_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
