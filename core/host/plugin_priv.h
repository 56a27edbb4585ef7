// plugin_priv.h - one plugin, as the host and the bindings of its language see it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_PLUGIN_PRIV_H
#define SHOAL_CORE_HOST_PLUGIN_PRIV_H
#include <pthread.h>
#include <stdatomic.h>

#include <shoal/plugin.h>

#include "base/context.h"
#include "host/manifest.h"

struct shoal_language;
struct shoal_settings;

enum shoal_plugin_state {
    SHOAL_PLUGIN_OFF = 0,      ///< found, not started
    SHOAL_PLUGIN_STARTING = 1, ///< inside start(): it may register
    SHOAL_PLUGIN_RUNNING = 2,
    SHOAL_PLUGIN_QUARANTINED = 3, ///< left out; its sentence says why
};

struct shoal_plugin {
    struct shoal_plugin_id id;             ///< first: rooms below the host see this alone
    struct shoal_arena *arena;             ///< lives as long as the host
    const struct shoal_manifest *manifest; ///< NULL where it could not be read
    const char *folder;
    const struct shoal_plugin_descriptor *descriptor; ///< of a C plugin once loaded
    const struct shoal_language *language;
    void *language_state; ///< of its language's binding
    void *kept;           ///< shoal_plugin_keep()
    const char *data_path;
    json_t *options; ///< from shoal.lua
    size_t index;    ///< its place in shoal.lua, from 0
    struct shoal_settings *settings;
    _Atomic(int) state;  ///< enum shoal_plugin_state
    char sentence[512];  ///< why it is quarantined; written before state, under the host's lock
    atomic_uint strikes; ///< calls that took longer than their budget or failed
    bool is_builtin;     ///< linked into the program: tests
    struct shoal_plugin *next; ///< in the order of start
};

/// What a hook listener of a language returns from a decide when it failed: the hook's failure rule
/// then counts.
#define SHOAL_VERDICT_FAILED ((enum shoal_verdict)99)

/// Whether the plugin may register things now: inside its start().
int shoal_plugin_may_register(
    const struct shoal_plugin *plugin, const char *what, struct shoal_err *err);
bool shoal_plugin_runs(const struct shoal_plugin *plugin);
/// The plugin of a name, or NULL. They stay until the host stops.
struct shoal_plugin *shoal_plugin_find(const char *name);

#endif
