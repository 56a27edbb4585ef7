// web_scope.c - the paths and places of theme.json: "query.search", "{form.next|/}".
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <ctype.h>
#include <string.h>

#include "web_priv.h"

#define QUERY_KEYS_MAX 32
#define NAME_MAX_BYTES 64

static bool is_plain_name(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-') {
            return false;
        }
    }
    return length > 0 && length < NAME_MAX_BYTES;
}

/// Every plainly named key of the query with its first value.
static json_t *read_query(struct shoal_request *request)
{
    json_t *query = json_object();
    const char *at = shoal_request_query_string(request);
    for (int i = 0; at && *at && i < QUERY_KEYS_MAX; i++) {
        size_t part = strcspn(at, "&");
        size_t length = strcspn(at, "=&");
        if (is_plain_name(at, length)) {
            char name[NAME_MAX_BYTES];
            memcpy(name, at, length);
            name[length] = '\0';
            const char *value = shoal_request_query(request, name);
            json_object_set_new(query, name, json_string(value ? value : ""));
        }
        at += part + (at[part] == '&' ? 1 : 0);
    }
    return query;
}

/// The values of the {names} of a route's pattern.
static json_t *read_path(struct shoal_request *request, const char *pattern)
{
    json_t *values = json_object();
    for (const char *at = strchr(pattern, '{'); at; at = strchr(at, '{')) {
        at++;
        size_t length = strcspn(at, "}.");
        char name[NAME_MAX_BYTES];
        if (length < sizeof name) {
            memcpy(name, at, length);
            name[length] = '\0';
            const char *value = shoal_request_param(request, name);
            if (value) {
                json_object_set_new(values, name, json_string(value));
            }
        }
    }
    return values;
}

json_t *web_scope_new(struct shoal_request *request, const json_t *path_pattern)
{
    const char *pattern = json_string_value(path_pattern);
    json_t *scope = json_object();
    json_object_set_new(scope, "query", read_query(request));
    json_object_set_new(scope, "path", read_path(request, pattern ? pattern : ""));
    return scope;
}

static const char *as_text(struct shoal_arena *arena, const json_t *value)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_STRING:
        return json_string_value(value);
    case JSON_INTEGER:
        return shoal_arena_printf(arena, "%lld", (long long)json_integer_value(value));
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "";
    }
}

/// The value of one place, "path|otherwise".
static const char *value_of(struct shoal_arena *arena, const char *place, size_t length,
    const json_t *scope)
{
    char *path = shoal_arena_strndup(arena, place, length);
    char *otherwise = strchr(path, '|');
    if (otherwise) {
        *otherwise++ = '\0';
    }
    const char *value = as_text(arena, shoal_get(scope, path));
    return *value || !otherwise ? value : otherwise;
}

const char *web_expand(struct shoal_arena *arena, const char *text, const json_t *scope)
{
    size_t whole = strlen(text);
    if (text[0] == '{' && strcspn(text, "}") == whole - 1) {
        return value_of(arena, text + 1, whole - 2, scope);
    }
    const char *out = "";
    while (*text) {
        size_t plain = strcspn(text, "{");
        const char *value = "";
        size_t length = 0;
        if (text[plain] == '{') {
            length = strcspn(text + plain, "}");
            value = shoal_url_encode(arena, value_of(arena, text + plain + 1, length - 1, scope));
            length += text[plain + length] == '}' ? 1 : 0;
        }
        out = shoal_arena_printf(arena, "%s%.*s%s", out, (int)plain, text, value);
        text += plain + length;
    }
    return out;
}

const char *web_expand_call(struct shoal_arena *arena, const char *text, const json_t *scope)
{
    char *path = shoal_arena_strdup(arena, web_expand(arena, text, scope));
    char *query = strchr(path, '?');
    if (!query) {
        return path;
    }
    char *end = query + 1;
    for (const char *at = query + 1; *at;) {
        size_t length = strcspn(at, "&");
        bool is_empty = length == 0 || at[length - 1] == '=';
        bool has_next = at[length] != '\0';
        if (!is_empty) {
            if (end > query + 1) {
                *end++ = '&';
            }
            memmove(end, at, length); // never behind what is still to be read
            end += length;
        }
        at += length + (has_next ? 1 : 0);
    }
    *(end == query + 1 ? query : end) = '\0';
    return path;
}

bool web_allows(struct shoal_arena *arena, const json_t *page, const json_t *scope)
{
    const json_t *conditions = json_object_get(page, "allow");
    size_t index;
    const json_t *row;
    json_array_foreach(conditions, index, row)
    {
        const char *text = web_expand(arena, json_is_string(row) ? json_string_value(row) : "", scope);
        size_t left = strcspn(text, "=");
        if (left > 0 && strlen(text) == 2 * left + 1 && strncmp(text, text + left + 1, left) == 0) {
            return true;
        }
    }
    return conditions == NULL;
}

const char *web_link(struct shoal_call *call, struct shoal_request *request, const json_t *scope,
    const char *key, const char *value)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *link = shoal_request_path(request);
    while (link[0] == '/' && link[1] == '/') {
        link++; // "//example.org" would lead to another site
    }
    const char *name;
    const json_t *old;
    char mark = '?';
    json_object_foreach(json_object_get(scope, "query"), name, old)
    {
        const char *text = json_string_value(old);
        if (strcmp(name, key) != 0 && strcmp(name, "lang") != 0 && text && *text) {
            link = shoal_arena_printf(arena, "%s%c%s=%s", link, mark, name,
                shoal_url_encode(arena, text));
            mark = '&';
        }
    }
    return value ? shoal_arena_printf(arena, "%s%c%s=%s", link, mark, key, value) : link;
}

/// A path of this site: no other host, no scheme, nothing that a browser reads as one.
bool web_is_local_path(const char *path)
{
    if (path[0] != '/' || path[1] == '/' || path[1] == '\\' || strlen(path) > 2000) {
        return false;
    }
    for (const char *at = path; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == '\\') {
            return false;
        }
    }
    return true;
}
