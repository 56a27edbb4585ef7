// gzip.c - compresses text bodies.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/gzip_priv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "net/span.h"

bool shoal_gzip_fits(const char *type)
{
    static const char *const types[] = {"application/json", "application/problem+json",
        "application/javascript", "application/xml", "application/activity+json",
        "application/ld+json", "application/manifest+json", "application/rss+xml",
        "application/atom+xml", "application/jrd+json", "application/vnd.apple.mpegurl",
        "application/x-mpegurl", "image/svg+xml"};
    if (!type) {
        return false;
    }
    struct shoal_span all = shoal_span(type), bare = {0};
    shoal_span_next(&all, ';', &bare);
    if (shoal_span_is(bare, "text/event-stream")) {
        return false;
    }
    if (shoal_span_starts(bare, "text/")) {
        return true;
    }
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (shoal_span_like(bare, types[i])) {
            return true;
        }
    }
    return false;
}

char *shoal_gzip(const void *data, size_t length, size_t *out_length)
{
    z_stream stream = {0};
    if (length > UINT32_MAX / 2 ||
        deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    char *out = shoal_alloc(1, length);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)length;
    stream.next_out = (Bytef *)out;
    stream.avail_out = (uInt)length;
    int rc = deflate(&stream, Z_FINISH); // with no more room than the plain text takes
    *out_length = stream.total_out;
    deflateEnd(&stream);
    if (rc == Z_STREAM_END) {
        return out;
    }
    free(out);
    return NULL;
}
