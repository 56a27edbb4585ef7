// disks.c - watches the disks of the instance: says once that one is full, and once that it has room.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/disks.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/base.h>
#include <shoal/services.h>
#include <shoal/svc/storage.h>

#include "base/drill.h"
#include "base/room.h"
#include "data/data.h"

#define DISKS_MAX    8
#define STORAGES_MAX 8
#define LOOK_MS      5000
#define MIB          (1024 * 1024)

static struct {
    pthread_mutex_t lock;
    struct disk {
        char what[40], folder[PATH_MAX];
        dev_t device;
        bool is_full;
    } list[DISKS_MAX];
    size_t count;
} disks = {.lock = PTHREAD_MUTEX_INITIALIZER};

void shoal_disks_add(const char *what, const char *folder)
{
    struct stat info;
    if (stat(folder, &info) != 0) {
        return;
    }
    pthread_mutex_lock(&disks.lock);
    bool is_new = disks.count < DISKS_MAX && strlen(folder) < PATH_MAX;
    for (size_t i = 0; i < disks.count && is_new; i++) {
        is_new = disks.list[i].device != info.st_dev;
    }
    if (is_new) {
        struct disk *disk = &disks.list[disks.count++];
        *disk = (struct disk){.device = info.st_dev};
        snprintf(disk->what, sizeof disk->what, "%s", what);
        snprintf(disk->folder, sizeof disk->folder, "%s", folder);
    }
    pthread_mutex_unlock(&disks.lock);
}

/// A storage that has paths lies on a disk of this machine.
static void find_storages(struct shoal_call *call)
{
    struct shoal_service all[STORAGES_MAX];
    size_t count = shoal_service_all("storage", all, STORAGES_MAX);
    for (size_t i = 0; i < count && i < STORAGES_MAX; i++) {
        const struct shoal_svc_storage *table = all[i].table;
        if (!SHOAL_HAS(table, local_path)) {
            continue;
        }
        shoal_enter(call, &all[i]);
        const char *path = table->local_path(call, all[i].arg, "room");
        shoal_leave(call);
        const char *slash = path ? strrchr(path, '/') : NULL;
        if (slash && slash != path) {
            shoal_disks_add("the media",
                shoal_arena_strndup(shoal_call_arena(call), path, (size_t)(slash - path)));
        }
    }
}

/// 0 or more while it is full: what is left, in MiB. -1: there is room.
static long long full_mib(const struct disk *disk)
{
    int64_t left = shoal_room_bytes(disk->folder);
    // Once full, it needs some more to count as well again: or it would be told with every upload.
    int64_t wanted = disk->is_full ? SHOAL_ROOM_SPARE_BYTES / 4 * 5 : SHOAL_ROOM_SPARE_BYTES;
    return left >= 0 && left < wanted ? (long long)(left / MIB) : -1;
}

static int look(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    bool has_room_again = false;
    find_storages(call);
    pthread_mutex_lock(&disks.lock);
    for (size_t i = 0; i < disks.count; i++) {
        struct disk *disk = &disks.list[i];
        long long mib = full_mib(disk);
        if (mib >= 0 && !disk->is_full) {
            shoal_error("the disk of %s is full (%lld MiB are left in %s): uploads are refused, and "
                        "work waits until there is room",
                disk->what, mib, disk->folder);
        } else if (mib < 0 && disk->is_full) {
            shoal_info("the disk of %s has room again", disk->what);
            has_room_again = true;
        }
        disk->is_full = mib >= 0;
    }
    pthread_mutex_unlock(&disks.lock);
    return has_room_again ? shoal_jobs_hurry(call, err) : 0;
}

int shoal_disks_start(void)
{
    return shoal_timers_add(
        NULL, "disks", shoal_drill_ms("SHOAL_DRILL_ROOM", LOOK_MS), false, look, NULL);
}

void shoal_disks_stop(void)
{
    pthread_mutex_lock(&disks.lock);
    disks.count = 0;
    pthread_mutex_unlock(&disks.lock);
}

bool shoal_disks_full(void)
{
    bool is_full = false;
    pthread_mutex_lock(&disks.lock);
    for (size_t i = 0; i < disks.count && !is_full; i++) {
        is_full = full_mib(&disks.list[i]) >= 0;
    }
    pthread_mutex_unlock(&disks.lock);
    return is_full;
}

void shoal_disks_tell(json_t *sentences)
{
    pthread_mutex_lock(&disks.lock);
    for (size_t i = 0; i < disks.count; i++) {
        long long mib = full_mib(&disks.list[i]);
        if (mib >= 0) {
            json_array_append_new(sentences,
                json_sprintf("the disk of %s is full: %lld MiB are left", disks.list[i].what, mib));
        }
    }
    pthread_mutex_unlock(&disks.lock);
}
