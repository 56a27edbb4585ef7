// range.c - reads the Range header, and lists of entity tags.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/range_priv.h"

// Digits at the start of text; -1 without one, or with too many.
static int64_t take_number(struct shoal_span *text)
{
    int64_t value = 0;
    size_t count = 0;
    while (count < text->length && text->at[count] >= '0' && text->at[count] <= '9') {
        if (count == 18) {
            return -1;
        }
        value = value * 10 + (text->at[count++] - '0');
    }
    text->at += count;
    text->length -= count;
    return count > 0 ? value : -1;
}

static enum shoal_range read_suffix(struct shoal_span text, uint64_t size, uint64_t *first,
    uint64_t *length)
{
    int64_t count = take_number(&text);
    if (count < 0 || text.length > 0) {
        return SHOAL_RANGE_ALL;
    }
    if (count == 0 || size == 0) {
        return SHOAL_RANGE_NONE;
    }
    *length = (uint64_t)count < size ? (uint64_t)count : size;
    *first = size - *length;
    return SHOAL_RANGE_PART;
}

enum shoal_range shoal_range_parse(struct shoal_span text, uint64_t size, uint64_t *first,
    uint64_t *length)
{
    if (text.length < 7 || strncasecmp(text.at, "bytes=", 6) != 0 ||
        memchr(text.at, ',', text.length)) {
        return SHOAL_RANGE_ALL; // several ranges: the whole is a right answer, and a cheap one
    }
    text = shoal_span_trim((struct shoal_span){text.at + 6, text.length - 6});
    if (text.length > 0 && text.at[0] == '-') {
        text.at++;
        text.length--;
        return read_suffix(text, size, first, length);
    }
    int64_t from = take_number(&text);
    if (from < 0 || text.length == 0 || text.at[0] != '-') {
        return SHOAL_RANGE_ALL;
    }
    text.at++;
    text.length--;
    int64_t to = INT64_MAX;
    if (text.length > 0) {
        to = take_number(&text);
        if (to < from || text.length > 0) {
            return SHOAL_RANGE_ALL;
        }
    }
    if ((uint64_t)from >= size) {
        return SHOAL_RANGE_NONE;
    }
    *first = (uint64_t)from;
    *length = (uint64_t)to >= size ? size - *first : (uint64_t)to - *first + 1;
    return SHOAL_RANGE_PART;
}

bool shoal_etag_listed(struct shoal_span list, const char *tag, bool is_weak)
{
    struct shoal_span item;
    while (shoal_span_next(&list, ',', &item)) {
        bool item_is_weak = item.length > 2 && item.at[0] == 'W' && item.at[1] == '/';
        if (item_is_weak) {
            item.at += 2;
            item.length -= 2;
        }
        if (shoal_span_is(item, "*") || ((is_weak || !item_is_weak) && shoal_span_is(item, tag))) {
            return true;
        }
    }
    return false;
}
