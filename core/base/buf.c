// buf.c - a byte buffer that grows, and is always NUL-terminated.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/buf.h>

#include <shoal/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LIMIT_DEFAULT ((size_t)64 << 20)
#define FIRST         64

int shoal_buf_reserve(struct shoal_buf *buf, size_t more)
{
    size_t limit = buf->limit ? buf->limit : LIMIT_DEFAULT;
    if (buf->length > limit || more > limit - buf->length) {
        return SHOAL_ETOOLARGE;
    }
    size_t needed = buf->length + more + 1;
    if (needed <= buf->capacity) {
        return 0;
    }
    size_t capacity = buf->capacity ? buf->capacity : FIRST;
    while (capacity < needed) {
        capacity = capacity > SIZE_MAX / 2 ? needed : capacity * 2;
    }
    char *grown = shoal_realloc_large(buf->data, capacity);
    if (!grown) {
        return SHOAL_EBUSY;
    }
    buf->data = grown;
    buf->capacity = capacity;
    buf->data[buf->length] = 0;
    return 0;
}

int shoal_buf_add(struct shoal_buf *buf, const void *data, size_t length)
{
    int code = shoal_buf_reserve(buf, length);
    if (code < 0) {
        return code;
    }
    if (length > 0) {
        memcpy(buf->data + buf->length, data, length);
    }
    buf->length += length;
    buf->data[buf->length] = 0;
    return 0;
}

int shoal_buf_puts(struct shoal_buf *buf, const char *text)
{
    return shoal_buf_add(buf, text, strlen(text));
}

int shoal_buf_printf(struct shoal_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0) {
        return SHOAL_EINVAL;
    }
    int code = shoal_buf_reserve(buf, (size_t)length);
    if (code < 0) {
        return code;
    }
    va_start(args, format);
    vsnprintf(buf->data + buf->length, (size_t)length + 1, format, args);
    va_end(args);
    buf->length += (size_t)length;
    return 0;
}

char *shoal_buf_take(struct shoal_buf *buf, size_t *length)
{
    if (!buf->data) {
        buf->data = shoal_alloc(1, 1);
    }
    char *data = buf->data;
    if (length) {
        *length = buf->length;
    }
    buf->data = NULL;
    buf->length = 0;
    buf->capacity = 0;
    return data;
}

void shoal_buf_fini(struct shoal_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->length = 0;
    buf->capacity = 0;
}
