// actors_test.c - pictures of accounts and channels: whose they are, and which there are.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *nobody, *user, *other;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.nobody = shoal_kit_anonymous(scene.kit);
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

static int image(struct shoal_call *call, const char *kind, const char *channel, const char *path)
{
    struct shoal_err err = {0};
    json_t *set = shoal_actor_image(call, kind, channel, path, &err);
    json_decref(set);
    return set == NULL ? err.code : 0;
}

static void only_these_kinds_are_there(void **state)
{
    (void)state;
    assert_int_equal(image(scene.user, "poster", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(image(scene.user, "", NULL, NULL), SHOAL_EINVAL);
    assert_int_equal(image(scene.user, "banner", NULL, NULL), SHOAL_EINVAL); // accounts have none
}

static void only_their_owner_changes_them(void **state)
{
    (void)state;
    assert_int_equal(image(scene.nobody, "avatar", NULL, NULL), SHOAL_EAUTH);
    assert_int_equal(image(scene.nobody, "avatar", "alice_channel", NULL), SHOAL_EAUTH);
    assert_int_equal(image(scene.other, "avatar", "alice_channel", NULL), SHOAL_EFORBIDDEN);
    assert_int_equal(image(scene.other, "banner", "alice_channel", NULL), SHOAL_EFORBIDDEN);
    assert_int_equal(image(scene.user, "avatar", "no_channel", NULL), SHOAL_ENOTFOUND);
}

static void removing_what_is_not_there_is_fine(void **state)
{
    (void)state;
    assert_int_equal(image(scene.user, "avatar", NULL, NULL), 0);
    assert_int_equal(image(scene.user, "avatar", "alice_channel", NULL), 0);
    assert_int_equal(image(scene.user, "banner", "alice_channel", NULL), 0);
    json_t *account = shoal_account_get(scene.nobody, "alice", NULL);
    assert_int_equal(json_array_size(json_object_get(account, "avatars")), 0);
    json_decref(account);
}

static void what_is_no_picture_is_refused_by_its_field(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_null(shoal_actor_image(scene.user, "avatar", NULL, "/nowhere/at/all.png", &err));
    assert_int_equal(err.code, SHOAL_EINVAL);
    assert_string_equal(err.field, "avatarfile");
    assert_null(shoal_actor_image(
        scene.user, "banner", "alice_channel", shoal_kit_folder(scene.kit), &err));
    assert_string_equal(err.field, "bannerfile");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_these_kinds_are_there),
        cmocka_unit_test(only_their_owner_changes_them),
        cmocka_unit_test(removing_what_is_not_there_is_fine),
        cmocka_unit_test(what_is_no_picture_is_refused_by_its_field),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
