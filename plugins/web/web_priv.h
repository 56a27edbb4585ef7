// web_priv.h - the theme as read, and what the parts of the plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef WEB_PRIV_H
#define WEB_PRIV_H
#include <pthread.h>

#include <shoal/plugin.h>

#include <mustache.h>
#include "texts.h"

#define WEB_CHAIN_MAX   8   // a theme and its parents
#define WEB_LOCALES_MAX 64
#define WEB_LAYERS_MAX  40  // these, and folders of plugins below them

/// One compiled template, found by its name below templates/ ("pages/home").
struct web_template {
    struct web_template *next;
    char name[128];
    struct mustache *compiled;
};

/// A theme with its parents laid under it. Never changes once it was read.
struct web_theme {
    char *folders[WEB_LAYERS_MAX]; ///< the theme's own first, then its parents', then plugins'
    bool scripts[WEB_LAYERS_MAX]; ///< whether scripts of that folder are served
    int chain;                    ///< so many folders are the theme's and its parents'
    int depth;
    json_t *manifest;             ///< theme.json of all of them, merged
    struct web_template *templates;
    struct {
        char id[24];
        struct texts *texts;
    } locales[WEB_LOCALES_MAX];
    int locale_count;
    char version[17];             ///< hash over all files that pages load: part of their URL
};

/// The plugin's state.
struct web {
    struct shoal_plugin *self;
    struct web_theme *theme;
    bool is_dev;                  ///< templates are read again for each page
    pthread_mutex_t dev_lock;
    char *vendor_path;
};

/// The libraries of pages as their addresses name them ("vendor/hls.mjs"); NULL ends the list.
extern const char *const web_vendor_names[];

/// What a route of the theme carries: its row of theme.json.
struct web_route {
    struct web *web;
    const json_t *row;
};

// web_theme.c
struct web_theme *web_theme_read(const char *themes_path, const char *name, struct shoal_err *err);
void web_theme_free(struct web_theme *theme);
const struct mustache *web_theme_template(const struct web_theme *theme, const char *name);
const struct texts *web_theme_texts(const struct web_theme *theme, const char *locale,
    const char **chosen);
const json_t *web_theme_page(const struct web_theme *theme, const char *name);
/// The path of a file that a page may load ("style/base.css"), child before parent; in the arena.
const char *web_theme_file(const struct web_theme *theme, struct shoal_arena *arena,
    const char *name);

/// A whole file of at most 4 MiB, NUL-ended; free() it. NULL with err.
char *web_read_file(const char *path, size_t *length, struct shoal_err *err);

json_t *web_read_json(const char *path, struct shoal_err *err);

// web_plugins.c
/// Lays the pages of plugins under a theme that was read: what the theme has itself wins.
void web_theme_add_plugins(struct web_theme *theme);

// web_scope.c
/// {path, query, form, user, config, …}: what paths in theme.json read.
json_t *web_scope_new(struct shoal_request *request, const json_t *path_pattern);
/// Fills "{path.id}" and "{form.next|/}" in; values are percent-encoded unless one is the whole text.
const char *web_expand(struct shoal_arena *arena, const char *text, const json_t *scope);
/// The same for a call of the API: a parameter whose value came out empty is left out.
const char *web_expand_call(struct shoal_arena *arena, const char *text, const json_t *scope);

/// One of the page's conditions under "allow" ("{user.role.id}=0") holds, or it has none.
bool web_allows(struct shoal_arena *arena, const json_t *page, const json_t *scope);
bool web_is_local_path(const char *path);
/// The page's own address with its query, but for `key`, which gets this value (NULL: goes away).
const char *web_link(struct shoal_call *call, struct shoal_request *request, const json_t *scope,
    const char *key, const char *value);

// web_page.c
int web_page(struct shoal_call *call, struct shoal_request *request, void *route,
    struct shoal_err *err);
int web_error_page(struct shoal_call *call, struct shoal_request *request, int status,
    const struct shoal_err *why, void *web, struct shoal_err *err);
/// Renders a page with values that win over what it would gather: {errors, form}; either may be NULL.
int web_page_with(struct shoal_call *call, struct shoal_request *request, struct web *web,
    const json_t *page, json_t *scope, int status, json_t *errors, json_t *form,
    struct shoal_err *err);

/// Asks for what the row's "data" names and puts it into scope; the first failure ends it.
int web_gather(struct shoal_call *call, struct shoal_request *request, const json_t *page,
    json_t *scope, struct shoal_err *err);

// web_slots.c
bool web_slot_is_known(const char *slot);
/// The style sheets or scripts (`what`) that parts of plugins want on a page: a new list.
json_t *web_slots_assets(const struct web_theme *theme, const json_t *page, const char *what);
/// Pours the template of one row into out, with the data that the row names.
typedef int web_pour_fn(void *arg, const char *template, const json_t *data, struct shoal_buf *out,
    struct shoal_err *err);
/// HTML of plugins by slot: what page.data gave for the head first, then what plugins write, then
/// their templates. A part that fails is left out.
json_t *web_slots_fill(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const json_t *page, json_t *data, const json_t *head,
    web_pour_fn *pour, void *arg);

// web_embed.c
/// Asks embed.show where the page is the embed page.
int web_embed_ask(struct shoal_call *call, struct shoal_request *request, const json_t *page,
    const json_t *scope, struct shoal_err *err);

// web_render.c
int web_render(struct shoal_call *call, struct shoal_request *request, struct web *web,
    const json_t *page, const char *template, int status, json_t *data,
    struct shoal_err *err);

// web_action.c
int web_action(struct shoal_call *call, struct shoal_request *request, void *route,
    struct shoal_err *err);

// web_session.c
int web_session_start(struct shoal_call *call, struct shoal_request *request, const json_t *token);
void web_session_end(struct shoal_request *request);

// web_files.c
int web_files_add(struct web *web, struct shoal_err *err);

#endif
