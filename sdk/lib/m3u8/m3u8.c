// m3u8.c - cuts the lines of a playlist at the addresses in them.
// SPDX-License-Identifier: MIT
#include "m3u8.h"

#include <string.h>

static const char first_line[] = "#EXTM3U";

void m3u8_open(struct m3u8_reader *reader, const char *text, size_t length)
{
    *reader = (struct m3u8_reader){.at = text, .end = text + length};
}

/// Where the address of a line is: the line itself, or URI="…" among a tag's attributes.
static void uri_find(struct m3u8_reader *reader)
{
    static const char attribute[] = "URI=\"";
    const char *line = reader->line;
    size_t length = (size_t)(reader->stop - line);
    reader->uri = reader->uri_stop = reader->stop;
    if (length > 0 && line[0] != '#') {
        reader->uri = line;
        return;
    }
    const char *at = memmem(line, length, attribute, sizeof attribute - 1);
    if (at == NULL || at == line || (at[-1] != ',' && at[-1] != ':')) {
        return;
    }
    at += sizeof attribute - 1;
    const char *quote = memchr(at, '"', (size_t)(reader->stop - at));
    if (quote != NULL) {
        reader->uri = at;
        reader->uri_stop = quote;
    }
}

static bool line_take(struct m3u8_reader *reader)
{
    const char *newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
    reader->line = reader->at;
    reader->stop = newline != NULL ? newline : reader->end;
    reader->at = newline != NULL ? newline + 1 : reader->end;
    if (reader->stop > reader->line && reader->stop[-1] == '\r') {
        reader->stop--;
    }
    size_t length = (size_t)(reader->stop - reader->line);
    if (length > M3U8_LINE_MAX || memchr(reader->line, '\0', length) != NULL) {
        return false;
    }
    uri_find(reader);
    return true;
}

static bool begin(struct m3u8_reader *reader)
{
    size_t length = sizeof first_line - 1;
    reader->has_begun = true;
    return (size_t)(reader->end - reader->at) >= length &&
           memcmp(reader->at, first_line, length) == 0;
}

struct m3u8_part m3u8_next(struct m3u8_reader *reader)
{
    if (!reader->has_begun && !begin(reader)) {
        return (struct m3u8_part){.kind = M3U8_BAD};
    }
    for (;;) {
        switch (reader->stage++) {
        case 0:
            if (reader->at == reader->end) {
                reader->stage = 0;
                return (struct m3u8_part){.kind = M3U8_END};
            }
            if (!line_take(reader)) {
                return (struct m3u8_part){.kind = M3U8_BAD};
            }
            break;
        case 1:
            if (reader->uri > reader->line) {
                return (struct m3u8_part){
                    M3U8_TEXT, reader->line, (size_t)(reader->uri - reader->line)};
            }
            break;
        case 2:
            if (reader->uri_stop > reader->uri) {
                return (struct m3u8_part){
                    M3U8_URI, reader->uri, (size_t)(reader->uri_stop - reader->uri)};
            }
            break;
        case 3:
            if (reader->stop > reader->uri_stop) {
                return (struct m3u8_part){
                    M3U8_TEXT, reader->uri_stop, (size_t)(reader->stop - reader->uri_stop)};
            }
            break;
        default:
            reader->stage = 0;
            return (struct m3u8_part){M3U8_TEXT, "\n", 1};
        }
    }
}
