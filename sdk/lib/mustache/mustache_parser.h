// mustache_parser.h - the parser's state, shared by its two files.
// SPDX-License-Identifier: MIT
#ifndef MUSTACHE_PARSER_H
#define MUSTACHE_PARSER_H

#include "mustache_priv.h"

#define MUSTACHE_DELIMITER_MAX 16

struct mustache_parser {
    struct mustache *template;
    const char *at;
    const char *end;
    unsigned line;
    char open[MUSTACHE_DELIMITER_MAX + 1];
    char close[MUSTACHE_DELIMITER_MAX + 1];
    size_t stack[MUSTACHE_NEST_MAX];
    size_t depth;
    size_t capacity;

    // the line that is being read
    size_t line_first;   // its first node
    unsigned line_tags;  // tags that may stand alone
    bool line_shows;     // a tag that prints stands on it
    bool line_inherits;  // all of its tags are {{<parent}}, {{$block}} or close one
    bool line_ends_pair; // its last tag closes a block that was opened on it

    struct mustache_error *error;
    bool failed;
};

void mustache_parser_fail(struct mustache_parser *parser, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Memory that lives as long as the template.
void *mustache_parser_keep(struct mustache_parser *parser, size_t size);
const char *mustache_parser_keep_text(
    struct mustache_parser *parser, const char *text, size_t length);
bool mustache_parser_is_space(char c);
void mustache_parser_trim(const char **text, size_t *length);

// mustache_value.c
bool mustache_parse_path(
    struct mustache_parser *parser, const char *text, size_t length, struct mustache_path *path);
void mustache_parse_expression(
    struct mustache_parser *parser, struct mustache_node *node, bool may_compare);

#endif
