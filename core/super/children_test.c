// children_test.c - what children say, and what their ends mean.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>
#include <shoal/stream.h>

#include "base/file.h"
#include "super/supervisor.h"

// Statuses as wait() gives them.
#define ENDED_WELL   0
#define ENDED_BADLY  (1 << 8)
#define ENDED_BY(no) (no)

static char folder[] = "/tmp/shoal_children_XXXXXX";
static struct shoal_supervisor super;
static int far[8];   ///< the children's ends, by generation
static int crash[8]; ///< where they would write their crashes

static int setup(void **unused)
{
    (void)unused;
    super = (struct shoal_supervisor){.stop_grace_ms = 1000, .quarantine = json_object()};
    snprintf(super.folder, sizeof super.folder, "%s", folder);
    shoal_media_table_init(&super.media);
    for (int i = 0; i < 8; i++) {
        far[i] = crash[i] = -1;
    }
    return 0;
}

static void close_one(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

static int teardown(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < super.child_count; i++) {
        close_one(super.children[i].channel_fd);
        close_one(super.children[i].crash_fd);
    }
    for (int i = 0; i < 8; i++) {
        close_one(far[i]);
        close_one(crash[i]);
    }
    shoal_media_table_fini(&super.media);
    json_decref(super.quarantine);
    return 0;
}

/// A child without a process: its number belongs to nobody.
static struct shoal_child *child_new(enum shoal_child_state state)
{
    int channel[2], pipe_ends[2];
    int generation = ++super.generation;
    assert_int_equal(shoal_message_pair(channel, NULL), 0);
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK), 0);
    far[generation] = channel[1];
    crash[generation] = pipe_ends[1];
    struct shoal_child *child = &super.children[super.child_count++];
    *child = (struct shoal_child){.pid = INT32_MAX - generation,
        .channel_fd = channel[0],
        .crash_fd = pipe_ends[0],
        .generation = generation,
        .state = state,
        .started_ms = shoal_tick_ms()};
    return child;
}

/// A child says something and the supervisor listens.
static void says(struct shoal_child *child, json_t *body)
{
    assert_int_equal(shoal_message_send(far[child->generation], body, NULL, 0, false, NULL), 0);
    json_decref(body);
    shoal_child_heard(&super, child);
}

/// The next message that a child was sent: the text of `key`, "" for none.
static const char *hears(int generation, const char *key)
{
    static char text[64];
    struct shoal_message message;
    text[0] = '\0';
    if (shoal_message_recv(far[generation], false, &message, NULL) == 0) {
        snprintf(text, sizeof text, "%s", shoal_text(message.body, key, "(other)"));
        shoal_message_fini(&message);
    }
    return text;
}

static void a_ready_child_takes_over_from_older_ones(void **unused)
{
    (void)unused;
    struct shoal_child *old = child_new(SHOAL_CHILD_READY);
    struct shoal_child *new = child_new(SHOAL_CHILD_STARTING);
    says(new, json_pack("{s:s}", "do", "ready"));
    assert_int_equal(new->state, SHOAL_CHILD_READY);
    assert_true(super.has_served);
    assert_int_equal(old->state, SHOAL_CHILD_DRAINING);
    assert_true(old->kill_at_ms > shoal_tick_ms());
    assert_string_equal(hears(1, "reason"), "reload");
    assert_string_equal(hears(2, "do"), "siblings");
    assert_string_equal(hears(2, "do"), "");
}

static void a_child_alone_waits_until_older_ones_are_gone(void **unused)
{
    (void)unused;
    struct shoal_child *old = child_new(SHOAL_CHILD_READY);
    struct shoal_child *new = child_new(SHOAL_CHILD_STARTING);
    says(new, json_pack("{s:s, s:i}", "do", "alone", "id", 9));
    assert_int_equal(new->alone_id, 9);
    assert_string_equal(hears(1, "reason"), "migration");
    assert_string_equal(hears(2, "do"), "");
    shoal_child_ended(&super, old, ENDED_WELL);
    assert_int_equal(super.child_count, 1);
    assert_int_equal(super.children[0].generation, 2);
    assert_int_equal(super.children[0].alone_id, 0);
    assert_string_equal(hears(2, "do"), "(other)"); // the answer
    assert_int_equal(super.restart_at_ms, 0);
}

static void topics_reach_the_others_alone(void **unused)
{
    (void)unused;
    struct shoal_child *one = child_new(SHOAL_CHILD_READY);
    child_new(SHOAL_CHILD_DRAINING);
    child_new(SHOAL_CHILD_STARTING);
    says(one, json_pack("{s:s, s:s}", "do", "topic", "topic", "chat"));
    assert_string_equal(hears(1, "topic"), "");
    assert_string_equal(hears(2, "topic"), "chat");
    assert_string_equal(hears(3, "topic"), "");
}

static void only_what_drains_may_stay(void **unused)
{
    (void)unused;
    struct shoal_child *child = child_new(SHOAL_CHILD_READY);
    says(child, json_pack("{s:s, s:i}", "do", "stays", "ms", 60000));
    assert_false(child->stays);
    shoal_child_stop(&super, child, "reload");
    int64_t soon = child->kill_at_ms;
    says(child, json_pack("{s:s, s:i}", "do", "stays", "ms", 60000));
    assert_true(child->stays);
    assert_true(child->kill_at_ms >= soon + 60000);
    shoal_child_stop(&super, child, "reload"); // another reload leaves it alone
    assert_true(child->stays);
    shoal_child_stop(&super, child, "stop");
    assert_false(child->stays);
    assert_true(child->kill_at_ms < soon + 60000);
}

/// A child asks for the socket of a plugin.
static void asks(struct shoal_child *child, const char *address)
{
    says(child, json_pack("{s:s, s:i, s:i, s:s}", "do", "listen", "id", 3, "kind",
                    SHOAL_LISTEN_UDP, "address", address));
}

/// A child that serves, and has asked for two sockets of a plugin.
static struct shoal_child *asking_child(void)
{
    struct shoal_child *child = child_new(SHOAL_CHILD_READY);
    super.has_served = true;
    asks(child, "127.0.0.1:0");
    asks(child, "127.0.0.2:0");
    says(child, json_pack("{s:s}", "do", "asked"));
    assert_int_equal(super.sockets.count, 2);
    return child;
}

static void a_plugins_socket_goes_with_the_last_that_may_listen_on_it(void **unused)
{
    (void)unused;
    struct shoal_child *old = asking_child();
    struct shoal_child *new = child_new(SHOAL_CHILD_STARTING);
    says(new, json_pack("{s:s}", "do", "ready"));
    asks(new, "127.0.0.2:0");
    says(new, json_pack("{s:s}", "do", "asked"));
    assert_int_equal(super.sockets.count, 2); // the old one may still answer there
    shoal_child_ended(&super, old, ENDED_WELL);
    assert_int_equal(super.sockets.count, 1);
    assert_string_equal(super.sockets.list[0].name, "plugin 1 127.0.0.2:0");
    shoal_sockets_fini(&super.sockets);
}

static void a_plugins_socket_waits_until_the_next_one_has_asked(void **unused)
{
    (void)unused;
    struct shoal_child *old = asking_child();
    int kept = super.sockets.list[1].fd;
    shoal_child_ended(&super, old, ENDED_BY(SIGKILL));
    struct shoal_child *new = child_new(SHOAL_CHILD_STARTING);
    says(new, json_pack("{s:s}", "do", "ready"));
    assert_int_equal(super.sockets.count, 2);
    asks(new, "127.0.0.2:0");
    assert_int_equal(super.sockets.count, 2);
    says(new, json_pack("{s:s}", "do", "asked"));
    assert_int_equal(super.sockets.count, 1);
    assert_int_equal(super.sockets.list[0].fd, kept);
    shoal_sockets_fini(&super.sockets);
}

static void the_first_that_fails_ends_the_server(void **unused)
{
    (void)unused;
    struct shoal_child *child = child_new(SHOAL_CHILD_STARTING);
    says(child, json_pack("{s:s, s:s}", "do", "failed", "text", "the port is taken"));
    assert_string_equal(child->sentence, "the port is taken");
    shoal_child_ended(&super, child, ENDED_BADLY);
    assert_true(super.is_over);
    assert_int_equal(super.exit_code, 1);
    assert_int_equal(super.child_count, 0);
}

static void one_without_room_on_its_disk_is_tried_again(void **unused)
{
    (void)unused;
    struct shoal_child *child = child_new(SHOAL_CHILD_STARTING);
    says(child, json_pack("{s:s, s:i, s:s}", "do", "failed", "code", SHOAL_EFULL, "text", "full"));
    shoal_child_ended(&super, child, ENDED_BADLY);
    assert_false(super.is_over);
    assert_true(super.restart_at_ms > shoal_tick_ms());
    assert_int_equal(super.backoff.count, 0); // it is no crash
}

static void a_failed_reload_keeps_the_one_that_serves(void **unused)
{
    (void)unused;
    child_new(SHOAL_CHILD_READY);
    struct shoal_child *new = child_new(SHOAL_CHILD_STARTING);
    super.has_served = true;
    json_t *body = json_pack("{s:s, s:s}", "do", "failed", "text", "bad");
    shoal_message_send(far[2], body, NULL, 0, false, NULL); // heard when it has ended only
    json_decref(body);
    struct shoal_socket list[] = { // what it would have served, too
        {.name = "tcp 127.0.0.1 1", .fd = 1000, .is_served = true},
        {.name = "tcp 127.0.0.1 2", .fd = dup(far[2]), .is_wanted = true},
    };
    super.sockets = (struct shoal_sockets){.list = list, .count = 2};
    shoal_child_ended(&super, new, ENDED_BADLY);
    assert_int_equal(super.sockets.count, 1);
    assert_int_equal(list[0].fd, 1000);
    assert_true(list[0].is_wanted);
    assert_false(super.is_over);
    assert_int_equal(super.restart_at_ms, 0);
    assert_int_equal(super.backoff.count, 0);
    assert_int_equal(super.children[0].state, SHOAL_CHILD_READY);
}

static void one_that_dies_is_started_again(void **unused)
{
    (void)unused;
    super.has_served = true;
    struct shoal_child *child = child_new(SHOAL_CHILD_READY);
    shoal_child_ended(&super, child, ENDED_BY(SIGKILL));
    assert_int_equal(super.backoff.count, 1);
    assert_int_equal(super.backoff.list[0].signal, SIGKILL);
    assert_true(super.restart_at_ms > 0);
}

static void a_stopped_one_is_no_crash(void **unused)
{
    (void)unused;
    super.has_served = true;
    shoal_child_ended(&super, child_new(SHOAL_CHILD_DRAINING), ENDED_WELL);
    assert_int_equal(super.backoff.count, 0);
    assert_true(super.restart_at_ms > 0); // nobody serves
    super.restart_at_ms = 0;
    super.is_stopping = true;
    shoal_child_ended(&super, child_new(SHOAL_CHILD_READY), ENDED_BY(SIGKILL));
    assert_int_equal(super.backoff.count, 0);
    assert_int_equal(super.restart_at_ms, 0);
}

static void a_plugin_that_crashes_it_thrice_is_quarantined(void **unused)
{
    (void)unused;
    static const char report[] = "signal 11\nmodule far\nelsewhere far\n";
    super.has_served = true;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(json_object_size(super.quarantine), 0);
        struct shoal_child *child = child_new(SHOAL_CHILD_READY);
        assert_int_equal(
            write(crash[child->generation], report, sizeof report - 1), sizeof report - 1);
        shoal_child_ended(&super, child, ENDED_BY(SIGSEGV));
    }
    assert_non_null(json_object_get(super.quarantine, "far"));
    assert_false(super.is_safe_mode);
}

static void the_core_that_crashes_thrice_gets_safe_mode(void **unused)
{
    (void)unused;
    super.has_served = true;
    for (int i = 0; i < 3; i++) {
        assert_false(super.is_safe_mode);
        shoal_child_ended(&super, child_new(SHOAL_CHILD_READY), ENDED_BADLY);
    }
    assert_true(super.is_safe_mode);
    assert_int_equal(json_object_size(super.quarantine), 0);
}

static void a_long_report_is_cut_and_drained(void **unused)
{
    (void)unused;
    struct shoal_child *child = child_new(SHOAL_CHILD_READY);
    char line[1000];
    memset(line, 'x', sizeof line);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(write(crash[1], line, sizeof line), sizeof line);
    }
    shoal_child_crash_read(child);
    assert_int_equal(child->crash_bytes, sizeof child->crash - 1);
    assert_true(child->crash_fd >= 0);
    close(crash[1]);
    crash[1] = -1;
    shoal_child_crash_read(child);
    assert_int_equal(child->crash_fd, -1);
}

static void a_channel_that_closes_is_let_go(void **unused)
{
    (void)unused;
    struct shoal_child *child = child_new(SHOAL_CHILD_READY);
    close(far[1]);
    far[1] = -1;
    shoal_child_heard(&super, child);
    assert_int_equal(child->channel_fd, -1);
    assert_ptr_equal(shoal_child_find(&super, child->pid), child);
    assert_null(shoal_child_find(&super, 1));
}

static void a_stop_that_finds_a_full_channel_is_said_later(void **unused)
{
    (void)unused;
    struct shoal_child *child = child_new(SHOAL_CHILD_READY);
    json_t *other = json_pack("{s:s}", "do", "topic");
    size_t held = 0;
    while (shoal_message_send(child->channel_fd, other, NULL, 0, false, NULL) == 0) {
        held++;
    }
    json_decref(other);
    shoal_child_stop(&super, child, "stop");
    assert_int_equal(child->state, SHOAL_CHILD_DRAINING);
    assert_string_equal(child->unsaid, "stop");
    shoal_child_remind(child); // still full
    assert_string_equal(child->unsaid, "stop");
    for (; held > 0; held--) {
        assert_string_equal(hears(child->generation, "do"), "topic");
    }
    shoal_child_remind(child);
    assert_string_equal(child->unsaid, "");
    assert_string_equal(hears(child->generation, "reason"), "stop");
    assert_string_equal(hears(child->generation, "do"), "");
}

static void no_more_are_started_than_there_is_room_for(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    for (int i = 0; i < SHOAL_CHILDREN_MAX; i++) {
        child_new(SHOAL_CHILD_DRAINING);
    }
    assert_int_equal(shoal_child_start(&super, &err), SHOAL_EBUSY);
    assert_int_equal(super.child_count, SHOAL_CHILDREN_MAX);
}

static int make_folder(void **unused)
{
    (void)unused;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_ready_child_takes_over_from_older_ones),
        CASE(a_child_alone_waits_until_older_ones_are_gone),
        CASE(topics_reach_the_others_alone),
        CASE(only_what_drains_may_stay),
        CASE(a_plugins_socket_goes_with_the_last_that_may_listen_on_it),
        CASE(a_plugins_socket_waits_until_the_next_one_has_asked),
        CASE(the_first_that_fails_ends_the_server),
        CASE(one_without_room_on_its_disk_is_tried_again),
        CASE(a_failed_reload_keeps_the_one_that_serves),
        CASE(one_that_dies_is_started_again),
        CASE(a_stopped_one_is_no_crash),
        CASE(a_plugin_that_crashes_it_thrice_is_quarantined),
        CASE(the_core_that_crashes_thrice_gets_safe_mode),
        CASE(a_long_report_is_cut_and_drained),
        CASE(a_channel_that_closes_is_let_go),
        CASE(a_stop_that_finds_a_full_channel_is_said_later),
        CASE(no_more_are_started_than_there_is_room_for),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
