// federation_videos_viewers_test.c - who watches elsewhere is counted until it expires, and never
// twice.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "federation_videos_viewers.h"

static void counts_each_once(void **state)
{
    (void)state;
    struct fv_viewers *viewers = fv_viewers_new();
    int64_t soon = shoal_now_ms() + 60000;
    assert_int_equal(fv_viewers_count(viewers, 7), 0);
    fv_viewers_set(viewers, 7, "u7", "https://a.example/v/1", 1, soon);
    fv_viewers_set(viewers, 7, "u7", "https://a.example/v/1", 1, soon);
    fv_viewers_set(viewers, 7, "u7", "https://a.example/v/2", 1, soon);
    fv_viewers_set(viewers, 8, "u8", "https://a.example/v/3", 40, soon);
    fv_viewers_set(viewers, 8, "u8", "https://a.example/v/3", 50, soon);
    assert_int_equal(fv_viewers_count(viewers, 7), 2);
    assert_int_equal(fv_viewers_count(viewers, 8), 50);
    fv_viewers_set(viewers, 9, "u9", "https://a.example/v/4", 1, shoal_now_ms() - 1);
    assert_int_equal(fv_viewers_count(viewers, 9), 0);
    fv_viewers_free(viewers);
}

static void more_than_fit_are_left_out(void **state)
{
    (void)state;
    struct fv_viewers *viewers = fv_viewers_new();
    int64_t soon = shoal_now_ms() + 60000;
    for (int i = 0; i < 40000; i++) {
        char id[32];
        snprintf(id, sizeof id, "https://a.example/v/%d", i);
        fv_viewers_set(viewers, 7, "u7", id, 1, soon);
    }
    int64_t count = fv_viewers_count(viewers, 7);
    assert_true(count > 10000 && count <= 16384);
    fv_viewers_free(viewers);
}

static void knows_a_view_again(void **state)
{
    (void)state;
    struct fv_viewers *viewers = fv_viewers_new();
    assert_false(fv_viewers_seen(viewers, "https://a.example/v/1"));
    assert_true(fv_viewers_seen(viewers, "https://a.example/v/1"));
    assert_false(fv_viewers_seen(viewers, "https://a.example/v/2"));
    fv_viewers_free(viewers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_each_once),
        cmocka_unit_test(knows_a_view_again),
        cmocka_unit_test(more_than_fit_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
