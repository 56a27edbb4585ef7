// child_test.c - what a server takes from its supervisor, and the orders it is given.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/json.h>

#include "super/channel.h"
#include "super/protocol.h"
#include "super/super.h"

static sem_t stopped;
static char last_reason[64];

static void stop(const char *reason, void *user)
{
    snprintf(last_reason, sizeof last_reason, "%s", reason);
    sem_post(user);
}

/// What the next message of the child asks for.
static json_t *heard(int fd)
{
    struct shoal_message message;
    if (shoal_message_recv(fd, true, &message, NULL) != 0) {
        return NULL;
    }
    json_t *body = json_incref(message.body);
    shoal_message_fini(&message);
    return body;
}

static void say(int fd, json_t *body)
{
    shoal_message_send(fd, body, NULL, 0, true, NULL);
    json_decref(body);
}

/// Leaves text in the environment, as a supervisor does, and reads it.
static int read_child(struct shoal_super_child *child, json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    setenv("SHOAL_CHILD", text, 1);
    free(text);
    return shoal_super_child_read(child, NULL);
}

/// Runs a part of a test in a process of its own: it gives up signals and ends with its channel.
static void apart(int (*part)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        sem_init(&stopped, 0, 0);
        _exit(part());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0) {
        fail_msg("line %d", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
    }
}

// In a part: the line that was wrong is its exit code, as far as it fits.
#define NEED(question)                                                                             \
    if (!(question)) {                                                                             \
        return __LINE__ % 255 + 1;                                                                 \
    }

static void alone_there_is_no_supervisor(void **unused)
{
    (void)unused;
    struct shoal_super_child child;
    struct shoal_err err = {0};
    int fd = 0;
    unsetenv("SHOAL_CHILD");
    assert_int_equal(shoal_super_child_read(&child, &err), SHOAL_ENOTFOUND);
    assert_int_equal(child.control_fd, -1);
    assert_int_equal(shoal_super_child_alone(&err), 0);
    assert_int_equal(shoal_super_listen(0, "127.0.0.1:0", &fd, &err), SHOAL_EUNSUPPORTED);
    assert_int_equal(fd, -1);
}

static void what_is_no_handover_is_refused(void **unused)
{
    (void)unused;
    struct shoal_super_child child;
    setenv("SHOAL_CHILD", "{", 1);
    assert_int_equal(shoal_super_child_read(&child, NULL), SHOAL_EINVAL);
    assert_null(getenv("SHOAL_CHILD"));
    assert_int_equal(read_child(&child, json_pack("{s:i}", "control", 9999)), SHOAL_EINVAL);
    shoal_super_child_close(&child);
}

static int takes(void)
{
    struct shoal_super_child child;
    int ends[2];
    NEED(shoal_message_pair(ends, NULL) == 0);
    int wanted = dup(0), unwanted = dup(0), plugins = dup(0);
    json_t *listens = json_pack("[{s:i, s:i, s:b}, {s:i, s:b}, {s:i, s:b}, {s:i}, {s:i, s:b}]",
        "fd", wanted, "loop", 1, "tls", 1, "fd", unwanted, "wanted", 0, "fd", plugins, "plugin", 1,
        "fd", 9999, "fd", wanted, "redirect", 1);
    NEED(read_child(&child, json_pack("{s:i, s:i, s:b, s:i, s:o, s:{s:s}, s:[s]}", "control",
                                ends[0], "generation", 4, "safe", 1, "loops", 3, "listens", listens,
                                "quarantine", "far", "it crashed", "refuse", "00ff")) == 0);
    NEED(getenv("SHOAL_CHILD") == NULL);
    NEED(child.generation == 4 && child.is_safe_mode && child.loops == 3);
    NEED(child.listen_count == 2);
    NEED(child.listens[0].fd == wanted && child.listens[0].loop == 1 && child.listens[0].is_tls);
    NEED(child.listens[1].is_redirect && child.listens[1].loop == -1 && !child.listens[1].is_tls);
    NEED((fcntl(wanted, F_GETFD) & FD_CLOEXEC) != 0);
    NEED(strcmp(shoal_text(child.quarantine, "far", ""), "it crashed") == 0);
    NEED(json_array_size(child.refuse) == 1);
    NEED(shoal_channel_runs());
    shoal_super_child_listens(&child); // from here on the server has its own
    NEED(child.listen_count == 0 && fcntl(wanted, F_GETFD) < 0);
    NEED(fcntl(unwanted, F_GETFD) >= 0 && fcntl(plugins, F_GETFD) >= 0);
    shoal_super_child_close(&child);
    NEED(child.control_fd == -1 && child.quarantine == NULL && child.listens == NULL);
    return 0;
}

static void sockets_that_are_not_for_it_are_left(void **unused)
{
    (void)unused;
    apart(takes);
}

static int obeys(void)
{
    struct shoal_super_child child;
    int ends[2];
    NEED(shoal_message_pair(ends, NULL) == 0);
    NEED(read_child(&child, json_pack("{s:i, s:i}", "control", ends[0], "generation", 4)) == 0);
    NEED(shoal_super_child_ready(&child, stop, &stopped, NULL) == 0);
    json_t *body = heard(ends[1]);
    NEED(strcmp(shoal_text(body, "do", ""), "ready") == 0);
    NEED(shoal_integer(body, "generation", 0) == 4);
    json_decref(body);
    shoal_super_child_asked();
    body = heard(ends[1]);
    NEED(strcmp(shoal_text(body, "do", ""), "asked") == 0);
    json_decref(body);
    say(ends[1], json_pack("{s:s}", "do", "dance")); // not an order that it knows
    say(ends[1], json_pack("{s:s, s:s}", "do", "stop", "reason", "reload"));
    sem_wait(&stopped);
    NEED(strcmp(last_reason, "reload") == 0);
    struct shoal_err err = {.text = "the port is taken"};
    shoal_super_child_failed(&err);
    body = heard(ends[1]);
    NEED(strcmp(shoal_text(body, "do", ""), "failed") == 0);
    NEED(strcmp(shoal_text(body, "text", ""), "the port is taken") == 0);
    json_decref(body);
    shoal_super_child_stays(7000);
    body = heard(ends[1]);
    NEED(strcmp(shoal_text(body, "do", ""), "stays") == 0 && shoal_integer(body, "ms", 0) == 7000);
    json_decref(body);
    shoal_super_child_close(&child);
    return 0;
}

static void a_stop_reaches_the_server(void **unused)
{
    (void)unused;
    apart(obeys);
}

static int obeys_late(void)
{
    struct shoal_super_child child;
    int ends[2];
    NEED(shoal_message_pair(ends, NULL) == 0);
    NEED(read_child(&child, json_pack("{s:i}", "control", ends[0])) == 0);
    // The reason is longer than what is kept of it.
    say(ends[1], json_pack("{s:s, s:s}", "do", "stop", "reason",
                     "a reason that goes on and on for very long"));
    int unread = 1; // what comes in order is read in order: with the second gone, the first is kept
    say(ends[1], json_pack("{s:i}", "answer", 1));
    while (unread > 0) {
        NEED(ioctl(ends[0], FIONREAD, &unread) == 0);
    }
    NEED(shoal_super_child_ready(&child, stop, &stopped, NULL) == 0);
    sem_wait(&stopped);
    NEED(strncmp(last_reason, "a reason that goes on", 21) == 0);
    shoal_super_child_close(&child);
    return 0;
}

static void a_stop_that_came_early_is_kept(void **unused)
{
    (void)unused;
    apart(obeys_late);
}

static int is_orphaned(void)
{
    struct shoal_super_child child;
    int ends[2];
    NEED(shoal_message_pair(ends, NULL) == 0);
    NEED(read_child(&child, json_pack("{s:i}", "control", ends[0])) == 0);
    close(ends[1]);
    for (;;) {
        pause(); // it ends itself
    }
}

static void without_its_supervisor_it_ends(void **unused)
{
    (void)unused;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(100 + is_orphaned() % 100);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone_there_is_no_supervisor),
        cmocka_unit_test(what_is_no_handover_is_refused),
        cmocka_unit_test(sockets_that_are_not_for_it_are_left),
        cmocka_unit_test(a_stop_reaches_the_server),
        cmocka_unit_test(a_stop_that_came_early_is_kept),
        cmocka_unit_test(without_its_supervisor_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
