// pipeline_meanwhile_test.c - what happens beside the pipeline: a storage goes away, others are faster.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/pipeline_test.h"

static void a_storage_that_is_away_is_waited_for(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    fake.away = 16; // more than the tries of the remux and of the pictures
    fake.hls_away = 9;
    setenv("SHOAL_DRILL_FULL", "10", 1);
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    unsetenv("SHOAL_DRILL_FULL");
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(shoal_integer(video, "state.id", 0), SHOAL_STATE_PUBLISHED);
    assert_string_equal(shoal_text(video, "files.0.resolution.label", ""), "720p");
    assert_int_equal(shoal_integer(video, "streamingPlaylists.0.files.1.resolution.id", 0), 360);
    assert_int_equal(shoal_integer(video, "thumbnails.1.width", 0), 850);
    json_decref(video);
}

static struct shoal_call *other;

// One of the renditions that are made elsewhere comes in.
static void hand_over(struct shoal_call *call, int resolution)
{
    struct shoal_err err = {0};
    char media[600];
    char playlist[600];
    snprintf(media, sizeof(media), "%s/%d.mp4", fake.work, resolution);
    snprintf(playlist, sizeof(playlist), "%s/%d.m3u8", fake.work, resolution);
    assert_int_equal(write_text(media, "initSEGONESEG22"), 0);
    assert_int_equal(write_text(playlist, playlist_text), 0);
    struct shoal_rendition rendition = {.size = sizeof(rendition),
        .resolution = resolution,
        .width = resolution * 16 / 9,
        .height = resolution,
        .fps = 30,
        .has_video = true,
        .media_path = media,
        .playlist_path = playlist,
        .codecs = "avc1.64001e",
        .bitrate_bps = 500000};
    if (shoal_rendition_done(call, fake.key, &rendition, SHOAL_LATER, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void the_smaller_one(void)
{
    hand_over(other, 360);
}

static void the_same_one(void)
{
    hand_over(other, 480);
}

static void renditions_at_once_are_all_in_the_lists(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    fake.is_later = true;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    for (int i = 0; i < 500 && !fake.has_work; i++) {
        usleep(10000);
    }
    usleep(100000);
    other = shoal_kit_system(scene->kit);
    fake.meanwhile = the_smaller_one;
    hand_over(scene->system, 720);
    fake.meanwhile = the_same_one;
    hand_over(scene->system, 480);
    assert_int_equal(shoal_rendition_done(scene->system, fake.key, NULL, 0, NULL, &err), 0);
    settle(scene);
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(json_array_size(shoal_get(video, "streamingPlaylists.0.files")), 3);
    char *master = object_text(scene, shoal_text(video, "streamingPlaylists.0.playlistUrl", ""));
    char *hashes = object_text(scene, shoal_text(video, "streamingPlaylists.0.segmentsSha256Url", ""));
    for (int i = 0; i < 3; i++) {
        char path[] = "streamingPlaylists.0.files.0.fileUrl";
        path[27] = (char)('0' + i);
        const char *url = shoal_text(video, path, NULL);
        assert_non_null(url);
        assert_non_null(strstr(hashes, strrchr(url, '/') + 1));
    }
    assert_non_null(strstr(master, "1280x720"));
    assert_non_null(strstr(master, "853x480"));
    assert_non_null(strstr(master, "640x360"));
    free(hashes);
    free(master);
    json_decref(video);
}

static struct scene *replaced;

static int replace(struct shoal_call *call, const char *name, struct shoal_err *err)
{
    char path[600];
    json_t *video = NULL;
    snprintf(path, sizeof(path), "%s.%s", replaced->path, name);
    assert_int_equal(write_text(path, "VIDEO again"), 0);
    struct shoal_submission what = {.video = replaced->uuid,
        .path = path,
        .filename = name,
        .size_bytes = 11,
        .source = "upload"};
    int code = shoal_media_submit(call, &what, &video, err);
    json_decref(video);
    return code;
}

static void the_other_one(void)
{
    struct shoal_err err = {0};
    fake.fills = NULL;
    assert_int_equal(replace(other, "faster.mp4", &err), 0);
}

static void files_that_replace_one_at_once_are_two(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    struct catalog_video video;
    replaced = scene;
    other = shoal_kit_system(scene->kit);
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    fake.fills = the_other_one; // after it was looked at, before it is kept
    assert_int_equal(replace(scene->user, "slower.mp4", &err), 0);
    settle(scene);
    assert_int_equal(catalog_video_find(scene->system, scene->uuid, &video, NULL, &err), 0);
    assert_int_equal(video.version, 3);
    assert_int_equal(video.state, SHOAL_STATE_PUBLISHED);
}

static void it_is_deleted(void)
{
    struct shoal_err err = {0};
    for (int i = 0; i < 1000 && replaced->uuid[0] == '\0'; i++) {
        usleep(10000); // the job is quicker than the answer that names the video
    }
    assert_int_equal(shoal_video_delete(other, replaced->uuid, &err), 0);
}

// Its files go at once with it, under the hands of the jobs that read them.
static void a_job_whose_video_is_deleted_does_not_fail(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    replaced = scene;
    other = shoal_kit_system(scene->kit);
    for (int i = 0; i < 4; i++) { // whichever comes first, pictures or remux
        scene->uuid[0] = '\0';
        fake.goes = it_is_deleted;
        assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
        settle(scene);
        json_t *parked = shoal_jobs_list(scene->system, "parked", 0, 100, NULL);
        assert_int_equal(json_array_size(parked), 0);
        json_decref(parked);
    }
}

static void its_source_goes(void)
{
    struct catalog_video video;
    assert_int_equal(catalog_video_find(other, replaced->uuid, &video, NULL, NULL), 0);
    assert_int_equal(unlink(catalog_source_path(other, &video, NULL)), 0);
}

static int pictures_again(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    static const char *const kinds[] = {"thumbnail", "preview"};
    const struct catalog_video *video = arg;
    int code = 0;
    for (int i = 0; i < 2 && code == 0; i++) {
        struct catalog_file *files = NULL;
        size_t count = 0;
        code = catalog_files_get(call, video->id, kinds[i], &files, &count, err);
        for (size_t k = 0; k < count && code == 0; k++) {
            code = catalog_file_remove(tx, files[k].id, err);
        }
    }
    return code == 0 ? catalog_step_add(call, tx, "core.images", video, NULL, err) : code;
}

// The ladder does not wait for the pictures, and takes the source away behind itself.
static void pictures_are_made_of_a_rendition_when_the_source_goes(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    struct catalog_video video;
    replaced = scene;
    other = shoal_kit_system(scene->kit);
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    assert_int_equal(catalog_video_find(other, scene->uuid, &video, NULL, &err), 0);
    for (int i = 0; i < 2; i++) { // under its hands, and before it begins
        fake.goes = i == 0 ? its_source_goes : NULL;
        assert_int_equal(shoal_tx(other, pictures_again, &video, &err), 0);
        json_t *without = video_of(scene->nobody, scene, 0);
        assert_int_equal(json_array_size(json_object_get(without, "thumbnails")), 0);
        json_decref(without);
        settle(scene);
        assert_null(fake.goes);
        json_t *parked = shoal_jobs_list(scene->system, "parked", 0, 100, NULL);
        assert_int_equal(json_array_size(parked), 0);
        json_decref(parked);
        json_t *with = video_of(scene->nobody, scene, 0);
        assert_int_equal(json_array_size(json_object_get(with, "thumbnails")), 2);
        json_decref(with);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_storage_that_is_away_is_waited_for),
        CASE(renditions_at_once_are_all_in_the_lists),
        CASE(files_that_replace_one_at_once_are_two),
        CASE(a_job_whose_video_is_deleted_does_not_fail),
        CASE(pictures_are_made_of_a_rendition_when_the_source_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
