// server.h - the network side: loops, workers, listeners; what happens to requests is the app's.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_SERVER_H
#define SHOAL_CORE_NET_SERVER_H
#include <jansson.h>

#include <shoal/error.h>
#include <shoal/http.h>

#include "base/context.h"

/// One listening socket for one loop, opened by the supervisor (or by a test).
struct shoal_listen_fd {
    int fd;
    int loop;          ///< -1: shared by all loops (Unix sockets)
    bool is_tls;
    bool is_redirect;  ///< answers only with redirects to https and the ACME folder
};

enum shoal_phase {
    SHOAL_PHASE_HEAD = 0, ///< head complete, body not yet read
    SHOAL_PHASE_BODY = 1, ///< request whole
    SHOAL_PHASE_QUICK = 2, ///< on the loop, for routes with a quick handler: it may leave no answer
};

/// What the server asks of the layer above. On workers, where nothing else is said.
struct shoal_app {
    void *self;
    /// Runs a request: authenticates, checks, calls the route's handler, and leaves an answer in the
    /// request (problem+json on errors). With SHOAL_PHASE_HEAD it may leave none: the body is read.
    void (*run)(void *self, struct shoal_call *call, struct shoal_request *request,
        enum shoal_phase phase);
    /// The shared-cache key part that says which data an answer was made from: a number that moves
    /// when public data changed. Called on loops, must not block.
    uint64_t (*epoch)(void *self);
};

struct shoal_server_options {
    int loops;                  ///< 0: one a core
    int workers;                ///< 0: 2 + 2 a core
    const struct shoal_listen_fd *listens;
    size_t listen_count;
    const char *tls_cert_path, *tls_key_path; ///< PEM; watched for changes
    const char *acme_path;      ///< webroot whose .well-known/acme-challenge/ redirect ports serve
    const char *const *trusted_proxies; ///< addresses or CIDR, NULL-ended
    bool reads_forwarded;       ///< proxies write Forwarded, not X-Forwarded-*
    const char *temp_path;      ///< folder for bodies on their way
    const char *url;            ///< public URL, or NULL while unset
    uint64_t cache_bytes;       ///< of the shared answer cache; 32 MiB when 0
    bool is_cache_off;          ///< every answer is made anew
    uint32_t stop_grace_ms;     ///< 30 s when 0
    uint32_t queue_max;         ///< requests waiting for a worker; 1024 when 0, beyond: 503
    struct shoal_app app;
    const char *const *locales; ///< languages of the site, the default first, NULL-ended; NULL: "en"
    uint32_t head_ms;           ///< for a head to arrive; 10 s when 0
    uint32_t idle_ms;           ///< between two requests of a connection; 75 s when 0
    uint32_t body_ms;           ///< a body brings 1 KiB/s over so long, else 408; 30 s when 0
    uint32_t send_ms;           ///< a client takes something within so long; 60 s when 0
    uint32_t connection_max;    ///< open at once; as many as descriptors allow when 0
    void (*stays)(int64_t stay_ms); ///< [loop] streams of it outlive the stop; or NULL
};

struct shoal_server;
/// Starts loops and workers; answers from now on.
struct shoal_server *shoal_server_start(const struct shoal_server_options *options,
    struct shoal_err *err);
/// Before shoal_server_stop(), when another process takes over: sockets are closed one after another over
/// ten seconds, and streams that asked for it (shoal_stream_stay) live on for at most stay_ms.
void shoal_server_hand_over(struct shoal_server *server, int64_t stay_ms);
/// While it stops: nothing stays any longer. [any]
void shoal_server_hurry(void);
/// Stops accepting, lets requests end for at most stop_grace_ms, closes the rest, joins all threads.
void shoal_server_stop(struct shoal_server *server);
/// Adds a route (the host does, for plugins; the core for /health and /metrics with owner NULL).
/// Before shoal_server_start(), on the router that the server will use.
struct shoal_router;
struct shoal_router *shoal_router_new(void);
int shoal_router_add(struct shoal_router *router, const struct shoal_route *route,
    struct shoal_plugin *owner, struct shoal_err *err);
void shoal_router_remove_owner(struct shoal_router *router, struct shoal_plugin *owner);
/// Calls each for every route, in matching order (for `shoal routes`).
void shoal_router_each(struct shoal_router *router,
    void (*each)(const struct shoal_route *route, struct shoal_plugin *owner, void *user), void *user);
void shoal_router_free(struct shoal_router *router);
/// The router that the server matches with.
void shoal_server_use(struct shoal_router *router);

/// What the running server has done so far, for metrics; zeros without one. [any]
struct shoal_server_stats {
    uint64_t requests, cached, refused, busy;
    uint32_t connections;
    uint64_t sent_bytes, sent_files_bytes; ///< of answers with their heads, and of files
};
void shoal_server_stats(struct shoal_server_stats *stats);
/// shoal_tick_ms() of the loop that was silent longest (alive loops speak every 250 ms), for the
/// watchdog; 0 without a server. [any]
int64_t shoal_server_beat_ms(void);

/// Called on the thread of each loop as it begins to turn and when it is over, where it is set: so the
/// watchdog knows whom to ask. Whoever is told "over" may post to that loop no more.
extern void (*_Atomic shoal_loop_watch)(int loop, bool turns);

/// Rate of a bucket: `count` requests in `window_ms`, per token or address (IPv6 /64). Settable live.
void shoal_rate_set(enum shoal_rate bucket, uint32_t count, uint32_t window_ms);

#endif
