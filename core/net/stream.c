// stream.c - long connections: their handles, their queues, their end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_priv.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/base.h>
#include <shoal/error.h>

#include "base/alloc.h"

#define READ_ROUND   16  // reads in one turn, so that one peer does not keep the loop
#define SLOTS_MAX    262144
#define WENT_AWAY    1006
#define TOO_SLOW     1013
#define QUEUE_BYTES  (1024 * 1024)

/// handle = generation << 32 | (slot + 1): a slot used again does not answer to its old handle.
static struct {
    pthread_mutex_t lock;
    struct {
        struct shoal_stream_conn *stream;
        uint32_t generation;
    } *slots;
    uint32_t count, free_hint;
    bool is_hooked;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static shoal_stream table_add(struct shoal_stream_conn *stream)
{
    pthread_mutex_lock(&table.lock);
    uint32_t slot = table.free_hint;
    while (slot < table.count && table.slots[slot].stream) {
        slot++;
    }
    shoal_stream handle = 0;
    if (slot == table.count && table.count < SLOTS_MAX) {
        uint32_t more = table.count ? table.count * 2 : 64;
        table.slots = shoal_realloc(table.slots, more, sizeof *table.slots);
        memset(table.slots + table.count, 0, (more - table.count) * sizeof *table.slots);
        table.count = more;
    }
    if (slot < table.count) {
        table.slots[slot].stream = stream;
        table.free_hint = slot + 1;
        handle = (shoal_stream)++table.slots[slot].generation << 32 | (slot + 1);
    }
    pthread_mutex_unlock(&table.lock);
    return handle;
}

static void table_remove(shoal_stream handle)
{
    uint32_t slot = (uint32_t)handle - 1;
    pthread_mutex_lock(&table.lock);
    table.slots[slot].stream = NULL;
    if (slot < table.free_hint) {
        table.free_hint = slot;
    }
    pthread_mutex_unlock(&table.lock);
}

/// With table.lock held. The stream stays until its loop ends it, which needs this lock too.
static struct shoal_stream_conn *table_find(shoal_stream handle)
{
    uint32_t slot = (uint32_t)handle - 1;
    if (handle == 0 || slot >= table.count ||
        table.slots[slot].generation != (uint32_t)(handle >> 32)) {
        return NULL;
    }
    return table.slots[slot].stream;
}

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
    shoal_buf_fini(&stream->out);
    free(stream->rest);
    free(stream);
    shoal_loop_release(loop);
}

void shoal_stream_end(struct shoal_stream_conn *stream, int code)
{
    if (stream->is_gone) {
        return;
    }
    stream->is_gone = true;
    table_remove(stream->handle);
    if (stream->is_opened && stream->ops.closed) {
        stream->ops.closed(stream->handle, stream->state, stream->close_code ? stream->close_code : code);
    }
    if (stream->frames) {
        wslay_event_context_free(stream->frames);
    }
    uv_poll_stop(&stream->poll);
    shoal_wire_close(&stream->wire);
    uv_close((uv_handle_t *)&stream->poll, handle_closed);
    uv_close((uv_handle_t *)&stream->timer, handle_closed);
}

// ---- reading and writing

void shoal_stream_deliver(struct shoal_stream_conn *stream, const void *data, size_t length,
    bool is_text)
{
    if (stream->ops.message && !stream->is_gone) {
        stream->ops.message(stream->handle, stream->state, data, length, is_text);
    }
}

static void read_raw(struct shoal_stream_conn *stream)
{
    for (int i = 0; i < READ_ROUND && !stream->is_gone && !stream->is_paused; i++) {
        ssize_t got = shoal_wire_read(&stream->wire, stream->loop->in, sizeof stream->loop->in);
        if (got == SHOAL_WIRE_AGAIN) {
            return;
        }
        if (got <= 0) {
            shoal_stream_end(stream, got == 0 ? 1000 : WENT_AWAY);
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
    for (int i = 0; i < READ_ROUND && !stream->is_gone && !stream->is_paused; i++) {
        stream->sender_length = sizeof stream->sender;
        ssize_t got = recvfrom(stream->wire.fd, stream->loop->in, sizeof stream->loop->in, 0,
            (struct sockaddr *)&stream->sender, &stream->sender_length);
        if (got < 0) {
            return;
        }
        shoal_address_from((struct sockaddr *)&stream->sender, &stream->peer);
        shoal_stream_deliver(stream, stream->loop->in, (size_t)got, false);
        stream->sender_length = 0; // answers are for the sender being looked at
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
        atomic_fetch_sub(&stream->queued, (size_t)put);
    }
    stream->sent = stream->out.length = 0;
}

static void on_poll(uv_poll_t *poll, int status, int events);

void shoal_stream_flush(struct shoal_stream_conn *stream)
{
    if (stream->is_gone) {
        return;
    }
    bool wants_write;
    if (stream->frames) {
        shoal_websocket_write(stream);
        wants_write = !stream->is_gone && wslay_event_want_write(stream->frames);
    } else {
        write_out(stream);
        wants_write = stream->sent < stream->out.length;
    }
    if (stream->is_gone) {
        return;
    }
    if (!wants_write && stream->is_closing && !stream->frames) {
        shoal_stream_end(stream, stream->close_code);
        return;
    }
    if (!wants_write && stream->wants_drained) {
        stream->wants_drained = false;
        if (stream->ops.drained) {
            stream->ops.drained(stream->handle, stream->state);
        }
        if (stream->is_gone) {
            return;
        }
    }
    int wanted = (stream->is_paused ? 0 : UV_READABLE) | (wants_write ? UV_WRITABLE : 0);
    uv_poll_start(&stream->poll, wanted | UV_DISCONNECT, on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct shoal_stream_conn *stream = poll->data;
    if (status < 0 || (events & UV_DISCONNECT && !(events & UV_READABLE))) {
        shoal_stream_end(stream, WENT_AWAY);
        return;
    }
    if (events & UV_READABLE) {
        if (stream->frames) {
            shoal_websocket_read(stream);
        } else if (stream->kind == SHOAL_STREAM_DATAGRAMS) {
            read_datagrams(stream);
        } else {
            read_raw(stream);
        }
    }
    shoal_stream_flush(stream);
}

/// Keeps the connection alive from our side, and notices a peer that is gone.
static void on_timer(uv_timer_t *timer)
{
    struct shoal_stream_conn *stream = timer->data;
    if (stream->kind == SHOAL_STREAM_EVENTS) {
        static const char beat[] = ":\n\n";
        if (stream->sent == stream->out.length && shoal_buf_puts(&stream->out, beat) == 0) {
            atomic_fetch_add(&stream->queued, sizeof beat - 1);
        }
        shoal_stream_flush(stream);
    } else if (stream->kind == SHOAL_STREAM_WEBSOCKET) {
        if (shoal_tick_ms() - stream->heard_ms > (int64_t)stream->idle_ms) {
            shoal_stream_end(stream, WENT_AWAY);
            return;
        }
        shoal_websocket_ping(stream);
        shoal_stream_flush(stream);
    }
}

// ---- the beginning

static void close_all(struct shoal_loop *loop, void *unused)
{
    (void)unused;
    // Closing calls back into plugins and takes the lock again, so the handles are gathered first.
    pthread_mutex_lock(&table.lock);
    shoal_stream *handles = shoal_alloc(table.count + 1, sizeof *handles);
    size_t count = 0;
    for (uint32_t i = 0; i < table.count; i++) {
        if (table.slots[i].stream && table.slots[i].stream->loop == loop) {
            handles[count++] = table.slots[i].stream->handle;
        }
    }
    pthread_mutex_unlock(&table.lock);
    for (size_t i = 0; i < count; i++) {
        shoal_stream_close(handles[i], 1012, "the server restarts");
    }
    free(handles);
}

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
    stream->handle = table_add(stream);
    shoal_loop_hold(loop);
    uv_poll_init(&loop->uv, &stream->poll, wire->fd);
    uv_timer_init(&loop->uv, &stream->timer);
    stream->poll.data = stream->timer.data = stream;
    stream->open_handles = 2;
    return stream;
}

void shoal_stream_begin(struct shoal_stream_conn *stream)
{
    if (stream->handle == 0 || stream->loop->is_stopping) {
        shoal_stream_end(stream, 1012);
        return;
    }
    uint64_t beat_ms = stream->kind == SHOAL_STREAM_EVENTS ? 25000 : stream->idle_ms / 2;
    if (stream->kind <= SHOAL_STREAM_EVENTS) {
        uv_timer_start(&stream->timer, on_timer, beat_ms, beat_ms);
    }
    stream->is_opened = true;
    if (stream->ops.opened) {
        stream->ops.opened(stream->handle, stream->state);
    }
    if (stream->frames && stream->rest_length > 0) {
        shoal_websocket_read(stream);
    }
    shoal_stream_flush(stream);
}

/// Streams end with the server; said once, before it starts.
__attribute__((constructor)) static void hook_stop(void)
{
    shoal_server_on_stop(close_all, NULL);
}

// ---- from any thread

struct posted {
    shoal_stream handle;
    size_t length;
    int code;
    bool is_text;
    char data[];
};

static struct shoal_stream_conn *find_here(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    pthread_mutex_unlock(&table.lock);
    return stream;
}

static void put(struct shoal_stream_conn *stream, const void *data, size_t length, bool is_text)
{
    if (stream->kind == SHOAL_STREAM_DATAGRAMS) {
        if (stream->sender_length > 0) {
            ssize_t unused = sendto(stream->wire.fd, data, length, MSG_DONTWAIT,
                (struct sockaddr *)&stream->sender, stream->sender_length);
            (void)unused; // a datagram may get lost
        }
        atomic_fetch_sub(&stream->queued, length);
        return;
    }
    if (stream->frames) {
        shoal_websocket_send(stream, data, length, is_text);
    } else if (shoal_buf_add(&stream->out, data, length) != 0) {
        atomic_fetch_sub(&stream->queued, length);
        stream->close_code = TOO_SLOW;
        shoal_stream_end(stream, TOO_SLOW);
        return;
    }
    stream->wants_drained = true;
    shoal_stream_flush(stream);
}

static void hear_send(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream && !stream->is_closing) {
        put(stream, posted->data, posted->length, posted->is_text);
    }
    free(posted);
}

static void hear_overflow(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        shoal_stream_end(stream, posted->code);
    }
    free(posted);
}

static struct posted *new_post(shoal_stream handle, const void *data, size_t length)
{
    struct posted *posted = shoal_alloc(1, sizeof *posted + length + 1);
    posted->handle = handle;
    posted->length = length;
    if (length > 0) {
        memcpy(posted->data, data, length);
    }
    return posted;
}

int shoal_stream_send(shoal_stream handle, const void *data, size_t length, bool is_text)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    if (!stream) {
        pthread_mutex_unlock(&table.lock);
        return SHOAL_EGONE;
    }
    struct shoal_loop *loop = stream->loop;
    bool is_full = atomic_fetch_add(&stream->queued, length) + length > stream->queue_max;
    bool is_here = shoal_stream_on_loop(stream);
    if (is_full) {
        atomic_fetch_sub(&stream->queued, length);
        struct posted *posted = new_post(handle, NULL, 0);
        posted->code = TOO_SLOW;
        shoal_loop_run(loop, hear_overflow, posted);
    } else if (!is_here) {
        struct posted *posted = new_post(handle, data, length);
        posted->is_text = is_text;
        shoal_loop_run(loop, hear_send, posted);
    }
    pthread_mutex_unlock(&table.lock);
    if (is_here && !is_full && !stream->is_closing) {
        put(stream, data, length, is_text); // on its own loop nobody ends it meanwhile
    }
    return is_full ? SHOAL_EBUSY : 0;
}

static void hear_close(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream && !stream->is_closing) {
        stream->is_closing = true;
        stream->close_code = posted->code;
        if (stream->frames) {
            shoal_websocket_close(stream, posted->code, posted->data);
        }
        shoal_stream_flush(stream);
    }
    free(posted);
}

void shoal_stream_close(shoal_stream handle, int code, const char *reason)
{
    size_t length = reason ? strlen(reason) : 0;
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    if (stream) {
        struct posted *posted = new_post(handle, reason, length < 120 ? length : 120);
        posted->code = code;
        shoal_loop_run(stream->loop, hear_close, posted);
    }
    pthread_mutex_unlock(&table.lock);
}

static void hear_pause(void *arg)
{
    struct posted *posted = arg;
    struct shoal_stream_conn *stream = find_here(posted->handle);
    if (stream) {
        stream->is_paused = posted->is_text;
        shoal_stream_flush(stream);
    }
    free(posted);
}

void shoal_stream_pause(shoal_stream handle, bool paused)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    if (stream) {
        struct posted *posted = new_post(handle, NULL, 0);
        posted->is_text = paused;
        shoal_loop_run(stream->loop, hear_pause, posted);
    }
    pthread_mutex_unlock(&table.lock);
}

size_t shoal_stream_queued(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    size_t queued = stream ? atomic_load(&stream->queued) : 0;
    pthread_mutex_unlock(&table.lock);
    return queued;
}

int shoal_stream_address(shoal_stream handle, char out[64])
{
    char text[48];
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    if (stream) {
        shoal_address_format(&stream->peer, text);
    }
    pthread_mutex_unlock(&table.lock);
    if (!stream) {
        return SHOAL_EGONE;
    }
    memcpy(out, text, sizeof text);
    return 0;
}

int shoal_stream_loop(shoal_stream handle)
{
    pthread_mutex_lock(&table.lock);
    struct shoal_stream_conn *stream = table_find(handle);
    int loop = stream ? stream->loop->index : -1;
    pthread_mutex_unlock(&table.lock);
    return loop;
}

void shoal_streams_owner_remove(struct shoal_plugin *owner)
{
    pthread_mutex_lock(&table.lock);
    for (uint32_t i = 0; i < table.count; i++) {
        struct shoal_stream_conn *stream = table.slots[i].stream;
        if (stream && stream->owner == owner) {
            struct posted *posted = new_post(stream->handle, NULL, 0);
            posted->code = 1001;
            shoal_loop_run(stream->loop, hear_close, posted);
        }
    }
    pthread_mutex_unlock(&table.lock);
}
