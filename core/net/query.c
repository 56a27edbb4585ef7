// query.c - takes "a=1&b=2" apart, within bounds.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/query_priv.h"

#include <stdlib.h>

#include "net/percent_priv.h"

#define SORT_MAX 64

/// One half of a pair. Errors: SHOAL_EINVAL, SHOAL_EBUSY.
static int decode(struct shoal_arena *arena, struct shoal_span text, const char **out,
    struct shoal_err *err)
{
    char *room = shoal_arena_try(arena, text.length + 1);
    *out = room;
    if (!room) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory for a parameter of this size now");
    }
    return shoal_percent_decode(text, room, true) < 0
               ? shoal_fail(err, SHOAL_EINVAL, "a parameter is not percent-encoded UTF-8")
               : 0;
}

static size_t count_parts(struct shoal_span text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.length; i++) {
        count += text.at[i] == '&';
    }
    return count;
}

static struct shoal_span cut_part(struct shoal_span *text)
{
    const char *end = memchr(text->at, '&', text->length);
    struct shoal_span part = {text->at, end ? (size_t)(end - text->at) : text->length};
    size_t used = part.length + (end ? 1 : 0);
    text->at += used;
    text->length -= used;
    return part;
}

int shoal_query_parse(struct shoal_arena *arena, struct shoal_span text, size_t max,
    struct shoal_pairs *pairs, struct shoal_err *err)
{
    *pairs = (struct shoal_pairs){0};
    if (text.length == 0) {
        return 0;
    }
    size_t parts = count_parts(text);
    if (parts > max) {
        return shoal_fail(err, SHOAL_EINVAL, "there are more than %zu parameters", max);
    }
    pairs->items = shoal_arena_alloc(arena, parts * sizeof *pairs->items);
    while (text.length > 0) {
        struct shoal_span part = cut_part(&text);
        if (part.length == 0) {
            continue;
        }
        const char *equals = memchr(part.at, '=', part.length);
        struct shoal_span name = {part.at, equals ? (size_t)(equals - part.at) : part.length};
        struct shoal_span value = {"", 0};
        if (equals) {
            value = (struct shoal_span){equals + 1, part.length - name.length - 1};
        }
        struct shoal_pair *pair = &pairs->items[pairs->count];
        int code = decode(arena, name, &pair->name, err);
        code = code == 0 ? decode(arena, value, &pair->value, err) : code;
        if (code != 0) {
            return code;
        }
        pairs->count++;
    }
    return 0;
}

static struct shoal_span name_of(const struct shoal_span *part)
{
    const char *equals = memchr(part->at, '=', part->length);
    return (struct shoal_span){part->at, equals ? (size_t)(equals - part->at) : part->length};
}

// By name alone: the values of one name keep their order, for handlers see that order.
static int compare(const void *a, const void *b)
{
    const struct shoal_span *left = a, *right = b;
    struct shoal_span one = name_of(left), two = name_of(right);
    size_t shorter = one.length < two.length ? one.length : two.length;
    int order = memcmp(one.at, two.at, shorter);
    if (order != 0) {
        return order;
    }
    if (one.length != two.length) {
        return one.length < two.length ? -1 : 1;
    }
    return left->at < right->at ? -1 : left->at > right->at;
}

// Two spellings of one name would make two orders of its values look alike.
static bool is_plain_name(struct shoal_span part)
{
    struct shoal_span name = name_of(&part);
    return !memchr(name.at, '%', name.length) && !memchr(name.at, '+', name.length);
}

long shoal_query_sort(struct shoal_span text, char *out, size_t room)
{
    struct shoal_span parts[SORT_MAX];
    size_t count = 0, length = 0;
    while (text.length > 0) {
        struct shoal_span part = cut_part(&text);
        if (part.length == 0) {
            continue;
        }
        if (count == SORT_MAX || !is_plain_name(part)) {
            return -1;
        }
        parts[count++] = part;
    }
    qsort(parts, count, sizeof parts[0], compare);
    for (size_t i = 0; i < count; i++) {
        if (length + parts[i].length + 1 > room) {
            return -1;
        }
        memcpy(out + length, parts[i].at, parts[i].length);
        length += parts[i].length;
        out[length++] = '&';
    }
    return (long)length;
}
