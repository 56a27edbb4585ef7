// range_priv.h - the Range header and what makes an answer conditional.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_RANGE_PRIV_H
#define SHOAL_CORE_NET_RANGE_PRIV_H
#include <stdint.h>

#include "net/span.h"

enum shoal_range {
    SHOAL_RANGE_ALL = 0,  ///< no range, one that is not understood, or several: send all
    SHOAL_RANGE_PART = 1, ///< first and length are set
    SHOAL_RANGE_NONE = 2, ///< 416
};

/// Reads "bytes=0-99", "bytes=100-", "bytes=-50" against a size.
enum shoal_range shoal_range_parse(struct shoal_span text, uint64_t size, uint64_t *first,
    uint64_t *length);
/// Whether a list of entity tags ("*", `"a", W/"b"`) holds tag (with its quotes). is_weak: W/ counts
/// as equal.
bool shoal_etag_listed(struct shoal_span list, const char *tag, bool is_weak);

#endif
