// keys_test.c - secrets of the instance are made once, and its settings have fallbacks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <sys/stat.h>

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

static void a_key_is_made_once(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    assert_null(catalog_key_get(scene.system, "test", &err));
    assert_int_equal(err.code, SHOAL_ENOTFOUND);
    assert_non_null(strstr(err.text, "\"test\""));
    assert_int_equal(catalog_key_ensure(scene.system, "test", 8, &err), 0);
    const char *first = catalog_key_get(scene.system, "test", &err);
    assert_int_equal(strlen(first), 16);
    assert_int_equal(strspn(first, "0123456789abcdef"), 16);
    assert_int_equal(catalog_key_ensure(scene.system, "test", 8, &err), 0);
    assert_string_equal(catalog_key_get(scene.system, "test", &err), first);
    assert_int_equal(catalog_key_ensure(scene.system, "other", 8, &err), 0);
    assert_string_not_equal(catalog_key_get(scene.system, "other", &err), first);
}

static void a_key_has_at_most_64_bytes(void **state)
{
    (void)state;
    assert_int_equal(catalog_key_ensure(scene.system, "long", 1000, NULL), 0);
    assert_int_equal(strlen(catalog_key_get(scene.system, "long", NULL)), 128);
}

static void what_is_not_set_falls_back(void **state)
{
    (void)state;
    assert_int_equal(catalog_setting_i64("no.such.setting", 42), 42);
    assert_true(catalog_setting_bool("no.such.setting", true));
    assert_false(catalog_setting_bool("no.such.setting", false));
    // A text is no number and no flag.
    assert_int_equal(catalog_setting_i64("instance.name", 42), 42);
    assert_true(catalog_setting_bool("instance.name", true));
}

static void a_folder_is_made_within_the_instance(void **state)
{
    (void)state;
    const char *folder = catalog_folder(scene.system, "made", NULL);
    assert_non_null(folder);
    assert_memory_equal(folder, shoal_kit_folder(scene.kit), strlen(shoal_kit_folder(scene.kit)));
    struct stat info;
    assert_int_equal(stat(folder, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(info.st_mode & 077, 0); // for nobody else
    assert_string_equal(catalog_folder(scene.system, "made", NULL), folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_made_once),
        cmocka_unit_test(a_key_has_at_most_64_bytes),
        cmocka_unit_test(what_is_not_set_falls_back),
        cmocka_unit_test(a_folder_is_made_within_the_instance),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
