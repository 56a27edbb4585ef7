// mustache_buffer.c - text that grows, and how values are written into it.
// SPDX-License-Identifier: MIT
#include "mustache.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mustache_buffer_fini(struct mustache_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct mustache_buffer){.limit = buffer->limit};
}

static bool make_room(struct mustache_buffer *buffer, size_t length)
{
    size_t limit = buffer->limit > 0 ? buffer->limit : SIZE_MAX / 4;
    if (length > limit - buffer->length) {
        buffer->full = true;
        return false;
    }
    size_t need = buffer->length + length + 1;
    if (need > buffer->capacity) {
        size_t capacity = buffer->capacity * 2 > need ? buffer->capacity * 2 : need + 255;
        char *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            abort();
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    return true;
}

void mustache_put(struct mustache_buffer *buffer, const char *text, size_t length)
{
    if (length == 0 || buffer->full || !make_room(buffer, length)) {
        return;
    }
    memcpy(buffer->data + buffer->length, text, length);
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void mustache_puts(struct mustache_buffer *buffer, const char *text)
{
    mustache_put(buffer, text, strlen(text));
}

static const char *escape_of(char c)
{
    return c == '&'    ? "&amp;"
           : c == '<'  ? "&lt;"
           : c == '>'  ? "&gt;"
           : c == '"'  ? "&quot;"
           : c == '\'' ? "&#39;"
                       : NULL;
}

void mustache_put_escaped(struct mustache_buffer *buffer, const char *text, size_t length)
{
    size_t begin = 0;
    for (size_t i = 0; i < length; i++) {
        const char *escape = escape_of(text[i]);
        if (escape != NULL) {
            mustache_put(buffer, text + begin, i - begin);
            mustache_puts(buffer, escape);
            begin = i + 1;
        }
    }
    mustache_put(buffer, text + begin, length - begin);
}

// The shortest decimal that reads back as the same number.
static void put_real(struct mustache_buffer *buffer, double value)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    mustache_puts(buffer, text);
}

void mustache_put_json(struct mustache_buffer *buffer, const json_t *value)
{
    char text[32];
    switch (value == NULL ? JSON_NULL : json_typeof(value)) {
    case JSON_STRING:
        mustache_put(buffer, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        mustache_puts(buffer, text);
        break;
    case JSON_REAL:
        put_real(buffer, json_real_value(value));
        break;
    case JSON_TRUE:
        mustache_puts(buffer, "true");
        break;
    case JSON_FALSE:
        mustache_puts(buffer, "false");
        break;
    default:
        break;
    }
}
