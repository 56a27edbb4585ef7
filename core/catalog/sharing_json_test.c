// sharing_json_test.c - trackers, torrents and mirrors of a video: asked once, and only of one alone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"

#include <shoal/svc/mirrors.h>
#include <shoal/svc/torrent.h>
#include <shoal/svc/tracker.h>

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *admin;
    struct test_video video;
    bool fails, says_nonsense;
    int urls_asked, torrents_asked, mirrors_asked;
} scene;

static json_t *urls_of(struct shoal_call *call, void *arg, const char *video, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    scene.urls_asked++;
    assert_string_equal(video, scene.video.uuid);
    if (scene.fails) {
        shoal_fail(err, SHOAL_EIO, "it is away");
        return NULL;
    }
    return scene.says_nonsense ? json_object() : json_pack("[s, s]", "http://t/a", "ws://t:80/s");
}

static json_t *torrents_of(
    struct shoal_call *call, void *arg, const char *video, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)video;
    scene.torrents_asked++;
    if (scene.fails) {
        shoal_fail(err, SHOAL_EIO, "it is away");
        return NULL;
    }
    return scene.says_nonsense ? json_pack("{s:{s:i}, s:n}", "7", "name", 3, "8")
                               : json_pack("{s:{s:s, s:s}, s:{s:s}}", "7", "name", "x-720.torrent",
                                     "magnet", "magnet:?x", "9", "name", "y-720-hls.torrent");
}

static json_t *bases_of(
    struct shoal_call *call, void *arg, const char *video, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)video;
    scene.mirrors_asked++;
    if (scene.fails) {
        shoal_fail(err, SHOAL_EIO, "it is away");
        return NULL;
    }
    return json_pack("[s, i]", "http://m/hls/U", 5);
}

static const struct shoal_svc_tracker tracker = {.size = sizeof tracker, .announce_urls = urls_of};
static const struct shoal_svc_torrent torrents = {
    .size = sizeof torrents, .torrents = torrents_of};
static const struct shoal_svc_mirrors mirrors = {.size = sizeof mirrors, .base_urls = bases_of};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    int code = shoal_provide(self, "tracker", &tracker, NULL, err);
    code = code == 0 ? shoal_provide(self, "torrent", &torrents, NULL, err) : code;
    return code == 0 ? shoal_provide(self, "mirrors", &mirrors, NULL, err) : code;
}

static const struct shoal_plugin_descriptor sharer = {.size = sizeof sharer,
    .abi_major = SHOAL_ABI_MAJOR,
    .abi_minor = SHOAL_ABI_MINOR,
    .name = "sharer",
    .start = start};
static const char manifest[] =
    "{\"name\": \"sharer\", \"version\": \"1.0.0\", \"summary\": \"shares\", \"licence\": \"MIT\", "
    "\"sdk\": \"^1.0.0\", \"language\": \"c\", \"provides\": [\"tracker\", \"torrent\", \"mirrors\"]}";

static int setup(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    scene.kit = shoal_kit_new(NULL);
    scene.system = shoal_kit_system(scene.kit);
    scene.admin = shoal_kit_admin(scene.kit);
    scene.video = test_video_published(scene.system, scene.admin, SHOAL_PRIVACY_PUBLIC);
    if (shoal_kit_load_text(scene.kit, &sharer, manifest, NULL, &err) != 0) {
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

static int begin(void **state)
{
    (void)state;
    scene.fails = scene.says_nonsense = false;
    scene.urls_asked = scene.torrents_asked = scene.mirrors_asked = 0;
    return 0;
}

static json_t *details(void)
{
    json_t *video = json_loads("{\"trackerUrls\": [], \"files\": [{\"id\": 7, \"torrentUrl\": \"\"},"
                               " {\"id\": 8, \"torrentUrl\": \"\"}], \"streamingPlaylists\":"
                               " [{\"redundancies\": [], \"files\": [{\"id\": 9}]}]}",
        0, NULL);
    json_object_set_new(video, "uuid", json_string(scene.video.uuid));
    return video;
}

static void the_details_say_what_the_services_say(void **state)
{
    (void)state;
    json_t *video = details();
    catalog_sharing_add(scene.system, video);
    assert_string_equal(shoal_text(video, "trackerUrls.1", ""), "ws://t:80/s");
    assert_string_equal(shoal_text(video, "files.0.magnetUri", ""), "magnet:?x");
    const char *url = shoal_text(video, "files.0.torrentUrl", "");
    assert_string_equal(url, shoal_url(scene.system, "/lazy-static/torrents/x-720.torrent"));
    url = shoal_text(video, "files.0.torrentDownloadUrl", "");
    assert_string_equal(url, shoal_url(scene.system, "/download/torrents/x-720.torrent"));
    assert_string_equal(shoal_text(video, "files.1.torrentUrl", "?"), "");
    assert_non_null(shoal_text(video, "streamingPlaylists.0.files.0.torrentUrl", NULL));
    const json_t *redundancies = shoal_get(video, "streamingPlaylists.0.redundancies");
    assert_int_equal(json_array_size(redundancies), 1); // the number is no URL
    assert_string_equal(shoal_text(redundancies, "0.baseUrl", ""), "http://m/hls/U");
    assert_int_equal(scene.urls_asked, 1);
    assert_int_equal(scene.torrents_asked, 1);
    assert_int_equal(scene.mirrors_asked, 1);
    json_decref(video);
}

static void a_service_that_fails_costs_its_part_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        scene.fails = i == 0;
        scene.says_nonsense = i == 1;
        json_t *video = details();
        catalog_sharing_add(scene.system, video);
        assert_int_equal(json_array_size(json_object_get(video, "trackerUrls")), 0);
        assert_string_equal(shoal_text(video, "files.0.torrentUrl", "?"), "");
        json_decref(video);
    }
    json_t *shown = shoal_video_get(scene.admin, scene.video.uuid, NULL, NULL);
    assert_non_null(shown);
    json_decref(shown);
}

static int get_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)tx;
    *(json_t **)arg = shoal_video_get(call, scene.video.uuid, NULL, err);
    return 0;
}

static void only_a_video_alone_is_asked_for(void **state)
{
    (void)state;
    json_t *shown = shoal_video_get(scene.admin, scene.video.uuid, NULL, NULL);
    assert_string_equal(shoal_text(shown, "trackerUrls.0", ""), "http://t/a");
    assert_int_equal(scene.urls_asked, 1);
    json_decref(shown);
    json_t *query = json_object();
    json_t *list = shoal_video_list(scene.admin, query, NULL);
    assert_int_equal(shoal_integer(list, "total", 0), 1);
    json_decref(list);
    json_decref(query);
    assert_int_equal(scene.urls_asked, 1);
    shown = NULL;
    assert_int_equal(shoal_tx(scene.system, get_tx, &shown, NULL), 0); // no service in a transaction
    assert_non_null(shown);
    assert_int_equal(json_array_size(json_object_get(shown, "trackerUrls")), 0);
    assert_int_equal(scene.urls_asked, 1);
    json_decref(shown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_details_say_what_the_services_say, begin),
        cmocka_unit_test_setup(a_service_that_fails_costs_its_part_alone, begin),
        cmocka_unit_test_setup(only_a_video_alone_is_asked_for, begin),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
