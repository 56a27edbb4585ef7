// upgrade_test.c - what a supervisor hands to the program that follows it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/json.h>

#include "super/supervisor.h"

/// Puts the text where a program before would have left its state.
static void hand_over(const char *text)
{
    char number[16];
    int fd = memfd_create("state", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    snprintf(number, sizeof number, "%d", fd);
    assert_int_equal(setenv("SHOAL_SUPER", number, 1), 0);
}

static void a_fresh_start_has_nothing_to_resume(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {.lock_fd = -1};
    unsetenv("SHOAL_SUPER");
    assert_false(shoal_supervisor_resume(&super));
    assert_false(super.has_served);
}

static void rubbish_is_a_fresh_start(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"", "{", "rubbish"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct shoal_supervisor super = {.lock_fd = -1};
        hand_over(texts[i]);
        assert_false(shoal_supervisor_resume(&super));
        assert_null(getenv("SHOAL_SUPER")); // nobody tries again
        assert_int_equal(super.child_count, 0);
    }
}

static void no_more_children_are_taken_than_there_is_room_for(void **unused)
{
    (void)unused;
    struct shoal_supervisor super = {.lock_fd = -1, .quarantine = json_object()};
    hand_over("{\"lock\": -1, \"children\": [{\"pid\": 1, \"channel\": -1, \"crash\": -1},"
              "{}, {}, {}, {}, {}, {}, {}]}");
    assert_true(shoal_supervisor_resume(&super));
    assert_int_equal(super.child_count, SHOAL_CHILDREN_MAX);
    assert_int_equal(super.children[1].channel_fd, -1);
    assert_null(super.quarantine);
}

static int upgrade_fails(struct shoal_supervisor *super)
{
    shoal_supervisor_upgrade(super); // comes back, as the program is not there
    bool is_clean = getenv("SHOAL_SUPER") == NULL &&
                    (fcntl(super->lock_fd, F_GETFD) & FD_CLOEXEC) != 0 && super->child_count == 1;
    return is_clean ? 0 : 1;
}

static void an_upgrade_that_fails_changes_nothing(void **unused)
{
    (void)unused;
    char *argv[] = {(char[]){"shoal"}, NULL};
    struct shoal_supervisor super = {.argv = argv,
        .program = "/nowhere/at/all/shoal",
        .child_count = 1,
        .quarantine = json_object()};
    super.children[0] = (struct shoal_child){.pid = INT32_MAX, .channel_fd = -1, .crash_fd = -1};
    super.lock_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_int_equal(upgrade_fails(&super), 0);
    close(super.lock_fd);
    json_decref(super.quarantine);
}

/// In the place of the next program: this very test, which compares what it was given.
static int next_program(void)
{
    struct shoal_supervisor super = {.quarantine = json_object()};
    bool same = shoal_supervisor_resume(&super) && super.generation == 7 && super.loops == 2 &&
                super.is_safe_mode && super.has_served && super.child_count == 1 &&
                super.children[0].pid == INT32_MAX && super.children[0].generation == 6 &&
                super.children[0].state == SHOAL_CHILD_DRAINING && super.children[0].stays &&
                super.children[0].has_asked &&
                super.children[0].kill_at_ms == 99 &&
                strcmp(super.children[0].unsaid, "stop") == 0 && super.children[0].alone_id == 5 &&
                super.backoff.count == 1 && super.backoff.list[0].signal == 11 &&
                strcmp(shoal_text(super.quarantine, "far", ""), "it crashed") == 0;
    // What it needs went through the exec, and goes through no other.
    same = same && fcntl(super.lock_fd, F_GETFD) == FD_CLOEXEC &&
           fcntl(super.children[0].channel_fd, F_GETFD) == FD_CLOEXEC;
    shoal_media_table_fini(&super.media);
    shoal_sockets_fini(&super.sockets);
    json_decref(super.quarantine);
    return same ? 0 : 1;
}

static void the_next_program_knows_all(void **unused)
{
    (void)unused;
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {(char[]){"upgrade_test"}, (char[]){"next"}, NULL};
        struct shoal_supervisor super = {.argv = argv,
            .program = "/proc/self/exe",
            .generation = 7,
            .loops = 2,
            .is_safe_mode = true,
            .child_count = 1,
            .quarantine = json_pack("{s:s}", "far", "it crashed")};
        int ends[2];
        super.lock_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (super.lock_fd < 0 || shoal_message_pair(ends, NULL) != 0) {
            _exit(2);
        }
        super.children[0] = (struct shoal_child){.pid = INT32_MAX,
            .channel_fd = ends[0],
            .crash_fd = -1,
            .generation = 6,
            .unsaid = "stop",
            .state = SHOAL_CHILD_DRAINING,
            .kill_at_ms = 99,
            .alone_id = 5,
            .has_asked = true,
            .stays = true};
        struct shoal_crash crash = {.at_ms = 1, .signal = 11};
        shoal_backoff_crash(&super.backoff, &crash, 1);
        shoal_supervisor_upgrade(&super);
        _exit(3);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void who_stops_does_not_begin_anew(void **unused)
{
    (void)unused;
    pid_t pid = fork();
    if (pid == 0) {
        char *argv[] = {(char[]){"upgrade_test"}, (char[]){"next"}, NULL};
        struct shoal_supervisor super = {.argv = argv,
            .program = "/proc/self/exe",
            .lock_fd = -1,
            .is_stopping = true,
            .quarantine = json_object()};
        shoal_supervisor_upgrade(&super);
        _exit(getenv("SHOAL_SUPER") == NULL ? 42 : 43);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "next") == 0) {
        return next_program();
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_start_has_nothing_to_resume),
        cmocka_unit_test(rubbish_is_a_fresh_start),
        cmocka_unit_test(no_more_children_are_taken_than_there_is_room_for),
        cmocka_unit_test(an_upgrade_that_fails_changes_nothing),
        cmocka_unit_test(the_next_program_knows_all),
        cmocka_unit_test(who_stops_does_not_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
