// permissions.h - the closed list of what a plugin may be allowed.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_PERMISSIONS_H
#define SHOAL_CORE_HOST_PERMISSIONS_H
#include <shoal/arena.h>
#include <shoal/error.h>

#include "base/context.h"

/// Whether a manifest may ask for this ("listen:1935").
/// Returns: 0, or SHOAL_EINVAL with a sentence.
int shoal_permission_check(const char *permission, struct shoal_err *err);
/// What an administrator reads: "listens on port 1935".
const char *shoal_permission_sentence(struct shoal_arena *arena, const char *permission);

/// Whether the plugin has this permission; value NULL for those without one. NULL plugin: the core.
/// For "routes" the value is a path, for "listen" an address or port.
bool shoal_permitted(const struct shoal_plugin *plugin, const char *permission, const char *value);
/// Returns: 0, or SHOAL_EFORBIDDEN with a sentence that names the missing line of the manifest.
int shoal_permission_need(const struct shoal_plugin *plugin, const char *permission,
    const char *value, struct shoal_err *err);
/// The same for the plugin that runs in this call.
int shoal_permission_call(const struct shoal_call *call, const char *permission, const char *value,
    struct shoal_err *err);
/// The views and tables that "read:NOUN" opens, NULL-ended, in the arena.
const char *const *shoal_permission_views(
    struct shoal_arena *arena, const char *const *permissions);

#endif
