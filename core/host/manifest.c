// manifest.c - reads and checks plugin.json.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/manifest.h"

#include <stdio.h>
#include <string.h>

#include <shoal/json.h>
#include <shoal/version.h>

#include "base/file.h"
#include "host/manifest_priv.h"
#include "host/permissions.h"

#define FILE_MAX (256u << 10)

int shoal_manifest_fail(struct shoal_err *err, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return shoal_fail(err, SHOAL_EINVAL, "plugin.json: %s", text);
}

bool shoal_manifest_name_valid(const char *name)
{
    static const char *const taken[] = {"core", "host", "instance", "catalog", "shoal", "url",
        "http", "tls", "log", "signup", "user", "video", "fetch", "metrics", "jobs", "plugin",
        "serve", "check", "doctor", "init", "backup", "restore", "hooks", "routes", "version",
        "storage"};
    size_t length = strlen(name);
    if (length < 2 || length > 40 || name[0] < 'a' || name[0] > 'z' ||
        strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length) {
        return false;
    }
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcmp(taken[i], name) == 0) {
            return false;
        }
    }
    return true;
}

bool shoal_manifest_lists(const char *const *list, const char *word)
{
    for (; list && *list; list++) {
        if (strcmp(*list, word) == 0) {
            return true;
        }
    }
    return false;
}

int shoal_manifest_keys(const json_t *object, const char *where, const char *const *known,
    size_t count, struct shoal_err *err)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        bool is_known = false;
        for (size_t i = 0; i < count && !is_known; i++) {
            is_known = strcmp(known[i], key) == 0;
        }
        if (!is_known) {
            const char *nearest = shoal_nearest(key, known, count);
            return shoal_manifest_fail(err, "unknown key \"%s%s%.60s\"%s%s%s", where,
                *where ? "." : "", key, nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                nearest ? "\"?" : "");
        }
    }
    return 0;
}

int shoal_manifest_text(struct shoal_arena *arena, const json_t *object, const char *where,
    const char *key, size_t most, bool needed, const char **out, struct shoal_err *err)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);
    if (!value && !needed) {
        return 0;
    }
    if (!text || !*text || strlen(text) > most) {
        return shoal_manifest_fail(err, "\"%s%s%s\" must be a text of 1 to %zu bytes", where,
            *where ? "." : "", key, most);
    }
    *out = shoal_arena_strdup(arena, text);
    return 0;
}

int shoal_manifest_list(struct shoal_arena *arena, const json_t *root, const char *key,
    const char *const **out, struct shoal_err *err)
{
    const json_t *value = json_object_get(root, key);
    size_t count = json_array_size(value);
    if ((value && !json_is_array(value)) || count > SHOAL_MANIFEST_MOST) {
        return shoal_manifest_fail(err, "\"%s\" must be a list of texts", key);
    }
    const char **list = shoal_arena_alloc(arena, (count + 1) * sizeof(*list));
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text || !*text || strlen(text) > 300) {
            return shoal_manifest_fail(err, "entry %zu of \"%s\" must be a text", i + 1, key);
        }
        list[i] = shoal_arena_strdup(arena, text);
    }
    *out = list;
    return 0;
}

static int check_names(const char *const *list, const char *key, struct shoal_err *err)
{
    for (; *list; list++) {
        if (!shoal_manifest_name_valid(*list)) {
            return shoal_manifest_fail(
                err, "\"%s\" names \"%s\", which is no plugin's name", key, *list);
        }
    }
    return 0;
}

static int read_lists(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err)
{
    struct {
        const char *key;
        const char *const **out;
        bool are_plugins;
    } lists[] = {{"provides", &manifest->provides, false}, {"needs", &manifest->needs, true},
        {"after", &manifest->after, true}, {"conflicts", &manifest->conflicts, true},
        {"routes", &manifest->routes, false}, {"listeners", &manifest->listeners, false},
        {"permissions", &manifest->permissions, false}, {"pages", &manifest->pages, false}};
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        int code = shoal_manifest_list(arena, root, lists[i].key, lists[i].out, err);
        if (code == 0 && lists[i].are_plugins) {
            code = check_names(*lists[i].out, lists[i].key, err);
        }
        if (code < 0) {
            return code;
        }
    }
    for (const char *const *at = manifest->permissions; *at; at++) {
        struct shoal_err inner = {0};
        if (shoal_permission_check(*at, &inner) < 0) {
            return shoal_manifest_fail(err, "%s", inner.text);
        }
    }
    return 0;
}

static int read_hooks(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err)
{
    const json_t *value = json_object_get(root, "hooks");
    size_t count = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    if ((value && !json_is_object(value) && !json_is_array(value)) || count > SHOAL_MANIFEST_MOST) {
        return shoal_manifest_fail(
            err, "\"hooks\" must be a list of names, or names with their priorities");
    }
    struct shoal_manifest_hook *hooks = shoal_arena_alloc(arena, (count + 1) * sizeof(*hooks));
    void *next = json_object_iter((json_t *)(uintptr_t)value);
    for (size_t i = 0; i < count; i++) {
        const char *name =
            next ? json_object_iter_key(next) : json_string_value(json_array_get(value, i));
        const json_t *priority = next ? json_object_iter_value(next) : NULL;
        if (!name || !*name || strlen(name) > 80 || (priority && !json_is_integer(priority))) {
            return shoal_manifest_fail(err, "entry %zu of \"hooks\" must be a name%s", i + 1,
                next ? " with a whole number" : "");
        }
        hooks[i].name = shoal_arena_strdup(arena, name);
        hooks[i].priority = priority ? (int)json_integer_value(priority) : 100;
        next = next ? json_object_iter_next((json_t *)(uintptr_t)value, next) : NULL;
    }
    manifest->hooks = hooks;
    manifest->hook_count = count;
    return 0;
}

bool shoal_manifest_hook_find(
    const struct shoal_manifest *manifest, const char *hook, int *priority)
{
    for (size_t i = 0; i < manifest->hook_count; i++) {
        if (strcmp(manifest->hooks[i].name, hook) == 0) {
            *priority = manifest->hooks[i].priority;
            return true;
        }
    }
    return false;
}

static int check_head(
    const struct shoal_manifest *manifest, const char *name, struct shoal_err *err)
{
    if (!shoal_manifest_name_valid(manifest->name)) {
        return shoal_manifest_fail(err, "\"name\" must be 2 to 40 of a-z, 0-9 and _, a letter "
                                        "first, and not a word of the core");
    }
    if (name && strcmp(manifest->name, name) != 0) {
        return shoal_manifest_fail(
            err, "\"name\" is %s, but its folder is called %s", manifest->name, name);
    }
    if (strspn(manifest->version, "0123456789") == 0) {
        return shoal_manifest_fail(err, "\"version\" must look like 1.0.0");
    }
    if (strcmp(manifest->language, "c") != 0 && strcmp(manifest->language, "lua") != 0) {
        return shoal_manifest_fail(err, "\"language\" must be \"c\" or \"lua\"");
    }
    if (!shoal_version_range_valid(manifest->sdk)) {
        return shoal_manifest_fail(err, "\"sdk\" must be a range like \"^1.0\" or \">=1.0 <2\"");
    }
    if (!shoal_version_in_range(SHOAL_SDK_VERSION, manifest->sdk)) {
        return shoal_manifest_fail(err,
            "it needs SDK %s and this server has %s: take a version of the plugin that is made for "
            "it",
            manifest->sdk, SHOAL_SDK_VERSION);
    }
    return 0;
}

static int read_head(struct shoal_arena *arena, const json_t *root, struct shoal_manifest *manifest,
    struct shoal_err *err)
{
    struct {
        const char *key;
        const char **out;
        size_t most;
    } texts[] = {{"name", &manifest->name, 40}, {"version", &manifest->version, 40},
        {"summary", &manifest->summary, 300}, {"licence", &manifest->licence, 80},
        {"sdk", &manifest->sdk, 60}, {"language", &manifest->language, 8}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int code = shoal_manifest_text(
            arena, root, "", texts[i].key, texts[i].most, true, texts[i].out, err);
        if (code < 0) {
            return code;
        }
    }
    return 0;
}

static int read_root(struct shoal_arena *arena, const json_t *root, const char *name,
    struct shoal_manifest *manifest, struct shoal_err *err)
{
    static const char *const known[] = {"name", "version", "summary", "licence", "sdk", "language",
        "provides", "fires", "needs", "after", "conflicts", "hooks", "routes", "listeners",
        "permissions", "settings", "commands", "pages", "description", "homepage", "authors"};
    if (!json_is_object(root)) {
        return shoal_manifest_fail(err, "it must be an object");
    }
    int code = shoal_manifest_keys(root, "", known, sizeof(known) / sizeof(known[0]), err);
    code = code < 0 ? code : read_head(arena, root, manifest, err);
    code = code < 0 ? code : check_head(manifest, name, err);
    code = code < 0 ? code : read_lists(arena, root, manifest, err);
    code = code < 0 ? code : read_hooks(arena, root, manifest, err);
    code = code < 0 ? code : shoal_manifest_fires(arena, root, manifest, err);
    code = code < 0 ? code : shoal_manifest_settings(arena, root, manifest, err);
    return code < 0 ? code : shoal_manifest_commands(arena, root, manifest, err);
}

struct shoal_manifest *shoal_manifest_parse(struct shoal_arena *arena, const char *text,
    size_t length, const char *name, struct shoal_err *err)
{
    struct shoal_err inner = {0};
    json_t *root = shoal_json_parse(text, length, &inner);
    if (!root) {
        shoal_manifest_fail(err, "%s", inner.text);
        return NULL;
    }
    struct shoal_manifest *manifest = shoal_arena_alloc(arena, sizeof(*manifest));
    int code = read_root(arena, root, name, manifest, err);
    json_decref(root);
    return code < 0 ? NULL : manifest;
}

struct shoal_manifest *shoal_manifest_read(
    struct shoal_arena *arena, const char *folder, const char *name, struct shoal_err *err)
{
    struct shoal_buf text = {.limit = FILE_MAX + 1};
    const char *path = shoal_arena_printf(arena, "%s/plugin.json", folder);
    struct shoal_manifest *manifest = NULL;
    if (shoal_file_read_whole(path, FILE_MAX, &text, err) == 0) {
        manifest = shoal_manifest_parse(arena, text.data ? text.data : "", text.length, name, err);
    }
    shoal_buf_fini(&text);
    return manifest;
}
