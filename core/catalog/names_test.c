// names_test.c - names of people and channels, text lengths, folding.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static void good_names_pass(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "alice", "a_b", "a.b", "a-b", "0", "_x_",
        &"a2345678901234567890123456789012345678901234567890"[1]};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_true(catalog_name_valid(good[i]));
    }
}

static void bad_names_do_not(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "Alice", "a b", ".a", "a.", "-a", "a-", "a/b", "a@b",
        "\xc3\xa9", "a\n", "a'b", "123456789012345678901234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(catalog_name_valid(bad[i]));
    }
    assert_false(catalog_name_valid(NULL));
}

static void lengths_count_characters(void **state)
{
    (void)state;
    assert_int_equal(catalog_utf8_length(""), 0);
    assert_int_equal(catalog_utf8_length("abc"), 3);
    assert_int_equal(catalog_utf8_length("\xc3\xa9t\xc3\xa9"), 3);
    assert_int_equal(catalog_utf8_length("\xf0\x9f\x90\x9f"), 1);
    assert_true(catalog_utf8_length("\xc3") == SIZE_MAX);
    assert_true(catalog_utf8_length("\xff") == SIZE_MAX);
    assert_true(catalog_utf8_length("\x80") == SIZE_MAX);
}

static void folding_lowers_latin_letters(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(catalog_fold(arena, "ABC xyz"), "abc xyz");
    assert_string_equal(catalog_fold(arena, "\xc3\x89T\xc3\x89"), "\xc3\xa9t\xc3\xa9");
    assert_string_equal(catalog_fold(arena, "\xc3\x97"), "\xc3\x97");
    shoal_arena_free(arena);
}

static void a_search_has_no_wildcards_of_its_own(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(catalog_like(arena, ""), "%%");
    assert_string_equal(catalog_like(arena, "Sea Life"), "%sea life%");
    assert_string_equal(catalog_like(arena, "100%_\\"), "%100\\%\\_\\\\%");
    assert_string_equal(catalog_like(arena, "\xc3\x89t\xc3\xa9"), "%\xc3\x89t\xc3\xa9%");
    char longer[300];
    memset(longer, 'x', sizeof longer);
    memcpy(longer + 199, "\xc3\xa9", 2); // the limit is in the middle of it
    longer[299] = '\0';
    const char *pattern = catalog_like(arena, longer);
    assert_int_equal(strlen(pattern), 199 + 2);
    assert_true(catalog_utf8_length(pattern) != SIZE_MAX);
    shoal_arena_free(arena);
}

static void odd_sizes_are_called_after_their_larger_side(void **state)
{
    (void)state;
    struct shoal_arena *arena = shoal_arena_new(0);
    assert_string_equal(catalog_resolution_label(arena, 0, 0, 0), "Audio only");
    assert_string_equal(catalog_resolution_label(arena, 720, 1280, 720), "720p");
    assert_string_equal(catalog_resolution_label(arena, 816, 1920, 816), "1080p");
    assert_string_equal(catalog_resolution_label(arena, 500, 640, 500), "360p");
    assert_string_equal(catalog_resolution_label(arena, 100, 123, 100), "100p");
    shoal_arena_free(arena);
}

static void pages_are_bounded(void **state)
{
    (void)state;
    static const char *const sorts[] = {"name", "createdAt", NULL};
    struct catalog_page page;
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s, s:s, s:s}", "start", "5", "count", "100", "sort", "-name");
    assert_int_equal(catalog_page_read(query, sorts, "createdAt", &page, &err), 0);
    assert_int_equal(page.start, 5);
    assert_int_equal(page.count, 100);
    assert_int_equal(page.sort, 0);
    assert_true(page.is_down);
    json_object_set_new(query, "count", json_integer(101));
    assert_int_equal(catalog_page_read(query, sorts, "createdAt", &page, &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "count");
    json_object_set_new(query, "count", json_integer(0));
    json_object_set_new(query, "sort", json_string("password"));
    assert_int_equal(catalog_page_read(query, sorts, "createdAt", &page, &err), SHOAL_EINVAL);
    json_object_set_new(query, "sort", json_string("name"));
    json_object_set_new(query, "start", json_integer(-1));
    assert_int_equal(catalog_page_read(query, sorts, "createdAt", &page, &err), SHOAL_EINVAL);
    json_decref(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_names_pass),
        cmocka_unit_test(bad_names_do_not),
        cmocka_unit_test(lengths_count_characters),
        cmocka_unit_test(folding_lowers_latin_letters),
        cmocka_unit_test(a_search_has_no_wildcards_of_its_own),
        cmocka_unit_test(odd_sizes_are_called_after_their_larger_side),
        cmocka_unit_test(pages_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
