// multipart.c - reads multipart/form-data in pieces of any size, within bounds.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/multipart_priv.h"

#include "net/parse_priv.h"
#include "base/utf8.h"
#include "net/percent_priv.h"

enum state {
    START = 0,  // the first boundary has no line break before it
    AFTER = 1,  // behind a boundary: "\r\n" or "--"
    AFTER_CR,
    AFTER_DASH,
    HEADER,     // the part's head, kept until it is whole
    DATA,
    DONE,       // what follows the last boundary is thrown away
};

static int bad(struct shoal_err *err, const char *what)
{
    return shoal_fail(err, SHOAL_EINVAL, "the multipart body is broken: %s", what);
}

// The value of NAME in "a; NAME=value" or "a; NAME=\"value\"", unescaped. False without one.
static bool parameter(struct shoal_span value, const char *name, char *out, size_t room, bool *fits)
{
    struct shoal_span item;
    size_t length = strlen(name);
    shoal_span_next(&value, ';', &item);
    while (shoal_span_next(&value, ';', &item)) {
        if (item.length <= length || item.at[length] != '=' ||
            strncasecmp(item.at, name, length) != 0) {
            continue;
        }
        item.at += length + 1;
        item.length -= length + 1;
        bool is_quoted = item.length >= 2 && item.at[0] == '"';
        size_t used = 0;
        for (size_t i = is_quoted ? 1 : 0; i < item.length - (is_quoted ? 1 : 0); i++) {
            if (is_quoted && item.at[i] == '\\' && i + 2 < item.length &&
                (item.at[i + 1] == '"' || item.at[i + 1] == '\\')) {
                i++;
            }
            if (used + 1 >= room) {
                *fits = false;
                return true;
            }
            out[used++] = item.at[i];
        }
        out[used] = 0;
        return true;
    }
    return false;
}

int shoal_multipart_init(struct shoal_multipart *parser, struct shoal_span type,
    const struct shoal_part_ops *ops, void *user, struct shoal_err *err)
{
    memset(parser, 0, sizeof *parser);
    parser->ops = ops;
    parser->user = user;
    memcpy(parser->boundary, "\r\n--", 4);
    bool fits = true;
    if (!parameter(type, "boundary", parser->boundary + 4, SHOAL_BOUNDARY_MAX + 1, &fits) ||
        !fits || parser->boundary[4] == 0) {
        return shoal_fail(err, SHOAL_EINVAL, "the multipart body has no usable boundary");
    }
    for (const char *c = parser->boundary + 4; *c; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f) {
            return shoal_fail(err, SHOAL_EINVAL, "the multipart body has no usable boundary");
        }
    }
    parser->boundary_length = strlen(parser->boundary);
    parser->matched = 2; // as if a line break came before
    return 0;
}

static int read_line(struct shoal_multipart *parser, struct shoal_span line, bool *has_name,
    struct shoal_err *err)
{
    const char *colon = memchr(line.at, ':', line.length);
    size_t before = colon ? (size_t)(colon - line.at) : 0;
    if (!colon || !shoal_is_token(line.at, before)) {
        return bad(err, "a part has a header that is not one");
    }
    struct shoal_span name = {line.at, before};
    struct shoal_span value = {colon + 1, line.length - before - 1};
    value = shoal_span_trim(value);
    struct shoal_part *part = &parser->part;
    bool fits = true;
    if (shoal_span_like(name, "content-type")) {
        size_t length = value.length < sizeof part->mime - 1 ? value.length : sizeof part->mime - 1;
        memcpy(part->mime, value.at, length);
        part->mime[length] = 0;
    } else if (shoal_span_like(name, "content-disposition")) {
        *has_name = parameter(value, "name", part->name, sizeof part->name, &fits);
        part->is_file =
            parameter(value, "filename", part->filename, sizeof part->filename, &fits);
    } else if (shoal_span_like(name, "content-transfer-encoding")) {
        bool is_plain = shoal_span_like(value, "binary") || shoal_span_like(value, "8bit") ||
            shoal_span_like(value, "7bit");
        return is_plain ? 0 : bad(err, "a part has a transfer encoding");
    }
    return fits ? 0 : bad(err, "a part's name is too long");
}

static int begin_part(struct shoal_multipart *parser, struct shoal_err *err)
{
    memset(&parser->part, 0, sizeof parser->part);
    if (++parser->parts > SHOAL_PART_MAX) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "there are more than %d parts", SHOAL_PART_MAX);
    }
    struct shoal_span rest = {parser->header, parser->header_length - 2}; // the blank line goes
    bool has_name = false;
    while (rest.length > 0) {
        const char *end = memmem(rest.at, rest.length, "\r\n", 2);
        size_t length = end ? (size_t)(end - rest.at) : rest.length;
        int rc = read_line(parser, (struct shoal_span){rest.at, length}, &has_name, err);
        if (rc) {
            return rc;
        }
        size_t used = end ? length + 2 : length;
        rest.at += used;
        rest.length -= used;
    }
    struct shoal_part *part = &parser->part;
    if (!has_name || !shoal_is_utf8(part->name, strlen(part->name)) ||
        !shoal_is_utf8(part->filename, strlen(part->filename))) {
        return bad(err, "a part has no name, or one that is not UTF-8");
    }
    parser->state = DATA;
    parser->matched = 0;
    return parser->ops->begin(parser->user, part, err);
}

static int on_header(struct shoal_multipart *parser, char c, struct shoal_err *err)
{
    if (parser->header_length == sizeof parser->header) {
        return shoal_fail(err, SHOAL_ETOOLARGE, "the headers of a part are longer than %d bytes",
            SHOAL_PART_HEADER_MAX);
    }
    if (c == 0) {
        return bad(err, "a part's head holds a NUL");
    }
    parser->header[parser->header_length++] = c;
    size_t length = parser->header_length;
    bool is_empty = length == 2 && memcmp(parser->header, "\r\n", 2) == 0;
    bool is_whole = length >= 4 && memcmp(parser->header + length - 4, "\r\n\r\n", 4) == 0;
    return is_empty || is_whole ? begin_part(parser, err) : 0;
}

static int on_after(struct shoal_multipart *parser, char c, struct shoal_err *err)
{
    switch ((enum state)parser->state) {
    case AFTER:
        if (c == ' ' || c == '\t') {
            return 0; // padding that the format allows
        }
        parser->state = c == '\r' ? AFTER_CR : AFTER_DASH;
        return c == '\r' || c == '-' ? 0 : bad(err, "a boundary is followed by something else");
    case AFTER_CR:
        parser->state = HEADER;
        parser->header_length = 0;
        return c == '\n' ? 0 : bad(err, "a boundary is followed by something else");
    default:
        parser->state = DONE;
        return c == '-' ? 0 : bad(err, "a boundary is followed by something else");
    }
}

// Data that looked like the beginning of a boundary and was not.
static int give_back(struct shoal_multipart *parser, size_t count, struct shoal_err *err)
{
    if (count == 0 || parser->state == START) {
        return 0;
    }
    return parser->ops->data(parser->user, parser->boundary, count, err);
}

static int at_boundary(struct shoal_multipart *parser, struct shoal_err *err)
{
    int was = parser->state;
    parser->state = AFTER;
    parser->matched = 0;
    return was == DATA ? parser->ops->end(parser->user, err) : 0;
}

// Where a boundary begins, or may begin at the end of the data; NULL: nowhere. A line break alone
// does not cut the data, or a file full of them would be written byte by byte.
static const char *find_boundary(const struct shoal_multipart *parser, const char *data,
    size_t length)
{
    const char *end = data + length;
    while (data < end && (data = memchr(data, '\r', (size_t)(end - data)))) {
        size_t left = (size_t)(end - data);
        size_t count = left < parser->boundary_length ? left : parser->boundary_length;
        if (memcmp(data, parser->boundary, count) == 0) {
            return data;
        }
        data++;
    }
    return NULL;
}

// Takes data up to what may be a boundary. "\r" stands only at its start, so that after a mismatch
// the search begins anew with the byte that did not fit.
static int on_data(struct shoal_multipart *parser, const char *data, size_t length, size_t *used,
    struct shoal_err *err)
{
    size_t i = 0;
    while (i < length && parser->matched > 0) {
        if (data[i] != parser->boundary[parser->matched]) {
            size_t count = parser->matched;
            parser->matched = 0;
            *used = i;
            return give_back(parser, count, err);
        }
        i++;
        if (++parser->matched == parser->boundary_length) {
            *used = i;
            return at_boundary(parser, err);
        }
    }
    if (i == length) {
        *used = i;
        return 0;
    }
    const char *cr = find_boundary(parser, data + i, length - i);
    size_t plain = cr ? (size_t)(cr - data) - i : length - i;
    *used = i + plain + (cr ? 1 : 0);
    parser->matched = cr ? 1 : 0;
    if (plain == 0 || parser->state == START) {
        return 0;
    }
    return parser->ops->data(parser->user, data + i, plain, err);
}

int shoal_multipart_feed(struct shoal_multipart *parser, const char *data, size_t length,
    struct shoal_err *err)
{
    size_t at = 0;
    while (at < length && parser->state != DONE) {
        int rc;
        size_t used = 1;
        if (parser->state == START || parser->state == DATA) {
            rc = on_data(parser, data + at, length - at, &used, err);
        } else if (parser->state == HEADER) {
            rc = on_header(parser, data[at], err);
        } else {
            rc = on_after(parser, data[at], err);
        }
        if (rc) {
            return rc;
        }
        at += used;
    }
    return 0;
}

int shoal_multipart_end(struct shoal_multipart *parser, struct shoal_err *err)
{
    return parser->state == DONE ? 0 : bad(err, "the closing boundary is missing");
}
