// conn_out.c - sends an answer: head, body, file or source, as fast as the client takes it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/conn_priv.h"

#define LINGER_MS   2000
#define DISCARD_MAX 65536 // of a body that nobody read, to keep the connection

static void free_request(void *arg)
{
    shoal_request_free(arg);
}

// Arenas run what plugins deferred, and uploads are removed: not on a loop.
void shoal_request_discard(struct shoal_request *request)
{
    if (request && (request->has_call || request->answer.kind == SHOAL_ANSWER_PULL)) {
        shoal_pool_push(request->server->files, free_request, request);
    } else {
        shoal_request_free(request);
    }
}

void shoal_out_fini(struct shoal_conn *conn)
{
    struct shoal_out *out = &conn->out;
    if (out->ahead) {
        shoal_ahead_detach(out->ahead);
    }
    if (out->puller) {
        shoal_puller_detach(out->puller); // frees its request
    } else {
        shoal_request_discard(out->request);
    }
    if (out->taken) {
        out->taken(NULL, out->taken_arg);
    }
    shoal_reply_fini(&out->reply);
    out->request = NULL;
    out->puller = NULL;
    out->ahead = NULL;
    out->taken = NULL;
    out->at = out->count = 0;
    out->is_file = out->is_close = false;
    out->known_until = 0;
    out->retry = 0;
}

// A body that was not read: a small one is thrown away, before a large one the connection ends.
static void settle_body(struct shoal_conn *conn, bool expects_continue)
{
    if (conn->body_is_done) {
        return;
    }
    if (conn->body_is_chunked || conn->body_left > DISCARD_MAX || expects_continue) {
        conn->keep_alive = false;
    } else {
        conn->is_discarding = true;
    }
}

static void add_piece(struct shoal_out *out, const void *data, size_t length)
{
    if (length > 0) {
        out->pieces[out->count++] = (struct iovec){(void *)(uintptr_t)data, length};
    }
}

// The headers of the moment, which end the head.
static void add_lines(struct shoal_conn *conn, const char *id, const char *more)
{
    struct shoal_out *out = &conn->out;
    struct shoal_loop *loop = conn->loop;
    bool is_switch = out->reply.status == 101;
    const char *connection = is_switch ? "" : out->is_close ? "Connection: close\r\n"
                                                            : "Connection: keep-alive\r\n";
    int length;
    if (id) {
        length = snprintf(out->lines, sizeof out->lines, "Date: %s\r\nx-request-id: %s\r\n%s%s\r\n",
            shoal_loop_date(loop), id, more ? more : "", connection);
    } else {
        length = snprintf(out->lines, sizeof out->lines,
            "Date: %s\r\nx-request-id: %016llx\r\n%s%s\r\n", shoal_loop_date(loop),
            (unsigned long long)(loop->id_base + ++loop->id_next), more ? more : "", connection);
    }
    add_piece(out, out->lines, (size_t)length);
}

static void begin(struct shoal_conn *conn)
{
    struct shoal_out *out = &conn->out;
    out->at = out->count = 0;
    out->is_close = !conn->keep_alive || conn->loop->is_stopping;
    conn->is_paused = false;
    shoal_conn_wait(conn, SHOAL_CONN_WRITE, conn->loop->server->options.send_ms);
}

void shoal_conn_send_item(struct shoal_conn *conn, struct shoal_item *item, const char *id,
    const char *more, bool is_head, bool takes_gzip, bool is_same)
{
    struct shoal_out *out = &conn->out;
    out->reply.status = item->status;
    out->reply.item = item;
    begin(conn);
    if (is_same && item->same_head) {
        add_piece(out, item->same_head, item->same_head_length);
        add_lines(conn, id, more);
    } else if (takes_gzip && item->gzip_body) {
        add_piece(out, item->gzip_head, item->gzip_head_length);
        add_lines(conn, id, more);
        add_piece(out, item->gzip_body, is_head ? 0 : item->gzip_length);
    } else {
        add_piece(out, item->head, item->head_length);
        add_lines(conn, id, more);
        add_piece(out, item->body, is_head ? 0 : item->length);
    }
    shoal_conn_push(conn);
}

void shoal_conn_send(struct shoal_conn *conn, struct shoal_reply *reply, const char *id,
    const char *more, bool is_head)
{
    struct shoal_out *out = &conn->out;
    out->reply = *reply;
    *reply = (struct shoal_reply){.file = -1};
    begin(conn);
    if (out->reply.is_pull && !out->reply.is_chunked && out->reply.pull_length == UINT64_MAX) {
        out->is_close = true; // its end is the end of the connection
        conn->keep_alive = false;
    }
    add_piece(out, out->reply.head, out->reply.head_length);
    add_lines(conn, id, more);
    if (!is_head) {
        add_piece(out, out->reply.body, out->reply.length);
    }
    out->is_file = out->reply.file >= 0;
    out->file_at = out->reply.file_first;
    out->file_left = out->reply.file_length;
    if (out->reply.is_pull) {
        out->puller = shoal_puller_new(conn, out->request);
    }
    shoal_conn_push(conn);
}

void shoal_conn_send_request(struct shoal_conn *conn, struct shoal_request *request)
{
    bool is_head = request->is_head;
    char id[24], more[160];
    memcpy(id, request->id, sizeof id);
    memcpy(more, request->limit_lines, sizeof more);
    conn->request = NULL;
    request->conn = NULL;
    settle_body(conn, request->expects_continue && !request->ran_body);
    conn->keep_alive = conn->keep_alive && !request->answer.is_last;
    struct shoal_reply reply = request->reply;
    request->reply = (struct shoal_reply){.file = -1};
    conn->out.taken = request->answer.kind == SHOAL_ANSWER_TAKEN ? request->answer.taken : NULL;
    conn->out.taken_arg = request->answer.taken_arg;
    request->answer.taken = NULL;
    if (reply.item) {
        bool takes_gzip = request->takes_gzip;
        bool is_same = request->is_same;
        shoal_request_discard(request);
        shoal_conn_send_item(conn, reply.item, id, more, is_head, takes_gzip, is_same);
        return;
    }
    if (reply.is_pull) {
        conn->out.request = request;
    } else {
        shoal_request_discard(request);
    }
    shoal_conn_send(conn, &reply, id, more, is_head);
}

/// Who is heard out may still be sending, and would lose our answer. One that said it was its last is not.
static void linger(struct shoal_conn *conn)
{
    bool says_no_more = conn->is_last && conn->body_is_done && conn->in_length == 0;
    if (conn->saw_end || (says_no_more && !conn->wire.ssl)) {
        shoal_conn_close(conn);
        return;
    }
    if (conn->wire.ssl) {
        SSL_shutdown(conn->wire.ssl);
    }
    shutdown(conn->wire.fd, SHUT_WR);
    shoal_conn_wait(conn, SHOAL_CONN_LINGER, LINGER_MS);
}

static void on_free(uv_handle_t *handle)
{
    free(handle->data);
}

// The connection leaves HTTP: what is left of it here goes away without closing the wire.
static void hand_over(struct shoal_conn *conn)
{
    struct shoal_loop *loop = conn->loop;
    shoal_taken_fn *taken = conn->out.taken;
    void *arg = conn->out.taken_arg;
    conn->out.taken = NULL;
    struct shoal_taken what = {.loop = loop, .wire = conn->wire, .peer = conn->peer,
        .rest = conn->in, .rest_length = conn->in_length};
    conn->in = NULL;
    conn->in_length = 0;
    conn->wire = (struct shoal_wire){.fd = -1};
    uv_poll_stop(&conn->poll);
    conn->state = SHOAL_CONN_GONE;
    shoal_out_fini(conn);
    *(conn->prev ? &conn->prev->next : &loop->conns) = conn->next;
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    loop->conn_count--;
    atomic_fetch_sub(&loop->server->conn_count, 1);
    uv_close((uv_handle_t *)&conn->poll, on_free);
    taken(&what, arg);
}

static void sent(struct shoal_conn *conn)
{
    if (conn->out.taken) {
        hand_over(conn);
        return;
    }
    bool is_close = conn->out.is_close;
    shoal_out_fini(conn);
    if (is_close) {
        linger(conn);
    } else if (conn->is_discarding) {
        shoal_conn_wait(conn, SHOAL_CONN_BODY, conn->loop->server->options.body_ms);
    } else {
        shoal_conn_wait(conn, SHOAL_CONN_HEAD, conn->loop->server->options.idle_ms);
    }
}

static void advance(struct shoal_out *out, size_t count)
{
    while (out->at < out->count && count >= out->pieces[out->at].iov_len) {
        count -= out->pieces[out->at++].iov_len;
    }
    if (count > 0) {
        struct iovec *piece = &out->pieces[out->at];
        piece->iov_base = (char *)piece->iov_base + count;
        piece->iov_len -= count;
    }
}

// One step of sending. 1: go on, 0: all is sent, or below zero as the wire says.
static ssize_t step(struct shoal_conn *conn)
{
    struct shoal_out *out = &conn->out;
    if (out->at < out->count) {
        ssize_t count = shoal_wire_write(&conn->wire, out->pieces + out->at, out->count - out->at,
            conn->loop->gather, out->is_file);
        if (count <= 0) {
            return count == 0 ? SHOAL_WIRE_BROKEN : count;
        }
        conn->moved += (size_t)count;
        enum shoal_counter counter = out->puller ? SHOAL_COUNT_SENT_FILES : SHOAL_COUNT_SENT;
        atomic_fetch_add_explicit(&conn->loop->server->counters[counter], (uint64_t)count,
            memory_order_relaxed);
        advance(out, (size_t)count);
        return 1;
    }
    if (out->is_file) {
        return shoal_file_turn(conn);
    }
    return out->puller ? shoal_puller_next(conn) : 0;
}

void shoal_conn_push(struct shoal_conn *conn)
{
    conn->wire.wants_read = conn->wire.wants_write = false;
    conn->is_paused = false;
    for (;;) {
        bool is_turn = conn->out.is_file && conn->out.at == conn->out.count;
        ssize_t result = step(conn);
        if (result == 0) {
            sent(conn);
            return;
        }
        if (result == SHOAL_WIRE_BROKEN) {
            shoal_conn_close(conn);
            return;
        }
        if (result < 0) {
            conn->is_paused = result == SHOAL_FILE_WAIT;
            break;
        }
        if (is_turn) {
            break; // of 512 KiB: others first
        }
    }
    shoal_conn_poll(conn);
}
