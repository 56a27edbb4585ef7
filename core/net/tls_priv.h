// tls_priv.h - the certificate, and what a TLS connection starts from.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_NET_TLS_PRIV_H
#define SHOAL_CORE_NET_TLS_PRIV_H
#include <openssl/ssl.h>

#include <shoal/error.h>

struct shoal_tls;
/// Reads certificate chain and key (PEM).
struct shoal_tls *shoal_tls_new(const char *cert_path, const char *key_path,
    struct shoal_err *err);
void shoal_tls_free(struct shoal_tls *tls);
/// [any] Takes a changed certificate up; the old one stays when the new one cannot be read. Blocks.
void shoal_tls_check(struct shoal_tls *tls);
/// [any] TLS for a new connection, or NULL.
SSL *shoal_tls_accept(struct shoal_tls *tls, int fd);

#endif
