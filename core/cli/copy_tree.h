// copy_tree.h - copies a folder onto an older copy of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_COPY_TREE_H
#define SHOAL_CORE_CLI_COPY_TREE_H
#include <dirent.h>

#include <shoal/error.h>

struct shoal_copied {
    uint64_t files, bytes;   ///< copied now
    uint64_t same;           ///< were there already, with the same size and time
    uint64_t removed;        ///< went away at the target
    uint64_t links;          ///< symbolic links, which were left out
};
/// Makes `to` a copy of `from`: files with another size or time are copied whole beside their place
/// and renamed into it; what `from` no longer has is removed when removes is set. A file that goes
/// away while it is copied is no error. Links and devices are left out.
int shoal_copy_tree(const char *from, const char *to, bool removes, struct shoal_copied *copied,
    struct shoal_err *err);
/// Copies one file, with its time and rights.
int shoal_copy_file(const char *from, const char *to, struct shoal_copied *copied,
    struct shoal_err *err);
/// The next name in an open folder of this path, or NULL. A folder that cannot be read to its end sets
/// *code: it is not whole.
const struct dirent *shoal_copy_next(DIR *folder, const char *path, int *code, struct shoal_err *err);

#endif
