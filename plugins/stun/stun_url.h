// stun_url.h - where players of a site ask for their address.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef STUN_URL_H
#define STUN_URL_H
#include <shoal/plugin.h>

/// "stun:HOST:PORT" with the host of the site's URL, in the arena; NULL where that names no public host, or
/// `listen` ("[::]:3478") has no port.
const char *stun_url_of(struct shoal_arena *arena, const char *site_url, const char *listen);

#endif
