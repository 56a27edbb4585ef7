// plugins.h - the plugin verbs that have files of their own.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_PLUGINS_H
#define SHOAL_CORE_CLI_PLUGINS_H
#include "cli/cli.h"

int shoal_cli_plugin_add(const struct shoal_args *args);
int shoal_cli_plugin_new(const struct shoal_args *args);
int shoal_cli_plugin_test(const struct shoal_args *args);

/// Whether the bytes are those that a pin (64 hex digits) or a signature means. SHOAL_EMISMATCH.
int shoal_package_pin_check(const void *data, size_t length, const char *pin,
    struct shoal_err *err);
/// key: Ed25519 in hex or base64. signature: 64 bytes as they are, in hex or base64.
int shoal_package_signature_check(const void *data, size_t length, const char *key,
    const void *signature, size_t signature_length, struct shoal_err *err);

struct shoal_manifest;
struct shoal_arena;
/// The manifest of the plugin in a folder, in the arena; NULL with a sentence also of a folder without one.
const struct shoal_manifest *shoal_plugin_manifest(
    struct shoal_arena *arena, const char *folder, struct shoal_err *err);
/// Prints what the plugin is allowed to, a sentence a line.
void shoal_plugin_permissions_print(const struct shoal_manifest *manifest);
/// {problem, name, version, language, summary, permissions, sentences, sha256}, for scripts; of a
/// manifest that could not be read (NULL) the problem alone.
json_t *shoal_plugin_json(const struct shoal_manifest *manifest, const char *folder,
    const char *problem);
/// Prints the line of shoal.lua that enables the plugin in a folder, with its pin.
void shoal_plugin_line_print(const char *folder, const char *name);

/// Text with every "@NAME@" replaced; free with free().
char *shoal_template_fill(const char *text, size_t length, const char *name, size_t *out_length);

#endif
