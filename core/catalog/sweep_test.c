// sweep_test.c - which stored objects, sources and work folders a sweep takes away, and when.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "catalog/pipeline_priv.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS  (24 * HOUR_MS)

SHOAL_SQL(file_add, "INSERT INTO catalog_file (video_id, kind, name, mime, storage, storage_key, "
                    "created) VALUES ($1, $2, $3, 'video/mp4', $4, $3, $5)");
SHOAL_SQL(strays_count, "SELECT COUNT(*) FROM catalog_stray WHERE storage_key = $1");

// --- a storage of names ---

static struct {
    const char *keys[8]; // NULL: removed
    size_t count;
    bool fails;
} store;

static int object_remove(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    for (size_t i = 0; i < store.count; i++) {
        if (store.keys[i] != NULL && strcmp(store.keys[i], key) == 0) {
            store.keys[i] = NULL;
        }
    }
    return 0;
}

static int object_list(struct shoal_call *call, void *arg, const char *prefix,
    bool (*each)(const char *key, int64_t size_bytes, void *user), void *user,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    for (size_t i = 0; i < store.count; i++) {
        if (store.keys[i] != NULL && strncmp(store.keys[i], prefix, strlen(prefix)) == 0 &&
            !each(store.keys[i], 1, user)) {
            break;
        }
    }
    return store.fails ? shoal_fail(err, SHOAL_EIO, "the storage is gone") : 0;
}

static bool is_stored(const char *key)
{
    for (size_t i = 0; i < store.count; i++) {
        if (store.keys[i] != NULL && strcmp(store.keys[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const struct shoal_svc_storage storage = {
        .size = sizeof(storage), .remove = object_remove, .list = object_list, .durable = true};
    return shoal_provide(self, "storage", &storage, NULL, err);
}

static const struct shoal_plugin_descriptor descriptor = {.size = sizeof(descriptor),
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "storage_fake",
    .start = start};
static const char manifest[] =
    "{\"name\": \"storage_fake\", \"version\": \"1.0.0\", \"summary\": \"Stands in.\", "
    "\"licence\": \"MIT\", \"sdk\": \"^1.0.0\", \"language\": \"c\", "
    "\"provides\": [\"storage\"], \"permissions\": [\"media\"]}";

// --- the scene: a clock that stands where the test puts it ---

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
    struct test_video video;
    _Atomic int64_t now_ms;
} scene;

static int64_t moved_ms(void *self)
{
    (void)self;
    return scene.now_ms;
}

static int64_t tick_ms(void *self)
{
    (void)self;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(void *self, int64_t ms)
{
    (void)self;
    usleep((useconds_t)ms * 1000);
}

static int setup(void **state)
{
    (void)state;
    static const struct shoal_clock clock = {
        .now_ms = moved_ms, .tick_ms = tick_ms, .sleep = sleep_ms};
    struct shoal_err err = {0};
    memset(&store, 0, sizeof store);
    scene.kit = shoal_kit_new(NULL);
    if (shoal_kit_load_text(scene.kit, &descriptor, manifest, NULL, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    scene.system = shoal_kit_system(scene.kit);
    scene.video = (struct test_video){.name = "a video",
        .channel_id = test_channel_of(shoal_kit_user(scene.kit, "alice")),
        .privacy = SHOAL_PRIVACY_PUBLIC,
        .state = SHOAL_STATE_PUBLISHED,
        .published_ms = shoal_now_ms()};
    test_video_make(scene.system, &scene.video);
    scene.now_ms = shoal_now_ms();
    shoal_clock_set(&clock);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_clock_set(NULL);
    shoal_kit_free(scene.kit);
    return 0;
}

struct row {
    const char *kind, *storage, *key;
};

static int row_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct row *row = arg;
    return shoal_db_exec(tx, &file_add,
        SHOAL_ARGS(SHOAL_I64(scene.video.id), SHOAL_TEXT(row->kind), SHOAL_TEXT(row->key),
            SHOAL_TEXT(row->storage), SHOAL_TIME(shoal_now_ms())),
        NULL, err);
}

static void row_add(const char *kind, const char *storage, const char *key)
{
    struct row row = {kind, storage, key};
    struct shoal_err err = {0};
    if (shoal_tx(scene.system, row_tx, &row, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void sweep(void)
{
    struct shoal_err err = {0};
    if (catalog_sweep(scene.system, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static int64_t noted(const char *key)
{
    int64_t count = -1;
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), &strays_count,
                         SHOAL_ARGS(SHOAL_TEXT(key)), &count, NULL),
        0);
    return count;
}

static const char *file_make(const char *folder, const char *name)
{
    const char *path = shoal_arena_printf(
        shoal_call_arena(scene.system), "%s/%s", catalog_folder(scene.system, folder, NULL), name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
    return path;
}

// --- the cases ---

static void what_no_row_knows_is_noted_and_goes_a_day_later(void **state)
{
    (void)state;
    store.keys[store.count++] = "hls/stray.mp4";
    sweep();
    assert_true(is_stored("hls/stray.mp4"));
    assert_int_equal(noted("hls/stray.mp4"), 1);
    scene.now_ms += DAY_MS - HOUR_MS;
    sweep(); // the first look counts, not this one
    assert_true(is_stored("hls/stray.mp4"));
    scene.now_ms += HOUR_MS;
    sweep();
    assert_false(is_stored("hls/stray.mp4"));
    assert_int_equal(noted("hls/stray.mp4"), 0);
}

static void what_a_row_knows_stays(void **state)
{
    (void)state;
    store.keys[store.count++] = "web-videos/known.mp4";
    store.keys[store.count++] = "web-videos/elsewhere.mp4";
    row_add("mp4", "storage_fake", "web-videos/known.mp4");
    row_add("web", "storage_other", "web-videos/elsewhere.mp4"); // not this storage's
    sweep();
    assert_int_equal(noted("web-videos/known.mp4"), 0);
    scene.now_ms += DAY_MS;
    sweep();
    assert_true(is_stored("web-videos/known.mp4"));
    assert_false(is_stored("web-videos/elsewhere.mp4"));
}

static void what_becomes_known_in_between_stays(void **state)
{
    (void)state;
    store.keys[store.count++] = "previews/late.jpg";
    sweep();
    assert_int_equal(noted("previews/late.jpg"), 1);
    row_add("preview", "storage_fake", "previews/late.jpg");
    scene.now_ms += DAY_MS;
    sweep();
    assert_true(is_stored("previews/late.jpg"));
    assert_int_equal(noted("previews/late.jpg"), 0);
}

static void what_plugins_keep_beside_is_let_alone(void **state)
{
    (void)state;
    store.keys[store.count++] = "captions/of-a-plugin.vtt";
    sweep();
    scene.now_ms += DAY_MS;
    sweep();
    assert_true(is_stored("captions/of-a-plugin.vtt"));
}

static void what_was_seen_before_a_listing_failed_counts(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    store.keys[store.count++] = "web-videos/stray.mp4";
    store.fails = true;
    assert_int_equal(catalog_sweep(scene.system, NULL, &err), SHOAL_EIO);
    assert_int_equal(noted("web-videos/stray.mp4"), 1);
}

static int job_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct shoal_job_options options = {.run_at_ms = scene.now_ms + 100 * DAY_MS};
    return shoal_job_add(NULL, tx, "core.images", NULL, &options, arg, err);
}

/// A job that waits.
static int64_t job_add(void)
{
    int64_t id = 0;
    assert_int_equal(shoal_tx(scene.system, job_tx, &id, NULL), 0);
    return id;
}

static void sources_and_work_that_nobody_has_go_when_they_are_old(void **state)
{
    (void)state;
    row_add("source", "", CATALOG_UPLOADS "/known.source");
    const char *lost = file_make(CATALOG_UPLOADS, "lost.source");
    const char *known = file_make(CATALOG_UPLOADS, "known.source");
    const char *beside = file_make(CATALOG_UPLOADS, "known.source.thumbnail");
    const char *work = file_make(
        "tmp", shoal_arena_printf(shoal_call_arena(scene.system), "hls-%s", scene.video.uuid));
    const char *left = file_make("tmp", "hls-00000000-0000-4000-8000-000000000000");
    const char *ended = file_make("tmp", "images-job-4711");
    const char *waits = file_make("tmp", shoal_arena_printf(shoal_call_arena(scene.system),
                                             "images-job-%lld", (long long)job_add()));
    sweep();
    assert_int_equal(access(lost, F_OK), 0);
    assert_int_equal(access(left, F_OK), 0);
    scene.now_ms += DAY_MS + HOUR_MS;
    sweep();
    assert_int_equal(access(lost, F_OK), -1);
    assert_int_equal(access(left, F_OK), -1);
    assert_int_equal(access(known, F_OK), 0);
    assert_int_equal(access(beside, F_OK), 0);
    assert_int_equal(access(work, F_OK), 0);
    assert_int_equal(access(ended, F_OK), -1);
    assert_int_equal(access(waits, F_OK), 0);
}

static int refused_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    int code = row_tx(call, tx, arg, err);
    return code == 0 ? shoal_fail(err, SHOAL_EFULL, "no room") : code;
}

static void what_was_stored_goes_at_once_where_its_row_is_refused(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    struct row rows[2] = {{"web_video", "storage_fake", "web-videos/a.mp4"},
        {"hls_media", "storage_fake", "hls/b.mp4"}};
    struct catalog_file files[2] = {0};
    for (int i = 0; i < 2; i++) {
        files[i].storage = rows[i].storage;
        files[i].key = rows[i].key;
        store.keys[store.count++] = rows[i].key;
    }
    assert_int_equal(catalog_stored_tx(scene.system, files, 1, row_tx, &rows[0], &err), 0);
    assert_true(is_stored(rows[0].key));
    assert_int_equal(
        catalog_stored_tx(scene.system, files, 2, refused_tx, &rows[1], &err), SHOAL_EFULL);
    assert_string_equal(err.text, "no room");
    assert_true(is_stored(rows[0].key)); // a row knows it
    assert_false(is_stored(rows[1].key));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_no_row_knows_is_noted_and_goes_a_day_later),
        CASE(what_a_row_knows_stays),
        CASE(what_becomes_known_in_between_stays),
        CASE(what_plugins_keep_beside_is_let_alone),
        CASE(what_was_seen_before_a_listing_failed_counts),
        CASE(sources_and_work_that_nobody_has_go_when_they_are_old),
        CASE(what_was_stored_goes_at_once_where_its_row_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
