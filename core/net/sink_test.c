// sink_test.c - bodies on their way to disk: many blocks, partial writes, and disks that fail
// meanwhile.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/server_kit_priv.h"
#include "net/server_priv.h"

#define SIZE 400000 // six blocks and a part

static struct shoal_file_calls calls;
static atomic_int writes;

static int set_up(void **state)
{
    (void)state;
    char path[128];
    path_of(path, "raw.bin");
    unlink(path);
    calls = *shoal_file_system();
    atomic_store(&writes, 0);
    atomic_store(&world.partial, 0);
    shoal_file_set(&calls);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    shoal_file_set(NULL);
    return 0;
}

static char *make_bytes(void)
{
    char *bytes = malloc(SIZE);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i % 251 + i / 65536);
    }
    return bytes;
}

static void put_raw(struct reply *reply, const char *query, size_t claimed)
{
    char text[200], *bytes = make_bytes();
    int fd = dial(world.port);
    snprintf(text, sizeof text, "PUT /raw%s HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", query,
        claimed);
    say(fd, text);
    say_bytes(fd, bytes, SIZE);
    if (claimed > SIZE) {
        close(fd); // in the middle of the body
    } else {
        hear(fd, reply, true);
        close(fd);
    }
    free(bytes);
}

static void assert_written(size_t offset)
{
    char path[128], *bytes = make_bytes();
    struct shoal_buf found = {0};
    path_of(path, "raw.bin");
    assert_int_equal(shoal_file_read_whole(path, 2 * SIZE, &found, NULL), 0);
    assert_int_equal(found.length, offset + SIZE);
    assert_memory_equal(found.data + offset, bytes, SIZE);
    shoal_buf_fini(&found);
    free(bytes);
}

static ssize_t write_little(int fd, const void *data, size_t length, off_t offset)
{
    if (atomic_fetch_add(&writes, 1) % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return pwrite(fd, data, length > 10000 ? 10000 : length, offset);
}

static void writes_all_over_signals_and_partial_writes(void **state)
{
    (void)state;
    struct reply reply = {0};
    calls.pwrite = write_little;
    put_raw(&reply, "?offset=1000", SIZE);
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.data, "400000 1");
    assert_written(1000);
    assert_true(atomic_load(&writes) > 40);
    forget(&reply);
}

static ssize_t write_until_full(int fd, const void *data, size_t length, off_t offset)
{
    if (atomic_fetch_add(&writes, 1) >= 2) {
        errno = ENOSPC;
        return -1;
    }
    return pwrite(fd, data, length, offset);
}

static ssize_t write_nothing(int fd, const void *data, size_t length, off_t offset)
{
    (void)fd;
    (void)data;
    (void)length;
    (void)offset;
    return 0;
}

static int open_fails(const char *path, int flags, mode_t mode)
{
    (void)path;
    (void)flags;
    (void)mode;
    errno = EACCES;
    return -1;
}

static void says_what_the_disk_said(void **state)
{
    (void)state;
    struct reply reply = {0};
    calls.pwrite = write_until_full;
    put_raw(&reply, "", SIZE);
    assert_int_equal(reply.status, 507);
    calls.pwrite = write_nothing; // not even an error: it would be tried for ever
    put_raw(&reply, "", SIZE);
    assert_int_equal(reply.status, 500);
    calls.pwrite = shoal_file_system()->pwrite;
    calls.open = open_fails;
    put_raw(&reply, "", SIZE);
    assert_int_equal(reply.status, 500);
    calls.open = shoal_file_system()->open;
    put_raw(&reply, "", SIZE); // and goes on where the disk does
    assert_int_equal(reply.status, 200);
    assert_written(0);
    forget(&reply);
}

static void tells_the_handler_how_far_a_broken_body_came(void **state)
{
    (void)state;
    struct reply reply = {0};
    put_raw(&reply, "", SIZE + 1);
    for (int i = 0; i < 5000 && atomic_load(&world.partial) == 0; i++) {
        usleep(1000);
    }
    assert_int_equal(
        atomic_load(&world.partial), SIZE); // what came is kept: it can be gone on with
    assert_written(0);
}

static void has_one_block_where_there_are_many(void **state)
{
    (void)state;
    struct reply reply = {0};
    atomic_fetch_add(&world.server->sink_bytes, 64u << 20);
    put_raw(&reply, "", SIZE);
    assert_int_equal(reply.status, 200);
    assert_written(0);
    assert_int_equal(atomic_fetch_sub(&world.server->sink_bytes, 64u << 20), 64u << 20);
    forget(&reply);
}

static void an_empty_body_makes_no_file(void **state)
{
    (void)state;
    struct reply reply = {0};
    int fd = dial(world.port);
    ask(fd, &reply, "PUT /raw HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_int_equal(reply.status, 200);
    assert_string_equal(reply.body.data, "0 1");
    close(fd);
    forget(&reply);
}

static void a_form_that_breaks_off_is_refused_and_leaves_nothing(void **state)
{
    (void)state;
    struct reply reply = {0};
    static const char *const bodies[] = {
        "--b\r\nContent-Disposition: form-data; name=\"videofile\"; filename=\"a\"\r\n\r\nbytes",
        "--b\r\nrubbish\r\n\r\n--b--\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"a[b]\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--b--\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[600];
        int fd = dial(world.port);
        snprintf(text, sizeof text,
            "POST /upload HTTP/1.1\r\n" HOST
            "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %zu\r\n\r\n%s",
            strlen(bodies[i]), bodies[i]);
        ask(fd, &reply, text);
        assert_int_equal(reply.status, 400);
        close(fd);
    }
    int fd = dial(world.port);
    ask(fd, &reply,
        "POST /upload HTTP/1.1\r\n" HOST
        "Content-Type: multipart/form-data\r\nContent-Length: 1\r\n\r\nx");
    assert_int_equal(reply.status, 400); // no boundary: refused before a byte is taken
    close(fd);
    forget(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            writes_all_over_signals_and_partial_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_the_disk_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            tells_the_handler_how_far_a_broken_body_came, set_up, tear_down),
        cmocka_unit_test_setup_teardown(has_one_block_where_there_are_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_body_makes_no_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_form_that_breaks_off_is_refused_and_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
