// pipeline_test.c - a file from the upload to the published video, with a transcoder and a storage
// that stand in for the real ones; held, refused, failed and interrupted on the way.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/pipeline_test.h"

static void a_video_plays_after_the_remux_and_ends_published(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    assert_int_equal(access(scene->path, F_OK), -1);
    json_t *mine = video_of(scene->user, scene, 0);
    assert_int_equal(json_array_size(json_object_get(mine, "files")), 1);
    json_decref(mine);
    settle(scene);
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(shoal_integer(video, "state.id", 0), SHOAL_STATE_PUBLISHED);
    assert_int_equal(shoal_integer(video, "duration", 0), 12);
    assert_string_equal(shoal_text(video, "files.0.resolution.label", ""), "720p");
    assert_int_equal(shoal_integer(video, "streamingPlaylists.0.files.0.resolution.id", 0), 720);
    assert_int_equal(shoal_integer(video, "streamingPlaylists.0.files.1.resolution.id", 0), 360);
    assert_string_equal(shoal_text(video, "tags.1", ""), "filled");
    assert_non_null(shoal_text(video, "thumbnailPath", NULL));
    assert_int_equal(shoal_integer(video, "thumbnails.0.width", 0), 280);
    assert_int_equal(shoal_integer(video, "thumbnails.1.width", 0), 850);
    json_decref(video);
    assert_int_equal(fake.published, 1);
    assert_int_equal(fake.asked, 1);
    assert_true(fake.states >= 1);
}

static void playlists_name_files_and_hashes_match_the_bytes(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    json_t *video = video_of(scene->nobody, scene, 0);
    const char *media = shoal_text(video, "streamingPlaylists.0.files.1.fileUrl", "");
    const char *name = strrchr(media, '/') + 1;
    char *master = object_text(scene, shoal_text(video, "streamingPlaylists.0.playlistUrl", ""));
    assert_non_null(strstr(master, "RESOLUTION=640x360,FRAME-RATE=30,CODECS=\"avc1.64001f,"));
    assert_true(strstr(master, "-360.m3u8\n") < strstr(master, "-720.m3u8\n"));
    char *list =
        object_text(scene, shoal_text(video, "streamingPlaylists.0.files.1.playlistUrl", ""));
    assert_null(strstr(list, "media.mp4"));
    assert_non_null(strstr(list, name));
    char *hashes =
        object_text(scene, shoal_text(video, "streamingPlaylists.0.segmentsSha256Url", ""));
    json_t *all = json_loads(hashes, 0, NULL);
    assert_int_equal(json_object_size(all), 2);
    unsigned char hash[32];
    char hex[65];
    crypto_hash_sha256(hash, (const unsigned char *)"SEGONE", 6);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    const json_t *ranges = json_object_get(all, name);
    assert_int_equal(json_object_size(ranges), 2);
    assert_string_equal(json_string_value(json_object_get(ranges, "4-9")), hex);
    assert_non_null(json_object_get(ranges, "10-14"));
    json_decref(all);
    free(hashes);
    free(list);
    free(master);
    json_decref(video);
}

static void with_wait_transcoding_nobody_sees_it_before_a_rendition(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", true, &err), 0);
    assert_null(video_of(scene->nobody, scene, SHOAL_EAUTH));
    settle(scene);
    json_decref(video_of(scene->nobody, scene, 0));
    assert_int_equal(fake.published, 1);
}

static void an_interrupted_ladder_goes_on_where_it_was(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    fake.fail_after = 1;
    assert_int_equal(submit(scene, "VIDEO bytes", true, &err), 0);
    settle(scene);
    assert_int_equal(fake.runs, 2);
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(json_array_size(shoal_get(video, "streamingPlaylists.0.files")), 2);
    assert_int_equal(shoal_integer(video, "state.id", 0), SHOAL_STATE_PUBLISHED);
    json_decref(video);
    assert_int_equal(fake.published, 1);
    assert_int_equal(fake.asked, 1);
}

static void streams_that_go_into_no_mp4_wait_for_the_ladder(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    fake.refuses_remux = true;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(json_array_size(json_object_get(video, "files")), 0);
    assert_int_equal(json_array_size(shoal_get(video, "streamingPlaylists.0.files")), 2);
    json_decref(video);
}

static void what_is_no_video_leaves_nothing_behind(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "hello", false, &err), SHOAL_EUNREADABLE);
    assert_string_equal(err.text, "this is not a video");
    assert_int_equal(access(scene->path, F_OK), 0);
    json_t *query = json_pack("{s:b}", "mine", 1);
    json_t *list = shoal_video_list(scene->user, query, &err);
    assert_int_equal(shoal_integer(list, "total", -1), 0);
    json_decref(list);
    json_decref(query);
}

static void what_is_promised_with_a_video_is_true_with_it(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    char source[600];
    fake.commit = SHOAL_EFULL;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), SHOAL_EFULL);
    assert_string_equal(err.text, "the promise was not written");
    assert_int_equal(access(scene->path, F_OK), 0); // as it was, to be handed in again
    snprintf(source, sizeof(source), "%s/uploads/%s-1.source", shoal_kit_folder(scene->kit),
        fake.committed);
    assert_int_equal(access(source, F_OK), -1);
    memcpy(scene->uuid, fake.committed, sizeof(fake.committed));
    assert_null(video_of(scene->system, scene, SHOAL_ENOTFOUND));
    fake.commit = 0;
    err = (struct shoal_err){0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    assert_string_equal(fake.committed, scene->uuid);
    settle(scene);
}

static void a_held_video_waits_for_its_release(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    char subject[64];
    fake.publish = SHOAL_HOLD;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    assert_null(video_of(scene->nobody, scene, SHOAL_EAUTH));
    json_t *mine = video_of(scene->user, scene, 0);
    assert_true(shoal_flag(mine, "blacklisted", false));
    assert_string_equal(shoal_text(mine, "blacklistedReason", ""), "a moderator will look");
    json_decref(mine);
    assert_int_equal(fake.published, 0);
    snprintf(subject, sizeof(subject), "video:%s", scene->uuid);
    assert_int_equal(shoal_release(scene->system, "video.publish", subject, NULL, &err), 0);
    settle(scene);
    json_decref(video_of(scene->nobody, scene, 0));
    assert_int_equal(fake.published, 1);
}

static void a_held_upload_is_kept_and_goes_on_when_released(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    char subject[64];
    fake.finish = SHOAL_HOLD;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    assert_int_equal(fake.runs, 0);
    snprintf(subject, sizeof(subject), "video:%s", scene->uuid);
    assert_int_equal(shoal_release(scene->system, "upload.finish", subject, NULL, &err), 0);
    settle(scene);
    json_decref(video_of(scene->nobody, scene, 0));
}

static void a_refused_upload_is_an_error(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    fake.finish = SHOAL_REFUSE;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), SHOAL_EFORBIDDEN);
    assert_string_equal(err.text, "no such files");
    assert_int_equal(access(scene->path, F_OK), 0);
}

SHOAL_SQL(test_fill, "UPDATE catalog_user SET video_quota = 15 WHERE username = 'alice'");
static struct shoal_call *filling;

static int fill_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    return shoal_db_exec(tx, &test_fill, SHOAL_NOARGS, NULL, err);
}

static void fill(void)
{
    assert_int_equal(shoal_tx(filling, fill_tx, NULL, NULL), 0);
}

static void uploads_at_once_do_not_outgrow_a_quota(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    filling = scene->system;
    fake.fills = fill;
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), SHOAL_ETOOLARGE);
    assert_string_equal(err.api_code, "quota_reached");
    assert_int_equal(access(scene->path, F_OK), 0);
}

static int set_privacy(struct scene *scene, int privacy, struct shoal_err *err)
{
    json_t *fields = json_pack("{s:i}", "privacy", privacy);
    int code = shoal_video_update(scene->user, scene->uuid, fields, err);
    json_decref(fields);
    return code;
}

static void a_wider_privacy_asks_again(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    char subject[64];
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    assert_int_equal(set_privacy(scene, SHOAL_PRIVACY_PRIVATE, &err), 0);
    settle(scene);
    assert_int_equal(fake.hidden, 1);
    assert_null(video_of(scene->nobody, scene, SHOAL_EAUTH));
    fake.publish = SHOAL_REFUSE;
    assert_int_equal(set_privacy(scene, SHOAL_PRIVACY_PUBLIC, &err), SHOAL_EFORBIDDEN);
    assert_string_equal(err.text, "not here");
    fake.publish = SHOAL_HOLD;
    err = (struct shoal_err){0};
    assert_int_equal(set_privacy(scene, SHOAL_PRIVACY_PUBLIC, &err), 0);
    assert_null(video_of(scene->nobody, scene, SHOAL_EAUTH));
    snprintf(subject, sizeof(subject), "video:%s", scene->uuid);
    assert_int_equal(shoal_release(scene->system, "video.publish", subject, NULL, &err), 0);
    json_decref(video_of(scene->nobody, scene, 0));
}

static void media_tokens_end_when_access_narrows(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    json_t *given = shoal_media_token(scene->nobody, scene->uuid, NULL, "play", &err);
    const char *token = shoal_text(given, "token", "");
    assert_int_equal(shoal_media_token_check(token, scene->uuid), 0);
    assert_int_equal(
        shoal_media_token_check(token, "11111111-2222-4333-8444-555555555555"), SHOAL_EFORBIDDEN);
    char *forged = shoal_arena_strdup(scene->nobody->arena, token);
    forged[20] = forged[20] == 'A' ? 'B' : 'A';
    assert_int_equal(shoal_media_token_check(forged, scene->uuid), SHOAL_EFORBIDDEN);
    usleep(5000);
    assert_int_equal(set_privacy(scene, SHOAL_PRIVACY_PRIVATE, &err), 0);
    assert_int_equal(shoal_media_token_check(token, scene->uuid), SHOAL_EFORBIDDEN);
    json_decref(given);
    usleep(5000);
    given = shoal_media_token(scene->user, scene->uuid, NULL, "play", &err);
    assert_int_equal(shoal_media_token_check(shoal_text(given, "token", ""), scene->uuid), 0);
    json_decref(given);
    assert_null(shoal_media_token(scene->nobody, scene->uuid, NULL, "play", &err));
}

static void files_are_found_by_their_urls(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    struct shoal_media_file file;
    char name[64];
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    json_t *video = video_of(scene->nobody, scene, 0);
    const char *web = strrchr(shoal_text(video, "files.0.fileUrl", "/"), '/') + 1;
    assert_int_equal(shoal_media_find(scene->nobody, "web_video", NULL, web, &file, &err), 0);
    assert_true(file.is_ready && !file.is_private);
    assert_string_equal(file.storage, "storage_fake");
    assert_string_equal(file.download_name, "Fish in a tank-720p.mp4");
    snprintf(name, sizeof(name), "%s-360-fragmented.mp4", scene->uuid);
    assert_int_equal(shoal_media_find(scene->nobody, "hls_media", NULL, name, &file, &err), 0);
    assert_int_equal(file.resolution, 360);
    snprintf(name, sizeof(name), "%s-1.source", scene->uuid);
    assert_int_equal(
        shoal_media_find(scene->nobody, "source", NULL, name, &file, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_media_find(scene->nobody, "web_video",
                         "11111111-2222-4333-8444-555555555555", web, &file, &err),
        SHOAL_ENOTFOUND);
    assert_int_equal(set_privacy(scene, SHOAL_PRIVACY_PRIVATE, &err), 0);
    assert_int_equal(shoal_media_find(scene->nobody, "web_video", NULL, web, &file, &err), 0);
    assert_true(file.is_private);
    json_decref(video);
}

static void a_deleted_video_is_gone_and_told(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    assert_int_equal(shoal_video_delete(scene->nobody, scene->uuid, &err), SHOAL_EAUTH);
    assert_int_equal(shoal_video_delete(scene->user, scene->uuid, &err), 0);
    settle(scene);
    err = (struct shoal_err){0};
    assert_null(video_of(scene->user, scene, SHOAL_ENOTFOUND));
    assert_int_equal(fake.deleted, 1);
}

static void a_transcoder_may_answer_later(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    char media[600];
    char playlist[600];
    fake.is_later = true;
    assert_int_equal(submit(scene, "VIDEO bytes", true, &err), 0);
    for (int i = 0; i < 500 && !fake.has_work; i++) {
        usleep(10000);
    }
    usleep(100000);
    assert_null(video_of(scene->nobody, scene, SHOAL_EAUTH));
    snprintf(media, sizeof(media), "%s/later.mp4", fake.work);
    snprintf(playlist, sizeof(playlist), "%s/later.m3u8", fake.work);
    assert_int_equal(write_text(media, "initSEGONESEG22"), 0);
    assert_int_equal(write_text(playlist, playlist_text), 0);
    struct shoal_rendition rendition = {.size = sizeof(rendition),
        .resolution = 360,
        .width = 640,
        .height = 360,
        .fps = 30,
        .has_video = true,
        .media_path = media,
        .playlist_path = playlist,
        .codecs = "avc1.64001e",
        .bitrate_bps = 500000};
    assert_int_equal(shoal_rendition_done(scene->system, "transcode:x", &rendition, 0, NULL, &err),
        SHOAL_ENOTFOUND);
    assert_int_equal(shoal_rendition_done(scene->system, fake.key, &rendition, 0, NULL, &err), 0);
    settle(scene);
    json_t *video = video_of(scene->nobody, scene, 0);
    assert_int_equal(json_array_size(shoal_get(video, "streamingPlaylists.0.files")), 1);
    json_decref(video);
    assert_int_equal(fake.published, 1);
}

static void a_replaced_file_is_asked_about_again(void **state)
{
    struct scene *scene = *state;
    struct shoal_err err = {0};
    assert_int_equal(submit(scene, "VIDEO bytes", false, &err), 0);
    settle(scene);
    write_text(scene->path, "VIDEO two");
    json_t *video = NULL;
    struct shoal_submission what = {.video = scene->uuid,
        .path = scene->path,
        .filename = "two.mp4",
        .size_bytes = 9,
        .source = "upload"};
    assert_int_equal(shoal_media_submit(scene->user, &what, &video, &err), 0);
    json_decref(video);
    settle(scene);
    json_t *shown = video_of(scene->nobody, scene, 0);
    assert_int_equal(json_array_size(shoal_get(shown, "streamingPlaylists.0.files")), 2);
    assert_non_null(shoal_text(shown, "inputFileUpdatedAt", NULL));
    json_decref(shown);
    assert_int_equal(fake.asked, 2);
    assert_int_equal(fake.published, 1);
    assert_int_equal(fake.runs, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_video_plays_after_the_remux_and_ends_published),
        CASE(playlists_name_files_and_hashes_match_the_bytes),
        CASE(with_wait_transcoding_nobody_sees_it_before_a_rendition),
        CASE(an_interrupted_ladder_goes_on_where_it_was),
        CASE(streams_that_go_into_no_mp4_wait_for_the_ladder),
        CASE(what_is_no_video_leaves_nothing_behind),
        CASE(what_is_promised_with_a_video_is_true_with_it),
        CASE(a_held_video_waits_for_its_release),
        CASE(a_held_upload_is_kept_and_goes_on_when_released),
        CASE(a_refused_upload_is_an_error),
        CASE(uploads_at_once_do_not_outgrow_a_quota),
        CASE(a_wider_privacy_asks_again),
        CASE(media_tokens_end_when_access_narrows),
        CASE(files_are_found_by_their_urls),
        CASE(a_deleted_video_is_gone_and_told),
        CASE(a_transcoder_may_answer_later),
        CASE(a_replaced_file_is_asked_about_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
