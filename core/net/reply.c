// reply.c - turns a handler's answer into bytes for the wire. Runs on workers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <shoal/base.h>

#include "base/alloc.h"
#include "net/gzip_priv.h"
#include "net/negotiate.h"
#include "net/range_priv.h"
#include "net/request_priv.h"

#define SHARED_MAX (4u << 20) // larger answers are not shared

static const char expose[] = "Access-Control-Allow-Origin: *\r\n"
                             "Access-Control-Expose-Headers: Retry-After, Range, Location, "
                             "Content-Range, X-RateLimit-Limit, X-RateLimit-Remaining, "
                             "X-RateLimit-Reset, x-peertube-otp\r\n";

// What one head says besides the answer's own headers.
struct lines {
    int status;
    const char *type;
    int64_t length; // -1: not said
    const char *etag, *encoding, *content_range;
    bool is_chunked, has_ranges, has_changed;
};

static bool has_cors(const struct shoal_request *request)
{
    return request->entry ? request->entry->route.cors
                          : strncmp(request->path, "/api/", 5) == 0;
}

static void add_sharing(const struct shoal_request *request, struct shoal_buf *head)
{
    const struct shoal_answer *answer = &request->answer;
    bool is_dynamic = answer->kind == SHOAL_ANSWER_BYTES;
    if (!answer->has_cache_control && answer->kind != SHOAL_ANSWER_TAKEN) {
        bool is_own = answer->is_private || request->has_credential;
        shoal_buf_puts(head,
            is_own ? "Cache-Control: private, no-cache\r\n" : "Cache-Control: no-cache\r\n");
    }
    bool has_language = is_dynamic && request->entry && request->entry->route.cache_s > 0;
    bool has_encoding = is_dynamic && shoal_gzip_fits(answer->type);
    if (request->is_negotiated || has_language || has_encoding) {
        const char *first = request->is_negotiated ? "Accept" : "";
        const char *second = has_language ? "Accept-Language" : "";
        shoal_buf_printf(head, "Vary: %s%s%s%s%s\r\n", first, *first && *second ? ", " : "", second,
            (*first || *second) && has_encoding ? ", " : "", has_encoding ? "Accept-Encoding" : "");
    }
}

static void add_framing(const struct lines *lines, struct shoal_buf *head)
{
    if (lines->length >= 0) {
        shoal_buf_printf(head, "Content-Length: %lld\r\n", (long long)lines->length);
    }
    if (lines->is_chunked) {
        shoal_buf_puts(head, "Transfer-Encoding: chunked\r\n");
    }
    if (lines->encoding) {
        shoal_buf_printf(head, "Content-Encoding: %s\r\n", lines->encoding);
    }
    if (lines->content_range) {
        shoal_buf_printf(head, "Content-Range: %s\r\n", lines->content_range);
    }
    if (lines->has_ranges) {
        shoal_buf_puts(head, "Accept-Ranges: bytes\r\n");
    }
}

static char *make_head(const struct shoal_request *request, const struct lines *lines,
    size_t *length)
{
    const struct shoal_answer *answer = &request->answer;
    struct shoal_buf head = {0};
    // 308 without a Location is what resumable uploads answer between two chunks.
    bool has_location = answer->headers.data && strcasestr(answer->headers.data, "location:");
    shoal_buf_printf(&head, "HTTP/1.1 %d %s\r\n", lines->status,
        lines->status == 308 && !has_location ? "Resume Incomplete"
                                              : shoal_status_text(lines->status));
    if (lines->type) {
        shoal_buf_printf(&head, "Content-Type: %s\r\n", lines->type);
    }
    add_framing(lines, &head);
    if (lines->etag) {
        // The gzip form is another representation: its tag is weak, so that ranges never mix them.
        shoal_buf_printf(&head, "ETag: %s%s\r\n", lines->encoding ? "W/" : "", lines->etag);
    }
    if (lines->has_changed) {
        char date[SHOAL_DATE_SIZE];
        shoal_date_format(answer->file_changed_s, date);
        shoal_buf_printf(&head, "Last-Modified: %s\r\n", date);
    }
    add_sharing(request, &head);
    if (has_cors(request)) {
        shoal_buf_puts(&head, expose);
    }
    shoal_buf_puts(&head, "X-Content-Type-Options: nosniff\r\nx-powered-by: PeerTube\r\n");
    if (answer->headers.length > 0) {
        shoal_buf_add(&head, answer->headers.data, answer->headers.length);
    }
    return shoal_buf_take(&head, length);
}

static void set_head(struct shoal_request *request, const struct lines *lines)
{
    request->reply.status = lines->status;
    request->reply.head = make_head(request, lines, &request->reply.head_length);
}

// 412 and 416: the handler's headers, how long to keep it among them, were for the file.
static void set_refusal(struct shoal_request *request, const struct lines *lines)
{
    request->answer.headers.length = 0;
    request->answer.has_cache_control = false;
    set_head(request, lines);
}

static bool is_read(const struct shoal_request *request)
{
    return request->is_head || strcmp(request->method, "GET") == 0;
}

static bool has_no_body(int status)
{
    return status < 200 || status == 204 || status == 304;
}

static void add_etag(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    if (answer->etag || answer->status != 200 || !is_read(request) || answer->length == 0) {
        return;
    }
    static const unsigned char key[crypto_shorthash_siphashx24_KEYBYTES] = "shoal etag";
    unsigned char hash[crypto_shorthash_siphashx24_BYTES];
    char hex[2 * sizeof hash + 1];
    crypto_shorthash_siphashx24(hash, (const unsigned char *)answer->body, answer->length, key);
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    answer->etag = shoal_arena_printf(request->call.arena, "\"%s\"", hex);
}

static bool is_unchanged(const struct shoal_request *request)
{
    const struct shoal_answer *answer = &request->answer;
    if (!is_read(request) || answer->status != 200) {
        return false;
    }
    const char *tags = shoal_request_peek(request, "if-none-match");
    if (tags) {
        return answer->etag && shoal_etag_listed(shoal_span(tags), answer->etag, true);
    }
    const char *since = shoal_request_peek(request, "if-modified-since");
    return since && answer->kind == SHOAL_ANSWER_FILE &&
        answer->file_changed_s <= shoal_date_parse(shoal_span(since));
}

// If-Match and If-Unmodified-Since: the client wants this version or none.
static bool is_another_version(const struct shoal_request *request)
{
    const struct shoal_answer *answer = &request->answer;
    if (!is_read(request) || answer->status != 200) {
        return false;
    }
    const char *tags = shoal_request_peek(request, "if-match");
    if (tags) {
        return answer->etag ? !shoal_etag_listed(shoal_span(tags), answer->etag, false)
                            : !shoal_span_is(shoal_span(tags), "*");
    }
    const char *since = shoal_request_peek(request, "if-unmodified-since");
    int64_t since_s = since ? shoal_date_parse(shoal_span(since)) : -1;
    return since_s >= 0 && answer->kind == SHOAL_ANSWER_FILE && answer->file_changed_s > since_s;
}

// Answers what the If-* headers ask for: 412, 304, or false for the whole answer.
static bool reply_condition(struct shoal_request *request)
{
    if (is_another_version(request)) {
        set_refusal(request, &(struct lines){.status = 412, .length = 0});
        return true;
    }
    if (!is_unchanged(request)) {
        return false;
    }
    set_head(request,
        &(struct lines){.status = 304, .length = -1, .etag = request->answer.etag,
            .has_changed = request->answer.kind == SHOAL_ANSWER_FILE});
    return true;
}

static char *squeeze(const struct shoal_answer *answer, size_t *length)
{
    bool fits = answer->length >= SHOAL_GZIP_MIN && !answer->has_content_encoding &&
        shoal_gzip_fits(answer->type);
    return fits ? shoal_gzip(answer->body, answer->length, length) : NULL;
}

static bool may_share(const struct shoal_request *request)
{
    const struct shoal_answer *answer = &request->answer;
    int status = answer->status;
    return request->ticket && answer->kind == SHOAL_ANSWER_BYTES && !answer->is_private &&
        answer->length <= SHARED_MAX &&
        (status == 200 || status == 404 || status == 410 || status == 301 || status == 308);
}

// The answer becomes an item of the cache, and this client is its first.
static void share(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    struct shoal_item *item = shoal_alloc(1, sizeof *item);
    uint32_t cache_s = request->entry->route.cache_s;
    item->refs = 1;
    item->status = answer->status;
    item->epoch = request->epoch;
    item->until_ms = shoal_tick_ms() + (int64_t)(cache_s > 60 ? 60 : cache_s) * 1000;
    struct lines lines = {.status = answer->status, .type = answer->type,
        .length = (int64_t)answer->length, .etag = answer->etag};
    item->head = make_head(request, &lines, &item->head_length);
    item->gzip_body = squeeze(answer, &item->gzip_length);
    item->gzip_length = item->gzip_body ? item->gzip_length : 0;
    if (item->gzip_body) {
        lines.length = (int64_t)item->gzip_length;
        lines.encoding = "gzip";
        item->gzip_head = make_head(request, &lines, &item->gzip_head_length);
    }
    if (answer->etag && answer->status == 200) {
        snprintf(item->etag, sizeof item->etag, "%s", answer->etag);
        item->same_head = make_head(request,
            &(struct lines){.status = 304, .length = -1, .etag = answer->etag},
            &item->same_head_length);
    }
    item->body = answer->body;
    item->length = answer->length;
    answer->body = NULL;
    const char *tags = shoal_request_peek(request, "if-none-match");
    const char *encodings = shoal_request_peek(request, "accept-encoding");
    request->is_same =
        tags && item->etag[0] && shoal_etag_listed(shoal_span(tags), item->etag, true);
    request->takes_gzip = encodings && shoal_accept_gzip(shoal_span(encodings));
    request->reply.status = item->status;
    request->reply.item = item;
    atomic_fetch_add(&item->refs, 1);
    shoal_cache_settle(request->ticket, item, false);
    request->ticket = NULL;
}

static void reply_bytes(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    struct shoal_reply *reply = &request->reply;
    add_etag(request);
    if (may_share(request)) {
        share(request);
        return;
    }
    if (reply_condition(request)) {
        return;
    }
    struct lines lines = {.status = answer->status, .type = answer->type, .etag = answer->etag};
    size_t length = 0;
    const char *encodings = shoal_request_peek(request, "accept-encoding");
    char *small = encodings && shoal_accept_gzip(shoal_span(encodings)) ? squeeze(answer, &length)
                                                                       : NULL;
    if (small) {
        free(answer->body);
        answer->body = small;
        answer->length = length;
        lines.encoding = "gzip";
    }
    lines.length = has_no_body(answer->status) ? -1 : (int64_t)answer->length;
    set_head(request, &lines);
    if (!has_no_body(answer->status)) {
        reply->body = answer->body;
        reply->length = answer->length;
        answer->body = NULL;
    }
}

// If-Range: the range counts only while the client's part is of the same file.
static bool range_counts(const struct shoal_request *request)
{
    const char *tag = shoal_request_peek(request, "if-range");
    if (!tag) {
        return true;
    }
    const struct shoal_answer *answer = &request->answer;
    if (tag[0] == '"') {
        return answer->etag && strcmp(tag, answer->etag) == 0;
    }
    return answer->kind == SHOAL_ANSWER_FILE &&
        shoal_date_parse(shoal_span(tag)) == answer->file_changed_s;
}

// Chooses the part of `size` bytes to send. False: 416 was set.
static bool choose_part(struct shoal_request *request, uint64_t size, struct lines *lines,
    uint64_t *first, uint64_t *length)
{
    const char *range = shoal_request_peek(request, "range");
    *first = 0;
    *length = size;
    lines->length = (int64_t)size;
    if (!range || request->answer.status != 200 || !is_read(request) || !range_counts(request)) {
        return true;
    }
    struct shoal_arena *arena = request->call.arena;
    switch (shoal_range_parse(shoal_span(range), size, first, length)) {
    case SHOAL_RANGE_PART:
        lines->status = 206;
        lines->length = (int64_t)*length;
        lines->content_range = shoal_arena_printf(arena, "bytes %llu-%llu/%llu",
            (unsigned long long)*first, (unsigned long long)(*first + *length - 1),
            (unsigned long long)size);
        return true;
    case SHOAL_RANGE_NONE:
        *lines = (struct lines){.status = 416, .length = 0,
            .content_range =
                shoal_arena_printf(arena, "bytes */%llu", (unsigned long long)size)};
        set_refusal(request, lines);
        return false;
    default:
        *first = 0;
        *length = size;
        return true;
    }
}

static void reply_file(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    struct shoal_reply *reply = &request->reply;
    if (reply_condition(request)) {
        return;
    }
    struct lines lines = {.status = 200, .type = answer->type, .etag = answer->etag,
        .has_ranges = true, .has_changed = true};
    uint64_t first, length;
    if (!choose_part(request, answer->file_size, &lines, &first, &length)) {
        return;
    }
    set_head(request, &lines);
    if (!request->is_head && length > 0) {
        reply->file = answer->file;
        reply->file_first = first;
        reply->file_length = length;
        answer->file = -1;
    }
}

static void reply_pull(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    struct shoal_reply *reply = &request->reply;
    if (reply_condition(request)) {
        return;
    }
    bool is_sized = answer->pull.size_bytes >= 0;
    struct lines lines = {.status = answer->status, .type = answer->type, .etag = answer->etag,
        .length = has_no_body(answer->status) ? -1 : answer->pull.size_bytes};
    uint64_t first = 0, length = is_sized ? (uint64_t)answer->pull.size_bytes : UINT64_MAX;
    lines.is_chunked = !is_sized && !request->is_old && !has_no_body(lines.status);
    if (is_sized && answer->pull.seek) {
        lines.has_ranges = true;
        if (!choose_part(request, length, &lines, &first, &length)) {
            return;
        }
        if (first > 0 && answer->pull.seek(answer->pull.state, first) < 0) {
            struct shoal_err err = {0};
            shoal_fail(&err, SHOAL_EIO, "the source cannot be read from byte %llu",
                (unsigned long long)first);
            shoal_answer_problem(request, &err);
            reply_bytes(request);
            return;
        }
    }
    set_head(request, &lines);
    reply->is_pull = !request->is_head && !has_no_body(lines.status) && length > 0;
    reply->is_chunked = lines.is_chunked;
    reply->pull_length = length;
}

void shoal_reply_make(struct shoal_request *request)
{
    struct shoal_answer *answer = &request->answer;
    if (answer->kind == SHOAL_ANSWER_NONE) {
        struct shoal_err err = {0};
        shoal_fail(&err, SHOAL_EINTERNAL, "the handler gave no answer");
        shoal_answer_problem(request, &err);
    }
    switch (answer->kind) {
    case SHOAL_ANSWER_FILE:
        reply_file(request);
        break;
    case SHOAL_ANSWER_PULL:
        reply_pull(request);
        break;
    case SHOAL_ANSWER_TAKEN:
        set_head(request,
            &(struct lines){.status = answer->status, .length = -1, .type = answer->type});
        break;
    default:
        reply_bytes(request);
    }
    if (request->ticket) {
        shoal_cache_settle(request->ticket, NULL, answer->status < 500);
        request->ticket = NULL;
    }
}

void shoal_reply_fini(struct shoal_reply *reply)
{
    free(reply->head);
    free(reply->body);
    shoal_item_unref(reply->item);
    if (reply->file >= 0) {
        close(reply->file);
    }
    *reply = (struct shoal_reply){.file = -1};
}
