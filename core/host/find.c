// find.c - finds a plugin's folder and reads its manifest.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "host/config_priv.h"
#include "host/host_priv.h"
#include "host/permissions.h"
#include "host/settings_priv.h"

struct shoal_plugin *shoal_plugin_new(const char *name, const char *folder, bool is_shipped)
{
    struct shoal_plugin *plugin = shoal_alloc(1, sizeof(*plugin));
    plugin->arena = shoal_arena_new(0);
    plugin->folder = shoal_arena_strdup(plugin->arena, folder);
    plugin->id.name = shoal_arena_strdup(plugin->arena, name);
    plugin->id.is_shipped = is_shipped;
    plugin->id.table_prefix = shoal_arena_printf(plugin->arena, "%s_", name);
    return plugin;
}

void shoal_plugin_free(struct shoal_plugin *plugin)
{
    if (plugin) {
        shoal_settings_free(plugin->settings);
        json_decref(plugin->options);
        shoal_arena_free(plugin->arena);
        free(plugin);
    }
}

void shoal_plugin_adopt(struct shoal_plugin *plugin, const struct shoal_manifest *manifest)
{
    plugin->manifest = manifest;
    plugin->id.permissions = manifest->permissions;
    plugin->id.views = shoal_permission_views(plugin->arena, manifest->permissions);
    bool has_tables = shoal_manifest_lists(manifest->permissions, "database");
    plugin->id.table_prefix = has_tables ? plugin->id.table_prefix : NULL;
}

static bool has_manifest(const char *folder)
{
    char path[4096];
    struct stat info;
    int length = snprintf(path, sizeof(path), "%s/plugin.json", folder);
    return length < (int)sizeof(path) && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

struct shoal_plugin *shoal_plugin_discover(const struct shoal_host_options *options, size_t index)
{
    const struct shoal_config_plugin *entry = &options->config->plugins[index];
    char own[4096];
    char shipped[4096];
    snprintf(own, sizeof(own), "%s/plugins/%s", options->config->folder, entry->name);
    snprintf(shipped, sizeof(shipped), "%s/%s",
        options->shipped_plugins ? options->shipped_plugins : "/nonexistent", entry->name);
    bool is_own = has_manifest(own);
    bool is_shipped = !is_own && options->shipped_plugins && has_manifest(shipped);
    struct shoal_plugin *plugin = shoal_plugin_new(entry->name,
        is_own       ? own
        : is_shipped ? shipped
                     : "",
        is_shipped);
    plugin->index = index;
    plugin->options = json_incref(entry->options);
    struct shoal_err err = {0};
    const struct shoal_manifest *manifest = NULL;
    if (!is_own && !is_shipped) {
        shoal_config_fail(&err, entry->line,
            "there is no plugin %s, neither in %s/plugins nor among those that come with the "
            "server",
            entry->name, options->config->folder);
    } else {
        manifest = shoal_manifest_read(plugin->arena, plugin->folder, entry->name, &err);
    }
    if (manifest) {
        shoal_plugin_adopt(plugin, manifest);
    } else {
        snprintf(plugin->sentence, sizeof(plugin->sentence), "%s", err.text);
        atomic_store(&plugin->state, SHOAL_PLUGIN_QUARANTINED);
    }
    return plugin;
}
