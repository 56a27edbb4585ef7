// language_c.c - plugins that are shared objects: loaded once, checked, never unloaded.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dlfcn.h>
#include <string.h>

#include "host/language.h"
#include "host/plugin_priv.h"

static int check_abi(const struct shoal_plugin *plugin,
    const struct shoal_plugin_descriptor *descriptor, struct shoal_err *err)
{
    const char *name = plugin->id.name;
    size_t least = offsetof(struct shoal_plugin_descriptor, stop) + sizeof(descriptor->stop);
    if (descriptor->abi_major != SHOAL_ABI_MAJOR) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED,
            "plugin %s was built for version %d of the plugin interface and this server has %d: "
            "take a "
            "build of it that is made for this server",
            name, descriptor->abi_major, SHOAL_ABI_MAJOR);
    }
    if (descriptor->abi_minor > SHOAL_ABI_MINOR) {
        return shoal_fail(err, SHOAL_EUNSUPPORTED,
            "plugin %s was built for version %d.%d of the plugin interface and this server has "
            "%d.%d: "
            "upgrade the server or take an older build of the plugin",
            name, descriptor->abi_major, descriptor->abi_minor, SHOAL_ABI_MAJOR, SHOAL_ABI_MINOR);
    }
    if (descriptor->size < least || !descriptor->name || !descriptor->start) {
        return shoal_fail(err, SHOAL_EINVAL,
            "plugin %s exports a descriptor without a name or a start function", name);
    }
    if (strcmp(descriptor->name, name) != 0) {
        return shoal_fail(
            err, SHOAL_EINVAL, "plugin %s calls itself %s in its code", name, descriptor->name);
    }
    return 0;
}

static int load(struct shoal_plugin *plugin, struct shoal_err *err)
{
    if (!plugin->descriptor) {
        const char *path =
            shoal_arena_printf(plugin->arena, "%s/%s.so", plugin->folder, plugin->id.name);
        void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        const char *why = handle ? NULL : dlerror();
        if (!handle) {
            return shoal_fail(err, SHOAL_EINVAL, "plugin %s cannot be loaded: %s", plugin->id.name,
                why ? why : "unknown reason");
        }
        plugin->descriptor = dlsym(handle, "shoal_plugin_descriptor");
    }
    if (!plugin->descriptor) {
        return shoal_fail(err, SHOAL_EINVAL,
            "plugin %s exports no descriptor: its code lacks SHOAL_PLUGIN(...)", plugin->id.name);
    }
    return check_abi(plugin, plugin->descriptor, err);
}

static int start(struct shoal_plugin *plugin, struct shoal_err *err)
{
    return plugin->descriptor->start(plugin, err);
}

static void stop(struct shoal_plugin *plugin)
{
    if (plugin->descriptor->stop) {
        plugin->descriptor->stop(plugin);
    }
}

const struct shoal_language shoal_language_c = {
    .name = "c",
    .suffix = ".so",
    .load = load,
    .start = start,
    .stop = stop,
};
