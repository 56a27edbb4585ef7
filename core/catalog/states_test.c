// states_test.c - the twelve states: which may follow which, and what others see.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

// Rows: from; columns: to, 1 to 12.
static const char *const allowed[13] = {
    NULL,
    ".X...X..XX..", // published
    "X....XX.X...", // to transcode
    "XX.........X", // to import
    "X...X.......", // waiting for a live
    "XX.X.X..XX..", // live ended
    "X......X....", // to move out
    ".X...X..XX..", // transcoding failed
    "XX...X..XX..", // move out failed
    "XX..........", // to edit
    "X.........X.", // to move in
    "XX...X..XX..", // move in failed
    ".XX.........", // import failed
};

static void only_these_follow(void **state)
{
    (void)state;
    for (int from = 1; from <= 12; from++) {
        for (int to = 1; to <= 12; to++) {
            bool expected = allowed[from][to - 1] == 'X';
            if (catalog_state_allowed((enum shoal_video_state)from, (enum shoal_video_state)to) !=
                expected) {
                fail_msg("%d to %d", from, to);
            }
        }
    }
    assert_false(catalog_state_allowed((enum shoal_video_state)0, SHOAL_STATE_PUBLISHED));
    assert_false(catalog_state_allowed(SHOAL_STATE_PUBLISHED, (enum shoal_video_state)13));
}

static void each_has_peertubes_label(void **state)
{
    (void)state;
    static const char *const labels[13] = {NULL, "Published", "To transcode", "To import",
        "Waiting for livestream", "Livestream ended", "To move to an external storage",
        "Transcoding failed", "External storage move failed", "To edit", "To move to file system",
        "Move to file system failed", "Import failed"};
    for (int number = 1; number <= 12; number++) {
        assert_string_equal(catalog_state_label((enum shoal_video_state)number), labels[number]);
    }
    assert_null(catalog_state_label((enum shoal_video_state)0));
    assert_null(catalog_state_label((enum shoal_video_state)13));
}

static void nothing_is_open_before_the_gate(void **state)
{
    (void)state;
    for (int number = 1; number <= 12; number++) {
        for (int verdict = CATALOG_UNASKED; verdict <= CATALOG_REFUSED; verdict++) {
            bool open = catalog_state_open(
                (enum shoal_video_state)number, false, (enum catalog_verdict)verdict, true);
            assert_true(!open || verdict == CATALOG_PASSED);
        }
    }
}

static void who_waits_for_transcoding_is_not_open_yet(void **state)
{
    (void)state;
    assert_false(catalog_state_open(SHOAL_STATE_TO_TRANSCODE, true, CATALOG_PASSED, false));
    assert_true(catalog_state_open(SHOAL_STATE_TO_TRANSCODE, false, CATALOG_PASSED, false));
    assert_true(catalog_state_open(SHOAL_STATE_TO_TRANSCODE, true, CATALOG_PASSED, true));
    assert_true(catalog_state_open(SHOAL_STATE_PUBLISHED, true, CATALOG_PASSED, false));
    assert_false(catalog_state_open(SHOAL_STATE_TO_IMPORT, false, CATALOG_PASSED, true));
    assert_false(catalog_state_open(SHOAL_STATE_TRANSCODING_FAILED, false, CATALOG_PASSED, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_these_follow),
        cmocka_unit_test(each_has_peertubes_label),
        cmocka_unit_test(nothing_is_open_before_the_gate),
        cmocka_unit_test(who_waits_for_transcoding_is_not_open_yet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
