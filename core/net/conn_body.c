// conn_body.c - takes the body of a request in, to memory or to its sink.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include "net/body_priv.h"
#include "net/conn_priv.h"

#define DATA_MAX   500000      // of a DATA body without another limit
#define MEMORY_MAX (8u << 20)  // of anything kept in memory
#define BODIES_MAX (32u << 20) // of all that is kept in memory; beyond, only small bodies are taken
#define BODY_SMALL 16384       // such bodies are bounded by the number of connections

static bool needs_sink(const struct shoal_request *request)
{
    if (request->mode == SHOAL_BODY_RAW) {
        return request->to_path != NULL;
    }
    const char *type = shoal_request_peek(request, "content-type");
    return request->mode == SHOAL_BODY_FILES && type &&
        strncasecmp(type, "multipart/form-data", 19) == 0;
}

static uint64_t choose_limit(const struct shoal_request *request, bool has_sink)
{
    uint64_t most = request->has_limit ? request->body_max
        : request->entry               ? request->entry->route.body_max_bytes
                                       : 0;
    most = most == 0 && !request->has_limit ? DATA_MAX : most;
    return !has_sink && most > MEMORY_MAX ? MEMORY_MAX : most;
}

static void send_continue(struct shoal_conn *conn)
{
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct iovec piece = {text, sizeof text - 1};
    ssize_t count = shoal_wire_write(&conn->wire, &piece, 1, conn->loop->gather, false);
    if (count != (ssize_t)piece.iov_len) {
        shoal_conn_close(conn); // nothing was sent before: an empty buffer that is full is broken
    }
}

void shoal_conn_begin_body(struct shoal_conn *conn)
{
    struct shoal_request *request = conn->request;
    struct shoal_err err = {0};
    bool has_sink = needs_sink(request);
    request->body_max = choose_limit(request, has_sink);
    if (request->content_length > 0 && (uint64_t)request->content_length > request->body_max) {
        shoal_exchange_refuse(conn, 413, "the body is larger than is allowed here", NULL);
        return;
    }
    if (has_sink) {
        request->sink = shoal_sink_new(request, &err);
        if (!request->sink) {
            shoal_exchange_refuse(conn, shoal_error_status(err.code), err.text, NULL);
            return;
        }
    }
    request->body.limit = (size_t)(has_sink ? 0 : request->body_max + 1);
    shoal_conn_wait(conn, SHOAL_CONN_BODY, conn->loop->server->options.body_ms);
    conn->is_paused = false;
    if (request->expects_continue && !conn->in) {
        send_continue(conn);
    }
}

static void body_done(struct shoal_conn *conn)
{
    struct shoal_request *request = conn->request;
    if (conn->is_discarding) {
        conn->is_discarding = false;
        shoal_conn_wait(conn, SHOAL_CONN_HEAD, conn->loop->server->options.idle_ms);
        return;
    }
    shoal_conn_wait(conn, SHOAL_CONN_WORK, 0);
    if (request->sink) {
        shoal_sink_end(request->sink, true);
        return;
    }
    request->is_whole = true;
    shoal_exchange_body(conn);
}

// A body that has its memory is never refused for what others hold.
static int keep(struct shoal_request *request, const char *data, size_t length)
{
    _Atomic size_t *all = &request->server->body_bytes;
    size_t needed = request->body.length + length + 1;
    if (needed > request->body.capacity && needed > BODY_SMALL && atomic_load(all) >= BODIES_MAX) {
        return SHOAL_EBUSY;
    }
    int code = shoal_buf_add(&request->body, data, length);
    atomic_fetch_add(all, request->body.capacity - request->body_held);
    request->body_held = request->body.capacity;
    return code;
}

// 0, or -1 when the body was refused.
static int deliver(struct shoal_conn *conn, const char *data, size_t length)
{
    struct shoal_request *request = conn->request;
    if (conn->is_discarding) {
        return 0;
    }
    if (length > request->body_max) {
        shoal_exchange_refuse(conn, 413, "the body is larger than is allowed here", NULL);
        return -1;
    }
    request->body_max -= length;
    if (request->sink) {
        shoal_sink_take(request->sink, data, length);
    } else if (keep(request, data, length) != 0) {
        shoal_exchange_refuse(conn, 503, "there is no memory for this body now", "Retry-After: 5\r\n");
        return -1;
    }
    return 0;
}

static size_t take_sized(struct shoal_conn *conn, const char *data, size_t length)
{
    size_t taken = length < conn->body_left ? length : (size_t)conn->body_left;
    if (taken > 0 && deliver(conn, data, taken)) {
        return length;
    }
    conn->body_left -= taken;
    conn->body_is_done = conn->body_left == 0;
    return taken;
}

static size_t take_chunked(struct shoal_conn *conn, const char *data, size_t length)
{
    const char *body;
    size_t body_length;
    long used = shoal_chunked_feed(&conn->chunked, data, length, &body, &body_length);
    if (used < 0) {
        shoal_exchange_refuse(conn, 400, "the body is not in chunks", NULL);
        return length;
    }
    if (body_length > 0 && deliver(conn, body, body_length)) {
        return length;
    }
    conn->body_is_done = conn->chunked.is_done;
    return (size_t)used;
}

bool shoal_conn_body_room(struct shoal_conn *conn, size_t *room)
{
    struct shoal_request *request = conn->request;
    if (conn->is_discarding || !request->sink) {
        return true;
    }
    size_t most = shoal_sink_room(request->sink);
    *room = most < *room ? most : *room;
    conn->is_paused = most == 0;
    return most > 0;
}

size_t shoal_conn_take_body(struct shoal_conn *conn, const char *data, size_t length)
{
    struct shoal_request *request = conn->request;
    if (!conn->is_discarding && request->sink) {
        // Body bytes are never more than wire bytes: what is fed fits.
        size_t room = shoal_sink_room(request->sink);
        if (room == 0) {
            conn->is_paused = true;
            return 0;
        }
        length = length < room ? length : room;
    }
    size_t used = conn->body_is_chunked ? take_chunked(conn, data, length)
                                        : take_sized(conn, data, length);
    if (conn->state == SHOAL_CONN_BODY && conn->body_is_done) {
        body_done(conn);
    }
    return used;
}
