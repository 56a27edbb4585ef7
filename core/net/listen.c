// listen.c - takes connections in.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/base.h>

#include "net/conn_priv.h"

#define BATCH 32 // connections taken in one turn: others want theirs too

// Under pressure the idle give way: they lose nothing but a handshake.
static bool make_room(struct shoal_loop *loop)
{
    struct shoal_conn *oldest = NULL;
    for (struct shoal_conn *conn = loop->conns; conn; conn = conn->next) {
        if (shoal_conn_is_idle(conn) && (!oldest || conn->deadline_ms < oldest->deadline_ms)) {
            oldest = conn;
        }
    }
    if (oldest) {
        shoal_conn_close(oldest);
    }
    return oldest != NULL;
}

static void pause_accepting(struct shoal_listener *listener)
{
    listener->is_paused = true;
    uv_poll_stop(&listener->poll);
}

static bool accept_one(struct shoal_listener *listener)
{
    struct sockaddr_storage peer = {0};
    socklen_t length = sizeof peer;
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (!make_room(listener->loop)) {
                shoal_warn("no more connections can be taken in: descriptors or memory ran out");
            }
            pause_accepting(listener); // until the next tick
        }
        return errno == EINTR || errno == ECONNABORTED;
    }
    struct shoal_server *server = listener->loop->server;
    if (atomic_load(&server->conn_count) >= server->options.connection_max &&
        !make_room(listener->loop)) {
        close(fd);
        return true;
    }
    shoal_conn_start(listener, fd, (struct sockaddr *)&peer);
    return true;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct shoal_listener *listener = poll->data;
    (void)events;
    listener->loop->now_ms = shoal_tick_ms();
    for (int i = 0; status == 0 && i < BATCH && !listener->is_paused; i++) {
        if (!accept_one(listener)) {
            break;
        }
    }
}

int shoal_listener_start(struct shoal_listener *listener, struct shoal_err *err)
{
    int flags = fcntl(listener->fd, F_GETFL);
    // Each loop polls a descriptor of its own: epoll takes one only once, and sockets may be shared.
    int own = fcntl(listener->fd, F_DUPFD_CLOEXEC, 3);
    if (flags < 0 || own < 0 || fcntl(own, F_SETFL, flags | O_NONBLOCK) < 0) {
        return shoal_fail(err, SHOAL_EIO, "listening descriptor %d is of no use", listener->fd);
    }
    int on = 1; // what is accepted inherits it; a Unix socket does not know it, and needs it as little
    setsockopt(own, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    listener->fd = own;
    int rc = uv_poll_init(&listener->loop->uv, &listener->poll, own);
    if (rc != 0) {
        return shoal_fail(err, SHOAL_EIO, "a listening socket cannot be polled: %s",
            uv_strerror(rc));
    }
    listener->poll.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_connection);
    return 0;
}

void shoal_listener_stop(struct shoal_listener *listener)
{
    uv_poll_stop(&listener->poll);
    listener->is_paused = true;
    if (listener->fd >= 0) {
        close(listener->fd); // ours alone; the supervisor keeps its own
        listener->fd = -1;
    }
}

void shoal_listener_tick(struct shoal_listener *listener)
{
    if (listener->is_paused && listener->fd >= 0) {
        listener->is_paused = false;
        uv_poll_start(&listener->poll, UV_READABLE, on_connection);
    }
}
