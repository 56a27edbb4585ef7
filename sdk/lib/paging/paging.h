// paging.h - reads start and count of a list's query, as PeerTube's API has them.
// SPDX-License-Identifier: MIT
#ifndef PAGING_H
#define PAGING_H
#include <shoal/http.h>

/// Reads "start" and "count" where they are given; both keep what they had where not. most: of count.
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL with the field.
int paging_read(struct shoal_request *request, int64_t most, int64_t *start, int64_t *count,
    struct shoal_err *err);

#endif
