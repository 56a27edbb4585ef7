// websocket_fuzz.c - any bytes as frames of a client: what is delivered keeps its bounds and is
// UTF-8.
//
// The first byte says how many of the bytes came behind the handshake; the others come by the wire.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/alloc.h"
#include "net/server_priv.h"
#include "net/stream_priv.h"

#define MESSAGE_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct shoal_server server;
static struct shoal_loop loop;
static int closed_count;

static bool is_utf8(const void *data, size_t length)
{
    json_t *text = json_stringn(length > 0 ? data : "", length);
    json_decref(text);
    return text != NULL;
}

// Says back what it hears, and does as the first letter says.
static void on_message(
    shoal_stream handle, void *state, const void *data, size_t length, bool is_text)
{
    (void)state;
    if (length > MESSAGE_MAX || closed_count > 0 || (is_text && !is_utf8(data, length))) {
        abort();
    }
    shoal_stream_send(handle, data, length, is_text);
    char letter = length > 0 ? *(const char *)data : 0;
    if (letter == 'c') {
        shoal_stream_close(handle, 4000, "as you wish");
    } else if (letter == 'p') {
        shoal_stream_pause(handle, true);
        shoal_stream_pause(handle, false);
    }
}

static void on_closed(shoal_stream handle, void *state, int code)
{
    (void)handle;
    (void)state;
    (void)code;
    closed_count++;
}

static void start_loop(void)
{
    loop.server = &server;
    loop.thread = pthread_self();
    shoal_loop_init(&loop);
}

// Turns the loop until nothing moves any more.
static void turn(int peer)
{
    static char said[65536];
    bool moves = true;
    for (int i = 0; i < 64 && moves; i++) {
        moves = loop.post_count > 0;
        shoal_loop_hear(&loop);
        uv_run(&loop.uv, UV_RUN_NOWAIT);
        while (recv(peer, said, sizeof said, MSG_DONTWAIT) > 0) {
            moves = true;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static bool is_started;
    int ends[2];
    if (length < 1 || length > 65536) {
        return 0;
    }
    if (!is_started) {
        start_loop();
        is_started = true;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        abort();
    }
    closed_count = 0;
    const struct shoal_stream_ops ops = {.message = on_message, .closed = on_closed};
    const struct shoal_socket_route route = {.ops = &ops, .message_max_bytes = MESSAGE_MAX};
    struct shoal_wire wire = {.fd = ends[0]};
    struct shoal_stream_conn *stream =
        shoal_stream_new(SHOAL_STREAM_WEBSOCKET, &loop, &wire, &ops, NULL, NULL);
    size_t early = bytes[0] < length ? bytes[0] : length - 1;
    if (early > 0) {
        stream->rest = shoal_alloc(1, early);
        memcpy(stream->rest, bytes + 1, early);
        stream->rest_length = early;
    }
    if (shoal_websocket_start(stream, &route) != 0) {
        abort();
    }
    shoal_stream_begin(stream);
    ssize_t unused = send(ends[1], bytes + 1 + early, length - 1 - early, MSG_NOSIGNAL);
    (void)unused; // it may have been hung up on
    turn(ends[1]);
    close(ends[1]);
    turn(-1);
    if (closed_count == 0) {
        shoal_stream_end(stream, 1006);
        turn(-1);
    }
    if (closed_count != 1 || loop.held != 0) {
        abort(); // the end is told once, and nothing is left
    }
    return 0;
}
