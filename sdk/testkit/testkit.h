// testkit.h - a whole host in a temporary folder, for the unit tests of a plugin.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_TESTKIT_H
#define SHOAL_TESTKIT_H
#include <shoal/plugin.h>

/// One host a process at a time, with its own database, catalog and administrator ("root").
struct shoal_kit;

/// Starts a host. config_lua: the text of its shoal.lua; NULL: one without plugins. Plugins that
/// the text lists come from the build folder, as shared objects. A failure ends the test with a
/// sentence.
struct shoal_kit *shoal_kit_new(const char *config_lua);
void shoal_kit_free(struct shoal_kit *kit);
/// The instance's folder.
const char *shoal_kit_folder(const struct shoal_kit *kit);

/// Loads the plugin that is linked into this program. folder: where its plugin.json lies
/// (SHOAL_SOURCE_DIR "/plugins/NAME"). options: its keys as in shoal.lua, or NULL; taken.
/// Returns: 0 or a negative error with the sentence of the host.
int shoal_kit_load(struct shoal_kit *kit, const struct shoal_plugin_descriptor *descriptor,
    const char *folder, json_t *options, struct shoal_err *err);
/// The same with the text of a manifest instead of a folder.
int shoal_kit_load_text(struct shoal_kit *kit, const struct shoal_plugin_descriptor *descriptor,
    const char *manifest, json_t *options, struct shoal_err *err);
struct shoal_plugin *shoal_kit_plugin(struct shoal_kit *kit, const char *name);

/// Calls for the test's own use, until shoal_kit_free(): of the system, of nobody, of the
/// administrator.
struct shoal_call *shoal_kit_system(struct shoal_kit *kit);
struct shoal_call *shoal_kit_anonymous(struct shoal_kit *kit);
struct shoal_call *shoal_kit_admin(struct shoal_kit *kit);
/// A new user of role "user", and a call of theirs.
struct shoal_call *shoal_kit_user(struct shoal_kit *kit, const char *name);

/// Makes a request in-process: its status, and *answer (or NULL) a new reference. body: or NULL.
int shoal_kit_request(struct shoal_call *call, const char *method, const char *path,
    const json_t *body, json_t **answer);
/// Waits until no job is due or running and all tells were heard; at most timeout_ms.
/// Returns: whether it got there.
bool shoal_kit_idle(struct shoal_kit *kit, int timeout_ms);

#endif
