// tls.c - reads the certificate, and reads it again when its files change.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/tls_priv.h"

#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <shoal/base.h>

#include "base/alloc.h"

struct stamp {
    struct timespec changed;
    off_t size;
    ino_t inode;
};

struct shoal_tls {
    pthread_mutex_t lock;
    SSL_CTX *context; // SSL objects keep the one that they were made from
    char *cert_path, *key_path;
    struct stamp cert, key;
};

static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_length,
    const unsigned char *in, unsigned int in_length, void *arg)
{
    static const unsigned char served[] = "\x08http/1.1";
    (void)ssl;
    (void)arg;
    int rc = SSL_select_next_proto((unsigned char **)(uintptr_t)out, out_length, served,
        sizeof served - 1, in, in_length);
    return rc == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static const char *why(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason ? reason : "unknown reason";
}

static SSL_CTX *make(const char *cert_path, const char *key_path, struct shoal_err *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context) {
        shoal_fail(err, SHOAL_EINTERNAL, "TLS cannot be started: %s", why());
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
        SSL_OP_NO_COMPRESSION | SSL_OP_ENABLE_KTLS | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"shoal", 5);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); // tickets alone
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1) {
        shoal_fail(err, SHOAL_EINVAL, "the certificate %s cannot be read: %s", cert_path, why());
    } else if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1) {
        shoal_fail(err, SHOAL_EINVAL, "the key %s cannot be read: %s", key_path, why());
    } else if (SSL_CTX_check_private_key(context) != 1) {
        shoal_fail(err, SHOAL_EINVAL, "the key %s is not that of %s", key_path, cert_path);
    } else {
        return context;
    }
    ERR_clear_error();
    SSL_CTX_free(context);
    return NULL;
}

static struct stamp look(const char *path)
{
    struct stat info;
    struct stamp stamp = {0};
    if (stat(path, &info) == 0) {
        stamp.changed = info.st_mtim;
        stamp.size = info.st_size;
        stamp.inode = info.st_ino;
    }
    return stamp;
}

static bool same(const struct stamp *a, const struct stamp *b)
{
    return a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
        a->size == b->size && a->inode == b->inode;
}

struct shoal_tls *shoal_tls_new(const char *cert_path, const char *key_path, struct shoal_err *err)
{
    struct stamp cert = look(cert_path), key = look(key_path);
    SSL_CTX *context = make(cert_path, key_path, err);
    if (!context) {
        return NULL;
    }
    struct shoal_tls *tls = shoal_alloc(1, sizeof *tls);
    pthread_mutex_init(&tls->lock, NULL);
    tls->context = context;
    tls->cert_path = shoal_dup(cert_path);
    tls->key_path = shoal_dup(key_path);
    tls->cert = cert;
    tls->key = key;
    return tls;
}

void shoal_tls_free(struct shoal_tls *tls)
{
    if (!tls) {
        return;
    }
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    free(tls->cert_path);
    free(tls->key_path);
    free(tls);
}

void shoal_tls_check(struct shoal_tls *tls)
{
    struct stamp cert = look(tls->cert_path), key = look(tls->key_path);
    if (same(&cert, &tls->cert) && same(&key, &tls->key)) {
        return;
    }
    struct shoal_err err = {0};
    SSL_CTX *context = make(tls->cert_path, tls->key_path, &err);
    tls->cert = cert; // a pair that is half replaced is tried again with its next change
    tls->key = key;
    if (!context) {
        shoal_warn("the changed certificate is not taken up: %s", err.text);
        return;
    }
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    shoal_info("the changed certificate is in use");
}

SSL *shoal_tls_accept(struct shoal_tls *tls, int fd)
{
    pthread_mutex_lock(&tls->lock);
    SSL *ssl = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_accept_state(ssl);
    return ssl;
}
