// stream_handles_test.c - streams from outside their loop: stale handles, posts, and whose they
// are.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_test.h"

/// What follows is said by another thread than the loop's; turn() hears it.
static void be_elsewhere(bool is_elsewhere)
{
    made.loop.thread = is_elsewhere ? 0 : pthread_self();
}

static void end_all(const int *peers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        close(peers[i]);
    }
    turn();
}

static void a_stale_handle_reaches_nobody(void **state)
{
    (void)state;
    int peer, other;
    char out[64];
    shoal_stream old = open_stream(SHOAL_STREAM_RAW, &peer);
    end_all(&peer, 1);
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &other);
    assert_int_equal((uint32_t)old, (uint32_t)stream); // in the same place
    assert_true(old != stream);
    assert_int_equal(heard.closed, 1);
    assert_int_equal(shoal_stream_send(old, "x", 1, false), SHOAL_EGONE);
    shoal_stream_close(old, 1000, "");
    shoal_stream_pause(old, true);
    turn();
    assert_int_equal(heard.closed, 1);
    assert_int_equal(shoal_stream_address(old, out), SHOAL_EGONE);
    assert_int_equal(shoal_stream_address(stream, out), 0);
    assert_string_equal(out, "unix");
    assert_int_equal(shoal_stream_loop(old), -1);
    assert_int_equal(shoal_stream_loop(stream), 0);
    assert_int_equal(shoal_stream_stay(old, true), SHOAL_EGONE);
    assert_int_equal(shoal_stream_queued(old), 0);
    static const shoal_stream invented[] = {0, 1, UINT64_MAX, 1ull << 32, 0xffffffff};
    for (size_t i = 0; i < sizeof invented / sizeof invented[0]; i++) {
        assert_int_equal(shoal_stream_send(invented[i], "x", 1, false), SHOAL_EGONE);
    }
    write_peer(other, "still here", 10);
    assert_heard("still here");
    end_all(&other, 1);
}

static void handles_stay_apart_as_the_table_grows(void **state)
{
    (void)state;
    enum {
        COUNT = 150
    };
    int peers[COUNT];
    shoal_stream streams[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        streams[i] = open_stream(SHOAL_STREAM_RAW, &peers[i]);
    }
    for (size_t i = 0; i < COUNT; i++) {
        char text[16], got[16];
        bool is_end;
        int length = snprintf(text, sizeof text, "%zu", i);
        assert_int_equal(shoal_stream_send(streams[i], text, (size_t)length, false), 0);
        assert_int_equal(read_peer(peers[i], got, sizeof got, &is_end), length);
        assert_memory_equal(got, text, (size_t)length);
    }
    end_all(peers, COUNT);
    assert_int_equal(heard.closed, COUNT);
}

static void what_other_threads_send_is_heard_in_order(void **state)
{
    (void)state;
    int peer;
    char out[64];
    bool is_end;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    be_elsewhere(true);
    assert_int_equal(shoal_stream_send(stream, "one ", 4, false), 0);
    assert_int_equal(shoal_stream_send(stream, "two", 3, false), 0);
    assert_int_equal(shoal_stream_queued(stream), 7); // though its loop has not heard of it
    shoal_stream_close(stream, 4000, "");
    assert_int_equal(heard.closed, 0);
    be_elsewhere(false);
    assert_int_equal(read_peer(peer, out, sizeof out, &is_end), 7);
    assert_memory_equal(out, "one two", 7);
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 4000);
    end_all(&peer, 1);
}

static void posts_count_towards_the_bound(void **state)
{
    (void)state;
    int peer;
    struct shoal_stream_conn *conn = make_stream(SHOAL_STREAM_RAW, &peer);
    shoal_stream stream = conn->handle;
    conn->queue_max = 10;
    shoal_stream_begin(conn);
    be_elsewhere(true);
    assert_int_equal(shoal_stream_send(stream, "12345", 5, false), 0);
    assert_int_equal(shoal_stream_send(stream, "12345", 5, false), 0);
    assert_int_equal(shoal_stream_send(stream, "1", 1, false), SHOAL_EBUSY);
    be_elsewhere(false);
    turn();
    assert_int_equal(heard.code, SHOAL_STREAM_TOO_SLOW);
    end_all(&peer, 1);
}

static void posts_for_a_stream_that_ended_are_dropped(void **state)
{
    (void)state;
    int peer;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    be_elsewhere(true);
    shoal_stream_close(stream, 1000, "");
    assert_int_equal(shoal_stream_send(stream, "x", 1, false), 0);
    shoal_stream_pause(stream, true);
    shoal_stream_close(stream, 1001, "");
    be_elsewhere(false);
    turn();
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 1000);
    end_all(&peer, 1);
}

static void a_pause_from_elsewhere_holds_once_it_is_heard(void **state)
{
    (void)state;
    int peer;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    be_elsewhere(true);
    shoal_stream_pause(stream, true);
    be_elsewhere(false);
    turn();
    write_peer(peer, "held", 4);
    assert_int_equal(heard.messages, 0);
    be_elsewhere(true);
    shoal_stream_pause(stream, false);
    be_elsewhere(false);
    turn();
    assert_heard("held");
    end_all(&peer, 1);
}

static void only_raw_streams_stay(void **state)
{
    (void)state;
    int peers[2];
    assert_int_equal(shoal_stream_stay(open_stream(SHOAL_STREAM_RAW, &peers[0]), true), 0);
    assert_int_equal(
        shoal_stream_stay(open_stream(SHOAL_STREAM_EVENTS, &peers[1]), true), SHOAL_EUNSUPPORTED);
    end_all(peers, 2);
}

static shoal_stream open_of(
    int64_t user_id, int64_t token_id, struct shoal_plugin *owner, int *peer)
{
    struct shoal_stream_conn *conn = make_stream(SHOAL_STREAM_RAW, peer);
    shoal_stream stream = conn->handle;
    conn->owner = owner;
    const struct shoal_stream_owner viewer = {user_id, token_id, INT64_MAX};
    assert_true(shoal_stream_own(conn, &viewer));
    shoal_stream_begin(conn);
    return stream;
}

static void lists_whose_streams_are_open(void **state)
{
    (void)state;
    int peers[6];
    size_t count = 7;
    assert_null(shoal_streams_viewers(&count));
    assert_int_equal(count, 0);
    static const struct shoal_stream_viewer owners[6] = {
        {9, 2}, {3, 5}, {9, 1}, {3, 5}, {0, 0}, {9, 2}};
    for (size_t i = 0; i < 6; i++) {
        open_of(owners[i].user_id, owners[i].token_id, NULL, &peers[i]);
    }
    struct shoal_stream_viewer *list = shoal_streams_viewers(&count);
    static const struct shoal_stream_viewer expected[] = {{3, 5}, {9, 1}, {9, 2}};
    assert_int_equal(count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(list[i].user_id, expected[i].user_id);
        assert_int_equal(list[i].token_id, expected[i].token_id);
    }
    free(list);
    end_all(peers, 6);
}

static bool is_open(shoal_stream stream)
{
    return shoal_stream_loop(stream) >= 0;
}

static void who_logs_out_loses_that_token_or_all(void **state)
{
    (void)state;
    int peers[4];
    shoal_stream one = open_of(21, 1, NULL, &peers[0]), two = open_of(21, 2, NULL, &peers[1]);
    shoal_stream other = open_of(22, 1, NULL, &peers[2]), nobody = open_of(0, 0, NULL, &peers[3]);
    shoal_streams_viewer_remove(21, 1);
    turn();
    assert_int_equal(heard.code, 1008);
    assert_true(!is_open(one) && is_open(two) && is_open(other) && is_open(nobody));
    shoal_streams_viewer_remove(21, 0);
    turn();
    assert_true(!is_open(two) && is_open(other) && is_open(nobody));
    end_all(peers, 4);
}

static void a_stream_on_its_way_is_turned_back(void **state)
{
    (void)state;
    int peer;
    int64_t before_ms = shoal_tick_ms() - 1000;
    shoal_streams_viewer_remove(31, 1);
    shoal_streams_viewer_remove(32, 0);
    static const struct {
        int64_t user_id, token_id;
        bool is_late, may; // late: its credential was looked at after all this
    } rows[] = {{31, 1, false, false}, {31, 2, false, true}, {31, 1, true, true},
        {32, 1, false, false}, {32, 9, false, false}, {33, 1, false, true}, {0, 0, false, true}};
    struct shoal_stream_conn *conn = make_stream(SHOAL_STREAM_RAW, &peer);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct shoal_stream_owner owner = {
            rows[i].user_id, rows[i].token_id, rows[i].is_late ? INT64_MAX : before_ms};
        assert_int_equal(shoal_stream_own(conn, &owner), rows[i].may);
    }
    shoal_stream_begin(conn);
    end_all(&peer, 1);
}

static void streams_end_with_the_plugin_that_owns_them(void **state)
{
    (void)state;
    int peers[2], marks[2];
    struct shoal_plugin *mine = (void *)&marks[0], *theirs = (void *)&marks[1];
    shoal_stream one = open_of(0, 0, mine, &peers[0]), two = open_of(0, 0, theirs, &peers[1]);
    shoal_streams_owner_remove(mine);
    turn();
    assert_int_equal(heard.code, 1001);
    assert_true(!is_open(one) && is_open(two));
    end_all(peers, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start_loop, stop_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_stale_handle_reaches_nobody),
        CASE(handles_stay_apart_as_the_table_grows),
        CASE(what_other_threads_send_is_heard_in_order),
        CASE(posts_count_towards_the_bound),
        CASE(posts_for_a_stream_that_ended_are_dropped),
        CASE(a_pause_from_elsewhere_holds_once_it_is_heard),
        CASE(only_raw_streams_stay),
        CASE(lists_whose_streams_are_open),
        CASE(who_logs_out_loses_that_token_or_all),
        CASE(a_stream_on_its_way_is_turned_back),
        CASE(streams_end_with_the_plugin_that_owns_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
