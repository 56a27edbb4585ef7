// images_test.c - pictures of a video: what is refused before anything reads it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <unistd.h>

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user, *other;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
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

static void file_make(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)bytes), 0);
    fclose(file);
}

static void what_is_no_file_of_a_fit_size_is_refused_by_its_field(void **state)
{
    (void)state;
    char path[4200], link[4200];
    snprintf(path, sizeof path, "%s/picture", shoal_kit_folder(scene.kit));
    snprintf(link, sizeof link, "%s/link", shoal_kit_folder(scene.kit));
    file_make(path, 100);
    assert_int_equal(symlink(path, link), 0);
    char empty[4200], large[4200];
    snprintf(empty, sizeof empty, "%s/empty", shoal_kit_folder(scene.kit));
    snprintf(large, sizeof large, "%s/large", shoal_kit_folder(scene.kit));
    file_make(empty, 0);
    file_make(large, 16u * 1024 * 1024 + 1);
    const char *const bad[] = {
        "/nowhere/at/all", shoal_kit_folder(scene.kit), link, empty, large, "/dev/zero"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct shoal_err err = {0};
        json_t *probe = json_null();
        assert_int_equal(catalog_picture_probe(scene.user, bad[i], &probe, &err), SHOAL_ETOOLARGE);
        assert_null(probe);
        assert_int_equal(
            shoal_video_image_check(scene.user, "thumbnail", bad[i], &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "thumbnailfile");
        assert_int_equal(
            shoal_video_image_check(scene.user, "preview", bad[i], &err), SHOAL_EINVAL);
        assert_string_equal(err.field, "previewfile");
    }
    // A file that may be looked at: this host has nobody who does.
    struct shoal_err err = {0};
    assert_int_equal(
        shoal_video_image_check(scene.user, "preview", path, &err), SHOAL_EUNSUPPORTED);
}

static void a_job_works_in_a_folder_of_its_own(void **state)
{
    (void)state;
    struct shoal_job one = {.id = 7}, other = {.id = 8};
    const char *first = catalog_picture_work(scene.user, &one, NULL);
    assert_non_null(first);
    assert_int_equal(access(first, W_OK | X_OK), 0);
    assert_string_equal(catalog_picture_work(scene.user, &one, NULL), first); // a second try
    assert_string_not_equal(catalog_picture_work(scene.user, &other, NULL), first);
    const char *free_one = catalog_picture_work(scene.user, NULL, NULL);
    assert_string_not_equal(catalog_picture_work(scene.user, NULL, NULL), free_one);
}

static void only_its_owner_sets_a_picture_of_a_known_kind(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(
        shoal_video_image(scene.user, video.uuid, "poster", "/nowhere", &err), SHOAL_EINVAL);
    assert_int_equal(shoal_video_image(scene.other, video.uuid, "thumbnail", "/nowhere", &err),
        SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_video_image(scene.user, "no-such-video", "thumbnail", "/nowhere", &err),
        SHOAL_ENOTFOUND);
    assert_int_equal(
        shoal_video_image(scene.user, video.uuid, "thumbnail", "/nowhere", &err), SHOAL_EINVAL);
    assert_string_equal(err.field, "thumbnailfile");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_file_of_a_fit_size_is_refused_by_its_field),
        cmocka_unit_test(a_job_works_in_a_folder_of_its_own),
        cmocka_unit_test(only_its_owner_sets_a_picture_of_a_known_kind),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
