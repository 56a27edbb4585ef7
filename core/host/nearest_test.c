// nearest_test.c - the name that somebody probably meant.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/setting_row.h"
#include "host/test_kit.h"

static const char *const names[] = {
    "theme", "locale", "logo", "http.rate.api", "max_bytes", "a_very_long_name_of_a_setting"};

static void finds_the_name_that_was_meant(void **state)
{
    (void)state;
    static const struct {
        const char *word, *meant;
    } rows[] = {
        {"thmee", "theme"},  // neighbours swapped
        {"heme", "theme"},   // one is missing
        {"themes", "theme"}, // one too many
        {"thame", "theme"},  // another one
        {"locals", "locale"},
        {"max-bytes", "max_bytes"},
        {"api", "http.rate.api"}, // right, but for the table that it stands in
        {"a_very_lnog_nmae_of_a_seting", "a_very_long_name_of_a_setting"}, // long words may differ
        {"nothing_like_it", NULL},
        {"x", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *found = shoal_nearest(rows[i].word, names, sizeof(names) / sizeof(names[0]));
        if ((found != NULL) != (rows[i].meant != NULL) ||
            (found && strcmp(found, rows[i].meant) != 0)) {
            fail_msg("%s: %s", rows[i].word, found ? found : "nothing");
        }
    }
}

static void the_nearest_counts_and_of_equals_the_first(void **state)
{
    (void)state;
    static const char *const near[] = {"fooba", "foobar", "foobat"};
    assert_string_equal(shoal_nearest("foobar", near, 3), "foobar");
    assert_string_equal(shoal_nearest("foobax", near, 3), "fooba");
    assert_null(shoal_nearest("foobar", near, 0));
    static const char *const tiny[] = {"ab"};
    assert_null(shoal_nearest("xy", tiny, 1)); // every letter would be another one
}

static void words_without_end_do_no_harm(void **state)
{
    (void)state;
    char word[5000];
    char exact[65];
    memset(word, 'a', sizeof(word) - 1);
    word[sizeof(word) - 1] = 0;
    assert_null(shoal_nearest(word, names, sizeof(names) / sizeof(names[0])));
    memset(exact, 'a', sizeof(exact) - 1); // the longest that is compared
    exact[64] = 0;
    const char *const longest[] = {exact};
    assert_ptr_equal(shoal_nearest(exact, longest, 1), exact);
    exact[63] = 'b';
    word[64] = 0;
    assert_ptr_equal(shoal_nearest(word, longest, 1), exact);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_name_that_was_meant),
        cmocka_unit_test(the_nearest_counts_and_of_equals_the_first),
        cmocka_unit_test(words_without_end_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
