// wire_priv.h - bytes in and out of a connection, with or without TLS.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_WIRE_PRIV_H
#define SHOAL_CORE_NET_WIRE_PRIV_H
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/// Results below zero.
#define SHOAL_WIRE_AGAIN  (-1) ///< nothing now; poll
#define SHOAL_WIRE_BROKEN (-2) ///< the connection is of no more use

/// A non-blocking descriptor and the TLS on it.
struct shoal_wire {
    int fd;
    SSL *ssl; ///< NULL: plain
    bool wants_write; ///< TLS cannot go on before the descriptor is writable (and the other way round)
    bool wants_read;
};

/// Returns bytes, 0 at the end, or AGAIN or BROKEN.
ssize_t shoal_wire_read(struct shoal_wire *wire, void *out, size_t room);
/// Returns bytes taken. scratch (16 KiB): small pieces are gathered there into one TLS record.
/// has_more: a file follows at once, so that its start can share the packet.
ssize_t shoal_wire_write(struct shoal_wire *wire, const struct iovec *pieces, int count,
    char *scratch, bool has_more);
/// Whether sendfile works on this wire (plain, or TLS in the kernel).
bool shoal_wire_can_sendfile(const struct shoal_wire *wire);
ssize_t shoal_wire_sendfile(struct shoal_wire *wire, int file, uint64_t offset, size_t length);
/// 0 when the TLS handshake is done, or AGAIN or BROKEN.
int shoal_wire_handshake(struct shoal_wire *wire);
/// Whether decrypted bytes wait that no poll tells of.
bool shoal_wire_pending(const struct shoal_wire *wire);
/// Says goodbye and closes.
void shoal_wire_close(struct shoal_wire *wire);

#endif
