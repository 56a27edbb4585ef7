// files_test.c - the table of media files: kept whole, listed by size, removed later.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
} scene;

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

struct adding {
    struct catalog_file file;
    int64_t id;
    bool removes, queues;
};

static int adding_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    struct adding *adding = arg;
    if (adding->queues) {
        return catalog_objects_remove(tx, &adding->file, 1, err);
    }
    return adding->removes ? catalog_file_remove(tx, adding->file.id, err)
                           : catalog_file_add(tx, &adding->file, &adding->id, err);
}

static int64_t file_make(const struct catalog_file *file)
{
    struct adding adding = {.file = *file};
    struct shoal_err err = {0};
    if (shoal_tx(scene.system, adding_tx, &adding, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return adding.id;
}

static struct catalog_file named(int64_t video_id, const char *kind, const char *name, int height)
{
    return (struct catalog_file){.video_id = video_id,
        .kind = kind,
        .version = 1,
        .name = name,
        .mime = "video/mp4",
        .storage = "fs",
        .key = name,
        .resolution = height,
        .width = height * 16 / 9,
        .height = height};
}

static void a_file_comes_back_as_it_was_added(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct catalog_file *files = NULL;
    size_t count = 0;
    struct catalog_file file = named(video.id, "web_video", "whole.mp4", 720);
    file.version = 3;
    file.size_bytes = INT64_C(5000000000);
    file.bitrate_bps = 1234567;
    file.fps = 50;
    file.codecs = "avc1,mp4a";
    file.segments = "{}";
    file.metadata = "{\"a\":1}";
    file.has_video = true;
    file.is_ready = true;
    int64_t id = file_make(&file);
    assert_int_equal(catalog_files_get(scene.system, video.id, NULL, &files, &count, NULL), 0);
    assert_int_equal(count, 1);
    const struct catalog_file *got = &files[0];
    assert_int_equal(got->id, id);
    assert_int_equal(got->video_id, video.id);
    assert_int_equal(got->version, 3);
    assert_int_equal(got->size_bytes, INT64_C(5000000000));
    assert_int_equal(got->bitrate_bps, 1234567);
    assert_string_equal(got->kind, "web_video");
    assert_string_equal(got->name, "whole.mp4");
    assert_string_equal(got->mime, "video/mp4");
    assert_string_equal(got->storage, "fs");
    assert_string_equal(got->key, "whole.mp4");
    assert_null(got->url);
    assert_string_equal(got->codecs, "avc1,mp4a");
    assert_string_equal(got->segments, "{}");
    assert_string_equal(got->metadata, "{\"a\":1}");
    assert_int_equal(got->resolution, 720);
    assert_int_equal(got->width, 1280);
    assert_int_equal(got->height, 720);
    assert_int_equal(got->fps, 50);
    assert_true(got->has_video && !got->has_audio && got->is_ready);
    assert_true(got->created_ms > 0);
}

static void files_are_listed_by_kind_and_size(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct test_video other = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct catalog_file *files = NULL;
    size_t count = 0;
    char name[32];
    static const int heights[] = {240, 1080, 480};
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "list-%d.mp4", heights[i]);
        struct catalog_file file = named(video.id, "hls_media", name, heights[i]);
        file_make(&file);
    }
    struct catalog_file web = named(video.id, "web_video", "list-web.mp4", 720);
    struct catalog_file foreign = named(other.id, "hls_media", "list-other.mp4", 2160);
    file_make(&web);
    file_make(&foreign);
    assert_int_equal(
        catalog_files_get(scene.system, video.id, "hls_media", &files, &count, NULL), 0);
    assert_int_equal(count, 3);
    assert_int_equal(files[0].resolution, 1080);
    assert_int_equal(files[1].resolution, 480);
    assert_int_equal(files[2].resolution, 240);
    assert_int_equal(catalog_files_get(scene.system, video.id, NULL, &files, &count, NULL), 0);
    assert_int_equal(count, 4);
    assert_int_equal(catalog_files_get(scene.system, video.id, "none", &files, &count, NULL), 0);
    assert_int_equal(count, 0);
    assert_int_equal(catalog_files_get(scene.system, other.id, NULL, &files, &count, NULL), 0);
    struct adding gone = {.file = {.id = files[0].id}, .removes = true};
    assert_int_equal(shoal_tx(scene.system, adding_tx, &gone, NULL), 0);
    assert_int_equal(catalog_files_get(scene.system, other.id, NULL, &files, &count, NULL), 0);
    assert_int_equal(count, 0);
}

static void many_files_are_all_listed(void **state)
{
    (void)state;
    struct test_video video =
        test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    struct catalog_file *files = NULL;
    size_t count = 0;
    char name[32];
    for (int i = 0; i < 40; i++) { // more than once the room that is made at a time
        snprintf(name, sizeof name, "many-%d.mp4", i);
        struct catalog_file file = named(video.id, "web_video", name, 1000 - i);
        file_make(&file);
    }
    assert_int_equal(catalog_files_get(scene.system, video.id, NULL, &files, &count, NULL), 0);
    assert_int_equal(count, 40);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(files[i].resolution, 1000 - (int)i);
        snprintf(name, sizeof name, "many-%zu.mp4", i);
        assert_string_equal(files[i].name, name);
    }
}

static int64_t jobs_waiting(void)
{
    json_t *jobs = shoal_jobs_list(scene.system, "waiting", 0, 100, NULL);
    int64_t count = (int64_t)json_array_size(jobs);
    json_decref(jobs);
    return count;
}

static void only_objects_of_ours_are_removed(void **state)
{
    (void)state;
    struct adding far = {.file = named(1, "web_video", "far.mp4", 720), .queues = true};
    struct adding near = far;
    far.file.url = "https://elsewhere.example/far.mp4";
    int64_t before = jobs_waiting();
    assert_int_equal(shoal_tx(scene.system, adding_tx, &far, NULL), 0);
    assert_int_equal(jobs_waiting(), before);
    assert_int_equal(shoal_tx(scene.system, adding_tx, &near, NULL), 0);
    assert_int_equal(jobs_waiting(), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back_as_it_was_added),
        cmocka_unit_test(files_are_listed_by_kind_and_size),
        cmocka_unit_test(many_files_are_all_listed),
        cmocka_unit_test(only_objects_of_ours_are_removed),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
