// language.h - the seam for what plugins are written in.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_LANGUAGE_H
#define SHOAL_CORE_HOST_LANGUAGE_H
#include <shoal/error.h>

struct shoal_plugin;

/// One language. The host has read and checked the manifest, migrated the plugin's tables and
/// opened its settings before load(); pins were checked. Everything that start() registers through
/// the SDK's functions is removed by the host. A listener that fails: tells and filters return a
/// negative error, decides SHOAL_VERDICT_FAILED.
struct shoal_language {
    const char *name;   ///< as in plugin.json
    const char *suffix; ///< of its code file: ".so", ".lua"
    /// Makes it ready, running none of its hooks. A negative error quarantines it.
    int (*load)(struct shoal_plugin *plugin, struct shoal_err *err);
    /// Runs its start, which registers everything.
    int (*start)(struct shoal_plugin *plugin, struct shoal_err *err);
    /// Its last call, or NULL. Nothing of it runs any more.
    void (*stop)(struct shoal_plugin *plugin);
    /// After stop(), or after a start that failed: frees what load() made. Or NULL.
    void (*unload)(struct shoal_plugin *plugin);
};
extern const struct shoal_language shoal_language_c;
extern const struct shoal_language shoal_language_lua;

const struct shoal_language *shoal_language_find(const char *name);

#endif
