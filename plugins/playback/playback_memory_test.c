// playback_memory_test.c - sums add up by video and day, and memory, budgets and videos are bounded.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "playback.h"

struct world {
    struct shoal_arena *arena;
    struct playback_memory *memory;
    struct playback_sum *out;
};

static int begin(void **state)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    struct world *world = shoal_arena_alloc(arena, sizeof *world);
    world->arena = arena;
    world->memory = playback_memory_new(arena);
    world->out = shoal_arena_alloc(arena, PLAYBACK_VIDEOS_MAX * sizeof *world->out);
    *state = world;
    return 0;
}

static int end(void **state)
{
    shoal_arena_free(((struct world *)*state)->arena);
    return 0;
}

static bool add(struct world *world, int64_t video_id, int64_t day, int64_t peers, int64_t server)
{
    const struct playback_sum sum = {video_id, day, peers, server};
    return playback_memory_add(world->memory, &sum);
}

static const struct playback_sum *of(const struct world *world, size_t count, int64_t video, int64_t day)
{
    for (size_t i = 0; i < count; i++) {
        if (world->out[i].video_id == video && world->out[i].day == day) {
            return &world->out[i];
        }
    }
    return NULL;
}

static void adds_up_by_video_and_day(void **state)
{
    struct world *world = *state;
    assert_true(add(world, 1, 100, 10, 1));
    assert_true(add(world, 1, 100, 20, 2));
    assert_true(add(world, 1, 101, 40, 4));
    assert_true(add(world, 2, 100, 80, 8));
    size_t count = playback_memory_take(world->memory, world->out);
    assert_int_equal(count, 3);
    assert_int_equal(of(world, count, 1, 100)->peer_bytes, 30);
    assert_int_equal(of(world, count, 1, 100)->server_bytes, 3);
    assert_int_equal(of(world, count, 1, 101)->peer_bytes, 40);
    assert_int_equal(of(world, count, 2, 100)->server_bytes, 8);
    assert_int_equal(playback_memory_take(world->memory, world->out), 0);
}

static void counts_apart_from_what_waits(void **state)
{
    struct world *world = *state;
    assert_true(add(world, 7, 100, 5, 6));
    assert_int_equal(playback_memory_take(world->memory, world->out), 1);
    assert_true(add(world, 7, 101, 1, 1)); // after midnight, in the same count
    size_t count = playback_memory_take_counted(world->memory, world->out);
    assert_int_equal(count, 1);
    assert_int_equal(world->out[0].peer_bytes, 6);
    assert_int_equal(world->out[0].server_bytes, 7);
    assert_int_equal(playback_memory_take_counted(world->memory, world->out), 0);
}

static void what_could_not_be_stored_is_taken_again(void **state)
{
    struct world *world = *state;
    assert_true(add(world, 3, 100, 5, 6));
    assert_int_equal(playback_memory_take(world->memory, world->out), 1);
    struct playback_sum failed = world->out[0];
    assert_true(add(world, 3, 100, 1, 1));
    playback_memory_give_back(world->memory, &failed);
    assert_int_equal(playback_memory_take(world->memory, world->out), 1);
    assert_int_equal(world->out[0].peer_bytes, 6);
    assert_int_equal(world->out[0].server_bytes, 7);
}

static void holds_so_many_videos_and_no_more(void **state)
{
    struct world *world = *state;
    for (int64_t id = 1; id <= PLAYBACK_VIDEOS_MAX; id++) {
        assert_true(add(world, id, 100, id, 0));
    }
    assert_false(add(world, PLAYBACK_VIDEOS_MAX + 1, 100, 1, 1));
    assert_true(add(world, 5, 100, 1, 0)); // who has a place keeps it
    size_t count = playback_memory_take(world->memory, world->out);
    assert_int_equal(count, PLAYBACK_VIDEOS_MAX);
    assert_int_equal(of(world, count, 5, 100)->peer_bytes, 6);
    assert_int_equal(of(world, count, 4000, 100)->peer_bytes, 4000);
    assert_true(add(world, PLAYBACK_VIDEOS_MAX + 1, 100, 1, 1));
}

static void an_address_spends_its_budget_once_a_minute(void **state)
{
    struct world *world = *state;
    struct playback_memory *memory = world->memory;
    assert_true(playback_memory_spend(memory, "192.0.2.1", 60, 100, 0));
    assert_false(playback_memory_spend(memory, "192.0.2.1", 41, 100, 1000));
    assert_true(playback_memory_spend(memory, "192.0.2.1", 40, 100, 2000));
    assert_false(playback_memory_spend(memory, "192.0.2.1", 1, 100, 59999));
    assert_true(playback_memory_spend(memory, "192.0.2.1", 0, 100, 59999));
    assert_true(playback_memory_spend(memory, "192.0.2.2", 100, 100, 59999));
    assert_true(playback_memory_spend(memory, "192.0.2.1", 100, 100, 60000));
}

static void many_addresses_share_what_is_left(void **state)
{
    struct world *world = *state;
    char address[32];
    int64_t believed = 0;
    for (int i = 0; i < 4 * PLAYBACK_ADDRESSES_MAX; i++) {
        snprintf(address, sizeof address, "%d", i);
        believed += playback_memory_spend(world->memory, address, 100, 100, 1) ? 100 : 0;
    }
    assert_in_range(believed, 100 * PLAYBACK_ADDRESSES_MAX / 2, 100 * (PLAYBACK_ADDRESSES_MAX + 1));
}

static void remembers_videos_for_a_minute(void **state)
{
    struct world *world = *state;
    const struct playback_known what = {.id = 12, .size_bytes = 99};
    struct playback_known out = {0};
    assert_false(playback_memory_known(world->memory, "12", 0, &out));
    playback_memory_know(world->memory, "12", 0, &what);
    assert_true(playback_memory_known(world->memory, "12", 59999, &out));
    assert_int_equal(out.id, 12);
    assert_int_equal(out.size_bytes, 99);
    assert_false(playback_memory_known(world->memory, "12", 60000, &out));
    assert_false(playback_memory_known(world->memory, "13", 0, &out));
    playback_memory_know(world->memory, "a text that is longer than any id of a video is", 0, &what);
    assert_false(playback_memory_known(
        world->memory, "a text that is longer than any id of a video is", 0, &out));
}

static void knows_that_the_end_is_near(void **state)
{
    struct world *world = *state;
    assert_false(playback_memory_is_stopping(world->memory));
    playback_memory_stopping(world->memory);
    assert_true(playback_memory_is_stopping(world->memory));
}

#define MEMORY_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MEMORY_TEST(adds_up_by_video_and_day),
        MEMORY_TEST(counts_apart_from_what_waits),
        MEMORY_TEST(what_could_not_be_stored_is_taken_again),
        MEMORY_TEST(holds_so_many_videos_and_no_more),
        MEMORY_TEST(an_address_spends_its_budget_once_a_minute),
        MEMORY_TEST(many_addresses_share_what_is_left),
        MEMORY_TEST(remembers_videos_for_a_minute),
        MEMORY_TEST(knows_that_the_end_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
