// room.c - how much room there is on the disk of a path.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "base/room.h"

#include <sys/statvfs.h>

#include "base/file.h"

int64_t shoal_room_bytes(const char *path)
{
    struct statvfs disk;
    if (shoal_file()->statvfs(path, &disk) != 0) {
        return -1;
    }
    if (disk.f_files > 0 && disk.f_favail == 0) {
        return 0;
    }
    uint64_t size = disk.f_frsize > 0 ? disk.f_frsize : 1;
    return disk.f_bavail > (uint64_t)INT64_MAX / size ? INT64_MAX : (int64_t)(disk.f_bavail * size);
}
