// web_plugins.c - lays the pages, forms and languages of plugins under the theme.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "web_priv.h"

/// Whether a list has a row of this name, or for this path ("": it has none).
static bool has_row(const json_t *list, const char *name, const char *path)
{
    size_t index;
    const json_t *row;
    json_array_foreach(list, index, row)
    {
        if (strcmp(shoal_text(row, "name", ""), name) == 0 ||
            (*path && strcmp(shoal_text(row, "path", ""), path) == 0)) {
            return true;
        }
    }
    return false;
}

static json_t *list_of(struct web_theme *theme, const char *name)
{
    json_t *list = json_object_get(theme->manifest, name);
    if (!list) {
        list = json_array();
        json_object_set_new(theme->manifest, name, list);
    }
    return list;
}

static void rows_add(struct web_theme *theme, const json_t *manifest, const char *name,
    const struct shoal_pages_folder *from)
{
    json_t *list = list_of(theme, name);
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(manifest, name), index, row)
    {
        const char *id = shoal_text(row, "name", "");
        const char *path = shoal_text(row, "path", "");
        if (!*id || *path != '/' || has_row(list, id, path)) {
            shoal_warn("%s of plugin %s is left out of %s: no name, no path, or there already",
                *id ? id : "a row", from->plugin, name);
            continue;
        }
        json_t *own = json_copy(row);
        json_object_set_new(own, "plugin", json_string(from->plugin));
        json_array_append_new(list, own);
    }
}

/// Parts of pages: of the same name the earlier plugin's.
static void slots_add(
    struct web_theme *theme, const json_t *manifest, const struct shoal_pages_folder *from)
{
    json_t *list = list_of(theme, "slots");
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(manifest, "slots"), index, row)
    {
        const char *id = shoal_text(row, "name", "");
        if (!*id || has_row(list, id, "") || !web_slot_is_known(shoal_text(row, "slot", "")) ||
            !*shoal_text(row, "template", "")) {
            shoal_warn("%s of plugin %s is left out of slots: no name, slot or template, or there already",
                *id ? id : "a row", from->plugin);
            continue;
        }
        json_array_append(list, row);
    }
}

static void locales_add(struct web_theme *theme, const json_t *manifest)
{
    json_t *list = list_of(theme, "locales");
    size_t index, at;
    json_t *locale;
    const json_t *old;
    json_array_foreach(json_object_get(manifest, "locales"), index, locale)
    {
        const char *id = json_string_value(locale);
        bool is_there = !id || strlen(id) >= 24 || json_array_size(list) >= WEB_LOCALES_MAX;
        json_array_foreach(list, at, old)
        {
            is_there = is_there || json_equal(old, locale);
        }
        if (!is_there) {
            json_array_append(list, locale);
        }
    }
}

void web_theme_add_plugins(struct web_theme *theme)
{
    static const char *const lists[] = {"pages", "actions", "redirects"};
    struct shoal_pages_folder folders[WEB_LAYERS_MAX - WEB_CHAIN_MAX];
    size_t count = shoal_pages_folders(folders, sizeof folders / sizeof folders[0]);
    for (size_t i = 0; i < count; i++) {
        struct shoal_err why = {0};
        char own[4096], path[4200];
        snprintf(own, sizeof own, "%s/pages", folders[i].folder);
        snprintf(path, sizeof path, "%s/theme.json", own);
        json_t *manifest = web_read_json(path, &why);
        if (!json_is_object(manifest)) {
            shoal_warn("the pages of plugin %s are left out: %s", folders[i].plugin,
                why.text[0] ? why.text : "theme.json is no object");
            json_decref(manifest);
            continue;
        }
        for (size_t k = 0; k < sizeof lists / sizeof lists[0]; k++) {
            rows_add(theme, manifest, lists[k], &folders[i]);
        }
        slots_add(theme, manifest, &folders[i]);
        locales_add(theme, manifest);
        json_decref(manifest);
        theme->scripts[theme->depth] = folders[i].may_script;
        theme->folders[theme->depth++] = strdup(own);
    }
}
