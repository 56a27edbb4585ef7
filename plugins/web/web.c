// web.c - the site: pages and forms of a theme, poured from the answers of the API.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "web_priv.h"

static struct shoal_route page_route(const struct web *web, const json_t *row)
{
    return (struct shoal_route){
        .method = "GET",
        .produces = "text/html",
        .handler = web_page,
        .auth = SHOAL_AUTH_OPTIONAL, // the page itself shows strangers the way to the login
        .rate = SHOAL_RATE_PAGE,
        .cache_s = web->is_dev ? 0 : (uint32_t)shoal_integer(row, "cache_s", 0),
    };
}

static struct shoal_route action_route(const struct web *web, const json_t *row)
{
    bool has_files = strcmp(shoal_text(row, "call.body", ""), "through") == 0;
    bool is_users = strcmp(shoal_text(row, "auth", ""), "user") == 0;
    bool is_login = strcmp(shoal_text(row, "session", ""), "start") == 0;
    int64_t files_max = has_files ? shoal_setting_i64(web->self, "form_upload_max") : 0;
    return (struct shoal_route){
        .method = "POST",
        .handler = web_action,
        // Before the body is read: nobody sends gigabytes to be told to log in.
        .auth = is_users ? SHOAL_AUTH_USER : SHOAL_AUTH_OPTIONAL,
        .body = has_files ? SHOAL_BODY_FILES : SHOAL_BODY_DATA,
        .body_max_bytes = (uint64_t)files_max,
        .timeout_ms = has_files ? 120000 : 0,
        .rate = is_login ? SHOAL_RATE_LOGIN : SHOAL_RATE_WRITE,
    };
}

/// An old address leads to the new one.
static int redirect(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)err;
    const struct web_route *route = arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    json_t *scope = web_scope_new(request, json_object_get(route->row, "path"));
    const char *to = web_expand(arena, shoal_text(route->row, "to", "/"), scope);
    const char *query = shoal_request_query_string(request);
    if (shoal_flag(route->row, "keep_query", false) && query && *query) {
        to = shoal_arena_printf(arena, "%s?%s", to, query);
    }
    json_decref(scope);
    return shoal_answer_redirect(request, (int)shoal_integer(route->row, "status", 302), to);
}

static struct shoal_route redirect_route(const struct web *web, const json_t *row)
{
    (void)web;
    (void)row;
    return (struct shoal_route){
        .method = "GET", .produces = "text/html", .handler = redirect, .auth = SHOAL_AUTH_NONE, .rate = SHOAL_RATE_PAGE};
}

/// Each row of a list of theme.json becomes a route.
static int add_rows(struct web *web, const char *list,
    struct shoal_route (*make)(const struct web *web, const json_t *row), struct shoal_err *err)
{
    size_t index;
    const json_t *row;
    int code = 0;
    json_array_foreach(json_object_get(web->theme->manifest, list), index, row)
    {
        struct web_route *arg = shoal_arena_alloc(shoal_plugin_arena(web->self), sizeof *arg);
        *arg = (struct web_route){web, row};
        struct shoal_route route = make(web, row);
        route.path = shoal_text(row, "path", "");
        route.arg = arg;
        code = code == 0 ? shoal_route_add(web->self, &route, err) : code;
        if (code != 0 && json_object_get(row, "plugin")) {
            shoal_warn("%s of plugin %s is left out: %s", route.path, shoal_text(row, "plugin", ""),
                err->text);
            *err = (struct shoal_err){0};
            code = 0;
        }
    }
    return code;
}

/// Visitors get the best of the theme's languages.
static int add_locales(struct web *web, struct shoal_err *err)
{
    int code = 0;
    for (int i = 0; i < web->theme->locale_count && code == 0; i++) {
        code = shoal_locale_add(web->self, web->theme->locales[i].id, err);
    }
    return code;
}

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct web *web = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *web);
    web->self = self;
    web->is_dev = shoal_setting_bool(self, "dev") || getenv("SHOAL_DEV") != NULL;
    pthread_mutex_init(&web->dev_lock, NULL);
    shoal_plugin_keep(self, web);
    web->theme =
        web_theme_read(shoal_instance_path("themes"), shoal_setting_text(self, NULL, "theme"), err);
    if (!web->theme) {
        return err->code;
    }
    int code = add_rows(web, "pages", page_route, err);
    code = code == 0 ? add_rows(web, "actions", action_route, err) : code;
    code = code == 0 ? add_rows(web, "redirects", redirect_route, err) : code;
    code = code == 0 ? add_locales(web, err) : code;
    code = code == 0 ? web_files_add(web, err) : code;
    return code == 0 ? shoal_fallback_set(self, web_error_page, web, err) : code;
}

static void stop(struct shoal_plugin *self)
{
    struct web *web = shoal_plugin_kept(self);
    if (web) {
        web_theme_free(web->theme);
        pthread_mutex_destroy(&web->dev_lock);
    }
}

SHOAL_PLUGIN(.name = "web", .start = start, .stop = stop);
