// api_range.h - the Content-Range of a chunk, and the ids of uploads.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_RANGE_H
#define API_RANGE_H
#include <stdbool.h>
#include <stdint.h>

/// "bytes 0-99/1000": first and last byte, both inclusive; "bytes */1000": is_query.
struct api_range {
    bool is_query;
    uint64_t first, last;
    bool has_total; ///< false for "bytes 0-99/*"
    uint64_t total;
};
/// Returns: 0, or SHOAL_EINVAL for anything that is not exactly such a line.
int api_range_parse(const char *text, struct api_range *out);

#define API_UPLOAD_ID_LENGTH 48 ///< 16 hex characters of the user, 32 of what is uploaded
/// The id of an upload: the same for the same user, file and fields, so that a client that begins
/// again finds what it sent before.
void api_upload_id(int64_t user_id, const char *const *parts, char out[API_UPLOAD_ID_LENGTH + 1]);
bool api_upload_id_valid(const char *id);
/// Whether an id was made for that user.
bool api_upload_id_owned(const char *id, int64_t user_id);

#endif
