// request.c - what a request says.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/request_priv.h"

#include <stdlib.h>

#include <shoal/base.h>

#include "base/alloc.h"
#include "net/body_priv.h"
#include "net/limit_priv.h"
#include "net/negotiate.h"

static void copy_head(struct shoal_request *request, struct shoal_loop *loop, const char *bytes,
    size_t length)
{
    struct shoal_arena *arena = request->call.arena;
    char *copy = shoal_arena_alloc(arena, length + 1);
    memcpy(copy, bytes, length);
    struct shoal_head *head = &loop->head;
    shoal_head_move(head, bytes, copy);
    size_t size = (head->header_count + 1) * sizeof(struct shoal_header);
    struct shoal_header *headers = shoal_arena_alloc(arena, size);
    memcpy(headers, head->headers, head->header_count * sizeof(struct shoal_header));
    request->headers = headers;
    request->header_count = head->header_count;
    request->method = head->method.at;
    request->path = head->path.at;
    request->query_string = head->query.at ? head->query.at : "";
    request->is_head = strcmp(request->method, "HEAD") == 0;
    request->is_old = head->minor == 0;
    request->is_chunked = head->is_chunked;
    request->content_length = head->is_chunked ? -1 : (int64_t)head->length;
    request->has_body = head->is_chunked || head->length > 0;
    request->expects_continue = head->expects_continue && request->has_body;
}

static void copy_match(struct shoal_request *request, const struct shoal_match *match)
{
    struct shoal_arena *arena = request->call.arena;
    request->entry = match->entry;
    request->is_negotiated = match->is_negotiated;
    request->allow = match->allow[0] ? shoal_arena_strdup(arena, match->allow) : NULL;
    for (size_t i = 0; match->entry && i < match->value_count; i++) {
        request->params[i].name = match->entry->names[i];
        request->params[i].value = shoal_arena_strdup(arena, match->text + match->values[i]);
    }
    request->param_count = match->entry ? match->value_count : 0;
}

static bool is_secret(struct shoal_span name)
{
    return shoal_span_like(name, "authorization") || shoal_span_like(name, "cookie");
}

// A client that asks for another host than ours gets ours: links are never made of what it made up.
static struct shoal_span choose_host(const char *url, struct shoal_span asked)
{
    const char *scheme_end = url ? strstr(url, "://") : NULL;
    if (!scheme_end) {
        return asked;
    }
    const char *at = scheme_end + 3;
    return (struct shoal_span){at, strcspn(at, "/")};
}

struct shoal_request *shoal_request_new(struct shoal_loop *loop, const char *bytes, size_t length,
    const struct shoal_origin *origin)
{
    struct shoal_request *request = shoal_alloc(1, sizeof *request);
    struct shoal_call *before = shoal_call_adopt(NULL);
    shoal_call_init(&request->call);
    shoal_call_adopt(before); // a loop runs no call: a worker takes it up
    request->has_call = true;
    request->call.viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_ANONYMOUS};
    request->call.request = request->call.asked = request;
    request->call.cancel = &request->cancel;
    request->server = loop->server;
    request->loop = loop;
    request->origin = *origin;
    struct shoal_span host = choose_host(loop->server->options.url, origin->host);
    request->host = shoal_arena_strndup(request->call.arena, host.at, host.length);
    request->sent_host =
        shoal_arena_strndup(request->call.arena, origin->host.at, origin->host.length);
    copy_head(request, loop, bytes, length);
    copy_match(request, &loop->match);
    shoal_address_format(&origin->address, request->address);
    shoal_address_prefix(&origin->address, request->address_prefix);
    const char *languages = shoal_request_peek(request, "accept-language");
    request->call.locale = shoal_accept_locale(shoal_span(languages), loop->server->locales);
    memcpy(request->id, request->call.id, sizeof request->id);
    for (size_t i = 0; i < request->header_count; i++) {
        request->has_credential |= is_secret(request->headers[i].name);
    }
    request->answer.file = request->reply.file = -1;
    return request;
}

void shoal_request_drop(struct shoal_request *request)
{
    json_decref(request->json);
    request->json = NULL;
    shoal_uploads_remove(request);
    shoal_sink_free(request->sink);
    request->sink = NULL;
    shoal_buf_fini(&request->body);
    if (request->body_held > 0) {
        atomic_fetch_sub(&request->server->body_bytes, request->body_held);
        request->body_held = 0;
    }
    if (request->has_call) {
        shoal_call_fini(&request->call);
        request->has_call = false;
    }
}

void shoal_request_free(struct shoal_request *request)
{
    if (!request) {
        return;
    }
    shoal_answer_drop(request);
    shoal_reply_fini(&request->reply);
    if (request->ticket) {
        shoal_cache_settle(request->ticket, NULL, false);
    }
    shoal_request_drop(request);
    free(request);
}

void shoal_request_enter(struct shoal_request *request)
{
    request->call.outer = shoal_call_adopt(&request->call);
    uint32_t timeout_ms = request->entry ? request->entry->route.timeout_ms : 0;
    request->call.deadline_ms = shoal_tick_ms() + (timeout_ms > 0 ? timeout_ms : 10000);
}

void shoal_request_leave(struct shoal_request *request)
{
    if (!request->has_call) {
        return;
    }
    if (request->call.db && shoal_call_release_db) {
        shoal_call_release_db(&request->call); // the reader is this worker's
    }
    shoal_call_adopt(request->call.outer);
    request->call.outer = NULL;
}

const char *shoal_request_peek(const struct shoal_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (shoal_span_like(request->headers[i].name, name)) {
            return request->headers[i].value.at;
        }
    }
    return NULL;
}

const char *shoal_request_method(const struct shoal_request *request)
{
    return request->method;
}

const char *shoal_request_path(const struct shoal_request *request)
{
    return request->path;
}

const char *shoal_request_param(const struct shoal_request *request, const char *name)
{
    for (size_t i = 0; i < request->param_count; i++) {
        if (strcmp(request->params[i].name, name) == 0) {
            return request->params[i].value;
        }
    }
    return NULL;
}

// A query that cannot be read has no parameters; the loop refused broken ones before.
static const struct shoal_pairs *query_of(const struct shoal_request *borrowed)
{
    struct shoal_request *request = (struct shoal_request *)(uintptr_t)borrowed; // a cache of its own
    if (!request->has_query) {
        request->has_query = true;
        if (shoal_query_parse(request->call.arena, shoal_span(request->query_string),
                SHOAL_QUERY_MAX, &request->query, NULL)) {
            request->query.count = 0;
        }
    }
    return &request->query;
}

// "tags" also finds "tags[]".
static bool is_name(const char *found, const char *name)
{
    size_t length = strlen(name);
    return strncmp(found, name, length) == 0 &&
        (found[length] == 0 || strcmp(found + length, "[]") == 0);
}

const char *shoal_request_query(const struct shoal_request *request, const char *name)
{
    const struct shoal_pairs *query = query_of(request);
    for (size_t i = 0; i < query->count; i++) {
        if (is_name(query->items[i].name, name)) {
            return query->items[i].value;
        }
    }
    return NULL;
}

const char *const *shoal_request_query_all(const struct shoal_request *request, const char *name)
{
    const struct shoal_pairs *query = query_of(request);
    const char **all =
        shoal_arena_alloc(request->call.arena, (query->count + 1) * sizeof(const char *));
    size_t count = 0;
    for (size_t i = 0; i < query->count; i++) {
        if (is_name(query->items[i].name, name)) {
            all[count++] = query->items[i].value;
        }
    }
    return count > 0 ? all : NULL;
}

const char *shoal_request_query_string(const struct shoal_request *request)
{
    return request->query_string;
}

const char *shoal_request_header(struct shoal_request *request, const char *name)
{
    request->answer.is_private = true;
    return shoal_request_peek(request, name);
}

// Requests with a cookie or a credential are never answered from the shared cache, so that only the
// presence of one makes the answer private.
const char *shoal_request_cookie(struct shoal_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (!shoal_span_like(request->headers[i].name, "cookie")) {
            continue;
        }
        request->answer.is_private = true;
        struct shoal_span list = request->headers[i].value, item;
        size_t length = strlen(name);
        while (shoal_span_next(&list, ';', &item)) {
            if (item.length > length && item.at[length] == '=' &&
                memcmp(item.at, name, length) == 0) {
                return shoal_arena_strndup(request->call.arena, item.at + length + 1,
                    item.length - length - 1);
            }
        }
    }
    return NULL;
}

const char *shoal_request_bearer(struct shoal_request *request)
{
    const char *value = shoal_request_peek(request, "authorization");
    if (!value) {
        return NULL;
    }
    request->answer.is_private = true;
    if (strncasecmp(value, "Bearer ", 7) != 0) {
        return NULL;
    }
    value += 7;
    while (*value == ' ') {
        value++;
    }
    return value;
}

void shoal_request_proved(const char *credential)
{
    shoal_limit_prove(shoal_span(credential), shoal_tick_ms());
}

const char *shoal_request_address(struct shoal_request *request)
{
    request->answer.is_private = true;
    return request->address;
}

const char *shoal_request_address_prefix(struct shoal_request *request)
{
    request->answer.is_private = true;
    return request->address_prefix;
}

const char *shoal_request_scheme(struct shoal_request *request)
{
    return request->origin.is_https ? "https" : "http"; // part of the cache key, as is the host
}

const char *shoal_request_host(struct shoal_request *request)
{
    return request->host;
}

const char *shoal_request_sent_host(const struct shoal_request *request)
{
    return request->sent_host ? request->sent_host : request->host;
}

bool shoal_request_internal(const struct shoal_request *request)
{
    return request->is_internal;
}

const struct shoal_route *shoal_request_route(const struct shoal_request *request,
    struct shoal_plugin **owner, const char **allow)
{
    if (owner) {
        *owner = request->entry ? request->entry->owner : NULL;
    }
    if (allow) {
        *allow = request->entry ? NULL : request->allow;
    }
    return request->entry ? &request->entry->route : NULL;
}

int64_t shoal_request_content_length(const struct shoal_request *request)
{
    return request->content_length;
}

uint64_t shoal_request_written(const struct shoal_request *request, bool *whole)
{
    if (whole) {
        *whole = request->is_whole;
    }
    return request->written;
}

void shoal_request_keep(struct shoal_request *request, void *value)
{
    request->kept = value;
}

void *shoal_request_kept(const struct shoal_request *request)
{
    return request->kept;
}

void shoal_request_limit(struct shoal_request *request, uint64_t max_bytes)
{
    request->body_max = max_bytes;
    request->has_limit = true;
}

int shoal_request_body_to(struct shoal_request *request, const char *path, uint64_t offset_bytes,
    uint64_t max_bytes, struct shoal_err *err)
{
    if (request->mode != SHOAL_BODY_RAW || request->ran_body) {
        return shoal_fail(err, SHOAL_EINVAL,
            "only the head handler of a RAW route may say where the body goes");
    }
    request->to_path = shoal_arena_strdup(request->call.arena, path);
    request->to_offset = offset_bytes;
    request->body_max = max_bytes;
    request->has_limit = true;
    return 0;
}

void shoal_request_body_sum(struct shoal_request *request, struct shoal_sha256 *sum)
{
    if (request->to_path && !request->ran_body) {
        request->to_sum = sum;
    }
}

const struct shoal_upload *shoal_request_upload(struct shoal_request *request, const char *field)
{
    for (int i = 0; request->uploads && i < request->uploads->count; i++) {
        if (strcmp(request->uploads->items[i].field, field) == 0) {
            return &request->uploads->items[i];
        }
    }
    return NULL;
}

const char *shoal_request_body_bytes(struct shoal_request *request, size_t *length)
{
    if (length) {
        *length = request->body.length;
    }
    return request->body.data ? request->body.data : "";
}
