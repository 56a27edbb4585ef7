// utf8.c - which bytes are UTF-8.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t shoal_utf8_sequence(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
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
    const char *at = text;
    while (length > 0) {
        uint64_t eight;
        while (length >= 8 && (memcpy(&eight, at, 8), (eight & 0x8080808080808080u) == 0)) {
            at += 8;
            length -= 8;
        }
        if (length == 0) {
            return true;
        }
        size_t used = shoal_utf8_sequence(at, length);
        if (used == 0) {
            return false;
        }
        at += used;
        length -= used;
    }
    return true;
}
