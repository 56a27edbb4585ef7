// storage_fs_key.c - which keys are let in, and what failed system calls mean.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <string.h>

#include "storage_fs.h"

static bool is_key_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

bool storage_fs_key_valid(const char *key)
{
    if (key == NULL) {
        return false;
    }
    size_t length = strnlen(key, STORAGE_FS_KEY_MAX + 1);
    if (length == 0 || length > STORAGE_FS_KEY_MAX) {
        return false;
    }
    // A part that begins with a dot could be "." or "..", or lie among the temporary files.
    bool at_start = true;
    for (size_t i = 0; i < length; i++) {
        if (key[i] == '/') {
            if (at_start) {
                return false;
            }
            at_start = true;
            continue;
        }
        if (!is_key_char(key[i]) || (at_start && key[i] == '.')) {
            return false;
        }
        at_start = false;
    }
    return !at_start;
}

int storage_fs_key_check(const char *key, struct shoal_err *err)
{
    if (!storage_fs_key_valid(key)) {
        return shoal_fail(err, SHOAL_EINVAL, "storage_fs: this is not a key of the storage");
    }
    return 0;
}

int storage_fs_fail(struct shoal_err *err, int error_number, const char *what, const char *key)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
        return shoal_fail(err, SHOAL_EFULL, "storage_fs: %s %s: no space left", what, key);
    case EFBIG:
        return shoal_fail(err, SHOAL_ETOOLARGE, "storage_fs: %s %s: too large for this disk", what, key);
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
        return shoal_fail(err, SHOAL_ENOTFOUND, "storage_fs: %s %s: it is not there", what, key);
    default:
        return shoal_fail(err, SHOAL_EIO, "storage_fs: %s %s: %s", what, key,
            strerrordesc_np(error_number) != NULL ? strerrordesc_np(error_number) : "unknown error");
    }
}

int storage_fs_go_on(const struct shoal_call *call, struct shoal_err *err)
{
    if (call == NULL) {
        return 0;
    }
    if (shoal_call_cancelled(call)) {
        return shoal_fail(err, SHOAL_ECANCELLED, "storage_fs: the call was cancelled");
    }
    if (shoal_call_left_ms(call) <= 0) {
        return shoal_fail(err, SHOAL_ETIMEOUT, "storage_fs: the call's time is over");
    }
    return 0;
}
