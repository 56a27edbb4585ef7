// media_test.c - the table of media processes: who waits, who is told, who is ended.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shoal/base.h>
#include <shoal/json.h>

#include "super/media.h"

static int ends[2]; // [0]: the table's end of a channel, [1]: who asks
static struct shoal_media_table table;

static int setup(void **unused)
{
    (void)unused;
    shoal_media_table_init(&table);
    return shoal_message_pair(ends, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    shoal_media_table_fini(&table);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/// Lets the table know of processes as an upgrade does. pid 0: one that has ended with code 3.
static void add(const char *key, pid_t pid, int channel, int64_t wall_at_ms)
{
    json_t *dump =
        json_pack("[{s:s, s:i, s:i, s:I, s:{s:b, s:i}}]", "key", key, "pid", (int)pid, "channel",
            channel, "wall_at", (json_int_t)wall_at_ms, "state", "running", pid != 0, "exit", 3);
    assert_non_null(dump);
    shoal_media_load(&table, dump);
    json_decref(dump);
}

static pid_t sleeper(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;) {
            pause();
        }
    }
    assert_true(pid > 0);
    return pid;
}

/// Whether the table took the message for one of its own.
static bool ask(json_t *body)
{
    struct shoal_message message = {.body = body};
    bool is_ours = shoal_media_serve(&table, ends[0], &message);
    shoal_message_fini(&message);
    return is_ours;
}

/// The answer that is there, as a new reference; NULL: none.
static json_t *heard(void)
{
    struct shoal_message message;
    if (shoal_message_recv(ends[1], false, &message, NULL) != 0) {
        return NULL;
    }
    json_t *body = json_incref(message.body);
    shoal_message_fini(&message);
    return body;
}

static void answers(json_int_t id, int code)
{
    json_t *body = heard();
    assert_non_null(body);
    assert_int_equal(shoal_integer(body, "answer", 0), id);
    assert_int_equal(shoal_integer(body, "code", 1), code);
    json_decref(body);
}

static void what_is_unknown_is_said_so(void **unused)
{
    (void)unused;
    assert_true(ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "none", "id", 1)));
    answers(1, SHOAL_ENOTFOUND);
    assert_true(ask(json_pack("{s:s, s:s, s:i}", "do", "kill", "key", "none", "id", 2)));
    answers(2, SHOAL_ENOTFOUND);
    assert_true(ask(json_pack("{s:s, s:s}", "do", "forget", "key", "none")));
    assert_true(ask(json_pack("{s:s, s:s, s:i}", "do", "unwait", "key", "none", "of", 1)));
    assert_null(heard());
    assert_false(ask(json_pack("{s:s}", "do", "dance")));
    assert_false(ask(json_object()));
}

static void a_start_without_a_right_key_is_refused(void **unused)
{
    (void)unused;
    char key[300];
    memset(key, 'k', 256);
    key[256] = '\0';
    ask(json_pack("{s:s, s:i}", "do", "start", "id", 1));
    answers(1, SHOAL_EINVAL);
    ask(json_pack("{s:s, s:s, s:i}", "do", "start", "key", key, "id", 2));
    answers(2, SHOAL_EINVAL);
    assert_int_equal(table.count, 0);
}

static void a_key_that_runs_is_not_started_again(void **unused)
{
    (void)unused;
    add("one", sleeper(), -1, INT64_MAX);
    ask(json_pack("{s:s, s:s, s:i}", "do", "start", "key", "one", "id", 1));
    answers(1, SHOAL_ECONFLICT);
    assert_int_equal(table.count, 1);
    assert_int_equal(kill(table.list[0]->pid, 0), 0);
}

static void no_more_than_so_many_run_at_once(void **unused)
{
    (void)unused;
    char key[16];
    for (int i = 0; i < SHOAL_MEDIA_RUNNING_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        add(key, INT_MAX, -1, INT64_MAX); // no process has that number
    }
    ask(json_pack("{s:s, s:s, s:i}", "do", "start", "key", "more", "id", 1));
    answers(1, SHOAL_EBUSY);
    assert_int_equal(table.count, SHOAL_MEDIA_RUNNING_MAX);
}

static void who_waits_is_told_the_end(void **unused)
{
    (void)unused;
    pid_t pid = sleeper();
    struct rusage usage = {.ru_utime = {1, 500000}, .ru_stime = {2, 250000}, .ru_maxrss = 7};
    add("one", pid, -1, INT64_MAX);
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "one", "id", 1));
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "one", "id", 2));
    ask(json_pack("{s:s, s:s, s:i}", "do", "unwait", "key", "one", "of", 1));
    assert_null(heard());
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(shoal_media_ended(&table, pid + 1, status, &usage));
    assert_false(shoal_media_ended(&table, 0, status, &usage));
    assert_true(shoal_media_ended(&table, pid, status, &usage));
    json_t *body = heard();
    struct shoal_process_state state;
    shoal_process_state_read(json_object_get(body, "state"), &state);
    assert_int_equal(shoal_integer(body, "answer", 0), 2);
    assert_false(state.running);
    assert_int_equal(state.exit_code, -1);
    assert_int_equal(state.signal, SIGKILL);
    assert_int_equal(state.cpu_ms, 3750);
    assert_int_equal(state.memory_peak_bytes, 7 * 1024);
    json_decref(body);
    assert_null(heard()); // who no longer waits is not told
    assert_false(shoal_media_ended(&table, pid, status, &usage));
    assert_int_equal(shoal_media_tick(&table), -1);
}

static void who_waits_behind_a_full_channel_is_told_later(void **unused)
{
    (void)unused;
    json_t *other = json_pack("{s:s}", "do", "topic");
    pid_t pid = sleeper();
    struct rusage usage = {0};
    int status;
    add("one", pid, -1, INT64_MAX);
    add("done", 0, -1, 0);
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "one", "id", 1));
    size_t held = 0;
    while (shoal_message_send(ends[0], other, NULL, 0, false, NULL) == 0) {
        held++;
    }
    json_decref(other);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(shoal_media_ended(&table, pid, status, &usage));
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "done", "id", 2));
    assert_true(shoal_media_tick(&table) > 0); // it wants to be called again
    for (; held > 0; held--) {
        json_decref(heard());
    }
    assert_null(heard());
    assert_int_equal(shoal_media_tick(&table), -1);
    answers(1, 0);
    answers(2, 0);
    assert_null(heard());
}

static void an_end_is_kept_until_it_is_forgotten(void **unused)
{
    (void)unused;
    add("done", 0, -1, 0);
    pid_t pid = sleeper();
    add("running", pid, -1, INT64_MAX);
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "done", "id", 1));
    json_t *body = heard();
    assert_int_equal(shoal_integer(body, "state.exit", 0), 3);
    json_decref(body);
    ask(json_pack("{s:s, s:s}", "do", "forget", "key", "running"));
    assert_int_equal(table.count, 2);
    ask(json_pack("{s:s, s:s}", "do", "forget", "key", "done"));
    assert_int_equal(table.count, 1);
    assert_string_equal(table.list[0]->key, "running");
    assert_int_equal(table.list[0]->pid, pid);
}

static void a_channel_takes_what_it_holds_with_it(void **unused)
{
    (void)unused;
    add("held", sleeper(), ends[0], INT64_MAX);
    add("free", sleeper(), -1, INT64_MAX);
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "free", "id", 1));
    assert_non_null(table.list[1]->waiters);
    shoal_media_channel_gone(&table, ends[0]);
    assert_null(table.list[1]->waiters);
    assert_int_equal(table.list[1]->kill_at_ms, 0);
    assert_true(table.list[0]->kill_at_ms > 0);
    int status;
    assert_int_equal(waitpid(table.list[0]->pid, &status, 0), table.list[0]->pid);
    assert_int_equal(WTERMSIG(status), SIGTERM);
    table.list[0]->pid = 0;
}

static void who_is_over_its_time_is_ended_then_killed(void **unused)
{
    (void)unused;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_IGN);
        for (;;) {
            pause();
        }
    }
    add("late", pid, -1, 1);
    assert_true(shoal_media_tick(&table) > 0);
    assert_true(table.list[0]->state.timed_out);
    assert_true(table.list[0]->kill_at_ms > 0);
    table.list[0]->kill_at_ms = 1;
    shoal_media_tick(&table);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    table.list[0]->pid = 0;
}

static void whom_nobody_asks_for_ends(void **unused)
{
    (void)unused;
    add("lost", sleeper(), -1, INT64_MAX);
    add("awaited", sleeper(), -1, INT64_MAX);
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "awaited", "id", 1));
    for (size_t i = 0; i < 2; i++) {
        table.list[i]->touched_ms = shoal_tick_ms() - SHOAL_MEDIA_LEASE_MS - 1;
    }
    int next = shoal_media_tick(&table);
    assert_true(next >= 1 && next <= 60000);
    assert_true(table.list[0]->kill_at_ms > 0);
    assert_false(table.list[0]->state.timed_out);
    assert_int_equal(table.list[1]->kill_at_ms, 0);
}

static void an_upgrade_forgets_nothing(void **unused)
{
    (void)unused;
    add("one", sleeper(), ends[0], 77);
    ask(json_pack("{s:s, s:s, s:i}", "do", "wait", "key", "one", "id", 5));
    json_t *dump = shoal_media_dump(&table);
    struct shoal_media_table after;
    shoal_media_table_init(&after);
    shoal_media_load(&after, dump);
    assert_int_equal(after.count, 1);
    assert_string_equal(after.list[0]->key, "one");
    assert_int_equal(after.list[0]->pid, table.list[0]->pid);
    assert_int_equal(after.list[0]->channel_fd, ends[0]);
    assert_int_equal(after.list[0]->wall_at_ms, 77);
    assert_int_equal(after.list[0]->errors_pipe, -1);
    assert_true(after.list[0]->state.running);
    assert_int_equal(after.list[0]->waiters->id, 5);
    assert_int_equal(after.list[0]->waiters->channel_fd, ends[0]);
    assert_null(after.list[0]->waiters->next);
    json_decref(dump);
    after.list[0]->pid = 0; // the first table ends it
    shoal_media_table_fini(&after);
}

static void only_open_pipes_are_polled(void **unused)
{
    (void)unused;
    struct pollfd polls[2];
    int pipes[2][2];
    add("quiet", 0, -1, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe2(pipes[i], O_CLOEXEC | O_NONBLOCK), 0);
        add(i == 0 ? "a" : "b", 0, -1, 0);
        table.list[1 + i]->errors_pipe = pipes[i][0];
        close(pipes[i][1]);
    }
    assert_int_equal(shoal_media_poll(&table, polls, 2), 2);
    assert_int_equal(polls[0].fd, pipes[0][0]);
    assert_int_equal(polls[1].fd, pipes[1][0]);
    assert_int_equal(shoal_media_poll(&table, polls, 1), 1);
    shoal_media_read(&table, pipes[1][0]); // its other end is closed
    assert_int_equal(shoal_media_poll(&table, polls, 2), 1);
    assert_int_equal(polls[0].fd, pipes[0][0]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_is_unknown_is_said_so),
        CASE(a_start_without_a_right_key_is_refused),
        CASE(a_key_that_runs_is_not_started_again),
        CASE(no_more_than_so_many_run_at_once),
        CASE(who_waits_is_told_the_end),
        CASE(who_waits_behind_a_full_channel_is_told_later),
        CASE(an_end_is_kept_until_it_is_forgotten),
        CASE(a_channel_takes_what_it_holds_with_it),
        CASE(who_is_over_its_time_is_ended_then_killed),
        CASE(whom_nobody_asks_for_ends),
        CASE(an_upgrade_forgets_nothing),
        CASE(only_open_pipes_are_polled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
