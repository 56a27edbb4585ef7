// chunk_priv.h - bodies in chunks.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_CHUNK_PRIV_H
#define SHOAL_CORE_NET_CHUNK_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Zero it to start.
struct shoal_chunked {
    uint64_t left;       ///< bytes of this chunk still to come
    uint32_t line_bytes; ///< of the line being read
    uint32_t extra_bytes; ///< extensions and trailers so far
    uint8_t state;
    uint8_t digits;
    bool is_done;
};

/// Takes bytes in. *body and *body_length are the data found (a part of `data`), maybe none.
/// Returns how many bytes were used; -1 for something that is not a chunk. Call again with the rest
/// until all is used or is_done.
long shoal_chunked_feed(struct shoal_chunked *chunked, const char *data, size_t length,
    const char **body, size_t *body_length);

#endif
