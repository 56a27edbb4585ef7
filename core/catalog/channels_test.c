// channels_test.c - channels are found by their names, listed a page at a time, and owned.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *nobody, *admin, *user, *other;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.other = shoal_kit_user(scene.kit, "bob");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static void channel_make(struct shoal_call *call, const char *name, const char *display_name)
{
    struct shoal_err err = {0};
    json_t *fields = json_pack("{s:s, s:s}", "name", name, "displayName", display_name);
    json_t *made = shoal_channel_create(call, fields, &err);
    if (made == NULL) {
        fail_msg("%s", err.text);
    }
    json_decref(made);
    json_decref(fields);
}

/// How many channels a search finds; the list has them all.
static int64_t found(const char *search)
{
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s}", "search", search);
    json_t *list = shoal_channel_list(scene.nobody, query, &err);
    int64_t total = shoal_integer(list, "total", -1);
    assert_int_equal(json_array_size(json_object_get(list, "data")), total);
    json_decref(list);
    json_decref(query);
    return total;
}

static void a_search_is_for_plain_text(void **state)
{
    (void)state;
    channel_make(scene.user, "sea_life", "Sea life");
    channel_make(scene.user, "seaxlife", "Another");
    channel_make(scene.user, "school",
        "\xc3\x89"
        "cole de mer");
    channel_make(scene.user, "sale", "100% fish");
    static const struct {
        const char *search;
        int64_t total;
    } rows[] = {{"sea", 2}, {"SEA LIFE", 1}, {"sea_life", 1}, {"100%", 1}, {"%", 1}, {"\\", 0},
        {"\xc3\x89"
         "cole",
            1},
        {"no such channel", 0}, {"alice_", 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (found(rows[i].search) != rows[i].total) {
            fail_msg("\"%s\" finds %lld", rows[i].search, (long long)found(rows[i].search));
        }
    }
}

static void each_order_has_two_directions(void **state)
{
    (void)state;
    static const char *const keys[] = {"id", "name", "updatedAt", "createdAt"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char down[16];
        struct shoal_err err = {0};
        snprintf(down, sizeof down, "-%s", keys[i]);
        json_t *up_query = json_pack("{s:s}", "sort", keys[i]);
        json_t *down_query = json_pack("{s:s}", "sort", down);
        json_t *up = shoal_channel_list(scene.nobody, up_query, &err);
        json_t *back = shoal_channel_list(scene.nobody, down_query, &err);
        const json_t *first = json_object_get(up, "data");
        const json_t *last = json_object_get(back, "data");
        size_t count = json_array_size(first);
        assert_true(count > 2 && count == json_array_size(last));
        for (size_t j = 0; j < count; j++) {
            assert_int_equal(shoal_integer(json_array_get(first, j), "id", 0),
                shoal_integer(json_array_get(last, count - 1 - j), "id", 0));
        }
        json_decref(up);
        json_decref(back);
        json_decref(up_query);
        json_decref(down_query);
    }
}

static void a_page_is_a_part_of_the_list(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s, s:i, s:i}", "sort", "id", "start", 1, "count", 1);
    json_t *list = shoal_channel_list(scene.nobody, query, &err);
    assert_int_equal(json_array_size(json_object_get(list, "data")), 1);
    assert_true(shoal_integer(list, "total", 0) > 2);
    json_decref(list);
    json_object_set_new(query, "sort", json_string("password"));
    assert_null(shoal_channel_list(scene.nobody, query, &err));
    assert_string_equal(err.field, "sort");
    json_decref(query);
}

static void channels_of_one_account_are_listed_alone(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s}", "account", "bob");
    json_t *list = shoal_channel_list(scene.nobody, query, &err);
    assert_int_equal(shoal_integer(list, "total", 0), 1);
    assert_string_equal(shoal_text(list, "data.0.name", ""), "bob_channel");
    json_decref(list);
    json_object_set_new(query, "account", json_string("nobody_here"));
    assert_null(shoal_channel_list(scene.nobody, query, &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
    json_decref(query);
}

static void only_its_owner_may_put_videos_into_it(void **state)
{
    (void)state;
    int64_t id = test_channel_of(scene.user);
    int64_t account_id = 0;
    assert_int_equal(catalog_channel_owned(scene.user, id, &account_id, NULL), 0);
    assert_int_equal(account_id, scene.user->viewer.account_id);
    assert_int_equal(catalog_channel_owned(scene.admin, id, &account_id, NULL), 0);
    assert_int_equal(catalog_channel_owned(scene.other, id, &account_id, NULL), SHOAL_EINVAL);
    assert_int_equal(catalog_channel_owned(scene.nobody, id, &account_id, NULL), SHOAL_EINVAL);
    assert_int_equal(catalog_channel_owned(scene.admin, 999999, &account_id, NULL), SHOAL_EINVAL);
}

static void a_summary_says_less(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int64_t id = test_channel_of(scene.user);
    json_t *whole = catalog_channel_json(scene.nobody, id, false, &err);
    json_t *summary = catalog_channel_json(scene.nobody, id, true, &err);
    assert_string_equal(shoal_text(whole, "ownerAccount.name", ""), "alice");
    assert_non_null(json_object_get(whole, "banners"));
    assert_non_null(json_object_get(summary, "avatars"));
    assert_null(json_object_get(summary, "ownerAccount"));
    assert_string_equal(shoal_text(summary, "name", ""), "alice_channel");
    json_decref(whole);
    json_decref(summary);
    assert_null(catalog_channel_json(scene.nobody, 999999, false, &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_search_is_for_plain_text),
        cmocka_unit_test(each_order_has_two_directions),
        cmocka_unit_test(a_page_is_a_part_of_the_list),
        cmocka_unit_test(channels_of_one_account_are_listed_alone),
        cmocka_unit_test(only_its_owner_may_put_videos_into_it),
        cmocka_unit_test(a_summary_says_less),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
