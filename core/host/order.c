// order.c - in which order plugins start, and which cannot start together.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "host/host_priv.h"

static bool is_out(const struct shoal_plugin *plugin)
{
    return atomic_load(&plugin->state) == SHOAL_PLUGIN_QUARANTINED;
}

static bool provides(const struct shoal_plugin *plugin, const char *service)
{
    return plugin->manifest && shoal_manifest_lists(plugin->manifest->provides, service);
}

/// The plugin of this name, or one that provides a service of it.
static struct shoal_plugin *find(
    struct shoal_plugin *const *plugins, size_t count, const char *name)
{
    struct shoal_plugin *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(plugins[i]->id.name, name) == 0) {
            return plugins[i];
        }
        if (provides(plugins[i], name) && (!found || is_out(found))) {
            found = plugins[i];
        }
    }
    return found;
}

static void check_conflicts(struct shoal_plugin *const *plugins, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i && !is_out(plugins[i]); j++) {
            bool conflict =
                !is_out(plugins[j]) && plugins[i]->manifest && plugins[j]->manifest &&
                (shoal_manifest_lists(plugins[i]->manifest->conflicts, plugins[j]->id.name) ||
                    shoal_manifest_lists(plugins[j]->manifest->conflicts, plugins[i]->id.name));
            if (conflict) {
                char sentence[256];
                snprintf(sentence, sizeof(sentence),
                    "plugin %s does not go together with %s, which stands before it in shoal.lua",
                    plugins[i]->id.name, plugins[j]->id.name);
                shoal_plugin_set_aside(plugins[i], sentence);
            }
        }
    }
}

/// Adds a name to a list of some in a sentence: "a, b, c".
static void list_add(char *list, size_t room, const char *name)
{
    size_t length = strlen(list);
    snprintf(list + length, room - length, "%s%s", length > 0 ? ", " : "", name);
}

/// All that are not listed are named at once, so that one edit of the file mends it.
bool shoal_plugin_needs_met(
    struct shoal_plugin *plugin, struct shoal_plugin *const *plugins, size_t count)
{
    char sentence[256], absent[160] = "";
    const char *quarantined = NULL;
    int absent_count = 0;
    for (const char *const *need = plugin->manifest ? plugin->manifest->needs : NULL; need && *need;
         need++) {
        const struct shoal_plugin *other = find(plugins, count, *need);
        if (!other) {
            list_add(absent, sizeof(absent), *need);
            absent_count++;
        } else if (is_out(other)) {
            quarantined = quarantined ? quarantined : *need;
        }
    }
    if (absent_count == 0 && !quarantined) {
        return true;
    }
    if (absent_count > 1) {
        snprintf(sentence, sizeof(sentence), "plugin %s needs the plugins %s, which are not in shoal.lua",
            plugin->id.name, absent);
    } else {
        snprintf(sentence, sizeof(sentence), "plugin %s needs the plugin %s, which is %s",
            plugin->id.name, absent_count == 1 ? absent : quarantined,
            absent_count == 1 ? "not in shoal.lua" : "quarantined");
    }
    shoal_plugin_set_aside(plugin, sentence);
    return false;
}

/// Those that miss something; until nobody is found any more, since others may have needed them.
static void check_needs(struct shoal_plugin *const *plugins, size_t count)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < count; i++) {
            if (!is_out(plugins[i]) && !shoal_plugin_needs_met(plugins[i], plugins, count)) {
                again = true;
            }
        }
    }
}

/// Whether a list names a plugin, or a service that it provides.
static bool names(const char *const *list, const struct shoal_plugin *plugin)
{
    for (; list && *list; list++) {
        if (strcmp(*list, plugin->id.name) == 0 || provides(plugin, *list)) {
            return true;
        }
    }
    return false;
}

static bool waits_for(
    const struct shoal_plugin *plugin, struct shoal_plugin *const *rest, size_t count)
{
    const struct shoal_manifest *manifest = plugin->manifest;
    for (size_t i = 0; manifest && i < count; i++) {
        if (rest[i] != plugin &&
            (names(manifest->needs, rest[i]) || names(manifest->after, rest[i]))) {
            return true;
        }
    }
    return false;
}

void shoal_plugins_order(struct shoal_plugin **plugins, size_t count)
{
    check_conflicts(plugins, count);
    check_needs(plugins, count);
    struct shoal_plugin *sorted[SHOAL_PLUGINS_MAX];
    size_t done = 0;
    while (done < count) {
        size_t rest = count - done;
        size_t next = 0;
        while (next < rest && waits_for(plugins[next], plugins, rest)) {
            next++;
        }
        if (next == rest) {
            char sentence[256];
            next = 0;
            snprintf(sentence, sizeof(sentence),
                "plugin %s and others wait for each other in a ring of \"needs\" and \"after\"",
                plugins[0]->id.name);
            shoal_plugin_set_aside(plugins[0], sentence);
        }
        sorted[done++] = plugins[next];
        memmove(&plugins[next], &plugins[next + 1], (rest - next - 1) * sizeof(plugins[0]));
    }
    memcpy(plugins, sorted, count * sizeof(plugins[0]));
}
