// host_priv.h - the host's own state, and the steps of a plugin's life.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_HOST_PRIV_H
#define SHOAL_CORE_HOST_HOST_PRIV_H
#include "host/host.h"
#include "host/plugin_priv.h"

/// Plugins that one host can have.
#define SHOAL_PLUGINS_MAX 256

struct shoal_host {
    struct shoal_host_options options;
    struct shoal_plugin *plugins[SHOAL_PLUGINS_MAX]; ///< in the order in which they start
    size_t count;
    pthread_mutex_t lock; ///< of sentences and of quarantining
    bool is_started;
};
/// The host of this process; its memory is static.
struct shoal_host *shoal_host_get(void);

// find.c

/// Finds plugin number `index` of the configuration and reads its manifest. Never NULL: one that is
/// broken is quarantined with its sentence.
struct shoal_plugin *shoal_plugin_discover(const struct shoal_host_options *options, size_t index);
struct shoal_plugin *shoal_plugin_new(const char *name, const char *folder, bool is_shipped);
void shoal_plugin_free(struct shoal_plugin *plugin);
/// Takes the parsed manifest over: permissions, views, table prefix.
void shoal_plugin_adopt(struct shoal_plugin *plugin, const struct shoal_manifest *manifest);

// order.c

/// Sorts by needs and after, else as they came; quarantines those that miss something, conflict, or
/// need each other in a ring.
void shoal_plugins_order(struct shoal_plugin **plugins, size_t count);
/// Quarantines those whose needs are not met now. Returns: whether this one may start.
bool shoal_plugin_needs_met(
    struct shoal_plugin *plugin, struct shoal_plugin *const *plugins, size_t count);

// loader.c

/// Checks, migrates, loads and starts one plugin; fixed: its options, checked; taken.
/// On failure everything that it registered is gone.
int shoal_plugin_start(
    struct shoal_plugin *plugin, json_t *fixed, bool is_cli, struct shoal_err *err);
void shoal_plugin_stop(struct shoal_plugin *plugin);
/// Removes all that a plugin registered, but not that it goes on with what was held. with_stubs: its fail-closed
/// decides go on answering hold. with_routes: before the server runs, when nobody looks routes up.
void shoal_plugin_unregister(struct shoal_plugin *plugin, bool with_stubs, bool with_routes);

// quarantine.c

/// Says why a plugin is left out, in its state, the log and health.changed.
void shoal_plugin_set_aside(struct shoal_plugin *plugin, const char *sentence);

#endif
