// permissions.c - what a plugin may be allowed, as a closed list with a sentence for each.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/permissions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum value_kind {
    VALUE_NONE,
    VALUE_PATH,
    VALUE_HOST,
    VALUE_PORT,
    VALUE_WORD
};
struct permission {
    const char *name;
    enum value_kind kind;
    const char *sentence; ///< with %s where it has a value
};
static const struct permission permissions[] = {
    {"routes", VALUE_PATH, "answers requests below "},
    {"pages", VALUE_NONE, "adds pages and parts of pages to the site"},
    {"scripts", VALUE_NONE, "adds scripts that run in the visitors' browsers"},
    {"cli", VALUE_NONE, "adds commands to the command line"},
    {"http", VALUE_HOST, "asks other servers: "},
    {"listen", VALUE_PORT, "listens on port "},
    {"process", VALUE_WORD, "starts the program "},
    {"database", VALUE_NONE, "keeps tables of its own in the database"},
    {"read", VALUE_WORD, "reads from the catalog: "},
    {"write", VALUE_WORD, "changes in the catalog: "},
    {"media", VALUE_NONE, "reads and writes media files"},
    {"secrets", VALUE_NONE, "reads secret settings and keys"},
    {"topics", VALUE_NONE, "sends and hears messages between pages, plugins and servers"},
    {"federation", VALUE_NONE, "speaks with other instances in the name of this one"},
    {"moderation.override", VALUE_NONE, "may accept what other plugins would hold or refuse"},
};
#define PERMISSION_COUNT (sizeof(permissions) / sizeof(permissions[0]))

/// Splits "listen:1935"; *value is NULL where there is no colon.
static const struct permission *split(const char *text, const char **value)
{
    size_t length = strcspn(text, ":");
    *value = text[length] == ':' ? text + length + 1 : NULL;
    for (size_t i = 0; i < PERMISSION_COUNT; i++) {
        if (strlen(permissions[i].name) == length &&
            strncmp(permissions[i].name, text, length) == 0) {
            return &permissions[i];
        }
    }
    return NULL;
}

static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/// A name or address, "*." and a name, or an IPv6 address in brackets. "*." alone would be every
/// name that ends in a dot.
static bool host_fits(const char *value)
{
    size_t length = strlen(value);
    if (value[0] == '[') {
        return length > 4 && strspn(value + 1, "0123456789abcdefABCDEF:.") == length - 2 &&
               strchr(value, ':') && value[length - 1] == ']';
    }
    const char *name = strncmp(value, "*.", 2) == 0 ? value + 2 : value;
    return *name && strspn(name, word) == strlen(name);
}

static bool port_fits(const char *value)
{
    return strcmp(value, "any") == 0 ||
           (strlen(value) <= 5 && strspn(value, "0123456789") == strlen(value) &&
               strtol(value, NULL, 10) <= 65535);
}

static bool value_fits(enum value_kind kind, const char *value)
{
    if (kind == VALUE_NONE) {
        return value == NULL;
    }
    if (!value || !*value || strlen(value) > 200) {
        return false;
    }
    switch (kind) {
    case VALUE_PATH:
        return value[0] == '/' && !strstr(value, "..");
    case VALUE_PORT:
        return port_fits(value);
    case VALUE_HOST:
        return host_fits(value);
    default:
        return strspn(value, word) == strlen(value);
    }
}

int shoal_permission_check(const char *permission, struct shoal_err *err)
{
    const char *value = NULL;
    const struct permission *row = split(permission, &value);
    if (!row) {
        return shoal_fail(err, SHOAL_EINVAL, "there is no permission \"%s\"", permission);
    }
    if (!value_fits(row->kind, value)) {
        return shoal_fail(err, SHOAL_EINVAL,
            row->kind == VALUE_NONE   ? "permission \"%s\" has nothing behind a colon"
            : row->kind == VALUE_PATH ? "permission \"%s\" must name a path, like routes:/hello"
            : row->kind == VALUE_PORT ? "permission \"%s\" must name a port, like listen:1935"
                                      : "permission \"%s\" must name one thing behind a colon",
            permission);
    }
    return 0;
}

const char *shoal_permission_sentence(struct shoal_arena *arena, const char *permission)
{
    const char *value = NULL;
    const struct permission *row = split(permission, &value);
    if (!row) {
        return shoal_arena_strdup(arena, permission);
    }
    if (row->kind == VALUE_HOST && value && strcmp(value, "any") == 0) {
        return shoal_arena_strdup(arena, "asks any other server");
    }
    return shoal_arena_printf(arena, "%s%s", row->sentence, value ? value : "");
}

static bool path_within(const char *prefix, const char *path)
{
    size_t length = strlen(prefix);
    while (length > 0 && prefix[length - 1] == '/') {
        length--;
    }
    return strncmp(prefix, path, length) == 0 && (path[length] == 0 || path[length] == '/');
}

static bool host_within(const char *pattern, const char *host)
{
    if (strcmp(pattern, "any") == 0) {
        return true;
    }
    if (strncmp(pattern, "*.", 2) == 0) {
        size_t host_length = strlen(host);
        size_t length = strlen(pattern + 1);
        return host_length > length && strcasecmp(host + host_length - length, pattern + 1) == 0;
    }
    return strcasecmp(pattern, host) == 0;
}

static bool value_matches(enum value_kind kind, const char *given, const char *wanted)
{
    switch (kind) {
    case VALUE_NONE:
        return true;
    case VALUE_PATH:
        return path_within(given, wanted);
    case VALUE_HOST:
        return host_within(given, wanted);
    case VALUE_PORT: {
        const char *colon = strrchr(wanted, ':');
        return strcmp(given, "any") == 0 || strcmp(given, colon ? colon + 1 : wanted) == 0;
    }
    case VALUE_WORD:
        break;
    }
    return strcmp(given, wanted) == 0;
}

bool shoal_permitted(const struct shoal_plugin *plugin, const char *permission, const char *value)
{
    if (!plugin) {
        return true;
    }
    const struct shoal_plugin_id *id = (const struct shoal_plugin_id *)(const void *)plugin;
    for (const char *const *at = id->permissions; at && *at; at++) {
        const char *given = NULL;
        const struct permission *row = split(*at, &given);
        if (row && strcmp(row->name, permission) == 0 &&
            value_matches(row->kind, given, value ? value : "")) {
            return true;
        }
    }
    return false;
}

int shoal_permission_need(const struct shoal_plugin *plugin, const char *permission,
    const char *value, struct shoal_err *err)
{
    if (shoal_permitted(plugin, permission, value)) {
        return 0;
    }
    const struct shoal_plugin_id *id = (const struct shoal_plugin_id *)(const void *)plugin;
    return shoal_fail(err, SHOAL_EFORBIDDEN,
        "plugin %s has no permission \"%s%s%s\" in its plugin.json", id->name, permission,
        value ? ":" : "", value ? value : "");
}

int shoal_permission_call(
    const struct shoal_call *call, const char *permission, const char *value, struct shoal_err *err)
{
    return shoal_permission_need(shoal_call_plugin(call), permission, value, err);
}

const char *const *shoal_permission_views(struct shoal_arena *arena, const char *const *list)
{
    size_t count = 0;
    while (list && list[count]) {
        count++;
    }
    const char **views = shoal_arena_alloc(arena, (count + 1) * sizeof(*views));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const char *noun = strncmp(list[i], "read:", 5) == 0 ? list[i] + 5 : NULL;
        if (noun) {
            size_t length = strlen(noun);
            bool is_plural = length > 1 && noun[length - 1] == 's';
            views[used++] =
                shoal_arena_printf(arena, "v1_%.*s", (int)(length - (is_plural ? 1 : 0)), noun);
        }
    }
    return views;
}
