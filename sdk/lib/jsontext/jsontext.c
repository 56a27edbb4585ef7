// jsontext.c - steps over JSON where it lies, and checks that it is well-formed.
// SPDX-License-Identifier: MIT
#include "jsontext.h"

#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 16
#define ONES      0x0101010101010101u
#define HIGHS     0x8080808080808080u

static int hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// The four digits of \uXXXX, or -1.
static int unit(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

/// Marks bytes of a word that end plain text: a quote, a backslash, a control character.
static uint64_t stops(uint64_t word)
{
    uint64_t quote = word ^ (ONES * '"'), slash = word ^ (ONES * '\\');
    uint64_t marks = ((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
        ((word - ONES * 0x20) & ~word);
    return marks & HIGHS;
}

/// Where the lowest mark of a word is. Marks above it may be wrong: a subtraction borrows upwards.
static ptrdiff_t first_of(uint64_t marks)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_ctzll(marks) / 8;
#else
    (void)marks;
    return 0;
#endif
}

/// Most of a text is in long strings: eight bytes at a time, and the last ones by themselves.
static const char *plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word, marks;
        memcpy(&word, at, 8);
        marks = stops(word);
        if (marks) {
            at += first_of(marks);
            break;
        }
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        at++;
    }
    return at;
}

static bool skip_escape(struct jsontext *text)
{
    if (text->end - text->at < 2) {
        return false;
    }
    switch (text->at[1]) {
    case 'u':
        if (unit(text->at + 2, text->end) < 0) {
            return false;
        }
        text->at += 6;
        return true;
    case 'n':
    case 'r':
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 't':
        text->at += 2;
        return true;
    default:
        return false;
    }
}

bool jsontext_string(struct jsontext *text, struct jsontext_slice *string)
{
    jsontext_space(text);
    const char *start = text->at;
    if (start == text->end || *start != '"') {
        return false;
    }
    text->at++;
    for (;;) {
        text->at = plain(text->at, text->end);
        if (text->at == text->end) {
            return false;
        }
        if (*text->at == '"') {
            text->at++;
            *string = (struct jsontext_slice){start, (size_t)(text->at - start)};
            return true;
        }
        if (*text->at != '\\' || !skip_escape(text)) {
            return false;
        }
    }
}

static bool digits(struct jsontext *text)
{
    const char *start = text->at;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        text->at++;
    }
    return text->at > start;
}

static bool skip_number(struct jsontext *text)
{
    if (*text->at == '-') {
        text->at++;
    }
    const char *start = text->at;
    if (!digits(text) || (*start == '0' && text->at - start > 1)) {
        return false;
    }
    if (text->at < text->end && *text->at == '.') {
        text->at++;
        if (!digits(text)) {
            return false;
        }
    }
    if (text->at < text->end && (*text->at == 'e' || *text->at == 'E')) {
        text->at++;
        if (text->at < text->end && (*text->at == '+' || *text->at == '-')) {
            text->at++;
        }
        return digits(text);
    }
    return true;
}

static bool skip_word(struct jsontext *text, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) {
        return false;
    }
    text->at += length;
    return true;
}

static bool skip(struct jsontext *text, int depth);

static bool skip_members(struct jsontext *text, int depth, bool is_object)
{
    char closing = is_object ? '}' : ']';
    text->at++;
    if (jsontext_take(text, closing)) {
        return true;
    }
    for (;;) {
        struct jsontext_slice name;
        if (is_object && !(jsontext_string(text, &name) && jsontext_take(text, ':'))) {
            return false;
        }
        if (!skip(text, depth + 1)) {
            return false;
        }
        if (jsontext_take(text, closing)) {
            return true;
        }
        if (!jsontext_take(text, ',')) {
            return false;
        }
    }
}

static bool skip(struct jsontext *text, int depth)
{
    jsontext_space(text);
    if (text->at == text->end || depth > DEPTH_MAX) {
        return false;
    }
    struct jsontext_slice string;
    switch (*text->at) {
    case '"':
        return jsontext_string(text, &string);
    case '{':
    case '[':
        return skip_members(text, depth, *text->at == '{');
    case 't':
        return skip_word(text, "true");
    case 'f':
        return skip_word(text, "false");
    case 'n':
        return skip_word(text, "null");
    default:
        return skip_number(text);
    }
}

bool jsontext_value(struct jsontext *text, struct jsontext_slice *value)
{
    jsontext_space(text);
    const char *start = text->at;
    if (!skip(text, 1)) {
        return false;
    }
    *value = (struct jsontext_slice){start, (size_t)(text->at - start)};
    return true;
}

/// The character at *at, which moves behind it; -1 for one that is no byte.
static int character(const char **at, const char *end)
{
    unsigned char c = (unsigned char)*(*at)++;
    if (c == '\\') {
        static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
        char name = *(*at)++;
        if (name == 'u') {
            int value = unit(*at, end);
            *at += 4;
            return value <= 0xff ? value : -1;
        }
        return (unsigned char)values[strchr(names, name) - names];
    }
    if (c < 0x80) {
        return c;
    }
    if ((c != 0xc2 && c != 0xc3) || *at == end || ((unsigned char)**at & 0xc0) != 0x80) {
        return -1;
    }
    return (c & 3) << 6 | ((unsigned char)*(*at)++ & 0x3f);
}

/// Whether bytes are as many characters that stand for themselves.
static bool is_plain(const char *at, size_t count)
{
    uint64_t word, marks = 0;
    if (count < sizeof word) {
        return false;
    }
    for (size_t i = 0; i + sizeof word <= count; i += sizeof word) {
        memcpy(&word, at + i, sizeof word);
        marks |= stops(word) | (word & HIGHS);
    }
    memcpy(&word, at + count - sizeof word, sizeof word);
    return !(marks | stops(word) | (word & HIGHS));
}

bool jsontext_bytes(struct jsontext_slice string, unsigned char *out, size_t count)
{
    if (string.length == count + 2 && is_plain(string.at + 1, count)) { // browsers write them so
        memcpy(out, string.at + 1, count);
        return true;
    }
    const char *at = string.at + 1, *end = string.at + string.length - 1;
    for (size_t i = 0; i < count; i++) {
        int value = at < end ? character(&at, end) : -1;
        if (value < 0) {
            return false;
        }
        out[i] = (unsigned char)value;
    }
    return at == end;
}
