// loop.c - a loop thread: wakes for its sockets, its posts and its clock; never blocks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/loop_priv.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <shoal/base.h>
#include <shoal/stream.h>

#include "base/alloc.h"
#include "net/conn_priv.h"
#include "net/stream_priv.h"

#define TICK_MS     250
#define TLS_LOOK_MS 5000

int64_t shoal_loop_now(struct shoal_loop *loop)
{
    return loop->now_ms;
}

const char *shoal_loop_date(struct shoal_loop *loop)
{
    int64_t now_s = shoal_now_ms() / 1000;
    if (now_s != loop->date_s) {
        loop->date_s = now_s;
        shoal_date_format(now_s, loop->date);
    }
    return loop->date;
}

static void read_clock(struct shoal_loop *loop)
{
    loop->is_clock_old = false;
    loop->now_ms = shoal_tick_ms();
    atomic_store_explicit(&loop->beat_ms, loop->now_ms, memory_order_relaxed);
}

void shoal_loop_look(struct shoal_loop *loop)
{
    if (loop->is_clock_old) {
        read_clock(loop);
    }
}

void shoal_loop_run(struct shoal_loop *loop, shoal_post_fn *fn, void *arg)
{
    pthread_mutex_lock(&loop->lock);
    if (loop->post_count == loop->post_room) {
        loop->post_room = loop->post_room ? loop->post_room * 2 : 64;
        loop->posts = shoal_realloc(loop->posts, loop->post_room, sizeof *loop->posts);
    }
    loop->posts[loop->post_count++] = (struct shoal_post){fn, arg};
    bool must_wake = !loop->is_awake && !loop->is_ended;
    loop->is_awake = true;
    if (must_wake) {
        uv_async_send(&loop->wake);
    }
    pthread_mutex_unlock(&loop->lock);
}

void shoal_loop_post(int n, void (*fn)(void *arg), void *arg)
{
    struct shoal_server *server = shoal_server_hold();
    assert(n >= 0);
    if (!server) {
        fn(arg); // the loops have ended: what fn holds has to be let go all the same
        return;
    }
    shoal_loop_run(server->loops[n % server->loop_count], fn, arg);
    shoal_server_let_go();
}

// Takes all posts at once; what they post in turn is heard in the next turn.
static bool hear_posts(struct shoal_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct shoal_post *posts = loop->posts;
    size_t count = loop->post_count;
    loop->posts = NULL;
    loop->post_count = loop->post_room = 0;
    loop->is_awake = false;
    pthread_mutex_unlock(&loop->lock);
    for (size_t i = 0; i < count; i++) {
        posts[i].fn(posts[i].arg);
    }
    free(posts);
    return count > 0;
}

bool shoal_loop_hear(struct shoal_loop *loop)
{
    bool has_heard = false;
    while (hear_posts(loop)) {
        has_heard = true;
    }
    return has_heard;
}

static void on_wake(uv_async_t *wake)
{
    struct shoal_loop *loop = wake->data;
    read_clock(loop);
    hear_posts(loop);
    shoal_loop_maybe_end(loop);
}

static void look_at_certificate(void *arg)
{
    struct shoal_server *server = arg;
    shoal_tls_check(server->tls);
    atomic_store(&server->is_checking_tls, false);
}

static void kill_connections(struct shoal_loop *loop)
{
    struct shoal_conn *conn = loop->conns;
    while (conn) {
        struct shoal_conn *next = conn->next;
        shoal_conn_close(conn);
        conn = next;
    }
}

static void on_tick(uv_timer_t *tick)
{
    struct shoal_loop *loop = tick->data;
    struct shoal_server *server = loop->server;
    read_clock(loop);
    struct shoal_conn *conn = loop->conns;
    while (conn) {
        struct shoal_conn *next = conn->next;
        shoal_conn_tick(conn);
        conn = next;
    }
    for (size_t i = 0; i < loop->listener_count; i++) {
        shoal_listener_tick(&loop->listeners[i]);
    }
    if (loop->index == 0 && server->tls && loop->now_ms - server->tls_checked_ms >= TLS_LOOK_MS &&
        !atomic_exchange(&server->is_checking_tls, true)) {
        server->tls_checked_ms = loop->now_ms;
        shoal_pool_push(server->files, look_at_certificate, server);
    }
    if (loop->is_stopping) {
        shoal_server_call_stop(loop);
    }
    if (loop->is_stopping && loop->now_ms >= loop->stop_at_ms) {
        kill_connections(loop);
    }
    shoal_loop_maybe_end(loop);
}

void shoal_loop_hold(struct shoal_loop *loop)
{
    loop->held++;
}

void shoal_loop_release(struct shoal_loop *loop)
{
    assert(loop->held > 0);
    loop->held--;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

void shoal_loop_maybe_end(struct shoal_loop *loop)
{
    bool is_closing = uv_is_closing((uv_handle_t *)&loop->tick);
    if (loop->is_stopping && !loop->conns && loop->held == 0 && !is_closing) {
        pthread_mutex_lock(&loop->lock);
        bool is_done = loop->post_count == 0;
        loop->is_ended = is_done;
        pthread_mutex_unlock(&loop->lock);
        if (is_done) {
            uv_walk(&loop->uv, close_handle, NULL);
        }
    }
}

void (*_Atomic shoal_loop_watch)(int loop, bool turns);

/// Other threads may take the watch away at any time.
static void tell_watch(const struct shoal_loop *loop, bool turns)
{
    void (*watch)(int, bool) = shoal_loop_watch;
    if (watch) {
        watch(loop->index, turns);
    }
}

static void *run(void *arg)
{
    struct shoal_loop *loop = arg;
    read_clock(loop);
    tell_watch(loop, true);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    tell_watch(loop, false);
    return NULL;
}

static void on_turned(uv_prepare_t *turned)
{
    struct shoal_loop *loop = turned->data;
    shoal_streams_flush(loop);
    loop->is_clock_old = true;
}

void shoal_loop_init(struct shoal_loop *loop)
{
    pthread_mutex_init(&loop->lock, NULL);
    shoal_random(&loop->id_base, sizeof loop->id_base);
    uv_loop_init(&loop->uv);
    uv_async_init(&loop->uv, &loop->wake, on_wake);
    uv_timer_init(&loop->uv, &loop->tick);
    uv_prepare_init(&loop->uv, &loop->turned);
    loop->wake.data = loop->tick.data = loop->turned.data = loop;
    uv_prepare_start(&loop->turned, on_turned);
    read_clock(loop);
}

void shoal_loop_fini(struct shoal_loop *loop)
{
    if (!loop->thread) { // it never ran: nobody closed its handles
        uv_walk(&loop->uv, close_handle, NULL);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    uv_loop_close(&loop->uv);
    while (loop->spare_count > 0) {
        shoal_buf_fini(&loop->spares[--loop->spare_count]);
    }
    pthread_mutex_destroy(&loop->lock);
}

int shoal_loop_start(struct shoal_loop *loop, struct shoal_err *err)
{
    read_clock(loop);
    uv_timer_start(&loop->tick, on_tick, TICK_MS, TICK_MS);
    for (size_t i = 0; i < loop->listener_count; i++) {
        if (shoal_listener_start(&loop->listeners[i], err)) {
            return err ? err->code : SHOAL_EIO;
        }
    }
    sigset_t all, before;
    sigfillset(&all);
    // A fault must reach the crash handler: blocked, it would end the process without a word.
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        sigdelset(&all, faults[i]);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        return shoal_fail(err, SHOAL_EINTERNAL, "a loop thread cannot be started");
    }
    char title[16];
    snprintf(title, sizeof title, "loop %d", loop->index % 1000);
    pthread_setname_np(loop->thread, title);
    return 0;
}
