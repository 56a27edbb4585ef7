// constants_test.c - the numbers and labels that PeerTube's clients know.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

struct row {
    int64_t id;
    const char *label;
};

static const struct row categories[] = {{1, "Music"}, {2, "Films"}, {3, "Vehicles"}, {4, "Art"},
    {5, "Sports"}, {6, "Travels"}, {7, "Gaming"}, {8, "People"}, {9, "Comedy"},
    {10, "Entertainment"}, {11, "News & Politics"}, {12, "How To"}, {13, "Education"},
    {14, "Activism"}, {15, "Science & Technology"}, {16, "Animals"}, {17, "Kids"}, {18, "Food"}};
static const struct row licences[] = {{1, "Attribution"}, {2, "Attribution - Share Alike"},
    {3, "Attribution - No Derivatives"}, {4, "Attribution - Non Commercial"},
    {5, "Attribution - Non Commercial - Share Alike"},
    {6, "Attribution - Non Commercial - No Derivatives"}, {7, "Public Domain Dedication"},
    {8, "Free of known copyright restrictions"}, {9, "All Rights Reserved"}};
static const struct row privacies[] = {{SHOAL_PRIVACY_PUBLIC, "Public"},
    {SHOAL_PRIVACY_UNLISTED, "Unlisted"}, {SHOAL_PRIVACY_PRIVATE, "Private"},
    {SHOAL_PRIVACY_INTERNAL, "Internal"}, {SHOAL_PRIVACY_PASSWORD, "Password protected"}};

static void are_those(
    const char *what, const char *(*label_of)(int64_t id), const struct row *rows, size_t count)
{
    json_t *all = shoal_constants(NULL, what);
    assert_int_equal(json_object_size(all), count);
    for (size_t i = 0; i < count; i++) {
        char key[24];
        snprintf(key, sizeof key, "%lld", (long long)rows[i].id);
        assert_string_equal(label_of(rows[i].id), rows[i].label);
        assert_string_equal(json_string_value(json_object_get(all, key)), rows[i].label);
    }
    json_decref(all);
    assert_null(label_of(0));
    assert_null(label_of(-1));
    assert_null(label_of((int64_t)count + 1));
    assert_null(label_of(INT64_MAX));
    assert_null(label_of(INT64_MIN));
}

static void each_number_has_peertubes_label(void **state)
{
    (void)state;
    are_those(
        "categories", catalog_category_label, categories, sizeof categories / sizeof categories[0]);
    are_those("licences", catalog_licence_label, licences, sizeof licences / sizeof licences[0]);
    are_those(
        "privacies", catalog_privacy_label, privacies, sizeof privacies / sizeof privacies[0]);
}

static void captions_are_in_written_languages(void **state)
{
    (void)state;
    json_t *all = shoal_constants(NULL, "languages");
    json_t *written = shoal_constants(NULL, "caption-languages");
    static const char *const signs[] = {"ase", "gsg", "fsl", "zxx"};
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        assert_non_null(json_object_get(all, signs[i]));
        assert_null(json_object_get(written, signs[i]));
    }
    assert_string_equal(json_string_value(json_object_get(written, "fr")), "French");
    const char *id;
    json_t *label;
    json_object_foreach(written, id, label)
    {
        assert_true(json_equal(label, json_object_get(all, id)));
    }
    json_decref(all);
    json_decref(written);
}

static void there_are_no_other_tables(void **state)
{
    (void)state;
    static const char *const others[] = {"", "passwords", "Categories", "languages "};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        assert_null(shoal_constants(NULL, others[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_has_peertubes_label),
        cmocka_unit_test(captions_are_in_written_languages),
        cmocka_unit_test(there_are_no_other_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
