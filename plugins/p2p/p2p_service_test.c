// p2p_service_test.c - the URL of the tracker's socket, and what the service says as the settings are.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <shoal/catalog.h>
#include <shoal/db.h>
#include <shoal/svc/tracker.h>
#include <testkit.h>

#include "p2p_index.h"

extern const struct shoal_plugin_descriptor shoal_plugin_descriptor;

SHOAL_SQL(test_video_add,
    "INSERT INTO catalog_video (uuid, channel_id, name, privacy, state, verdict, is_open, "
    "is_announced, waits, created, updated, published) VALUES ($1, $2, 'A film', 1, 1, 1, TRUE, TRUE, "
    "FALSE, $3, $3, $3) RETURNING id");
SHOAL_SQL(test_hash_add, "INSERT INTO p2p_hash (hash, video_id, generation) VALUES ($1, $2, 2)");

static void a_socket_url_has_its_port(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"https://example.org/tracker/socket", "wss://example.org:443/tracker/socket"},
        {"http://example.org/tracker/socket", "ws://example.org:80/tracker/socket"},
        {"https://example.org:8443/tracker/socket", "wss://example.org:8443/tracker/socket"},
        {"http://127.0.0.1:9000/tracker/socket", "ws://127.0.0.1:9000/tracker/socket"},
        {"http://127.0.0.1/tracker/socket", "ws://127.0.0.1:80/tracker/socket"},
        {"http://[::1]/tracker/socket", "ws://[::1]:80/tracker/socket"},
        {"https://[2001:db8::1]:444/tracker/socket", "wss://[2001:db8::1]:444/tracker/socket"},
        {"https://tube42/tracker/socket", "wss://tube42:443/tracker/socket"},
    };
    struct shoal_arena *arena = shoal_arena_new(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_string_equal(p2p_socket_url(arena, rows[i][0]), rows[i][1]);
    }
    shoal_arena_free(arena);
}

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
    char uuid[37];
} scene;

static int make_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const int64_t *channel_id = arg;
    int64_t id = 0;
    shoal_uuid_new(scene.uuid);
    int code = shoal_db_i64(tx, &test_video_add,
        SHOAL_ARGS(SHOAL_TEXT(scene.uuid), SHOAL_I64(*channel_id), SHOAL_TIME(shoal_now_ms())), &id,
        err);
    return code != 0 ? code
                     : shoal_db_exec(tx, &test_hash_add,
                           SHOAL_ARGS(SHOAL_BYTES("12345678901234567890", P2P_HASH_BYTES), SHOAL_I64(id)),
                           NULL, err);
}

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    json_t *me = shoal_user_me(shoal_kit_admin(scene.kit), &err);
    int64_t channel_id = shoal_integer(me, "videoChannels.0.id", 0);
    json_decref(me);
    if (shoal_kit_load(
            scene.kit, &shoal_plugin_descriptor, SHOAL_SOURCE_DIR "/plugins/p2p", NULL, &err) != 0 ||
        shoal_tx(scene.system, make_tx, &channel_id, &err) != 0) {
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

static void set(const char *key, json_t *value)
{
    struct shoal_err err = {0};
    if (shoal_setting_set(shoal_kit_admin(scene.kit), "p2p", key, value, &err) != 0) {
        fail_msg("%s: %s", key, err.text);
    }
    json_decref(value);
}

typedef json_t *list_fn(struct shoal_call *call, void *arg, const char *video, struct shoal_err *err);

static size_t length_of(list_fn *fn, void *arg)
{
    struct shoal_err err = {0};
    json_t *list = fn(scene.system, arg, scene.uuid, &err);
    assert_true(json_is_array(list));
    size_t length = json_array_size(list);
    json_decref(list);
    return length;
}

static void assert_told(size_t trackers, size_t hashes, size_t for_torrents)
{
    struct shoal_service service;
    assert_true(shoal_service_find("tracker", NULL, &service));
    const struct shoal_svc_tracker *table = service.table;
    shoal_enter(scene.system, &service);
    assert_int_equal(length_of(table->announce_urls, service.arg), trackers);
    assert_int_equal(length_of(table->hashes, service.arg), hashes);
    assert_int_equal(length_of(table->torrent_urls, service.arg), for_torrents);
    shoal_leave(scene.system);
}

/// Players of other sites are told by federation, and cannot be told to use relays alone.
static void others_are_told_nothing_where_they_may_not_share(void **state)
{
    (void)state;
    assert_told(2, 1, 2);
    set("viewers", json_string("off"));
    assert_told(0, 0, 2);
    set("viewers", json_string("opt-in"));
    assert_told(2, 1, 2);
    set("turn", json_pack("[{s:s}]", "urls", "turn:turn.example.org"));
    set("relay_only", json_true());
    assert_told(0, 0, 0);
    set("relay_only", json_false());
    set("tracker", json_false());
    assert_told(0, 0, 0);
    set("tracker", json_true());
    assert_told(2, 1, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_url_has_its_port),
        cmocka_unit_test_setup_teardown(
            others_are_told_nothing_where_they_may_not_share, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
