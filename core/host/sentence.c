// sentence.c - what plugins say, as text that JSON can hold.
//
// A plugin may say anything of a video or of itself, at any length. What is cut within a letter, or
// was never UTF-8, makes no JSON: a row would be missing in a list, an event would not be told.
//
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/sentence.h"

#include <string.h>

#include "base/utf8.h"

void shoal_sentence_copy(char *out, size_t size, const char *text)
{
    size_t used = 0, left = strlen(text);
    while (*text) {
        size_t length = shoal_utf8_sequence(text, left);
        size_t bytes = length ? length : 1;
        if (used + bytes >= size) {
            break;
        }
        memcpy(out + used, length ? text : "?", bytes);
        used += bytes;
        text += bytes;
        left -= bytes;
    }
    out[used] = 0;
}
