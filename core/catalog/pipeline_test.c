// pipeline_test.c - a file from the upload to the published video, with a transcoder and a storage
// that stand in for the real ones; held, refused, failed and interrupted on the way.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static struct {
    const char *folder;                 // of the fake storage
    enum shoal_verdict publish, finish; // what the deciders say
    int runs;                           // of the transcoder
    int fail_after;                     // renditions before a run fails; -1: never
    int published, hidden, deleted, states;
    int asked; // video.publish
    void (*fills)(void);
    bool refuses_remux, is_later;
    char key[80], work[512];
    _Atomic bool has_work; ///< key and work were said
    int commit;            // what the closure of a submission returns
    char committed[37];    // the video that it heard of
} fake;

// --- a storage in a folder ---

static const char *object_path(struct shoal_call *call, const char *key)
{
    char *flat = shoal_arena_strdup(shoal_call_arena(call), key);
    for (char *at = flat; *at != '\0'; at++) {
        *at = *at == '/' ? '+' : *at;
    }
    return shoal_arena_printf(shoal_call_arena(call), "%s/%s", fake.folder, flat);
}

struct put {
    FILE *file;
    const char *path;
};

static int put_begin(struct shoal_call *call, void *arg, const char *key, const char *mime,
    int64_t size_bytes, void **out, struct shoal_err *err)
{
    (void)arg;
    (void)mime;
    (void)size_bytes;
    struct put *put = shoal_arena_alloc(shoal_call_arena(call), sizeof(*put));
    put->path = object_path(call, key);
    put->file = fopen(put->path, "w");
    *out = put;
    return put->file != NULL ? 0 : shoal_fail(err, SHOAL_EIO, "cannot write %s", put->path);
}

static int put_write(
    struct shoal_call *call, void *put, const void *data, size_t length, struct shoal_err *err)
{
    (void)call;
    FILE *file = ((struct put *)put)->file;
    return fwrite(data, 1, length, file) == length ? 0 : shoal_fail(err, SHOAL_EIO, "no room");
}

static int put_commit(struct shoal_call *call, void *put, struct shoal_err *err)
{
    (void)call;
    return fclose(((struct put *)put)->file) == 0 ? 0 : shoal_fail(err, SHOAL_EIO, "no room");
}

static void put_abort(struct shoal_call *call, void *put)
{
    (void)call;
    fclose(((struct put *)put)->file);
    unlink(((struct put *)put)->path);
}

static int object_remove(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    unlink(object_path(call, key));
    return 0;
}

// --- a transcoder of words ---

static int write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return SHOAL_EIO;
    }
    fputs(text, file);
    return fclose(file);
}

static int probe(
    struct shoal_call *call, void *arg, const char *path, json_t **out, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    char start[6] = "";
    FILE *file = fopen(path, "r");
    size_t got = file == NULL ? 0 : fread(start, 1, 5, file);
    if (file != NULL) {
        fclose(file);
    }
    if (got != 5 || strcmp(start, "VIDEO") != 0) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "this is not a video");
    }
    *out = json_pack("{s:f, s:{s:i, s:i, s:f}, s:{s:s}, s:{s:[]}}", "duration", 12.4, "video",
        "width", 1280, "height", 720, "fps", 30.0, "audio", "codec", "aac", "raw", "streams");
    return 0;
}

static int remux(struct shoal_call *call, void *arg, const char *path, const json_t *probed,
    const char *out_path, const char *key, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)path;
    (void)probed;
    (void)key;
    if (fake.refuses_remux) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED, "these streams go into no MP4");
    }
    return write_text(out_path, "remuxed") == 0 ? 0 : shoal_fail(err, SHOAL_EIO, "no room");
}

static int images(struct shoal_call *call, void *arg, const char *path, const json_t *probed,
    double at_s, struct shoal_image *list, size_t count, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)path;
    (void)probed;
    (void)at_s;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        list[i].out_width = list[i].width;
        list[i].out_height = list[i].width * 9 / 16;
        write_text(list[i].path, "jpeg");
    }
    return 0;
}

static int takes(struct shoal_call *call, void *arg, const json_t *probed, const json_t *plan)
{
    (void)call;
    (void)arg;
    (void)probed;
    return json_array_size(plan) > 0 ? 0 : SHOAL_EUNSUPPORTED;
}

static const char playlist_text[] = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n"
                                    "#EXT-X-PLAYLIST-TYPE:VOD\n"
                                    "#EXT-X-MAP:URI=\"media.mp4\",BYTERANGE=\"4@0\"\n"
                                    "#EXTINF:4.000000,\n#EXT-X-BYTERANGE:6@4\nmedia.mp4\n"
                                    "#EXTINF:2.000000,\n#EXT-X-BYTERANGE:5@10\nmedia.mp4\n"
                                    "#EXT-X-ENDLIST\n";

static int run(
    struct shoal_call *call, void *arg, const struct shoal_transcode *what, struct shoal_err *err)
{
    (void)arg;
    fake.runs++;
    if (fake.is_later) {
        snprintf(fake.key, sizeof(fake.key), "%s", what->key);
        snprintf(fake.work, sizeof(fake.work), "%s", what->work_path);
        fake.has_work = true;
        return SHOAL_LATER;
    }
    for (size_t i = 0; i < json_array_size(what->plan); i++) {
        int resolution = (int)shoal_integer(json_array_get(what->plan, i), "resolution", -1);
        if (fake.fail_after == (int)i) {
            fake.fail_after = -1;
            return shoal_fail(err, SHOAL_EIO, "the power went away");
        }
        struct shoal_rendition rendition = {.size = sizeof(rendition),
            .resolution = resolution,
            .width = resolution * 16 / 9,
            .height = resolution,
            .fps = 29.97,
            .has_video = true,
            .has_audio = true,
            .codecs = "avc1.64001f,mp4a.40.2",
            .bitrate_bps = resolution * 1000,
            .media_path = shoal_arena_printf(
                shoal_call_arena(call), "%s/%d.mp4", what->work_path, resolution),
            .playlist_path = shoal_arena_printf(
                shoal_call_arena(call), "%s/%d.m3u8", what->work_path, resolution)};
        write_text(rendition.media_path, "initSEGONESEG22");
        write_text(rendition.playlist_path, playlist_text);
        int code = what->progress(what->user, (int)(i * 50));
        code = code == 0 ? what->ready(what->user, &rendition, err) : code;
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

// --- the plugin that has both and listens ---

static enum shoal_verdict on_publish(struct shoal_call *call, json_t *event, void *arg)
{
    (void)event;
    (void)arg;
    fake.asked++;
    return fake.publish == SHOAL_HOLD     ? shoal_hold(call, "a moderator will look")
           : fake.publish == SHOAL_REFUSE ? shoal_refuse(call, "not here")
                                          : SHOAL_PASS;
}

static enum shoal_verdict on_finish(struct shoal_call *call, json_t *event, void *arg)
{
    (void)arg;
    if (fake.fills != NULL) {
        fake.fills(); // there is less room than there was when this one was looked at
    }
    assert_string_equal(shoal_text(event, "source", ""), "upload");
    return fake.finish == SHOAL_HOLD     ? shoal_hold(call, "first a look")
           : fake.finish == SHOAL_REFUSE ? shoal_refuse(call, "no such files")
                                         : SHOAL_PASS;
}

static int on_tell(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    assert_non_null(shoal_text(event, "video.uuid", NULL));
    ++*(int *)arg;
    return 0;
}

static int on_fill(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    json_array_append_new(shoal_get(*value, "video.tags"), json_string("filled"));
    return 0;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_storage storage = {.size = sizeof(storage),
        .put_begin = put_begin,
        .put_write = put_write,
        .put_commit = put_commit,
        .put_abort = put_abort,
        .remove = object_remove,
        .durable = true};
    static const struct shoal_svc_transcoder transcoder = {.size = sizeof(transcoder),
        .probe = probe,
        .remux = remux,
        .images = images,
        .takes = takes,
        .run = run};
    int code = shoal_provide(self, "storage", &storage, NULL, err);
    code = code == 0 ? shoal_provide(self, "transcoder", &transcoder, NULL, err) : code;
    code = code == 0 ? shoal_decide(self, "video.publish", on_publish, NULL) : code;
    code = code == 0 ? shoal_decide(self, "upload.finish", on_finish, NULL) : code;
    code = code == 0 ? shoal_filter(self, "video.fill", on_fill, NULL) : code;
    code = code == 0 ? shoal_tell(self, "video.published", on_tell, &fake.published) : code;
    code = code == 0 ? shoal_tell(self, "video.hidden", on_tell, &fake.hidden) : code;
    code = code == 0 ? shoal_tell(self, "video.deleted", on_tell, &fake.deleted) : code;
    return code == 0 ? shoal_tell(self, "video.state", on_tell, &fake.states) : code;
}

static const struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "storage_fake",
    .start = start};
static const char manifest[] =
    "{\"name\": \"storage_fake\", \"version\": \"1.0.0\", \"summary\": \"Stands in.\", "
    "\"licence\": \"MIT\", \"sdk\": \"^1.0.0\", \"language\": \"c\", "
    "\"provides\": [\"storage\", \"transcoder\"], \"permissions\": [\"media\", "
    "\"read:videos\", \"read:users\"], \"hooks\": [\"video.publish\", \"upload.finish\", "
    "\"video.fill\", \"video.published\", \"video.hidden\", \"video.deleted\", "
    "\"video.state\"]}";

// --- the scene ---

struct scene {
    struct shoal_kit *kit;
    struct shoal_call *user, *nobody, *system;
    int64_t channel_id;
    char path[512], uuid[37];
};

static int setup(void **state)
{
    static struct scene scene;
    static char folder[512];
    struct shoal_err err = {0};
    memset(&fake, 0, sizeof(fake));
    fake.fail_after = -1;
    scene.kit = shoal_kit_new(NULL);
    snprintf(folder, sizeof(folder), "%s/fake", shoal_kit_folder(scene.kit));
    mkdir(folder, 0700);
    fake.folder = folder;
    if (shoal_kit_load_text(scene.kit, &descriptor, manifest, NULL, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.system = shoal_kit_system(scene.kit);
    scene.channel_id = test_channel_of(scene.user);
    snprintf(scene.path, sizeof(scene.path), "%s/upload.tmp", shoal_kit_folder(scene.kit));
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    shoal_kit_free(((struct scene *)*state)->kit);
    return 0;
}

static int on_commit(struct shoal_call *call, struct shoal_db *tx, const json_t *video, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    assert_ptr_equal(shoal_call_db(call), tx);
    snprintf(fake.committed, sizeof(fake.committed), "%s", shoal_text(video, "uuid", ""));
    return fake.commit == 0 ? 0 : shoal_fail(err, fake.commit, "the promise was not written");
}

static int submit(struct scene *scene, const char *bytes, bool waits, struct shoal_err *err)
{
    write_text(scene->path, bytes);
    json_t *draft = json_pack("{s:s, s:I, s:i, s:b, s:[s]}", "name", "Fish in a tank", "channelId",
        (json_int_t)scene->channel_id, "privacy", 1, "waitTranscoding", waits, "tags", "sea");
    json_t *file =
        json_pack("{s:s, s:i, s:s}", "name", "fish.mp4", "size_bytes", 10, "mime", "video/mp4");
    int code = shoal_upload_begin(scene->user, draft, file, "upload", err);
    struct shoal_submission what = {.draft = draft,
        .path = scene->path,
        .filename = "fish.mp4",
        .sha256 = "00",
        .size_bytes = strlen(bytes),
        .source = "upload",
        .commit = on_commit};
    json_t *video = NULL;
    code = code == 0 ? shoal_media_submit(scene->user, &what, &video, err) : code;
    if (code == 0) {
        snprintf(scene->uuid, sizeof(scene->uuid), "%s", shoal_text(video, "uuid", ""));
    }
    json_decref(video);
    json_decref(file);
    json_decref(draft);
    return code;
}

static json_t *video_of(struct shoal_call *call, struct scene *scene, int expected)
{
    struct shoal_err err = {0};
    json_t *video = shoal_video_get(call, scene->uuid, NULL, &err);
    if (err.code != expected) {
        fail_msg("%s instead of %s: %s", shoal_error_name(err.code), shoal_error_name(expected),
            err.text);
    }
    return video;
}

static void settle(struct scene *scene)
{
    assert_true(shoal_kit_idle(scene->kit, 60000));
}

static char *object_text(struct scene *scene, const char *url)
{
    const char *name = strrchr(url, '/') + 1;
    char path[1024];
    snprintf(path, sizeof(path), "%s/hls+%s+%s", fake.folder, scene->uuid, name);
    struct shoal_buf text = {0};
    struct shoal_err err = {0};
    if (shoal_file_read_whole(path, 1 << 20, &text, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return shoal_buf_take(&text, NULL);
}

// --- the cases ---

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

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
