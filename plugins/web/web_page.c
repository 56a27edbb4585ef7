// web_page.c - gathers what a page shows: answers of the API, asked for as the visitor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web_priv.h"

#define PAGES_MAX 10000

/// The number in ?page=, from 1.
static int64_t page_number(const json_t *scope)
{
    int64_t number = strtoll(shoal_text(scope, "query.page", "1"), NULL, 10);
    return number < 1 ? 1 : number > PAGES_MAX ? PAGES_MAX : number;
}

/// The page's own address with another page number; the first needs none.
static json_t *page_link(struct shoal_call *call, struct shoal_request *request, const json_t *scope,
    int64_t number)
{
    const char *value = number == 1 ? NULL
                                    : shoal_arena_printf(shoal_call_arena(call), "%lld",
                                          (long long)number);
    return json_string(web_link(call, request, scope, "page", value));
}

/// {previous, next, numbers: [{number, href, current} or {gap}]} for a list of `total`; none for one page.
static json_t *make_pager(struct shoal_call *call, struct shoal_request *request,
    const json_t *scope, int64_t total, int64_t count)
{
    int64_t current = page_number(scope);
    int64_t last = (total + count - 1) / count;
    if (last < 2) {
        return NULL;
    }
    json_t *pager = json_object();
    json_t *numbers = json_array();
    if (current > 1) {
        json_object_set_new(pager, "previous", page_link(call, request, scope, current - 1));
    }
    if (current < last) {
        json_object_set_new(pager, "next", page_link(call, request, scope, current + 1));
    }
    int64_t shown = 0;
    for (int64_t n = 1; n <= last && n <= PAGES_MAX; n++) {
        bool is_near = n == 1 || n == last || (n >= current - 2 && n <= current + 2);
        if (!is_near) {
            n = n < current ? current - 3 : last - 1; // jump over the gap
            continue;
        }
        if (shown != 0 && n != shown + 1) {
            json_array_append_new(numbers, json_pack("{s:b}", "gap", 1));
        }
        json_array_append_new(numbers, json_pack("{s:I, s:o, s:b}", "number", (json_int_t)n, "href",
            page_link(call, request, scope, n), "current", n == current));
        shown = n;
    }
    json_object_set_new(pager, "numbers", numbers);
    return pager;
}

/// {"1": "Music"} as [{key, value}], which a template can walk.
static json_t *as_entries(const json_t *map)
{
    json_t *entries = json_array();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value)
    {
        json_array_append_new(entries, json_pack("{s:s, s:O}", "key", key, "value", value));
    }
    return entries;
}

/// A row of a page's data; "path" alone is short for {"call": path}.
struct wanted {
    const char *call;
    int64_t paged;
    const char *when, *unless;
    bool is_optional, as_entries;
};

static struct wanted read_wanted(const json_t *row)
{
    if (json_is_string(row)) {
        return (struct wanted){.call = json_string_value(row)};
    }
    return (struct wanted){
        .call = shoal_text(row, "call", ""),
        .paged = shoal_integer(row, "paged", 0),
        .when = shoal_text(row, "when", NULL),
        .unless = shoal_text(row, "unless", NULL),
        .is_optional = shoal_flag(row, "optional", false),
        .as_entries = shoal_flag(row, "entries", false),
    };
}

/// The page's error for a status of the API: what an address names and the API does not know, or not
/// even understands, is not found.
static int error_of(const struct wanted *wanted, int status)
{
    bool is_named = strstr(wanted->call, "{path.") != NULL;
    return status == 401   ? SHOAL_EAUTH
           : status == 403 ? SHOAL_EFORBIDDEN
           : status == 404 ? SHOAL_ENOTFOUND
           : status == 503 ? SHOAL_EBUSY
           : status >= 500 ? SHOAL_EINTERNAL
           : is_named      ? SHOAL_ENOTFOUND
                           : SHOAL_EINVAL;
}

/// What the API says about one name of the page's data.
/// Returns: 0 with *value (NULL where it is optional and missing), or an error with the API's sentence.
static int ask(struct shoal_call *call, struct shoal_request *request, const struct wanted *wanted,
    const json_t *scope, json_t **value, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *path = web_expand_call(arena, wanted->call, scope);
    if (wanted->paged > 0) {
        path = shoal_arena_printf(arena, "%s%cstart=%lld&count=%lld", path,
            strchr(path, '?') ? '&' : '?',
            (long long)((page_number(scope) - 1) * wanted->paged), (long long)wanted->paged);
    }
    int status = 0;
    int code = shoal_inprocess_from(call, request, "GET", path, NULL, &status, value, err);
    if (code == 0 && status >= 400) {
        code = shoal_fail_api(err, error_of(wanted, status), shoal_text(*value, "code", ""), "%s",
            shoal_text(*value, "detail", "not found"));
    }
    if (code != 0) {
        json_decref(*value);
        *value = NULL;
        return wanted->is_optional ? 0 : code;
    }
    if (*value && wanted->paged > 0 && json_is_object(*value)) {
        json_t *pager = make_pager(call, request, scope, shoal_integer(*value, "total", 0), wanted->paged);
        if (pager) {
            json_object_set_new(*value, "pager", pager);
        }
    }
    if (*value && wanted->as_entries) {
        json_t *entries = as_entries(*value);
        json_decref(*value);
        *value = entries;
    }
    return 0;
}

/// Fills scope with what every page has: config, instance, user.
static int gather_common(struct shoal_call *call, struct shoal_request *request, json_t *scope,
    struct shoal_err *err)
{
    struct wanted config = {.call = "/api/v1/config"}, about = {.call = "/api/v1/config/about"};
    struct wanted me = {.call = "/api/v1/users/me"};
    json_t *value = NULL;
    int code = ask(call, request, &config, scope, &value, err);
    if (code != 0) {
        return code;
    }
    json_object_set_new(scope, "config", value);
    json_t *instance = json_object();
    json_object_update(instance, json_object_get(value, "instance"));
    if (ask(call, request, &about, scope, &value, NULL) == 0 && value) {
        json_object_update(instance, json_object_get(value, "instance"));
    }
    json_decref(value);
    json_object_set_new(instance, "url", json_string(shoal_url(call, "")));
    json_object_set_new(scope, "instance", instance);
    if (shoal_call_viewer(call)->kind == SHOAL_VIEWER_USER) {
        code = ask(call, request, &me, scope, &value, err);
        if (code == 0) {
            json_object_set_new(scope, "user", value);
        }
    }
    return code;
}

int web_gather(struct shoal_call *call, struct shoal_request *request, const json_t *page,
    json_t *scope, struct shoal_err *err)
{
    const char *name;
    const json_t *row;
    json_object_foreach(json_object_get(page, "data"), name, row)
    {
        struct wanted wanted = read_wanted(row);
        json_t *value = NULL;
        if ((wanted.when && !*shoal_text(scope, wanted.when, "")) ||
            (wanted.unless && shoal_get(scope, wanted.unless))) {
            continue;
        }
        int code = ask(call, request, &wanted, scope, &value, err);
        if (code != 0) {
            return code;
        }
        if (value) {
            json_object_set_new(scope, name, value);
        }
    }
    return 0;
}

/// A video that not everybody may watch gets a token for its media, for the player's addresses.
static void add_media_token(struct shoal_call *call, struct shoal_request *request,
    const json_t *page, json_t *scope)
{
    const char *name = shoal_text(page, "media", NULL);
    const json_t *video = name ? json_object_get(scope, name) : NULL;
    int64_t privacy = shoal_integer(video, "privacy.id", SHOAL_PRIVACY_PUBLIC);
    if (!video || privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED) {
        return;
    }
    struct shoal_err err = {0};
    shoal_answer_private(request);
    json_t *token = shoal_media_token(call, shoal_text(video, "uuid", ""), NULL, "play", &err);
    const char *text = shoal_text(token, "files.token", shoal_text(token, "token", NULL));
    if (text) {
        json_object_set_new(scope, "videoFileToken", json_string(text));
    }
    json_decref(token);
}

/// Values that a form starts with: places in what was gathered, or constants.
static json_t *first_values(const json_t *page, const json_t *scope)
{
    json_t *form = json_object();
    const char *name;
    const json_t *from;
    json_object_foreach(json_object_get(page, "form"), name, from)
    {
        json_t *value =
            json_is_string(from) ? shoal_get(scope, json_string_value(from)) : (json_t *)from;
        if (json_is_array(value)) { // tags, in one field
            struct shoal_buf joined = {0};
            size_t index;
            const json_t *item;
            json_array_foreach(value, index, item)
            {
                shoal_buf_printf(&joined, "%s%s", index > 0 ? ", " : "",
                    json_is_string(item) ? json_string_value(item) : "");
            }
            json_object_set_new(form, name, json_string(joined.data ? joined.data : ""));
            shoal_buf_fini(&joined);
        } else if (value) {
            json_object_set(form, name, value);
        }
    }
    return form;
}

int web_page_with(struct shoal_call *call, struct shoal_request *request, struct web *web,
    const json_t *page, json_t *scope, int status, json_t *errors, json_t *form,
    struct shoal_err *err)
{
    int code = gather_common(call, request, scope, err);
    if (code == 0) {
        code = web_gather(call, request, page, scope, err);
    }
    if (code == 0) {
        code = web_embed_ask(call, request, page, scope, err);
    }
    if (code == 0 && !web_allows(shoal_call_arena(call), page, scope)) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "this is somebody else's");
    }
    if (code != 0) {
        json_decref(errors);
        json_decref(form);
        return code;
    }
    add_media_token(call, request, page, scope);
    json_t *values = first_values(page, scope);
    if (form) {
        json_object_update(values, form);
        json_decref(form);
    }
    json_object_set_new(scope, "form", values);
    if (errors) {
        json_object_set_new(scope, "errors", errors);
    }
    return web_render(call, request, web, page, shoal_text(page, "template", ""), status, scope, err);
}

/// ?lang=fr: remembers the language and comes back without it.
static int switch_language(struct shoal_call *call, struct shoal_request *request, struct web *web,
    const json_t *scope, const char *locale)
{
    const char *chosen = NULL;
    web_theme_texts(web->theme, locale, &chosen);
    shoal_answer_private(request);
    shoal_answer_header(request, "Set-Cookie", shoal_arena_printf(shoal_call_arena(call),
        "shoal_lang=%s; Path=/; Max-Age=31536000; SameSite=Lax", chosen));
    return shoal_answer_redirect(request, 302, web_link(call, request, scope, "lang", NULL));
}

int web_page(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    const struct web_route *route = arg;
    struct shoal_arena *arena = shoal_call_arena(call);
    json_t *scope = web_scope_new(request, json_object_get(route->row, "path"));
    shoal_arena_defer(arena, (void (*)(void *))json_decref, scope);
    const char *locale = shoal_text(scope, "query.lang", "");
    if (*locale) {
        return switch_language(call, request, route->web, scope, locale);
    }
    bool is_user = shoal_call_viewer(call)->kind == SHOAL_VIEWER_USER;
    if (!is_user && strcmp(shoal_text(route->row, "auth", ""), "user") == 0) {
        shoal_answer_private(request);
        return shoal_answer_redirect(request, 302, shoal_arena_printf(arena, "/login?next=%s",
            shoal_url_encode(arena, web_link(call, request, scope, "lang", NULL))));
    }
    return web_page_with(call, request, route->web, route->row, scope, 200, NULL, NULL, err);
}

/// Where a video that is not shown here can be watched: the catalog's sentence ends with it.
static const char *origin_of(const struct shoal_err *why)
{
    const char *at = strstr(why->text, ": http");
    return at && strcmp(why->api_code, "does_not_respect_follow_constraints") == 0 ? at + 2 : "";
}

int web_error_page(struct shoal_call *call, struct shoal_request *request, int status,
    const struct shoal_err *why, void *arg, struct shoal_err *err)
{
    struct web *web = arg;
    json_t *scope = web_scope_new(request, NULL);
    shoal_arena_defer(shoal_call_arena(call), (void (*)(void *))json_decref, scope);
    const char *path = shoal_request_path(request);
    bool is_framed = path && strncmp(path, "/videos/embed/", 14) == 0;
    const json_t *page = is_framed ? web_theme_page(web->theme, "embed") : NULL;
    // An error page shows also where nothing else works.
    if (gather_common(call, request, scope, err) != 0) {
        shoal_warn("an error page lacks its data: %s", err->text);
    }
    json_object_set_new(scope, "error", json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "status", status,
        "title", shoal_error_text(why->code), "code", why->api_code, "origin", origin_of(why), "message", why->text, "sentence",
        status < 500 && status != 404 && status != 401 ? why->text : "", "request_id",
        status < 500 ? "" : shoal_call_id(call)));
    const char *template = shoal_text(page, "error",
        shoal_text(web->theme->manifest, "error", "pages/error"));
    return web_render(call, request, web, page, template, status, scope, err);
}
