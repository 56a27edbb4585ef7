// manifest.h - plugin.json: what a plugin says of itself, read without running it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_MANIFEST_H
#define SHOAL_CORE_HOST_MANIFEST_H
#include <shoal/arena.h>
#include <shoal/error.h>

#include "host/host.h"
#include "host/setting_row.h"

/// A hook that the plugin fires.
struct shoal_manifest_fire {
    const char *name;
    enum shoal_hook_kind kind;
    enum shoal_hook_failure failure;
    int cpu_ms, wall_ms; ///< 0: the host's
    const char *moment, *payload;
};
/// A hook that the plugin listens to.
struct shoal_manifest_hook {
    const char *name;
    int priority;
};
/// A first word of the command line that the plugin claims: "shoal WORD …".
struct shoal_manifest_command {
    const char *word, *words, *help; ///< as in struct shoal_command
    const char *verb;                ///< of shoal_cli_add()
    const char *const *serves; ///< NULL: the verb runs on an instance. Otherwise settings that are
                               ///< options: a folder of its own is made, the verb runs on it and,
                               ///< where that is fine, it is served
};
/// Lists are NULL-ended; everything lives in the arena that it was parsed into.
struct shoal_manifest {
    const char *name, *version, *summary, *licence, *sdk, *language;
    const char *const *provides, *const *needs, *const *after, *const *conflicts;
    const char *const *routes, *const *listeners, *const *permissions, *const *pages;
    const struct shoal_manifest_fire *fires;
    size_t fire_count;
    const struct shoal_manifest_hook *hooks;
    size_t hook_count;
    const struct shoal_setting_row *settings;
    size_t setting_count;
    const struct shoal_manifest_command *commands;
    size_t command_count;
};

/// Checks the text of a plugin.json. name: of its folder, or NULL for any.
/// Returns: NULL with one sentence that names the key.
struct shoal_manifest *shoal_manifest_parse(struct shoal_arena *arena, const char *text,
    size_t length, const char *name, struct shoal_err *err);
struct shoal_manifest *shoal_manifest_read(
    struct shoal_arena *arena, const char *folder, const char *name, struct shoal_err *err);
/// a-z, digits and "_", 2 to 40 characters, a letter first, and not a name of the core.
bool shoal_manifest_name_valid(const char *name);
/// Whether a version ("1.2.0") lies in a range ("^1.0", ">=1.0 <2", "1.x", "*").
bool shoal_version_in_range(const char *version, const char *range);
bool shoal_version_range_valid(const char *range);

/// The priority that a manifest gives to a hook; false where it does not list it.
bool shoal_manifest_hook_find(
    const struct shoal_manifest *manifest, const char *hook, int *priority);
bool shoal_manifest_lists(const char *const *list, const char *word);

const char *shoal_hook_kind_name(enum shoal_hook_kind kind);

#endif
