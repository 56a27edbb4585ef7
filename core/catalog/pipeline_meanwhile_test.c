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

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_storage_that_is_away_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
