// stream_test.c - a long connection on its loop: what is read, what waits to be written, every end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_test.h"

#define LARGE 500000 // more than the buffers of a socket pair hold

static void carries_bytes_both_ways(void **state)
{
    (void)state;
    char out[64];
    int peer;
    bool is_end;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    assert_int_equal(heard.opened, 1);
    write_peer(peer, "hello", 5);
    assert_heard("hello");
    assert_false(heard.is_text);
    assert_int_equal(shoal_stream_send(stream, "answer", 6, false), 0);
    assert_int_equal(read_peer(peer, out, sizeof out, &is_end), 6);
    assert_memory_equal(out, "answer", 6);
    assert_false(is_end);
    assert_int_equal(heard.drained, 1);
    assert_int_equal(shoal_stream_queued(stream), 0);
    close(peer);
    turn();
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 1000);
    assert_int_equal(shoal_stream_send(stream, "x", 1, false), SHOAL_EGONE);
}

static void keeps_what_the_peer_does_not_take(void **state)
{
    (void)state;
    char *sent = malloc(LARGE), *got = malloc(LARGE + 1);
    int peer;
    bool is_end;
    for (size_t i = 0; i < LARGE; i++) {
        sent[i] = (char)(i % 251);
    }
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    assert_int_equal(shoal_stream_send(stream, sent, LARGE, false), 0);
    turn();
    assert_int_equal(heard.drained, 0);
    assert_true(shoal_stream_queued(stream) > 0 && shoal_stream_queued(stream) < LARGE);
    assert_int_equal(read_peer(peer, got, LARGE + 1, &is_end), LARGE);
    assert_memory_equal(got, sent, LARGE);
    assert_int_equal(shoal_stream_queued(stream), 0);
    assert_int_equal(heard.drained, 1);
    close(peer);
    free(sent);
    free(got);
}

static void a_peer_that_is_never_quite_done_stays(void **state)
{
    (void)state;
    char *got = malloc(LARGE);
    unsigned char sent = 0, wanted = 0;
    size_t waits = 0;
    int peer;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    for (int i = 0; i < 40; i++) { // ten times of what may wait goes through
        char bytes[LARGE / 2];
        for (size_t at = 0; at < sizeof bytes; at++) {
            bytes[at] = (char)sent++;
        }
        assert_int_equal(shoal_stream_send(stream, bytes, sizeof bytes, false), 0);
        waits += sizeof bytes;
        turn();
        assert_true(shoal_stream_queued(stream) > 0);
        for (size_t left = i == 0 ? 0 : sizeof bytes; left > 0;) {
            ssize_t count = recv(peer, got, left, MSG_DONTWAIT);
            assert_true(count > 0);
            for (ssize_t at = 0; at < count; at++) {
                assert_int_equal((unsigned char)got[at], wanted++);
            }
            left -= (size_t)count;
            waits -= (size_t)count;
            turn();
        }
    }
    assert_int_equal(heard.closed, 0);
    assert_int_equal(heard.drained, 0);
    assert_int_equal(waits, LARGE / 2);
    close(peer);
    turn();
    free(got);
}

static void ends_who_does_not_listen(void **state)
{
    (void)state;
    char *bytes = calloc(1, LARGE);
    int peer;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    assert_int_equal(shoal_stream_send(stream, bytes, LARGE, false), 0);
    assert_int_equal(shoal_stream_send(stream, bytes, LARGE, false), 0);
    assert_int_equal(shoal_stream_send(stream, bytes, LARGE, false), SHOAL_EBUSY); // 1 MiB waits
    turn();
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, SHOAL_STREAM_TOO_SLOW);
    close(peer);
    free(bytes);
}

static void a_peer_that_said_its_last_still_hears_the_rest(void **state)
{
    (void)state;
    char *bytes = calloc(1, LARGE);
    int peer;
    bool is_end;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    assert_int_equal(shoal_stream_send(stream, bytes, LARGE, false), 0);
    assert_int_equal(send(peer, "last", 4, 0), 4);
    shutdown(peer, SHUT_WR);
    turn();
    assert_heard("last");
    assert_int_equal(heard.closed, 0);
    char *got = malloc(LARGE + 1);
    assert_int_equal(read_peer(peer, got, LARGE + 1, &is_end), LARGE);
    assert_true(is_end);
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 1000);
    close(peer);
    free(bytes);
    free(got);
}

static void a_polite_end_sends_what_waits_and_hears_nothing_more(void **state)
{
    (void)state;
    char *bytes = calloc(1, LARGE), *got = malloc(LARGE + 1);
    int peer;
    bool is_end;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    assert_int_equal(shoal_stream_send(stream, bytes, LARGE, false), 0);
    shoal_stream_close(stream, 4000, "enough");
    shoal_stream_close(stream, 4001, "twice"); // the first word counts
    write_peer(peer, "late", 4);
    assert_int_equal(heard.messages, 0);
    assert_int_equal(heard.closed, 0);
    assert_int_equal(shoal_stream_send(stream, "more", 4, false), 0);
    assert_int_equal(read_peer(peer, got, LARGE + 1, &is_end), LARGE); // and not "more"
    assert_true(is_end);
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 4000);
    close(peer);
    free(bytes);
    free(got);
}

static void a_pause_holds_what_comes(void **state)
{
    (void)state;
    int peer;
    shoal_stream stream = open_stream(SHOAL_STREAM_RAW, &peer);
    shoal_stream_pause(stream, true);
    write_peer(peer, "early", 5);
    assert_int_equal(heard.messages, 0);
    shoal_stream_pause(stream, false);
    turn();
    assert_heard("early");
    close(peer);
    turn();
    assert_int_equal(heard.closed, 1);
}

static void events_are_one_way(void **state)
{
    (void)state;
    char out[32];
    int peer;
    bool is_end;
    shoal_stream stream = open_stream(SHOAL_STREAM_EVENTS, &peer);
    write_peer(peer, "who hears this", 14);
    assert_int_equal(heard.messages, 0);
    assert_int_equal(shoal_stream_send(stream, "data: 1\n\n", 9, true), 0);
    assert_int_equal(read_peer(peer, out, sizeof out, &is_end), 9);
    close(peer);
    turn();
    assert_int_equal(heard.closed, 1);
}

static void a_stream_without_a_handle_ends_at_once(void **state)
{
    (void)state;
    int peer;
    struct shoal_stream_conn *stream = make_stream(SHOAL_STREAM_RAW, &peer);
    shoal_stream_delist(stream->handle);
    stream->handle = 0; // as where the table is full
    shoal_stream_begin(stream);
    assert_int_equal(heard.opened, 0);
    assert_int_equal(heard.closed, 1);
    close(peer);
}

static void one_that_cannot_be_polled_ends_at_once(void **state)
{
    (void)state;
    char path[] = "/tmp/shoal_stream_XXXXXX";
    const struct shoal_wire wire = {.fd = mkstemp(path)}; // epoll takes no files
    unlink(path);
    shoal_stream_begin(
        shoal_stream_new(SHOAL_STREAM_RAW, &made.loop, &wire, &hearing, NULL, NULL));
    assert_int_equal(heard.opened, 0);
    assert_int_equal(heard.closed, 1);
}

static void a_stopping_loop_takes_no_new_ones(void **state)
{
    (void)state;
    int peer;
    struct shoal_stream_conn *stream = make_stream(SHOAL_STREAM_RAW, &peer);
    made.loop.is_stopping = true;
    shoal_stream_begin(stream);
    made.loop.is_stopping = false;
    assert_int_equal(heard.closed, 1);
    assert_int_equal(heard.code, 1012);
    close(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(carries_bytes_both_ways, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(keeps_what_the_peer_does_not_take, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(a_peer_that_is_never_quite_done_stays, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(ends_who_does_not_listen, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(
            a_peer_that_said_its_last_still_hears_the_rest, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(
            a_polite_end_sends_what_waits_and_hears_nothing_more, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(a_pause_holds_what_comes, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(events_are_one_way, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(
            a_stream_without_a_handle_ends_at_once, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(
            one_that_cannot_be_polled_ends_at_once, start_loop, stop_loop),
        cmocka_unit_test_setup_teardown(a_stopping_loop_takes_no_new_ones, start_loop, stop_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
