// signatures_nquads.c - the canonical N-Quads of the activities that carry a signature of their own.
//
// They have few shapes (comments, their deletions, Views, and the options of a signature), so that no
// JSON-LD is expanded: each member that they use stands in a table with its meaning. What stands in none
// is not signed. Objects without an id hang side by side and hold no others, for which the naming by
// sorted sums below is what URDNA2015 does.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signatures.h"

#define AS  "https://www.w3.org/ns/activitystreams#"
#define DC  "http://purl.org/dc/terms/"
#define PT  "https://joinpeertube.org/ns#"
#define SC  "http://schema.org/"
#define SEC "https://w3id.org/security#"
#define XSD "http://www.w3.org/2001/XMLSchema#"
#define RDF "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

#define BLANKS_MAX 64 // mentions in one comment
#define QUADS_MAX  4096
#define DEPTH_MAX  4

enum value {
    LINK,
    TEXT,
    TIME,
    COUNT
};
static const struct term {
    const char *name, *iri;
    enum value value;
} terms[] = {
    {"actor", AS "actor", LINK},
    {"object", AS "object", LINK},
    {"to", AS "to", LINK},
    {"cc", AS "cc", LINK},
    {"audience", AS "audience", LINK},
    {"attributedTo", AS "attributedTo", LINK},
    {"inReplyTo", AS "inReplyTo", LINK},
    {"tag", AS "tag", LINK},
    {"href", AS "href", LINK},
    {"url", AS "url", LINK},
    {"result", AS "result", LINK},
    {"content", AS "content", TEXT},
    {"name", AS "name", TEXT},
    {"mediaType", AS "mediaType", TEXT},
    {"published", AS "published", TIME},
    {"updated", AS "updated", TIME},
    {"replyApproval", PT "replyApproval", TEXT},
    {"expires", SEC "expiration", TIME},
    {"interactionType", SC "interactionType", TEXT},
    {"userInteractionCount", SC "userInteractionCount", COUNT},
    {"creator", DC "creator", LINK},
    {"created", DC "created", TIME},
};
static const struct {
    const char *name, *iri;
} types[] = {
    {"Create", AS "Create"},
    {"Update", AS "Update"},
    {"Delete", AS "Delete"},
    {"View", AS "View"},
    {"Note", AS "Note"},
    {"Mention", AS "Mention"},
    {"Person", AS "Person"},
    {"Group", AS "Group"},
    {"InteractionCounter", SC "InteractionCounter"},
};

// Quads as lines, with "_:N" for the N-th object without an id, which gets its name at the end.
struct writer {
    char *lines[QUADS_MAX];
    size_t count;
    int blanks;
    bool failed;
};

static char *escaped(const char *text)
{
    struct shoal_buf out = {0};
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || *text == '\n' || *text == '\r') {
            char pair[2] = {'\\', *text == '\n' ? 'n' : *text == '\r' ? 'r' : *text};
            shoal_buf_add(&out, pair, 2);
        } else {
            shoal_buf_add(&out, text, 1);
        }
    }
    return out.data == NULL ? strdup("") : shoal_buf_take(&out, NULL);
}

static void quad_add(struct writer *writer, const char *subject, const char *predicate, const char *object)
{
    struct shoal_buf line = {0};
    if (writer->count == QUADS_MAX ||
        shoal_buf_printf(&line, "%s <%s> %s .\n", subject, predicate, object) != 0) {
        writer->failed = true;
        shoal_buf_fini(&line);
        return;
    }
    writer->lines[writer->count++] = shoal_buf_take(&line, NULL);
}

static void quad_printf(struct writer *writer, const char *subject, const char *predicate,
    const char *before, const char *value, const char *after)
{
    struct shoal_buf object = {0};
    writer->failed |= shoal_buf_printf(&object, "%s%s%s", before, value, after) != 0;
    if (!writer->failed) {
        quad_add(writer, subject, predicate, object.data);
    }
    shoal_buf_fini(&object);
}

static void node_write(struct writer *writer, const json_t *node, const char *subject, int depth);

static void link_write(struct writer *writer, const char *subject, const char *predicate,
    const json_t *value, int depth)
{
    const char *id = json_is_string(value) ? json_string_value(value) : shoal_text(value, "id", NULL);
    char name[16];
    if (id != NULL) {
        // A relative IRI is dropped by those who read it; we send none.
        writer->failed |= strstr(id, ":") == NULL || strpbrk(id, " <>\"{}|\\^`\n\r\t") != NULL;
        quad_printf(writer, subject, predicate, "<", id, ">");
        if (json_is_object(value)) {
            struct shoal_buf inner = {0};
            writer->failed |= shoal_buf_printf(&inner, "<%s>", id) != 0;
            if (!writer->failed) {
                node_write(writer, value, inner.data, depth + 1);
            }
            shoal_buf_fini(&inner);
        }
        return;
    }
    if (!json_is_object(value) || subject[0] == '_' || writer->blanks == BLANKS_MAX) {
        writer->failed = true;
        return;
    }
    snprintf(name, sizeof name, "_:%d", writer->blanks++);
    quad_add(writer, subject, predicate, name);
    node_write(writer, value, name, depth + 1);
}

static void value_write(struct writer *writer, const char *subject, const struct term *term,
    const json_t *value, int depth)
{
    char number[24];
    if (term->value == LINK) {
        link_write(writer, subject, term->iri, value, depth);
        return;
    }
    if (term->value == COUNT) {
        writer->failed |= !json_is_integer(value);
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        quad_printf(writer, subject, term->iri, "\"", number, "\"^^<" XSD "integer>");
        return;
    }
    if (!json_is_string(value)) {
        writer->failed = true;
        return;
    }
    char *text = escaped(json_string_value(value));
    quad_printf(writer, subject, term->iri, "\"", text,
        term->value == TIME ? "\"^^<" XSD "dateTime>" : "\"");
    free(text);
}

static void type_write(struct writer *writer, const char *subject, const json_t *value)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (json_is_string(value) && strcmp(types[i].name, json_string_value(value)) == 0) {
            quad_printf(writer, subject, RDF "type", "<", types[i].iri, ">");
            return;
        }
    }
    writer->failed = true;
}

static void member_write(struct writer *writer, const char *subject, const char *key, const json_t *value,
    int depth)
{
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        if (strcmp(terms[i].name, key) != 0) {
            continue;
        }
        size_t count = json_is_array(value) ? json_array_size(value) : 1;
        for (size_t j = 0; j < count && !writer->failed; j++) {
            const json_t *item = json_is_array(value) ? json_array_get(value, j) : value;
            if (!json_is_null(item)) {
                value_write(writer, subject, &terms[i], item, depth);
            }
        }
        return;
    }
    writer->failed = true;
}

static void node_write(struct writer *writer, const json_t *node, const char *subject, int depth)
{
    const char *key = NULL;
    json_t *value = NULL;
    writer->failed |= depth > DEPTH_MAX;
    json_object_foreach((json_t *)(uintptr_t)node, key, value)
    {
        if (writer->failed || strcmp(key, "id") == 0 || json_is_null(value) ||
            (depth == 0 && (strcmp(key, "@context") == 0 || strcmp(key, "signature") == 0))) {
            continue;
        }
        if (strcmp(key, "type") == 0) {
            type_write(writer, subject, value);
        } else {
            member_write(writer, subject, key, value, depth);
        }
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Sorted, and each once: a set of statements.
static void lines_sort(struct writer *writer)
{
    size_t kept = 0;
    qsort(writer->lines, writer->count, sizeof *writer->lines, by_text);
    for (size_t i = 0; i < writer->count; i++) {
        if (kept > 0 && strcmp(writer->lines[kept - 1], writer->lines[i]) == 0) {
            free(writer->lines[i]);
        } else {
            writer->lines[kept++] = writer->lines[i];
        }
    }
    writer->count = kept;
}

// A line with its "_:N " (mark) said otherwise; NULL where it does not name N, as subject or as object.
static char *line_named(const char *line, const char *mark, const char *name)
{
    size_t length = strlen(mark);
    const char *at = strncmp(line, mark, length) == 0 ? line : NULL;
    if (at == NULL && line[0] == '<') {
        const char *object = strstr(line, "> <");
        object = object == NULL ? NULL : strstr(object + 1, "> ");
        at = object != NULL && strncmp(object + 2, mark, length) == 0 ? object + 2 : NULL;
    }
    if (at == NULL) {
        return NULL;
    }
    struct shoal_buf out = {0};
    shoal_buf_add(&out, line, (size_t)(at - line));
    shoal_buf_printf(&out, "%s%s", name, at + length);
    return shoal_buf_take(&out, NULL);
}

struct blank {
    char sum[65];
    int number;
};

static int by_sum(const void *a, const void *b)
{
    return strcmp(((const struct blank *)a)->sum, ((const struct blank *)b)->sum);
}

// The sum of what is said about one, under a name that is the same for all.
static void blank_sum(const struct writer *writer, struct blank *blank)
{
    struct writer own = {0};
    char mark[16];
    snprintf(mark, sizeof mark, "_:%d ", blank->number);
    for (size_t i = 0; i < writer->count; i++) {
        char *line = line_named(writer->lines[i], mark, "_:a ");
        if (line != NULL) {
            own.lines[own.count++] = line;
        }
    }
    lines_sort(&own);
    struct shoal_sha256 *sum = shoal_sha256_new();
    for (size_t i = 0; i < own.count; i++) {
        shoal_sha256_add(sum, own.lines[i], strlen(own.lines[i]));
        free(own.lines[i]);
    }
    shoal_sha256_end(sum, blank->sum);
    shoal_sha256_free(sum);
}

static void blanks_name(struct writer *writer)
{
    struct blank blanks[BLANKS_MAX];
    for (int i = 0; i < writer->blanks; i++) {
        blanks[i].number = i;
        blank_sum(writer, &blanks[i]);
    }
    qsort(blanks, (size_t)writer->blanks, sizeof *blanks, by_sum);
    for (int i = 0; i < writer->blanks; i++) {
        char mark[16], name[24];
        snprintf(mark, sizeof mark, "_:%d ", blanks[i].number);
        snprintf(name, sizeof name, "_:c14n%d ", i);
        for (size_t j = 0; j < writer->count; j++) {
            char *line = line_named(writer->lines[j], mark, name);
            if (line != NULL) {
                free(writer->lines[j]);
                writer->lines[j] = line;
            }
        }
    }
}

char *sig_nquads(const json_t *document)
{
    struct writer *writer = calloc(1, sizeof *writer);
    struct shoal_buf out = {0}, subject = {0};
    const char *id = shoal_text(document, "id", NULL);
    if (writer == NULL) {
        return NULL;
    }
    if (id == NULL) {
        writer->blanks = 1;
        node_write(writer, document, "_:0", 0);
    } else {
        shoal_buf_printf(&subject, "<%s>", id);
        node_write(writer, document, subject.data, 0);
    }
    if (!writer->failed) {
        lines_sort(writer);
        blanks_name(writer);
        lines_sort(writer);
    }
    for (size_t i = 0; i < writer->count; i++) {
        writer->failed |= shoal_buf_puts(&out, writer->lines[i]) != 0;
        free(writer->lines[i]);
    }
    bool failed = writer->failed || out.data == NULL;
    shoal_buf_fini(&subject);
    free(writer);
    if (failed) {
        shoal_buf_fini(&out);
        return NULL;
    }
    return shoal_buf_take(&out, NULL);
}
