// accounts_test.c - accounts are found by their handles and listed, those that wait and the
// instance's own are not.
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

static void a_handle_may_be_written_in_many_ways(void **state)
{
    (void)state;
    char own[300];
    snprintf(own, sizeof own, "alice@%s", catalog_host(scene.nobody));
    const char *const good[] = {"alice", "@alice", "ALICE", own};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        json_t *account = shoal_account_get(scene.nobody, good[i], NULL);
        assert_string_equal(shoal_text(account, "name", ""), "alice");
        assert_true(shoal_flag(account, "isLocal", false));
        json_decref(account);
    }
    const char *const bad[] = {"", "@", "alice@elsewhere.example", "nobody_here", "alice ", "%"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_null(shoal_account_get(scene.nobody, bad[i], &err));
        assert_int_equal(err.code, SHOAL_ENOTFOUND);
    }
    char longer[400];
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_null(shoal_account_get(scene.nobody, longer, NULL));
    assert_null(shoal_account_get(scene.nobody, NULL, NULL));
}

static void an_account_shows_no_secret(void **state)
{
    (void)state;
    json_t *account = shoal_account_get(scene.nobody, "alice", NULL);
    static const char *const hidden[] = {
        "email", "password", "role", "privateKey", "private_key", "videoQuota"};
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        assert_null(json_object_get(account, hidden[i]));
    }
    assert_int_equal(shoal_integer(account, "userId", 0), scene.user->viewer.user_id);
    assert_int_equal(shoal_integer(account, "followersCount", -1), 0);
    assert_true(json_is_array(json_object_get(account, "avatars")));
    assert_true(json_is_null(json_object_get(account, "description")));
    json_t *summary =
        catalog_account_json(scene.nobody, shoal_integer(account, "id", 0), true, NULL);
    assert_string_equal(shoal_text(summary, "name", ""), "alice");
    assert_null(json_object_get(summary, "userId"));
    json_decref(summary);
    json_decref(account);
}

static void only_people_are_listed(void **state)
{
    (void)state;
    json_t *query = json_pack("{s:s}", "sort", "createdAt");
    json_t *list = shoal_account_list(scene.nobody, query, NULL);
    assert_int_equal(shoal_integer(list, "total", 0), 3);
    const json_t *data = json_object_get(list, "data");
    assert_int_equal(json_array_size(data), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_not_equal(shoal_text(json_array_get(data, i), "name", ""), "peertube");
    }
    json_decref(list);
    json_object_set_new(query, "start", json_integer(2));
    list = shoal_account_list(scene.nobody, query, NULL);
    assert_int_equal(json_array_size(json_object_get(list, "data")), 1);
    assert_int_equal(shoal_integer(list, "total", 0), 3);
    json_decref(list);
    struct shoal_err err = {0};
    json_object_set_new(query, "sort", json_string("name"));
    assert_null(shoal_account_list(scene.nobody, query, &err));
    assert_string_equal(err.field, "sort");
    json_decref(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_may_be_written_in_many_ways),
        cmocka_unit_test(an_account_shows_no_secret),
        cmocka_unit_test(only_people_are_listed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
