// manifest_priv.h - what the readers of a manifest's parts share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_MANIFEST_PRIV_H
#define SHOAL_CORE_HOST_MANIFEST_PRIV_H
#include <jansson.h>

#include "host/manifest.h"

/// Most entries of a list and settings of a plugin.
#define SHOAL_MANIFEST_MOST 256

/// "plugin.json: SENTENCE" as SHOAL_EINVAL.
int shoal_manifest_fail(struct shoal_err *err, const char *format, ...) SHOAL_PRINTF(2, 3);
/// Refuses keys of an object that are not in the list. where: "" or "settings.max_s".
int shoal_manifest_keys(const json_t *object, const char *where, const char *const *known,
    size_t count, struct shoal_err *err);
/// A text of at most `most` bytes; *out is NULL where it is missing (an error if needed).
int shoal_manifest_text(struct shoal_arena *arena, const json_t *object, const char *where,
    const char *key, size_t most, bool needed, const char **out, struct shoal_err *err);
/// A list of texts, NULL-ended; empty where there is none.
int shoal_manifest_list(struct shoal_arena *arena, const json_t *object, const char *key,
    const char *const **out, struct shoal_err *err);
int shoal_manifest_commands(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err);
int shoal_manifest_fires(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err);
int shoal_manifest_settings(struct shoal_arena *arena, const json_t *root,
    struct shoal_manifest *manifest, struct shoal_err *err);

#endif
