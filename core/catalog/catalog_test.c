// catalog_test.c - an instance is founded with an administrator whose name and password are fit.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static void an_administrators_name_is_checked(void **state)
{
    (void)state;
    static const char *const bad[] = {NULL, "", "peertube", "Root", "two words", "root@x", ".root",
        "a23456789012345678901234567890123456789012345678901"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_int_equal(shoal_catalog_admin_check(bad[i], &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "admin");
        assert_int_equal(
            shoal_catalog_found(scene.system, bad[i], "long enough", NULL, NULL), SHOAL_EINVAL);
    }
    assert_int_equal(shoal_catalog_admin_check("root", NULL), 0);
}

static void a_password_has_its_bounds(void **state)
{
    (void)state;
    char longer[257];
    memset(longer, 'x', 256);
    longer[256] = '\0';
    const char *const bad[] = {NULL, "", "short", longer};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        assert_int_equal(
            shoal_catalog_found(scene.system, "second", bad[i], NULL, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "password");
    }
}

static void the_instance_has_an_actor_of_its_own(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    json_t *own = shoal_account_get(scene.system, "peertube", &err);
    assert_string_equal(shoal_text(own, "name", ""), "peertube");
    assert_null(json_object_get(own, "userId"));
    json_decref(own);
}

static void founding_again_keeps_the_secrets_and_the_names(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    const char *secret = catalog_key_get(scene.system, "secret", &err);
    assert_int_equal(strlen(secret), 64);
    assert_int_equal(
        shoal_catalog_found(scene.system, "second", "long enough", "Second@Example.org", &err), 0);
    assert_string_equal(catalog_key_get(scene.system, "secret", &err), secret);
    struct catalog_user user;
    assert_int_equal(catalog_user_by_name(scene.system, "second@example.org", &user, &err), 0);
    assert_string_equal(user.username, "second");
    assert_int_equal(user.role, SHOAL_ROLE_ADMIN);
    assert_int_equal(
        shoal_catalog_found(scene.system, "second", "long enough", NULL, &err), SHOAL_ECONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_administrators_name_is_checked),
        cmocka_unit_test(a_password_has_its_bounds),
        cmocka_unit_test(the_instance_has_an_actor_of_its_own),
        cmocka_unit_test(founding_again_keeps_the_secrets_and_the_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
