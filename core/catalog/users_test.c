// users_test.c - users, their accounts and channels, what they may say of themselves, quotas.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *nobody, *admin, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static json_t *create(struct shoal_call *call, const char *source, const char *name,
    const char *email, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    json_t *fields = json_pack("{s:s, s:s, s:s, s:i, s:i}", "username", name, "password",
        "secret word", "email", email, "role", 0, "videoQuota", 1000);
    json_t *made = shoal_user_create(call, fields, source, err);
    json_decref(fields);
    return made;
}

static void a_user_is_born_with_account_and_channel(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *me = shoal_user_me(scene.user, &err);
    assert_string_equal(shoal_text(me, "username", ""), "alice");
    assert_string_equal(shoal_text(me, "account.name", ""), "alice");
    assert_string_equal(shoal_text(me, "videoChannels.0.name", ""), "alice_channel");
    assert_string_equal(shoal_text(me, "role.label", ""), "User");
    assert_int_equal(shoal_integer(me, "videoQuota", 0), -1);
    assert_null(shoal_get(me, "password"));
    json_decref(me);
    json_t *channel = shoal_channel_get(scene.nobody, "alice_channel", &err);
    assert_string_equal(shoal_text(channel, "ownerAccount.name", ""), "alice");
    json_decref(channel);
    assert_null(shoal_user_me(scene.nobody, &err));
    assert_int_equal(err.code, SHOAL_EAUTH);
}

static void taken_names_are_refused(void **state)
{
    (void)state;
    struct shoal_err err;
    static const char *const taken[][2] = {{"alice", "x@example.org"}, {"bob", "ALICE@example.org"},
        {"peertube", "x@example.org"}, {"alice_channel", "x@example.org"}};
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        assert_null(create(scene.admin, "admin", taken[i][0], taken[i][1], &err));
        assert_int_equal(err.code, SHOAL_ECONFLICT);
    }
    assert_null(create(scene.admin, "admin", "Not Valid", "x@example.org", &err));
    assert_string_equal(err.field, "username");
    assert_null(create(scene.admin, "admin", "bob", "nowhere", &err));
    assert_string_equal(err.field, "email");
}

static void t04_a_registration_makes_no_administrator(void **state)
{
    (void)state;
    struct shoal_err err;
    json_t *made = create(scene.nobody, "register", "mallory", "m@example.org", &err);
    assert_non_null(made);
    json_t *user = shoal_user_get(scene.admin, shoal_integer(made, "user.id", 0), &err);
    assert_int_equal(shoal_integer(user, "role.id", -1), SHOAL_ROLE_USER);
    assert_int_equal(shoal_integer(user, "videoQuota", 0), -1);
    json_decref(user);
    json_decref(made);
    assert_null(create(scene.user, "admin", "eve", "e@example.org", &err));
    assert_int_equal(err.code, SHOAL_EFORBIDDEN);
}

static void t04_users_do_not_promote_themselves(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *fields = json_pack("{s:i, s:i, s:b, s:s, s:b}", "role", 0, "videoQuota", 5,
        "emailVerified", 1, "displayName", "Alice A.", "p2pEnabled", 0);
    assert_int_equal(shoal_user_update(scene.user, scene.user->viewer.user_id, fields, &err), 0);
    json_t *me = shoal_user_me(scene.user, &err);
    assert_int_equal(shoal_integer(me, "role.id", -1), SHOAL_ROLE_USER);
    assert_int_equal(shoal_integer(me, "videoQuota", 0), -1);
    assert_false(shoal_flag(me, "emailVerified", true));
    assert_false(shoal_flag(me, "p2pEnabled", true));
    assert_string_equal(shoal_text(me, "account.displayName", ""), "Alice A.");
    json_decref(me);
    assert_int_equal(
        shoal_user_update(scene.user, scene.admin->viewer.user_id, fields, &err), SHOAL_EFORBIDDEN);
    json_decref(fields);
}

static void lists_of_users_are_for_staff(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *query = json_pack("{s:s}", "sort", "username");
    assert_null(shoal_user_list(scene.user, query, &err));
    json_t *list = shoal_user_list(scene.admin, query, &err);
    assert_int_equal(shoal_integer(list, "total", 0), 2);
    assert_string_equal(shoal_text(list, "data.0.username", ""), "alice");
    json_decref(list);
    json_decref(query);
    assert_null(shoal_user_get(scene.user, scene.admin->viewer.user_id, &err));
}

static void quotas_count_what_was_uploaded(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int64_t account_id = scene.user->viewer.account_id;
    json_t *fields = json_pack("{s:i, s:i}", "videoQuota", 1000, "videoQuotaDaily", 400);
    assert_int_equal(shoal_user_update(scene.admin, scene.user->viewer.user_id, fields, &err), 0);
    json_decref(fields);
    assert_int_equal(catalog_quota_check(scene.user, account_id, 400, &err), 0);
    assert_int_equal(catalog_quota_check(scene.user, account_id, 401, &err), SHOAL_ETOOLARGE);
    assert_string_equal(err.api_code, "quota_reached");
    assert_int_equal(catalog_quota_check(scene.user, account_id, INT64_MAX, &err), SHOAL_ETOOLARGE);
    json_t *quota = shoal_user_quota(scene.user, scene.user->viewer.user_id, &err);
    assert_int_equal(shoal_integer(quota, "videoQuotaUsed", -1), 0);
    json_decref(quota);
    assert_null(shoal_user_quota(scene.user, scene.admin->viewer.user_id, &err));
}

static void channels_are_made_changed_and_removed_by_their_owner(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct shoal_call *other = shoal_kit_user(scene.kit, "bob");
    json_t *fields = json_pack("{s:s, s:s}", "name", "sea_life", "displayName", "Sea life");
    json_t *made = shoal_channel_create(scene.user, fields, &err);
    assert_true(shoal_integer(made, "videoChannel.id", 0) > 0);
    assert_null(shoal_channel_create(other, fields, &err));
    assert_int_equal(err.code, SHOAL_ECONFLICT);
    json_decref(made);
    json_object_set_new(fields, "description", json_string("Fish."));
    assert_int_equal(shoal_channel_update(other, "sea_life", fields, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_channel_update(scene.user, "sea_life", fields, &err), 0);
    json_object_set_new(fields, "description", json_null());
    json_t *shown = shoal_channel_get(scene.nobody, "sea_life", &err);
    assert_string_equal(shoal_text(shown, "description", ""), "Fish.");
    json_decref(shown);
    assert_int_equal(shoal_channel_update(scene.user, "sea_life", fields, &err), 0);
    shown = shoal_channel_get(scene.nobody, "sea_life", &err);
    assert_true(json_is_null(json_object_get(shown, "description")));
    json_decref(shown);
    assert_int_equal(shoal_channel_delete(other, "sea_life", &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_channel_delete(scene.user, "sea_life", &err), 0);
    assert_int_equal(shoal_channel_delete(scene.user, "alice_channel", &err), SHOAL_ECONFLICT);
    json_decref(fields);
}

static void a_removed_user_leaves_nothing(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video video = {.name = "left",
        .channel_id = test_channel_of(scene.user),
        .privacy = SHOAL_PRIVACY_PUBLIC,
        .state = SHOAL_STATE_PUBLISHED,
        .is_open = true,
        .published_ms = 1};
    test_video_make(shoal_kit_system(scene.kit), &video);
    assert_int_equal(shoal_user_delete(scene.admin, scene.user->viewer.user_id, &err), 0);
    assert_null(shoal_account_get(scene.nobody, "alice", &err));
    assert_null(shoal_channel_get(scene.nobody, "alice_channel", &err));
    assert_null(shoal_video_get(scene.nobody, video.uuid, NULL, &err));
    json_t *stats = shoal_catalog_stats(scene.nobody, &err);
    assert_int_equal(shoal_integer(stats, "totalUsers", 0), 1);
    assert_int_equal(shoal_integer(stats, "totalLocalVideos", -1), 0);
    json_decref(stats);
}

#define PICTURES 700 // more than one may think of: user.channels_max goes up to 10,000

SHOAL_SQL(picture_add,
    "INSERT INTO catalog_actor_image (actor_id, kind, name, mime, storage, storage_key, "
    "size_bytes, "
    "width, height, created) SELECT actor_id, 1, CAST($2 AS TEXT), 'image/jpeg', 'fs', "
    "CAST($2 AS TEXT), 1, 1, 1, 1 FROM catalog_channel WHERE id = $1");
SHOAL_SQL(removals, "SELECT payload FROM job WHERE kind = 'core.remove'");

static int pictures_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    int code = 0;
    for (int i = 0; i < PICTURES && code == 0; i++) {
        const char *name = shoal_arena_printf(shoal_call_arena(call), "%d.jpg", i);
        code = shoal_db_exec(tx, &picture_add,
            SHOAL_ARGS(SHOAL_I64(*(const int64_t *)arg), SHOAL_TEXT(name)), NULL, err);
    }
    return code;
}

static void every_picture_of_a_removed_user_goes(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    int64_t channel_id = test_channel_of(scene.user);
    struct shoal_call *call = shoal_kit_system(scene.kit);
    assert_int_equal(shoal_tx(call, pictures_tx, &channel_id, &err), 0);
    assert_int_equal(shoal_user_delete(scene.admin, scene.user->viewer.user_id, &err), 0);
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(scene.nobody), &removals, SHOAL_NOARGS, &err);
    assert_non_null(rows);
    size_t count = 0;
    while (shoal_rows_next(rows)) {
        json_t *payload = json_loads(shoal_col_text(rows, 0), 0, NULL);
        count += json_array_size(json_object_get(payload, "objects"));
        json_decref(payload);
    }
    shoal_rows_close(rows, NULL);
    assert_int_equal(count, PICTURES);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_user_is_born_with_account_and_channel),
        CASE(taken_names_are_refused),
        CASE(t04_a_registration_makes_no_administrator),
        CASE(t04_users_do_not_promote_themselves),
        CASE(lists_of_users_are_for_staff),
        CASE(quotas_count_what_was_uploaded),
        CASE(channels_are_made_changed_and_removed_by_their_owner),
        CASE(a_removed_user_leaves_nothing),
        CASE(every_picture_of_a_removed_user_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
