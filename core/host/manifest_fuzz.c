// manifest_fuzz.c - any bytes as the plugin.json of a stranger.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdint.h>
#include <stdlib.h>

#include "host/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct shoal_arena *arena = shoal_arena_new(0);
    struct shoal_err err = {0};
    struct shoal_manifest *manifest =
        shoal_manifest_parse(arena, (const char *)bytes, length, NULL, &err);
    bool is_sound = manifest ? shoal_manifest_name_valid(manifest->name) : err.text[0] != '\0';
    if (!is_sound) {
        abort(); // taken with a bad name, or refused without a word
    }
    shoal_arena_free(arena);
    return 0;
}
