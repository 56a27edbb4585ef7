// percent.c - percent-encoding, and whether text is UTF-8.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/percent_priv.h"

#include <string.h>

#include <shoal/arena.h>
#include <shoal/http.h>

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

static size_t sequence_length(const unsigned char *at, size_t left)
{
    unsigned char c = at[0];
    if (c < 0x80) {
        return 1;
    }
    size_t need = c >= 0xc2 && c <= 0xdf ? 2
        : (c & 0xf0) == 0xe0             ? 3
        : c >= 0xf0 && c <= 0xf4         ? 4
                                         : 0;
    if (need == 0 || need > left) {
        return 0;
    }
    for (size_t i = 1; i < need; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_overlong = (c == 0xe0 && at[1] < 0xa0) || (c == 0xf0 && at[1] < 0x90);
    bool is_outside = (c == 0xed && at[1] > 0x9f) || (c == 0xf4 && at[1] > 0x8f);
    return is_overlong || is_outside ? 0 : need;
}

bool shoal_is_utf8(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    while (length > 0) {
        size_t used = sequence_length(at, length);
        if (used == 0) {
            return false;
        }
        at += used;
        length -= used;
    }
    return true;
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
