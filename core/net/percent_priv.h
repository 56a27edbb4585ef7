// percent_priv.h - decoding what URLs and forms encode.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_PERCENT_PRIV_H
#define SHOAL_CORE_NET_PERCENT_PRIV_H
#include "net/span.h"

/// Decodes into out, which has from.length + 1 places. is_form: "+" is a space. Returns the length, or
/// -1 for a broken escape, a NUL or bytes that are not UTF-8.
long shoal_percent_decode(struct shoal_span from, char *out, bool is_form);

#endif
