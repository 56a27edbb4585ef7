// sized.h - structs that cross the border to plugins, which may know fewer members of them, or
// more.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_SIZED_H
#define SHOAL_CORE_BASE_SIZED_H
#include <string.h>

/// Copies the members that both sides know and zeroes what else there is room for. from: NULL for
/// none.
static inline void shoal_sized_copy(void *to, size_t to_bytes, const void *from, size_t from_bytes)
{
    size_t common = from == NULL ? 0 : from_bytes < to_bytes ? from_bytes : to_bytes;
    if (common > 0) {
        memcpy(to, from, common);
    }
    memset((char *)to + common, 0, to_bytes - common);
}

#endif
