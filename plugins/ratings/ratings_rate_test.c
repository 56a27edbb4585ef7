// ratings_rate_test.c - words of ratings, and what becomes of the sums.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "ratings.h"

static void words_are_read_exactly(void **state)
{
    (void)state;
    enum ratings_value value = RATINGS_NONE;
    assert_true(ratings_parse("like", &value));
    assert_int_equal(value, RATINGS_LIKE);
    assert_true(ratings_parse("dislike", &value));
    assert_int_equal(value, RATINGS_DISLIKE);
    assert_true(ratings_parse("none", &value));
    assert_int_equal(value, RATINGS_NONE);
    assert_false(ratings_parse("Like", &value));
    assert_false(ratings_parse("", &value));
    assert_false(ratings_parse(NULL, &value));
}

static void sums_follow_every_change(void **state)
{
    (void)state;
    static const struct {
        enum ratings_value from, to;
        int64_t likes, dislikes;
    } rows[] = {
        {RATINGS_NONE, RATINGS_NONE, 5, 3},
        {RATINGS_NONE, RATINGS_LIKE, 6, 3},
        {RATINGS_NONE, RATINGS_DISLIKE, 5, 4},
        {RATINGS_LIKE, RATINGS_NONE, 4, 3},
        {RATINGS_LIKE, RATINGS_LIKE, 5, 3},
        {RATINGS_LIKE, RATINGS_DISLIKE, 4, 4},
        {RATINGS_DISLIKE, RATINGS_NONE, 5, 2},
        {RATINGS_DISLIKE, RATINGS_LIKE, 6, 2},
        {RATINGS_DISLIKE, RATINGS_DISLIKE, 5, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t likes = 5, dislikes = 3;
        ratings_count(rows[i].from, rows[i].to, &likes, &dislikes);
        assert_int_equal(likes, rows[i].likes);
        assert_int_equal(dislikes, rows[i].dislikes);
    }
}

// The origin of a remote video may have said a smaller number meanwhile.
static void no_sum_goes_below_nothing(void **state)
{
    (void)state;
    int64_t likes = 0, dislikes = 0;
    ratings_count(RATINGS_LIKE, RATINGS_NONE, &likes, &dislikes);
    assert_int_equal(likes, 0);
    ratings_count(RATINGS_DISLIKE, RATINGS_LIKE, &likes, &dislikes);
    assert_int_equal(likes, 1);
    assert_int_equal(dislikes, 0);
}

static void ids_of_activities_have_the_form_of_peertube(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(ratings_activity_id(arena, "https://here.example/accounts/ann", true, 7),
        "https://here.example/accounts/ann/likes/7");
    assert_string_equal(ratings_activity_id(arena, "https://here.example/accounts/ann", false, 7),
        "https://here.example/accounts/ann/dislikes/7");
    shoal_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_read_exactly),
        cmocka_unit_test(sums_follow_every_change),
        cmocka_unit_test(no_sum_goes_below_nothing),
        cmocka_unit_test(ids_of_activities_have_the_form_of_peertube),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
