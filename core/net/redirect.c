// redirect.c - the plain port: sends browsers to https, and shows the files of the ACME challenge.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include <shoal/base.h>

#include "net/conn_priv.h"

#define ACME "/.well-known/acme-challenge/"

static bool is_challenge(const struct shoal_conn *conn, struct shoal_span *token)
{
    struct shoal_span path = conn->loop->head.path;
    size_t skip = sizeof ACME - 1;
    if (!conn->loop->server->options.acme_path || !shoal_span_starts(path, ACME)) {
        return false;
    }
    *token = (struct shoal_span){path.at + skip, path.length - skip};
    for (size_t i = 0; i < token->length; i++) {
        char c = token->at[i];
        bool is_fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
            (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
        if (!is_fine) {
            return false;
        }
    }
    return token->length > 0 && token->length <= 200;
}

// [worker] The file is read where waiting is allowed.
static void run_challenge(void *arg)
{
    struct shoal_request *request = arg;
    struct shoal_err err = {0};
    shoal_request_enter(request);
    const char *path = shoal_arena_printf(
        request->call.arena, "%s%s", request->server->options.acme_path, request->path);
    if (shoal_answer_file(request, path, "text/plain", NULL, 0, &err)) {
        shoal_answer_problem(request, &err);
    }
    shoal_exchange_replied(request);
}

static void send_away(struct shoal_conn *conn)
{
    struct shoal_head *head = &conn->loop->head;
    const char *url = conn->loop->server->options.url;
    struct shoal_span host = head->host;
    const char *colon = host.at[0] == '[' ? NULL : memchr(host.at, ':', host.length);
    if (host.at[0] == '[') {
        const char *end = memchr(host.at, ']', host.length);
        host.length = end ? (size_t)(end - host.at) + 1 : host.length;
    } else if (colon) {
        host.length = (size_t)(colon - host.at);
    }
    struct shoal_buf lines = {0};
    struct shoal_span target = {head->path.at, head->path.length};
    if (head->query.at) {
        target.length += 1 + head->query.length;
    }
    shoal_buf_puts(&lines, "HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\nLocation: ");
    if (url && strncmp(url, "https://", 8) == 0) {
        size_t length = strlen(url);
        while (length > 0 && url[length - 1] == '/') {
            length--;
        }
        shoal_buf_add(&lines, url, length);
    } else {
        shoal_buf_puts(&lines, "https://");
        shoal_buf_add(&lines, host.at, host.length);
    }
    shoal_buf_add(&lines, target.at, target.length);
    shoal_buf_puts(&lines, "\r\n");
    struct shoal_reply reply = {.status = 308, .file = -1};
    reply.head = shoal_buf_take(&lines, &reply.head_length);
    conn->keep_alive = conn->keep_alive && conn->body_is_done;
    shoal_conn_send(conn, &reply, NULL, NULL, false);
}

void shoal_redirect_answer(struct shoal_conn *conn, const char *bytes, size_t length)
{
    struct shoal_loop *loop = conn->loop;
    struct shoal_span token;
    struct shoal_span method = loop->head.method;
    bool is_read = shoal_span_is(method, "GET") || shoal_span_is(method, "HEAD");
    if (!is_read || !conn->body_is_done || !is_challenge(conn, &token)) {
        send_away(conn);
        return;
    }
    struct shoal_origin origin = {.address = conn->peer, .host = loop->head.host};
    loop->match.entry = NULL;
    loop->match.allow[0] = 0;
    loop->match.is_negotiated = false;
    struct shoal_request *request = shoal_request_new(loop, bytes, length, &origin);
    shoal_exchange_submit(conn, request, run_challenge);
}
