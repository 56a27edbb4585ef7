// protocol_test.c - messages with and without descriptors, and what is not one of ours.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shoal/json.h>

#include "super/protocol.h"

static int ends[2];

static int setup(void **unused)
{
    (void)unused;
    return shoal_message_pair(ends, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void a_message_arrives_whole(void **unused)
{
    (void)unused;
    json_t *body = json_pack("{s:s, s:i}", "do", "wait", "id", 7);
    assert_int_equal(shoal_message_send(ends[0], body, NULL, 0, true, NULL), 0);
    json_decref(body);
    struct shoal_message message;
    assert_int_equal(shoal_message_recv(ends[1], true, &message, NULL), 0);
    assert_string_equal(shoal_text(message.body, "do", ""), "wait");
    assert_int_equal(message.fd_count, 0);
    assert_int_equal(shoal_message_take_fd(&message, 0), -1);
    shoal_message_fini(&message);
}

static void descriptors_come_along_and_close_on_exec(void **unused)
{
    (void)unused;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    json_t *body = json_object();
    assert_int_equal(shoal_message_send(ends[0], body, &pipe_ends[1], 1, true, NULL), 0);
    close(pipe_ends[1]);
    struct shoal_message message;
    assert_int_equal(shoal_message_recv(ends[1], true, &message, NULL), 0);
    int fd = shoal_message_take_fd(&message, 0);
    shoal_message_fini(&message);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(write(fd, "x", 1), 1);
    char got = 0;
    assert_int_equal(read(pipe_ends[0], &got, 1), 1);
    assert_int_equal(got, 'x');
    close(fd);
    close(pipe_ends[0]);
    const int too_many[5] = {0, 0, 0, 0, 0};
    assert_int_equal(shoal_message_send(ends[0], body, too_many, 5, true, NULL), SHOAL_EINVAL);
    json_decref(body);
}

static void nothing_there_and_nobody_there_are_told_apart(void **unused)
{
    (void)unused;
    struct shoal_message message;
    assert_int_equal(shoal_message_recv(ends[1], false, &message, NULL), SHOAL_EBUSY);
    shutdown(ends[0], SHUT_RDWR);
    assert_int_equal(shoal_message_recv(ends[1], true, &message, NULL), SHOAL_EGONE);
    json_t *body = json_object();
    assert_int_equal(shoal_message_send(ends[0], body, NULL, 0, true, NULL), SHOAL_EGONE);
    json_decref(body);
}

static void what_is_not_ours_is_refused(void **unused)
{
    (void)unused;
    struct shoal_message message;
    static const char *const bad[] = {"ab", "\0\0\0\x09{}", "\0\0\0\x02[]", "\0\0\0\x03{a}"};
    static const size_t lengths[] = {2, 6, 6, 7};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(send(ends[0], bad[i], lengths[i], 0), (ssize_t)lengths[i]);
        assert_int_equal(shoal_message_recv(ends[1], true, &message, NULL), SHOAL_EINVAL);
    }
}

static void long_messages_are_refused_before_they_are_sent(void **unused)
{
    (void)unused;
    char *text = malloc(SHOAL_MESSAGE_MAX + 1);
    assert_non_null(text);
    memset(text, 'x', SHOAL_MESSAGE_MAX);
    text[SHOAL_MESSAGE_MAX] = '\0';
    json_t *body = json_pack("{s:s}", "text", text);
    assert_int_equal(shoal_message_send(ends[0], body, NULL, 0, true, NULL), SHOAL_ETOOLARGE);
    json_decref(body);
    text[SHOAL_MESSAGE_MAX - 100] = '\0';
    body = json_pack("{s:s}", "text", text);
    assert_int_equal(shoal_message_send(ends[0], body, NULL, 0, true, NULL), 0);
    json_decref(body);
    struct shoal_message message;
    assert_int_equal(shoal_message_recv(ends[1], true, &message, NULL), 0);
    assert_string_equal(shoal_text(message.body, "text", ""), text);
    shoal_message_fini(&message);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_message_arrives_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(descriptors_come_along_and_close_on_exec, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_there_and_nobody_there_are_told_apart, setup,
            teardown),
        cmocka_unit_test_setup_teardown(what_is_not_ours_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(long_messages_are_refused_before_they_are_sent, setup,
            teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
