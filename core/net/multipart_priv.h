// multipart_priv.h - multipart/form-data, a piece at a time.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_MULTIPART_PRIV_H
#define SHOAL_CORE_NET_MULTIPART_PRIV_H
#include <stdint.h>

#include <shoal/error.h>

#include "net/span.h"

#define SHOAL_PART_MAX        256
#define SHOAL_PART_HEADER_MAX 8192
#define SHOAL_BOUNDARY_MAX    70

/// A part's head.
struct shoal_part {
    char name[256];
    char filename[512]; ///< empty: none
    char mime[128];
    bool is_file; ///< a filename was given, even an empty one
};

/// Called in this order for each part. A negative result ends the parsing with it.
struct shoal_part_ops {
    int (*begin)(void *user, const struct shoal_part *part, struct shoal_err *err);
    int (*data)(void *user, const char *data, size_t length, struct shoal_err *err);
    int (*end)(void *user, struct shoal_err *err);
};

struct shoal_multipart {
    const struct shoal_part_ops *ops;
    void *user;
    char boundary[SHOAL_BOUNDARY_MAX + 5]; // "\r\n--" before it
    size_t boundary_length;
    int state;
    size_t matched;              // bytes of the boundary seen
    char header[SHOAL_PART_HEADER_MAX];
    size_t header_length;
    int parts;
    struct shoal_part part;
};

/// Reads the boundary out of a Content-Type. SHOAL_EINVAL without one.
int shoal_multipart_init(struct shoal_multipart *parser, struct shoal_span type,
    const struct shoal_part_ops *ops, void *user, struct shoal_err *err);
int shoal_multipart_feed(struct shoal_multipart *parser, const char *data, size_t length,
    struct shoal_err *err);
/// After the last byte: SHOAL_EINVAL when the closing boundary is missing.
int shoal_multipart_end(struct shoal_multipart *parser, struct shoal_err *err);

#endif
