// memory.h - how much memory the server has, and who was at work while it grew.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_MEMORY_H
#define SHOAL_CORE_SUPER_MEMORY_H
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

#define SHOAL_MEMORY_EATERS 16

struct shoal_memory {
    int64_t last_bytes; ///< at the last look; 0: there was none
    struct {
        const struct shoal_plugin_id *plugin;
        int64_t bytes; ///< that came while it was at work, and have not gone since
    } eaters[SHOAL_MEMORY_EATERS];
};

/// Memory of this process that no file stands behind, in bytes; 0 where the system does not say.
int64_t shoal_memory_used(void);
/// What the server may use: as wanted, or (0) half of what the machine or container has.
int64_t shoal_memory_most(int64_t wanted);
/// Takes in that so much is used now, and who was at work ever since the last look.
void shoal_memory_look(struct shoal_memory *memory, int64_t used_bytes,
    const struct shoal_plugin_id *const *at_work, size_t count);
/// Whose most of it is, if that is clear and a quarter of most_bytes at least; else NULL.
const struct shoal_plugin_id *shoal_memory_blame(
    const struct shoal_memory *memory, int64_t most_bytes);

#endif
