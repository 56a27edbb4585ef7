// sentence.c - what plugins say, as text that JSON can hold.
//
// A plugin may say anything of a video or of itself, at any length. What is cut within a letter, or
// was never UTF-8, makes no JSON: a row would be missing in a list, an event would not be told.
//
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/sentence.h"

#include <string.h>

#include "net/percent_priv.h"

/// The bytes of the letter at text, which is not empty; 0: it is not UTF-8.
static size_t letter(const char *text)
{
    if ((unsigned char)*text < 0x80) {
        return 1;
    }
    size_t most = strnlen(text, 4);
    for (size_t length = 2; length <= most; length++) {
        if (shoal_is_utf8(text, length)) {
            return length;
        }
    }
    return 0;
}

void shoal_sentence_copy(char *out, size_t size, const char *text)
{
    size_t used = 0;
    while (*text) {
        size_t length = letter(text);
        size_t bytes = length ? length : 1;
        if (used + bytes >= size) {
            break;
        }
        memcpy(out + used, length ? text : "?", bytes);
        used += bytes;
        text += bytes;
    }
    out[used] = 0;
}
