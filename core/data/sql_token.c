// sql_token.c - cuts SQL into tokens, as far as quotes, comments and words go.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/sql_token.h"

#include <string.h>

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

static bool is_comment(const char *text)
{
    return (text[0] == '-' && text[1] == '-') || (text[0] == '/' && text[1] == '*');
}

/// '…', "…" or `…` with the quote doubled inside, or […].
static size_t quoted_length(const char *text)
{
    char quote = text[0] == '[' ? ']' : text[0];
    size_t i = 1;
    while (text[i]) {
        if (text[i] == quote) {
            if (text[i + 1] != quote || quote == ']') {
                return i + 1;
            }
            i++;
        }
        i++;
    }
    return 0;
}

static size_t comment_length(const char *text)
{
    if (text[0] == '-') {
        return strcspn(text, "\n");
    }
    const char *end = strstr(text + 2, "*/");
    return end ? (size_t)(end + 2 - text) : 0;
}

size_t sql_token(const char *text)
{
    if (strchr("'\"`[", text[0])) {
        return quoted_length(text);
    }
    if (is_comment(text)) {
        return comment_length(text);
    }
    size_t length = 0;
    while (is_word(text[length])) {
        length++;
    }
    return length ? length : 1;
}

bool sql_is_space(const char *text)
{
    return is_comment(text) || strchr(" \t\r\n\f\v", text[0]) != NULL;
}
