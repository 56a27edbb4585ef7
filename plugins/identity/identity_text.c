// identity_text.c - writes JSON as text, piece by piece.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "identity_text.h"

// A comma stands before everything but what is first within its brackets.
void who_text_key(struct shoal_buf *out, const char *key)
{
    char last = out->length > 0 ? out->data[out->length - 1] : '[';
    if (last != '{' && last != '[') {
        shoal_buf_add(out, ",", 1);
    }
    if (key != NULL) {
        shoal_buf_add(out, "\"", 1);
        shoal_buf_puts(out, key);
        shoal_buf_add(out, "\":", 2);
    }
}

void who_text_open(struct shoal_buf *out, const char *key, char bracket)
{
    who_text_key(out, key);
    shoal_buf_add(out, &bracket, 1);
}

void who_text_close(struct shoal_buf *out, char bracket)
{
    shoal_buf_add(out, &bracket, 1);
}

static void escape(struct shoal_buf *out, unsigned char byte)
{
    static const char named[] = "\"\"\\\\\bb\ff\nn\rr\tt"; // each with what stands for it
    char text[8];
    for (size_t i = 0; named[i] != '\0'; i += 2) {
        if ((unsigned char)named[i] == byte) {
            snprintf(text, sizeof text, "\\%c", named[i + 1]);
            shoal_buf_add(out, text, 2);
            return;
        }
    }
    snprintf(text, sizeof text, "\\u%04X", byte);
    shoal_buf_puts(out, text);
}

static bool is_utf8(const char *value, size_t length)
{
    unsigned char all = 0;
    for (size_t i = 0; i < length; i++) {
        all |= (unsigned char)value[i];
    }
    if (all < 0x80) {
        return true;
    }
    json_t *checked = json_stringn(value, length);
    bool is_valid = checked != NULL;
    json_decref(checked);
    return is_valid;
}

void who_text_string(struct shoal_buf *out, const char *key, const char *value)
{
    who_text_key(out, key);
    if (value == NULL) {
        shoal_buf_puts(out, "null");
        return;
    }
    size_t length = strlen(value);
    length = is_utf8(value, length) ? length : 0;
    shoal_buf_add(out, "\"", 1);
    for (size_t at = 0, end = 0; at < length; at = end) {
        while (end < length && (unsigned char)value[end] >= 0x20 && value[end] != '"' && value[end] != '\\') {
            end++;
        }
        shoal_buf_add(out, value + at, end - at);
        if (end < length) {
            escape(out, (unsigned char)value[end++]);
        }
    }
    shoal_buf_add(out, "\"", 1);
}

void who_text_integer(struct shoal_buf *out, const char *key, long long value)
{
    who_text_key(out, key);
    shoal_buf_printf(out, "%lld", value);
}

void who_text_true(struct shoal_buf *out, const char *key)
{
    who_text_key(out, key);
    shoal_buf_puts(out, "true");
}
