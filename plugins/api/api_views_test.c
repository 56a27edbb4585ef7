// api_views_test.c - when watching counts as a view, and that memory stays bounded.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api_views.h"

static struct api_views *views;

static int set_up(void **state)
{
    (void)state;
    views = api_views_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    api_views_free(views);
    return 0;
}

static bool beat(const char *session, int64_t time_s, int64_t now_ms)
{
    const struct api_beat what = {
        .video_id = 7, .duration_s = 60, .time_s = time_s, .session = session};
    return api_views_beat(views, &what, now_ms);
}

static void counts_after_ten_seconds(void **state)
{
    (void)state;
    assert_false(beat("a", 0, 1000));
    assert_false(beat("a", 5, 6000));
    assert_false(beat("a", 9, 10000));
    assert_true(beat("a", 10, 11000));
    assert_false(beat("a", 15, 16000));
}

static void counts_a_short_video_when_all_of_it_was_watched(void **state)
{
    (void)state;
    struct api_beat what = {.video_id = 7, .duration_s = 4, .time_s = 0, .session = "a"};
    assert_false(api_views_beat(views, &what, 1000));
    what.time_s = 3;
    assert_false(api_views_beat(views, &what, 4000));
    what.time_s = 4;
    assert_true(api_views_beat(views, &what, 5000));
}

static void does_not_count_jumps_as_watching(void **state)
{
    (void)state;
    struct api_beat what = {.video_id = 7, .duration_s = 600, .time_s = 0, .session = "a"};
    api_views_beat(views, &what, 1000);
    what.time_s = 500;
    assert_false(api_views_beat(views, &what, 2000)); // no player plays 500 s in one
    what.time_s = 12;
    what.is_seek = true;
    assert_false(api_views_beat(views, &what, 3000));
    what.is_seek = false;
    what.time_s = 21;
    assert_false(api_views_beat(views, &what, 12000));
    what.time_s = 22;
    assert_true(api_views_beat(views, &what, 13000));
}

static void does_not_count_going_back(void **state)
{
    (void)state;
    beat("a", 30, 1000);
    assert_false(beat("a", 10, 2000));
    assert_false(beat("a", 0, 3000));
}

static void counts_a_session_once_an_hour(void **state)
{
    (void)state;
    beat("a", 0, 1000);
    assert_true(beat("a", 10, 11000));
    assert_false(beat("a", 20, 21000));
    int64_t later_ms = 11000 + API_VIEW_AGAIN_MS;
    assert_false(beat("a", 0, later_ms));
    assert_true(beat("a", 10, later_ms + 10000));
}

static void begins_anew_after_a_silence(void **state)
{
    (void)state;
    beat("a", 0, 1000);
    beat("a", 5, 6000);
    assert_false(beat("a", 50, 6000 + API_VIEW_IDLE_MS + 1));
}

static void counts_sessions_and_videos_apart(void **state)
{
    (void)state;
    beat("a", 0, 1000);
    beat("b", 0, 1000);
    assert_true(beat("a", 10, 11000));
    assert_true(beat("b", 10, 11000));
    struct api_beat other = {
        .video_id = 8, .duration_s = 60, .time_s = 0, .session = "a", .is_user = true};
    api_views_beat(views, &other, 1000);
    other.time_s = 12;
    assert_true(api_views_beat(views, &other, 13000));
    struct api_viewed *taken = calloc(API_VIEWED_MAX, sizeof *taken);
    assert_int_equal(api_views_take(views, taken), 2);
    assert_int_equal(taken[0].video_id, 7);
    assert_int_equal(taken[0].views, 2);
    assert_int_equal(taken[0].watch_s, 20);
    assert_int_equal(taken[0].logged_in, 0);
    assert_int_equal(taken[1].logged_in, 1);
    assert_int_equal(api_views_take(views, taken), 0);
    free(taken);
}

static void what_could_not_be_stored_is_counted_again(void **state)
{
    (void)state;
    static struct api_viewed taken[API_VIEWED_MAX];
    beat("a", 0, 1000);
    beat("a", 10, 11000);
    assert_int_equal(api_views_take(views, taken), 1);
    api_views_give_back(views, &taken[0]);
    beat("b", 0, 1000);
    beat("b", 10, 11000);
    assert_int_equal(api_views_take(views, taken), 1);
    assert_int_equal(taken[0].video_id, 7);
    assert_int_equal(taken[0].views, 2);
    assert_int_equal(taken[0].watch_s, 20);
}

static void stays_within_its_memory(void **state)
{
    (void)state;
    char session[32];
    for (int i = 0; i < API_VIEWERS_MAX * 2; i++) {
        snprintf(session, sizeof session, "s%d", i);
        assert_false(beat(session, 0, 1000 + i));
    }
    // Those who were heard last are still known.
    assert_true(beat(session, 10, 1000 + API_VIEWERS_MAX * 2 + 10000));
}

static void who_was_heard_lately_is_present(void **state)
{
    (void)state;
    assert_int_equal(api_views_present(views, 7, 1000), 0);
    beat("a", 0, 1000);
    beat("b", 5, 1500);
    beat("a", 3, 4000); // the same one
    const struct api_beat other = {.video_id = 8, .duration_s = 60, .session = "a"};
    api_views_beat(views, &other, 2000);
    assert_int_equal(api_views_present(views, 7, 4000), 2);
    assert_int_equal(api_views_present(views, 8, 4000), 1);
    assert_int_equal(api_views_present(views, 9, 4000), 0);
    beat("c", 0, 4001);
    assert_int_equal(api_views_present(views, 7, 5999), 2); // counted every two seconds
    assert_int_equal(api_views_present(views, 7, 6000), 3);
    assert_int_equal(api_views_present(views, 8, 2001 + API_VIEW_IDLE_MS), 0);
    assert_int_equal(api_views_present(views, 7, 4001 + API_VIEW_IDLE_MS), 1);
    assert_int_equal(api_views_present(views, 7, 4002 + API_VIEW_IDLE_MS), 0);
}

static void who_is_present_is_counted_in_bounded_memory(void **state)
{
    (void)state;
    char session[32];
    for (int i = 0; i < API_VIEWERS_MAX; i++) {
        snprintf(session, sizeof session, "s%d", i);
        const struct api_beat what = {.video_id = 100 + i, .duration_s = 60, .session = session};
        api_views_beat(views, &what, 1000);
    }
    int64_t most = 0, some = 0;
    for (int i = 0; i < API_VIEWERS_MAX; i++) {
        int64_t viewers = api_views_present(views, 100 + i, 1000);
        most = viewers > most ? viewers : most;
        some += viewers;
    }
    assert_int_equal(most, 1);
    assert_in_range(some, 1000, API_VIEWERS_MAX);
}

static void remembers_videos_for_a_minute(void **state)
{
    (void)state;
    struct api_watched what = {.id = 7, .duration_s = 60};
    struct api_watched found = {0};
    assert_false(api_views_known(views, "abc", 1000, &found));
    api_views_know(views, "abc", 1000, &what);
    assert_true(api_views_known(views, "abc", 60999, &found));
    assert_int_equal(found.id, 7);
    assert_false(api_views_known(views, "abc", 61000, &found));
    assert_false(api_views_known(views, "abd", 1000, &found));
}

#define VIEWS_TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIEWS_TEST(counts_after_ten_seconds),
        VIEWS_TEST(counts_a_short_video_when_all_of_it_was_watched),
        VIEWS_TEST(does_not_count_jumps_as_watching),
        VIEWS_TEST(does_not_count_going_back),
        VIEWS_TEST(counts_a_session_once_an_hour),
        VIEWS_TEST(begins_anew_after_a_silence),
        VIEWS_TEST(counts_sessions_and_videos_apart),
        VIEWS_TEST(what_could_not_be_stored_is_counted_again),
        VIEWS_TEST(stays_within_its_memory),
        VIEWS_TEST(who_was_heard_lately_is_present),
        VIEWS_TEST(who_is_present_is_counted_in_bounded_memory),
        VIEWS_TEST(remembers_videos_for_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
