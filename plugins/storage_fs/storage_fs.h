// storage_fs.h - what the files of this plugin share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef STORAGE_FS_H
#define STORAGE_FS_H
#include <shoal/plugin.h>
#include <shoal/svc/storage.h>

#define STORAGE_FS_KEY_MAX 200
/// Half-written files lie here, below the root, so that the rename stays within one file system.
#define STORAGE_FS_TEMP ".tmp"

/// One folder of media. Nothing in it changes after storage_fs_open().
struct storage_fs {
    char *root;
    int root_fd;
    struct shoal_svc_storage table;
};

/// Opens (and makes) the folder, and sweeps away temporary files that are older than a day.
int storage_fs_open(struct storage_fs *fs, const char *root, struct shoal_err *err);
void storage_fs_close(struct storage_fs *fs);
/// The service's table, pointing at the functions below.
void storage_fs_table(struct storage_fs *fs, uint32_t max_age_s);

/// Whether key stays inside the root: [a-z0-9._/-], no part that is empty or begins with a dot.
bool storage_fs_key_valid(const char *key);
int storage_fs_key_check(const char *key, struct shoal_err *err);
/// The error of a failed system call on key as one of ours, with a sentence.
int storage_fs_fail(struct shoal_err *err, int error_number, const char *what, const char *key);
/// 0, or an error when the call was cancelled or is past its deadline. call may be NULL.
int storage_fs_go_on(const struct shoal_call *call, struct shoal_err *err);

// storage_fs_folder.c
/// Makes the folders above key and syncs what it made.
int storage_fs_parents_make(const struct storage_fs *fs, const char *key, struct shoal_err *err);
/// Syncs the folder that holds key.
int storage_fs_parent_sync(const struct storage_fs *fs, const char *key, struct shoal_err *err);
/// Removes the folders above key that have become empty.
void storage_fs_parents_prune(const struct storage_fs *fs, const char *key);
/// Removes what lies in the temporary folder for more than age_s.
void storage_fs_temp_sweep(const struct storage_fs *fs, int64_t age_s);

// The calls of the service.
int storage_fs_put_begin(struct shoal_call *call, void *arg, const char *key, const char *mime,
    int64_t size_bytes, void **put, struct shoal_err *err);
int storage_fs_put_write(struct shoal_call *call, void *put, const void *data, size_t length,
    struct shoal_err *err);
int storage_fs_put_commit(struct shoal_call *call, void *put, struct shoal_err *err);
void storage_fs_put_abort(struct shoal_call *call, void *put);
int storage_fs_put_file(struct shoal_call *call, void *arg, const char *key, const char *mime,
    const char *path, struct shoal_err *err);
int64_t storage_fs_read(struct shoal_call *call, void *arg, const char *key, uint64_t offset,
    void *out, size_t length, struct shoal_err *err);
int64_t storage_fs_stat(struct shoal_call *call, void *arg, const char *key,
    struct shoal_err *err);
int storage_fs_remove(struct shoal_call *call, void *arg, const char *key, struct shoal_err *err);
int storage_fs_list(struct shoal_call *call, void *arg, const char *prefix,
    bool (*each)(const char *key, int64_t size_bytes, void *user), void *user,
    struct shoal_err *err);
int storage_fs_copy(struct shoal_call *call, void *arg, const char *from, const char *to,
    struct shoal_err *err);
const char *storage_fs_local_path(struct shoal_call *call, void *arg, const char *key);

#endif
