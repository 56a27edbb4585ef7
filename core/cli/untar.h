// untar.h - unpacks a package that a stranger made.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CLI_UNTAR_H
#define SHOAL_CORE_CLI_UNTAR_H
#include <shoal/error.h>

#define SHOAL_PACKAGE_MAX  (32u * 1024 * 1024) ///< of the packed file
#define SHOAL_UNPACKED_MAX (128ull * 1024 * 1024)
#define SHOAL_ENTRIES_MAX  4000

/// Unpacks a .tar.gz from memory into a folder that is there and empty. It must hold one folder with
/// everything in it, whose name goes to top. Refused: absolute paths, "..", links, devices, names
/// that come twice, control characters, too many or too large files, damaged packages.
/// What was unpacked before a refusal stays: the caller removes the folder.
int shoal_untar(const void *data, size_t length, const char *to, char top[64],
    struct shoal_err *err);
/// Whether a name of a package may be used as a path below the target.
bool shoal_untar_name_valid(const char *name);

#endif
