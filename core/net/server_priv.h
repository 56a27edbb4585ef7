// server_priv.h - what all parts of one server share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_SERVER_PRIV_H
#define SHOAL_CORE_NET_SERVER_PRIV_H
#include "net/address_priv.h"
#include "net/loop_priv.h"
#include "net/pool_priv.h"
#include "net/server.h"
#include "net/tls_priv.h"

#define SHOAL_STOP_HOOKS 8

struct shoal_cache;

/// Called on each loop when the server begins to stop, and with each tick until the loop ends: streams
/// close theirs.
typedef void shoal_stop_fn(struct shoal_loop *loop, void *arg);

struct shoal_server {
    struct shoal_server_options options; // strings are copies; numbers have their defaults
    struct shoal_router *router;
    struct shoal_loop **loops;
    int loop_count;
    struct shoal_pool *workers, *files;
    struct shoal_pool *pulls; ///< sources of plugins, which may be far away: files do not wait for them
    struct shoal_cache *cache;
    struct shoal_tls *tls;
    struct shoal_proxies proxies;
    const char *const *locales;
    _Atomic uint32_t conn_count;
    _Atomic size_t sink_bytes; ///< in the blocks of bodies on their way
    _Atomic size_t body_bytes; ///< in bodies that are kept in memory
    _Atomic uint64_t counters[6]; // see enum shoal_counter
    atomic_bool is_checking_tls;
    int64_t tls_checked_ms;
    bool is_handed_over; ///< set before the stop
    int64_t stay_ms;
    struct shoal_arena *arena;
};

/// What is counted, for metrics.
enum shoal_counter {
    SHOAL_COUNT_REQUESTS = 0,
    SHOAL_COUNT_CACHED = 1,
    SHOAL_COUNT_REFUSED = 2, ///< heads that were not HTTP
    SHOAL_COUNT_BUSY = 3,    ///< 503 because the workers were full
    SHOAL_COUNT_SENT = 4,    ///< bytes of answers and their heads
    SHOAL_COUNT_SENT_FILES = 5, ///< bytes of files, from here or on their way out of a storage
};

/// The running server of this process, which is not freed before shoal_server_let_go(); NULL: there is
/// none, and nothing to let go. For a moment only: nothing is called back meanwhile.
struct shoal_server *shoal_server_hold(void);
void shoal_server_let_go(void);
/// Before start: fn is called on every loop when the server stops. At most SHOAL_STOP_HOOKS.
void shoal_server_on_stop(shoal_stop_fn *fn, void *arg);
void shoal_server_call_stop(struct shoal_loop *loop);
/// [loop] Whether streams that asked for it may still live on.
bool shoal_loop_may_stay(const struct shoal_loop *loop);

#endif
