// config_lex.c - finds the line of each key of shoal.lua, so that errors can name it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "host/config_priv.h"

#define DEPTH_MAX      16
#define PATH_MAX_BYTES 512

/// One word of the file: a name, a text, or a character that stands for itself.
struct token {
    enum {
        END,
        NAME,
        TEXT,
        OTHER
    } kind;
    char sign;      ///< of OTHER
    const char *at; ///< of NAME and TEXT, without quotes
    size_t length;
    int line;
};
struct lexer {
    const char *at, *end;
    int line;
    struct token token, ahead;
    json_t *lines;
};

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c >= '0' && c <= '9');
}

/// At "[": the level of a long bracket ("[==[": 2), or -1.
static int long_level(const struct lexer *lexer)
{
    const char *at = lexer->at + 1;
    int level = 0;
    while (at < lexer->end && *at == '=') {
        at++;
        level++;
    }
    return at < lexer->end && *at == '[' ? level : -1;
}

static void skip_long(struct lexer *lexer, int level, struct token *token)
{
    lexer->at += level + 2;
    token->at = lexer->at;
    for (; lexer->at < lexer->end; lexer->at++) {
        if (*lexer->at == '\n') {
            lexer->line++;
        }
        if (*lexer->at != ']') {
            continue;
        }
        const char *close = lexer->at + 1;
        int count = 0;
        while (close < lexer->end && *close == '=') {
            close++;
            count++;
        }
        if (count == level && close < lexer->end && *close == ']') {
            token->length = (size_t)(lexer->at - token->at);
            lexer->at = close + 1;
            return;
        }
    }
    token->length = (size_t)(lexer->at - token->at);
}

static void skip_comment(struct lexer *lexer)
{
    lexer->at += 2;
    int level = lexer->at < lexer->end && *lexer->at == '[' ? long_level(lexer) : -1;
    if (level >= 0) {
        struct token unused = {0};
        skip_long(lexer, level, &unused);
        return;
    }
    while (lexer->at < lexer->end && *lexer->at != '\n') {
        lexer->at++;
    }
}

static void skip_blanks(struct lexer *lexer)
{
    while (lexer->at < lexer->end) {
        char c = *lexer->at;
        if (c == '-' && lexer->at + 1 < lexer->end && lexer->at[1] == '-') {
            skip_comment(lexer);
        } else if (c == '\n') {
            lexer->line++;
            lexer->at++;
        } else if (c == ' ' || c == '\t' || c == '\r') {
            lexer->at++;
        } else {
            return;
        }
    }
}

static void read_quoted(struct lexer *lexer, struct token *token)
{
    char quote = *lexer->at++;
    token->kind = TEXT;
    token->at = lexer->at;
    while (lexer->at < lexer->end && *lexer->at != quote && *lexer->at != '\n') {
        lexer->at += *lexer->at == '\\' && lexer->at + 1 < lexer->end ? 2 : 1;
    }
    token->length = (size_t)(lexer->at - token->at);
    if (lexer->at < lexer->end && *lexer->at == quote) {
        lexer->at++;
    }
}

static struct token read_token(struct lexer *lexer)
{
    skip_blanks(lexer);
    struct token token = {.kind = END, .line = lexer->line};
    if (lexer->at >= lexer->end) {
        return token;
    }
    char c = *lexer->at;
    if (is_name(c)) {
        token.kind = NAME;
        token.at = lexer->at;
        while (lexer->at < lexer->end && is_name(*lexer->at)) {
            lexer->at++;
        }
        token.length = (size_t)(lexer->at - token.at);
    } else if (c == '"' || c == '\'') {
        read_quoted(lexer, &token);
    } else if (c == '[' && long_level(lexer) >= 0) {
        token.kind = TEXT;
        skip_long(lexer, long_level(lexer), &token);
    } else {
        token.kind = OTHER;
        token.sign = c;
        lexer->at++;
    }
    return token;
}

static void step(struct lexer *lexer)
{
    lexer->token = lexer->ahead;
    lexer->ahead = read_token(lexer);
}

static bool is_sign(const struct token *token, char sign)
{
    return token->kind == OTHER && token->sign == sign;
}

static void note(struct lexer *lexer, const char *path, int line)
{
    if (!json_object_get(lexer->lines, path)) {
        json_object_set_new(lexer->lines, path, json_integer(line));
    }
}

static void join(char out[PATH_MAX_BYTES], const char *path, const char *name, size_t length)
{
    if (length > PATH_MAX_BYTES / 4) {
        length = PATH_MAX_BYTES / 4;
    }
    snprintf(out, PATH_MAX_BYTES, "%.*s%s%.*s", PATH_MAX_BYTES / 2, path, *path ? "." : "",
        (int)length, name);
}

static void read_table(struct lexer *lexer, const char *path, int depth);

/// Reads a value up to what ends it: "," ";" or "}" in a table, the next statement outside.
static void read_value(struct lexer *lexer, const char *path, int depth, bool in_table)
{
    int parens = 0;
    while (lexer->token.kind != END) {
        if (is_sign(&lexer->token, '{') && parens == 0) {
            read_table(lexer, path, depth + 1);
            continue;
        }
        if (parens == 0 && in_table &&
            (is_sign(&lexer->token, ',') || is_sign(&lexer->token, ';') ||
                is_sign(&lexer->token, '}'))) {
            return;
        }
        bool compares = lexer->at < lexer->end && *lexer->at == '='; // "==", no assignment
        bool next_key = lexer->token.kind == NAME && !compares &&
                        (is_sign(&lexer->ahead, '=') || is_sign(&lexer->ahead, '.'));
        if (parens == 0 && !in_table && next_key) {
            return;
        }
        parens += is_sign(&lexer->token, '(') ? 1 : 0;
        parens -= is_sign(&lexer->token, ')') && parens > 0 ? 1 : 0;
        step(lexer);
    }
}

/// At "{": reads the fields of a table, naming those without a key by their place, from 1.
static void read_table(struct lexer *lexer, const char *path, int depth)
{
    char field[PATH_MAX_BYTES];
    int place = 0;
    step(lexer);
    while (lexer->token.kind != END && !is_sign(&lexer->token, '}')) {
        if (is_sign(&lexer->token, ',') || is_sign(&lexer->token, ';')) {
            step(lexer);
            continue;
        }
        int line = lexer->token.line;
        bool is_bracket = is_sign(&lexer->token, '[') && lexer->ahead.kind == TEXT;
        if (is_bracket) {
            step(lexer);
        }
        if (is_bracket || (lexer->token.kind == NAME && is_sign(&lexer->ahead, '='))) {
            join(field, path, lexer->token.at, lexer->token.length);
            step(lexer);
            while (lexer->token.kind != END && !is_sign(&lexer->token, '=')) {
                step(lexer);
            }
            step(lexer);
        } else {
            char number[16];
            int length = snprintf(number, sizeof(number), "%d", ++place);
            join(field, path, number, (size_t)length);
        }
        note(lexer, field, line);
        if (depth < DEPTH_MAX) {
            read_value(lexer, field, depth, true);
        } else {
            return;
        }
    }
    step(lexer);
}

/// At a name outside of tables: "a = …" or "a.b = …".
static void read_statement(struct lexer *lexer)
{
    char path[PATH_MAX_BYTES] = "";
    char longer[PATH_MAX_BYTES];
    int line = lexer->token.line;
    while (lexer->token.kind == NAME) {
        join(longer, path, lexer->token.at, lexer->token.length);
        memcpy(path, longer, sizeof(path));
        step(lexer);
        if (!is_sign(&lexer->token, '.')) {
            break;
        }
        step(lexer);
    }
    if (!is_sign(&lexer->token, '=')) {
        return;
    }
    step(lexer);
    note(lexer, path, line);
    read_value(lexer, path, 0, false);
}

json_t *shoal_config_lex(const char *text, size_t length)
{
    struct lexer lexer = {.at = text, .end = text + length, .line = 1, .lines = json_object()};
    step(&lexer);
    step(&lexer);
    while (lexer.token.kind != END) {
        if (lexer.token.kind == NAME) {
            read_statement(&lexer);
        } else {
            step(&lexer);
        }
    }
    return lexer.lines;
}
