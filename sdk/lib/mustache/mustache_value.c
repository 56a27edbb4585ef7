// mustache_value.c - what stands inside a tag: paths, words, calls, comparisons.
// SPDX-License-Identifier: MIT
#include "mustache_parser.h"

#include <string.h>

bool mustache_parse_path(
    struct mustache_parser *parser, const char *text, size_t length, struct mustache_path *path)
{
    *path = (struct mustache_path){0};
    if (length == 1 && *text == '.') {
        return true;
    }
    if (length > 0 && *text == '.') {
        path->here = true;
        text++;
        length--;
    }
    char *parts = (char *)mustache_parser_keep_text(parser, text, length);
    path->parts = parts;
    path->count = 1;
    size_t begin = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && mustache_parser_is_space(text[i])) {
            return false;
        }
        if (i < length && text[i] != '.') {
            continue;
        }
        if (i == begin) {
            return false;
        }
        begin = i + 1;
        if (i < length) {
            parts[i] = '\0';
            path->count++;
        }
    }
    return true;
}

static bool is_number(const char *text, size_t length)
{
    size_t digits = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            digits++;
        } else if (text[i] != '.' && !(text[i] == '-' && i == 0)) {
            return false;
        }
    }
    return digits > 0;
}

static bool is_call(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == ':') {
            return i > 0;
        }
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_') {
            return false;
        }
    }
    return false;
}

static bool parse_ask(
    struct mustache_parser *parser, const char *text, size_t length, struct mustache_value *value);

// One word: 'quoted', a number, call:word or a path.
static bool parse_value(
    struct mustache_parser *parser, const char *text, size_t length, struct mustache_value *value)
{
    if (length >= 2 && (*text == '\'' || *text == '"') && text[length - 1] == *text) {
        value->by = MUSTACHE_BY_WORD;
        value->word = mustache_parser_keep_text(parser, text + 1, length - 2);
        return true;
    }
    value->word = mustache_parser_keep_text(parser, text, length);
    if (is_number(text, length)) {
        value->by = MUSTACHE_BY_WORD;
        return true;
    }
    if (is_call(text, length)) {
        return parse_ask(parser, text, length, value);
    }
    value->by = MUSTACHE_BY_PATH;
    return mustache_parse_path(parser, text, length, &value->path);
}

// The length of the next word, which ends at a space outside quotes.
static size_t word_length(const char *text, size_t length)
{
    char quote = '\0';
    for (size_t i = 0; i < length; i++) {
        if (quote != '\0') {
            quote = text[i] == quote ? '\0' : quote;
        } else if (text[i] == '\'' || text[i] == '"') {
            quote = text[i];
        } else if (mustache_parser_is_space(text[i])) {
            return i;
        }
    }
    return length;
}

static bool parse_arg(
    struct mustache_parser *parser, const char *text, size_t length, struct mustache_value *value)
{
    size_t name = 0;
    while (name < length && ((text[name] >= 'a' && text[name] <= 'z') || text[name] == '_')) {
        name++;
    }
    if (name == 0 || name == length || text[name] != '=') {
        return parse_value(parser, text, length, value);
    }
    value->name = mustache_parser_keep_text(parser, text, name);
    return parse_value(parser, text + name + 1, length - name - 1, value);
}

static bool parse_ask(
    struct mustache_parser *parser, const char *text, size_t length, struct mustache_value *value)
{
    size_t name = (size_t)((const char *)memchr(text, ':', length) - text);
    struct mustache_ask *ask = mustache_parser_keep(parser, sizeof *ask);
    *ask = (struct mustache_ask){.name = mustache_parser_keep_text(parser, text, name)};
    value->by = MUSTACHE_BY_CALL;
    value->ask = ask;
    struct mustache_value args[MUSTACHE_ARGS_MAX];
    text += name + 1;
    length -= name + 1;
    for (mustache_parser_trim(&text, &length); length > 0; mustache_parser_trim(&text, &length)) {
        if (ask->count == MUSTACHE_ARGS_MAX) {
            return false;
        }
        size_t word = word_length(text, length);
        struct mustache_value *arg = &args[ask->count++];
        *arg = (struct mustache_value){0};
        if (!parse_arg(parser, text, word, arg)) {
            return false;
        }
        text += word;
        length -= word;
    }
    ask->args = mustache_parser_keep(parser, ask->count * sizeof *args + 1);
    memcpy(ask->args, args, ask->count * sizeof *args);
    return true;
}

// What a variable or section names: a path, a call, or for a section a comparison.
void mustache_parse_expression(
    struct mustache_parser *parser, struct mustache_node *node, bool may_compare)
{
    const char *text = node->text;
    size_t length = node->length;
    bool fine = false;
    const char *equals = may_compare ? memchr(text, '=', length) : NULL;
    if (is_call(text, length)) {
        fine = !may_compare && parse_ask(parser, text, length, &node->value);
    } else if (equals != NULL) {
        const char *right = equals + 1;
        size_t left_length = (size_t)(equals - text);
        size_t right_length = length - left_length - 1;
        mustache_parser_trim(&text, &left_length);
        mustache_parser_trim(&right, &right_length);
        node->equals = mustache_parser_keep(parser, sizeof *node->equals);
        *node->equals = (struct mustache_value){0};
        fine = mustache_parse_path(parser, text, left_length, &node->value.path) &&
               parse_value(parser, right, right_length, node->equals) &&
               node->equals->by != MUSTACHE_BY_CALL;
    } else {
        fine = mustache_parse_path(parser, text, length, &node->value.path);
    }
    if (!fine) {
        mustache_parser_fail(parser, node->line, "\"%.*s\" is not a name",
            (int)(length > 80 ? 80 : length), node->text);
    }
}
