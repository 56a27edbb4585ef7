// loop_priv.h - a loop thread: its connections, its clock, and work posted to it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_LOOP_PRIV_H
#define SHOAL_CORE_NET_LOOP_PRIV_H
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include <shoal/buf.h>

#include "net/date_priv.h"
#include "net/parse_priv.h"
#include "net/router_priv.h"

#define SHOAL_SCRATCH 65536
#define SHOAL_SPARES  64

struct shoal_server;
struct shoal_conn;
struct shoal_stream_conn;
typedef void shoal_post_fn(void *arg);

struct shoal_post {
    shoal_post_fn *fn;
    void *arg;
};

/// A listening socket as one loop polls it.
struct shoal_listener {
    uv_poll_t poll;
    struct shoal_loop *loop;
    int fd;
    bool is_tls, is_redirect, is_paused;
};

struct shoal_loop {
    struct shoal_server *server;
    int index;
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t tick;
    uv_prepare_t turned; ///< before the loop sleeps: what was gathered is written
    pthread_t thread;

    pthread_mutex_t lock; // of the posts
    struct shoal_post *posts;
    size_t post_count, post_room;
    bool is_awake; // the async was sent and not yet heard
    bool is_ended;

    struct shoal_listener *listeners;
    size_t listener_count;
    struct shoal_conn *conns; // all, in no order
    size_t conn_count;
    size_t held;      // requests elsewhere and streams: the loop waits for them before it ends
    bool is_stopping; // no new requests; connections close after their answer
    int64_t stop_at_ms, stay_until_ms;
    size_t stop_batch; // sockets that are closed with each tick
    bool says_stay;    // that streams live on was said

    struct shoal_stream_conn *dirty; // streams that something was said to in this turn
    struct shoal_buf spares[SHOAL_SPARES]; // empty buffers for them
    size_t spare_count;

    int64_t now_ms;
    bool is_clock_old; // it sleeps, or has slept since
    int64_t date_s;
    char date[SHOAL_DATE_SIZE];
    uint64_t id_base, id_next;
    _Atomic int64_t beat_ms; // when the loop was last alive, for the watchdog

    char in[SHOAL_SCRATCH];     // bytes just received
    char gather[16384];         // one TLS record being put together
    char file[SHOAL_SCRATCH];   // file bytes on their way through TLS
    struct shoal_head head;     // of the request being looked at
    struct shoal_match match;
};

/// Makes what other threads post to; from then on they may. _fini() after its thread has ended.
void shoal_loop_init(struct shoal_loop *loop);
void shoal_loop_fini(struct shoal_loop *loop);
int shoal_loop_start(struct shoal_loop *loop, struct shoal_err *err);
/// Runs fn(arg) on the loop, soon. [any]
void shoal_loop_run(struct shoal_loop *loop, shoal_post_fn *fn, void *arg);
/// Hears what was posted to a loop that has ended, so that nothing of it is left; by whoever ends it.
/// Returns: whether there was something, which may have posted to other loops.
bool shoal_loop_hear(struct shoal_loop *loop);
/// [loop] Says that something of this loop is elsewhere, and that it came back.
void shoal_loop_hold(struct shoal_loop *loop);
void shoal_loop_release(struct shoal_loop *loop);
/// [loop] Looks whether a stopping loop is done.
void shoal_loop_maybe_end(struct shoal_loop *loop);
/// [loop] Reads the clock where nobody did since the loop woke.
void shoal_loop_look(struct shoal_loop *loop);
/// The time, read once per turn; and the Date header of this second.
int64_t shoal_loop_now(struct shoal_loop *loop);
const char *shoal_loop_date(struct shoal_loop *loop);

int shoal_listener_start(struct shoal_listener *listener, struct shoal_err *err);
void shoal_listener_stop(struct shoal_listener *listener);
void shoal_listener_tick(struct shoal_listener *listener);

#endif
