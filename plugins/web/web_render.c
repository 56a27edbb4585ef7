// web_render.c - data and a template become a page with its headers.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "web_priv.h"

/// Scripts and styles are ours alone; media and pictures may come from other instances and storages.
#define CSP_PAGE                                                                                   \
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; "      \
    "media-src 'self' blob: https: http:; connect-src 'self' https: http: wss: ws:; "             \
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "

struct rendering {
    const struct web_theme *theme;
    struct texts_view texts;
};

static const struct mustache *find_partial(void *self, const char *name)
{
    return web_theme_template(((struct rendering *)self)->theme, name);
}

/// The calls of templates: texts, and {{{markdown:…}}}.
static int answer_call(void *self, const struct mustache_call *what, struct mustache_buffer *out)
{
    struct rendering *rendering = self;
    if (strcmp(what->name, "markdown") != 0) {
        return texts_call(&rendering->texts, what, out);
    }
    const char *text = what->count > 0 ? json_string_value(what->args[0].value) : NULL;
    struct shoal_buf html = {0};
    int code = text ? shoal_markdown(&html, text) : 0;
    mustache_put(out, html.data ? html.data : "", html.length);
    shoal_buf_fini(&html);
    return code == 0 ? 0 : -1;
}

/// Every page's files of that kind, the page's own and those of its parts, as addresses that change with
/// the theme ("styles": "style/a.css" below /assets/VERSION/).
static json_t *asset_list(struct shoal_arena *arena, const char *prefix,
    const struct web_theme *theme, const char *every, const json_t *page, const char *own)
{
    json_t *list = json_array();
    json_t *parts = web_slots_assets(theme, page, own);
    const json_t *const sources[] = {
        json_object_get(theme->manifest, every), json_object_get(page, own), parts};
    for (int i = 0; i < 3; i++) {
        size_t index;
        const json_t *name;
        json_array_foreach(sources[i], index, name)
        {
            json_array_append_new(list,
                json_string(shoal_arena_printf(arena, "%s/%s", prefix, json_string_value(name))));
        }
    }
    json_decref(parts);
    return list;
}

/// The page in the theme's other languages.
static json_t *locale_links(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const json_t *data, const char *current)
{
    json_t *list = json_array();
    for (int i = 0; i < theme->locale_count; i++) {
        const char *id = theme->locales[i].id;
        const json_t *label = texts_find(theme->locales[i].texts, "language");
        const char *href = web_link(call, request, data, "lang", id);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "id", id, "label",
            json_is_string(label) ? json_string_value(label) : id, "href", href, "current",
            strcmp(id, current) == 0));
    }
    return list;
}

/// What templates read under "page".
static json_t *page_facts(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const json_t *page, const char *locale, const json_t *data)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *path = shoal_request_path(request);
    const char *query = shoal_request_query_string(request);
    const char *asset = shoal_text(data, "asset", "");
    json_t *facts = json_object();
    json_object_set_new(facts, "name", json_string(shoal_text(page, "name", "error")));
    json_object_set_new(facts, "path", json_string(path));
    json_object_set_new(facts, "url", json_string(query && *query
            ? shoal_arena_printf(arena, "%s?%s", path, query) : path));
    json_object_set_new(facts, "canonical", json_string(shoal_url(call, path)));
    json_object_set_new(facts, "locale", json_string(locale));
    bool is_rtl = strncmp(locale, "ar", 2) == 0 || strncmp(locale, "he", 2) == 0 ||
                  strncmp(locale, "fa", 2) == 0;
    json_object_set_new(facts, "dir", json_string(is_rtl ? "rtl" : "ltr"));
    json_object_set_new(facts, "locales", locale_links(call, request, theme, data, locale));
    json_object_set_new(
        facts, "styles", asset_list(arena, asset, theme, "styles", page, "styles"));
    json_object_set_new(
        facts, "scripts", asset_list(arena, asset, theme, "layout_scripts", page, "scripts"));
    json_object_set(facts, "query", json_object_get(data, "query"));
    if (shoal_text(page, "robots", NULL)) {
        json_object_set(facts, "robots", json_object_get(page, "robots"));
    }
    return facts;
}

static void set_headers(struct shoal_request *request, const json_t *page, const char *locale)
{
    bool is_framed = shoal_flag(page, "framed", false);
    shoal_answer_header(request, "Content-Security-Policy",
        is_framed ? CSP_PAGE "frame-ancestors *" : CSP_PAGE "frame-ancestors 'none'");
    if (!is_framed) {
        shoal_answer_header(request, "X-Frame-Options", "DENY");
    }
    shoal_answer_header(request, "Referrer-Policy", "strict-origin-when-cross-origin");
    shoal_answer_header(request, "Content-Language", locale);
}

/// Lets plugins change data and add to the head: the filter page.data.
/// Returns: a list of HTML texts for the head, new; NULL where nobody listens.
static json_t *filter_data(struct shoal_call *call, struct shoal_request *request,
    const char *template, json_t *data)
{
    if (!shoal_hook_heard("page.data")) {
        return NULL;
    }
    json_t *value = json_pack("{s:s, s:s, s:O, s:[]}", "path", shoal_request_path(request),
        "template", template, "data", data, "head");
    shoal_fire_filter(call, "page.data", &value);
    json_t *changed = json_object_get(value, "data");
    if (json_is_object(changed) && changed != data) {
        json_object_update(data, changed);
    }
    json_t *head = json_incref(json_object_get(value, "head"));
    json_decref(value);
    return head;
}

/// The visitor's texts: by the cookie of the language links, else by what the browser prefers.
static const struct texts *visitors_texts(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const char **locale)
{
    const char *cookie = shoal_request_cookie(request, "shoal_lang");
    const struct texts *texts = web_theme_texts(theme, cookie, locale);
    bool is_kept = cookie && strcmp(cookie, *locale) == 0;
    return is_kept ? texts : web_theme_texts(theme, shoal_call_locale(call), locale);
}

static int fill(struct rendering *rendering, const char *template, const json_t *data,
    struct mustache_buffer *out, struct shoal_err *err)
{
    const struct mustache *compiled = web_theme_template(rendering->theme, template);
    if (!compiled) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the theme has no template \"%s\"", template);
    }
    struct mustache_options options = {
        .self = rendering, .partial = find_partial, .call = answer_call};
    struct mustache_error why = {0};
    return mustache_render(compiled, data, &options, out, &why) == 0
               ? 0
               : shoal_fail(err, SHOAL_EINTERNAL, "template %s", why.text);
}

/// A web_pour_fn: the part of a page that a plugin's template makes.
static int pour_part(void *arg, const char *template, const json_t *data, struct shoal_buf *out,
    struct shoal_err *err)
{
    struct mustache_buffer part = {0};
    int code = fill(arg, template, data, &part, err);
    code = code == 0 && part.length > 0 ? shoal_buf_add(out, part.data, part.length) : code;
    mustache_buffer_fini(&part);
    return code;
}

static int pour(struct shoal_call *call, struct shoal_request *request,
    const struct web_theme *theme, const json_t *page, const char *template, int status,
    json_t *data, struct shoal_err *err)
{
    const char *locale = NULL;
    const struct texts *texts = visitors_texts(call, request, theme, &locale);
    struct rendering rendering = {theme, {texts, shoal_now_ms()}};
    json_object_set_new(data, "asset",
        json_string(shoal_arena_printf(shoal_call_arena(call), "/assets/%s", theme->version)));
    json_object_set_new(data, "page", page_facts(call, request, theme, page, locale, data));
    json_object_set_new(data, "csrf", json_string(shoal_csrf(call, request)));
    json_t *head = filter_data(call, request, template, data);
    json_object_set_new(data, "slots",
        web_slots_fill(call, request, theme, page, data, head, pour_part, &rendering));
    json_decref(head);

    struct mustache_buffer out = {0};
    int code = fill(&rendering, template, data, &out, err);
    if (code == 0) {
        set_headers(request, page, locale);
        code = shoal_answer_bytes(request, status, "text/html; charset=utf-8", out.data, out.length);
    }
    mustache_buffer_fini(&out);
    return code;
}

int web_render(struct shoal_call *call, struct shoal_request *request, struct web *web,
    const json_t *page, const char *template, int status, json_t *data,
    struct shoal_err *err)
{
    if (!web->is_dev) {
        return pour(call, request, web->theme, page, template, status, data, err);
    }
    // While a theme is being made, an edit shows with the next page.
    struct web_theme *fresh = web_theme_read(shoal_instance_path("themes"),
        shoal_setting_text(web->self, call, "theme"), err);
    if (!fresh) {
        return err->code;
    }
    int code = pour(call, request, fresh, page, template, status, data, err);
    web_theme_free(fresh);
    return code;
}
