// api_digest.h - checksums of files, and of uploads while their chunks arrive.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_DIGEST_H
#define API_DIGEST_H
#include "api.h"

/// Checks bytes [first, first + length) of a file against the headers Digest ("sha-256=BASE64") and
/// Content-MD5 (BASE64); either may be NULL. Unknown algorithms in Digest are ignored.
///
/// Returns: 0, SHOAL_EMISMATCH, SHOAL_EINVAL (not base64), SHOAL_EIO.
int api_digest_check(const char *path, uint64_t first, uint64_t length, const char *digest,
    const char *md5, struct shoal_err *err);

/// SHA-256 of uploads, carried on from chunk to chunk, so that the last one need not read it all.
struct api_running *api_running_new(void);
void api_running_free(struct api_running *running);
/// Takes the sum of the first `first` bytes out, for a piece that is to be written there: what is
/// written is added to it, and api_running_put brings it back. The caller holds the upload's lock.
///
/// Returns: owned; NULL where those bytes were not summed up, or begin anew elsewhere.
struct shoal_sha256 *api_running_take(struct api_running *running, const char *id, uint64_t first);
/// The sum (NULL: none, nothing happens) is that of the first `offset` bytes. Takes it.
void api_running_put(struct api_running *running, const char *id, struct shoal_sha256 *sum,
    uint64_t offset);
/// The hash of the whole file in hex, from what is known or by reading it; forgets the upload.
int api_running_finish(struct api_running *running, struct shoal_call *call, const char *id,
    const char *path, uint64_t size_bytes, char out[65], struct shoal_err *err);
void api_running_drop(struct api_running *running, const char *id);

#endif
