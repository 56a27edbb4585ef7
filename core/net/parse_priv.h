// parse_priv.h - the head of a request, checked and cut into spans.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_PARSE_PRIV_H
#define SHOAL_CORE_NET_PARSE_PRIV_H
#include <stdint.h>

#include "net/span.h"

#define SHOAL_LINE_MAX    8192
#define SHOAL_HEADERS_MAX 32768
#define SHOAL_HEAD_MAX    (SHOAL_LINE_MAX + SHOAL_HEADERS_MAX + 4)
#define SHOAL_HEADER_MAX  100

struct shoal_header {
    struct shoal_span name, value;
};

/// Spans point into the bytes that were parsed.
struct shoal_head {
    struct shoal_span method, target, path, query, host;
    struct shoal_header headers[SHOAL_HEADER_MAX];
    size_t header_count;
    int minor; ///< HTTP/1.minor
    bool keep_alive, is_chunked, expects_continue, is_upgrade;
    bool has_length;
    uint64_t length; ///< Content-Length
};

/// Why a head is refused: the status and one sentence. The connection ends after it.
struct shoal_refusal {
    int status;
    const char *text;
};

/// Looks for the end of a head. *scanned remembers how far it looked (start with 0).
/// Returns the length of the head, 0 when more bytes are needed, -1 when it is refused.
long shoal_head_find(const char *data, size_t length, size_t *scanned,
    struct shoal_refusal *refusal);
/// Parses a whole head. 0, or -1 with the refusal.
int shoal_head_parse(const char *data, size_t length, struct shoal_head *head,
    struct shoal_refusal *refusal);
/// The value of a header (the first), or a span whose at is NULL.
struct shoal_span shoal_head_get(const struct shoal_head *head, const char *name);
/// Makes all spans point into `to`, a copy of the bytes at `from`, and ends each with a NUL.
void shoal_head_move(struct shoal_head *head, const char *from, char *to);
bool shoal_is_token(const char *text, size_t length);
/// Whether text could stand in a Host header.
bool shoal_is_host(struct shoal_span host);

#endif
