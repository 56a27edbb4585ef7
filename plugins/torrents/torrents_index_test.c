// torrents_index_test.c - rows of torrents, from a file on a storage to what the service says.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/svc/storage.h>
#include <testkit.h>
#include "torrents.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

#define FILE_BYTES 200000
#define WAIT_MS    30000

SHOAL_SQL(test_video_add,
    "INSERT INTO catalog_video (uuid, channel_id, name, privacy, state, verdict, is_open, "
    "is_announced, waits, created, updated, published) VALUES ($1, $2, $3, 1, 1, 1, TRUE, TRUE, "
    "FALSE, $4, $4, $4) RETURNING id");
SHOAL_SQL(test_file_add,
    "INSERT INTO catalog_file (video_id, kind, name, mime, storage, storage_key, size_bytes, "
    "resolution, created) VALUES ($1, 'web_video', $2, 'video/mp4', 'far', $3, $4, 240, $5) "
    "RETURNING id");
SHOAL_SQL(test_video_block, "UPDATE catalog_video SET is_blocked = $2 WHERE id = $1");
SHOAL_SQL(test_video_remove, "DELETE FROM catalog_video WHERE id = $1");
SHOAL_SQL(test_file_remove, "DELETE FROM catalog_file WHERE video_id = $1");
SHOAL_SQL(test_torrents, "SELECT COUNT(*) FROM torrents_file WHERE video_id = $1");

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *admin;
    int64_t channel_id;
    int failures; // of the next reads
    bool is_short;
} scene;

// --- a storage whose bytes are known ---

static int64_t far_read(struct shoal_call *call, void *arg, const char *key, uint64_t offset,
    void *out, size_t length, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    if (scene.failures > 0) {
        scene.failures--;
        return shoal_fail(err, SHOAL_EUPSTREAM, "%s is far away", key);
    }
    size_t left = offset < FILE_BYTES ? FILE_BYTES - (size_t)offset : 0;
    size_t want = scene.is_short ? 0 : length < 70000 ? length : 70000; // less than was asked for
    want = want < left ? want : left;
    for (size_t i = 0; i < want; i++) {
        ((unsigned char *)out)[i] = (unsigned char)((offset + i) * 7 / 5);
    }
    return (int64_t)want;
}

static const struct shoal_svc_storage far_table = {.size = sizeof far_table, .read = far_read};

static int far_start(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_provide(self, "storage", &far_table, NULL, err);
}

static const struct shoal_plugin_descriptor far = {.size = sizeof far,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "far",
    .start = far_start};
static const char far_manifest[] =
    "{\"name\": \"far\", \"version\": \"1.0.0\", \"summary\": \"far\", \"licence\": \"MIT\", "
    "\"sdk\": \"^1.0.0\", \"language\": \"c\", \"provides\": [\"storage\"]}";

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    json_t *me = shoal_user_me(scene.admin, &err);
    scene.channel_id = shoal_integer(me, "videoChannels.0.id", 0);
    json_decref(me);
    if (shoal_kit_load_text(scene.kit, &far, far_manifest, NULL, &err) != 0 ||
        shoal_kit_load(scene.kit, &shoal_plugin_descriptor, SHOAL_SOURCE_DIR "/plugins/torrents", NULL,
            &err) != 0) {
        fail_msg("%s", err.text);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

// --- videos ---

struct subject {
    const char *name;
    char uuid[37];
    int64_t id, file_id;
    const char *hook; // what is told of it
    const struct shoal_sql *change;
    bool is_on;
};

static int make_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct subject *subject = arg;
    int64_t now = shoal_now_ms();
    shoal_uuid_new(subject->uuid);
    const char *name =
        shoal_arena_printf(shoal_call_arena(call), "%s-240.mp4", subject->uuid);
    int code = shoal_db_i64(tx, &test_video_add,
        SHOAL_ARGS(SHOAL_TEXT(subject->uuid), SHOAL_I64(scene.channel_id),
            SHOAL_TEXT(subject->name), SHOAL_TIME(now)),
        &subject->id, err);
    return code != 0 ? code
                     : shoal_db_i64(tx, &test_file_add,
                           SHOAL_ARGS(SHOAL_I64(subject->id), SHOAL_TEXT(name), SHOAL_TEXT(name),
                               SHOAL_I64(FILE_BYTES), SHOAL_TIME(now)),
                           &subject->file_id, err);
}

static int change_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct subject *subject = arg;
    json_t *event = json_pack("{s:{s:s, s:I, s:b}}", "video", "uuid", subject->uuid, "id",
        (json_int_t)subject->id, "isLocal", 1);
    int code = shoal_fire_durable(tx, subject->hook, event, err);
    json_decref(event);
    if (code == 0 && subject->change == &test_video_block) {
        return shoal_db_exec(tx, subject->change,
            SHOAL_ARGS(SHOAL_I64(subject->id), SHOAL_BOOL(subject->is_on)), NULL, err);
    }
    return code == 0 && subject->change != NULL
               ? shoal_db_exec(tx, subject->change, SHOAL_ARGS(SHOAL_I64(subject->id)), NULL, err)
               : code;
}

static void tell(struct subject *subject, const char *hook, const struct shoal_sql *change, bool on)
{
    struct shoal_err err = {0};
    subject->hook = hook;
    subject->change = change;
    subject->is_on = on;
    if (shoal_tx(scene.system, change_tx, subject, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_true(shoal_kit_idle(scene.kit, WAIT_MS));
}

static struct subject subject_new(const char *name)
{
    struct shoal_err err = {0};
    struct subject subject = {.name = name};
    if (shoal_tx(scene.system, make_tx, &subject, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return subject;
}

static int64_t count(const struct shoal_sql *sql, const struct subject *subject)
{
    int64_t out = -1;
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), sql,
                         SHOAL_ARGS(SHOAL_I64(subject->id)), &out, NULL),
        0);
    return out;
}

static const struct shoal_svc_torrent *service_enter(struct shoal_service *service)
{
    assert_true(shoal_service_find("torrent", NULL, service));
    shoal_enter(scene.system, service);
    return service->table;
}

static json_t *torrents_of(const struct subject *subject)
{
    struct shoal_service service;
    struct shoal_err err = {0};
    json_t *out =
        service_enter(&service)->torrents(scene.system, service.arg, subject->uuid, &err);
    shoal_leave(scene.system);
    assert_non_null(out);
    return out;
}

// The first video with a torrent of this infohash; 0 where there is none.
static int64_t video_of(const char *hex)
{
    struct shoal_service service;
    struct shoal_err err = {0};
    unsigned char infohash[TORRENTS_HASH_BYTES];
    for (size_t i = 0; i < sizeof infohash; i++) {
        char two[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        infohash[i] = (unsigned char)strtoul(two, NULL, 16);
    }
    json_t *videos = service_enter(&service)->videos(scene.system, service.arg, infohash, &err);
    shoal_leave(scene.system);
    assert_non_null(videos);
    int64_t first = json_integer_value(json_array_get(videos, 0));
    json_decref(videos);
    return first;
}

// The torrent's infohash, made here from the bytes of the storage.
static void infohash_make(const char *title, char out[41])
{
    static unsigned char bytes[FILE_BYTES];
    unsigned char pieces[4 * TORRENTS_HASH_BYTES];
    for (size_t at = 0; at < FILE_BYTES; at += 50000) {
        far_read(NULL, NULL, "", at, bytes + at, 50000, NULL);
    }
    for (size_t i = 0; i < 4; i++) {
        size_t length = i < 3 ? 65536 : FILE_BYTES - (size_t)3 * 65536;
        assert_int_equal(
            EVP_Digest(bytes + i * 65536, length, pieces + i * TORRENTS_HASH_BYTES, NULL, EVP_sha1(), NULL),
            1);
    }
    struct torrent torrent = {.size_bytes = FILE_BYTES,
        .piece_bytes = 65536,
        .title = title,
        .pieces = pieces,
        .pieces_length = sizeof pieces};
    assert_int_equal(torrents_infohash_make(&torrent), 0);
    torrents_hex(torrent.infohash, out);
}

static void a_file_gets_its_torrent_though_reads_fail(void **state)
{
    (void)state;
    struct subject film = subject_new("A film");
    scene.failures = 3;
    tell(&film, "video.files", NULL, false);
    json_t *torrents = torrents_of(&film);
    assert_int_equal(json_object_size(torrents), 1);
    const char *key = shoal_arena_printf(
        shoal_call_arena(scene.system), "%lld", (long long)film.file_id);
    const json_t *torrent = json_object_get(torrents, key);
    char wanted[41];
    infohash_make("A film 240p.mp4", wanted);
    assert_string_equal(shoal_text(torrent, "infohash", ""), wanted);
    assert_non_null(strstr(shoal_text(torrent, "magnet", ""), wanted));
    assert_int_equal(video_of(wanted), film.id);
    const char *path = shoal_arena_printf(shoal_call_arena(scene.system),
        "/lazy-static/torrents/%s", shoal_text(torrent, "name", ""));
    assert_int_equal(
        shoal_kit_request(shoal_kit_anonymous(scene.kit), "GET", path, NULL, NULL), 200);
    json_decref(torrents);
}

static void a_blocked_video_is_not_shared(void **state)
{
    (void)state;
    struct subject film = subject_new("Blocked");
    tell(&film, "video.files", NULL, false);
    json_t *torrents = torrents_of(&film);
    const char *path = shoal_arena_printf(shoal_call_arena(scene.system),
        "/lazy-static/torrents/%s", shoal_text(json_object_iter_value(json_object_iter(torrents)), "name", ""));
    json_decref(torrents);
    struct shoal_call *nobody = shoal_kit_anonymous(scene.kit);
    assert_int_equal(shoal_kit_request(nobody, "GET", path, NULL, NULL), 200);
    tell(&film, "video.hidden", &test_video_block, true);
    assert_int_equal(shoal_kit_request(nobody, "GET", path, NULL, NULL), 404);
    torrents = torrents_of(&film);
    assert_int_equal(json_object_size(torrents), 0);
    json_decref(torrents);
    tell(&film, "video.changed", &test_video_block, false);
    assert_int_equal(shoal_kit_request(nobody, "GET", path, NULL, NULL), 200);
}

static void what_is_gone_leaves_no_rows(void **state)
{
    (void)state;
    struct subject film = subject_new("Short-lived");
    tell(&film, "video.published", NULL, false);
    assert_int_equal(count(&test_torrents, &film), 1);
    tell(&film, "video.files", &test_file_remove, false);
    assert_int_equal(count(&test_torrents, &film), 0);
    struct subject other = subject_new("Deleted");
    tell(&other, "video.files", NULL, false);
    assert_int_equal(count(&test_torrents, &other), 1);
    tell(&other, "video.deleted", &test_video_remove, false);
    assert_int_equal(count(&test_torrents, &other), 0);
}

static void a_file_that_ends_too_soon_has_no_torrent(void **state)
{
    (void)state;
    struct subject film = subject_new("Cut");
    scene.is_short = true;
    tell(&film, "video.files", NULL, false);
    scene.is_short = false;
    assert_int_equal(count(&test_torrents, &film), 0);
    json_t *torrents = torrents_of(&film);
    assert_int_equal(json_object_size(torrents), 0);
    json_decref(torrents);
}

static int take(int64_t file_id, int64_t video_id, const char *name, size_t pieces_bytes)
{
    static const unsigned char pieces[4 * TORRENTS_HASH_BYTES];
    const struct shoal_torrent torrent = {.size = sizeof torrent,
        .file_id = file_id,
        .video_id = video_id,
        .size_bytes = FILE_BYTES,
        .piece_bytes = 65536,
        .name = name,
        .pieces = pieces,
        .pieces_bytes = pieces_bytes};
    struct shoal_service service;
    struct shoal_err err = {0};
    int code = service_enter(&service)->take(scene.system, service.arg, &torrent, &err);
    shoal_leave(scene.system);
    return code;
}

static void a_torrent_of_before_keeps_its_name(void **state)
{
    (void)state;
    struct subject film = subject_new("Older");
    assert_int_equal(take(film.file_id, film.id, "old-240.torrent", 80), 0);
    tell(&film, "video.changed", NULL, false);
    json_t *torrents = torrents_of(&film);
    const json_t *one = json_object_iter_value(json_object_iter(torrents));
    assert_string_equal(shoal_text(one, "name", ""), "old-240.torrent");
    assert_int_equal(video_of(shoal_text(one, "infohash", "")), film.id); // of the pieces that came
    json_decref(torrents);

    struct subject made = subject_new("Made here before it came");
    tell(&made, "video.files", NULL, false);
    assert_int_equal(take(made.file_id, made.id, "older-240.torrent", 80), 0);
    torrents = torrents_of(&made);
    one = json_object_iter_value(json_object_iter(torrents));
    assert_string_equal(shoal_text(one, "name", ""), "older-240.torrent");
    json_decref(torrents);
}

static void what_is_no_torrent_is_not_taken(void **state)
{
    (void)state;
    struct subject film = subject_new("Nothing of before");
    assert_int_equal(take(film.file_id, film.id, "short-240.torrent", 60), SHOAL_EINVAL);
    assert_int_equal(take(film.file_id, film.id, NULL, 80), SHOAL_EINVAL);
    assert_int_equal(take(987654, 987654, "gone-240.torrent", 80), 0); // its video is gone: nothing to keep
    assert_int_equal(count(&test_torrents, &film), 0);
    assert_int_equal(count(&test_torrents, &(struct subject){.id = 987654}), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gets_its_torrent_though_reads_fail),
        cmocka_unit_test(a_blocked_video_is_not_shared),
        cmocka_unit_test(what_is_gone_leaves_no_rows),
        cmocka_unit_test(a_file_that_ends_too_soon_has_no_torrent),
        cmocka_unit_test(a_torrent_of_before_keeps_its_name),
        cmocka_unit_test(what_is_no_torrent_is_not_taken),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
