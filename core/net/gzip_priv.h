// gzip_priv.h - smaller bodies for text.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_GZIP_PRIV_H
#define SHOAL_CORE_NET_GZIP_PRIV_H
#include <stdbool.h>
#include <stddef.h>

#define SHOAL_GZIP_MIN 1024

/// Whether bodies of this media type become smaller.
bool shoal_gzip_fits(const char *type);
/// The gzip form of some bytes, to be freed with free(); NULL when it is not smaller.
char *shoal_gzip(const void *data, size_t length, size_t *out_length);

#endif
