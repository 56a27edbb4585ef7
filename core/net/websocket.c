// websocket.c - RFC 6455: the handshake, and what is done about each frame.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <shoal/arena.h>
#include <shoal/base.h>
#include <shoal/error.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "net/frames_priv.h"
#include "net/stream_priv.h"

#define GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define MESSAGE_MAX 65536
#define READ_ROUND  262144 // bytes in one turn, so that one peer does not keep the loop
#define ROOM_BYTES  131072 // beside a message: heads, and what was read behind a part of a frame
#define WENT_AWAY   1006

/// What travels from the worker that accepted to the loop that runs the stream.
struct opening {
    struct shoal_socket_route route;
    struct shoal_plugin *owner;
    void *state;
    struct shoal_stream_owner viewer;
};

// ---- frames

int shoal_websocket_start(struct shoal_stream_conn *stream, const struct shoal_socket_route *route)
{
    struct shoal_websocket *socket = &stream->socket;
    socket->message_max = route->message_max_bytes ? route->message_max_bytes : MESSAGE_MAX;
    socket->held.limit = (size_t)socket->message_max + ROOM_BYTES;
    socket->parts.limit = socket->message_max;
    stream->out.limit = 2 * stream->queue_max + ROOM_BYTES;
    int code = shoal_buf_add(&socket->held, stream->rest, stream->rest_length);
    free(stream->rest);
    stream->rest = NULL;
    return code;
}

/// Adds a frame to what is to be written. One that does not take its pongs ends here, as do messages past
/// all bounds.
static void put_frame(struct shoal_stream_conn *stream, int opcode, const void *data, size_t length)
{
    char head[SHOAL_FRAME_HEAD];
    if (stream->socket.has_said_goodbye || stream->is_gone) {
        return; // nothing may follow that
    }
    if (shoal_stream_queue(stream, head, shoal_frame_head(head, opcode, length)) != 0 ||
        shoal_stream_queue(stream, data, length) != 0) {
        shoal_stream_end(stream, SHOAL_STREAM_TOO_SLOW);
    }
}

/// Nothing is read any more, and what waits has so long to be taken.
static void go_deaf(struct shoal_stream_conn *stream)
{
    stream->socket.is_deaf = true;
    shoal_stream_end_soon(stream);
}

/// What the peer said is no frame: it is told so, and then only heard out.
static void fail(struct shoal_stream_conn *stream, int code)
{
    bool has_code = code != SHOAL_CLOSE_NO_STATUS;
    go_deaf(stream);
    if (!stream->close_code) {
        stream->close_code = has_code ? code : SHOAL_CLOSE_NO_FRAME;
    }
    const unsigned char text[2] = {(unsigned char)(code >> 8), (unsigned char)(code & 255)};
    put_frame(stream, SHOAL_FRAME_CLOSE, text, has_code ? sizeof text : 0);
    stream->socket.has_said_goodbye = true;
}

static void hear_goodbye(struct shoal_stream_conn *stream, const struct shoal_frame *frame)
{
    int code = shoal_frame_goodbye(frame);
    if (code < 0) {
        fail(stream, -code);
        return;
    }
    if (!stream->is_closing) {
        stream->close_code = code;
    }
    put_frame(stream, SHOAL_FRAME_CLOSE, frame->payload, frame->length);
    stream->socket.has_said_goodbye = stream->socket.has_heard_goodbye = true;
    go_deaf(stream);
}

static void deliver(struct shoal_stream_conn *stream, int opcode, const char *data, size_t length)
{
    if (opcode == SHOAL_FRAME_TEXT && !shoal_is_utf8(data, length)) {
        fail(stream, SHOAL_CLOSE_NO_TEXT);
    } else {
        shoal_stream_deliver(stream, length > 0 ? data : "", length, opcode == SHOAL_FRAME_TEXT);
    }
}

/// Most messages are one frame and never copied; the parts of others are put together.
static void hear_data(struct shoal_stream_conn *stream, const struct shoal_frame *frame)
{
    struct shoal_websocket *socket = &stream->socket;
    bool goes_on = frame->opcode == SHOAL_FRAME_MORE;
    if (goes_on != (socket->opcode != 0)) {
        fail(stream, SHOAL_CLOSE_NO_FRAME);
    } else if (!goes_on && frame->is_last) {
        deliver(stream, frame->opcode, frame->payload, frame->length);
    } else {
        socket->opcode = goes_on ? socket->opcode : frame->opcode;
        if (shoal_buf_add(&socket->parts, frame->payload, frame->length) != 0) {
            fail(stream, SHOAL_CLOSE_TOO_LARGE);
        } else if (frame->is_last) {
            struct shoal_buf whole = socket->parts;
            int opcode = socket->opcode;
            socket->parts = (struct shoal_buf){.limit = socket->message_max};
            socket->opcode = 0;
            deliver(stream, opcode, whole.data, whole.length);
            shoal_buf_fini(&whole);
        }
    }
}

static void hear_frame(struct shoal_stream_conn *stream, const struct shoal_frame *frame)
{
    switch (frame->opcode) {
    case SHOAL_FRAME_CLOSE:
        hear_goodbye(stream, frame);
        break;
    case SHOAL_FRAME_PING:
        put_frame(stream, SHOAL_FRAME_PONG, frame->payload, frame->length);
        break;
    case SHOAL_FRAME_PONG:
        break;
    default:
        hear_data(stream, frame);
    }
}

/// Hears the frames that are whole. Returns: how many bytes they took.
static size_t hear_frames(struct shoal_stream_conn *stream, char *bytes, size_t length)
{
    const struct shoal_websocket *socket = &stream->socket;
    size_t used = 0;
    while (!stream->is_gone && !stream->is_paused && !socket->is_deaf) {
        struct shoal_frame frame;
        int code = shoal_frame_read(bytes + used, length - used,
            socket->message_max - socket->parts.length, &frame);
        if (code == 0) {
            break;
        }
        if (code < 0) {
            fail(stream, -code);
            break;
        }
        used += frame.whole;
        hear_frame(stream, &frame);
    }
    return used;
}

/// What is held is the beginning of a frame, or what came while the owner wanted no more.
static void hear_held(struct shoal_stream_conn *stream)
{
    struct shoal_buf held = stream->socket.held;
    stream->socket.held = (struct shoal_buf){.limit = held.limit};
    size_t used = hear_frames(stream, held.data, held.length);
    if (used == held.length) {
        shoal_buf_fini(&held);
        return;
    }
    memmove(held.data, held.data + used, held.length - used);
    held.length -= used;
    stream->socket.held = held;
}

static void hear_bytes(struct shoal_stream_conn *stream, char *bytes, size_t length)
{
    struct shoal_buf *held = &stream->socket.held;
    if (held->length > 0) {
        if (shoal_buf_add(held, bytes, length) != 0) {
            fail(stream, SHOAL_CLOSE_TOO_LARGE);
        }
        hear_held(stream);
        return;
    }
    size_t used = hear_frames(stream, bytes, length);
    if (used < length && !stream->is_gone && !stream->socket.is_deaf &&
        shoal_buf_add(held, bytes + used, length - used) != 0) {
        fail(stream, SHOAL_CLOSE_TOO_LARGE);
    }
}

void shoal_websocket_read(struct shoal_stream_conn *stream)
{
    struct shoal_loop *loop = stream->loop;
    size_t round = READ_ROUND;
    if (stream->socket.held.length > 0) {
        hear_held(stream);
    }
    while (!stream->is_gone && !stream->is_paused && !stream->socket.is_deaf) {
        if (round == 0) {
            shoal_stream_read_later(stream);
            return;
        }
        size_t room = sizeof loop->in < round ? sizeof loop->in : round;
        ssize_t got = shoal_wire_read(&stream->wire, loop->in, room);
        if (got == SHOAL_WIRE_AGAIN) {
            return;
        }
        if (got <= 0) {
            shoal_stream_end(stream, WENT_AWAY);
            return;
        }
        round -= (size_t)got;
        stream->heard_ms = loop->now_ms;
        hear_bytes(stream, loop->in, (size_t)got);
        if ((size_t)got < room && !stream->wire.ssl) {
            return; // that was all: a poll tells when there is more
        }
    }
}

void shoal_websocket_written(struct shoal_stream_conn *stream)
{
    const struct shoal_websocket *socket = &stream->socket;
    if (!socket->has_said_goodbye) {
        return;
    }
    if (socket->has_heard_goodbye) {
        shoal_stream_end(stream, stream->close_code);
    } else if (socket->is_deaf) {
        shoal_stream_linger(stream);
    }
}

void shoal_websocket_send(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text)
{
    put_frame(stream, is_text ? SHOAL_FRAME_TEXT : SHOAL_FRAME_BINARY, data, length);
}

void shoal_websocket_close(struct shoal_stream_conn *stream, int code, const char *reason)
{
    char text[125];
    size_t length = strnlen(reason, sizeof text - 2);
    text[0] = (char)(code >> 8);
    text[1] = (char)(code & 255);
    memcpy(text + 2, reason, length);
    put_frame(stream, SHOAL_FRAME_CLOSE, text, length + 2);
    stream->socket.has_said_goodbye = true;
}

void shoal_websocket_ping(struct shoal_stream_conn *stream)
{
    put_frame(stream, SHOAL_FRAME_PING, NULL, 0);
}

void shoal_websocket_fini(struct shoal_stream_conn *stream)
{
    shoal_buf_fini(&stream->socket.held);
    shoal_buf_fini(&stream->socket.parts);
}

// ---- the handshake

static bool has_token(const char *list, const char *wanted)
{
    size_t length = strlen(wanted);
    while (list && *list) {
        list += strspn(list, " \t,");
        size_t token = strcspn(list, " \t,");
        if (token == length && strncasecmp(list, wanted, length) == 0) {
            return true;
        }
        list += token;
    }
    return false;
}

static const char *accept_key(struct shoal_arena *arena, const char *key)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const char *text = shoal_arena_printf(arena, "%s" GUID, key);
    EVP_Digest(text, strlen(text), digest, &length, EVP_sha1(), NULL);
    char *out = shoal_arena_alloc(arena, 32);
    EVP_EncodeBlock((unsigned char *)out, digest, (int)length);
    return out;
}

/// Scripts of other sites may not talk to an endpoint that did not invite them.
static bool is_own_origin(struct shoal_request *request)
{
    const char *origin = shoal_request_header(request, "origin");
    const char *host = shoal_request_host(request);
    const char *at = origin ? strstr(origin, "://") : NULL;
    if (request->origin.is_https && origin && strncasecmp(origin, "https://", 8) != 0) {
        return false; // a page that anybody on the way could have written
    }
    return !origin || (at && host && strcasecmp(at + 3, host) == 0);
}

int shoal_websocket_check(struct shoal_request *request, const struct shoal_socket_route *route,
    struct shoal_err *err)
{
    const char *key = shoal_request_header(request, "sec-websocket-key");
    const char *version = shoal_request_header(request, "sec-websocket-version");
    if (!has_token(shoal_request_header(request, "upgrade"), "websocket") ||
        !has_token(shoal_request_header(request, "connection"), "upgrade")) {
        return shoal_fail(err, SHOAL_EINVAL, "this address speaks WebSocket: an Upgrade is needed");
    }
    if (!version || strcmp(version, "13") != 0) {
        shoal_answer_header(request, "Sec-WebSocket-Version", "13");
        return shoal_fail(err, SHOAL_EINVAL, "only version 13 of WebSocket is spoken here");
    }
    if (!key || strlen(key) != 24) {
        return shoal_fail(err, SHOAL_EINVAL, "Sec-WebSocket-Key has to be 16 bytes in base64");
    }
    if (!route->any_origin && !is_own_origin(request)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "another site's page may not connect here");
    }
    return 0;
}

static void start_stream(struct shoal_taken *taken, void *arg)
{
    struct opening *opening = arg;
    if (!taken) {
        if (opening->route.ops->closed) {
            struct shoal_plugin *before = shoal_call_mark(opening->owner);
            opening->route.ops->closed(0, opening->state, WENT_AWAY);
            shoal_call_mark(before);
        }
        free(opening);
        return;
    }
    struct shoal_stream_conn *stream = shoal_stream_new(SHOAL_STREAM_WEBSOCKET, taken->loop,
        &taken->wire, opening->route.ops, opening->owner, opening->state);
    stream->peer = taken->peer;
    stream->rest = taken->rest;
    stream->rest_length = taken->rest_length;
    if (opening->route.queue_max_bytes) {
        stream->queue_max = opening->route.queue_max_bytes;
    }
    if (opening->route.idle_ms) {
        stream->idle_ms = opening->route.idle_ms;
    }
    if (!shoal_stream_own(stream, &opening->viewer) ||
        shoal_websocket_start(stream, &opening->route) != 0) {
        shoal_stream_end(stream, WENT_AWAY);
    } else {
        shoal_stream_begin(stream);
    }
    free(opening);
}

int shoal_websocket_answer(struct shoal_request *request, const struct shoal_socket_route *route,
    struct shoal_plugin *owner, void *state, struct shoal_err *err)
{
    struct shoal_arena *arena = request->call.arena;
    shoal_answer_header(request, "Upgrade", "websocket");
    shoal_answer_header(request, "Connection", "Upgrade");
    shoal_answer_header(request, "Sec-WebSocket-Accept", accept_key(arena, shoal_request_header(request, "sec-websocket-key")));
    if (route->protocol &&
        has_token(shoal_request_header(request, "sec-websocket-protocol"), route->protocol)) {
        shoal_answer_header(request, "Sec-WebSocket-Protocol", route->protocol);
    }
    struct opening *opening = shoal_alloc(1, sizeof *opening);
    *opening = (struct opening){*route, owner, state, shoal_stream_owner_of(request)};
    int code = shoal_answer_taken(request, 101, start_stream, opening, err);
    if (code != 0) {
        free(opening);
    }
    return code;
}
