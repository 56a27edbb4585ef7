// conn.c - the life of a connection: handshake, heads and bodies in, answers out, close.
//
// One request at a time: what a client sends ahead (pipelining) waits in the buffer, so that answers
// keep their order and memory its bound. Between requests a connection has no buffer at all.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/conn_priv.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/alloc.h"

#define IN_MAX     (SHOAL_HEAD_MAX + 4096)
#define GOODBYE_MS 1000
#define LINGER_MAX (16u << 20) // more than the buffers of both ends hold: who sends on does not listen

static void on_poll(uv_poll_t *poll, int status, int events);

void shoal_conn_wait(struct shoal_conn *conn, enum shoal_conn_state state, uint32_t ms)
{
    conn->state = state;
    conn->deadline_ms = conn->loop->now_ms + ms;
    conn->moved = 0;
}

bool shoal_conn_is_idle(const struct shoal_conn *conn)
{
    return conn->state == SHOAL_CONN_HEAD && !conn->is_in_head && !conn->in;
}

void shoal_conn_start(struct shoal_listener *listener, int fd, const struct sockaddr *peer)
{
    struct shoal_loop *loop = listener->loop;
    struct shoal_conn *conn = shoal_alloc(1, sizeof *conn);
    conn->loop = loop;
    conn->wire.fd = fd;
    conn->out.reply.file = -1;
    conn->is_tls = listener->is_tls;
    conn->is_redirect = listener->is_redirect;
    shoal_address_from(peer, &conn->peer);
    if (conn->is_tls) {
        conn->wire.ssl = shoal_tls_accept(loop->server->tls, fd);
    }
    if ((conn->is_tls && !conn->wire.ssl) || uv_poll_init(&loop->uv, &conn->poll, fd) != 0) {
        shoal_wire_close(&conn->wire);
        free(conn);
        return;
    }
    conn->poll.data = conn;
    conn->next = loop->conns;
    if (loop->conns) {
        loop->conns->prev = conn;
    }
    loop->conns = conn;
    loop->conn_count++;
    atomic_fetch_add(&loop->server->conn_count, 1);
    shoal_conn_wait(conn, conn->is_tls ? SHOAL_CONN_HANDSHAKE : SHOAL_CONN_HEAD,
        loop->server->options.head_ms);
    shoal_conn_poll(conn);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void unlink_conn(struct shoal_conn *conn)
{
    struct shoal_loop *loop = conn->loop;
    *(conn->prev ? &conn->prev->next : &loop->conns) = conn->next;
    if (conn->next) {
        conn->next->prev = conn->prev;
    }
    loop->conn_count--;
    atomic_fetch_sub(&loop->server->conn_count, 1);
}

// Gives the request up; whoever has it notices by its flag.
static void leave_request(struct shoal_conn *conn)
{
    struct shoal_request *request = conn->request;
    conn->request = NULL;
    if (request) {
        request->conn = NULL;
        atomic_store_explicit(&request->cancel, true, memory_order_release);
        if (request->is_busy && shoal_await_take(request)) {
            shoal_loop_release(conn->loop);
            request->is_busy = false;
        }
        if (!request->is_busy) {
            shoal_exchange_abandon(request);
        }
    }
    if (conn->waiter) {
        conn->waiter->conn = NULL;
        conn->waiter = NULL;
    }
}

void shoal_conn_close(struct shoal_conn *conn)
{
    if (conn->state == SHOAL_CONN_GONE) {
        return;
    }
    conn->state = SHOAL_CONN_GONE;
    unlink_conn(conn);
    leave_request(conn);
    shoal_out_fini(conn);
    free(conn->in);
    conn->in = NULL;
    conn->in_length = 0;
    uv_close((uv_handle_t *)&conn->poll, on_closed);
    shoal_wire_close(&conn->wire);
}

static int wanted_events(const struct shoal_conn *conn)
{
    bool wants_write = conn->wire.wants_write, wants_read = conn->wire.wants_read;
    switch (conn->state) {
    case SHOAL_CONN_HANDSHAKE:
        return wants_write ? UV_WRITABLE : UV_READABLE;
    case SHOAL_CONN_HEAD:
    case SHOAL_CONN_LINGER:
        return UV_READABLE | (wants_write ? UV_WRITABLE : 0);
    case SHOAL_CONN_BODY:
        return conn->is_paused ? 0 : UV_READABLE | (wants_write ? UV_WRITABLE : 0);
    case SHOAL_CONN_WORK:
        return conn->saw_end || conn->in_length >= SHOAL_HEAD_MAX ? 0 : UV_READABLE;
    case SHOAL_CONN_WRITE:
        return conn->is_paused ? 0 : wants_read ? UV_READABLE : UV_WRITABLE;
    default:
        return 0;
    }
}

void shoal_conn_poll(struct shoal_conn *conn)
{
    if (conn->state == SHOAL_CONN_GONE) {
        return;
    }
    int events = wanted_events(conn);
    if (events == conn->events) {
        return;
    }
    conn->events = events;
    if (events == 0) {
        uv_poll_stop(&conn->poll);
    } else if (uv_poll_start(&conn->poll, events, on_poll) != 0) {
        shoal_conn_close(conn);
    }
}

// A blank line before a request is passed over, as old clients send one behind a body.
static size_t take_head(struct shoal_conn *conn, const char *data, size_t length)
{
    if (!conn->is_in_head && (data[0] == '\r' || data[0] == '\n')) {
        return 1;
    }
    if (!conn->is_in_head) {
        conn->is_in_head = true;
        conn->scanned = 0;
        conn->deadline_ms = conn->loop->now_ms + conn->loop->server->options.head_ms;
    }
    struct shoal_refusal refusal;
    long end = shoal_head_find(data, length, &conn->scanned, &refusal);
    if (end < 0) {
        shoal_exchange_refuse(conn, refusal.status, refusal.text, NULL);
        return length;
    }
    if (end > 0) {
        conn->is_in_head = false;
        shoal_exchange_head(conn, data, (size_t)end);
    }
    return (size_t)end;
}

static size_t consume(struct shoal_conn *conn, const char *data, size_t length)
{
    size_t used = 0;
    while (used < length) {
        size_t taken = 0;
        if (conn->state == SHOAL_CONN_HEAD) {
            taken = take_head(conn, data + used, length - used);
        } else if (conn->state == SHOAL_CONN_BODY && !conn->is_paused) {
            taken = shoal_conn_take_body(conn, data + used, length - used);
        } else if (conn->state == SHOAL_CONN_LINGER && conn->moved > LINGER_MAX) {
            shoal_conn_close(conn);
        } else if (conn->state == SHOAL_CONN_LINGER) {
            taken = length - used;
        }
        if (taken == 0 || conn->state == SHOAL_CONN_GONE) {
            return used;
        }
        used += taken;
    }
    return used;
}

static void keep_rest(struct shoal_conn *conn, const char *rest, size_t length)
{
    if (conn->state == SHOAL_CONN_GONE || length == 0) {
        return;
    }
    conn->in_room = length > 4096 ? length : 4096;
    conn->in = shoal_alloc(1, conn->in_room);
    memcpy(conn->in, rest, length);
    conn->in_length = length;
}

static void use_buffer(struct shoal_conn *conn)
{
    if (!conn->in) {
        return;
    }
    size_t used = consume(conn, conn->in, conn->in_length);
    if (conn->state == SHOAL_CONN_GONE) {
        return;
    }
    conn->in_length -= used;
    if (conn->in_length > 0) {
        memmove(conn->in, conn->in + used, conn->in_length);
    } else {
        free(conn->in);
        conn->in = NULL;
        conn->in_room = 0;
    }
}

static void at_end(struct shoal_conn *conn)
{
    conn->saw_end = true;
    if (conn->state == SHOAL_CONN_WORK) {
        return; // it may only have no more to say: see tick_work()
    }
    shoal_conn_close(conn);
}

static bool make_room(struct shoal_conn *conn)
{
    if (conn->in_length < conn->in_room) {
        return true;
    }
    size_t most = conn->state == SHOAL_CONN_BODY ? SHOAL_SCRATCH : IN_MAX;
    if (conn->in_room >= most) {
        return false;
    }
    conn->in_room = conn->in_room * 2 > most ? most : conn->in_room * 2;
    conn->in = shoal_realloc(conn->in, conn->in_room, 1);
    return true;
}

// False when nothing came (or the connection is over).
static bool read_some(struct shoal_conn *conn)
{
    struct shoal_loop *loop = conn->loop;
    bool is_direct = !conn->in;
    if (!is_direct && !make_room(conn)) {
        return false;
    }
    char *into = is_direct ? loop->in : conn->in + conn->in_length;
    size_t room = is_direct ? sizeof loop->in : conn->in_room - conn->in_length;
    if (is_direct && conn->state == SHOAL_CONN_BODY && !shoal_conn_body_room(conn, &room)) {
        return false;
    }
    ssize_t count = shoal_wire_read(&conn->wire, into, room);
    if (count == 0) {
        at_end(conn);
        return false;
    }
    if (count < 0) {
        if (count == SHOAL_WIRE_BROKEN) {
            shoal_conn_close(conn);
        }
        return false;
    }
    conn->moved += (size_t)count;
    if (is_direct) {
        size_t used = consume(conn, into, (size_t)count);
        keep_rest(conn, into + used, (size_t)count - used);
    } else {
        conn->in_length += (size_t)count;
    }
    return conn->state != SHOAL_CONN_GONE;
}

static bool may_read(const struct shoal_conn *conn)
{
    return conn->state == SHOAL_CONN_HEAD || (conn->state == SHOAL_CONN_BODY && !conn->is_paused);
}

void shoal_conn_continue(struct shoal_conn *conn)
{
    for (;;) {
        use_buffer(conn);
        if (conn->state == SHOAL_CONN_GONE) {
            return;
        }
        if (!may_read(conn) || !shoal_wire_pending(&conn->wire) || !read_some(conn)) {
            break;
        }
    }
    if (conn->state == SHOAL_CONN_HEAD && conn->saw_end) {
        shoal_conn_close(conn);
    }
    shoal_conn_poll(conn);
}

static void shake_hands(struct shoal_conn *conn)
{
    int rc = shoal_wire_handshake(&conn->wire);
    if (rc == SHOAL_WIRE_BROKEN) {
        shoal_conn_close(conn);
        return;
    }
    if (rc == 0) {
        shoal_conn_wait(conn, SHOAL_CONN_HEAD, conn->loop->server->options.head_ms);
        conn->wire.wants_read = conn->wire.wants_write = false;
        shoal_conn_continue(conn);
        return;
    }
    shoal_conn_poll(conn);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct shoal_conn *conn = poll->data;
    (void)events;
    conn->loop->now_ms = shoal_tick_ms();
    if (status < 0) {
        shoal_conn_close(conn);
    } else if (conn->state == SHOAL_CONN_HANDSHAKE) {
        shake_hands(conn);
    } else if (conn->state == SHOAL_CONN_WRITE) {
        shoal_conn_push(conn);
        if (conn->state != SHOAL_CONN_GONE) {
            shoal_conn_continue(conn);
        }
    } else if (read_some(conn)) {
        shoal_conn_continue(conn);
    } else {
        shoal_conn_poll(conn);
    }
    if (conn->loop->is_stopping && conn->state != SHOAL_CONN_GONE && shoal_conn_is_idle(conn) &&
        conn->deadline_ms > conn->loop->now_ms + SHOAL_CONN_STOP_MS) {
        shoal_conn_wait(conn, SHOAL_CONN_HEAD, SHOAL_CONN_STOP_MS);
    }
}

static void tick_body(struct shoal_conn *conn)
{
    uint32_t window_ms = conn->loop->server->options.body_ms;
    bool is_slow = !conn->is_paused && conn->moved < (uint64_t)1024 * window_ms / 1000;
    if (is_slow && conn->is_discarding) {
        shoal_conn_close(conn); // its request has its answer: another would be taken for the next one's
        return;
    }
    if (is_slow) {
        shoal_exchange_refuse(conn, 408, "the body came too slowly", NULL);
        shoal_conn_poll(conn);
        return;
    }
    shoal_conn_wait(conn, SHOAL_CONN_BODY, window_ms);
}

// Who said goodbye went away or only asks no more, and nothing tells the two apart: an answer that is
// soon there is sent, and long work is told to stop.
static void tick_work(struct shoal_conn *conn)
{
    if (conn->saw_end && conn->request && conn->loop->now_ms >= conn->deadline_ms + GOODBYE_MS) {
        atomic_store_explicit(&conn->request->cancel, true, memory_order_release);
        shoal_conn_hurry(conn);
    }
    int64_t end_ms = conn->request ? conn->request->await.end_ms : 0;
    if (end_ms > 0 && conn->loop->now_ms >= end_ms) {
        shoal_conn_hurry(conn);
    }
}

void shoal_conn_hurry(struct shoal_conn *conn)
{
    struct shoal_request *request = conn->request;
    if (conn->state == SHOAL_CONN_WORK && request && shoal_await_take(request)) {
        shoal_exchange_again(request);
    }
}

void shoal_conn_tick(struct shoal_conn *conn)
{
    if (conn->loop->now_ms < conn->deadline_ms) {
        return;
    }
    if (conn->state == SHOAL_CONN_WORK) {
        tick_work(conn); // its deadline is when the work began
    } else if (conn->state == SHOAL_CONN_BODY) {
        tick_body(conn);
    } else if (conn->state == SHOAL_CONN_WRITE && (conn->is_paused || conn->moved >= 1024)) {
        shoal_conn_wait(conn, SHOAL_CONN_WRITE, conn->loop->server->options.send_ms);
    } else if (conn->state == SHOAL_CONN_HEAD && conn->is_in_head) {
        conn->is_in_head = false;
        shoal_exchange_refuse(conn, 408, "the head of the request came too slowly", NULL);
        shoal_conn_poll(conn);
    } else {
        shoal_conn_close(conn);
    }
}
