// sockets_test.c - ports are probed, shared by loops, kept over reloads, and closed when no longer wanted.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/stream.h>

#include "super/sockets.h"

static struct shoal_config_listen line(const char *host, int port)
{
    struct shoal_config_listen listen = {.port = port};
    snprintf(listen.host, sizeof listen.host, "%s", host);
    return listen;
}

static int open_lines(struct shoal_sockets *sockets, struct shoal_config_listen *lines,
    size_t count, int loops, struct shoal_err *err)
{
    struct shoal_config config = {.folder = SHOAL_BUILD_DIR "/tests", .listens = lines,
        .listen_count = count};
    memset(err, 0, sizeof *err);
    return shoal_sockets_open(sockets, &config, loops, err);
}

static void each_loop_gets_a_socket_of_the_same_port(void **unused)
{
    (void)unused;
    struct shoal_sockets sockets = {0};
    struct shoal_err err;
    struct shoal_config_listen lines[] = {line("127.0.0.1", 0)};
    assert_int_equal(open_lines(&sockets, lines, 1, 3, &err), 0);
    assert_int_equal(sockets.count, 3);
    assert_true(sockets.list[0].port > 0);
    assert_int_equal(sockets.list[0].port, sockets.list[2].port);
    assert_int_equal(sockets.list[2].loop, 2);
    shoal_sockets_fini(&sockets);
}

static void a_taken_port_is_named_in_a_sentence(void **unused)
{
    (void)unused;
    struct shoal_sockets one = {0}, two = {0};
    struct shoal_err err;
    struct shoal_config_listen lines[] = {line("127.0.0.1", 0)};
    assert_int_equal(open_lines(&one, lines, 1, 2, &err), 0);
    struct shoal_config_listen same[] = {line("127.0.0.1", 0), line("127.0.0.1", one.list[0].port)};
    assert_int_equal(open_lines(&two, same, 2, 2, &err), SHOAL_EBUSY);
    assert_non_null(strstr(err.text, "is taken"));
    assert_int_equal(two.count, 0);
    shoal_sockets_fini(&one);
    shoal_sockets_fini(&two);
}

static void addresses_that_are_none_are_refused(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    assert_int_equal(shoal_sockets_probe("example.invalid", 80, false, &err), SHOAL_EINVAL);
    assert_int_equal(shoal_sockets_probe("127.0.0.1", 70000, false, &err), SHOAL_EINVAL);
    assert_int_equal(shoal_sockets_probe("203.0.113.1", 4711, false, &err), SHOAL_EINVAL);
}

static void a_reload_keeps_opens_and_closes(void **unused)
{
    (void)unused;
    struct shoal_sockets sockets = {0};
    struct shoal_err err;
    struct shoal_config_listen before[] = {line("127.0.0.1", 0), line("127.0.0.2", 0)};
    assert_int_equal(open_lines(&sockets, before, 2, 1, &err), 0);
    int kept_fd = sockets.list[0].fd;
    struct shoal_config_listen after[] = {line("127.0.0.1", 0), line("127.0.0.3", 0)};
    assert_int_equal(open_lines(&sockets, after, 2, 1, &err), 0);
    assert_int_equal(sockets.count, 3); // the old child still listens on all that it had
    shoal_sockets_prune(&sockets);
    assert_int_equal(sockets.count, 2);
    assert_int_equal(sockets.list[0].fd, kept_fd);
    assert_non_null(strstr(sockets.list[1].name, "127.0.0.3"));
    shoal_sockets_fini(&sockets);
}

static void what_nobody_ever_served_is_taken_back(void **unused)
{
    (void)unused;
    struct shoal_sockets sockets = {0};
    struct shoal_err err;
    struct shoal_config_listen before[] = {line("127.0.0.1", 0), line("127.0.0.2", 0)};
    assert_int_equal(open_lines(&sockets, before, 2, 1, &err), 0);
    shoal_sockets_prune(&sockets); // a child is ready
    int kept[] = {sockets.list[0].fd, sockets.list[1].fd};
    struct shoal_config_listen after[] = {line("127.0.0.1", 0), line("127.0.0.3", 0)};
    assert_int_equal(open_lines(&sockets, after, 2, 3, &err), 0);
    assert_int_equal(sockets.count, 7);
    shoal_sockets_take_back(&sockets, 0); // and the next one was not
    assert_int_equal(sockets.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(sockets.list[i].fd, kept[i]);
        assert_true(sockets.list[i].is_wanted);
    }
    shoal_sockets_fini(&sockets);
}

static void a_unix_socket_replaces_a_stale_one(void **unused)
{
    (void)unused;
    struct shoal_sockets one = {0}, two = {0};
    struct shoal_err err;
    struct shoal_config_listen lines[] = {line("sockets-test.sock", 0)};
    lines[0].is_unix = true;
    assert_int_equal(open_lines(&one, lines, 1, 2, &err), 0);
    assert_int_equal(one.count, 1);
    assert_int_equal(one.list[0].loop, -1);
    assert_int_equal(open_lines(&two, lines, 1, 2, &err), SHOAL_EBUSY);
    shoal_sockets_fini(&one);
    assert_int_equal(open_lines(&two, lines, 1, 2, &err), 0);
    shoal_sockets_fini(&two);
    unlink(SHOAL_BUILD_DIR "/tests/sockets-test.sock");
}

static void a_plugins_socket_is_opened_once_and_kept(void **unused)
{
    (void)unused;
    struct shoal_sockets sockets = {0};
    struct shoal_err err = {0};
    int fd = shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_TCP, "127.0.0.1:0", 1, &err);
    assert_true(fd >= 0);
    assert_int_equal(shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_TCP, "127.0.0.1:0", 1, &err),
        fd);
    assert_int_equal(shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_TCP, "nonsense", 1, &err),
        SHOAL_EINVAL);
    struct shoal_config_listen lines[] = {line("127.0.0.1", 0)};
    assert_int_equal(open_lines(&sockets, lines, 1, 1, &err), 0);
    shoal_sockets_prune(&sockets);
    assert_int_equal(sockets.count, 2);
    shoal_sockets_fini(&sockets);
}

static void a_plugins_socket_that_newer_ones_do_not_want_is_closed(void **unused)
{
    (void)unused;
    struct shoal_sockets sockets = {0}, after = {0};
    struct shoal_err err = {0};
    char address[32];
    int kept = shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_UDP, "127.0.0.2:0", 1, &err);
    int probe = shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_UDP, "127.0.0.1:0", 1, &err);
    assert_true(kept >= 0 && probe >= 0);
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    assert_int_equal(getsockname(probe, (struct sockaddr *)&name, &length), 0);
    int port = ntohs(name.sin_port);
    struct shoal_config_listen lines[] = {line("127.0.0.1", 0)};
    assert_int_equal(open_lines(&sockets, lines, 1, 1, &err), 0);
    shoal_sockets_prune(&sockets); // a child is ready
    assert_int_equal(
        shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_UDP, "127.0.0.2:0", 2, &err), kept);
    // An older child that asks late does not make it older.
    assert_int_equal(
        shoal_sockets_plugin(&sockets, "/", SHOAL_LISTEN_UDP, "127.0.0.2:0", 1, &err), kept);
    json_t *dump = shoal_sockets_dump(&sockets); // an upgrade forgets nothing of that
    shoal_sockets_load(&after, dump);
    json_decref(dump);
    shoal_sockets_take_back(&after, 1);
    assert_int_equal(after.count, 3);
    assert_int_equal(shoal_sockets_probe("127.0.0.1", port, true, &err), SHOAL_EBUSY);
    shoal_sockets_take_back(&after, 2);
    assert_int_equal(after.count, 2);
    assert_int_equal(after.list[0].fd, kept);
    assert_false(after.list[1].is_plugin);
    assert_int_equal(shoal_sockets_probe("127.0.0.1", port, true, &err), 0);
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    assert_true(shoal_sockets_plugin(&after, "/", SHOAL_LISTEN_UDP, address, 2, &err) >= 0);
    shoal_sockets_fini(&after);
    sockets.count = 0; // handed over
    shoal_sockets_fini(&sockets);
}

static void an_upgrade_hands_them_over(void **unused)
{
    (void)unused;
    struct shoal_sockets sockets = {0}, after = {0};
    struct shoal_err err;
    struct shoal_config_listen lines[] = {line("127.0.0.1", 0)};
    lines[0].is_redirect = true;
    assert_int_equal(open_lines(&sockets, lines, 1, 2, &err), 0);
    json_t *dump = shoal_sockets_dump(&sockets);
    shoal_sockets_load(&after, dump);
    json_decref(dump);
    assert_int_equal(after.count, 2);
    assert_int_equal(after.list[1].fd, sockets.list[1].fd);
    assert_int_equal(after.list[1].port, sockets.list[0].port);
    assert_true(after.list[0].is_redirect);
    assert_int_equal(open_lines(&after, lines, 1, 2, &err), 0);
    assert_int_equal(after.count, 2); // none is opened anew
    after.count = 0;
    shoal_sockets_fini(&after);
    shoal_sockets_fini(&sockets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_loop_gets_a_socket_of_the_same_port),
        cmocka_unit_test(a_taken_port_is_named_in_a_sentence),
        cmocka_unit_test(addresses_that_are_none_are_refused),
        cmocka_unit_test(a_reload_keeps_opens_and_closes),
        cmocka_unit_test(what_nobody_ever_served_is_taken_back),
        cmocka_unit_test(a_unix_socket_replaces_a_stale_one),
        cmocka_unit_test(a_plugins_socket_is_opened_once_and_kept),
        cmocka_unit_test(a_plugins_socket_that_newer_ones_do_not_want_is_closed),
        cmocka_unit_test(an_upgrade_hands_them_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
