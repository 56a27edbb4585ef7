// svc/stun.h - the contract of `stun`: who tells browsers under which address others see them. One provider.
//
// Whoever brings viewers together asks it where they ask. Without a provider they are told of no server but
// those that an administrator names.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_STUN_H
#define SHOAL_SVC_STUN_H
#include <shoal/version.h>

#include <stddef.h>

struct shoal_svc_stun {
    size_t size; ///< sizeof(struct shoal_svc_stun)
    /// "stun:HOST:PORT", in the call's arena; NULL while it does not listen, or the site has no public
    /// URL. Thread: [worker]. Blocks: no.
    const char *(*url)(struct shoal_call *call, void *arg);
};

#endif
