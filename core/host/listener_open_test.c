// listener_open_test.c - listening sockets that are opened without a supervisor.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/listener_open.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <shoal/stream.h>

#include "host/test_kit.h"

static struct kit kit;

static int begin(void **state)
{
    (void)state;
    kit_folder(&kit);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return shoal_tree_remove(kit.folder, NULL);
}

static int open_it(int kind, const char *address, int *fd)
{
    struct shoal_err err = {0};
    *fd = -1;
    int code = shoal_listener_open(kind, address, fd, &err);
    if (code < 0 && !strstr(err.text, address)) {
        fail_msg("%s is not named: %s", address, err.text);
    }
    return code;
}

static int number(int fd, int option)
{
    int value = -1;
    socklen_t length = sizeof(value);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, option, &value, &length), 0);
    return value;
}

static void an_address_and_a_port_are_listened_on(void **state)
{
    (void)state;
    int fd = -1;
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    assert_int_equal(open_it(SHOAL_LISTEN_TCP, "127.0.0.1:0", &fd), 0);
    assert_int_equal(number(fd, SO_ACCEPTCONN), 1);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(address.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC); // media processes do not get it
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    char taken[64];
    int other = -1;
    snprintf(taken, sizeof(taken), "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(open_it(SHOAL_LISTEN_TCP, taken, &other), SHOAL_EBUSY);
    assert_int_equal(other, -1);
    close(fd);
    assert_int_equal(open_it(SHOAL_LISTEN_TCP, taken, &fd), 0); // free again at once
    close(fd);
    assert_int_equal(open_it(SHOAL_LISTEN_UDP, "127.0.0.1:0", &fd), 0);
    assert_int_equal(number(fd, SO_TYPE), SOCK_DGRAM);
    close(fd);
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ":", ":80", "80", "127.0.0.1",
        "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:80x", "127.0.0.1:-1", "127.0.0.1:65536",
        "127.0.0.1:99999999999999999999", "localhost:80", "[127.0.0.1:80", "[]:80", "[::1:80",
        "::1]:80", "256.0.0.1:80",
        "1111111111111111111111111111111111111111111111111111111111111111:80"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int fd = -1;
        if (open_it(SHOAL_LISTEN_TCP, bad[i], &fd) != SHOAL_EINVAL || fd != -1) {
            fail_msg("\"%s\" was taken", bad[i]);
        }
    }
}

static void an_address_of_another_machine_is_an_error(void **state)
{
    (void)state;
    int fd = -1;
    assert_int_equal(open_it(SHOAL_LISTEN_TCP, "203.0.113.9:0", &fd), SHOAL_EIO);
}

static void a_unix_socket_takes_the_place_of_the_last_one(void **state)
{
    (void)state;
    char path[160];
    struct stat info;
    int first = -1;
    int second = -1;
    snprintf(path, sizeof(path), "%s/s", kit.folder);
    assert_int_equal(open_it(SHOAL_LISTEN_UNIX, path, &first), 0);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISSOCK(info.st_mode));
    close(first); // a process that died leaves its socket behind
    assert_int_equal(open_it(SHOAL_LISTEN_UNIX, path, &second), 0);
    assert_int_equal(number(second, SO_ACCEPTCONN), 1);
    close(second);
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = 0;
    assert_int_equal(open_it(SHOAL_LISTEN_UNIX, path, &first), SHOAL_EINVAL);
}

static void a_file_in_the_place_of_a_socket_stays(void **state)
{
    (void)state;
    char path[160];
    struct stat info;
    int fd = -1;
    kit_write(&kit, "precious", "data");
    snprintf(path, sizeof(path), "%s/precious", kit.folder);
    assert_int_equal(open_it(SHOAL_LISTEN_UNIX, path, &fd), SHOAL_EBUSY);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISREG(info.st_mode));
    assert_int_equal(info.st_size, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(an_address_and_a_port_are_listened_on),
        CASE(what_is_no_address_is_refused),
        CASE(an_address_of_another_machine_is_an_error),
        CASE(a_unix_socket_takes_the_place_of_the_last_one),
        CASE(a_file_in_the_place_of_a_socket_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
