// parse.c - takes the head of a request apart with llhttp and refuses what proxies read differently.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/parse_priv.h"

#include <llhttp.h>

#define ONLY_VERSIONS "only HTTP/1.0 and HTTP/1.1 are served"

static int refuse(struct shoal_refusal *refusal, int status, const char *text)
{
    refusal->status = status;
    refusal->text = text;
    return -1;
}

static bool is_token_char(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    return c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}

bool shoal_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!is_token_char((unsigned char)text[i])) {
            return false;
        }
    }
    return length > 0;
}

long shoal_head_find(const char *data, size_t length, size_t *scanned,
    struct shoal_refusal *refusal)
{
    size_t at = *scanned;
    while (at < length) {
        const char *newline = memchr(data + at, '\n', length - at);
        if (!newline) {
            at = length;
            break;
        }
        size_t next = (size_t)(newline - data) + 1;
        size_t end = next < length && data[next] == '\n' ? next + 1
            : next + 1 < length && data[next] == '\r' && data[next + 1] == '\n' ? next + 2
                                                                               : 0;
        if (end > SHOAL_HEAD_MAX) { // however few pieces it came in
            return refuse(refusal, 431, "the headers are longer than 32 KiB");
        }
        if (end > 0) {
            return (long)end;
        }
        if (next + 2 > length) {
            at = next - 1; // the blank line may still come: look at this newline again
            break;
        }
        at = next;
    }
    *scanned = at;
    if (length > 0 && data[0] != '\r' && data[0] != '\n' && !is_token_char((unsigned char)data[0])) {
        return refuse(refusal, 400, "this is not HTTP"); // TLS on a plain port: it would wait for us
    }
    if (length > SHOAL_LINE_MAX && !memchr(data, '\n', SHOAL_LINE_MAX)) {
        return refuse(refusal, 414, "the request line is longer than 8 KiB");
    }
    if (length > SHOAL_HEAD_MAX) {
        return refuse(refusal, 431, "the headers are longer than 32 KiB");
    }
    return 0;
}

// Everything that makes two parsers disagree is refused before llhttp sees it.
static int check_lines(const char *data, size_t length, struct shoal_refusal *refusal)
{
    size_t start = 0;
    int lines = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c == '\r' && (i + 1 >= length || data[i + 1] != '\n')) {
            return refuse(refusal, 400, "a carriage return stands alone");
        }
        if (c == '\n') {
            if (i == 0 || data[i - 1] != '\r') {
                return refuse(refusal, 400, "a line ends without a carriage return");
            }
            if (lines == 0 && i + 1 > SHOAL_LINE_MAX) {
                return refuse(refusal, 414, "the request line is longer than 8 KiB");
            }
            lines++;
            start = i + 1;
        } else if (i == start && (c == ' ' || c == '\t')) {
            return refuse(refusal, 400, "a line begins with a space: folded headers are refused");
        } else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) {
            return refuse(refusal, 400, "the head holds a control character");
        }
    }
    bool is_many = lines - 2 > SHOAL_HEADER_MAX; // without the first line and the blank one
    return is_many ? refuse(refusal, 431, "there are more than 100 headers") : 0;
}

static int on_method(llhttp_t *parser, const char *at, size_t length)
{
    struct shoal_head *head = parser->data;
    head->method = (struct shoal_span){at, length};
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t length)
{
    struct shoal_head *head = parser->data;
    if (!head->target.at) {
        head->target.at = at;
    }
    head->target.length = (size_t)(at + length - head->target.at);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t length)
{
    struct shoal_head *head = parser->data;
    if (head->header_count >= SHOAL_HEADER_MAX) {
        return -1;
    }
    struct shoal_header *header = &head->headers[head->header_count];
    if (!header->name.at) {
        header->name.at = at;
    }
    header->name.length = (size_t)(at + length - header->name.at);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t length)
{
    struct shoal_head *head = parser->data;
    if (head->header_count >= SHOAL_HEADER_MAX) {
        return -1;
    }
    struct shoal_header *header = &head->headers[head->header_count];
    if (!header->value.at) {
        header->value.at = at;
    }
    header->value.length = (size_t)(at + length - header->value.at);
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct shoal_head *head = parser->data;
    struct shoal_header *header = &head->headers[head->header_count++];
    if (header->value.length == 0) {
        header->value.at = header->name.at + header->name.length; // llhttp points behind the line
    }
    if (head->header_count < SHOAL_HEADER_MAX) {
        memset(&head->headers[head->header_count], 0, sizeof(struct shoal_header));
    }
    return 0;
}

// 2: no body for llhttp; bodies are framed by chunk.c, and bytes behind the head are not its matter.
static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return 2;
}

static const llhttp_settings_t settings = {
    .on_method = on_method,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
};

static int read_length(struct shoal_head *head, struct shoal_span value,
    struct shoal_refusal *refusal)
{
    if (head->has_length) {
        return refuse(refusal, 400, "there are two Content-Length headers");
    }
    if (value.length == 0 || value.length > 18) {
        return refuse(refusal, 400, "Content-Length is not a number");
    }
    head->length = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return refuse(refusal, 400, "Content-Length is not a number");
        }
        head->length = head->length * 10 + (uint64_t)(value.at[i] - '0');
    }
    head->has_length = true;
    return 0;
}

static void read_connection(struct shoal_head *head, struct shoal_span value)
{
    struct shoal_span item;
    while (shoal_span_next(&value, ',', &item)) {
        if (shoal_span_like(item, "close")) {
            head->keep_alive = false;
        } else if (shoal_span_like(item, "keep-alive") && head->minor == 0) {
            head->keep_alive = true;
        } else if (shoal_span_like(item, "upgrade")) {
            head->is_upgrade = true;
        }
    }
}

static int read_header(struct shoal_head *head, const struct shoal_header *header,
    struct shoal_refusal *refusal)
{
    struct shoal_span name = header->name, value = header->value;
    if (!shoal_is_token(name.at, name.length)) {
        return refuse(refusal, 400, "a header name is not a token");
    }
    if (name.at[name.length] != ':') {
        return refuse(refusal, 400, "there is a space before a header's colon");
    }
    if (shoal_span_like(name, "content-length")) {
        return read_length(head, value, refusal);
    }
    if (shoal_span_like(name, "transfer-encoding")) {
        if (head->is_chunked || !shoal_span_like(value, "chunked")) {
            return refuse(refusal, 400, "the only Transfer-Encoding served is chunked");
        }
        head->is_chunked = true;
    } else if (shoal_span_like(name, "host")) {
        if (head->host.at) {
            return refuse(refusal, 400, "there are two Host headers");
        }
        head->host = value;
    } else if (shoal_span_like(name, "connection")) {
        read_connection(head, value);
    } else if (shoal_span_like(name, "expect")) {
        if (!shoal_span_like(value, "100-continue")) {
            return refuse(refusal, 417, "the only expectation served is 100-continue");
        }
        head->expects_continue = head->minor >= 1;
    }
    return 0;
}

bool shoal_is_host(struct shoal_span host)
{
    for (size_t i = 0; i < host.length; i++) {
        char c = host.at[i];
        bool is_alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_alnum && (c == 0 || !strchr("-._:[]%~", c))) {
            return false;
        }
    }
    return host.length > 0 && host.length <= 255;
}

// "http://host/path" carries its host with it; it must be the one of the header.
static int cut_absolute(struct shoal_head *head, struct shoal_refusal *refusal)
{
    size_t skip = shoal_span_starts(head->target, "http://") ? 7
        : shoal_span_starts(head->target, "https://")        ? 8
                                                             : 0;
    if (skip == 0) {
        return refuse(refusal, 400, "the request target is not a path");
    }
    struct shoal_span rest = {head->target.at + skip, head->target.length - skip};
    const char *slash = memchr(rest.at, '/', rest.length);
    if (!slash) {
        return refuse(refusal, 400, "the request target has no path");
    }
    struct shoal_span host = {rest.at, (size_t)(slash - rest.at)};
    if (host.length != head->host.length ||
        strncasecmp(host.at, head->host.at, host.length) != 0) {
        return refuse(refusal, 400, "the request target and Host differ");
    }
    head->path = (struct shoal_span){slash, rest.length - host.length};
    return 0;
}

static int read_target(struct shoal_head *head, struct shoal_refusal *refusal)
{
    if (head->target.length == 0 || memchr(head->target.at, '#', head->target.length)) {
        return refuse(refusal, 400, "the request target is not a path");
    }
    head->path = head->target;
    bool is_star = shoal_span_is(head->target, "*") && shoal_span_is(head->method, "OPTIONS");
    if (head->target.at[0] != '/' && !is_star && cut_absolute(head, refusal)) {
        return -1;
    }
    const char *mark = memchr(head->path.at, '?', head->path.length);
    if (mark) {
        size_t before = (size_t)(mark - head->path.at);
        head->query = (struct shoal_span){mark + 1, head->path.length - before - 1};
        head->path.length = before;
    }
    return 0;
}

static int read_head(struct shoal_head *head, struct shoal_refusal *refusal)
{
    for (size_t i = 0; i < head->header_count; i++) {
        struct shoal_span *value = &head->headers[i].value;
        *value = shoal_span_trim(*value);
        if (read_header(head, &head->headers[i], refusal)) {
            return -1;
        }
    }
    if (head->has_length && head->is_chunked) {
        return refuse(refusal, 400, "Content-Length and Transfer-Encoding exclude each other");
    }
    if (head->is_chunked && head->minor == 0) {
        return refuse(refusal, 400, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (!head->host.at) {
        return refuse(refusal, 400, "the Host header is missing");
    }
    if (!shoal_is_host(head->host)) {
        return refuse(refusal, 400, "the Host header is not a host");
    }
    return read_target(head, refusal);
}

int shoal_head_parse(const char *data, size_t length, struct shoal_head *head,
    struct shoal_refusal *refusal)
{
    memset(head, 0, offsetof(struct shoal_head, headers));
    memset(&head->headers[0], 0, sizeof head->headers[0]);
    head->header_count = 0;
    head->keep_alive = head->is_chunked = head->expects_continue = head->is_upgrade = false;
    head->has_length = false;
    head->length = 0;
    if (check_lines(data, length, refusal)) {
        return -1;
    }
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = head;
    llhttp_errno_t error = llhttp_execute(&parser, data, length);
    if (error != HPE_OK && error != HPE_PAUSED_UPGRADE) {
        const char *reason = llhttp_get_error_reason(&parser);
        bool is_method = error == HPE_INVALID_METHOD;
        if (error == HPE_INVALID_VERSION) {
            return refuse(refusal, 505, ONLY_VERSIONS);
        }
        return refuse(refusal, is_method ? 501 : 400,
            is_method ? "the method is not known" : reason && *reason ? reason : "not HTTP");
    }
    if (!head->method.at || parser.http_major != 1 || parser.http_minor > 1) {
        return refuse(refusal, 505, ONLY_VERSIONS);
    }
    if (shoal_span_is(head->method, "CONNECT") || shoal_span_is(head->method, "PRI")) {
        return refuse(refusal, 501, "the method is not served");
    }
    const char *behind = head->target.at ? head->target.at + head->target.length : "";
    if (head->target.at != head->method.at + head->method.length + 1 ||
        strncmp(behind, " HTTP/1.", 8) != 0 || behind[9] != '\r') {
        return refuse(refusal, 400, "the request line is not METHOD TARGET VERSION");
    }
    head->minor = parser.http_minor;
    head->keep_alive = head->minor >= 1;
    return read_head(head, refusal);
}

struct shoal_span shoal_head_get(const struct shoal_head *head, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < head->header_count; i++) {
        const struct shoal_span *field = &head->headers[i].name;
        if (field->length == length && strncasecmp(field->at, name, length) == 0) {
            return head->headers[i].value;
        }
    }
    return (struct shoal_span){0};
}

static void move(struct shoal_span *span, const char *from, char *to)
{
    if (span->at) {
        char *at = to + (span->at - from);
        at[span->length] = 0;
        span->at = at;
    }
}

void shoal_head_move(struct shoal_head *head, const char *from, char *to)
{
    move(&head->method, from, to);
    move(&head->target, from, to);
    if (head->query.at) {
        move(&head->query, from, to);
    }
    move(&head->path, from, to); // its NUL replaces the question mark, so target ends there too
    head->host.at = NULL;
    for (size_t i = 0; i < head->header_count; i++) {
        move(&head->headers[i].name, from, to);
        move(&head->headers[i].value, from, to);
        if (shoal_span_like(head->headers[i].name, "host")) {
            head->host = head->headers[i].value;
        }
    }
}
