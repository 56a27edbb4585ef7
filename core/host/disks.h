// disks.h - the disks of the instance, watched.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_HOST_DISKS_H
#define SHOAL_CORE_HOST_DISKS_H
#include <jansson.h>
#include <stdbool.h>

/// Watches the disk of a folder, for all that a server keeps there: "the instance". A disk that is
/// watched already keeps its name. The disks of storages that have paths are found by themselves.
void shoal_disks_add(const char *what, const char *folder);
/// Looks every few seconds from now on. A disk that becomes full is a line in the log, and so is one
/// that has room again: then what failed for want of it is tried at once.
int shoal_disks_start(void);
/// Forgets them all.
void shoal_disks_stop(void);
/// Whether one of them is full now, though it be another one than that of uploads: what is made of
/// an upload needs all of them.
bool shoal_disks_full(void);
/// Appends a sentence for each disk that is full now.
void shoal_disks_tell(json_t *sentences);

#endif
