// seed_folder.c - removes from the mirror's folder what is no longer mirrored, and nothing else.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seed_mirror.h"

/// The name without ".part" or ".range"; false where it is no name of ours at all.
static bool name_bare(const char *name, char out[SEED_NAME_MAX + 1])
{
    const char *dot = strrchr(name, '.');
    bool is_part = dot != NULL && (strcmp(dot, ".part") == 0 || strcmp(dot, ".range") == 0);
    size_t length = is_part ? (size_t)(dot - name) : strlen(name);
    if (length > SEED_NAME_MAX) {
        return false;
    }
    memcpy(out, name, length);
    out[length] = '\0';
    return seed_name_kind(out) != SEED_KIND_NONE;
}

static bool is_wanted(struct seed_mirror *mirror, const char *uuid, const char *name)
{
    pthread_mutex_lock(&mirror->lock);
    struct seed_video *video = seed_video_find(mirror, uuid);
    bool is_it = video != NULL &&
                 (video->is_busy ||
                     (video->is_chosen && (name == NULL || seed_file_find(video, name) != NULL)));
    pthread_mutex_unlock(&mirror->lock);
    return is_it;
}

static void video_tidy(struct seed_mirror *mirror, int root, const char *uuid)
{
    int fd = openat(root, uuid, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char bare[SEED_NAME_MAX + 1];
        if (name_bare(entry->d_name, bare) && !is_wanted(mirror, uuid, bare)) {
            unlinkat(fd, entry->d_name, 0);
        }
    }
    closedir(dir);
    if (!is_wanted(mirror, uuid, NULL) && unlinkat(root, uuid, AT_REMOVEDIR) == 0) {
        shoal_info("video %s is no longer here", uuid);
    }
}

void seed_folder_tidy(struct seed_mirror *mirror)
{
    int root = open(mirror->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = root >= 0 ? fdopendir(root) : NULL;
    if (dir == NULL) {
        if (root >= 0) {
            close(root);
        }
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (shoal_uuid_valid(entry->d_name)) {
            video_tidy(mirror, root, entry->d_name);
        }
    }
    closedir(dir);
}
