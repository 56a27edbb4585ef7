// remote_videos_test.c - videos of other servers: kept, shown, changed, removed, and nothing else
// touched.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>
#include <shoal/svc/federation.h>

#include "catalog/catalog_test.h"
#include "catalog/remote_draft.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user, *nobody;
    int64_t owner_id, channel_id;
    bool sends_unlisted; // what the provider of federation says
} scene;

#define UUID "6f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a10"
#define URL  "https://far.example/videos/watch/" UUID

static int64_t actor(const char *kind, const char *name, const char *host, int64_t owner_id)
{
    struct shoal_arena *arena = scene.system->arena;
    struct shoal_err err = {0};
    int64_t id = 0;
    const char *url = shoal_arena_printf(arena, "https://%s/x/%s", host, name);
    struct shoal_actor who = {.kind = kind,
        .name = name,
        .host = host,
        .url = url,
        .inbox_url = shoal_arena_printf(arena, "%s/inbox", url),
        .owner_id = owner_id};
    if (shoal_actor_put(scene.system, &who, NULL, &id, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return id;
}

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new("url = \"https://ours.example\"\n");
    scene.system = shoal_kit_system(scene.kit);
    scene.nobody = shoal_kit_anonymous(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    scene.owner_id = actor("Person", "bob", "far.example", 0);
    scene.channel_id = actor("Group", "bobs", "far.example", scene.owner_id);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static json_t *draft_of(const char *uuid)
{
    struct shoal_arena *arena = scene.system->arena;
    static const char base[] = "https://far.example/static/streaming-playlists/hls/x";
    json_t *draft = json_pack(
        "{s:s, s:s, s:I, s:s, s:s, s:i, s:i, s:i, s:i, s:b, s:i, s:f, s:i, s:i, s:i, s:I}", "url",
        shoal_arena_printf(arena, "https://far.example/videos/watch/%s", uuid), "uuid", uuid,
        "channelActorId", (json_int_t)scene.channel_id, "name", "Far <b>away</b>", "description",
        "about", "category", 11, "licence", 2, "privacy", 1, "state", 1, "nsfw", 0, "duration", 61,
        "aspectRatio", 1.7778, "views", 7, "likes", 3, "dislikes", 1, "publishedAt",
        (json_int_t)1700000000000);
    json_object_set_new(draft, "tags", json_pack("[s, s]", "one", "two"));
    json_object_set_new(draft, "commentsPolicy", json_integer(1));
    json_object_set_new(draft, "trackers",
        json_pack("[s, s, s]", "https://far.example/tracker/announce",
            "wss://far.example:443/tracker/socket", "javascript:1"));
    json_object_set_new(draft, "thumbnails",
        json_pack("[{s:s, s:i, s:i}, {s:s, s:i, s:i}]", "url", "https://far.example/big.jpg",
            "width", 850, "height", 480, "url", "https://far.example/small.jpg", "width", 280,
            "height", 157));
    json_object_set_new(draft, "playlist",
        json_pack("{s:s, s:s, s:[s, s]}", "url",
            shoal_arena_printf(arena, "%s/m-master.m3u8", base), "sha256Url",
            shoal_arena_printf(arena, "%s/s.json", base), "infohashes",
            "62507073425047336d386b7457506c736545634a", "no hash"));
    json_object_set_new(draft, "files",
        json_pack("[{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:s}, {s:s, s:s, s:i}]",
            "kind", "hls", "url", shoal_arena_printf(arena, "%s/a-720-fragmented.mp4", base),
            "playlistUrl", shoal_arena_printf(arena, "%s/a-720.m3u8", base), "mime", "video/mp4",
            "resolution", 720, "width", 1280, "height", 720, "fps", 30, "size", 123456,
            "torrentUrl", "https://far.example/lazy-static/torrents/a.torrent", "magnet",
            "magnet:?xt=urn:btih:aa", "metadataUrl",
            "https://far.example/api/v1/videos/x/metadata/1", "kind", "web_video", "url",
            "file:///etc/passwd", "resolution", 360));
    return draft;
}

static int put(json_t *draft, bool *is_new, struct shoal_err *err)
{
    char uuid[37];
    *err = (struct shoal_err){0};
    int code = shoal_video_put(scene.system, draft, uuid, is_new, err);
    json_decref(draft);
    return code;
}

static json_t *shown(const char *uuid)
{
    struct shoal_err err = {0};
    json_t *video = shoal_video_get(scene.user, uuid, NULL, &err);
    if (video == NULL) {
        fail_msg("%s", err.text);
    }
    return video;
}

static void it_shows_as_one_of_another_server(void **state)
{
    (void)state;
    struct shoal_err err;
    bool is_new = false;
    assert_int_equal(put(draft_of(UUID), &is_new, &err), 0);
    assert_true(is_new);
    json_t *video = shown(UUID);
    assert_false(shoal_flag(video, "isLocal", true));
    assert_string_equal(shoal_text(video, "url", ""), URL);
    assert_string_equal(shoal_text(video, "account.host", ""), "far.example");
    assert_string_equal(shoal_text(video, "channel.name", ""), "bobs");
    assert_string_equal(shoal_text(video, "name", ""), "Far <b>away</b>");
    assert_string_equal(shoal_text(video, "publishedAt", ""), "2023-11-14T22:13:20.000Z");
    assert_int_equal(shoal_integer(video, "views", 0), 7);
    assert_int_equal(shoal_integer(video, "category.id", 0), 11);
    assert_int_equal(json_array_size(json_object_get(video, "trackerUrls")), 2);
    assert_int_equal(json_array_size(json_object_get(video, "files")), 0);
    const json_t *playlist = shoal_get(video, "streamingPlaylists.0");
    assert_string_equal(shoal_text(playlist, "playlistUrl", ""),
        "https://far.example/static/streaming-playlists/hls/x/m-master.m3u8");
    assert_string_equal(shoal_text(playlist, "p2pMediaLoaderInfohashes.0", ""),
        "62507073425047336d386b7457506c736545634a");
    assert_int_equal(json_array_size(json_object_get(playlist, "p2pMediaLoaderInfohashes")), 1);
    assert_string_equal(shoal_text(playlist, "files.0.playlistUrl", ""),
        "https://far.example/static/streaming-playlists/hls/x/a-720.m3u8");
    assert_string_equal(shoal_text(playlist, "files.0.fileDownloadUrl", ""),
        "https://far.example/download/streaming-playlists/hls/videos/" UUID "-720-fragmented.mp4");
    assert_true(json_is_null(shoal_get(playlist, "files.0.storage")));
    assert_string_equal(shoal_text(playlist, "files.0.magnetUri", ""), "magnet:?xt=urn:btih:aa");
    assert_memory_equal(shoal_text(video, "thumbnailPath", ""), "/lazy-static/thumbnails/", 24);
    assert_memory_equal(shoal_text(video, "previewPath", ""), "/lazy-static/previews/", 22);
    json_decref(video);
    // Lists show it once its channel is followed.
    struct shoal_actor self;
    assert_int_equal(shoal_actor_named(scene.system, "peertube", "", &self, &err), 0);
    struct shoal_follow follow = {.follower_id = self.id,
        .target_id = scene.channel_id,
        .state = SHOAL_FOLLOW_ACCEPTED,
        .url = "https://ours.example/accounts/peertube/follows/1"};
    assert_int_equal(shoal_follow_put(scene.system, &follow, &err), 0);
    json_t *query = json_pack("{s:b}", "isLocal", 0);
    json_t *list = shoal_video_list(scene.nobody, query, NULL);
    assert_int_equal(shoal_integer(list, "total", 0), 1);
    json_decref(list);
    json_decref(query);
}

static void a_live_says_when_it_begins_and_who_may_embed_it(void **state)
{
    (void)state;
    static const char uuid[] = "0c9b3f7e-54d8-4d3a-9f0e-7a1c2b6e8d41";
    struct shoal_err err;
    json_t *draft = draft_of(uuid);
    json_object_set_new(draft, "isLive", json_true());
    json_object_set_new(draft, "state", json_integer(SHOAL_STATE_WAITING_FOR_LIVE));
    json_object_set_new(draft, "dvrWindow", json_integer(3600));
    json_object_set_new(draft, "inputFileUpdatedAt", json_integer(1700000000000));
    json_object_set_new(draft, "isEmbeddable", json_false());
    json_object_set_new(draft, "starts",
        json_pack("[I, i, s, I]", (json_int_t)1780423200000, -1, "soon", INT64_MAX));
    assert_int_equal(put(draft, NULL, &err), 0);
    json_t *video = shown(uuid);
    assert_int_equal(json_array_size(json_object_get(video, "liveSchedules")), 1);
    assert_string_equal(
        shoal_text(video, "liveSchedules.0.startAt", ""), "2026-06-02T18:00:00.000Z");
    assert_int_equal(shoal_integer(video, "dvrWindow", 0), 3600);
    assert_string_equal(shoal_text(video, "inputFileUpdatedAt", ""), "2023-11-14T22:13:20.000Z");
    assert_int_equal(shoal_integer(video, "embedPrivacyPolicy.id", 0), 3);
    json_decref(video);
    // Who says none of it any more has none, and may be embedded.
    draft = draft_of(uuid);
    json_object_set_new(draft, "isLive", json_true());
    assert_int_equal(put(draft, NULL, &err), 0);
    video = shown(uuid);
    assert_int_equal(json_array_size(json_object_get(video, "liveSchedules")), 0);
    assert_int_equal(shoal_integer(video, "dvrWindow", -1), 0);
    assert_int_equal(shoal_integer(video, "embedPrivacyPolicy.id", 0), 1);
    json_decref(video);
    struct shoal_video_ref ref;
    const char *url = shoal_arena_printf(
        scene.system->arena, "https://far.example/videos/watch/%s", uuid);
    assert_int_equal(shoal_video_by_url(scene.system, url, &ref, &err), 0);
    assert_int_equal(shoal_video_remove(scene.system, ref.id, &err), 0);
}

static void it_is_found_by_its_url(void **state)
{
    (void)state;
    struct shoal_video_ref ref;
    struct shoal_err err = {0};
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, &err), 0);
    assert_string_equal(ref.uuid, UUID);
    assert_string_equal(ref.origin_host, "far.example");
    assert_int_equal(ref.account_actor_id, scene.owner_id);
    assert_int_equal(ref.channel_actor_id, scene.channel_id);
    assert_int_equal(ref.comments_policy, 1);
    assert_false(ref.is_federated);
    assert_true(ref.updated_ms > 1700000000000);
    // Not by an address of ours, nor as a part of another.
    const char *ours = shoal_url(scene.system, "/videos/watch/" UUID);
    assert_int_equal(shoal_video_by_url(scene.system, ours, &ref, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_video_by_url(scene.system, URL "/x", &ref, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_video_by_url(scene.system, "nonsense", &ref, &err), SHOAL_ENOTFOUND);
    struct test_video mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    ours = shoal_url(
        scene.system, shoal_arena_printf(scene.system->arena, "/videos/watch/%s", mine.uuid));
    assert_int_equal(shoal_video_by_url(scene.system, ours, &ref, &err), 0);
    assert_string_equal(ref.url, ours);
    assert_true(ref.is_federated);
    mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_UNLISTED);
    assert_int_equal(shoal_video_by_id(scene.system, mine.uuid, &ref, &err), 0);
    assert_false(ref.is_federated);
}

// What others are told: what everybody may see, without who made it.
static void it_is_told_as_it_is_shown(void **state)
{
    (void)state;
    struct shoal_video_ref ref;
    struct shoal_err err = {0};
    json_t *told = NULL;
    struct test_video mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(shoal_video_told(scene.nobody, mine.uuid, &ref, &told, &err), 0);
    assert_int_equal(ref.id, mine.id);
    assert_string_equal(ref.account_url, "https://ours.example/accounts/alice");
    assert_string_equal(ref.channel_url, "https://ours.example/video-channels/alice_channel");
    json_t *shown = shoal_video_get(scene.nobody, mine.uuid, NULL, &err);
    json_object_del(shown, "account");
    json_object_del(shown, "channel");
    assert_true(json_equal(told, shown));
    json_decref(shown);
    json_decref(told);
    mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    assert_int_equal(shoal_video_told(scene.nobody, mine.uuid, &ref, &told, &err), 0);
    assert_int_equal(ref.privacy, SHOAL_PRIVACY_PRIVATE);
    assert_null(told);
    assert_int_equal(shoal_video_told(scene.nobody, UUID, &ref, &told, &err), 0);
    assert_string_equal(ref.origin_host, "far.example");
    assert_string_equal(ref.account_url, "https://far.example/x/bob");
    assert_string_equal(ref.channel_url, "https://far.example/x/bobs");
    assert_null(told);
    const char *none = "00000000-0000-4000-8000-000000000000";
    assert_int_equal(shoal_video_told(scene.nobody, none, &ref, &told, &err), SHOAL_ENOTFOUND);
}

static void it_is_changed_as_a_whole(void **state)
{
    (void)state;
    struct shoal_err err;
    bool is_new = true;
    json_t *before = shown(UUID);
    json_t *draft = draft_of(UUID);
    json_object_set_new(draft, "name", json_string("Another"));
    json_object_del(draft, "description");
    json_object_set_new(draft, "tags", json_pack("[s]", "three"));
    json_object_set_new(draft, "state", json_integer(5));
    assert_int_equal(put(draft, &is_new, &err), 0);
    assert_false(is_new);
    json_t *video = shown(UUID);
    assert_string_equal(shoal_text(video, "name", ""), "Another");
    assert_true(json_is_null(json_object_get(video, "description")));
    assert_int_equal(json_array_size(json_object_get(video, "tags")), 1);
    assert_int_equal(shoal_integer(video, "state.id", 0), 5);
    // What stayed has the address that it had.
    assert_string_equal(
        shoal_text(video, "previewPath", ""), shoal_text(before, "previewPath", "-"));
    assert_int_equal(shoal_integer(video, "streamingPlaylists.0.files.0.id", 0),
        shoal_integer(before, "streamingPlaylists.0.files.0.id", -1));
    json_decref(video);
    json_decref(before);
    draft = draft_of(UUID);
    json_object_del(draft, "playlist");
    json_object_del(draft, "files");
    json_object_del(draft, "thumbnails");
    assert_int_equal(put(draft, NULL, &err), 0);
    video = shown(UUID);
    assert_int_equal(json_array_size(json_object_get(video, "streamingPlaylists")), 0);
    assert_true(json_is_null(json_object_get(video, "thumbnailPath")));
    json_decref(video);
    assert_int_equal(put(draft_of(UUID), NULL, &err), 0);
}

static void t02_nothing_of_ours_or_of_a_third_is_touched(void **state)
{
    (void)state;
    struct shoal_err err;
    struct test_video mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(put(draft_of(mine.uuid), NULL, &err), SHOAL_ECONFLICT);
    // The same UUID from another host; a URL of another host than the channel's.
    json_t *draft = draft_of(UUID);
    int64_t thief = actor("Person", "thief", "thief.example", 0);
    int64_t channel = actor("Group", "thieves", "thief.example", thief);
    json_object_set_new(draft, "url", json_string("https://thief.example/videos/watch/" UUID));
    json_object_set_new(draft, "channelActorId", json_integer(channel));
    assert_int_equal(put(draft, NULL, &err), SHOAL_ECONFLICT);
    draft = draft_of(UUID);
    json_object_set_new(draft, "channelActorId", json_integer(channel));
    assert_int_equal(put(draft, NULL, &err), SHOAL_EFORBIDDEN);
    // Another URL of the right host with a UUID that is taken; a known URL with another UUID.
    draft = draft_of(UUID);
    json_object_set_new(draft, "url", json_string("https://far.example/videos/watch/2"));
    assert_int_equal(put(draft, NULL, &err), SHOAL_ECONFLICT);
    draft = draft_of(UUID);
    json_object_set_new(draft, "uuid", json_string("6f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a11"));
    assert_int_equal(put(draft, NULL, &err), SHOAL_ECONFLICT);
    static const struct {
        const char *field, *value;
    } rows[] = {{"url", "https://ours.example/videos/watch/x"}, {"url", ""}, {"uuid", "1"},
        {"name", "\x01"}, {"privacy", "3"}, {"state", "2"}, {"channelActorId", "1"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        draft = draft_of("6f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a12");
        bool is_number = rows[i].value[0] >= '0' && rows[i].value[0] <= '9' &&
                         strcmp(rows[i].field, "uuid") != 0;
        json_object_set_new(draft, rows[i].field,
            is_number ? json_integer(rows[i].value[0] - '0') : json_string(rows[i].value));
        assert_int_equal(put(draft, NULL, &err), SHOAL_EINVAL);
        assert_string_equal(err.field, rows[i].field);
    }
    json_t *video = shown(mine.uuid);
    assert_true(shoal_flag(video, "isLocal", false));
    assert_string_equal(shoal_text(video, "name", ""), "a video");
    json_decref(video);
}

static void nonsense_that_is_not_needed_is_left_out(void **state)
{
    (void)state;
    struct shoal_err err;
    static const char uuid[] = "6f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a13";
    json_t *draft = draft_of(uuid);
    static const char *const numbers[] = {"duration", "views", "likes", "category", "licence",
        "publishedAt", "aspectRatio", "latencyMode", "nsfwFlags"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        json_object_set_new(draft, numbers[i], json_integer(INT64_C(0x7fffffffffffffff)));
    }
    json_object_set_new(draft, "language", json_string("'; --"));
    json_object_set_new(draft, "tags", json_pack("[s, i, n, s, s]", "x", 1, "same", "SAME"));
    json_object_set_new(draft, "files", json_string("no list"));
    json_object_set_new(draft, "playlist", json_integer(1));
    assert_int_equal(put(draft, NULL, &err), 0);
    json_t *video = shown(uuid);
    assert_int_equal(shoal_integer(video, "duration", -1), 0);
    assert_int_equal(shoal_integer(video, "views", -1), 0);
    assert_true(json_is_null(shoal_get(video, "category.id")));
    assert_true(json_is_null(shoal_get(video, "language.id")));
    assert_true(json_is_null(json_object_get(video, "aspectRatio")));
    assert_int_equal(json_array_size(json_object_get(video, "tags")), 1);
    json_decref(video);
}

static void removing_takes_it_and_leaves_ours(void **state)
{
    (void)state;
    struct shoal_video_ref ref;
    struct shoal_err err = {0};
    struct test_video mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PUBLIC);
    assert_int_equal(shoal_video_remove(scene.system, mine.id, &err), SHOAL_EFORBIDDEN);
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, &err), 0);
    assert_int_equal(shoal_video_remove(scene.system, ref.id, &err), 0);
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, &err), SHOAL_ENOTFOUND);
    // The others go with their account.
    assert_int_equal(put(draft_of(UUID), NULL, &err), 0);
    assert_int_equal(shoal_actor_remove(scene.system, scene.owner_id, &err), 0);
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, &err), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_video_by_id(scene.system, mine.uuid, &ref, &err), 0);
}

static bool sends_unlisted(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    return scene.sends_unlisted;
}

static struct shoal_svc_federation federation = {
    .size = sizeof federation, .sends_unlisted = sends_unlisted};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    return shoal_provide_single(self, "federation", &federation, NULL, err);
}

static void whoever_provides_federation_says_whether_unlisted_ones_are_sent(void **state)
{
    (void)state;
    static const struct shoal_plugin_descriptor teller = {.size = sizeof teller,
        .abi_major = SHOAL_ABI_MAJOR,
        .abi_minor = SHOAL_ABI_MINOR,
        .name = "teller",
        .start = start};
    static const char manifest[] =
        "{\"name\": \"teller\", \"version\": \"1.0.0\", \"summary\": \"tells\", \"licence\": \"MIT\", "
        "\"sdk\": \"^1.0.0\", \"language\": \"c\", \"provides\": [\"federation\"]}";
    struct shoal_video_ref ref;
    struct shoal_err err = {0};
    if (shoal_kit_load_text(scene.kit, &teller, manifest, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    struct test_video mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_UNLISTED);
    for (int sends = 0; sends < 2; sends++) {
        scene.sends_unlisted = sends;
        assert_int_equal(shoal_video_by_id(scene.system, mine.uuid, &ref, &err), 0);
        assert_int_equal(ref.is_federated, sends);
    }
    federation.size = offsetof(struct shoal_svc_federation, sends_unlisted); // built before it was there
    assert_int_equal(shoal_video_by_id(scene.system, mine.uuid, &ref, &err), 0);
    assert_false(ref.is_federated);
    federation.size = sizeof federation;
    mine = test_video_published(scene.system, scene.user, SHOAL_PRIVACY_PRIVATE);
    assert_int_equal(shoal_video_by_id(scene.system, mine.uuid, &ref, &err), 0);
    assert_false(ref.is_federated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_shows_as_one_of_another_server),
        cmocka_unit_test(a_live_says_when_it_begins_and_who_may_embed_it),
        cmocka_unit_test(it_is_found_by_its_url),
        cmocka_unit_test(it_is_told_as_it_is_shown),
        cmocka_unit_test(it_is_changed_as_a_whole),
        cmocka_unit_test(t02_nothing_of_ours_or_of_a_third_is_touched),
        cmocka_unit_test(nonsense_that_is_not_needed_is_left_out),
        cmocka_unit_test(removing_takes_it_and_leaves_ours),
        cmocka_unit_test(whoever_provides_federation_says_whether_unlisted_ones_are_sent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
