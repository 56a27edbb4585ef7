// chunk.c - reads a body that comes in chunks, strictly.
//
// llhttp frames chunks too, but older ones (Debian 12) pass things that a proxy in front may read
// otherwise; here every byte that is not in the grammar ends the connection.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/chunk_priv.h"

#define EXTRA_MAX 8192 // of extensions and trailers in one body
#define LINE_MAX_ 1024

enum state {
    SIZE,        // hexadecimal digits
    EXTENSION,   // behind a semicolon
    SIZE_LF,     // the line feed of the size line
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER,     // at the beginning of a trailer line
    TRAILER_TEXT,
    TRAILER_LF,
    END_LF,
};

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int on_size(struct shoal_chunked *chunked, char c)
{
    int digit = hex(c);
    if (digit >= 0) {
        if (chunked->digits >= 15) {
            return -1;
        }
        chunked->left = chunked->left * 16 + (uint64_t)digit;
        chunked->digits++;
        return 0;
    }
    if (chunked->digits == 0) {
        return -1;
    }
    chunked->line_bytes = 0;
    chunked->state = c == ';' ? EXTENSION : SIZE_LF;
    return c == ';' || c == '\r' ? 0 : -1;
}

static int on_text(struct shoal_chunked *chunked, char c, enum state after)
{
    if (c == '\r') {
        chunked->state = (uint8_t)after;
        return 0;
    }
    if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f) {
        return -1;
    }
    chunked->extra_bytes++;
    chunked->line_bytes++;
    return chunked->extra_bytes > EXTRA_MAX || chunked->line_bytes > LINE_MAX_ ? -1 : 0;
}

static int on_trailer(struct shoal_chunked *chunked, char c)
{
    if (c == '\r') {
        chunked->state = END_LF;
        return 0;
    }
    chunked->line_bytes = 0;
    chunked->state = TRAILER_TEXT;
    return c == ' ' || c == '\t' ? -1 : on_text(chunked, c, TRAILER_LF);
}

static int on_byte(struct shoal_chunked *chunked, char c)
{
    switch ((enum state)chunked->state) {
    case SIZE:
        return on_size(chunked, c);
    case EXTENSION:
        return on_text(chunked, c, SIZE_LF);
    case SIZE_LF:
        chunked->state = chunked->left > 0 ? DATA : TRAILER;
        chunked->digits = 0;
        break;
    case DATA_CR:
        chunked->state = DATA_LF;
        return c == '\r' ? 0 : -1;
    case DATA_LF:
        chunked->state = SIZE;
        break;
    case TRAILER:
        return on_trailer(chunked, c);
    case TRAILER_TEXT:
        return on_text(chunked, c, TRAILER_LF);
    case TRAILER_LF:
        chunked->state = TRAILER;
        break;
    case END_LF:
        chunked->is_done = c == '\n';
        break;
    case DATA:
        break;
    }
    return c == '\n' ? 0 : -1;
}

long shoal_chunked_feed(struct shoal_chunked *chunked, const char *data, size_t length,
    const char **body, size_t *body_length)
{
    *body = NULL;
    *body_length = 0;
    size_t at = 0;
    while (at < length && !chunked->is_done) {
        if (chunked->state == DATA) {
            size_t take = length - at;
            if (take > chunked->left) {
                take = (size_t)chunked->left;
            }
            *body = data + at;
            *body_length = take;
            chunked->left -= take;
            if (chunked->left == 0) {
                chunked->state = DATA_CR;
            }
            return (long)(at + take);
        }
        if (on_byte(chunked, data[at])) {
            return -1;
        }
        at++;
    }
    return (long)at;
}
