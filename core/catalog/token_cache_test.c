// token_cache_test.c - what is remembered of tokens, and how it is forgotten.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#define HASH_A  "00000001aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B  "00000002bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_A2 "00000401cccccccccccccccccccccccccccccccccccccccccccccccccccccccc" // the slot of A

static int setup(void **state)
{
    (void)state;
    catalog_token_cache_clear();
    return 0;
}

static void put(const char *hash, int64_t user_id, int64_t token_id)
{
    struct catalog_cached what = {.user_id = user_id, .token_id = token_id, .username = "alice"};
    catalog_token_cache_put(hash, &what, catalog_token_cache_epoch());
}

static bool has(const char *hash)
{
    struct catalog_cached out;
    return catalog_token_cache_get(hash, &out);
}

static void what_is_put_is_found(void **state)
{
    (void)state;
    struct catalog_cached out = {0};
    assert_false(has(HASH_A));
    put(HASH_A, 1, 10);
    assert_true(catalog_token_cache_get(HASH_A, &out));
    assert_int_equal(out.user_id, 1);
    assert_int_equal(out.token_id, 10);
    assert_string_equal(out.username, "alice");
    assert_false(has(HASH_B));
}

static void one_of_the_same_slot_is_not_taken_for_another(void **state)
{
    (void)state;
    put(HASH_A, 1, 10);
    assert_false(has(HASH_A2));
    put(HASH_A2, 2, 20);
    assert_true(has(HASH_A2));
    assert_false(has(HASH_A)); // it made room
}

static void a_prefix_is_another_token(void **state)
{
    (void)state;
    put(HASH_A, 1, 10);
    assert_false(has("00000001"));
    assert_false(has(""));
}

static void a_user_or_one_token_is_forgotten(void **state)
{
    (void)state;
    put(HASH_A, 1, 10);
    put(HASH_B, 1, 11);
    catalog_token_cache_forget(2, 0);
    catalog_token_cache_forget(1, 12);
    assert_true(has(HASH_A) && has(HASH_B));
    catalog_token_cache_forget(1, 10);
    assert_false(has(HASH_A));
    assert_true(has(HASH_B));
    put(HASH_A, 1, 10);
    catalog_token_cache_forget(1, 0);
    assert_false(has(HASH_A) || has(HASH_B));
}

static void a_user_that_changed_is_read_again(void **state)
{
    (void)state;
    put(HASH_A, 1, 10);
    put(HASH_B, 2, 20);
    catalog_token_cache_refresh(1);
    assert_false(has(HASH_A));
    assert_true(has(HASH_B));
}

static void what_was_read_before_anything_was_forgotten_is_not_kept(void **state)
{
    (void)state;
    struct catalog_cached what = {.user_id = 1, .token_id = 10};
    uint64_t before = catalog_token_cache_epoch();
    catalog_token_cache_forget(9, 9);
    catalog_token_cache_put(HASH_A, &what, before);
    assert_false(has(HASH_A));
    before = catalog_token_cache_epoch();
    catalog_token_cache_clear();
    catalog_token_cache_put(HASH_A, &what, before);
    assert_false(has(HASH_A));
    catalog_token_cache_put(HASH_A, &what, catalog_token_cache_epoch());
    assert_true(has(HASH_A));
    catalog_token_cache_clear();
    assert_false(has(HASH_A));
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_put_is_found),
        CASE(one_of_the_same_slot_is_not_taken_for_another),
        CASE(a_prefix_is_another_token),
        CASE(a_user_or_one_token_is_forgotten),
        CASE(a_user_that_changed_is_read_again),
        CASE(what_was_read_before_anything_was_forgotten_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
