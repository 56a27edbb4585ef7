// mustache.h - templates: compiled once, rendered many times over JSON.
// SPDX-License-Identifier: MIT
//
// The whole Mustache specification with inheritance and dynamic names, without lambdas. A compiled
// template never changes, so any number of threads may render it at the same time.
//
// Three additions, all of which other Mustache parsers read as names that they do not know:
//   {{.name}}               name of the innermost object alone, never of one around it
//   {{#a.b=3}} {{^a=b.c}}   true when both sides read the same; the right side is a number, a
//                           'quoted' text or a path
//   {{call:a b.c n='x'}}    answered by the caller's `call`: texts with arguments, dates, sizes;
//                           the value of an argument may be a call itself: when=ago:publishedAt
// Falsy are: absent, null, false, 0, "" and an empty list.
#ifndef MUSTACHE_H
#define MUSTACHE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define MUSTACHE_TEXT_MAX  (1024 * 1024) // bytes of one template
#define MUSTACHE_NEST_MAX  64            // sections within sections of one template
#define MUSTACHE_ARGS_MAX  16            // arguments of one call
#define MUSTACHE_DEPTH_MAX 200           // sections, partials and blocks open while rendering

struct mustache;

struct mustache_error {
    char text[320]; // "NAME:LINE: what is wrong"
    unsigned line;
};

/// Text that grows up to a limit. Zeroed with a limit, it is ready for use.
struct mustache_buffer {
    char *data; // NUL-terminated once anything was put
    size_t length;
    size_t capacity;
    size_t limit; // bytes; 0 = none
    bool full;    // the limit was met: what came after is missing
};

void mustache_buffer_fini(struct mustache_buffer *buffer);
void mustache_put(struct mustache_buffer *buffer, const char *text, size_t length);
void mustache_puts(struct mustache_buffer *buffer, const char *text);
/// Puts text with & < > " ' written so that it is safe in HTML and in quoted attributes.
void mustache_put_escaped(struct mustache_buffer *buffer, const char *text, size_t length);
/// Puts a scalar the way that {{name}} shows it; null, lists and objects are nothing.
void mustache_put_json(struct mustache_buffer *buffer, const json_t *value);

/// One argument of a call. `{{t:views count=video.views}}` has two:
/// {NULL, "views", NULL} and {"count", "video.views", 12}.
struct mustache_arg {
    const char *name;    // NULL: given by its place
    const char *word;    // as it stands in the template, without quotes
    const json_t *value; // NULL when nothing has that path
};

struct mustache_call {
    const char *name;
    size_t count;
    const struct mustache_arg *args;
};

/// What rendering needs from its caller. All of it is borrowed and read only.
struct mustache_options {
    void *self; // first argument of both functions

    /// Finds what {{>name}} and {{<name}} ask for; NULL renders as nothing.
    const struct mustache *(*partial)(void *self, const char *name);

    /// Answers {{name:…}} into out (unescaped: the renderer escapes unless the tag says raw).
    /// Returns: 0, 1 when it does not know the name, or -1 when it failed.
    int (*call)(void *self, const struct mustache_call *call, struct mustache_buffer *out);

    const json_t *shared; // read when the data has no such name; may serve many threads
    size_t max_bytes;     // of output; 0 = 8 MiB
    size_t max_steps;     // tags and lines visited; 0 = 2 million
};

/// Compiles a template.
///
/// name:    for messages, usually the path in the theme; copied.
/// text:    UTF-8, up to MUSTACHE_TEXT_MAX bytes; copied.
/// error:   filled in on failure; may be NULL.
/// Returns: a template, or NULL.
struct mustache *mustache_parse(
    const char *name, const char *text, size_t length, struct mustache_error *error);
void mustache_free(struct mustache *template);
const char *mustache_name(const struct mustache *template);

/// Calls fn for every {{>name}} and {{<name}} in a template; for checks at load time.
void mustache_each_partial(const struct mustache *template,
    void (*fn)(void *arg, const char *name, unsigned line), void *arg);

/// Appends a rendered template to out.
///
/// Returns: 0, or -1 with error filled in; out then holds an incomplete page.
int mustache_render(const struct mustache *template, const json_t *data,
    const struct mustache_options *options, struct mustache_buffer *out,
    struct mustache_error *error);

#endif
