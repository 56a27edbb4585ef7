// quota_test.c - what a user has stored, and when more is too much.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *admin, *user, *other;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
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

SHOAL_SQL(
    test_source_set, "UPDATE catalog_video SET source_bytes = $2, created = $3 WHERE id = $1");
SHOAL_SQL(test_quota_set,
    "UPDATE catalog_user SET video_quota = $2, video_quota_daily = $3 WHERE id = $1");

struct change {
    const struct shoal_sql *sql;
    int64_t id, first, second;
};

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct change *change = arg;
    return shoal_db_exec(tx, change->sql,
        SHOAL_ARGS(SHOAL_I64(change->id), SHOAL_I64(change->first), SHOAL_I64(change->second)),
        NULL, err);
}

static void change(const struct shoal_sql *sql, int64_t id, int64_t first, int64_t second)
{
    struct change what = {sql, id, first, second};
    assert_int_equal(shoal_tx(scene.system, change_tx, &what, NULL), 0);
}

static void uploaded(int64_t bytes, int64_t days_ago)
{
    struct test_video video = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    change(&test_source_set, video.id, bytes, shoal_now_ms() - days_ago * CATALOG_DAY_MS);
}

static int check(int64_t more)
{
    return catalog_quota_check(scene.user, scene.user->viewer.account_id, more, NULL);
}

static void quota(int64_t total, int64_t daily)
{
    change(&test_quota_set, scene.user->viewer.user_id, total, daily);
}

static void what_was_uploaded_counts(void **state)
{
    (void)state;
    int64_t used = 0;
    int64_t account_id = scene.user->viewer.account_id;
    uploaded(300, 5);
    uploaded(50, 0);
    assert_int_equal(catalog_quota_used(scene.user, account_id, 0, &used, NULL), 0);
    assert_int_equal(used, 350);
    assert_int_equal(
        catalog_quota_used(scene.user, account_id, shoal_now_ms() - CATALOG_DAY_MS, &used, NULL),
        0);
    assert_int_equal(used, 50);
    assert_int_equal(
        catalog_quota_used(scene.user, scene.other->viewer.account_id, 0, &used, NULL), 0);
    assert_int_equal(used, 0);
}

static void both_limits_are_kept(void **state)
{
    (void)state;
    uploaded(300, 5);
    uploaded(50, 0);
    quota(-1, -1); // none
    assert_int_equal(check(INT64_MAX), 0);
    quota(1000, -1);
    assert_int_equal(check(650), 0);
    assert_int_equal(check(651), SHOAL_ETOOLARGE);
    quota(-1, 100);
    assert_int_equal(check(50), 0);
    assert_int_equal(check(51), SHOAL_ETOOLARGE);
    quota(1000, 100);
    assert_int_equal(check(51), SHOAL_ETOOLARGE);
    quota(360, 100);
    assert_int_equal(check(11), SHOAL_ETOOLARGE);
}

static void a_full_quota_takes_nothing_at_all(void **state)
{
    (void)state;
    uploaded(300, 5);
    quota(300, -1);
    assert_int_equal(check(0), SHOAL_ETOOLARGE);
    quota(0, -1);
    assert_int_equal(check(0), SHOAL_ETOOLARGE);
    quota(200, -1); // lowered below what is there
    assert_int_equal(check(1), SHOAL_ETOOLARGE);
    assert_int_equal(check(INT64_MAX), SHOAL_ETOOLARGE);
}

static void the_sentence_says_which_limit(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    quota(-1, 0);
    assert_int_equal(
        catalog_quota_check(scene.user, scene.user->viewer.account_id, 1, &err), SHOAL_ETOOLARGE);
    assert_non_null(strstr(err.text, "daily"));
    assert_string_equal(err.api_code, "quota_reached");
    quota(0, -1);
    catalog_quota_check(scene.user, scene.user->viewer.account_id, 1, &err);
    assert_null(strstr(err.text, "daily"));
}

static void others_do_not_see_it(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int64_t id = scene.user->viewer.user_id;
    uploaded(300, 5);
    assert_null(shoal_user_quota(scene.other, id, &err));
    assert_int_equal(err.code, SHOAL_EFORBIDDEN);
    json_t *shown = shoal_user_quota(scene.admin, id, &err);
    assert_int_equal(shoal_integer(shown, "videoQuotaUsed", -1), 300);
    assert_int_equal(shoal_integer(shown, "videoQuotaUsedDaily", -1), 0);
    json_decref(shown);
    assert_null(shoal_user_quota(scene.admin, 999999, &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_uploaded_counts),
        CASE(both_limits_are_kept),
        CASE(a_full_quota_takes_nothing_at_all),
        CASE(the_sentence_says_which_limit),
        CASE(others_do_not_see_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
