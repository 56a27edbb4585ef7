// mustache_priv.h - what the parser leaves for the renderer.
// SPDX-License-Identifier: MIT
#ifndef MUSTACHE_PRIV_H
#define MUSTACHE_PRIV_H

#include "mustache.h"

enum mustache_kind {
    MUSTACHE_TEXT,
    MUSTACHE_VARIABLE,
    MUSTACHE_RAW,
    MUSTACHE_SECTION,
    MUSTACHE_INVERTED,
    MUSTACHE_PARTIAL,
    MUSTACHE_PARENT,
    MUSTACHE_BLOCK,
    MUSTACHE_CLOSE,
};

// "a.b.c" as "a\0b\0c\0"; no parts at all is {{.}}.
struct mustache_path {
    const char *parts;
    unsigned count;
    bool here; // of the innermost object alone
};

struct mustache_value {
    const char *name; // of the argument; NULL: by its place
    const char *word;
    enum {
        MUSTACHE_BY_PATH,
        MUSTACHE_BY_WORD,
        MUSTACHE_BY_CALL
    } by;
    struct mustache_path path;
    struct mustache_ask *ask;
};

struct mustache_ask {
    const char *name;
    size_t count;
    struct mustache_value *args;
};

struct mustache_node {
    enum mustache_kind kind;
    unsigned line;
    bool starts_line; // TEXT: indentation goes before it. BLOCK: its content begins a line
    bool own_line;    // BLOCK, PARENT: nothing but such tags stands on the tag's line
    bool is_argument; // BLOCK: right inside a parent tag, so it replaces and is not shown here
    const char *text; // TEXT: the bytes; else what the tag says
    size_t length;
    const char *indent; // PARTIAL, PARENT, BLOCK: put before each line of what comes in
    size_t indent_length;
    size_t end; // of what opens: the index of its CLOSE. Of CLOSE: of what it closes
    struct mustache_value value;
    struct mustache_value *equals; // SECTION, INVERTED: the right side of {{#a=b}}
};

struct mustache {
    char *name;
    char *source;
    struct mustache_node *nodes;
    size_t count;
    struct mustache_chunk *chunks; // strings and arguments of the nodes
};

#endif
