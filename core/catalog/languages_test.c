// languages_test.c - the table of languages: no two alike, and PeerTube's names for some.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"
#include "catalog/constants_priv.h"

static void ids_and_labels_are_told_apart(void **state)
{
    (void)state;
    size_t count = 0;
    for (const struct catalog_language *at = catalog_languages; at->id != NULL; at++, count++) {
        size_t length = strlen(at->id);
        assert_true(length >= 2 && length <= 11);
        assert_true(catalog_utf8_length(at->label) >= 2 && catalog_utf8_length(at->label) < 80);
        for (const struct catalog_language *other = catalog_languages; other < at; other++) {
            assert_string_not_equal(at->id, other->id);
            assert_string_not_equal(at->label, other->label);
        }
        assert_ptr_equal(catalog_language_label(at->id), at->label);
    }
    assert_true(count > 200);
}

static void some_have_the_names_that_clients_show(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"en", "English"}, {"fr", "French"},
        {"pt", "Portuguese (Brazilian)"}, {"es", "Spanish (Spain)"},
        {"es-419", "Spanish (Latin America)"}, {"zh-Hans", "Simplified Chinese"},
        {"ca-valencia", "Valencian"}, {"zxx", "No linguistic content"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(catalog_language_label(rows[i][0]), rows[i][1]);
    }
}

static void what_is_no_language_has_no_label(void **state)
{
    (void)state;
    static const char *const none[] = {"", "xx", "EN", "en ", "e", "english", "zh-hans", "en-GB"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_null(catalog_language_label(none[i]));
    }
}

static void signs_are_not_written(void **state)
{
    (void)state;
    for (const struct catalog_language *at = catalog_languages; at->id != NULL; at++) {
        bool is_sign = strstr(at->label, "Sign Language") != NULL || strcmp(at->id, "sgn") == 0;
        bool is_silent = strcmp(at->id, "zxx") == 0;
        assert_int_equal(at->is_written, !is_sign && !is_silent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_labels_are_told_apart),
        cmocka_unit_test(some_have_the_names_that_clients_show),
        cmocka_unit_test(what_is_no_language_has_no_label),
        cmocka_unit_test(signs_are_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
