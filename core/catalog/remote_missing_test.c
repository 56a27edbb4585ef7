// remote_missing_test.c - one 404 removes nothing, many over a day do.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <time.h>
#include <unistd.h>

#include <shoal/remote.h>

#include "base/clock.h"
#include "catalog/catalog_test.h"

#define HOUR INT64_C(3600000)
#define URL  "https://far.example/videos/watch/6f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a10"

static struct {
    struct shoal_kit *kit;
    struct shoal_call *system;
    int64_t owner_id, channel_id, now_ms;
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

static void actor_put(const char *kind, const char *name, int64_t owner_id, int64_t *id)
{
    struct shoal_err err = {0};
    const char *url = shoal_arena_printf(scene.system->arena, "https://far.example/%s", name);
    struct shoal_actor actor = {.kind = kind, .name = name, .host = "far.example", .url = url,
        .inbox_url = shoal_arena_printf(scene.system->arena, "%s/inbox", url), .owner_id = owner_id};
    if (shoal_actor_put(scene.system, &actor, NULL, id, &err) != 0) {
        fail_msg("%s", err.text);
    }
}

static void video_put(void)
{
    struct shoal_err err = {0};
    char uuid[37];
    json_t *draft = json_pack("{s:s, s:s, s:I, s:s, s:i, s:i}", "url", URL, "uuid",
        "6f3a1c52-9d64-4c1b-8a0f-3e2b7d5c9a10", "channelActorId", (json_int_t)scene.channel_id,
        "name", "Far away", "privacy", 1, "state", 1);
    if (shoal_video_put(scene.system, draft, uuid, NULL, &err) != 0) {
        fail_msg("%s", err.text);
    }
    json_decref(draft);
}

static int setup(void **state)
{
    (void)state;
    static const struct shoal_clock clock = {
        .now_ms = moved_ms, .tick_ms = tick_ms, .sleep = sleep_ms};
    scene.kit = shoal_kit_new("url = \"https://ours.example\"\n");
    scene.system = shoal_kit_system(scene.kit);
    scene.now_ms = shoal_now_ms();
    shoal_clock_set(&clock);
    actor_put("Person", "bob", 0, &scene.owner_id);
    actor_put("Group", "bobs", scene.owner_id, &scene.channel_id);
    video_put();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shoal_clock_set(NULL);
    shoal_kit_free(scene.kit);
    return 0;
}

typedef int missing_fn(struct shoal_call *call, int64_t id, bool *is_gone, struct shoal_err *err);

static bool missed(missing_fn *missing, int64_t id, int64_t later_ms)
{
    struct shoal_err err = {0};
    bool is_gone = false;
    scene.now_ms += later_ms;
    if (missing(scene.system, id, &is_gone, &err) != 0) {
        fail_msg("%s", err.text);
    }
    return is_gone;
}

static void a_video_goes_when_it_was_missed_for_a_day(void **state)
{
    (void)state;
    struct shoal_video_ref ref;
    bool is_gone = false;
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, NULL), 0);
    // An outage: however often it is asked for within minutes.
    for (int i = 0; i < 20; i++) {
        assert_false(missed(shoal_video_missing, ref.id, 60000));
    }
    // Twice over two days is too seldom: the origin may have been down each time.
    assert_false(missed(shoal_video_missing, ref.id, 48 * HOUR));
    // It came back: that counts from the beginning.
    video_put();
    assert_false(missed(shoal_video_missing, ref.id, 8 * HOUR));
    assert_false(missed(shoal_video_missing, ref.id, 8 * HOUR));
    assert_false(missed(shoal_video_missing, ref.id, 8 * HOUR)); // three times, and 16 hours
    assert_true(missed(shoal_video_missing, ref.id, 8 * HOUR));
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, NULL), SHOAL_ENOTFOUND);
    assert_int_equal(
        shoal_video_missing(scene.system, ref.id, &is_gone, NULL), SHOAL_ENOTFOUND);
    assert_false(is_gone);
}

static void an_actor_goes_with_all_it_has(void **state)
{
    (void)state;
    struct shoal_video_ref ref;
    struct shoal_actor actor;
    struct shoal_err err = {0};
    bool is_gone = false;
    video_put();
    assert_false(missed(shoal_actor_missing, scene.owner_id, 0));
    assert_false(missed(shoal_actor_missing, scene.owner_id, 12 * HOUR));
    actor_put("Person", "bob", 0, &scene.owner_id);
    assert_false(missed(shoal_actor_missing, scene.owner_id, 12 * HOUR));
    assert_false(missed(shoal_actor_missing, scene.owner_id, 12 * HOUR));
    assert_true(missed(shoal_actor_missing, scene.owner_id, 12 * HOUR));
    assert_int_equal(shoal_video_by_url(scene.system, URL, &ref, NULL), SHOAL_ENOTFOUND);
    assert_int_equal(shoal_actor_get(scene.system, scene.channel_id, &actor, NULL), SHOAL_ENOTFOUND);
    // One of ours is never missing.
    assert_int_equal(shoal_actor_named(scene.system, "peertube", "", &actor, &err), 0);
    assert_int_equal(shoal_actor_missing(scene.system, actor.id, &is_gone, &err), SHOAL_EFORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_video_goes_when_it_was_missed_for_a_day),
        cmocka_unit_test(an_actor_goes_with_all_it_has),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
