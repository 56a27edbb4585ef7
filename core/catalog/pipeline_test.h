// pipeline_test.h - what the tests of the pipeline share: a storage, a transcoder, a user who uploads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_PIPELINE_TEST_H
#define SHOAL_CORE_CATALOG_PIPELINE_TEST_H
#include "catalog/catalog_test.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/file.h"

static struct {
    const char *folder;                 // of the fake storage
    enum shoal_verdict publish, finish; // what the deciders say
    int runs;                           // of the transcoder
    int fail_after;                     // renditions before a run fails; -1: never
    atomic_int away, hls_away;          // how many objects the storage will not take
    void (*_Atomic meanwhile)(void);    // called once, as a master playlist is stored
    int published, hidden, deleted, states;
    int asked; // video.publish
    void (*fills)(void);
    void (*_Atomic goes)(void); // called once, by images() and by remux(), which then read nothing
    bool refuses_remux, is_later, refuses_boards;
    int boards; // that were made
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
    atomic_int *away = strncmp(key, "hls/", 4) == 0 ? &fake.hls_away : &fake.away;
    if ((*away)-- > 0) {
        return shoal_fail(err, SHOAL_EIO, "it is away");
    }
    void (*meanwhile)(void) = fake.meanwhile;
    if (meanwhile != NULL && strstr(key, "-master.m3u8") != NULL) {
        fake.meanwhile = NULL;
        meanwhile();
    }
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

static int64_t object_read(struct shoal_call *call, void *arg, const char *key, uint64_t offset,
    void *out, size_t length, struct shoal_err *err)
{
    (void)arg;
    FILE *file = fopen(object_path(call, key), "rb");
    if (file == NULL || fseek(file, (long)offset, SEEK_SET) != 0) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no %s", key);
    }
    size_t got = fread(out, 1, length, file);
    fclose(file);
    return (int64_t)got;
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
    if (got != 5 || (strcmp(start, "VIDEO") != 0 && strcmp(start, "remux") != 0)) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "this is not a video");
    }
    *out = json_pack("{s:f, s:{s:i, s:i, s:f}, s:{s:s}, s:{s:[]}}", "duration", 12.4, "video",
        "width", 1280, "height", 720, "fps", 30.0, "audio", "codec", "aac", "raw", "streams");
    return 0;
}

// Takes away what is being read.
static bool is_gone(void)
{
    void (*goes)(void) = atomic_exchange(&fake.goes, NULL);
    if (goes != NULL) {
        goes();
    }
    return goes != NULL;
}

static int remux(struct shoal_call *call, void *arg, const char *path, const json_t *probed,
    const char *out_path, const char *key, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)path;
    (void)probed;
    (void)key;
    if (is_gone()) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "there is nothing in this file");
    }
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
    if (is_gone()) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "there is no picture in this file");
    }
    for (size_t i = 0; i < count; i++) {
        list[i].out_width = list[i].width;
        list[i].out_height = list[i].width * 9 / 16;
        write_text(list[i].path, "jpeg");
    }
    return 0;
}

static int board(struct shoal_call *call, void *arg, const char *path, const json_t *probed,
    const struct shoal_board *what, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)probed;
    if (fake.refuses_boards || access(path, R_OK) != 0) {
        return shoal_fail(err, SHOAL_EUNREADABLE, "there is no picture in this file");
    }
    fake.boards++;
    return write_text(what->path, "board") == 0 ? 0 : shoal_fail(err, SHOAL_EIO, "no room");
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
        .read = object_read,
        .remove = object_remove,
        .durable = true};
    static const struct shoal_svc_transcoder transcoder = {.size = sizeof(transcoder),
        .probe = probe,
        .remux = remux,
        .images = images,
        .takes = takes,
        .run = run,
        .board = board};
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

#define SPARE __attribute__((unused))
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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

SPARE static int submit(struct scene *scene, const char *bytes, bool waits, struct shoal_err *err)
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

SPARE static json_t *video_of(struct shoal_call *call, struct scene *scene, int expected)
{
    struct shoal_err err = {0};
    json_t *video = shoal_video_get(call, scene->uuid, NULL, &err);
    if (err.code != expected) {
        fail_msg("%s instead of %s: %s", shoal_error_name(err.code), shoal_error_name(expected),
            err.text);
    }
    return video;
}

SPARE static void settle(struct scene *scene)
{
    assert_true(shoal_kit_idle(scene->kit, 60000));
}

SPARE static char *object_text(struct scene *scene, const char *url)
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

#endif
