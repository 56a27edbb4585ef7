// file.h - the table of file calls, which tests replace, and whole-file helpers on it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_BASE_FILE_H
#define SHOAL_CORE_BASE_FILE_H
#include <sys/statvfs.h>
#include <sys/types.h>

#include <shoal/buf.h>
#include <shoal/error.h>

/// As the system calls of the same names: -1 and errno. Everything that must reach the disk goes
/// through here, so that tests can fill it, break it and count.
struct shoal_file_calls {
    int (*open)(const char *path, int flags, mode_t mode);
    ssize_t (*read)(int fd, void *data, size_t length);
    ssize_t (*write)(int fd, const void *data, size_t length);
    ssize_t (*pwrite)(int fd, const void *data, size_t length, off_t offset);
    int (*fsync)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*link)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*statvfs)(const char *path, struct statvfs *out);
};
/// The table in use; and another one (NULL: the system's again), which must outlive its use.
const struct shoal_file_calls *shoal_file(void);
void shoal_file_set(const struct shoal_file_calls *calls);
/// The system's calls, for tables that change a few of them.
const struct shoal_file_calls *shoal_file_system(void);

/// Says what failed with a file by errno's number: "cannot VERB PATH: no space left on device".
/// Returns: SHOAL_ENOTFOUND, SHOAL_EFULL, SHOAL_ECONFLICT (it is there already) or SHOAL_EIO.
int shoal_file_fail(struct shoal_err *err, int number, const char *verb, const char *path);
/// Writes all bytes, over partial writes and signals.
int shoal_file_write(
    int fd, const void *data, size_t length, const char *path, struct shoal_err *err);
/// Replaces a file whole: a neighbour is written, synced and renamed over it, the folder is synced.
/// When this returns 0 the new bytes are on disk; otherwise the old file is as it was.
int shoal_file_write_whole(
    const char *path, const void *data, size_t length, mode_t mode, struct shoal_err *err);
/// Appends a whole regular file to out. Errors: SHOAL_ENOTFOUND, SHOAL_ETOOLARGE past `most` bytes,
/// SHOAL_EIO; out is then unchanged.
int shoal_file_read_whole(
    const char *path, size_t most, struct shoal_buf *out, struct shoal_err *err);
/// Makes a folder and those above it; one that is there is fine.
int shoal_folder_make(const char *path, mode_t mode, struct shoal_err *err);
/// Makes the names in a folder durable.
int shoal_folder_sync(const char *path, struct shoal_err *err);
/// Removes what shoal_file_write_whole() left in a folder where it was killed. For who alone writes there.
void shoal_folder_tidy(const char *path);
/// Removes a file, or a folder with all in it. Links are removed, never followed. One that is not
/// there is fine.
int shoal_tree_remove(const char *path, struct shoal_err *err);

#endif
