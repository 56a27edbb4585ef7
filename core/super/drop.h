// drop.h - whose rights the server runs with, and who may run it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_SUPER_DROP_H
#define SHOAL_CORE_SUPER_DROP_H
#include <sys/types.h>

#include <shoal/error.h>

/// Started as root: becomes the owner of the folder, and keeps nothing but the right to open ports
/// below 1024. Not root: checks that the folder may be written. A folder of root is refused.
int shoal_drop_to_owner(const char *folder, struct shoal_err *err);
/// Who an instance made by root belongs to: the user behind sudo, else `shoal`, else `nobody`.
int shoal_drop_choose(uid_t *uid, gid_t *gid, char name[64], struct shoal_err *err);
/// Asked by root, before it gives a folder away: whether that user can get there and write.
int shoal_drop_reaches(const char *folder, uid_t uid, const char *name, struct shoal_err *err);
/// Keeps the right to open low ports over an exec of this very program.
void shoal_drop_keep_over_exec(void);

/// Takes the lock of an instance; the descriptor holds it. SHOAL_EBUSY names the holder's process.
int shoal_lock_take(const char *folder, int *fd, struct shoal_err *err);
/// The process that holds the lock, 0 for none.
pid_t shoal_lock_holder(const char *folder);

#endif
