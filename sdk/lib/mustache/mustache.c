// mustache.c - compiles templates into a flat list of nodes.
// SPDX-License-Identifier: MIT
//
// The source is read once, line by line, because two rules of Mustache are about lines: a tag that
// stands alone on its line takes the line with it, and what is included there gets its indentation.
// So each text node ends with its line at the latest, and each line begins with a text node, even
// if that is empty.
#include "mustache_parser.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 4000

struct mustache_chunk {
    struct mustache_chunk *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void mustache_parser_fail(struct mustache_parser *parser, unsigned line, const char *format, ...)
{
    if (parser->failed) {
        return;
    }
    parser->failed = true;
    if (parser->error == NULL) {
        return;
    }
    char what[200];
    va_list list;
    va_start(list, format);
    vsnprintf(what, sizeof what, format, list);
    va_end(list);
    parser->error->line = line;
    snprintf(parser->error->text, sizeof parser->error->text, "%.100s:%u: %s",
        parser->template->name, line, what);
}

// Memory that lives as long as the template.
void *mustache_parser_keep(struct mustache_parser *parser, size_t size)
{
    size = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    struct mustache_chunk *chunk = parser->template->chunks;
    if (chunk == NULL || chunk->size - chunk->used < size) {
        size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = must(malloc(sizeof *chunk + room));
        chunk->used = 0;
        chunk->size = room;
        chunk->next = parser->template->chunks;
        parser->template->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += size;
    return memory;
}

const char *mustache_parser_keep_text(
    struct mustache_parser *parser, const char *text, size_t length)
{
    char *copy = mustache_parser_keep(parser, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

static struct mustache_node *push(struct mustache_parser *parser, enum mustache_kind kind)
{
    struct mustache *template = parser->template;
    if (template->count == parser->capacity) {
        parser->capacity = parser->capacity * 2 + 64;
        template->nodes =
            must(realloc(template->nodes, parser->capacity * sizeof *template->nodes));
    }
    struct mustache_node *node = &template->nodes[template->count++];
    *node = (struct mustache_node){.kind = kind, .line = parser->line};
    return node;
}

static void push_text(struct mustache_parser *parser, const char *text, size_t length)
{
    struct mustache_node *node = push(parser, MUSTACHE_TEXT);
    node->text = text;
    node->length = length;
}

bool mustache_parser_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_blank(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!mustache_parser_is_space(text[i])) {
            return false;
        }
    }
    return true;
}

void mustache_parser_trim(const char **text, size_t *length)
{
    while (*length > 0 && mustache_parser_is_space(**text)) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && mustache_parser_is_space((*text)[*length - 1])) {
        (*length)--;
    }
}

// --- lines

// Takes a line that holds nothing but tags out of the text.
static void drop_line(struct mustache_parser *parser)
{
    struct mustache *template = parser->template;
    struct mustache_node *lead = &template->nodes[parser->line_first];
    for (size_t i = parser->line_first; i < template->count; i++) {
        struct mustache_node *node = &template->nodes[i];
        if (node->kind == MUSTACHE_BLOCK || node->kind == MUSTACHE_PARENT) {
            node->own_line = true;
            node->starts_line = node->kind == MUSTACHE_BLOCK && !parser->line_ends_pair;
        }
    }
    if (parser->line_first + 1 < template->count) {
        struct mustache_node *tag = lead + 1;
        if (tag->kind == MUSTACHE_PARTIAL || tag->own_line) {
            tag->indent = lead->text;
            tag->indent_length = lead->length;
        }
    }
    struct mustache_node *tail = &template->nodes[template->count - 1];
    bool keeps_end = parser->line_ends_pair && tail->kind == MUSTACHE_TEXT && tail->length > 0 &&
                     tail->text[tail->length - 1] == '\n';
    for (size_t i = parser->line_first; i < template->count; i++) {
        struct mustache_node *node = &template->nodes[i];
        if (node->kind != MUSTACHE_TEXT) {
            continue;
        }
        size_t kept = keeps_end && node == tail ? 1 : 0;
        node->text += node->length - kept;
        node->length = kept;
    }
}

static void end_line(struct mustache_parser *parser)
{
    struct mustache *template = parser->template;
    bool alone = !parser->line_shows &&
                 (parser->line_tags == 1 || (parser->line_tags > 1 && parser->line_inherits));
    for (size_t i = parser->line_first; alone && i < template->count; i++) {
        struct mustache_node *node = &template->nodes[i];
        alone = node->kind != MUSTACHE_TEXT || is_blank(node->text, node->length);
    }
    if (alone) {
        drop_line(parser);
        return;
    }
    struct mustache_node *first = &template->nodes[parser->line_first];
    bool is_end_of_text = first->length == 0 && parser->line_first + 1 == template->count;
    first->starts_line = !is_end_of_text;
}

static void begin_line(struct mustache_parser *parser)
{
    parser->line_first = parser->template->count;
    parser->line_tags = 0;
    parser->line_shows = false;
    parser->line_inherits = true;
    parser->line_ends_pair = false;
}

// --- tags

static void open_section(struct mustache_parser *parser, struct mustache_node *node)
{
    if (parser->depth == MUSTACHE_NEST_MAX) {
        mustache_parser_fail(
            parser, node->line, "more than %d sections within each other", MUSTACHE_NEST_MAX);
        return;
    }
    if (node->kind == MUSTACHE_BLOCK && parser->depth > 0) {
        size_t around = parser->stack[parser->depth - 1];
        node->is_argument = parser->template->nodes[around].kind == MUSTACHE_PARENT;
    }
    parser->stack[parser->depth++] = (size_t)(node - parser->template->nodes);
}

static void close_section(struct mustache_parser *parser, const char *text, size_t length)
{
    if (parser->depth == 0) {
        mustache_parser_fail(parser, parser->line, "{{/%.*s}} closes nothing",
            (int)(length > 80 ? 80 : length), text);
        return;
    }
    size_t index = parser->stack[--parser->depth];
    struct mustache_node *node = push(parser, MUSTACHE_CLOSE);
    struct mustache_node *opener = &parser->template->nodes[index];
    opener->end = (size_t)(node - parser->template->nodes);
    node->end = index;
    if (opener->length != length || memcmp(opener->text, text, length) != 0) {
        mustache_parser_fail(parser, parser->line,
            "{{/%.*s}} stands where {{/%.*s}} of line %u belongs", (int)(length > 60 ? 60 : length),
            text, (int)(opener->length > 60 ? 60 : opener->length), opener->text, opener->line);
    }
    parser->line_inherits = parser->line_inherits &&
                            (opener->kind == MUSTACHE_BLOCK || opener->kind == MUSTACHE_PARENT);
    parser->line_ends_pair = opener->kind == MUSTACHE_BLOCK && index >= parser->line_first;
}

static void set_delimiters(struct mustache_parser *parser, const char *text, size_t length)
{
    mustache_parser_trim(&text, &length);
    size_t first = 0;
    while (first < length && !mustache_parser_is_space(text[first])) {
        first++;
    }
    const char *second = text + first;
    size_t second_length = length - first;
    mustache_parser_trim(&second, &second_length);
    bool fine = first > 0 && first <= MUSTACHE_DELIMITER_MAX && second_length > 0 &&
                second_length <= MUSTACHE_DELIMITER_MAX;
    for (size_t i = 0; i < length; i++) {
        fine = fine && text[i] != '=';
    }
    for (size_t i = 0; i < second_length; i++) {
        fine = fine && !mustache_parser_is_space(second[i]);
    }
    if (!fine) {
        mustache_parser_fail(parser, parser->line,
            "delimiters are two words of up to %d characters without =", MUSTACHE_DELIMITER_MAX);
        return;
    }
    memcpy(parser->open, text, first);
    parser->open[first] = '\0';
    memcpy(parser->close, second, second_length);
    parser->close[second_length] = '\0';
}

static void add_partial(struct mustache_parser *parser, struct mustache_node *node)
{
    const char *text = node->text;
    size_t length = node->length;
    if (length > 0 && *text == '*') {
        text++;
        length--;
        mustache_parser_trim(&text, &length);
        node->value.by = MUSTACHE_BY_PATH;
        if (!mustache_parse_path(parser, text, length, &node->value.path)) {
            mustache_parser_fail(parser, node->line, "this is not a name");
        }
        return;
    }
    node->value.by = MUSTACHE_BY_WORD;
    node->value.word = mustache_parser_keep_text(parser, text, length);
}

static void add_tag(struct mustache_parser *parser, char sigil, const char *text, size_t length)
{
    static const struct {
        char sigil;
        enum mustache_kind kind;
    } kinds[] = {{'\0', MUSTACHE_VARIABLE}, {'{', MUSTACHE_RAW}, {'&', MUSTACHE_RAW},
        {'#', MUSTACHE_SECTION}, {'^', MUSTACHE_INVERTED}, {'>', MUSTACHE_PARTIAL},
        {'<', MUSTACHE_PARENT}, {'$', MUSTACHE_BLOCK}};
    size_t row = 0;
    while (kinds[row].sigil != sigil) {
        row++;
    }
    struct mustache_node *node = push(parser, kinds[row].kind);
    node->text = text;
    node->length = length;
    bool shows = node->kind == MUSTACHE_VARIABLE || node->kind == MUSTACHE_RAW;
    bool inherits = node->kind == MUSTACHE_PARENT || node->kind == MUSTACHE_BLOCK;
    bool opens = inherits || node->kind == MUSTACHE_SECTION || node->kind == MUSTACHE_INVERTED;
    parser->line_shows = parser->line_shows || shows;
    parser->line_inherits = parser->line_inherits && inherits;
    parser->line_ends_pair = false;
    if (shows || node->kind == MUSTACHE_SECTION || node->kind == MUSTACHE_INVERTED) {
        mustache_parse_expression(parser, node, opens);
    } else {
        add_partial(parser, node);
    }
    if (opens) {
        open_section(parser, node);
    }
}

static const char *find(const char *at, const char *end, const char *what)
{
    return memmem(at, (size_t)(end - at), what, strlen(what));
}

// Reads the tag that begins at parser->at.
static void parse_tag(struct mustache_parser *parser)
{
    const char *at = parser->at + strlen(parser->open);
    char sigil = '\0';
    if (at < parser->end && memchr("{&#^></$!=", *at, 10) != NULL) {
        sigil = *at++;
    }
    char close[MUSTACHE_DELIMITER_MAX + 2];
    snprintf(close, sizeof close, "%s%s",
        sigil == '{'   ? "}"
        : sigil == '=' ? "="
                       : "",
        parser->close);
    const char *end = find(at, parser->end, close);
    if (end == NULL) {
        mustache_parser_fail(parser, parser->line, "a tag is not closed: %s is missing", close);
        return;
    }
    const char *text = at;
    size_t length = (size_t)(end - at);
    const char *next = end + strlen(close);
    mustache_parser_trim(&text, &length);
    if (sigil != '!' && length == 0) {
        mustache_parser_fail(parser, parser->line, "an empty tag");
        return;
    }
    parser->line_tags++;
    if (sigil == '!' || sigil == '=') {
        parser->line_inherits = false;
        if (sigil == '=') {
            set_delimiters(parser, text, length);
        }
    } else if (sigil == '/') {
        close_section(parser, text, length);
    } else {
        add_tag(parser, sigil, text, length);
    }
    for (const char *c = parser->at; c < next; c++) {
        parser->line += *c == '\n';
    }
    parser->at = next;
}

static void parse_lines(struct mustache_parser *parser)
{
    begin_line(parser);
    while (!parser->failed) {
        const char *tag = find(parser->at, parser->end, parser->open);
        const char *stop = tag != NULL ? tag : parser->end;
        const char *newline = memchr(parser->at, '\n', (size_t)(stop - parser->at));
        if (newline != NULL) {
            push_text(parser, parser->at, (size_t)(newline + 1 - parser->at));
            parser->at = newline + 1;
            end_line(parser);
            begin_line(parser);
            parser->line++;
            continue;
        }
        push_text(parser, parser->at, (size_t)(stop - parser->at));
        parser->at = stop;
        if (tag == NULL) {
            end_line(parser);
            return;
        }
        parse_tag(parser);
    }
}

// --- indentation of blocks

// The white space that a node begins its line with, or NULL when it begins none.
static const char *leading(const struct mustache_node *node, size_t *length)
{
    *length = 0;
    if (node->kind == MUSTACHE_TEXT && node->starts_line) {
        while (
            *length < node->length && (node->text[*length] == ' ' || node->text[*length] == '\t')) {
            (*length)++;
        }
        return node->text;
    }
    if (node->indent != NULL && node->kind != MUSTACHE_TEXT) {
        *length = node->indent_length;
        return node->indent;
    }
    return NULL;
}

static const char *first_indent(const struct mustache *template, size_t block, size_t *length)
{
    const struct mustache_node *nodes = template->nodes;
    for (size_t i = block + 1; i < nodes[block].end; i++) {
        const char *indent = leading(&nodes[i], length);
        bool is_empty_line = nodes[i].kind == MUSTACHE_TEXT && nodes[i].length > 0 &&
                             is_blank(nodes[i].text, nodes[i].length) &&
                             nodes[i].text[nodes[i].length - 1] == '\n';
        if (indent != NULL && !is_empty_line) {
            return indent;
        }
    }
    return NULL;
}

static void remove_indent(struct mustache_node *node, const char *indent, size_t length)
{
    size_t own = 0;
    const char *text = leading(node, &own);
    size_t same = 0;
    while (text != NULL && same < own && same < length && text[same] == indent[same]) {
        same++;
    }
    if (same == 0) {
        return;
    }
    if (node->kind == MUSTACHE_TEXT) {
        node->text += same;
        node->length -= same;
    } else {
        node->indent += same;
        node->indent_length -= same;
    }
}

// Blocks lose the indentation that they have where they are written and get that of the place
// where they appear: what a parent's own content has there, or else what its tag has.
static void settle_blocks(struct mustache *template)
{
    struct mustache_node *nodes = template->nodes;
    for (size_t i = 0; i < template->count; i++) {
        struct mustache_node *block = &nodes[i];
        if (block->kind != MUSTACHE_BLOCK || !block->starts_line) {
            continue;
        }
        size_t length = 0;
        const char *indent = first_indent(template, i, &length);
        if (indent == NULL) {
            continue;
        }
        if (!block->is_argument) {
            block->indent = indent;
            block->indent_length = length;
            continue;
        }
        for (size_t k = i + 1; k < block->end; k++) {
            remove_indent(&nodes[k], indent, length);
        }
    }
}

// --- the promise

struct mustache *mustache_parse(
    const char *name, const char *text, size_t length, struct mustache_error *error)
{
    struct mustache *template = must(calloc(1, sizeof *template));
    template->name = must(strdup(name));
    struct mustache_parser parser = {.template = template, .line = 1, .error = error};
    memcpy(parser.open, "{{", 3);
    memcpy(parser.close, "}}", 3);
    if (length > MUSTACHE_TEXT_MAX) {
        mustache_parser_fail(&parser, 1, "the template is larger than %d bytes", MUSTACHE_TEXT_MAX);
    } else {
        template->source = must(malloc(length + 1));
        memcpy(template->source, text, length);
        template->source[length] = '\0';
        parser.at = template->source;
        parser.end = template->source + length;
        parse_lines(&parser);
    }
    if (!parser.failed && parser.depth > 0) {
        const struct mustache_node *node = &template->nodes[parser.stack[parser.depth - 1]];
        mustache_parser_fail(&parser, node->line, "\"%.*s\" is opened and never closed",
            (int)(node->length > 80 ? 80 : node->length), node->text);
    }
    if (parser.failed) {
        mustache_free(template);
        return NULL;
    }
    settle_blocks(template);
    return template;
}

void mustache_free(struct mustache *template)
{
    if (template == NULL) {
        return;
    }
    while (template->chunks != NULL) {
        struct mustache_chunk *next = template->chunks->next;
        free(template->chunks);
        template->chunks = next;
    }
    free(template->nodes);
    free(template->source);
    free(template->name);
    free(template);
}

const char *mustache_name(const struct mustache *template)
{
    return template->name;
}

void mustache_each_partial(const struct mustache *template,
    void (*fn)(void *arg, const char *name, unsigned line), void *arg)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct mustache_node *node = &template->nodes[i];
        bool names = node->kind == MUSTACHE_PARTIAL || node->kind == MUSTACHE_PARENT;
        if (names && node->value.by == MUSTACHE_BY_WORD) {
            fn(arg, node->value.word, node->line);
        }
    }
}
