// exchange.c - what happens to a request: cache, limits, workers, and back to its connection.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include <shoal/base.h>

#include "base/alloc.h"
#include "base/room.h"
#include "net/body_priv.h"
#include "net/conn_priv.h"
#include "net/limit_priv.h"
#include "net/negotiate.h"
#include "net/percent_priv.h"
#include "net/range_priv.h"
#include "net/request.h"

static void count(struct shoal_conn *conn, enum shoal_counter counter)
{
    atomic_fetch_add_explicit(&conn->loop->server->counters[counter], 1, memory_order_relaxed);
}

// A whole answer made on the loop, with problem+json. To HEAD without its body: on a connection that
// goes on, a client would take the body for the next answer.
static void answer_here(struct shoal_conn *conn, int status, const char *text,
    const char *more_headers, bool is_head)
{
    struct shoal_reply reply = {.status = status, .file = -1};
    struct shoal_buf head = {0};
    reply.body = shoal_problem_text(status, text, &reply.length);
    shoal_buf_printf(&head,
        "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json; charset=utf-8\r\n"
        "Content-Length: %zu\r\nCache-Control: no-cache\r\nAccess-Control-Allow-Origin: *\r\n"
        "Access-Control-Expose-Headers: Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, "
        "X-RateLimit-Reset\r\nX-Content-Type-Options: nosniff\r\nx-powered-by: PeerTube\r\n%s",
        status, shoal_status_text(status), reply.length, more_headers ? more_headers : "");
    reply.head = shoal_buf_take(&head, &reply.head_length);
    shoal_conn_send(conn, &reply, NULL, NULL, is_head);
}

static bool asks_head(const struct shoal_loop *loop)
{
    return shoal_span_is(loop->head.method, "HEAD");
}

void shoal_exchange_refuse(struct shoal_conn *conn, int status, const char *text,
    const char *more_headers)
{
    struct shoal_request *request = conn->request;
    char copy[512];
    snprintf(copy, sizeof copy, "%s", text);
    conn->request = NULL;
    conn->keep_alive = conn->is_discarding = false;
    count(conn, SHOAL_COUNT_REFUSED);
    if (request) {
        request->conn = NULL;
        atomic_store(&request->cancel, true);
        if (!request->is_busy) {
            shoal_exchange_abandon(request);
        }
    }
    answer_here(conn, status, copy, more_headers, false); // the connection ends with it
}

static void came_back(void *arg);
static void run_body(void *arg);

static void make_reply(struct shoal_request *request)
{
    shoal_reply_make(request);
    shoal_debug("%s %s %d", request->method, request->path, request->reply.status);
    shoal_request_leave(request);
    if (request->answer.kind != SHOAL_ANSWER_PULL) {
        shoal_request_drop(request);
    }
}

void shoal_exchange_replied(struct shoal_request *request)
{
    make_reply(request);
    shoal_loop_run(request->loop, came_back, request);
}

// [loop] No worker has it from here on, until its word is said.
static void rest(void *arg)
{
    struct shoal_request *request = arg;
    request->loop->now_ms = shoal_tick_ms();
    request->await.end_ms = request->loop->now_ms + request->await.wait_ms;
    bool is_wanted = request->conn && !atomic_load(&request->cancel);
    if (!request->conn) {
        shoal_await_end(request);
        came_back(request);
    } else if (!is_wanted || request->loop->is_stopping || !shoal_await_rest(request)) {
        shoal_await_end(request);
        request->await.is_over = !is_wanted || request->loop->is_stopping;
        shoal_exchange_again(request);
    }
}

void shoal_exchange_again(struct shoal_request *request)
{
    shoal_pool_push(request->server->workers, run_body, request);
}

// After a handler: its answer, or a wait for a word.
static void ran(struct shoal_request *request)
{
    if (shoal_request_awaits(request) && !shoal_request_answered(request, NULL)) {
        shoal_request_unanswer(request); // headers that it began with
        shoal_request_leave(request);
        shoal_loop_run(request->loop, rest, request);
        return;
    }
    shoal_await_end(request);
    shoal_exchange_replied(request);
}

// A query that cannot be decoded is refused before any handler sees a part of it.
static bool check_query(struct shoal_request *request)
{
    struct shoal_err err = {0};
    request->has_query = true;
    if ((request->entry && request->entry->route.raw_query) || // its handler reads what came
        shoal_query_parse(request->call.arena, shoal_span(request->query_string), SHOAL_QUERY_MAX,
            &request->query, &err) == 0) {
        return true;
    }
    shoal_answer_problem(request, &err);
    return false;
}

// Handlers that never block answer where they are. False: it goes to a worker as others do.
static bool try_quick(struct shoal_conn *conn, struct shoal_request *request)
{
    const struct shoal_app *app = &request->server->options.app;
    if (!request->entry || !request->entry->route.quick) {
        return false;
    }
    shoal_request_enter(request);
    if (check_query(request)) {
        app->run(app->self, &request->call, request, SHOAL_PHASE_QUICK);
    }
    if (request->answer.kind != SHOAL_ANSWER_BYTES) { // files and sources are no answers for a loop
        shoal_request_unanswer(request);
        shoal_request_leave(request);
        return false;
    }
    make_reply(request);
    shoal_conn_send_request(conn, request);
    return true;
}

// A body that finds no room is refused before it takes what is left from the rest of the server.
static void check_room(struct shoal_request *request)
{
    const char *to = request->to_path ? request->to_path : request->server->options.temp_path;
    bool has_sink = request->mode == SHOAL_BODY_FILES || request->to_path;
    int64_t left = has_sink && request->content_length > 0 && to ? shoal_room_bytes(to) : -1;
    struct shoal_err err = {0};
    if (left >= 0 && left < request->content_length) {
        shoal_fail(&err, SHOAL_EFULL, "%lld bytes are to come, and %lld are left at %s",
            (long long)request->content_length, (long long)left, to);
        shoal_problem_hide(&request->call, request->method, request->path, "the network", &err);
        shoal_answer_problem(request, &err);
    }
}

// A head that is complete. Without a body to come, its body phase follows at once.
static void run_head(void *arg)
{
    struct shoal_request *request = arg;
    const struct shoal_app *app = &request->server->options.app;
    shoal_request_enter(request);
    if (check_query(request)) {
        app->run(app->self, &request->call, request, SHOAL_PHASE_HEAD);
    }
    if (!shoal_request_answered(request, NULL) && request->has_body && request->entry) {
        check_room(request);
    }
    bool is_answered = shoal_request_answered(request, NULL);
    if (!is_answered && request->has_body && request->entry) {
        shoal_request_leave(request);
        shoal_loop_run(request->loop, came_back, request);
        return;
    }
    if (!is_answered) {
        request->ran_body = request->is_whole = true;
        app->run(app->self, &request->call, request, SHOAL_PHASE_BODY);
    }
    ran(request);
}

static void run_body(void *arg)
{
    struct shoal_request *request = arg;
    const struct shoal_app *app = &request->server->options.app;
    shoal_request_enter(request);
    request->ran_body = true;
    app->run(app->self, &request->call, request, SHOAL_PHASE_BODY);
    ran(request);
}

static void came_back(void *arg)
{
    struct shoal_request *request = arg;
    struct shoal_conn *conn = request->conn;
    shoal_loop_release(request->loop);
    request->loop->now_ms = shoal_tick_ms();
    request->is_busy = false;
    if (!conn) {
        shoal_exchange_abandon(request);
        return;
    }
    if (request->reply.head || request->reply.item) {
        shoal_conn_send_request(conn, request);
    } else {
        shoal_conn_begin_body(conn);
    }
    if (conn->state != SHOAL_CONN_GONE) {
        shoal_conn_continue(conn);
    }
}

static void run_on_worker(struct shoal_request *request, shoal_pool_fn *fn)
{
    request->is_busy = true;
    shoal_loop_hold(request->loop);
    shoal_pool_push(request->server->workers, fn, request);
}

void shoal_exchange_submit(struct shoal_conn *conn, struct shoal_request *request,
    shoal_pool_fn *fn)
{
    conn->request = request;
    request->conn = conn;
    request->is_busy = true;
    shoal_conn_wait(conn, SHOAL_CONN_WORK, 0);
    if (shoal_pool_add(request->server->workers, fn, request) == 0) {
        shoal_loop_hold(request->loop);
        return;
    }
    request->is_busy = false;
    conn->request = NULL;
    request->conn = NULL;
    count(conn, SHOAL_COUNT_BUSY);
    bool is_head = request->is_head;
    shoal_request_free(request);
    conn->keep_alive = conn->keep_alive && conn->body_is_done;
    answer_here(conn, 503, "the server is busy: please try again", "Retry-After: 2\r\n", is_head);
}

// A RAW body that broke off is still told to its handler, which remembers how far it came.
void shoal_exchange_abandon(struct shoal_request *request)
{
    if (request->sink && !shoal_sink_has_ended(request->sink)) {
        shoal_sink_end(request->sink, false);
        return;
    }
    bool must_run = request->mode == SHOAL_BODY_RAW && request->sink && !request->ran_body;
    if (must_run) {
        request->is_whole = false;
        run_on_worker(request, run_body);
        return;
    }
    shoal_request_discard(request);
}

void shoal_exchange_body(struct shoal_conn *conn)
{
    struct shoal_request *request = conn->request;
    const struct shoal_err *wrong = request->sink ? shoal_sink_error(request->sink) : NULL;
    if (wrong) {
        struct shoal_err err = *wrong;
        shoal_problem_hide(&request->call, request->method, request->path, "the network", &err);
        shoal_exchange_refuse(conn, shoal_error_status(err.code), err.text, NULL);
        shoal_conn_continue(conn);
        return;
    }
    shoal_conn_wait(conn, SHOAL_CONN_WORK, 0);
    run_on_worker(request, run_body);
    shoal_conn_poll(conn);
}

/// What limits are counted by, where there is one: the token of a client, or of somebody's browser.
static struct shoal_span credential(const struct shoal_head *head)
{
    struct shoal_span token = shoal_head_get(head, "authorization");
    struct shoal_span list = shoal_head_get(head, "cookie"), item;
    static const char name[] = SHOAL_SESSION_COOKIE "=";
    while (!token.at && shoal_span_next(&list, ';', &item)) {
        if (shoal_span_starts(item, name)) {
            token = (struct shoal_span){item.at + sizeof name - 1, item.length - (sizeof name - 1)};
        }
    }
    return token;
}

// Looking through all texts is work, in whichever list and however the name is spelled.
static bool is_search(struct shoal_span query)
{
    char name[32];
    while (query.length > 0) {
        const char *end = memchr(query.at, '&', query.length);
        size_t length = end ? (size_t)(end - query.at) : query.length;
        const char *equals = memchr(query.at, '=', length);
        struct shoal_span part = {query.at, equals ? (size_t)(equals - query.at) : length};
        if (part.length < sizeof name && shoal_percent_decode(part, name, true) > 0 &&
            (strcmp(name, "search") == 0 || strcmp(name, "search[]") == 0)) {
            return true;
        }
        query.at += end ? length + 1 : length;
        query.length -= end ? length + 1 : length;
    }
    return false;
}

static bool spend(struct shoal_conn *conn, const struct shoal_origin *origin, char more[160])
{
    const struct shoal_head *head = &conn->loop->head;
    const struct shoal_entry *entry = conn->loop->match.entry;
    enum shoal_rate bucket = entry ? entry->route.rate
        : shoal_span_starts(head->path, "/api/") ? SHOAL_RATE_API
                                                 : SHOAL_RATE_PAGE;
    more[0] = 0;
    if (bucket == SHOAL_RATE_API && is_search(head->query)) {
        bucket = SHOAL_RATE_SEARCH;
    }
    if (bucket == SHOAL_RATE_NONE) {
        return true;
    }
    struct shoal_limit limit = shoal_limit_take(bucket, credential(head),
        &origin->address, conn->loop->now_ms);
    int length = snprintf(more, 160,
        "X-RateLimit-Limit: %u\r\nX-RateLimit-Remaining: %u\r\nX-RateLimit-Reset: %lld\r\n",
        limit.count, limit.remaining, (long long)(shoal_now_ms() / 1000 + limit.reset_s));
    if (limit.is_refused) {
        char headers[256];
        snprintf(headers, sizeof headers, "%.*sRetry-After: %u\r\n", length, more, limit.retry_s);
        conn->keep_alive = conn->keep_alive && conn->body_is_done;
        answer_here(conn, 429, "Too many requests, please try again later.", headers,
            asks_head(conn->loop));
    }
    return !limit.is_refused;
}

static bool may_share(const struct shoal_conn *conn)
{
    const struct shoal_head *head = &conn->loop->head;
    const struct shoal_entry *entry = conn->loop->match.entry;
    return entry && entry->route.cache_s > 0 && conn->body_is_done &&
        conn->loop->server->options.app.epoch && !conn->loop->server->options.is_cache_off &&
        (shoal_span_is(head->method, "GET") || shoal_span_is(head->method, "HEAD")) &&
        !shoal_head_get(head, "authorization").at && !shoal_head_get(head, "cookie").at &&
        !shoal_head_get(head, "if-match").at; // rare: judged with the answer itself
}

// Everything that may make two answers differ. -1: too long or too odd to be shared.
static long make_key(const struct shoal_conn *conn, const struct shoal_origin *origin, char *key)
{
    const struct shoal_head *head = &conn->loop->head;
    const struct shoal_route *route = &conn->loop->match.entry->route;
    const char *locale = shoal_accept_locale(shoal_head_get(head, "accept-language"),
        conn->loop->server->locales);
    int length = snprintf(key, SHOAL_CACHE_KEY_MAX, "%s\n%s\n%s\n%.*s\n%.*s\n",
        route->produces ? route->produces : "", origin->is_https ? "https" : "http", locale,
        (int)origin->host.length, origin->host.at, (int)head->path.length, head->path.at);
    if (length < 0 || length >= SHOAL_CACHE_KEY_MAX) {
        return -1;
    }
    long query = shoal_query_sort(head->query, key + length, SHOAL_CACHE_KEY_MAX - (size_t)length);
    return query < 0 ? -1 : length + query;
}

static void send_shared(struct shoal_conn *conn, struct shoal_item *item)
{
    const struct shoal_head *head = &conn->loop->head;
    struct shoal_span tags = shoal_head_get(head, "if-none-match");
    bool is_same = tags.at && item->etag[0] && shoal_etag_listed(tags, item->etag, true);
    bool takes_gzip =
        item->gzip_body && shoal_accept_gzip(shoal_head_get(head, "accept-encoding"));
    count(conn, SHOAL_COUNT_CACHED);
    shoal_conn_send_item(
        conn, item, NULL, NULL, shoal_span_is(head->method, "HEAD"), takes_gzip, is_same);
}

static void exchange(struct shoal_conn *conn, const char *bytes, size_t length, bool may_wait);

// True when the answer is here already or somebody else makes it.
static bool try_shared(struct shoal_conn *conn, const char *bytes, size_t length,
    const struct shoal_origin *origin, bool may_wait, uint64_t epoch, struct shoal_ticket **ticket)
{
    char key[SHOAL_CACHE_KEY_MAX];
    long key_length = make_key(conn, origin, key);
    if (key_length < 0) {
        return false;
    }
    struct shoal_loop *loop = conn->loop;
    struct shoal_span span = {key, (size_t)key_length};
    struct shoal_waiter *waiter = NULL;
    struct shoal_item *item;
    // First without a waiter of our own: hits must cost nothing.
    enum shoal_lookup found =
        shoal_cache_find(loop->server->cache, span, epoch, loop->now_ms, NULL, &item, ticket);
    if (found == SHOAL_LOOKUP_MAKE && !*ticket && may_wait) {
        waiter = shoal_alloc(1, sizeof *waiter);
        *waiter = (struct shoal_waiter){.loop = loop, .conn = conn, .length = length};
        waiter->bytes = shoal_alloc(1, length);
        memcpy(waiter->bytes, bytes, length);
        shoal_loop_hold(loop);
        found = shoal_cache_find(loop->server->cache, span, epoch, loop->now_ms, waiter, &item,
            ticket);
        if (found != SHOAL_LOOKUP_WAIT) {
            shoal_loop_release(loop);
            free(waiter->bytes);
            free(waiter);
        }
    }
    if (found == SHOAL_LOOKUP_HIT) {
        send_shared(conn, item);
    } else if (found == SHOAL_LOOKUP_WAIT) {
        conn->waiter = waiter;
        shoal_conn_wait(conn, SHOAL_CONN_WORK, 0);
    }
    return found != SHOAL_LOOKUP_MAKE;
}

void shoal_waiter_wake(struct shoal_waiter *waiter)
{
    struct shoal_conn *conn = waiter->conn;
    struct shoal_refusal refusal;
    shoal_loop_release(waiter->loop);
    if (!conn) {
        shoal_item_unref(waiter->item);
    } else {
        conn->waiter = NULL;
        waiter->loop->now_ms = shoal_tick_ms();
        if (waiter->item) {
            shoal_head_parse(waiter->bytes, waiter->length, &waiter->loop->head, &refusal);
            send_shared(conn, waiter->item);
        } else {
            exchange(conn, waiter->bytes, waiter->length, false);
        }
        if (conn->state != SHOAL_CONN_GONE) {
            shoal_conn_continue(conn);
        }
    }
    free(waiter->bytes);
    free(waiter);
}

// The answer to a browser that asks whether another site's script may call.
static bool answer_preflight(struct shoal_conn *conn)
{
    struct shoal_loop *loop = conn->loop;
    if (loop->match.entry || !shoal_span_is(loop->head.method, "OPTIONS") ||
        !loop->match.has_cors) {
        return false;
    }
    struct shoal_reply reply = {.status = 204, .file = -1};
    struct shoal_buf head = {0};
    shoal_buf_printf(&head,
        "HTTP/1.1 204 No Content\r\nAccess-Control-Allow-Origin: *\r\n"
        "Access-Control-Allow-Methods: %s\r\n"
        "Access-Control-Allow-Headers: Authorization, Content-Type, Content-Range, Range, "
        "X-Upload-Content-Length, X-Upload-Content-Type, Digest, Content-MD5, Accept-Language, "
        "x-peertube-otp, x-peertube-video-password\r\n"
        "Access-Control-Max-Age: 86400\r\nAllow: %s, OPTIONS\r\nx-powered-by: PeerTube\r\n",
        loop->match.allow, loop->match.allow);
    reply.head = shoal_buf_take(&head, &reply.head_length);
    conn->keep_alive = conn->keep_alive && conn->body_is_done;
    shoal_conn_send(conn, &reply, NULL, NULL, false);
    return true;
}

static void begin_body_state(struct shoal_conn *conn)
{
    const struct shoal_head *head = &conn->loop->head;
    conn->keep_alive = head->keep_alive;
    conn->is_last = !head->keep_alive;
    conn->body_is_chunked = head->is_chunked;
    conn->body_left = head->length;
    conn->body_is_done = !head->is_chunked && head->length == 0;
    conn->is_discarding = false;
    conn->chunked = (struct shoal_chunked){0};
}

static void dispatch(struct shoal_conn *conn, const char *bytes, size_t length,
    const struct shoal_origin *origin, bool may_wait)
{
    struct shoal_loop *loop = conn->loop;
    struct shoal_server *server = loop->server;
    struct shoal_ticket *ticket = NULL;
    uint64_t epoch = 0;
    if (may_share(conn)) {
        epoch = server->options.app.epoch(server->options.app.self);
        if (try_shared(conn, bytes, length, origin, may_wait, epoch, &ticket)) {
            return;
        }
    }
    char limit_lines[160];
    if (!spend(conn, origin, limit_lines)) {
        if (ticket) {
            shoal_cache_settle(ticket, NULL, false);
        }
        return;
    }
    const struct shoal_entry *entry = loop->match.entry;
    struct shoal_request *request = shoal_request_new(loop, bytes, length, origin);
    request->mode = entry ? entry->route.body : SHOAL_BODY_NONE;
    request->ticket = ticket;
    request->epoch = epoch;
    memcpy(request->limit_lines, limit_lines, sizeof limit_lines);
    if (!try_quick(conn, request)) {
        shoal_exchange_submit(conn, request, run_head);
    }
}

static void exchange(struct shoal_conn *conn, const char *bytes, size_t length, bool may_wait)
{
    struct shoal_loop *loop = conn->loop;
    struct shoal_head *head = &loop->head;
    struct shoal_refusal refusal;
    if (shoal_head_parse(bytes, length, head, &refusal)) {
        shoal_exchange_refuse(conn, refusal.status, refusal.text, NULL);
        return;
    }
    begin_body_state(conn);
    count(conn, SHOAL_COUNT_REQUESTS);
    if (conn->is_redirect) {
        shoal_redirect_answer(conn, bytes, length);
        return;
    }
    enum shoal_matched matched = shoal_router_match(loop->server->router, head->method, head->path,
        shoal_head_get(head, "accept"), &loop->match);
    if (matched == SHOAL_MATCHED_BAD_PATH) {
        conn->keep_alive = conn->keep_alive && conn->body_is_done;
        answer_here(conn, 400, "the path is not one that can be served", NULL,
            asks_head(loop));
        return;
    }
    if (answer_preflight(conn)) {
        return;
    }
    const struct shoal_entry *entry = loop->match.entry;
    if (entry && entry->route.head_max_bytes > 0 && length > entry->route.head_max_bytes) {
        char why[80];
        snprintf(why, sizeof why, "the headers are longer than the %u bytes that are taken here",
            entry->route.head_max_bytes);
        shoal_exchange_refuse(conn, 431, why, NULL);
        return;
    }
    if (entry && !conn->body_is_done && entry->route.body == SHOAL_BODY_NONE) {
        shoal_exchange_refuse(conn, 413, "no body is taken here", NULL);
        return;
    }
    struct shoal_origin origin;
    shoal_origin_read(&loop->server->proxies, &conn->peer, conn->is_tls, head, &origin);
    dispatch(conn, bytes, length, &origin, may_wait);
}

void shoal_exchange_head(struct shoal_conn *conn, const char *bytes, size_t length)
{
    exchange(conn, bytes, length, true);
}
