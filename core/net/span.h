// span.h - text that somebody else owns: a pointer and a length.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_SPAN_H
#define SHOAL_CORE_NET_SPAN_H
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct shoal_span {
    const char *at;
    size_t length;
};

static inline struct shoal_span shoal_span(const char *text)
{
    return (struct shoal_span){.at = text, .length = text ? strlen(text) : 0};
}

static inline bool shoal_span_is(struct shoal_span span, const char *text)
{
    size_t length = strlen(text);
    return span.length == length && memcmp(span.at, text, length) == 0;
}

/// The same for header names and tokens, whose case does not matter.
static inline bool shoal_span_like(struct shoal_span span, const char *text)
{
    size_t length = strlen(text);
    return span.length == length && strncasecmp(span.at, text, length) == 0;
}

static inline bool shoal_span_starts(struct shoal_span span, const char *text)
{
    size_t length = strlen(text);
    return span.length >= length && memcmp(span.at, text, length) == 0;
}

/// Without the spaces and tabs at both ends.
static inline struct shoal_span shoal_span_trim(struct shoal_span span)
{
    while (span.length > 0 && (span.at[0] == ' ' || span.at[0] == '\t')) {
        span.at++;
        span.length--;
    }
    while (span.length > 0 &&
        (span.at[span.length - 1] == ' ' || span.at[span.length - 1] == '\t')) {
        span.length--;
    }
    return span;
}

/// Cuts the next element off a list ("a, b;q=1"); separators inside quotes do not count. False at the
/// end of the list.
static inline bool shoal_span_next(struct shoal_span *list, char separator, struct shoal_span *item)
{
    if (list->length == 0) {
        return false;
    }
    bool is_quoted = false;
    size_t end = 0;
    while (end < list->length && (is_quoted || list->at[end] != separator)) {
        if (is_quoted && list->at[end] == '\\' && end + 1 < list->length) {
            end++;
        } else if (list->at[end] == '"') {
            is_quoted = !is_quoted;
        }
        end++;
    }
    *item = shoal_span_trim((struct shoal_span){list->at, end});
    size_t used = end < list->length ? end + 1 : end;
    list->at += used;
    list->length -= used;
    return true;
}

#endif
