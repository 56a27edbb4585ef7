// guard.h - which addresses this server may open a connection to on somebody else's word.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_GUARD_H
#define SHOAL_CORE_NET_GUARD_H
#include <stdbool.h>
#include <sys/socket.h>

#include <shoal/error.h>

/// Networks that are allowed although they are not public ("10.1.0.0/16", "::1"); at most 64.
struct shoal_guard {
    struct shoal_guard_network {
        unsigned char address[16]; ///< IPv4 as IPv4-mapped
        int bits;
    } allowed[64];
    int count;
};

/// Adds one network in CIDR or plain form.
int shoal_guard_allow(struct shoal_guard *guard, const char *network, struct shoal_err *err);
/// Whether a socket may be opened to the address: it is public, or allowed. Addresses that carry
/// another one inside (mapped, NAT64, 6to4) are judged by that one.
bool shoal_guard_passes(const struct shoal_guard *guard, const struct sockaddr *address);

#endif
