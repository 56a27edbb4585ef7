// server.c - starts and stops loops, workers and file threads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_priv.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <shoal/arena.h>
#include <shoal/base.h>

#include "base/alloc.h"
#include "net/cache_priv.h"
#include "net/conn_priv.h"

#define FILE_THREADS 4
#define PULL_THREADS 16

static struct shoal_server *current; // one a process; plugins post to its loops
static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    shoal_stop_fn *fn;
    void *arg;
} stop_hooks[SHOAL_STOP_HOOKS];
static size_t stop_hook_count;

struct shoal_server *shoal_server_hold(void)
{
    pthread_mutex_lock(&current_lock);
    struct shoal_server *server = current;
    if (!server) {
        pthread_mutex_unlock(&current_lock);
    }
    return server;
}

void shoal_server_let_go(void)
{
    pthread_mutex_unlock(&current_lock);
}

void shoal_server_on_stop(shoal_stop_fn *fn, void *arg)
{
    for (size_t i = 0; i < stop_hook_count; i++) {
        if (stop_hooks[i].fn == fn && stop_hooks[i].arg == arg) {
            return;
        }
    }
    assert(stop_hook_count < SHOAL_STOP_HOOKS);
    stop_hooks[stop_hook_count].fn = fn;
    stop_hooks[stop_hook_count++].arg = arg;
}

static atomic_bool is_hurried; // a stop goes on in a thread that cannot be asked

void shoal_server_hand_over(struct shoal_server *server, int64_t stay_ms)
{
    server->is_handed_over = true;
    server->stay_ms = stay_ms;
}

void shoal_server_hurry(void)
{
    atomic_store(&is_hurried, true);
}

bool shoal_loop_may_stay(const struct shoal_loop *loop)
{
    return loop->server->is_handed_over && !atomic_load(&is_hurried) &&
        loop->now_ms < loop->stay_until_ms;
}

void shoal_server_call_stop(struct shoal_loop *loop)
{
    for (size_t i = 0; i < stop_hook_count; i++) {
        stop_hooks[i].fn(loop, stop_hooks[i].arg);
    }
}

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static const char *copy(struct shoal_arena *arena, const char *text)
{
    return text ? shoal_arena_strdup(arena, text) : NULL;
}

static const char *const *copy_list(struct shoal_arena *arena, const char *const *list)
{
    size_t count = 0;
    while (list && list[count]) {
        count++;
    }
    const char **out = shoal_arena_alloc(arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = shoal_arena_strdup(arena, list[i]);
    }
    return out;
}

// As many as descriptors allow, with some left for files, database and pipes.
static uint32_t default_connections(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur > 1000000) {
        return 65536;
    }
    return limit.rlim_cur > 512 ? (uint32_t)limit.rlim_cur - 256 : (uint32_t)limit.rlim_cur / 2 + 1;
}

static void fill_options(struct shoal_server *server, const struct shoal_server_options *given)
{
    struct shoal_server_options *options = &server->options;
    struct shoal_arena *arena = server->arena;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    cores = cores < 1 ? 1 : cores > 256 ? 256 : cores;
    *options = *given;
    options->loops = given->loops > 0 ? given->loops : (int)cores;
    options->workers = given->workers > 0 ? given->workers : 2 + 2 * (int)cores;
    options->tls_cert_path = copy(arena, given->tls_cert_path);
    options->tls_key_path = copy(arena, given->tls_key_path);
    options->acme_path = copy(arena, given->acme_path);
    options->temp_path = copy(arena, given->temp_path ? given->temp_path : "/tmp");
    options->url = copy(arena, given->url);
    options->trusted_proxies = NULL;
    options->listens = NULL;
    options->cache_bytes = given->cache_bytes > 0 ? given->cache_bytes : 32u << 20;
    options->stop_grace_ms = or_default(given->stop_grace_ms, 30000);
    options->queue_max = or_default(given->queue_max, 1024);
    options->head_ms = or_default(given->head_ms, 10000);
    options->idle_ms = or_default(given->idle_ms, 75000);
    options->body_ms = or_default(given->body_ms, 30000);
    options->send_ms = or_default(given->send_ms, 60000);
    options->connection_max = or_default(given->connection_max, default_connections());
    static const char *const english[] = {"en", NULL};
    server->locales = copy_list(arena, given->locales && given->locales[0] ? given->locales : english);
}

static void make_loops(struct shoal_server *server, const struct shoal_server_options *given)
{
    server->loop_count = server->options.loops;
    server->loops = shoal_alloc((size_t)server->loop_count, sizeof(struct shoal_loop *));
    for (int i = 0; i < server->loop_count; i++) {
        struct shoal_loop *loop = shoal_alloc(1, sizeof *loop);
        server->loops[i] = loop;
        loop->server = server;
        loop->index = i;
        shoal_loop_init(loop); // all of them can be posted to before the first one runs
        loop->listeners = shoal_alloc(given->listen_count + 1, sizeof *loop->listeners);
        for (size_t n = 0; n < given->listen_count; n++) {
            const struct shoal_listen_fd *listen = &given->listens[n];
            if (listen->loop >= 0 && listen->loop % server->loop_count != i) {
                continue;
            }
            loop->listeners[loop->listener_count++] = (struct shoal_listener){.loop = loop,
                .fd = listen->fd, .is_tls = listen->is_tls, .is_redirect = listen->is_redirect};
        }
    }
}

static int start_parts(struct shoal_server *server, const struct shoal_server_options *given,
    struct shoal_err *err)
{
    int rc = shoal_proxies_init(&server->proxies, given->trusted_proxies, err);
    if (rc) {
        return rc;
    }
    server->proxies.reads_forwarded = given->reads_forwarded;
    if (server->options.tls_cert_path && server->options.tls_key_path) {
        server->tls = shoal_tls_new(server->options.tls_cert_path, server->options.tls_key_path, err);
        if (!server->tls) {
            return SHOAL_EINVAL;
        }
        server->tls_checked_ms = shoal_tick_ms();
    }
    for (size_t i = 0; i < given->listen_count; i++) {
        if (given->listens[i].is_tls && !server->tls) {
            return shoal_fail(err, SHOAL_EINVAL, "a TLS listener needs a certificate and its key");
        }
    }
    server->cache = shoal_cache_new(server->options.cache_bytes);
    server->workers = shoal_pool_new("worker", server->options.workers, server->options.queue_max);
    server->files = shoal_pool_new("file", FILE_THREADS, SIZE_MAX);
    server->pulls = shoal_pool_new("pull", PULL_THREADS, SIZE_MAX);
    if (!server->workers || !server->files || !server->pulls) {
        return shoal_fail(err, SHOAL_EINTERNAL, "no threads can be started");
    }
    return 0;
}

static void hear_all(struct shoal_server *server)
{
    for (bool has_heard = true; has_heard;) {
        has_heard = false;
        for (int i = 0; i < server->loop_count; i++) {
            has_heard = shoal_loop_hear(server->loops[i]) || has_heard;
        }
    }
}

static void free_server(struct shoal_server *server)
{
    shoal_pool_end(server->workers);
    shoal_pool_end(server->pulls);
    shoal_pool_end(server->files);
    hear_all(server); // the last work of the threads answered to an ended loop
    pthread_mutex_lock(&current_lock);
    current = current == server ? NULL : current;
    pthread_mutex_unlock(&current_lock);
    hear_all(server); // who posted meanwhile
    shoal_pool_free(server->workers); // not sooner: what was heard may have wanted to go on there
    shoal_pool_free(server->pulls);
    shoal_pool_free(server->files);
    for (int i = 0; i < server->loop_count; i++) {
        struct shoal_loop *loop = server->loops[i];
        shoal_loop_fini(loop);
        free(loop->posts);
        free(loop->listeners);
        free(loop);
    }
    free(server->loops);
    shoal_cache_free(server->cache);
    shoal_tls_free(server->tls);
    shoal_proxies_fini(&server->proxies);
    shoal_arena_free(server->arena);
    free(server);
}

struct shoal_server *shoal_server_start(const struct shoal_server_options *options,
    struct shoal_err *err)
{
    struct shoal_server *server = shoal_alloc(1, sizeof *server);
    struct shoal_err own = {0};
    err = err ? err : &own;
    signal(SIGPIPE, SIG_IGN); // sendfile and OpenSSL have no MSG_NOSIGNAL
    server->arena = shoal_arena_new(0);
    server->router = shoal_router_current();
    assert(server->router && options->app.run);
    fill_options(server, options);
    if (start_parts(server, options, err)) {
        free_server(server);
        return NULL;
    }
    make_loops(server, options);
    pthread_mutex_lock(&current_lock);
    current = server;
    pthread_mutex_unlock(&current_lock);
    for (int i = 0; i < server->loop_count; i++) {
        if (shoal_loop_start(server->loops[i], err)) {
            shoal_error("the server cannot start: %s", err->text);
            server->loops[i]->thread = 0;
            shoal_server_stop(server);
            return NULL;
        }
    }
    return server;
}

static void stop_loop(void *arg)
{
    struct shoal_loop *loop = arg;
    loop->is_stopping = true;
    loop->now_ms = shoal_tick_ms();
    loop->stop_at_ms = loop->now_ms + loop->server->options.stop_grace_ms;
    loop->stay_until_ms = loop->now_ms + loop->server->stay_ms;
    for (size_t i = 0; i < loop->listener_count; i++) {
        shoal_listener_stop(&loop->listeners[i]);
    }
    shoal_server_call_stop(loop);
    struct shoal_conn *conn = loop->conns;
    while (conn) {
        struct shoal_conn *next = conn->next;
        conn->keep_alive = false;
        shoal_conn_hurry(conn);
        // Its next request may be on the way: who says nothing for a moment is closed by the tick.
        if (shoal_conn_is_idle(conn)) {
            shoal_conn_wait(conn, SHOAL_CONN_HEAD, SHOAL_CONN_STOP_MS);
        }
        conn = next;
    }
}

void shoal_server_stop(struct shoal_server *server)
{
    if (!server) {
        return;
    }
    for (int i = 0; i < server->loop_count; i++) {
        if (server->loops[i]->thread) {
            shoal_loop_run(server->loops[i], stop_loop, server->loops[i]);
        }
    }
    for (int i = 0; i < server->loop_count; i++) {
        struct shoal_loop *loop = server->loops[i];
        if (loop->thread) {
            pthread_join(loop->thread, NULL);
        }
    }
    free_server(server);
}

void shoal_server_stats(struct shoal_server_stats *stats)
{
    *stats = (struct shoal_server_stats){0};
    const struct shoal_server *server = shoal_server_hold();
    if (server) {
        stats->requests = atomic_load(&server->counters[SHOAL_COUNT_REQUESTS]);
        stats->cached = atomic_load(&server->counters[SHOAL_COUNT_CACHED]);
        stats->refused = atomic_load(&server->counters[SHOAL_COUNT_REFUSED]);
        stats->busy = atomic_load(&server->counters[SHOAL_COUNT_BUSY]);
        stats->connections = atomic_load(&server->conn_count);
        stats->sent_bytes = atomic_load(&server->counters[SHOAL_COUNT_SENT]);
        stats->sent_files_bytes = atomic_load(&server->counters[SHOAL_COUNT_SENT_FILES]);
        shoal_server_let_go();
    }
}

int64_t shoal_server_beat_ms(void)
{
    int64_t oldest = 0;
    const struct shoal_server *server = shoal_server_hold();
    for (int i = 0; server && i < server->loop_count; i++) {
        int64_t beat = atomic_load(&server->loops[i]->beat_ms);
        oldest = i == 0 || beat < oldest ? beat : oldest;
    }
    if (server) {
        shoal_server_let_go();
    }
    return oldest;
}
