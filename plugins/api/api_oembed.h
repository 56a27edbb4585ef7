// api_oembed.h - reads the address of a watch page.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef API_OEMBED_H
#define API_OEMBED_H
#include "api.h"

#define API_OEMBED_ID_MAX 64

/// The video that a page of `site` ("https://example.org/") shows. False for any other address.
bool api_oembed_id(const char *url, const char *site, char id[API_OEMBED_ID_MAX]);
/// The query of that address as far as it means something to the player, as HTML: "?start=1m&amp;…".
char *api_oembed_options(struct shoal_arena *arena, const char *url);

#endif
