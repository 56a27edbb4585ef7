// stream.c - long connections on their loop: what is read, what is written, how they end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>
#include <shoal/error.h>

#include "base/alloc.h"

#define READ_ROUND  16 // reads, and
#define WRITE_ROUND 16 // refills in one turn, so that one peer does not keep the loop
#define CLOSE_MS    3000 // for the peer to take what is left, and to say goodbye
#define WENT_AWAY   1006
#define QUEUE_BYTES (1024 * 1024)
#define RAW_IDLE_MS 300000
#define SPARE_BYTES 16384 // of a buffer that is kept for another stream

_Thread_local struct shoal_stream_conn *shoal_stream_heard;

bool shoal_stream_on_loop(const struct shoal_stream_conn *stream)
{
    return pthread_equal(pthread_self(), stream->loop->thread) != 0;
}

// ---- the end

static void handle_closed(uv_handle_t *handle)
{
    struct shoal_stream_conn *stream = handle->data;
    if (--stream->open_handles > 0) {
        return;
    }
    struct shoal_loop *loop = stream->loop;
    shoal_websocket_fini(stream); // not sooner: what it holds may be what called the plugin
    shoal_buf_fini(&stream->out);
    free(stream->rest);
    free(stream);
    atomic_fetch_sub(&loop->server->conn_count, 1);
    shoal_loop_release(loop);
}

// ---- what is written when the turn ends

/// A message to a WebSocket waits for others of the same turn: all of them are one write.
static void mark_dirty(struct shoal_stream_conn *stream)
{
    if (stream->is_dirty) {
        return;
    }
    stream->is_dirty = true;
    stream->dirty_before = NULL;
    stream->dirty_after = stream->loop->dirty;
    if (stream->dirty_after) {
        stream->dirty_after->dirty_before = stream;
    }
    stream->loop->dirty = stream;
}

static void mark_clean(struct shoal_stream_conn *stream)
{
    if (!stream->is_dirty) {
        return;
    }
    stream->is_dirty = false;
    *(stream->dirty_before ? &stream->dirty_before->dirty_after : &stream->loop->dirty) =
        stream->dirty_after;
    if (stream->dirty_after) {
        stream->dirty_after->dirty_before = stream->dirty_before;
    }
}

void shoal_streams_flush(struct shoal_loop *loop)
{
    while (loop->dirty) {
        struct shoal_stream_conn *stream = loop->dirty;
        mark_clean(stream);
        shoal_stream_flush(stream);
    }
}

void shoal_stream_end(struct shoal_stream_conn *stream, int code)
{
    if (stream->is_gone) {
        return;
    }
    stream->is_gone = true;
    mark_clean(stream);
    shoal_stream_delist(stream->handle);
    if (stream->ops.closed) {
        struct shoal_plugin *before = shoal_call_mark(stream->owner);
        stream->ops.closed(
            stream->handle, stream->state, stream->close_code ? stream->close_code : code);
        shoal_call_mark(before);
    }
    if (stream->is_polled) {
        uv_poll_stop(&stream->poll); // before its descriptor goes
        uv_close((uv_handle_t *)&stream->poll, handle_closed);
    }
    shoal_wire_close(&stream->wire);
    uv_close((uv_handle_t *)&stream->timer, handle_closed);
}

static void on_late(uv_timer_t *timer)
{
    shoal_stream_end(timer->data, WENT_AWAY);
}

void shoal_stream_end_soon(struct shoal_stream_conn *stream)
{
    if (!stream->is_gone) {
        uv_timer_start(&stream->timer, on_late, CLOSE_MS, 0);
    }
}

void shoal_stream_finish(struct shoal_stream_conn *stream, int code, const char *reason)
{
    if (stream->is_closing) {
        return;
    }
    stream->is_closing = true;
    stream->close_code = code;
    uv_timer_start(&stream->timer, on_late, CLOSE_MS, 0);
    if (stream->kind == SHOAL_STREAM_WEBSOCKET) {
        shoal_websocket_close(stream, code, reason);
    }
    shoal_stream_flush(stream);
}

void shoal_stream_linger(struct shoal_stream_conn *stream)
{
    stream->is_closing = stream->is_lingering = true;
    stream->is_paused = false;
    if (stream->wire.ssl) {
        SSL_shutdown(stream->wire.ssl);
    }
    shutdown(stream->wire.fd, SHUT_WR);
    uv_timer_start(&stream->timer, on_late, CLOSE_MS, 0);
}

// ---- reading

void shoal_stream_deliver(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text)
{
    if (stream->ops.message && !stream->is_gone && !stream->is_closing) {
        struct shoal_plugin *before = shoal_call_mark(stream->owner);
        shoal_stream_heard = stream;
        stream->ops.message(stream->handle, stream->state, data, length, is_text);
        shoal_stream_heard = NULL;
        shoal_call_mark(before);
    }
}

/// The peer says no more, but may still listen to what waits for it.
static void peer_ended(struct shoal_stream_conn *stream)
{
    if (stream->kind == SHOAL_STREAM_RAW && stream->sent < stream->out.length) {
        stream->is_half_closed = true;
        shoal_stream_finish(stream, 1000, "");
    } else {
        shoal_stream_end(stream, 1000);
    }
}

static void read_raw(struct shoal_stream_conn *stream)
{
    for (int i = 0; i < READ_ROUND && !stream->is_gone && !stream->is_paused; i++) {
        ssize_t got = shoal_wire_read(&stream->wire, stream->loop->in, sizeof stream->loop->in);
        if (got == SHOAL_WIRE_AGAIN) {
            return;
        }
        if (got == 0) {
            peer_ended(stream);
            return;
        }
        if (got < 0) {
            shoal_stream_end(stream, WENT_AWAY);
            return;
        }
        stream->heard_ms = stream->loop->now_ms;
        if (stream->kind == SHOAL_STREAM_RAW) { // what an event listener says is not for us
            shoal_stream_deliver(stream, stream->loop->in, (size_t)got, false);
        }
    }
}

static void read_datagrams(struct shoal_stream_conn *stream)
{
    struct sockaddr_storage sender;
    stream->sender = &sender;
    for (int i = 0; i < READ_ROUND && !stream->is_gone && !stream->is_paused; i++) {
        stream->sender_length = sizeof sender;
        ssize_t got = recvfrom(stream->wire.fd, stream->loop->in, sizeof stream->loop->in, 0,
            (struct sockaddr *)&sender, &stream->sender_length);
        if (got >= 0) {
            shoal_address_from((struct sockaddr *)&sender, &stream->peer);
            stream->peer_port = shoal_address_port((struct sockaddr *)&sender);
            shoal_stream_deliver(stream, stream->loop->in, (size_t)got, false);
        }
        stream->sender_length = 0; // answers are for the sender being looked at
        if (got < 0) {
            break;
        }
    }
    stream->sender = NULL;
}

void shoal_stream_read(struct shoal_stream_conn *stream)
{
    if (stream->is_half_closed) {
        // nothing more comes
    } else if (stream->kind == SHOAL_STREAM_DATAGRAMS) {
        read_datagrams(stream);
    } else if (stream->kind == SHOAL_STREAM_WEBSOCKET && !stream->is_lingering) {
        shoal_websocket_read(stream);
    } else {
        read_raw(stream);
    }
    shoal_stream_flush(stream);
}

// ---- writing

/// A connection has a buffer while something waits in it; between turns a few wait on the loop.
static void give_back(struct shoal_stream_conn *stream)
{
    struct shoal_loop *loop = stream->loop;
    size_t limit = stream->out.limit;
    stream->sent = stream->out.length = 0;
    if (stream->out.capacity > 0 && stream->out.capacity <= SPARE_BYTES &&
        loop->spare_count < SHOAL_SPARES) {
        loop->spares[loop->spare_count++] = stream->out;
    } else {
        shoal_buf_fini(&stream->out);
    }
    stream->out = (struct shoal_buf){.limit = limit};
}

static void take_spare(struct shoal_stream_conn *stream)
{
    struct shoal_loop *loop = stream->loop;
    size_t limit = stream->out.limit;
    if (!stream->out.data && loop->spare_count > 0) {
        stream->out = loop->spares[--loop->spare_count];
        stream->out.limit = limit;
    }
}

static void write_out(struct shoal_stream_conn *stream)
{
    while (stream->sent < stream->out.length) {
        struct iovec piece = {stream->out.data + stream->sent, stream->out.length - stream->sent};
        ssize_t put = shoal_wire_write(&stream->wire, &piece, 1, stream->loop->gather, false);
        if (put == SHOAL_WIRE_AGAIN) {
            return;
        }
        if (put < 0) {
            shoal_stream_end(stream, WENT_AWAY);
            return;
        }
        stream->sent += (size_t)put;
        stream->moved_ms = stream->loop->now_ms;
        atomic_fetch_sub(&stream->queued, (size_t)put);
    }
    give_back(stream);
}

static bool waits_to_write(const struct shoal_stream_conn *stream)
{
    return !stream->is_lingering && stream->sent < stream->out.length;
}

/// Returns whether more waits.
static bool write_some(struct shoal_stream_conn *stream)
{
    if (stream->is_lingering) {
        return false;
    }
    write_out(stream);
    bool waits = !stream->is_gone && waits_to_write(stream);
    if (!waits && !stream->is_gone && stream->kind == SHOAL_STREAM_WEBSOCKET) {
        shoal_websocket_written(stream);
    }
    return waits;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void poll_for(struct shoal_stream_conn *stream, bool wants_write)
{
    bool is_deaf = stream->kind == SHOAL_STREAM_WEBSOCKET && stream->socket.is_deaf &&
                   !stream->is_lingering;
    bool reads = !stream->is_paused && !stream->is_half_closed && !is_deaf;
    int wanted = reads ? UV_READABLE | UV_DISCONNECT : 0;
    bool waits = wants_write || stream->wire.wants_write ||
                 (stream->wants_drained && !stream->is_closing);
    wanted |= waits ? UV_WRITABLE : 0;
    if (wanted != stream->polled) { // uv tells the kernel each time, and most messages change nothing
        stream->polled = wanted;
        uv_poll_start(&stream->poll, wanted, on_poll);
    }
}

void shoal_stream_repoll(struct shoal_stream_conn *stream)
{
    if (!stream->is_gone) {
        poll_for(stream, waits_to_write(stream));
    }
}

/// Writes and lets the plugin write more, without depth: what it sends in drained() is written by the
/// next round of the loop here.
void shoal_stream_flush(struct shoal_stream_conn *stream)
{
    if (stream->is_gone || stream->is_flushing) {
        return;
    }
    stream->is_flushing = true;
    mark_clean(stream);
    bool wants_write = write_some(stream);
    for (int i = 0; i < WRITE_ROUND && !stream->is_gone && !wants_write && !stream->is_closing &&
                    stream->wants_drained;
         i++) {
        stream->wants_drained = false;
        if (stream->ops.drained) {
            struct shoal_plugin *before = shoal_call_mark(stream->owner);
            stream->ops.drained(stream->handle, stream->state);
            shoal_call_mark(before);
        }
        wants_write = stream->is_gone ? false : write_some(stream);
    }
    stream->is_flushing = false;
    if (stream->is_gone) {
        return;
    }
    if (!wants_write && stream->is_closing && stream->kind != SHOAL_STREAM_WEBSOCKET) {
        shoal_stream_end(stream, stream->close_code);
        return;
    }
    poll_for(stream, wants_write);
}

/// What is written already goes first, when it is most of it: the bound is on what waits, not on all
/// that passed while the peer was never quite done.
int shoal_stream_queue(struct shoal_stream_conn *stream, const void *data, size_t length)
{
    struct shoal_buf *out = &stream->out;
    take_spare(stream);
    if (stream->sent > out->length / 2) {
        memmove(out->data, out->data + stream->sent, out->length - stream->sent);
        out->length -= stream->sent;
        stream->sent = 0;
    }
    if (stream->sent == out->length) {
        stream->moved_ms = stream->loop->now_ms; // it waits from now on
    }
    int code = shoal_buf_add(out, data, length);
    if (code == 0) {
        atomic_fetch_add(&stream->queued, length);
    }
    return code;
}

void shoal_stream_put(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text)
{
    if (stream->is_closing) {
        return;
    }
    if (stream->kind == SHOAL_STREAM_DATAGRAMS) {
        if (stream->sender_length > 0) {
            ssize_t unused = sendto(stream->wire.fd, data, length, MSG_DONTWAIT,
                (struct sockaddr *)stream->sender, stream->sender_length);
            (void)unused; // a datagram may get lost
        }
        return;
    }
    stream->wants_drained = true;
    if (stream->kind == SHOAL_STREAM_WEBSOCKET) {
        shoal_websocket_send(stream, data, length, is_text);
        if (!stream->is_gone) {
            mark_dirty(stream);
        }
        return;
    }
    if (shoal_stream_queue(stream, data, length) != 0) {
        shoal_stream_end(stream, SHOAL_STREAM_TOO_SLOW);
        return;
    }
    shoal_stream_flush(stream);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct shoal_stream_conn *stream = poll->data;
    shoal_loop_look(stream->loop);
    if (status < 0 || (events & UV_DISCONNECT && !(events & UV_READABLE))) {
        shoal_stream_end(stream, WENT_AWAY);
    } else if (events & UV_READABLE || stream->wire.wants_write) {
        shoal_stream_read(stream); // TLS may have waited to write before it could read
    } else {
        shoal_stream_flush(stream);
    }
}

/// How long a raw stream may say nothing: until it has greeted, no longer than a request may.
static int64_t raw_idle_ms(const struct shoal_stream_conn *stream)
{
    bool greets = stream->wire.ssl && !SSL_is_init_finished(stream->wire.ssl);
    return greets ? stream->loop->server->options.head_ms
        : stream->ops.idle_ms ? stream->ops.idle_ms : RAW_IDLE_MS;
}

static void raw_look(struct shoal_stream_conn *stream)
{
    int64_t now = shoal_tick_ms();
    int64_t last = stream->heard_ms > stream->moved_ms ? stream->heard_ms : stream->moved_ms;
    if (stream->is_paused) {
        stream->heard_ms = now;
    } else if (now - last > raw_idle_ms(stream)) {
        shoal_stream_end(stream, WENT_AWAY);
    }
}

/// Keeps the connection alive from our side, and notices a peer that is gone.
static void on_timer(uv_timer_t *timer)
{
    struct shoal_stream_conn *stream = timer->data;
    if (stream->kind == SHOAL_STREAM_EVENTS) {
        static const char beat[] = ":\n\n";
        if (stream->sent == stream->out.length) {
            shoal_stream_queue(stream, beat, sizeof beat - 1);
        }
        shoal_stream_flush(stream);
    } else if (stream->kind == SHOAL_STREAM_WEBSOCKET) {
        int64_t now = shoal_tick_ms();
        bool takes_nothing = stream->sent < stream->out.length &&
                             now - stream->moved_ms > (int64_t)stream->idle_ms;
        if (takes_nothing || now - stream->heard_ms > (int64_t)stream->idle_ms) {
            shoal_stream_end(stream, WENT_AWAY);
            return;
        }
        shoal_websocket_ping(stream);
        shoal_stream_flush(stream);
    } else {
        raw_look(stream);
    }
}

// ---- the beginning

struct shoal_stream_conn *shoal_stream_new(enum shoal_stream_kind kind, struct shoal_loop *loop,
    const struct shoal_wire *wire, const struct shoal_stream_ops *ops, struct shoal_plugin *owner,
    void *state)
{
    struct shoal_stream_conn *stream = shoal_alloc(1, sizeof *stream);
    stream->kind = kind;
    stream->loop = loop;
    stream->wire = *wire;
    stream->ops = *ops;
    stream->owner = owner;
    stream->state = state;
    stream->queue_max = QUEUE_BYTES;
    stream->idle_ms = 120000;
    stream->heard_ms = shoal_tick_ms();
    stream->out.limit = QUEUE_BYTES * 2;
    stream->polled = -1;
    stream->handle = shoal_stream_enlist(stream);
    atomic_fetch_add(&loop->server->conn_count, 1); // a connection like others, and bounded with them
    shoal_loop_hold(loop);
    stream->is_polled = uv_poll_init(&loop->uv, &stream->poll, wire->fd) == 0;
    uv_timer_init(&loop->uv, &stream->timer);
    stream->poll.data = stream->timer.data = stream;
    stream->open_handles = stream->is_polled ? 2 : 1;
    return stream;
}

void shoal_stream_begin(struct shoal_stream_conn *stream)
{
    if (stream->handle == 0 || !stream->is_polled) {
        shoal_stream_end(stream, WENT_AWAY);
        return;
    }
    uint64_t beat_ms = stream->kind == SHOAL_STREAM_EVENTS ? 25000
        : stream->kind == SHOAL_STREAM_RAW ? (uint64_t)raw_idle_ms(stream) / 2 + 1
                                           : stream->idle_ms / 2 + 1;
    if (stream->kind <= SHOAL_STREAM_RAW) {
        uv_timer_start(&stream->timer, on_timer, beat_ms, beat_ms);
    }
    if (stream->ops.opened) {
        struct shoal_plugin *before = shoal_call_mark(stream->owner);
        stream->ops.opened(stream->handle, stream->state);
        shoal_call_mark(before);
    }
    if (stream->loop->is_stopping) { // it came after the others had been told
        shoal_stream_finish(stream, 1012, "the server restarts");
    } else if (stream->kind == SHOAL_STREAM_WEBSOCKET) {
        shoal_stream_read(stream); // the first message may have come with the handshake
    } else {
        shoal_stream_flush(stream);
    }
}
