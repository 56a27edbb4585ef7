// builtin.h - plugins that are linked into the program: what tests load.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_BUILTIN_H
#define SHOAL_CORE_HOST_BUILTIN_H
#include <jansson.h>

#include <shoal/plugin.h>

/// Loads and starts a plugin in the running host, as if it stood last in shoal.lua. manifest: the
/// text of its plugin.json. folder: for its migrations and data, or "". options: as in shoal.lua,
/// or NULL; taken. A failure quarantines it and is returned.
int shoal_host_builtin(const struct shoal_plugin_descriptor *descriptor, const char *manifest,
    const char *folder, json_t *options, struct shoal_err *err);

#endif
