// comments_text.c - what is kept of the text of a comment, and what is shown of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "comments.h"

#define BYTES_MAX      (4 * COMMENTS_TEXT_MAX)
#define WORD_MAX_BYTES 100

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool is_begin(unsigned char byte)
{
    return (byte & 0xc0) != 0x80; // of a character; the others go on with one
}

// A text without what is not kept. characters: out. NULL where nothing is left.
static char *tidy(struct shoal_arena *arena, const char *text, size_t length, size_t *characters)
{
    while (length > 0 && is_space(*text)) {
        text++;
        length--;
    }
    while (length > 0 && is_space(text[length - 1])) {
        length--;
    }
    char *out = shoal_arena_alloc(arena, length + 1);
    size_t used = 0;
    *characters = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '\r' && i + 1 < length && text[i + 1] == '\n') {
            continue;
        }
        byte = byte == '\r' ? '\n' : byte;
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f) {
            continue;
        }
        *characters += is_begin(byte);
        out[used++] = (char)byte;
    }
    return used > 0 ? out : NULL;
}

const char *comments_text_clean(struct shoal_arena *arena, const char *text)
{
    size_t length = strnlen(text, 2 * BYTES_MAX + 1), characters = 0;
    const char *out = length <= 2 * BYTES_MAX ? tidy(arena, text, length, &characters) : NULL;
    return characters <= COMMENTS_TEXT_MAX ? out : NULL;
}

// Where `most` characters end: behind the last word that is whole, unless that is far away.
static size_t end_of(const char *text, size_t most)
{
    size_t end = 0, word = 0;
    for (size_t characters = 0; text[end] != '\0'; end++) {
        characters += is_begin((unsigned char)text[end]);
        if (characters > most) {
            break;
        }
        word = is_space(text[end]) ? end : word;
    }
    return end - word <= WORD_MAX_BYTES ? word : end;
}

const char *comments_text_cut(
    struct shoal_arena *arena, const char *text, const char *url, bool is_part)
{
    size_t characters = 0;
    char *out = tidy(arena, text, strlen(text), &characters);
    if (out == NULL || (characters <= COMMENTS_TEXT_MAX && !is_part)) {
        return out;
    }
    const char *tail = comments_is_link(url) ? shoal_arena_printf(arena, " \xe2\x80\xa6\n\n<%s>", url)
                                             : " \xe2\x80\xa6";
    size_t room = COMMENTS_TEXT_MAX - strlen(tail);
    size_t end = characters > room ? end_of(out, room) : strlen(out);
    while (end > 0 && is_space(out[end - 1])) {
        end--;
    }
    return shoal_arena_printf(arena, "%.*s%s", (int)end, out, tail);
}

// A line that Markdown reads as a heading, or as the line below one.
static bool heads(const char *line, size_t length)
{
    while (length > 0 && *line == ' ') {
        line++;
        length--;
    }
    size_t hashes = 0, same = 0;
    while (hashes < length && line[hashes] == '#') {
        hashes++;
    }
    if (hashes > 0) {
        return hashes <= 6 && (hashes == length || is_space(line[hashes]));
    }
    while (same < length && (line[same] == '=' || line[same] == '-') && line[same] == line[0]) {
        same++;
    }
    size_t rest = same;
    while (rest < length && is_space(line[rest])) {
        rest++;
    }
    return same > 0 && rest == length;
}

// How long the code is that begins here: a fence that nobody closes takes the rest.
static size_t fence_length(const char *text)
{
    char mark = *text;
    size_t marks = strspn(text, mark == '~' ? "~" : "`");
    if ((mark != '`' && mark != '~') || marks < 3) {
        return 0;
    }
    const char *at = text + strcspn(text, "\n");
    while (*at == '\n') {
        const char *line = at + 1;
        size_t closing = strspn(line, mark == '~' ? "~" : "`");
        at = line + strcspn(line, "\n");
        if (closing >= marks) {
            break;
        }
    }
    return (size_t)(at - text);
}

static size_t span_length(const char *text)
{
    size_t marks = strspn(text, "`");
    const char *at = text + marks;
    while (*at != '\0') {
        size_t plain = strcspn(at, "`");
        size_t closing = strspn(at + plain, "`");
        at += plain + closing;
        if (closing == marks && marks > 0) {
            return (size_t)(at - text);
        }
    }
    return 0;
}

static bool begins_tag(const char *at)
{
    bool is_address = strncmp(at, "<http://", 8) == 0 || strncmp(at, "<https://", 9) == 0 ||
                      strncmp(at, "<mailto:", 8) == 0;
    char next = at[1];
    bool is_letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z');
    return *at == '<' && !is_address && (is_letter || next == '/' || next == '!' || next == '?');
}

const char *comments_text_shown(struct shoal_arena *arena, const char *text)
{
    char *out = shoal_arena_alloc(arena, 2 * strlen(text) + 2);
    size_t used = 0;
    bool is_line_start = true;
    while (*text != '\0') {
        size_t code = is_line_start ? fence_length(text) : 0;
        code = code == 0 && *text == '`' ? span_length(text) : code;
        size_t plain = code == 0 && *text == '`' ? strspn(text, "`") : 1;
        size_t indent = is_line_start ? strspn(text, " ") : 0;
        if (code == 0 && is_line_start && heads(text, strcspn(text, "\n"))) {
            memcpy(out + used, text, indent);
            used += indent;
            text += indent;
            out[used++] = '\\';
        } else if (code == 0 && begins_tag(text)) {
            out[used++] = '\\';
        }
        size_t length = code > 0 ? code : plain;
        memcpy(out + used, text, length);
        used += length;
        is_line_start = text[length - 1] == '\n';
        text += length;
    }
    return out;
}
