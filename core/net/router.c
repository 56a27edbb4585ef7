// router.c - finds the handler for a method and a path.
//
// A tree of path segments. A literal child is tried before the parameter (one with a literal prefix,
// "@{name}", before a bare one), the parameter before the rest, and a branch that leads nowhere is left again, so "/a/{x}/c" is found beside "/a/b".
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/router_priv.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/negotiate.h"
#include "net/percent_priv.h"

struct node {
    char *literal; // NULL for a parameter or rest
    struct node *children, *sibling;
    struct node *prefixed; // parameters behind a literal: "@{name}"; their literal is the prefix
    struct node *param, *rest;
    struct shoal_entry *entries;
};

struct shoal_router {
    struct node root;
    struct shoal_entry *removed;
    pthread_rwlock_t lock;
};

static struct shoal_router *current_router;

void shoal_server_use(struct shoal_router *router)
{
    current_router = router;
}

struct shoal_router *shoal_router_current(void)
{
    return current_router;
}

static void *must(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

struct shoal_router *shoal_router_new(void)
{
    struct shoal_router *router = must(calloc(1, sizeof *router));
    pthread_rwlock_init(&router->lock, NULL);
    return router;
}

static void free_entries(struct shoal_entry *entry)
{
    while (entry) {
        struct shoal_entry *next = entry->next;
        for (size_t i = 0; i < entry->name_count; i++) {
            free((void *)(uintptr_t)entry->names[i]);
        }
        free(entry);
        entry = next;
    }
}

static void free_node(struct node *node);

static void free_list(struct node *child)
{
    while (child) {
        struct node *next = child->sibling;
        free_node(child);
        free(child);
        child = next;
    }
}

static void free_node(struct node *node)
{
    if (!node) {
        return;
    }
    free_list(node->children);
    free_list(node->prefixed);
    free_node(node->param);
    free(node->param);
    free_node(node->rest);
    free(node->rest);
    free_entries(node->entries);
    free(node->literal);
}

void shoal_router_free(struct shoal_router *router)
{
    if (!router) {
        return;
    }
    if (current_router == router) {
        current_router = NULL;
    }
    free_node(&router->root);
    free_entries(router->removed);
    pthread_rwlock_destroy(&router->lock);
    free(router);
}

static struct node *child_literal(struct node **list, struct shoal_span text)
{
    struct node **link = list;
    while (*link) {
        if (shoal_span_is(text, (*link)->literal)) {
            return *link;
        }
        link = &(*link)->sibling;
    }
    *link = must(calloc(1, sizeof **link));
    (*link)->literal = must(strndup(text.at, text.length));
    return *link;
}

static struct node *child_of(struct node **slot)
{
    if (!*slot) {
        *slot = must(calloc(1, sizeof **slot));
    }
    return *slot;
}

static int bad(const struct shoal_route *route, struct shoal_err *err, const char *what)
{
    return shoal_fail(err, SHOAL_EINVAL, "route %s %s: %s", route->method ? route->method : "?",
        route->path ? route->path : "?", what);
}

// One segment of a pattern: steps down in the tree and notes the parameter's name.
static struct node *step(struct node *node, struct shoal_span segment, struct shoal_entry *entry,
    bool *is_rest)
{
    const char *start = segment.at;
    const char *open = memchr(segment.at, '{', segment.length);
    if (!open) {
        return memchr(segment.at, '}', segment.length) ? NULL
                                                       : child_literal(&node->children, segment);
    }
    if (open > segment.at) {
        struct shoal_span prefix = {segment.at, (size_t)(open - segment.at)};
        node = child_literal(&node->prefixed, prefix);
        segment = (struct shoal_span){open, segment.length - prefix.length};
    }
    if (segment.length < 3 || segment.at[segment.length - 1] != '}' ||
        entry->name_count == SHOAL_PARAM_MAX) {
        return NULL;
    }
    struct shoal_span name = {segment.at + 1, segment.length - 2};
    *is_rest = name.length > 3 && memcmp(name.at + name.length - 3, "...", 3) == 0;
    if (*is_rest) {
        name.length -= 3;
    }
    entry->names[entry->name_count++] = must(strndup(name.at, name.length));
    if (node->literal && !*is_rest && open > start) {
        return node; // the node of the prefix is the parameter's own
    }
    return child_of(*is_rest ? &node->rest : &node->param);
}

static struct node *place(struct shoal_router *router, const struct shoal_route *route,
    struct shoal_entry *entry)
{
    struct node *node = &router->root;
    struct shoal_span rest = shoal_span(route->path);
    rest.at++;
    rest.length--;
    int depth = 0;
    bool is_rest = false;
    while (rest.length > 0) {
        const char *slash = memchr(rest.at, '/', rest.length);
        struct shoal_span segment = {rest.at, slash ? (size_t)(slash - rest.at) : rest.length};
        if (is_rest || segment.length == 0 || ++depth > SHOAL_SEGMENT_MAX) {
            return NULL;
        }
        node = step(node, segment, entry, &is_rest);
        if (!node) {
            return NULL;
        }
        size_t used = segment.length + (slash ? 1 : 0);
        rest.at += used;
        rest.length -= used;
    }
    return node;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int check_route(const struct shoal_route *route, struct shoal_err *err)
{
    if (!route->method || !*route->method || strlen(route->method) > 16) {
        return bad(route, err, "the method is missing");
    }
    if (!route->path || route->path[0] != '/' || strlen(route->path) > 255) {
        return bad(route, err, "the path does not begin with a slash");
    }
    if (!route->handler && !route->head) {
        return bad(route, err, "there is no handler");
    }
    return 0;
}

static int add_locked(struct shoal_router *router, struct shoal_entry *entry,
    struct shoal_err *err)
{
    const struct shoal_route *route = &entry->route;
    struct node *node = place(router, route, entry);
    if (!node) {
        return bad(route, err, "the pattern is broken");
    }
    struct shoal_entry **link = &node->entries;
    for (; *link; link = &(*link)->next) {
        if (strcmp((*link)->route.method, route->method) == 0 &&
            same_text((*link)->route.produces, route->produces)) {
            return shoal_fail(err, SHOAL_ECONFLICT, "route %s %s: taken", route->method,
                route->path);
        }
    }
    *link = entry;
    return 0;
}

int shoal_router_add(struct shoal_router *router, const struct shoal_route *route,
    struct shoal_plugin *owner, struct shoal_err *err)
{
    int rc = check_route(route, err);
    if (rc) {
        return rc;
    }
    struct shoal_entry *entry = must(calloc(1, sizeof *entry));
    entry->route = *route;
    entry->owner = owner;
    pthread_rwlock_wrlock(&router->lock);
    rc = add_locked(router, entry, err);
    pthread_rwlock_unlock(&router->lock);
    if (rc) {
        free_entries(entry);
    }
    return rc;
}

static void remove_from(struct shoal_router *router, struct node *node, struct shoal_plugin *owner)
{
    if (!node) {
        return;
    }
    struct shoal_entry **link = &node->entries;
    while (*link) {
        struct shoal_entry *entry = *link;
        if (entry->owner == owner) {
            *link = entry->next;
            entry->next = router->removed; // requests that run still read it
            router->removed = entry;
        } else {
            link = &entry->next;
        }
    }
    for (struct node *child = node->children; child; child = child->sibling) {
        remove_from(router, child, owner);
    }
    for (struct node *child = node->prefixed; child; child = child->sibling) {
        remove_from(router, child, owner);
    }
    remove_from(router, node->param, owner);
    remove_from(router, node->rest, owner);
}

void shoal_router_remove_owner(struct shoal_router *router, struct shoal_plugin *owner)
{
    pthread_rwlock_wrlock(&router->lock);
    remove_from(router, &router->root, owner);
    pthread_rwlock_unlock(&router->lock);
}

typedef void each_fn(const struct shoal_route *route, struct shoal_plugin *owner, void *user);

static void each_node(struct node *node, each_fn *each, void *user)
{
    if (!node) {
        return;
    }
    for (struct shoal_entry *entry = node->entries; entry; entry = entry->next) {
        each(&entry->route, entry->owner, user);
    }
    for (struct node *child = node->children; child; child = child->sibling) {
        each_node(child, each, user);
    }
    for (struct node *child = node->prefixed; child; child = child->sibling) {
        each_node(child, each, user);
    }
    each_node(node->param, each, user);
    each_node(node->rest, each, user);
}

void shoal_router_each(struct shoal_router *router,
    void (*each)(const struct shoal_route *route, struct shoal_plugin *owner, void *user), void *user)
{
    pthread_rwlock_rdlock(&router->lock);
    each_node(&router->root, each, user);
    pthread_rwlock_unlock(&router->lock);
}

// A path cut into decoded segments.
struct path {
    uint16_t at[SHOAL_SEGMENT_MAX];
    size_t count;
    const char *text;
};

// No decoded segment may hold what a file system or a second decoder would take for structure.
static bool is_safe(const char *segment)
{
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
        return false;
    }
    for (const char *c = segment; *c; c++) {
        if (*c == '/' || *c == '\\' || (unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

static enum shoal_matched cut(struct shoal_span raw, struct shoal_match *match, struct path *path)
{
    if (raw.length == 0 || raw.length > SHOAL_PATH_MAX) {
        return SHOAL_MATCHED_BAD_PATH;
    }
    struct shoal_span rest = {raw.at + 1, raw.length - 1};
    size_t used = 0;
    while (rest.length > 0) {
        const char *slash = memchr(rest.at, '/', rest.length);
        struct shoal_span segment = {rest.at, slash ? (size_t)(slash - rest.at) : rest.length};
        if (segment.length == 0 || path->count == SHOAL_SEGMENT_MAX) {
            return SHOAL_MATCHED_NO_PATH;
        }
        long length = shoal_percent_decode(segment, match->text + used, false);
        if (length < 0 || !is_safe(match->text + used)) {
            return SHOAL_MATCHED_BAD_PATH;
        }
        path->at[path->count++] = (uint16_t)used;
        used += (size_t)length + 1;
        size_t skip = segment.length + (slash ? 1 : 0);
        rest.at += skip;
        rest.length -= skip;
    }
    path->text = match->text;
    return SHOAL_MATCHED;
}

struct search {
    struct shoal_span method, accept;
    const struct path *path;
    struct shoal_match *match;
    uint16_t values[SHOAL_PARAM_MAX];
    size_t value_count;
    size_t rest_from; // segment at which a rest parameter began
};

static void allow_method(struct shoal_match *match, const char *method)
{
    size_t length = strlen(match->allow);
    struct shoal_span list = {match->allow, length}, item;
    while (shoal_span_next(&list, ',', &item)) {
        if (shoal_span_is(item, method)) {
            return;
        }
    }
    size_t room = sizeof match->allow - length;
    if (strlen(method) + 3 < room) {
        snprintf(match->allow + length, room, "%s%s", length ? ", " : "", method);
    }
}

static bool serves(const struct shoal_entry *entry, struct shoal_span method)
{
    return shoal_span_is(method, entry->route.method) ||
        (shoal_span_is(method, "HEAD") && strcmp(entry->route.method, "GET") == 0);
}

// What a path takes, for who asked it for something else.
static void allow_methods(struct shoal_match *match, const struct node *node)
{
    for (const struct shoal_entry *entry = node->entries; entry; entry = entry->next) {
        match->has_cors |= entry->route.cors;
        allow_method(match, entry->route.method);
        if (strcmp(entry->route.method, "GET") == 0) {
            allow_method(match, "HEAD");
        }
    }
}

// Of the routes of a node, the one whose media type the client likes best; among equals one that it names
// before the others, then the first, and so when it likes none.
static bool choose(struct search *search, struct node *node)
{
    struct shoal_match *match = search->match;
    const struct shoal_entry *best = NULL;
    int best_q = -2, candidates = 0;
    for (struct shoal_entry *entry = node->entries; entry; entry = entry->next) {
        if (!serves(entry, search->method)) {
            continue;
        }
        candidates++;
        const struct shoal_route *route = &entry->route;
        bool is_named = route->named_only && route->produces;
        int q = is_named ? shoal_accept_named_q(search->accept, route->produces)
                         : shoal_accept_q(search->accept, route->produces);
        if (q > best_q || (q > 0 && q == best_q && is_named && !best->route.named_only)) {
            best = entry;
            best_q = q;
        }
    }
    if (!best) {
        allow_methods(match, node);
        return false;
    }
    match->entry = best;
    match->is_negotiated = candidates > 1;
    memcpy(match->values, search->values, sizeof match->values);
    match->value_count = search->value_count;
    return true;
}

static bool walk(struct search *search, struct node *node, size_t depth)
{
    if (depth == search->path->count) {
        return choose(search, node);
    }
    uint16_t at = search->path->at[depth];
    const char *segment = search->path->text + at;
    for (struct node *child = node->children; child; child = child->sibling) {
        if (strcmp(child->literal, segment) == 0 && walk(search, child, depth + 1)) {
            return true;
        }
    }
    if (search->value_count == SHOAL_PARAM_MAX) {
        return false;
    }
    for (struct node *child = node->prefixed; child; child = child->sibling) {
        size_t length = strlen(child->literal);
        if (strncmp(child->literal, segment, length) != 0 || !segment[length]) {
            continue;
        }
        search->values[search->value_count++] = (uint16_t)(at + length);
        if (walk(search, child, depth + 1)) {
            return true;
        }
        search->value_count--;
    }
    search->values[search->value_count++] = at;
    if (node->param && walk(search, node->param, depth + 1)) {
        return true;
    }
    search->rest_from = depth;
    if (node->rest && choose(search, node->rest)) {
        return true;
    }
    search->value_count--;
    return false;
}

// A rest parameter is the segments from where it began, with their slashes put back.
static void join_rest(struct search *search, struct shoal_match *match)
{
    const struct shoal_entry *entry = match->entry;
    size_t length = strlen(entry->route.path);
    if (length < 5 || memcmp(entry->route.path + length - 4, "...}", 4) != 0) {
        return;
    }
    for (size_t i = search->rest_from + 1; i < search->path->count; i++) {
        match->text[search->path->at[i] - 1] = '/';
    }
}

enum shoal_matched shoal_router_match(struct shoal_router *router, struct shoal_span method,
    struct shoal_span path, struct shoal_span accept, struct shoal_match *match)
{
    struct path cut_path;
    cut_path.count = 0;
    cut_path.text = match->text;
    match->entry = NULL;
    match->value_count = 0;
    match->is_negotiated = match->has_cors = false;
    match->allow[0] = 0;
    enum shoal_matched result = cut(path, match, &cut_path);
    if (result != SHOAL_MATCHED) {
        return result;
    }
    struct search search = {
        .method = method, .accept = accept, .path = &cut_path, .match = match};
    pthread_rwlock_rdlock(&router->lock);
    bool is_found = walk(&search, &router->root, 0);
    pthread_rwlock_unlock(&router->lock);
    if (is_found) {
        join_rest(&search, match);
        return SHOAL_MATCHED;
    }
    return match->allow[0] ? SHOAL_MATCHED_NO_METHOD : SHOAL_MATCHED_NO_PATH;
}
