// negotiate.h - what a client likes: media types, encodings, languages.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_NEGOTIATE_H
#define SHOAL_CORE_NET_NEGOTIATE_H
#include "net/span.h"

/// 0 to 1000: how much an Accept header likes a type ("text/html"). An absent header and a NULL type
/// are 1000 and 1: anything goes.
int shoal_accept_q(struct shoal_span accept, const char *type);
/// The same for a type that must be named itself, the best of several (of other profiles); else -1.
int shoal_accept_named_q(struct shoal_span accept, const char *type);
/// Whether a gzip body is welcome.
bool shoal_accept_gzip(struct shoal_span encodings);
/// The best of `locales` (NULL-ended, the first is the default) for an Accept-Language header.
const char *shoal_accept_locale(struct shoal_span languages, const char *const *locales);

#endif
