// jsontext.h - steps over JSON where it lies, and checks that it is well-formed: nothing is built or copied.
// SPDX-License-Identifier: MIT
#ifndef JSONTEXT_H
#define JSONTEXT_H
#include <stdbool.h>
#include <stddef.h>

/// What is left to read. Values nest 16 deep at most; text need not end with a NUL.
struct jsontext {
    const char *at, *end;
};

/// A part of it, as it was written; it lives as long as the text. at NULL: none.
struct jsontext_slice {
    const char *at;
    size_t length;
};

/// Steps over white space.
static inline void jsontext_space(struct jsontext *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t' || *text->at == '\n' ||
                                       *text->at == '\r')) {
        text->at++;
    }
}

/// Steps over one character, and over white space before it. Returns: whether it was there.
static inline bool jsontext_take(struct jsontext *text, char wanted)
{
    jsontext_space(text);
    if (text->at == text->end || *text->at != wanted) {
        return false;
    }
    text->at++;
    return true;
}

/// Steps over a string; the slice has its quotes. Returns: false where there is none, or a broken one.
bool jsontext_string(struct jsontext *text, struct jsontext_slice *string);
/// Steps over any value.
bool jsontext_value(struct jsontext *text, struct jsontext_slice *value);
/// Decodes a string (a slice with its quotes) of exactly `count` characters below U+0100 into as many bytes.
/// Returns: false for any other string.
bool jsontext_bytes(struct jsontext_slice string, unsigned char *out, size_t count);

#endif
