// wire_test.c - bytes over a socket, plain and through TLS: full, ended, broken, and files.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"
#include "net/tls_priv.h"
#include "net/wire_priv.h"

#include <signal.h>

static char scratch[16384];
static struct shoal_tls *tls;
static SSL_CTX *clients;

static int start_all(void **state)
{
    (void)state;
    char cert[128], key[128];
    signal(SIGPIPE, SIG_IGN);
    snprintf(world.folder, sizeof world.folder, "/tmp/shoal-wire-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    make_certificate("wire");
    make_files();
    path_of(cert, "cert.pem");
    path_of(key, "key.pem");
    tls = shoal_tls_new(cert, key, NULL);
    clients = SSL_CTX_new(TLS_client_method());
    return tls && clients ? 0 : -1;
}

static int stop_all(void **state)
{
    (void)state;
    shoal_tls_free(tls);
    SSL_CTX_free(clients);
    return shoal_tree_remove(world.folder, NULL);
}

/// A wire, and the client at its other end.
struct pair {
    struct shoal_wire wire;
    int fd;
    SSL *ssl;
};

static void open_pair(struct pair *pair, bool is_tls)
{
    int ends[2], small = 16384;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    *pair = (struct pair){.wire.fd = ends[0], .fd = ends[1]};
    if (!is_tls) {
        return;
    }
    pair->wire.ssl = shoal_tls_accept(tls, ends[0]);
    pair->ssl = SSL_new(clients);
    SSL_set_fd(pair->ssl, pair->fd);
    assert_int_equal(shoal_wire_handshake(&pair->wire), SHOAL_WIRE_AGAIN);
    assert_true(pair->wire.wants_read && !pair->wire.wants_write);
    int asked = 0, rc = SHOAL_WIRE_AGAIN;
    for (int i = 0; i < 20 && (asked != 1 || rc != 0); i++) {
        asked = asked == 1 ? 1 : SSL_connect(pair->ssl);
        rc = rc == 0 ? 0 : shoal_wire_handshake(&pair->wire);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(asked, 1);
}

static void close_pair(struct pair *pair)
{
    shoal_wire_close(&pair->wire);
    assert_int_equal(pair->wire.fd, -1);
    assert_null(pair->wire.ssl);
    SSL_free(pair->ssl);
    if (pair->fd >= 0) {
        close(pair->fd);
    }
}

static ssize_t client_read(struct pair *pair, char *out, size_t room)
{
    return pair->ssl ? SSL_read(pair->ssl, out, (int)room) : recv(pair->fd, out, room, 0);
}

static void client_write(struct pair *pair, const char *text)
{
    ssize_t length = (ssize_t)strlen(text);
    ssize_t done = pair->ssl ? SSL_write(pair->ssl, text, (int)length)
                             : send(pair->fd, text, (size_t)length, 0);
    assert_int_equal(done, length);
}

static void reads_what_there_is(void **state)
{
    (void)state;
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct pair pair;
        char out[16];
        open_pair(&pair, is_tls);
        assert_int_equal(shoal_wire_read(&pair.wire, out, sizeof out), SHOAL_WIRE_AGAIN);
        client_write(&pair, "hello");
        assert_int_equal(shoal_wire_read(&pair.wire, out, 2), 2);
        assert_memory_equal(out, "he", 2);
        assert_int_equal(shoal_wire_pending(&pair.wire), is_tls); // decrypted, and no poll tells
        assert_int_equal(shoal_wire_read(&pair.wire, out, sizeof out), 3);
        assert_false(shoal_wire_pending(&pair.wire));
        close_pair(&pair);
    }
}

static void gathers_pieces(void **state)
{
    (void)state;
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct pair pair;
        char out[64];
        open_pair(&pair, is_tls);
        char head[] = "head ", lines[] = "lines ", body[] = "body";
        struct iovec pieces[] = {{head, 5}, {lines, 6}, {body, 4}};
        assert_int_equal(shoal_wire_write(&pair.wire, pieces, 3, scratch, false), 15);
        assert_int_equal(client_read(&pair, out, sizeof out), 15); // one record
        assert_memory_equal(out, "head lines body", 15);
        close_pair(&pair);
    }
}

static void goes_on_where_the_client_takes_more(void **state)
{
    (void)state;
    enum {
        SIZE = 400000
    };
    char *sent = malloc(SIZE), *got = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        sent[i] = (char)(i % 253);
    }
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct pair pair;
        size_t done = 0, taken = 0;
        int fulls = 0;
        open_pair(&pair, is_tls);
        memset(got, 0, SIZE);
        while (taken < SIZE) {
            struct iovec pieces[] = {{sent + done, SIZE - done}};
            ssize_t count = done < SIZE ? shoal_wire_write(&pair.wire, pieces, 1, scratch, false)
                                        : SHOAL_WIRE_AGAIN;
            if (count > 0) {
                done += (size_t)count;
                continue;
            }
            assert_int_equal(count, SHOAL_WIRE_AGAIN);
            assert_int_equal(pair.wire.wants_write, is_tls && done < SIZE);
            fulls++;
            ssize_t part = client_read(&pair, got + taken, SIZE - taken);
            assert_true(part > 0);
            taken += (size_t)part;
        }
        assert_true(fulls > 1);
        assert_memory_equal(got, sent, SIZE);
        close_pair(&pair);
    }
    free(sent);
    free(got);
}

static void tells_an_end_from_a_break(void **state)
{
    (void)state;
    char out[16];
    struct pair pair;
    open_pair(&pair, false);
    client_write(&pair, "last");
    shutdown(pair.fd, SHUT_WR);
    assert_int_equal(shoal_wire_read(&pair.wire, out, sizeof out), 4);
    assert_int_equal(shoal_wire_read(&pair.wire, out, sizeof out), 0);
    close(pair.fd);
    pair.fd = -1;
    struct iovec piece = {out, 1};
    assert_int_equal(shoal_wire_write(&pair.wire, &piece, 1, scratch, false), SHOAL_WIRE_BROKEN);
    close_pair(&pair);

    open_pair(&pair, true);
    SSL_shutdown(pair.ssl);
    assert_int_equal(shoal_wire_read(&pair.wire, out, sizeof out), 0);
    close_pair(&pair);

    open_pair(&pair, true);
    assert_int_equal(send(pair.fd, "GET / HTTP/1.1\r\n", 16, 0), 16); // no TLS at all
    assert_int_equal(shoal_wire_read(&pair.wire, out, sizeof out), SHOAL_WIRE_BROKEN);
    close_pair(&pair);
}

static void a_handshake_that_is_none_is_broken(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair, false);
    pair.wire.ssl = shoal_tls_accept(tls, pair.wire.fd);
    assert_int_equal(send(pair.fd, "GET / HTTP/1.1\r\n\r\n", 18, 0), 18);
    assert_int_equal(shoal_wire_handshake(&pair.wire), SHOAL_WIRE_BROKEN);
    close_pair(&pair);
}

static void sends_parts_of_files(void **state)
{
    (void)state;
    char path[128], out[64];
    struct pair pair;
    path_of(path, "file.bin");
    int file = open(path, O_RDONLY | O_CLOEXEC);
    open_pair(&pair, false);
    assert_true(shoal_wire_can_sendfile(&pair.wire));
    assert_int_equal(shoal_wire_sendfile(&pair.wire, file, 26 * 100 + 2, 3), 3);
    assert_int_equal(client_read(&pair, out, sizeof out), 3);
    assert_memory_equal(out, "cde", 3);
    assert_int_equal(shoal_wire_sendfile(&pair.wire, file, FILE_BYTES, 3), 0); // behind its end
    assert_int_equal(lseek(file, 0, SEEK_CUR), 0); // several connections share the descriptor
    close_pair(&pair);
    open_pair(&pair, true);
    assert_false(shoal_wire_can_sendfile(&pair.wire)); // a socket pair has no TLS in the kernel
    close_pair(&pair);
    close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_there_is),
        cmocka_unit_test(gathers_pieces),
        cmocka_unit_test(goes_on_where_the_client_takes_more),
        cmocka_unit_test(tells_an_end_from_a_break),
        cmocka_unit_test(a_handshake_that_is_none_is_broken),
        cmocka_unit_test(sends_parts_of_files),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
