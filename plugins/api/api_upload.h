// api_upload.h - what the two ways to upload share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_UPLOAD_H
#define API_UPLOAD_H
#include "api.h"

/// Whether the user has room for a file: the instance's largest size, the quotas, and what is
/// already reserved by uploads on their way. The catalog looks again when the file is submitted.
int api_upload_room(struct shoal_call *call, uint64_t size_bytes, uint64_t reserved_bytes,
    struct shoal_err *err);
/// Asks upload.begin about a file that is to come.
int api_upload_begin(struct shoal_call *call, const json_t *draft, const char *filename,
    uint64_t size_bytes, const char *mime, struct shoal_err *err);

#endif
