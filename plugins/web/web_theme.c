// web_theme.c - reads a theme and its parents: theme.json, templates, locales.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "web_priv.h"

#define FILE_MAX_BYTES (4 * 1024 * 1024)
#define FILES_MAX      2000
#define DEPTH_MAX      8

char *web_read_file(const char *path, size_t *length, struct shoal_err *err)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        shoal_fail(err, SHOAL_ENOTFOUND, "%s: %s", path, fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    char *text = facts.st_size <= FILE_MAX_BYTES ? calloc(1, (size_t)facts.st_size + 1) : NULL;
    ssize_t got = text ? read(fd, text, (size_t)facts.st_size) : -1;
    close(fd);
    if (got != facts.st_size) {
        free(text);
        shoal_fail(err, SHOAL_EIO, "%s cannot be read, or is larger than 4 MiB", path);
        return NULL;
    }
    *length = (size_t)got;
    return text;
}

json_t *web_read_json(const char *path, struct shoal_err *err)
{
    size_t length = 0;
    char *text = web_read_file(path, &length, err);
    if (!text) {
        return NULL;
    }
    struct shoal_err why = {0};
    json_t *value = shoal_json_parse(text, length, &why);
    free(text);
    if (!value) {
        shoal_fail(err, SHOAL_EINVAL, "%s: %s", path, why.text);
    }
    return value;
}

/// Rows of a child replace the parent's of the same name; new ones are added.
static void merge_rows(json_t *manifest, const json_t *child, const char *list)
{
    json_t *base = json_object_get(manifest, list);
    if (!base) {
        base = json_array();
        json_object_set_new(manifest, list, base);
    }
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(child, list), index, row)
    {
        size_t at;
        json_t *old;
        bool is_new = true;
        json_array_foreach(base, at, old)
        {
            if (strcmp(shoal_text(old, "name", "-"), shoal_text(row, "name", "")) == 0) {
                json_array_set(base, at, row);
                is_new = false;
                break;
            }
        }
        if (is_new) {
            json_array_append(base, row);
        }
    }
}

/// Lays a child's manifest on what its parents gave: lists of styles and scripts grow at the end.
static void merge_manifest(json_t *manifest, const json_t *child)
{
    const char *const rows[] = {"pages", "actions", "redirects"};
    const char *const lists[] = {"styles", "layout_scripts", "locales"};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        merge_rows(manifest, child, rows[i]);
    }
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        json_t *base = json_object_get(manifest, lists[i]);
        json_t *more = json_object_get(child, lists[i]);
        if (!base) {
            base = json_array();
            json_object_set_new(manifest, lists[i], base);
        }
        size_t index, at;
        json_t *item, *old;
        json_array_foreach(more, index, item)
        {
            bool is_there = false;
            json_array_foreach(base, at, old)
            {
                is_there = is_there || json_equal(old, item);
            }
            if (!is_there) {
                json_array_append(base, item);
            }
        }
    }
    const char *const words[] = {"name", "version", "summary", "error"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (json_object_get(child, words[i])) {
            json_object_set(manifest, words[i], json_object_get(child, words[i]));
        }
    }
}

static bool is_theme_name(const char *name)
{
    return name && *name && strlen(name) < 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/// Reads theme.json of a theme, its parents first.
static int read_chain(struct web_theme *theme, const char *themes_path, const char *name,
    struct shoal_err *err)
{
    char own[4096], path[4200];
    if (!is_theme_name(name)) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%s\" is not the name of a theme", name ? name : "");
    }
    if (theme->depth == WEB_CHAIN_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "theme %s has more than %d parents", name, WEB_CHAIN_MAX);
    }
    // A theme of the instance wins over one of the same name that comes with the server.
    const char *data = shoal_instance_path("data");
    snprintf(own, sizeof own, "%s/themes/%s", data ? data : "", name);
    snprintf(path, sizeof path, "%s/theme.json", own);
    if (!data || access(path, R_OK) != 0) {
        snprintf(own, sizeof own, "%s/%s", themes_path, name);
        snprintf(path, sizeof path, "%s/theme.json", own);
    }
    json_t *manifest = web_read_json(path, err);
    if (!manifest) {
        return err->code;
    }
    theme->scripts[theme->depth] = true;
    theme->folders[theme->depth++] = strdup(own);
    const char *parent = shoal_text(manifest, "parent", NULL);
    int code = parent ? read_chain(theme, themes_path, parent, err) : 0;
    if (code == 0) {
        merge_manifest(theme->manifest, manifest);
    }
    json_decref(manifest);
    return code;
}

static int compile(struct web_theme *theme, const char *path, const char *name,
    struct shoal_err *err)
{
    if (web_theme_template(theme, name)) {
        return 0; // the child has its own
    }
    size_t length = 0;
    char *text = web_read_file(path, &length, err);
    if (!text) {
        return err->code;
    }
    struct mustache_error why = {0};
    struct mustache *compiled = mustache_parse(name, text, length, &why);
    free(text);
    if (!compiled) {
        return shoal_fail(err, SHOAL_EINVAL, "template %s", why.text);
    }
    struct web_template *template = calloc(1, sizeof *template);
    snprintf(template->name, sizeof template->name, "%s", name);
    template->compiled = compiled;
    template->next = theme->templates;
    theme->templates = template;
    return 0;
}

/// Calls each for every file below folder; names are relative ("pages/home.mustache").
static int walk(const char *folder, const char *prefix, int depth, int *budget,
    int (*each)(void *user, const char *path, const char *name, struct shoal_err *err), void *user,
    struct shoal_err *err)
{
    DIR *dir = depth < DEPTH_MAX ? opendir(folder) : NULL;
    if (!dir) {
        return 0;
    }
    int code = 0;
    for (struct dirent *entry = readdir(dir); entry && code == 0; entry = readdir(dir)) {
        char path[4096], name[512];
        struct stat facts;
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "node_modules") == 0) {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        snprintf(name, sizeof name, "%s%s", prefix, entry->d_name);
        if (stat(path, &facts) != 0) {
            continue;
        }
        if (S_ISDIR(facts.st_mode)) {
            char below[520];
            snprintf(below, sizeof below, "%s/", name);
            code = walk(path, below, depth + 1, budget, each, user, err);
        } else if (--*budget < 0) {
            code = shoal_fail(err, SHOAL_EINVAL, "%s holds more than %d files", folder, FILES_MAX);
        } else {
            code = each(user, path, name, err);
        }
    }
    closedir(dir);
    return code;
}

static int each_template(void *user, const char *path, const char *name, struct shoal_err *err)
{
    const char *end = strrchr(name, '.');
    char bare[128];
    if (!end || strcmp(end, ".mustache") != 0 || (size_t)(end - name) >= sizeof bare) {
        return 0;
    }
    snprintf(bare, sizeof bare, "%.*s", (int)(end - name), name);
    return compile(user, path, bare, err);
}

static int read_locales(struct web_theme *theme, struct shoal_err *err)
{
    size_t index;
    const json_t *id;
    json_array_foreach(json_object_get(theme->manifest, "locales"), index, id)
    {
        const char *locale = json_string_value(id);
        json_t *tree = json_object();
        // English lies under every language, the parents' texts under the child's.
        const char *const layers[] = {"en", locale};
        for (int layer = 0; layer < 2; layer++) {
            for (int i = theme->depth - 1; i >= 0; i--) {
                char path[4200];
                snprintf(path, sizeof path, "%s/locales/%s.json", theme->folders[i], layers[layer]);
                if (access(path, R_OK) != 0) {
                    continue;
                }
                json_t *texts = web_read_json(path, err);
                if (!texts && i >= theme->chain) {
                    shoal_warn("texts of a plugin are left out: %s", err->text);
                    *err = (struct shoal_err){0};
                    continue;
                }
                if (!texts) {
                    json_decref(tree);
                    return err->code;
                }
                texts_merge(tree, texts);
                json_decref(texts);
            }
        }
        if (theme->locale_count == WEB_LOCALES_MAX || strlen(locale) >= 24) {
            json_decref(tree);
            return shoal_fail(err, SHOAL_EINVAL, "too many locales, or \"%s\" is not one", locale);
        }
        snprintf(theme->locales[theme->locale_count].id, 24, "%s", locale);
        theme->locales[theme->locale_count++].texts = texts_new(locale, tree);
        json_decref(tree);
    }
    return theme->locale_count > 0
               ? 0
               : shoal_fail(err, SHOAL_EINVAL, "the theme's theme.json lists no locale");
}

static uint64_t fnv1a(uint64_t sum, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        sum = (sum ^ (unsigned char)bytes[i]) * 1099511628211u;
    }
    return sum;
}

/// Names and contents, so that the same files have the same address on every machine.
static int each_hashed(void *user, const char *path, const char *name, struct shoal_err *err)
{
    uint64_t *hash = user;
    size_t length = 0;
    char *text = web_read_file(path, &length, err);
    if (!text) {
        return err ? err->code : SHOAL_EIO;
    }
    uint64_t sum = fnv1a(14695981039346656037u, name, strlen(name) + 1);
    *hash += fnv1a(sum, text, length); // the order of a folder's files does not matter
    free(text);
    return 0;
}

const char *const web_vendor_names[] = {
    "vendor/hls.mjs", "vendor/p2p-core.mjs", "vendor/p2p-hls.mjs", NULL};

/// The player's libraries are served below the same address.
static void hash_vendor(uint64_t *hash)
{
    const char *vendor = shoal_instance_path("vendor");
    for (int i = 0; vendor && web_vendor_names[i]; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", vendor, web_vendor_names[i] + strlen("vendor/"));
        if (access(path, R_OK) == 0) {
            each_hashed(hash, path, web_vendor_names[i], NULL);
        }
    }
}

struct web_theme *web_theme_read(const char *themes_path, const char *name, struct shoal_err *err)
{
    struct web_theme *theme = calloc(1, sizeof *theme);
    uint64_t hash = 0;
    theme->manifest = json_object();
    int code = read_chain(theme, themes_path, name, err);
    theme->chain = theme->depth;
    if (code == 0) {
        web_theme_add_plugins(theme);
    }
    for (int i = 0; i < theme->depth && code == 0; i++) {
        char path[4200];
        int budget = FILES_MAX;
        snprintf(path, sizeof path, "%s/templates", theme->folders[i]);
        code = walk(path, "", 0, &budget, each_template, theme, err);
        if (code != 0 && i >= theme->chain) {
            shoal_warn("templates of a plugin are left out: %s", err->text);
            *err = (struct shoal_err){0};
            code = 0;
        }
        budget = FILES_MAX;
        if (code == 0) {
            code = walk(theme->folders[i], "", 0, &budget, each_hashed, &hash, err);
        }
    }
    hash_vendor(&hash);
    if (code == 0) {
        code = read_locales(theme, err);
    }
    if (code != 0) {
        web_theme_free(theme);
        return NULL;
    }
    snprintf(theme->version, sizeof theme->version, "%012" PRIx64, hash & 0xffffffffffffu);
    return theme;
}

void web_theme_free(struct web_theme *theme)
{
    if (!theme) {
        return;
    }
    while (theme->templates) {
        struct web_template *next = theme->templates->next;
        mustache_free(theme->templates->compiled);
        free(theme->templates);
        theme->templates = next;
    }
    for (int i = 0; i < theme->locale_count; i++) {
        texts_free(theme->locales[i].texts);
    }
    for (int i = 0; i < theme->depth; i++) {
        free(theme->folders[i]);
    }
    json_decref(theme->manifest);
    free(theme);
}

const struct mustache *web_theme_template(const struct web_theme *theme, const char *name)
{
    for (const struct web_template *at = theme->templates; at; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at->compiled;
        }
    }
    return NULL;
}

const struct texts *web_theme_texts(const struct web_theme *theme, const char *locale,
    const char **chosen)
{
    for (int i = 0; locale && i < theme->locale_count; i++) {
        if (strcmp(theme->locales[i].id, locale) == 0) {
            *chosen = theme->locales[i].id;
            return theme->locales[i].texts;
        }
    }
    *chosen = theme->locales[0].id;
    return theme->locales[0].texts;
}

const json_t *web_theme_page(const struct web_theme *theme, const char *name)
{
    size_t index;
    const json_t *row;
    json_array_foreach(json_object_get(theme->manifest, "pages"), index, row)
    {
        if (strcmp(shoal_text(row, "name", ""), name) == 0) {
            return row;
        }
    }
    return NULL;
}

const char *web_theme_file(const struct web_theme *theme, struct shoal_arena *arena,
    const char *name)
{
    static const char *const folders[] = {"style/", "scripts/", "images/", "fonts/"};
    bool is_public = false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        is_public = is_public || strncmp(name, folders[i], strlen(folders[i])) == 0;
    }
    if (!is_public || strstr(name, "..") || strlen(name) > 200) {
        return NULL;
    }
    for (int i = 0; i < theme->depth; i++) {
        if (!theme->scripts[i] && strncmp(name, "scripts/", 8) == 0) {
            continue;
        }
        const char *path = shoal_arena_printf(arena, "%s/%s", theme->folders[i], name);
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    return NULL;
}
