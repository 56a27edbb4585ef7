// address_priv.h - network addresses, blocks of them, and who really asks behind proxies.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_ADDRESS_PRIV_H
#define SHOAL_CORE_NET_ADDRESS_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <shoal/error.h>

#include "net/parse_priv.h"

/// An address as 16 bytes (IPv4 is mapped into IPv6). All zero for a Unix socket's peer.
struct shoal_address {
    uint8_t bytes[16];
};

/// Addresses that share their first `bits`.
struct shoal_block {
    struct shoal_address address;
    int bits;
};

struct shoal_proxies {
    struct shoal_block *blocks;
    size_t count;
    bool trusts_unix;     ///< "unix" is listed
    bool reads_forwarded; ///< they write Forwarded, not X-Forwarded-*
};

/// What the client and the trusted proxies say together.
struct shoal_origin {
    struct shoal_address address;
    bool is_https;
    struct shoal_span host; ///< points into the head
};

void shoal_address_from(const struct sockaddr *peer, struct shoal_address *address);
/// 0: it has none.
uint16_t shoal_address_port(const struct sockaddr *peer);
bool shoal_address_parse(struct shoal_span text, struct shoal_address *address);
/// "203.0.113.9" or "2001:db8::1"; "unix" for the zero address.
void shoal_address_format(const struct shoal_address *address, char out[48]);
/// "203.0.113.0/24" or "2001:db8::/64".
void shoal_address_prefix(const struct shoal_address *address, char out[56]);
/// The address itself, or the /64 of an IPv6 one: what limits are counted by.
struct shoal_address shoal_address_group(const struct shoal_address *address);
bool shoal_address_is_ipv4(const struct shoal_address *address);

/// list: addresses, CIDR blocks and the word "unix", NULL-ended, or NULL. SHOAL_EINVAL names a bad one.
int shoal_proxies_init(struct shoal_proxies *proxies, const char *const *list,
    struct shoal_err *err);
void shoal_proxies_fini(struct shoal_proxies *proxies);
bool shoal_proxies_trust(const struct shoal_proxies *proxies, const struct shoal_address *address);
/// Reads X-Forwarded-*, or Forwarded, as far as trusted proxies wrote it. Never both: a proxy that
/// writes the one passes a client's own other one on as it came.
void shoal_origin_read(const struct shoal_proxies *proxies, const struct shoal_address *peer,
    bool is_tls, const struct shoal_head *head, struct shoal_origin *origin);

#endif
