// swarm_test.c - swarms: who is counted, who is chosen, and how peers and videos leave.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "swarm_priv.h"

#define HASH ((const unsigned char *)"12345678901234567890")
#define OTHER ((const unsigned char *)"abcdefghijabcdefghij")

static struct visitors visitors;
static struct swarms swarms;

static int begin(void **state)
{
    (void)state;
    visitors_init(&visitors);
    swarms_init(&swarms, &visitors);
    swarm_video_unref(swarms_open(&swarms, HASH, 7, 1000));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    swarms_fini(&swarms);
    visitors_fini(&visitors);
    return 0;
}

/// One that announces itself: number is its id, its stream and the last part of its address.
static enum swarm_outcome say(const unsigned char *hash, int64_t video_id, unsigned number,
    shoal_stream stream, enum swarm_event event, bool is_complete, size_t wanted, int64_t now_ms,
    struct swarm_result *result)
{
    char id[SWARM_ID_BYTES + 1];
    snprintf(id, sizeof id, "peer-%015u", number);
    struct swarm_video *video = swarm_video_get(&swarms, video_id);
    struct swarm_seat *seat = swarm_seat_new(video);
    struct swarm_entry entry = {.hash = hash, .id = (const unsigned char *)id, .stream = stream,
        .port = 1, .seat = seat, .event = event, .is_complete = is_complete, .wanted = wanted};
    entry.address.bytes[15] = (unsigned char)number;
    entry.address.bytes[14] = (unsigned char)(number >> 8);
    enum swarm_outcome outcome = swarms_announce(&swarms, &entry, now_ms, result);
    swarm_seat_unref(seat);
    swarm_video_unref(video);
    return outcome;
}

static void assert_counts(uint32_t complete, uint32_t incomplete, uint32_t downloaded)
{
    struct swarm_counts counts = swarms_count(&swarms, HASH);
    assert_int_equal(counts.complete, complete);
    assert_int_equal(counts.incomplete, incomplete);
    assert_int_equal(counts.downloaded, downloaded);
}

static void counts_who_comes_and_goes(void **state)
{
    (void)state;
    struct swarm_result result;
    assert_int_equal(say(HASH, 7, 1, 1, SWARM_STARTED, false, 0, 1000, &result), SWARM_DONE);
    assert_int_equal(say(HASH, 7, 2, 2, SWARM_STARTED, true, 0, 1000, &result), SWARM_DONE);
    assert_int_equal(say(HASH, 7, 3, 0, SWARM_UPDATE, false, 0, 1000, &result), SWARM_DONE);
    assert_counts(1, 2, 0);
    assert_int_equal(swarms_viewers(&swarms, 7), 3);
    say(HASH, 7, 1, 1, SWARM_COMPLETED, false, 0, 1000, &result);
    say(HASH, 7, 1, 1, SWARM_COMPLETED, false, 0, 1000, &result);
    say(HASH, 7, 1, 1, SWARM_STARTED, false, 0, 1000, &result);
    assert_counts(2, 1, 1);
    say(HASH, 7, 1, 1, SWARM_STOPPED, false, 0, 1000, &result);
    assert_int_equal(result.counts.complete, 1);
    say(HASH, 7, 9, 9, SWARM_STOPPED, false, 0, 1000, &result); // nobody knew it
    swarms_leave(&swarms, HASH, (const unsigned char *)"peer-000000000000002", 5); // another's
    assert_counts(1, 1, 1);
    swarms_leave(&swarms, HASH, (const unsigned char *)"peer-000000000000002", 2);
    assert_counts(0, 1, 1);
    assert_int_equal(swarms_viewers(&swarms, 7), 1);
    assert_int_equal(say(OTHER, 7, 1, 1, SWARM_STARTED, false, 0, 1000, &result), SWARM_GONE);
}

static void chooses_others_of_the_same_kind_once_each(void **state)
{
    (void)state;
    struct swarm_result result;
    for (unsigned i = 1; i <= 300; i++) {
        say(HASH, 7, i, i % 3 ? i : 0, SWARM_STARTED, false, 0, 1000, &result);
    }
    bool was_chosen[301] = {false};
    for (int round = 0; round < 200; round++) {
        bool is_here[301] = {false};
        say(HASH, 7, 1, 1, SWARM_UPDATE, false, 20, 1000, &result);
        assert_int_equal(result.count, 20);
        for (size_t i = 0; i < result.count; i++) {
            shoal_stream stream = result.found[i].stream;
            assert_true(stream > 1 && stream <= 300 && !is_here[stream]);
            is_here[stream] = was_chosen[stream] = true;
        }
    }
    for (unsigned i = 2; i <= 300; i++) {
        assert_int_equal(was_chosen[i], i % 3 != 0); // by chance, one in 10^8 is left out
    }
    say(HASH, 7, 3, 0, SWARM_UPDATE, false, SWARM_FOUND_MAX, 1000, &result);
    assert_int_equal(result.count, SWARM_FOUND_MAX);
    for (size_t i = 0; i < result.count; i++) {
        assert_int_equal(result.found[i].stream, 0);
        assert_int_not_equal(result.found[i].address.bytes[15], 3);
    }
}

/// For each offer a browser opens a connection: who has enough of a minute is left out, whoever asks.
static void nobody_is_handed_more_offers_than_a_browser_bears(void **state)
{
    (void)state;
    struct swarm_result result;
    swarms.offers_max = 6;
    for (unsigned i = 1; i <= 3; i++) {
        say(HASH, 7, i, i, SWARM_STARTED, false, 0, 1000, &result);
    }
    unsigned handed[4] = {0};
    for (unsigned i = 0; i < 50; i++) { // many who come, and each offers to all
        say(HASH, 7, 100 + i, 100 + i, SWARM_STARTED, false, 10, 1000, &result);
        for (size_t k = 0; k < result.count; k++) {
            handed[result.found[k].stream < 4 ? result.found[k].stream : 0]++;
        }
        say(HASH, 7, 100 + i, 100 + i, SWARM_STOPPED, false, 0, 1000, &result);
    }
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(handed[i], 6);
    }
    say(HASH, 7, 4, 4, SWARM_STARTED, false, 10, 1000, &result);
    assert_int_equal(result.count, 0);
    say(HASH, 7, 5, 5, SWARM_STARTED, false, 10, 1000, &result);
    assert_int_equal(result.count, 1); // the one that nobody offered to yet
    assert_int_equal(result.found[0].stream, 4);
    say(HASH, 7, 5, 5, SWARM_UPDATE, false, 10, 1000 + 60000, &result);
    assert_int_equal(result.count, 4);
    // Those with an address are told to whoever asks.
    for (unsigned i = 0; i < 20; i++) {
        say(HASH, 7, 200, 0, SWARM_STARTED, false, 0, 1000, &result);
        say(HASH, 7, 201, 0, SWARM_UPDATE, false, 10, 1000, &result);
        assert_int_equal(result.count, 1);
    }
}

static void nobody_takes_an_id_from_another_address(void **state)
{
    (void)state;
    struct swarm_result result;
    const unsigned char *id = (const unsigned char *)"peer-000000000000001";
    say(HASH, 7, 1, 11, SWARM_STARTED, false, 0, 1000, &result);
    struct swarm_video *video = swarm_video_get(&swarms, 7);
    struct swarm_seat *seat = swarm_seat_new(video);
    struct swarm_entry thief = {.hash = HASH, .id = id, .stream = 12, .seat = seat};
    thief.address.bytes[0] = 9;
    assert_int_equal(swarms_announce(&swarms, &thief, 1000, &result), SWARM_TAKEN);
    thief.event = SWARM_STOPPED;
    assert_int_equal(swarms_announce(&swarms, &thief, 1000, &result), SWARM_TAKEN);
    assert_int_equal(swarms_stream(&swarms, HASH, id), 11);
    say(HASH, 7, 1, 13, SWARM_STARTED, false, 0, 1000, &result);
    assert_int_equal(swarms_stream(&swarms, HASH, id), 13);
    assert_int_equal(swarms_viewers(&swarms, 7), 1);
    swarms_leave(&swarms, HASH, id, 11);
    assert_int_equal(swarms_stream(&swarms, HASH, id), 13);
    swarm_seat_unref(seat);
    swarm_video_unref(video);
}

static void is_full_at_its_bounds(void **state)
{
    (void)state;
    struct swarm_result result;
    swarms.peers_max = 2;
    say(HASH, 7, 1, 1, SWARM_STARTED, false, 0, 1000, &result);
    say(HASH, 7, 2, 2, SWARM_STARTED, false, 0, 1000, &result);
    assert_int_equal(say(HASH, 7, 3, 3, SWARM_STARTED, false, 0, 1000, &result), SWARM_FULL);
    assert_int_equal(say(HASH, 7, 2, 2, SWARM_UPDATE, false, 0, 1000, &result), SWARM_DONE);
}

static void silent_peers_leave(void **state)
{
    (void)state;
    struct swarm_result result;
    for (unsigned i = 1; i <= 100; i++) {
        say(HASH, 7, i, i, SWARM_STARTED, i % 2, 0, 1000, &result);
    }
    say(HASH, 7, 5, 5, SWARM_UPDATE, true, 0, 2000, &result);
    swarms_sweep(&swarms, 1000 + SWARM_IDLE_MS);
    assert_counts(50, 50, 0);
    swarms_sweep(&swarms, 1001 + SWARM_IDLE_MS);
    assert_counts(1, 0, 0);
    swarms_sweep(&swarms, 2001 + SWARM_IDLE_MS);
    bool is_stale;
    assert_null(swarms_video(&swarms, HASH, 2001 + SWARM_IDLE_MS, &is_stale));
    assert_int_equal(swarms.video_count, 0);
}

static void note_ended(void *arg, const unsigned char hash[SWARM_ID_BYTES], shoal_stream stream)
{
    uint64_t *sum = arg;
    *sum = *sum * 100 + stream;
    assert_memory_equal(hash, *sum < 100 ? HASH : OTHER, SWARM_ID_BYTES);
    bool is_stale; // no lock is held
    assert_null(swarms_video(&swarms, hash, 1000, &is_stale));
}

static void peers_with_sockets_hear_of_the_end(void **state)
{
    (void)state;
    struct swarm_result result;
    uint64_t told = 0;
    for (int i = 0; i < 2; i++) {
        swarm_video_unref(swarms_open(&swarms, i == 0 ? HASH : OTHER, 7 + i, 1000));
    }
    say(HASH, 7, 5, 5, SWARM_STARTED, false, 0, 1000, &result);
    say(HASH, 7, 6, 0, SWARM_STARTED, false, 0, 1000, &result); // by HTTP: there is nobody to tell
    say(OTHER, 8, 6, 6, SWARM_STARTED, false, 0, 1000, &result);
    swarms_forget(&swarms, 7, note_ended, &told);
    assert_int_equal(told, 5);
    swarms_forget(&swarms, 7, note_ended, &told);
    assert_int_equal(told, 5);
    uint32_t changes = atomic_load(&swarms.changes);
    swarms_renew(&swarms, 8); // it goes on, and is looked up again
    assert_int_equal(swarms_count(&swarms, OTHER).incomplete, 1);
    bool is_stale = false;
    swarm_video_unref(swarms_video(&swarms, OTHER, 1000, &is_stale));
    assert_true(is_stale);
    assert_int_equal(atomic_load(&swarms.changes), changes + 1);
    swarms_close(&swarms, OTHER, note_ended, &told);
    assert_int_equal(told, 506);
    swarms_close(&swarms, OTHER, note_ended, &told); // there is none
    swarm_video_unref(swarms_open(&swarms, OTHER, 8, 1000));
    say(OTHER, 8, 6, 7, SWARM_STARTED, false, 0, 1000, &result);
    swarms_forget(&swarms, 0, note_ended, &told); // all
    assert_int_equal(told, 50607);
    assert_int_equal(swarms.video_count, 0);
}

static void a_video_that_is_forgotten_has_to_be_asked_for(void **state)
{
    (void)state;
    struct swarm_result result;
    bool is_stale;
    swarm_video_unref(swarms_open(&swarms, OTHER, 8, 1000));
    say(HASH, 7, 1, 1, SWARM_STARTED, false, 0, 1000, &result);
    say(OTHER, 8, 1, 1, SWARM_STARTED, false, 0, 1000, &result);
    struct swarm_video *held = swarms_video(&swarms, HASH, 1000, &is_stale);
    uint64_t told = 0;
    swarms_forget(&swarms, 7, note_ended, &told);
    assert_int_equal(told, 1);
    assert_true(atomic_load(&held->is_gone));
    assert_int_equal(atomic_load(&held->viewers), 0);
    assert_null(swarms_video(&swarms, HASH, 1000, &is_stale));
    assert_int_equal(swarms_viewers(&swarms, 7), 0);
    assert_int_equal(swarms_viewers(&swarms, 8), 1);
    struct swarm_video *again = swarms_open(&swarms, HASH, 7, 1000);
    assert_ptr_not_equal(again, held);
    swarm_video_unref(again);
    swarm_video_unref(held);
    swarm_video_unref(swarms_open(&swarms, OTHER, 7, 1000)); // the hash is another video's now
    assert_int_equal(swarms_viewers(&swarms, 8), 0);
}

static void belief_lasts_a_minute_and_one_asks_again(void **state)
{
    (void)state;
    bool is_stale;
    swarm_video_unref(swarms_video(&swarms, HASH, 1000 + SWARM_FRESH_MS, &is_stale));
    assert_false(is_stale);
    swarm_video_unref(swarms_video(&swarms, HASH, 1001 + SWARM_FRESH_MS, &is_stale));
    assert_true(is_stale);
    swarm_video_unref(swarms_video(&swarms, HASH, 1001 + SWARM_FRESH_MS, &is_stale));
    assert_false(is_stale);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_who_comes_and_goes),
        CASE(chooses_others_of_the_same_kind_once_each),
        CASE(nobody_is_handed_more_offers_than_a_browser_bears),
        CASE(nobody_takes_an_id_from_another_address),
        CASE(is_full_at_its_bounds),
        CASE(silent_peers_leave),
        CASE(a_video_that_is_forgotten_has_to_be_asked_for),
        CASE(peers_with_sockets_hear_of_the_end),
        CASE(belief_lasts_a_minute_and_one_asks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
