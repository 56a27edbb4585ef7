// stream_test.h - what tests of streams share: a loop that is turned by hand, and a peer on a
// socket pair.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_STREAM_TEST_H
#define SHOAL_CORE_NET_STREAM_TEST_H
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "net/request_test.h"
#include "net/stream_priv.h"

/// What the owner of the streams was told.
static struct {
    int opened, drained, closed, code, messages;
    bool is_text;
    struct shoal_buf data;
} heard;

static inline void on_opened(shoal_stream stream, void *state)
{
    (void)stream;
    (void)state;
    heard.opened++;
}

static inline void on_message(
    shoal_stream stream, void *state, const void *data, size_t length, bool is_text)
{
    (void)stream;
    (void)state;
    heard.messages++;
    heard.is_text = is_text;
    shoal_buf_add(&heard.data, data, length);
}

static inline void on_drained(shoal_stream stream, void *state)
{
    (void)stream;
    (void)state;
    heard.drained++;
}

static inline void on_closed(shoal_stream stream, void *state, int code)
{
    (void)stream;
    (void)state;
    heard.closed++;
    heard.code = code;
}

static const struct shoal_stream_ops hearing = {
    .opened = on_opened, .message = on_message, .drained = on_drained, .closed = on_closed};

static inline int start_loop(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    memset(&made, 0, sizeof made);
    memset(&heard, 0, sizeof heard);
    made.loop.server = &made.server;
    shoal_loop_init(&made.loop);
    made.loop.thread = pthread_self();
    return 0;
}

/// Lets the loop hear what is there by now.
static inline void turn(void)
{
    for (int i = 0; i < 8; i++) {
        uv_run(&made.loop.uv, UV_RUN_NOWAIT);
    }
}

/// Every stream has ended by now, and left nothing behind.
static inline int stop_loop(void **state)
{
    (void)state;
    turn();
    assert_int_equal(made.loop.held, 0);
    assert_int_equal(made.server.conn_count, 0);
    made.loop.thread = 0;
    shoal_loop_fini(&made.loop);
    free(made.loop.posts);
    shoal_buf_fini(&heard.data);
    return 0;
}

/// A stream that has not begun; *peer is the other end.
static inline struct shoal_stream_conn *make_stream(enum shoal_stream_kind kind, int *peer)
{
    int ends[2];
    int small = 8192;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    *peer = ends[1];
    const struct shoal_wire wire = {.fd = ends[0]};
    return shoal_stream_new(kind, &made.loop, &wire, &hearing, NULL, NULL);
}

static inline shoal_stream open_stream(enum shoal_stream_kind kind, int *peer)
{
    struct shoal_stream_conn *stream = make_stream(kind, peer);
    shoal_stream handle = stream->handle;
    shoal_stream_begin(stream);
    return handle;
}

static inline void write_peer(int peer, const void *data, size_t length)
{
    assert_int_equal(send(peer, data, length, MSG_NOSIGNAL), (ssize_t)length);
    turn();
}

/// What came to the peer so far. Returns: the bytes read; *is_end: the stream's end was seen.
static inline size_t read_peer(int peer, char *out, size_t room, bool *is_end)
{
    size_t length = 0;
    *is_end = false;
    while (length < room) {
        turn();
        ssize_t got = recv(peer, out + length, room - length, MSG_DONTWAIT);
        if (got <= 0) {
            *is_end = got == 0;
            break;
        }
        length += (size_t)got;
    }
    return length;
}

static inline void assert_heard(const char *text)
{
    assert_int_equal(heard.data.length, strlen(text));
    assert_memory_equal(heard.data.length ? heard.data.data : "", text, strlen(text));
    heard.data.length = 0;
}

#endif
