// p2p_swarm_test.c - swarms: who is counted, who is chosen, and how peers and videos leave.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "p2p_swarm_priv.h"

#define HASH ((const unsigned char *)"12345678901234567890")
#define OTHER ((const unsigned char *)"abcdefghijabcdefghij")

static struct p2p_visitors visitors;
static struct p2p_swarms swarms;

static int begin(void **state)
{
    (void)state;
    p2p_visitors_init(&visitors);
    p2p_swarms_init(&swarms, &visitors);
    p2p_video_unref(p2p_swarms_open(&swarms, HASH, 7, 1000));
    return 0;
}

static int finish(void **state)
{
    (void)state;
    p2p_swarms_fini(&swarms);
    p2p_visitors_fini(&visitors);
    return 0;
}

/// One that announces itself: number is its id, its stream and the last part of its address.
static enum p2p_outcome say(const unsigned char *hash, int64_t video_id, unsigned number,
    shoal_stream stream, enum p2p_event event, bool is_complete, size_t wanted, int64_t now_ms,
    struct p2p_result *result)
{
    char id[P2P_ID_BYTES + 1];
    snprintf(id, sizeof id, "peer-%015u", number);
    struct p2p_video *video = p2p_video_get(&swarms, video_id);
    struct p2p_seat *seat = p2p_seat_new(video);
    struct p2p_entry entry = {.hash = hash, .id = (const unsigned char *)id, .stream = stream,
        .port = 1, .seat = seat, .event = event, .is_complete = is_complete, .wanted = wanted};
    entry.address.bytes[15] = (unsigned char)number;
    entry.address.bytes[14] = (unsigned char)(number >> 8);
    enum p2p_outcome outcome = p2p_swarms_announce(&swarms, &entry, now_ms, result);
    p2p_seat_unref(seat);
    p2p_video_unref(video);
    return outcome;
}

static void assert_counts(uint32_t complete, uint32_t incomplete, uint32_t downloaded)
{
    struct p2p_counts counts = p2p_swarms_count(&swarms, HASH);
    assert_int_equal(counts.complete, complete);
    assert_int_equal(counts.incomplete, incomplete);
    assert_int_equal(counts.downloaded, downloaded);
}

static void counts_who_comes_and_goes(void **state)
{
    (void)state;
    struct p2p_result result;
    assert_int_equal(say(HASH, 7, 1, 1, P2P_STARTED, false, 0, 1000, &result), P2P_DONE);
    assert_int_equal(say(HASH, 7, 2, 2, P2P_STARTED, true, 0, 1000, &result), P2P_DONE);
    assert_int_equal(say(HASH, 7, 3, 0, P2P_UPDATE, false, 0, 1000, &result), P2P_DONE);
    assert_counts(1, 2, 0);
    assert_int_equal(p2p_swarms_viewers(&swarms, 7), 3);
    say(HASH, 7, 1, 1, P2P_COMPLETED, false, 0, 1000, &result);
    say(HASH, 7, 1, 1, P2P_COMPLETED, false, 0, 1000, &result);
    say(HASH, 7, 1, 1, P2P_STARTED, false, 0, 1000, &result);
    assert_counts(2, 1, 1);
    say(HASH, 7, 1, 1, P2P_STOPPED, false, 0, 1000, &result);
    assert_int_equal(result.counts.complete, 1);
    say(HASH, 7, 9, 9, P2P_STOPPED, false, 0, 1000, &result); // nobody knew it
    p2p_swarms_leave(&swarms, HASH, (const unsigned char *)"peer-000000000000002", 5); // another's
    assert_counts(1, 1, 1);
    p2p_swarms_leave(&swarms, HASH, (const unsigned char *)"peer-000000000000002", 2);
    assert_counts(0, 1, 1);
    assert_int_equal(p2p_swarms_viewers(&swarms, 7), 1);
    assert_int_equal(say(OTHER, 7, 1, 1, P2P_STARTED, false, 0, 1000, &result), P2P_GONE);
}

static void chooses_others_of_the_same_kind_once_each(void **state)
{
    (void)state;
    struct p2p_result result;
    for (unsigned i = 1; i <= 300; i++) {
        say(HASH, 7, i, i % 3 ? i : 0, P2P_STARTED, false, 0, 1000, &result);
    }
    bool was_chosen[301] = {false};
    for (int round = 0; round < 200; round++) {
        bool is_here[301] = {false};
        say(HASH, 7, 1, 1, P2P_UPDATE, false, 20, 1000, &result);
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
    say(HASH, 7, 3, 0, P2P_UPDATE, false, P2P_OFFERS_MAX, 1000, &result);
    assert_int_equal(result.count, P2P_OFFERS_MAX);
    for (size_t i = 0; i < result.count; i++) {
        assert_int_equal(result.found[i].stream, 0);
        assert_int_not_equal(result.found[i].address.bytes[15], 3);
    }
}

static void nobody_takes_an_id_from_another_address(void **state)
{
    (void)state;
    struct p2p_result result;
    const unsigned char *id = (const unsigned char *)"peer-000000000000001";
    say(HASH, 7, 1, 11, P2P_STARTED, false, 0, 1000, &result);
    struct p2p_video *video = p2p_video_get(&swarms, 7);
    struct p2p_seat *seat = p2p_seat_new(video);
    struct p2p_entry thief = {.hash = HASH, .id = id, .stream = 12, .seat = seat};
    thief.address.bytes[0] = 9;
    assert_int_equal(p2p_swarms_announce(&swarms, &thief, 1000, &result), P2P_TAKEN);
    thief.event = P2P_STOPPED;
    assert_int_equal(p2p_swarms_announce(&swarms, &thief, 1000, &result), P2P_TAKEN);
    assert_int_equal(p2p_swarms_stream(&swarms, HASH, id), 11);
    say(HASH, 7, 1, 13, P2P_STARTED, false, 0, 1000, &result);
    assert_int_equal(p2p_swarms_stream(&swarms, HASH, id), 13);
    assert_int_equal(p2p_swarms_viewers(&swarms, 7), 1);
    p2p_swarms_leave(&swarms, HASH, id, 11);
    assert_int_equal(p2p_swarms_stream(&swarms, HASH, id), 13);
    p2p_seat_unref(seat);
    p2p_video_unref(video);
}

static void is_full_at_its_bounds(void **state)
{
    (void)state;
    struct p2p_result result;
    swarms.peers_max = 2;
    say(HASH, 7, 1, 1, P2P_STARTED, false, 0, 1000, &result);
    say(HASH, 7, 2, 2, P2P_STARTED, false, 0, 1000, &result);
    assert_int_equal(say(HASH, 7, 3, 3, P2P_STARTED, false, 0, 1000, &result), P2P_FULL);
    assert_int_equal(say(HASH, 7, 2, 2, P2P_UPDATE, false, 0, 1000, &result), P2P_DONE);
}

static void silent_peers_leave(void **state)
{
    (void)state;
    struct p2p_result result;
    for (unsigned i = 1; i <= 100; i++) {
        say(HASH, 7, i, i, P2P_STARTED, i % 2, 0, 1000, &result);
    }
    say(HASH, 7, 5, 5, P2P_UPDATE, true, 0, 2000, &result);
    p2p_swarms_sweep(&swarms, 1000 + P2P_IDLE_MS);
    assert_counts(50, 50, 0);
    p2p_swarms_sweep(&swarms, 1001 + P2P_IDLE_MS);
    assert_counts(1, 0, 0);
    p2p_swarms_sweep(&swarms, 2001 + P2P_IDLE_MS);
    bool is_stale;
    assert_null(p2p_swarms_video(&swarms, HASH, 2001 + P2P_IDLE_MS, &is_stale));
    assert_int_equal(swarms.video_count, 0);
}

static void a_video_that_is_forgotten_has_to_be_asked_for(void **state)
{
    (void)state;
    struct p2p_result result;
    bool is_stale;
    p2p_video_unref(p2p_swarms_open(&swarms, OTHER, 8, 1000));
    say(HASH, 7, 1, 1, P2P_STARTED, false, 0, 1000, &result);
    say(OTHER, 8, 1, 1, P2P_STARTED, false, 0, 1000, &result);
    struct p2p_video *held = p2p_swarms_video(&swarms, HASH, 1000, &is_stale);
    p2p_swarms_forget(&swarms, 7);
    assert_true(atomic_load(&held->is_gone));
    assert_int_equal(atomic_load(&held->viewers), 0);
    assert_null(p2p_swarms_video(&swarms, HASH, 1000, &is_stale));
    assert_int_equal(p2p_swarms_viewers(&swarms, 7), 0);
    assert_int_equal(p2p_swarms_viewers(&swarms, 8), 1);
    struct p2p_video *again = p2p_swarms_open(&swarms, HASH, 7, 1000);
    assert_ptr_not_equal(again, held);
    p2p_video_unref(again);
    p2p_video_unref(held);
    p2p_video_unref(p2p_swarms_open(&swarms, OTHER, 7, 1000)); // the hash is another video's now
    assert_int_equal(p2p_swarms_viewers(&swarms, 8), 0);
}

static void belief_lasts_a_minute_and_one_asks_again(void **state)
{
    (void)state;
    bool is_stale;
    p2p_video_unref(p2p_swarms_video(&swarms, HASH, 1000 + P2P_FRESH_MS, &is_stale));
    assert_false(is_stale);
    p2p_video_unref(p2p_swarms_video(&swarms, HASH, 1001 + P2P_FRESH_MS, &is_stale));
    assert_true(is_stale);
    p2p_video_unref(p2p_swarms_video(&swarms, HASH, 1001 + P2P_FRESH_MS, &is_stale));
    assert_false(is_stale);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(counts_who_comes_and_goes),
        CASE(chooses_others_of_the_same_kind_once_each),
        CASE(nobody_takes_an_id_from_another_address),
        CASE(is_full_at_its_bounds),
        CASE(silent_peers_leave),
        CASE(a_video_that_is_forgotten_has_to_be_asked_for),
        CASE(belief_lasts_a_minute_and_one_asks_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
