// p2p_scan_json.c - steps over JSON where it lies, and checks that it is well-formed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_scan_json.h"

#include <string.h>

#define DEPTH_MAX 16
#define ONES      0x0101010101010101u
#define HIGHS     0x8080808080808080u

void p2p_json_space(struct p2p_text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t' || *text->at == '\n' ||
                                       *text->at == '\r')) {
        text->at++;
    }
}

bool p2p_json_take(struct p2p_text *text, char wanted)
{
    p2p_json_space(text);
    if (text->at == text->end || *text->at != wanted) {
        return false;
    }
    text->at++;
    return true;
}

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

/// Most of a message is the text of offers: eight bytes at a time. A mark may stand for a later byte
/// of the word too early, never too late; the caller looks at each byte itself.
static const char *plain(const char *at, const char *end)
{
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        if (stops(word)) {
            break;
        }
        at += 8;
    }
    while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20) {
        at++;
    }
    return at;
}

static bool skip_escape(struct p2p_text *text)
{
    if (text->end - text->at < 2) {
        return false;
    }
    char c = text->at[1];
    if (c == 'u') {
        if (unit(text->at + 2, text->end) < 0) {
            return false;
        }
        text->at += 6;
        return true;
    }
    text->at += 2;
    return c && strchr("\"\\/bfnrt", c);
}

bool p2p_json_string(struct p2p_text *text, struct p2p_slice *string)
{
    p2p_json_space(text);
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
            *string = (struct p2p_slice){start, (size_t)(text->at - start)};
            return true;
        }
        if (*text->at != '\\' || !skip_escape(text)) {
            return false;
        }
    }
}

static bool digits(struct p2p_text *text)
{
    const char *start = text->at;
    while (text->at < text->end && *text->at >= '0' && *text->at <= '9') {
        text->at++;
    }
    return text->at > start;
}

static bool skip_number(struct p2p_text *text)
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

static bool skip_word(struct p2p_text *text, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0) {
        return false;
    }
    text->at += length;
    return true;
}

static bool skip(struct p2p_text *text, int depth);

static bool skip_members(struct p2p_text *text, int depth, bool is_object)
{
    char closing = is_object ? '}' : ']';
    text->at++;
    if (p2p_json_take(text, closing)) {
        return true;
    }
    for (;;) {
        struct p2p_slice name;
        if (is_object && !(p2p_json_string(text, &name) && p2p_json_take(text, ':'))) {
            return false;
        }
        if (!skip(text, depth + 1)) {
            return false;
        }
        if (p2p_json_take(text, closing)) {
            return true;
        }
        if (!p2p_json_take(text, ',')) {
            return false;
        }
    }
}

static bool skip(struct p2p_text *text, int depth)
{
    p2p_json_space(text);
    if (text->at == text->end || depth > DEPTH_MAX) {
        return false;
    }
    struct p2p_slice string;
    switch (*text->at) {
    case '"':
        return p2p_json_string(text, &string);
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

bool p2p_json_value(struct p2p_text *text, struct p2p_slice *value)
{
    p2p_json_space(text);
    const char *start = text->at;
    if (!skip(text, 1)) {
        return false;
    }
    *value = (struct p2p_slice){start, (size_t)(text->at - start)};
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

bool p2p_json_bytes(struct p2p_slice string, unsigned char out[P2P_ID_BYTES])
{
    const char *at = string.at + 1, *end = string.at + string.length - 1;
    for (int i = 0; i < P2P_ID_BYTES; i++) {
        int value = at < end ? character(&at, end) : -1;
        if (value < 0) {
            return false;
        }
        out[i] = (unsigned char)value;
    }
    return at == end;
}
