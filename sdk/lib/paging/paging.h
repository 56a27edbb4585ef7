// paging.h - reads numbers of a list's query, start and count among them, as PeerTube's API has them.
// SPDX-License-Identifier: MIT
#ifndef PAGING_H
#define PAGING_H
#include <shoal/http.h>

/// A number written in at most 15 digits, as addresses have it; -1 for anything else, and for NULL.
int64_t paging_digits(const char *text);
/// Reads a number of the query, from 0 to `most`; *out keeps what it had where it is not given.
/// Returns: 0 or a negative error. Errors: SHOAL_EINVAL with the field.
int paging_number(struct shoal_request *request, const char *name, int64_t most, int64_t *out,
    struct shoal_err *err);
/// The same of "start" and "count". most: of count.
int paging_read(struct shoal_request *request, int64_t most, int64_t *start, int64_t *count,
    struct shoal_err *err);

#endif
