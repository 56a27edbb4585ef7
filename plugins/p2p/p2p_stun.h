// p2p_stun.h - the site's own STUN server: viewers ask it under which address others reach them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_STUN_H
#define P2P_STUN_H
#include "p2p.h"

/// Listens on the address of the setting stun_listen. One that cannot be opened is logged by the host, and the
/// plugin works on without it.
int p2p_stun_start(struct p2p *p2p, struct shoal_err *err);
void p2p_stun_stop(struct p2p *p2p);

/// "stun:HOST:PORT" with the host of the site's URL, in the arena; NULL where that names no public host, or
/// `listen` ("[::]:3478") has no port.
const char *p2p_stun_url_of(struct shoal_arena *arena, const char *site_url, const char *listen);
/// That of this site, in the call's arena; NULL while it does not listen, or has no public URL. Thread: [worker].
const char *p2p_stun_url(struct p2p *p2p, struct shoal_call *call);

#endif
