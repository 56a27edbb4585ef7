// activity_test.c - references and audiences in each of their forms, and what is none.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "activity.h"

static void reads_the_id_of_a_text_and_of_an_object(void **state)
{
    (void)state;
    json_t *right = json_pack("[s, {s:s, s:s}]", "https://a.example/1", "type", "Note", "id",
        "https://a.example/1");
    json_t *wrong = json_pack("[n, i, {}, [s], {s:i}, s]", 3, "https://a.example/1", "id", 3, "");
    size_t i;
    json_t *item;
    json_array_foreach(right, i, item)
    {
        assert_string_equal(activity_id(item), "https://a.example/1");
    }
    json_array_foreach(wrong, i, item)
    {
        assert_null(activity_id(item));
    }
    assert_null(activity_id(NULL));
    json_decref(right);
    json_decref(wrong);
}

static void finds_everybody_in_each_spelling(void **state)
{
    (void)state;
    json_t *right = json_pack("[s, s, s, [s, s]]", ACTIVITY_PUBLIC, "as:Public", "Public",
        "https://a.example/followers", ACTIVITY_PUBLIC);
    json_t *wrong = json_pack("[n, [], s, [i, s], {s:s}]", "https://a.example/followers", 3,
        "public", "id", ACTIVITY_PUBLIC);
    size_t i;
    json_t *item;
    json_array_foreach(right, i, item)
    {
        assert_true(activity_is_public(item));
    }
    json_array_foreach(wrong, i, item)
    {
        assert_false(activity_is_public(item));
    }
    assert_false(activity_is_public(NULL));
    json_decref(right);
    json_decref(wrong);
}

static void a_hash_is_the_published_one(void **state)
{
    (void)state;
    // Test vectors of FNV-1a, 64 bits.
    assert_int_equal(activity_hash(""), UINT64_C(0xcbf29ce484222325));
    assert_int_equal(activity_hash("a"), UINT64_C(0xaf63dc4c8601ec8c));
    assert_int_equal(activity_hash("foobar"), UINT64_C(0x85944171f73967e8));
}

static void counts_values_at_every_depth(void **state)
{
    (void)state;
    json_t *inner = json_array(), *document = json_pack("{s:s, s:o}", "id", "https://a.example/1", "items", inner);
    while (json_array_size(inner) < ACTIVITY_VALUES_MAX - 3) {
        json_array_append_new(inner, json_null());
    }
    assert_true(activity_is_bounded(document));
    json_array_append_new(inner, json_null());
    assert_false(activity_is_bounded(document));
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_id_of_a_text_and_of_an_object),
        cmocka_unit_test(finds_everybody_in_each_spelling),
        cmocka_unit_test(a_hash_is_the_published_one),
        cmocka_unit_test(counts_values_at_every_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
