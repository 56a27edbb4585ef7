// config_priv.h - what the parts of the configuration's reader share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_CONFIG_PRIV_H
#define SHOAL_CORE_HOST_CONFIG_PRIV_H
#include <shoal/arena.h>

#include "host/config.h"

/// Finds the line of each key: "instance.name" -> 12, "plugins.2.theme" -> 30. What it cannot
/// follow it leaves out. Returns: a new object.
json_t *shoal_config_lex(const char *text, size_t length);

/// Evaluates the text of the file. Returns: its globals as a new object, or NULL.
json_t *shoal_config_evaluate(
    const char *text, size_t length, const char *name, const char *folder, struct shoal_err *err);

/// Fills listens from "listen"; one sentence on a bad line.
int shoal_config_listens(struct shoal_config *config, struct shoal_arena *arena,
    const json_t *value, struct shoal_err *err);
int shoal_config_plugins(struct shoal_config *config, struct shoal_arena *arena,
    const json_t *value, struct shoal_err *err);
/// Applies "A.B=VALUE".
int shoal_config_override(struct shoal_config *config, const char *text, struct shoal_err *err);

/// What hangs on shoal_config.state.
struct shoal_config_state {
    struct shoal_arena *arena;
    json_t *lines;
    json_t *overrides; ///< dotted names of what the command line set -> true
};
/// Like shoal_fail() with "shoal.lua:LINE: " before it; line 0: without the number.
int shoal_config_fail(struct shoal_err *err, int line, const char *format, ...) SHOAL_PRINTF(3, 4);
/// The line of an option of plugin number `index` of the file, or that of the plugin.
int shoal_config_option_line(const struct shoal_config *config, size_t index, const char *key);
/// Whether the command line set this instance key, or "PLUGIN.KEY".
bool shoal_config_is_override(const struct shoal_config *config, const char *name);

#endif
