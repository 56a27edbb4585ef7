// file_test.c - files on their way out: large ones in turns, plain and through TLS, and ones that
// shrink.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"

#define SIZE 3000000 // several turns of 512 KiB

static char *bytes;

static int write_large(void **state)
{
    (void)state;
    char path[128];
    path_of(path, "file.bin");
    unlink(path);
    assert_int_equal(shoal_file_write_whole(path, bytes, SIZE, 0600, NULL), 0);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED); // so that a file thread has to read it
    close(file);
    return 0;
}

static int start_more(void **state)
{
    bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i % 251 + i / 70000);
    }
    return start(state);
}

static int stop_more(void **state)
{
    free(bytes);
    return stop(state);
}

static int dial_small(int port)
{
    int fd = dial(port), small = 65536;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    return fd;
}

static void sends_all_of_a_large_file(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial_small(world.port);
    for (int i = 0; i < 2; i++) { // from disk, then from memory
        ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "\r\n");
        assert_int_equal(reply.status, 200);
        assert_int_equal(reply.body.length, SIZE);
        assert_memory_equal(reply.body.data, bytes, SIZE);
    }
    close(fd);
    forget(&reply);
}

static void sends_any_part(void **state)
{
    (void)state;
    static const struct {
        size_t first, last;
    } rows[] = {{0, 0}, {SIZE - 1, SIZE - 1}, {65535, 65536}, {524287, 524288}, {1, SIZE - 2},
        {1000000, 1700000}};
    struct reply reply = {0};
    int fd = dial(world.port);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[200];
        size_t length = rows[i].last - rows[i].first + 1;
        snprintf(text, sizeof text, "GET /file HTTP/1.1\r\n" HOST "Range: bytes=%zu-%zu\r\n\r\n",
            rows[i].first, rows[i].last);
        ask(fd, &reply, text);
        assert_int_equal(reply.status, 206);
        assert_int_equal(reply.body.length, length);
        assert_memory_equal(reply.body.data, bytes + rows[i].first, length);
    }
    close(fd);
    forget(&reply);
}

static void sends_through_tls(void **state)
{
    (void)state;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int fd = dial_small(world.tls_port);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    assert_int_equal(SSL_connect(ssl), 1);
    static const char text[] =
        "GET /file HTTP/1.1\r\n" HOST "Range: bytes=100-2900000\r\nConnection: close\r\n\r\n";
    assert_int_equal(SSL_write(ssl, text, sizeof text - 1), sizeof text - 1);
    struct shoal_buf all = {0};
    char block[8192];
    int count;
    while ((count = SSL_read(ssl, block, sizeof block)) > 0) {
        shoal_buf_add(&all, block, (size_t)count);
    }
    char *body = strstr(all.data, "\r\n\r\n") + 4;
    assert_int_equal(all.length - (size_t)(body - all.data), 2900000 - 100 + 1);
    assert_memory_equal(body, bytes + 100, 2900000 - 100 + 1);
    shoal_buf_fini(&all);
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(fd);
}

static void a_file_that_shrinks_ends_the_connection(void **state)
{
    (void)state;
    char path[128];
    struct reply reply = {0};
    path_of(path, "file.bin");
    assert_int_equal(truncate(path, 64 << 20), 0); // more than the buffers between us hold
    int fd = dial_small(world.port);
    say(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_PEEK), 1); // it has begun
    assert_int_equal(truncate(path, 10), 0);
    hear(fd, &reply, true);
    assert_int_equal(reply.status, 200);
    assert_true(reply.is_closed); // never bytes that were not in it, and no end without one
    assert_true(reply.body.length < 64 << 20);
    assert_memory_equal(reply.body.data, bytes, 10);
    close(fd);
    fd = dial(world.port); // the server goes on
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.body.length, 10);
    close(fd);
    forget(&reply);
}

static void a_client_that_goes_away_takes_nobody_with_it(void **state)
{
    (void)state;
    struct reply reply = {0};
    for (int i = 0; i < 20; i++) {
        int fd = dial_small(world.port);
        say(fd, "GET /file HTTP/1.1\r\n" HOST "\r\n");
        char block[100];
        assert_true(recv(fd, block, sizeof block, 0) > 0);
        close(fd);
    }
    int fd = dial(world.port);
    ask(fd, &reply, "GET /file HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(reply.body.length, SIZE);
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sends_all_of_a_large_file, write_large),
        cmocka_unit_test_setup(sends_any_part, write_large),
        cmocka_unit_test_setup(sends_through_tls, write_large),
        cmocka_unit_test_setup(a_file_that_shrinks_ends_the_connection, write_large),
        cmocka_unit_test_setup(a_client_that_goes_away_takes_nobody_with_it, write_large),
    };
    return cmocka_run_group_tests(tests, start_more, stop_more);
}
