// channel_test.c - answers find who asked for them, orders are given, and a channel that is gone
// says so.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <shoal/json.h>

#include "super/channel.h"
#include "super/protocol.h"

static int far_end; // the supervisor's
static sem_t ordered;
static char last_order[32];

static void order(const json_t *body, void *user)
{
    assert_ptr_equal(user, last_order);
    snprintf(
        last_order, sizeof last_order, "%s", body == NULL ? "(gone)" : shoal_text(body, "do", "?"));
    sem_post(&ordered);
}

static int setup(void **unused)
{
    (void)unused;
    int ends[2];
    sem_init(&ordered, 0, 0);
    if (shoal_message_pair(ends, NULL) != 0) {
        return -1;
    }
    far_end = ends[1];
    return shoal_channel_start(ends[0], order, last_order, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    shoal_channel_stop();
    close(far_end);
    sem_destroy(&ordered);
    return 0;
}

static void say(json_t *body, const int *fds, size_t count)
{
    assert_int_equal(shoal_message_send(far_end, body, fds, count, true, NULL), 0);
    json_decref(body);
}

/// The id of the next message that the channel sends.
static json_int_t next_id(void)
{
    struct shoal_message message;
    assert_int_equal(shoal_message_recv(far_end, true, &message, NULL), 0);
    json_int_t id = shoal_integer(message.body, "id", 0);
    shoal_message_fini(&message);
    return id;
}

struct asker {
    pthread_t thread;
    const char *verb;
    int code, fd;
    json_t *answer;
    struct shoal_err err;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    asker->code = shoal_channel_ask(NULL, json_pack("{s:s}", "do", asker->verb), NULL, 0, -1,
        &asker->answer, &asker->fd, NULL, &asker->err);
    return NULL;
}

static struct asker *ask_start(struct asker *asker, const char *verb)
{
    *asker = (struct asker){.verb = verb, .fd = -1};
    assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
    return asker;
}

static void answers_may_come_in_any_order(void **unused)
{
    (void)unused;
    struct asker first, second;
    ask_start(&first, "a");
    json_int_t first_id = next_id();
    ask_start(&second, "b");
    json_int_t second_id = next_id();
    assert_int_not_equal(first_id, second_id);
    say(json_pack("{s:I, s:i, s:s}", "answer", second_id, "code", 0, "for", "b"), NULL, 0);
    pthread_join(second.thread, NULL);
    say(json_pack("{s:I, s:i, s:s}", "answer", first_id, "code", 0, "for", "a"), NULL, 0);
    pthread_join(first.thread, NULL);
    assert_string_equal(shoal_text(first.answer, "for", ""), "a");
    assert_string_equal(shoal_text(second.answer, "for", ""), "b");
    json_decref(first.answer);
    json_decref(second.answer);
}

static void an_answer_may_bring_an_error_or_a_descriptor(void **unused)
{
    (void)unused;
    struct asker asker;
    ask_start(&asker, "a");
    say(json_pack("{s:I, s:i, s:s}", "answer", next_id(), "code", SHOAL_EBUSY, "text", "later"),
        NULL, 0);
    pthread_join(asker.thread, NULL);
    assert_int_equal(asker.code, SHOAL_EBUSY);
    assert_string_equal(asker.err.text, "later");
    assert_null(asker.answer);
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    ask_start(&asker, "b");
    say(json_pack("{s:I, s:i}", "answer", next_id(), "code", 0), &pipe_ends[1], 1);
    pthread_join(asker.thread, NULL);
    assert_int_equal(asker.code, 0);
    assert_true(asker.fd >= 0);
    assert_int_equal(write(asker.fd, "x", 1), 1);
    char byte = 0;
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    close(asker.fd);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    json_decref(asker.answer);
}

static void what_answers_nobody_is_dropped(void **unused)
{
    (void)unused;
    struct asker asker;
    say(json_pack("{s:i, s:s}", "answer", 999, "for", "nobody"), NULL, 0);
    ask_start(&asker, "a");
    json_int_t id = next_id();
    say(json_pack("{s:I, s:i, s:s}", "answer", id + 1, "code", 0, "for", "nobody"), NULL, 0);
    say(json_pack("{s:I, s:i, s:s}", "answer", id, "code", 0, "for", "a"), NULL, 0);
    pthread_join(asker.thread, NULL);
    assert_string_equal(shoal_text(asker.answer, "for", ""), "a");
    json_decref(asker.answer);
}

static void the_time_to_wait_may_be_over(void **unused)
{
    (void)unused;
    json_t *answer = NULL;
    json_int_t id = 0;
    struct shoal_err err = {0};
    assert_int_equal(shoal_channel_ask(
                         NULL, json_pack("{s:s}", "do", "a"), NULL, 0, 0, &answer, NULL, &id, &err),
        SHOAL_ETIMEOUT);
    assert_null(answer);
    assert_int_equal(next_id(), id);
    say(json_pack("{s:I, s:i}", "answer", id, "code", 0), NULL, 0); // too late: for nobody
    struct asker asker;
    ask_start(&asker, "b");
    json_int_t next = next_id();
    assert_int_not_equal(next, id);
    say(json_pack("{s:I, s:i}", "answer", next, "code", 0), NULL, 0);
    pthread_join(asker.thread, NULL);
    assert_int_equal(asker.code, 0);
    json_decref(asker.answer);
}

static void what_answers_nothing_is_an_order(void **unused)
{
    (void)unused;
    say(json_pack("{s:s}", "do", "stop"), NULL, 0);
    sem_wait(&ordered);
    assert_string_equal(last_order, "stop");
}

static void rubbish_does_not_end_the_channel(void **unused)
{
    (void)unused;
    assert_int_equal(write(far_end, "rubbish", 7), 7);
    say(json_pack("{s:s}", "do", "go_on"), NULL, 0);
    sem_wait(&ordered);
    assert_string_equal(last_order, "go_on");
    assert_true(shoal_channel_runs());
}

static void who_waits_hears_that_the_other_end_is_gone(void **unused)
{
    (void)unused;
    struct asker asker;
    ask_start(&asker, "a");
    next_id();
    close(far_end);
    pthread_join(asker.thread, NULL);
    assert_int_equal(asker.code, SHOAL_EGONE);
    sem_wait(&ordered);
    assert_string_equal(last_order, "(gone)");
    assert_false(shoal_channel_runs());
    far_end = dup(0);
}

static void there_is_one_channel_a_process(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    assert_int_equal(shoal_channel_start(0, NULL, NULL, &err), SHOAL_ECONFLICT);
    assert_true(shoal_channel_runs());
    assert_int_equal(shoal_channel_tell(json_pack("{s:s}", "do", "tell"), &err), 0);
    shoal_channel_try(json_pack("{s:s, s:i}", "do", "try", "id", 4));
    assert_int_equal(next_id(), 0);
    assert_int_equal(next_id(), 4);
}

static void a_full_supervisor_is_not_waited_for_by_a_try(void **unused)
{
    (void)unused;
    for (int i = 0; i < 2000; i++) { // far more than a socket holds
        shoal_channel_try(
            json_pack("{s:s, s:s}", "do", "try", "text", "some text to fill a queue"));
    }
    assert_true(shoal_channel_runs());
}

static void without_a_supervisor_nothing_is_sent(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    json_t *answer = NULL;
    assert_false(shoal_channel_runs());
    assert_int_equal(shoal_channel_tell(json_object(), &err), SHOAL_EUNSUPPORTED);
    assert_int_equal(shoal_channel_ask(NULL, json_object(), NULL, 0, -1, &answer, NULL, NULL, &err),
        SHOAL_EUNSUPPORTED);
    shoal_channel_try(json_object());
    shoal_channel_stop();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_supervisor_nothing_is_sent),
        CASE(answers_may_come_in_any_order),
        CASE(an_answer_may_bring_an_error_or_a_descriptor),
        CASE(what_answers_nobody_is_dropped),
        CASE(the_time_to_wait_may_be_over),
        CASE(what_answers_nothing_is_an_order),
        CASE(rubbish_does_not_end_the_channel),
        CASE(who_waits_hears_that_the_other_end_is_gone),
        CASE(there_is_one_channel_a_process),
        CASE(a_full_supervisor_is_not_waited_for_by_a_try),
        cmocka_unit_test(without_a_supervisor_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
