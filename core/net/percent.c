// percent.c - percent-encoding, and whether text is UTF-8.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/percent_priv.h"

#include <string.h>

#include <shoal/arena.h>
#include <shoal/http.h>

#include "base/utf8.h"

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

long shoal_percent_decode(struct shoal_span from, char *out, bool is_form)
{
    size_t length = 0;
    for (size_t i = 0; i < from.length; i++) {
        char c = from.at[i];
        if (c == '%') {
            int high = i + 2 < from.length ? hex(from.at[i + 1]) : -1;
            int low = high >= 0 ? hex(from.at[i + 2]) : -1;
            if (low < 0) {
                return -1;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (is_form && c == '+') {
            c = ' ';
        }
        if (c == 0) {
            return -1;
        }
        out[length++] = c;
    }
    out[length] = 0;
    return shoal_is_utf8(out, length) ? (long)length : -1;
}

const char *shoal_url_encode(struct shoal_arena *arena, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t length = strlen(text), at = 0;
    char *out = shoal_arena_alloc(arena, length * 3 + 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
            (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';
        if (is_plain) {
            out[at++] = (char)c;
        } else {
            out[at++] = '%';
            out[at++] = digits[c >> 4];
            out[at++] = digits[c & 15];
        }
    }
    out[at] = 0;
    return out;
}
