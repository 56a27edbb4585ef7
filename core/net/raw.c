// raw.c - event streams, and TCP, UDP and Unix sockets of plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <shoal/base.h>
#include <shoal/error.h>

#include "base/alloc.h"
#include "net/stream_priv.h"

#define ACCEPT_ROUND 16
#define FULL_MS      500 // between looks for a free descriptor
#define WENT_AWAY    1006

struct opening {
    struct shoal_stream_ops ops;
    struct shoal_plugin *owner;
    void *state;
    struct shoal_stream_owner viewer;
};

// ---- events

static void start_events(struct shoal_taken *taken, void *arg)
{
    struct opening *opening = arg;
    if (!taken) {
        if (opening->ops.closed) {
            struct shoal_plugin *before = shoal_call_mark(opening->owner);
            opening->ops.closed(0, opening->state, WENT_AWAY);
            shoal_call_mark(before);
        }
    } else {
        struct shoal_stream_conn *stream = shoal_stream_new(SHOAL_STREAM_EVENTS, taken->loop,
            &taken->wire, &opening->ops, opening->owner, opening->state);
        stream->peer = taken->peer;
        stream->rest = taken->rest;
        stream->rest_length = taken->rest_length;
        if (shoal_stream_own(stream, &opening->viewer)) {
            shoal_stream_begin(stream);
        } else {
            shoal_stream_end(stream, WENT_AWAY);
        }
    }
    free(opening);
}

int shoal_events_answer(struct shoal_request *request, const struct shoal_stream_ops *ops,
    struct shoal_plugin *owner, void *state, struct shoal_err *err)
{
    shoal_answer_header(request, "Cache-Control", "no-store");
    shoal_answer_header(request, "X-Accel-Buffering", "no");
    struct opening *opening = shoal_alloc(1, sizeof *opening);
    *opening = (struct opening){*ops, owner, state, shoal_stream_owner_of(request)};
    int code = shoal_answer_taken(request, 200, start_events, opening, err);
    if (code == 0) {
        request->answer.type = "text/event-stream"; // browsers take events from nothing else
    } else {
        free(opening);
    }
    return code;
}

// ---- listeners

/// A listening socket that one loop accepts from.
struct raw_listener {
    uv_poll_t poll;
    uv_timer_t timer; ///< starts to accept again when descriptors had run out
    int open_handles;
    struct shoal_loop *loop;
    struct raw_listener *next;
    struct shoal_stream_ops ops;
    struct shoal_plugin *owner;
    void *arg;
    int fd;
    bool is_datagrams, is_tls;
};

static struct {
    pthread_mutex_t lock;
    struct raw_listener *first;
} listeners = {.lock = PTHREAD_MUTEX_INITIALIZER};

/// Asks the plugin whether it takes the connection; raw ones have no request and no worker between.
static bool open_raw(struct raw_listener *listener, void **state)
{
    struct shoal_err err = {0};
    *state = listener->arg;
    if (!listener->ops.open) {
        return true;
    }
    struct shoal_call call;
    shoal_call_init(&call);
    shoal_call_enter(&call, listener->owner);
    int code = listener->ops.open(&call, NULL, listener->arg, state, &err);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    return code == 0;
}

static void start_connection(struct raw_listener *listener, int fd, const struct sockaddr *peer)
{
    struct shoal_wire wire = {.fd = fd};
    if (peer->sa_family != AF_UNIX) {
        int on = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    // The handshake happens with the first bytes that are read or written.
    wire.ssl = listener->is_tls ? shoal_tls_accept(listener->loop->server->tls, fd) : NULL;
    void *state = NULL;
    const struct shoal_server *server = listener->loop->server;
    bool is_full = atomic_load(&server->conn_count) >= server->options.connection_max;
    if (is_full || (listener->is_tls && !wire.ssl) || !open_raw(listener, &state)) {
        shoal_wire_close(&wire);
        return;
    }
    struct shoal_stream_conn *stream = shoal_stream_new(
        SHOAL_STREAM_RAW, listener->loop, &wire, &listener->ops, listener->owner, state);
    shoal_address_from(peer, &stream->peer);
    stream->peer_port = shoal_address_port(peer);
    shoal_stream_begin(stream);
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void accept_again(uv_timer_t *timer)
{
    struct raw_listener *listener = timer->data;
    uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct raw_listener *listener = poll->data;
    for (int i = 0; i < ACCEPT_ROUND; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t length = sizeof peer;
        int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            start_connection(listener, fd, (struct sockaddr *)&peer);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            uv_poll_stop(&listener->poll);
            uv_timer_start(&listener->timer, accept_again, FULL_MS, 0);
            return;
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void start_listener(void *arg)
{
    struct raw_listener *listener = arg;
    shoal_loop_hold(listener->loop);
    if (listener->is_datagrams) {
        struct shoal_wire wire = {.fd = listener->fd};
        void *state = NULL;
        if (open_raw(listener, &state)) {
            shoal_stream_begin(shoal_stream_new(SHOAL_STREAM_DATAGRAMS, listener->loop, &wire,
                &listener->ops, listener->owner, state));
        } else {
            shoal_wire_close(&wire);
        }
        return;
    }
    uv_poll_init(&listener->loop->uv, &listener->poll, listener->fd);
    uv_timer_init(&listener->loop->uv, &listener->timer);
    listener->poll.data = listener->timer.data = listener;
    listener->open_handles = 2;
    uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

static void listener_closed(uv_handle_t *handle)
{
    struct raw_listener *listener = handle->data;
    if (--listener->open_handles > 0) {
        return;
    }
    struct shoal_loop *loop = listener->loop;
    struct shoal_wire wire = {.fd = listener->fd};
    shoal_wire_close(&wire);
    free(listener);
    shoal_loop_release(loop);
}

/// After start_listener(), as posts are heard in order. The stream of datagrams closes as streams do.
static void stop_listener(void *arg)
{
    struct raw_listener *listener = arg;
    if (listener->is_datagrams) {
        struct shoal_loop *loop = listener->loop;
        free(listener);
        shoal_loop_release(loop);
        return;
    }
    uv_close((uv_handle_t *)&listener->poll, listener_closed);
    uv_close((uv_handle_t *)&listener->timer, listener_closed);
}

int shoal_raw_listen(enum shoal_listener_kind kind, int fd, int loop,
    const struct shoal_stream_ops *ops, struct shoal_plugin *owner, void *arg,
    struct shoal_err *err)
{
    struct shoal_server *server = shoal_server_hold();
    if (!server) {
        return shoal_fail(err, SHOAL_EBUSY, "the server does not run");
    }
    if (kind == SHOAL_LISTEN_TLS && !server->tls) {
        shoal_server_let_go();
        return shoal_fail(err, SHOAL_EUNSUPPORTED,
            "a listener with TLS needs tls.certificate and tls.key in shoal.lua");
    }
    struct raw_listener *listener = shoal_alloc(1, sizeof *listener);
    *listener = (struct raw_listener){
        .loop = server->loops[loop % server->loop_count],
        .ops = *ops,
        .owner = owner,
        .arg = arg,
        .fd = fd,
        .is_datagrams = kind == SHOAL_LISTEN_UDP,
        .is_tls = kind == SHOAL_LISTEN_TLS,
    };
    pthread_mutex_lock(&listeners.lock);
    listener->next = listeners.first;
    listeners.first = listener;
    pthread_mutex_unlock(&listeners.lock);
    shoal_loop_run(listener->loop, start_listener, listener);
    shoal_server_let_go();
    return 0;
}

/// Stops the listeners of an owner, or of a loop.
static void stop_listeners(const struct shoal_plugin *owner, const struct shoal_loop *loop)
{
    pthread_mutex_lock(&listeners.lock);
    for (struct raw_listener **at = &listeners.first; *at;) {
        struct raw_listener *listener = *at;
        if ((owner && listener->owner == owner) || (loop && listener->loop == loop)) {
            *at = listener->next;
            shoal_loop_run(listener->loop, stop_listener, listener);
        } else {
            at = &listener->next;
        }
    }
    pthread_mutex_unlock(&listeners.lock);
}

void shoal_listeners_owner_remove(struct shoal_plugin *owner)
{
    stop_listeners(owner, NULL);
}

static void loop_stops(struct shoal_loop *loop, void *unused)
{
    (void)unused;
    stop_listeners(NULL, loop);
}

__attribute__((constructor)) static void hook_stop(void)
{
    shoal_server_on_stop(loop_stops, NULL);
}
