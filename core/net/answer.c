// answer.c - what a handler says to its client.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/alloc.h"
#include "base/sized.h"
#include "net/percent_priv.h"
#include "net/request_priv.h"

#define HEADERS_MAX 16384

static bool is_clean(const char *value)
{
    for (const unsigned char *c = (const unsigned char *)value; *c; c++) {
        if ((*c < 0x20 && *c != '\t') || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

// What frames the message is ours to say.
static bool is_ours(struct shoal_span name)
{
    static const char *const ours[] = {"content-length", "transfer-encoding", "connection", "date",
        "etag", "content-type", "keep-alive", "content-range"};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (shoal_span_like(name, ours[i])) {
            return true;
        }
    }
    return false;
}

int shoal_answer_header(struct shoal_request *request, const char *name, const char *value)
{
    struct shoal_answer *answer = &request->answer;
    struct shoal_span span = shoal_span(name);
    if (!value || !shoal_is_token(span.at, span.length) || !is_clean(value)) {
        shoal_warn("header %s is refused: its name or value is not one", name);
        return SHOAL_EINVAL;
    }
    if (shoal_span_like(span, "connection") && answer->kind == SHOAL_ANSWER_NONE &&
        shoal_span_like(shoal_span(value), "upgrade")) {
        return shoal_buf_puts(&answer->headers, "Connection: Upgrade\r\n");
    }
    if (shoal_span_like(span, "connection") && shoal_span_like(shoal_span(value), "close")) {
        answer->is_last = true;
        return 0;
    }
    if (shoal_span_like(span, "etag")) {
        shoal_answer_etag(request, value);
        return 0;
    }
    if (is_ours(span)) {
        shoal_warn("header %s is refused: the host writes it", name);
        return SHOAL_EINVAL;
    }
    if (answer->headers.length + span.length + strlen(value) + 4 > HEADERS_MAX) {
        return SHOAL_ETOOLARGE;
    }
    if (shoal_span_like(span, "set-cookie")) {
        answer->is_private = true;
    }
    answer->has_cache_control |= shoal_span_like(span, "cache-control");
    answer->has_content_encoding |= shoal_span_like(span, "content-encoding");
    return shoal_buf_printf(&answer->headers, "%s: %s\r\n", name, value);
}

static int begin(struct shoal_request *request, enum shoal_answer_kind kind, int status,
    const char *type)
{
    struct shoal_answer *answer = &request->answer;
    bool is_bad = answer->kind != SHOAL_ANSWER_NONE || status < 100 || status > 599 ||
        (type && !is_clean(type));
    if (is_bad) {
        shoal_warn("%s %s: an answer is refused: %s", request->method, request->path,
            answer->kind != SHOAL_ANSWER_NONE ? "there is one already" : "bad status or type");
        return SHOAL_EINVAL;
    }
    answer->kind = kind;
    answer->status = status;
    answer->type = type ? shoal_arena_strdup(request->call.arena, type) : NULL;
    return 0;
}

int shoal_answer_json(struct shoal_request *request, int status, json_t *value)
{
    const char *type = status >= 400 ? "application/problem+json; charset=utf-8"
                                     : "application/json; charset=utf-8";
    if (value == NULL) {
        return SHOAL_EINVAL;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(value);
    if (!text) {
        return SHOAL_EBUSY;
    }
    int rc = begin(request, SHOAL_ANSWER_BYTES, status, type);
    if (rc) {
        free(text);
        return rc;
    }
    request->answer.body = text;
    request->answer.length = strlen(text);
    return 0;
}

int shoal_answer_bytes(struct shoal_request *request, int status, const char *type,
    const void *data, size_t length)
{
    int rc = begin(request, SHOAL_ANSWER_BYTES, status, type);
    if (rc || length == 0) {
        return rc;
    }
    request->answer.body = shoal_alloc(1, length + 1);
    memcpy(request->answer.body, data, length);
    request->answer.length = length;
    return 0;
}

int shoal_answer_text(struct shoal_request *request, int status, const char *text)
{
    return shoal_answer_bytes(request, status, "text/plain; charset=utf-8", text, strlen(text));
}

int shoal_answer_status(struct shoal_request *request, int status)
{
    return shoal_answer_bytes(request, status, NULL, NULL, 0);
}

int shoal_answer_redirect(struct shoal_request *request, int status, const char *url)
{
    int rc = shoal_answer_header(request, "Location", url);
    return rc ? rc : shoal_answer_bytes(request, status, NULL, NULL, 0);
}

// RFC 6266: a plain name for old clients, the real one in UTF-8.
static void add_disposition(struct shoal_request *request, const char *name)
{
    char plain[128];
    size_t length = 0;
    for (const char *c = name; *c && length < sizeof plain - 1; c++) {
        unsigned char byte = (unsigned char)*c;
        bool is_fine = byte >= 0x20 && byte < 0x7f && !strchr("\"\\/%;", byte);
        plain[length++] = is_fine ? *c : '_';
    }
    plain[length] = 0;
    shoal_buf_printf(&request->answer.headers,
        "Content-Disposition: attachment; filename=\"%s\"; filename*=UTF-8''%s\r\n", plain,
        shoal_url_encode(request->call.arena, name));
}

static void add_age(struct shoal_answer *answer, uint32_t max_age_s)
{
    answer->has_cache_control = true;
    if (max_age_s == 0) {
        shoal_buf_puts(&answer->headers, "Cache-Control: private, no-cache\r\n");
    } else {
        shoal_buf_printf(&answer->headers, "Cache-Control: public, max-age=%u%s\r\n", max_age_s,
            max_age_s >= 31536000 ? ", immutable" : "");
    }
}

int shoal_answer_file(struct shoal_request *request, const char *path, const char *type,
    const char *download_name, uint32_t max_age_s, struct shoal_err *err)
{
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        bool is_missing = file >= 0 || errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
        if (file >= 0) {
            close(file);
        }
        return is_missing ? shoal_fail(err, SHOAL_ENOTFOUND, "the file is not there")
                          : shoal_fail(err, SHOAL_EIO, "the file cannot be opened: errno %d", errno);
    }
    int rc = begin(request, SHOAL_ANSWER_FILE, 200, type ? type : "application/octet-stream");
    if (rc) {
        close(file);
        return rc;
    }
    struct shoal_answer *answer = &request->answer;
    answer->file = file;
    answer->file_size = (uint64_t)info.st_size;
    answer->file_changed_s = info.st_mtim.tv_sec;
    if (!answer->etag) {
        answer->etag = shoal_arena_printf(request->call.arena, "\"%llx-%llx%lx-%llx\"",
            (unsigned long long)info.st_size, (unsigned long long)info.st_mtim.tv_sec,
            (unsigned long)info.st_mtim.tv_nsec, (unsigned long long)info.st_ino);
    }
    if (!answer->has_cache_control) {
        add_age(answer, max_age_s);
    }
    if (download_name) {
        add_disposition(request, download_name);
    }
    return 0;
}

int shoal_answer_pull_sized(struct shoal_request *request, int status, const char *type,
    const struct shoal_pull *pull, size_t pull_bytes)
{
    int rc = begin(request, SHOAL_ANSWER_PULL, status, type);
    if (rc == 0) {
        shoal_sized_copy(&request->answer.pull, sizeof request->answer.pull, pull, pull_bytes);
    }
    return rc;
}

int shoal_answer_taken(struct shoal_request *request, int status, shoal_taken_fn *taken, void *arg,
    struct shoal_err *err)
{
    if (request->is_internal || begin(request, SHOAL_ANSWER_TAKEN, status, NULL)) {
        return shoal_fail(err, SHOAL_EINVAL, "this request has no connection to take");
    }
    request->answer.taken = taken;
    request->answer.taken_arg = arg;
    return 0;
}

void shoal_answer_etag(struct shoal_request *request, const char *tag)
{
    if (is_clean(tag) && strlen(tag) < 64 && (tag[0] == '"' || !strchr(tag, '"'))) {
        request->answer.etag =
            shoal_arena_printf(request->call.arena, tag[0] == '"' ? "%s" : "\"%s\"", tag);
    }
}

void shoal_answer_private(struct shoal_request *request)
{
    request->answer.is_private = true;
    if (request->ticket) { // who waits for it could not have it: they ask for themselves
        shoal_cache_settle(request->ticket, NULL, true);
        request->ticket = NULL;
    }
}

bool shoal_request_answered(const struct shoal_request *request, int *status)
{
    if (status) {
        *status = request->answer.status;
    }
    return request->answer.kind != SHOAL_ANSWER_NONE;
}

void shoal_answer_drop(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    if (answer->kind == SHOAL_ANSWER_PULL && answer->pull.close) {
        answer->pull.close(answer->pull.state);
    }
    if (answer->kind == SHOAL_ANSWER_TAKEN && answer->taken) {
        answer->taken(NULL, answer->taken_arg);
    }
    if (answer->file >= 0) {
        close(answer->file);
    }
    free(answer->body);
    shoal_buf_fini(&answer->headers);
    bool is_private = answer->is_private;
    *answer = (struct shoal_answer){.file = -1, .is_private = is_private};
}

void shoal_request_unanswer(struct shoal_request *request)
{
    shoal_answer_drop(request);
}
