// websocket.c - RFC 6455: the handshake, and frames by wslay.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <shoal/arena.h>
#include <shoal/base.h>
#include <shoal/error.h>

#include "base/alloc.h"
#include "net/stream_priv.h"

#define GUID        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define MESSAGE_MAX 65536
#define READ_ROUND  262144 // bytes in one turn, so that one peer does not keep the loop
#define NO_FRAME    1002
#define FRAMES_MAX  65536  // that wait for the peer to take them
#define WENT_AWAY   1006

/// What travels from the worker that accepted to the loop that runs the stream.
struct opening {
    struct shoal_socket_route route;
    struct shoal_plugin *owner;
    void *state;
    struct shoal_stream_owner viewer;
};

// ---- frames

static ssize_t take_bytes(wslay_event_context_ptr frames, uint8_t *out, size_t room, int flags,
    void *user)
{
    (void)flags;
    struct shoal_stream_conn *stream = user;
    if (stream->is_gone) {
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE); // a message was the last
        return -1;
    }
    if (stream->is_paused || stream->round == 0) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (stream->rest_at < stream->rest_length) {
        size_t left = stream->rest_length - stream->rest_at;
        size_t count = left < room ? left : room;
        memcpy(out, stream->rest + stream->rest_at, count);
        stream->rest_at += count;
        return (ssize_t)count;
    }
    ssize_t got = shoal_wire_read(&stream->wire, out, room < stream->round ? room : stream->round);
    if (got == SHOAL_WIRE_AGAIN) {
        wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (got <= 0) {
        stream->is_broken = true;
        wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    stream->round -= (size_t)got;
    stream->heard_ms = shoal_tick_ms();
    return got;
}

static ssize_t give_bytes(wslay_event_context_ptr frames, const uint8_t *data, size_t length,
    int flags, void *user)
{
    (void)flags;
    struct shoal_stream_conn *stream = user;
    struct iovec piece = {(void *)(uintptr_t)data, length};
    ssize_t put = shoal_wire_write(&stream->wire, &piece, 1, stream->loop->gather, false);
    if (put >= 0) {
        return put;
    }
    wslay_event_set_error(frames,
        put == SHOAL_WIRE_AGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

/// A close frame has a code of two bytes or nothing; wslay takes one byte for nothing.
static void hear_frame(wslay_event_context_ptr frames,
    const struct wslay_event_on_frame_recv_start_arg *frame, void *user)
{
    (void)user;
    if (frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1) {
        wslay_event_queue_close(frames, NO_FRAME, NULL, 0);
    }
}

static void hear_message(wslay_event_context_ptr frames,
    const struct wslay_event_on_msg_recv_arg *message, void *user)
{
    (void)frames;
    struct shoal_stream_conn *stream = user;
    if (message->opcode == WSLAY_CONNECTION_CLOSE) {
        stream->close_code = message->status_code;
    } else if (!wslay_is_ctrl_frame(message->opcode)) {
        shoal_stream_deliver(stream, message->msg, message->msg_length,
            message->opcode == WSLAY_TEXT_FRAME);
    }
}

int shoal_websocket_start(struct shoal_stream_conn *stream, const struct shoal_socket_route *route)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = take_bytes,
        .send_callback = give_bytes,
        .on_frame_recv_start_callback = hear_frame,
        .on_msg_recv_callback = hear_message,
    };
    if (wslay_event_context_server_init(&stream->frames, &callbacks, stream) != 0) {
        stream->frames = NULL;
        return SHOAL_EINTERNAL;
    }
    wslay_event_config_set_max_recv_msg_length(stream->frames,
        route->message_max_bytes ? route->message_max_bytes : MESSAGE_MAX);
    return 0;
}

void shoal_websocket_read(struct shoal_stream_conn *stream)
{
    stream->round = READ_ROUND;
    if (wslay_event_want_read(stream->frames) && wslay_event_recv(stream->frames) != 0) {
        if (stream->is_broken) {
            shoal_stream_end(stream, WENT_AWAY);
        } else if (!stream->is_gone) {
            stream->close_code = NO_FRAME; // wslay says goodbye, without a code
        }
    }
    if (!stream->is_gone && stream->round == 0) {
        shoal_stream_read_later(stream);
    }
}

/// After the last frame: at once when the peer said goodbye too, else it may have to be heard out.
static void end_when_over(struct shoal_stream_conn *stream)
{
    if (!wslay_event_get_close_sent(stream->frames) || wslay_event_want_write(stream->frames)) {
        return;
    }
    if (!stream->close_code) {
        stream->close_code = wslay_event_get_status_code_sent(stream->frames);
    }
    if (wslay_event_get_close_received(stream->frames)) {
        shoal_stream_end(stream, stream->close_code);
    } else if (!wslay_event_want_read(stream->frames)) {
        shoal_stream_linger(stream);
    }
}

void shoal_websocket_write(struct shoal_stream_conn *stream)
{
    if (wslay_event_want_write(stream->frames) && wslay_event_send(stream->frames) != 0) {
        shoal_stream_end(stream, WENT_AWAY);
        return;
    }
    size_t queued = wslay_event_get_queued_msg_length(stream->frames);
    atomic_store(&stream->queued, queued);
    // What we send is bounded before; this is a peer that pings and does not take the answers.
    if (queued > 2 * stream->queue_max ||
        wslay_event_get_queued_msg_count(stream->frames) > FRAMES_MAX) {
        shoal_stream_end(stream, SHOAL_STREAM_TOO_SLOW);
        return;
    }
    end_when_over(stream);
}

void shoal_websocket_send(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text)
{
    struct wslay_event_msg message = {
        .opcode = is_text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, .msg = data, .msg_length = length};
    // Refused only when a close frame waits to be sent: nothing may follow that.
    wslay_event_queue_msg(stream->frames, &message);
}

void shoal_websocket_close(struct shoal_stream_conn *stream, int code, const char *reason)
{
    wslay_event_queue_close(stream->frames, (uint16_t)code, (const uint8_t *)reason, strlen(reason));
}

void shoal_websocket_ping(struct shoal_stream_conn *stream)
{
    struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    wslay_event_queue_msg(stream->frames, &ping);
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
