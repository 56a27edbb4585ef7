// secrets_test.c - a key of a plugin is the same each time, another for each name, and not in the database.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    struct shoal_kit *kit;
    char folder[64];
    char path[96];
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    snprintf(scene.folder, sizeof scene.folder, "/tmp/shoal-secrets-XXXXXX");
    assert_non_null(mkdtemp(scene.folder));
    snprintf(scene.path, sizeof scene.path, "%s/secret.key", scene.folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(scene.path);
    assert_int_equal(rmdir(scene.folder), 0); // nothing but the file was made
    shoal_kit_free(scene.kit);
    return 0;
}

static void is_the_same_each_time_and_another_for_each(void **state)
{
    (void)state;
    unsigned char first[32], again[32], named[32], other[32];
    struct shoal_err err = {0};
    assert_int_equal(catalog_secret(scene.folder, "reef", "keys", first, 32, &err), 0);
    assert_int_equal(catalog_secret(scene.folder, "reef", "keys", again, 32, &err), 0);
    assert_memory_equal(first, again, 32);
    assert_int_equal(catalog_secret(scene.folder, "reef", "keyss", named, 32, &err), 0);
    assert_memory_not_equal(first, named, 32);
    assert_int_equal(catalog_secret(scene.folder, "reefk", "eys", other, 32, &err), 0);
    assert_memory_not_equal(first, other, 32);
}

static void the_file_is_the_owners_alone(void **state)
{
    (void)state;
    unsigned char key[32];
    struct stat info;
    assert_int_equal(catalog_secret(scene.folder, "reef", "keys", key, 32, NULL), 0);
    assert_int_equal(stat(scene.path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(info.st_size, 65);
}

static void a_damaged_file_is_not_replaced(void **state)
{
    (void)state;
    unsigned char key[32];
    struct shoal_err err = {0};
    FILE *file = fopen(scene.path, "w");
    assert_non_null(file);
    fputs("not a key\n", file);
    fclose(file);
    assert_int_equal(catalog_secret(scene.folder, "reef", "keys", key, 32, &err), SHOAL_ECORRUPT);
    assert_non_null(strstr(err.text, "secret.key"));
}

static void a_length_out_of_bounds_is_refused(void **state)
{
    (void)state;
    unsigned char key[128];
    assert_int_equal(catalog_secret(scene.folder, "reef", "keys", key, 8, NULL), SHOAL_EINVAL);
    assert_int_equal(catalog_secret(scene.folder, "reef", "keys", key, 128, NULL), SHOAL_EINVAL);
    assert_int_not_equal(access(scene.path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_the_same_each_time_and_another_for_each, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_is_the_owners_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_file_is_not_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_length_out_of_bounds_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
