// room.h - how much room there is on the disk of a path.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_ROOM_H
#define SHOAL_CORE_BASE_ROOM_H
#include <stdint.h>

/// What is kept free of uploads: a disk with less is full. The database and the work on what was
/// taken in live on it.
#define SHOAL_ROOM_SPARE_BYTES (INT64_C(64) * 1024 * 1024)

/// How many bytes may be written on the disk of a path; 0 also where no file can be made any more;
/// -1 where the disk does not say.
int64_t shoal_room_bytes(const char *path);

#endif
