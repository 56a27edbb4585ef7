// memory.c - how much memory the server has, and who was at work while it grew.
//
// Memory does not say who asked for it. But who eats it fast is at work while it grows, from one look
// of the watchdog to the next, and others are not.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "super/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEAST ((int64_t)64 << 20)  // no server lives on less
#define USUAL ((int64_t)256 << 20) // where nothing is said, however small the machine

/// The numbers at the beginning of a small file. Returns: how many.
static size_t numbers_of(const char *path, int64_t *out, size_t room)
{
    char text[256];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0) {
        close(fd);
    }
    text[got > 0 ? got : 0] = '\0';
    size_t count = 0;
    char *at = text, *end;
    for (; count < room; at = end) {
        out[count] = strtoll(at, &end, 10);
        if (end == at) {
            break;
        }
        count++;
    }
    return count;
}

int64_t shoal_memory_used(void)
{
    int64_t pages[3]; // all, resident, of these with a file behind them
    return numbers_of("/proc/self/statm", pages, 3) == 3
               ? (pages[1] - pages[2]) * sysconf(_SC_PAGESIZE)
               : 0;
}

int64_t shoal_memory_most(int64_t wanted)
{
    if (wanted > 0) {
        return wanted > LEAST ? wanted : LEAST;
    }
    int64_t all = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), group;
    if (numbers_of("/sys/fs/cgroup/memory.max", &group, 1) == 1 && group < all) {
        all = group;
    }
    return all / 2 > USUAL ? all / 2 : USUAL;
}

static void grew_by(
    struct shoal_memory *memory, const struct shoal_plugin_id *plugin, int64_t bytes)
{
    size_t least = 0;
    for (size_t i = 0; i < SHOAL_MEMORY_EATERS; i++) {
        if (memory->eaters[i].plugin == plugin) {
            memory->eaters[i].bytes += bytes;
            return;
        }
        least = memory->eaters[i].bytes < memory->eaters[least].bytes ? i : least;
    }
    memory->eaters[least].plugin = plugin;
    memory->eaters[least].bytes = bytes;
}

void shoal_memory_look(struct shoal_memory *memory, int64_t used_bytes,
    const struct shoal_plugin_id *const *at_work, size_t count)
{
    int64_t last = memory->last_bytes;
    memory->last_bytes = used_bytes;
    for (size_t i = 0; i < count && last > 0 && used_bytes > last; i++) {
        grew_by(memory, at_work[i], (used_bytes - last) / (int64_t)count);
    }
    for (size_t i = 0; i < SHOAL_MEMORY_EATERS && used_bytes < last; i++) {
        memory->eaters[i].bytes =
            (int64_t)((double)memory->eaters[i].bytes * (double)used_bytes / (double)last);
    }
}

const struct shoal_plugin_id *shoal_memory_blame(
    const struct shoal_memory *memory, int64_t most_bytes)
{
    int64_t all = 0;
    size_t first = 0;
    for (size_t i = 0; i < SHOAL_MEMORY_EATERS; i++) {
        all += memory->eaters[i].bytes;
        first = memory->eaters[i].bytes > memory->eaters[first].bytes ? i : first;
    }
    bool is_clear = memory->eaters[first].bytes > all / 2 &&
                    memory->eaters[first].bytes >= most_bytes / 4;
    return is_clear ? memory->eaters[first].plugin : NULL;
}
