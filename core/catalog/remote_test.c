// remote_test.c - pictures of other servers: which are kept, when one is fetched, and that none is
// a file here.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "catalog/catalog_test.h"
#include "catalog/remote_draft.h"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system, *user;
} scene;

#define UUID "1f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a10"

SHOAL_SQL(test_tries, "SELECT tries FROM catalog_file WHERE kind = 'thumbnail' AND name = $1");

static int setup(void **state)
{
    (void)state;
    scene.kit = shoal_kit_new("url = \"https://ours.example\"\n");
    scene.system = shoal_kit_system(scene.kit);
    scene.user = shoal_kit_user(scene.kit, "alice");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_kit_free(scene.kit);
    return 0;
}

static void the_smallest_comes_first_and_the_largest_stays(void **state)
{
    (void)state;
    struct shoal_arena *arena = scene.system->arena;
    struct catalog_remote_picture found[3];
    static const int widths[] = {600, 48, 48, 120, 1500, -5, 9000};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        json_array_append_new(
            list, json_pack("{s:s, s:i, s:i}", "url",
                      shoal_arena_printf(arena, "https://far.example/%d.png", widths[i]), "width",
                      widths[i], "height", widths[i]));
    }
    json_array_append_new(list, json_pack("{s:s}", "url", "javascript:alert(1)"));
    json_array_append_new(list, json_string("https://far.example/x.png"));
    size_t count = catalog_remote_pictures_read(arena, list, found, 3);
    json_decref(list);
    assert_int_equal(count, 3);
    // One without a size that makes sense does not take the place of one with it.
    assert_int_equal(found[0].width, 48);
    assert_int_equal(found[2].width, 1500);
    assert_string_equal(found[2].url, "https://far.example/1500.png");
    assert_int_equal(catalog_remote_pictures_read(arena, NULL, found, 3), 0);
}

static void actor_put(const char *kind, const char *name, int64_t owner_id, int64_t *id)
{
    struct shoal_arena *arena = scene.system->arena;
    struct shoal_err err = {0};
    const char *url = shoal_arena_printf(arena, "https://far.example/x/%s", name);
    struct shoal_actor who = {.kind = kind,
        .name = name,
        .host = "far.example",
        .url = url,
        .inbox_url = shoal_arena_printf(arena, "%s/inbox", url),
        .owner_id = owner_id};
    if (shoal_actor_put(scene.system, &who, NULL, id, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void video_put(void)
{
    int64_t owner_id = 0;
    int64_t channel_id = 0;
    char uuid[37];
    struct shoal_err err = {0};
    actor_put("Person", "bob", 0, &owner_id);
    actor_put("Group", "bobs", owner_id, &channel_id);
    json_t *draft = json_pack(
        "{s:s, s:s, s:I, s:s, s:i, s:i, s:[{s:s, s:i, s:i}], s:[{s:s, s:s, s:s, s:i, s:i}]}", "url",
        "https://far.example/videos/watch/" UUID, "uuid", UUID, "channelActorId",
        (json_int_t)channel_id, "name", "far", "privacy", 1, "state", 1, "thumbnails", "url",
        "http://127.0.0.1:1/picture.jpg", "width", 280, "height", 157, "files", "kind", "web_video",
        "url", "https://far.example/v.mp4", "mime", "video/mp4", "resolution", 720, "size", 5);
    if (shoal_video_put(scene.system, draft, uuid, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    json_decref(draft);
}

static const char *thumbnail_name(void)
{
    json_t *video = shoal_video_get(scene.user, UUID, NULL, NULL);
    const char *path = shoal_text(video, "thumbnailPath", "");
    const char *name = shoal_arena_strdup(scene.system->arena, strrchr(path, '/') + 1);
    json_decref(video);
    return name;
}

static void a_picture_that_does_not_come_is_left_for_a_while(void **state)
{
    (void)state;
    struct shoal_media_file file = {0};
    struct shoal_err err = {0};
    int64_t tries = 0;
    video_put();
    const char *name = thumbnail_name();
    // The guard keeps it from our own network.
    for (int i = 0; i < 3; i++) {
        assert_int_equal(test_find_far(scene.system, "thumbnail", name, &file), SHOAL_EUPSTREAM);
    }
    assert_int_equal(shoal_db_i64(shoal_call_db(scene.system), &test_tries,
                         SHOAL_ARGS(SHOAL_TEXT(name)), &tries, NULL),
        0);
    assert_int_equal(tries, 1);
    assert_int_equal(shoal_media_find(scene.system, "thumbnail", NULL, "nothing.jpg", &file, &err),
        SHOAL_ENOTFOUND);
}

static void a_file_of_another_server_is_no_file_here(void **state)
{
    (void)state;
    struct shoal_media_file file = {0};
    struct shoal_err err = {0};
    assert_int_equal(
        shoal_media_find(scene.system, "web_video", NULL, UUID "-720.mp4", &file, &err),
        SHOAL_ENOTFOUND);
    json_t *video = shoal_video_get(scene.user, UUID, NULL, NULL);
    assert_string_equal(shoal_text(video, "files.0.fileUrl", ""), "https://far.example/v.mp4");
    assert_string_equal(shoal_text(video, "files.0.fileDownloadUrl", ""),
        "https://far.example/download/web-videos/" UUID "-720.mp4");
    json_decref(video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_comes_first_and_the_largest_stays),
        cmocka_unit_test(a_picture_that_does_not_come_is_left_for_a_while),
        cmocka_unit_test(a_file_of_another_server_is_no_file_here),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
