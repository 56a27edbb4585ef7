// wire.c - reads and writes a connection's descriptor, plain or through OpenSSL.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/wire_priv.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD 16384

static ssize_t plain_result(ssize_t done)
{
    if (done >= 0) {
        return done;
    }
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? SHOAL_WIRE_AGAIN
                                                                     : SHOAL_WIRE_BROKEN;
}

static ssize_t tls_result(struct shoal_wire *wire, int done)
{
    wire->wants_read = wire->wants_write = false;
    if (done > 0) {
        return done;
    }
    switch (SSL_get_error(wire->ssl, done)) {
    case SSL_ERROR_WANT_READ:
        wire->wants_read = true;
        return SHOAL_WIRE_AGAIN;
    case SSL_ERROR_WANT_WRITE:
        wire->wants_write = true;
        return SHOAL_WIRE_AGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        ERR_clear_error();
        return SHOAL_WIRE_BROKEN;
    }
}

ssize_t shoal_wire_read(struct shoal_wire *wire, void *out, size_t room)
{
    if (!wire->ssl) {
        return plain_result(recv(wire->fd, out, room, 0));
    }
    int most = room > INT32_MAX ? INT32_MAX : (int)room;
    ERR_clear_error();
    return tls_result(wire, SSL_read(wire->ssl, out, most));
}

static ssize_t write_tls(struct shoal_wire *wire, const struct iovec *pieces, int count,
    char *scratch)
{
    const char *data = pieces[0].iov_base;
    size_t length = pieces[0].iov_len;
    if (length < RECORD && count > 1) {
        length = 0;
        for (int i = 0; i < count && length < RECORD; i++) {
            size_t take = pieces[i].iov_len < RECORD - length ? pieces[i].iov_len : RECORD - length;
            memcpy(scratch + length, pieces[i].iov_base, take);
            length += take;
        }
        data = scratch;
    }
    int most = length > 4 * RECORD ? 4 * RECORD : (int)length;
    ERR_clear_error();
    return tls_result(wire, SSL_write(wire->ssl, data, most));
}

ssize_t shoal_wire_write(struct shoal_wire *wire, const struct iovec *pieces, int count,
    char *scratch, bool has_more)
{
    if (wire->ssl) {
        return write_tls(wire, pieces, count, scratch);
    }
    int flags = MSG_NOSIGNAL | (has_more ? MSG_MORE : 0);
    if (count == 1) { // the kernel has less to copy
        return plain_result(send(wire->fd, pieces[0].iov_base, pieces[0].iov_len, flags));
    }
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)pieces, .msg_iovlen = (size_t)count};
    return plain_result(sendmsg(wire->fd, &message, flags));
}

bool shoal_wire_can_sendfile(const struct shoal_wire *wire)
{
    return !wire->ssl || BIO_get_ktls_send(SSL_get_wbio(wire->ssl)) == 1;
}

ssize_t shoal_wire_sendfile(struct shoal_wire *wire, int file, uint64_t offset, size_t length)
{
    if (wire->ssl) {
        ERR_clear_error();
        ossl_ssize_t done = SSL_sendfile(wire->ssl, file, (off_t)offset, length, 0);
        return done > 0 ? (ssize_t)done : tls_result(wire, (int)done);
    }
    off_t at = (off_t)offset;
    return plain_result(sendfile(wire->fd, file, &at, length));
}

int shoal_wire_handshake(struct shoal_wire *wire)
{
    ERR_clear_error();
    ssize_t done = tls_result(wire, SSL_accept(wire->ssl));
    return done > 0 ? 0 : done == SHOAL_WIRE_AGAIN ? SHOAL_WIRE_AGAIN : SHOAL_WIRE_BROKEN;
}

bool shoal_wire_pending(const struct shoal_wire *wire)
{
    return wire->ssl && SSL_pending(wire->ssl) > 0;
}

void shoal_wire_close(struct shoal_wire *wire)
{
    if (wire->ssl) {
        ERR_clear_error();
        if (SSL_is_init_finished(wire->ssl)) {
            SSL_shutdown(wire->ssl);
        }
        SSL_free(wire->ssl);
        ERR_clear_error();
        wire->ssl = NULL;
    }
    if (wire->fd >= 0) {
        close(wire->fd);
        wire->fd = -1;
    }
}
