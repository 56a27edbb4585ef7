// loop_test.c - what is posted to a loop is heard once and in order, also when the loop has ended.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/stream_test.h"

#define MOST 200

static int said[MOST], said_count;

static void say(void *arg)
{
    assert_true(said_count < MOST);
    said[said_count++] = *(const int *)arg;
}

static int forget(void **state)
{
    said_count = 0;
    return start_loop(state);
}

static void posts_before_the_loop_runs_are_heard_in_order(void **state)
{
    (void)state;
    static int numbers[MOST]; // more than there is room for at first
    for (int i = 0; i < MOST; i++) {
        numbers[i] = i;
        shoal_loop_run(&made.loop, say, &numbers[i]);
    }
    assert_int_equal(said_count, 0); // nobody hears them but the loop
    turn();
    assert_int_equal(said_count, MOST);
    for (int i = 0; i < MOST; i++) {
        assert_int_equal(said[i], i);
    }
    turn();
    assert_int_equal(said_count, MOST); // once
    said_count = 0;
    shoal_loop_run(&made.loop, say, &numbers[7]); // and it is woken again
    turn();
    assert_int_equal(said_count, 1);
    assert_int_equal(said[0], 7);
}

static const int first = 1, second = 2, third = 3;

static void say_and_post(void *arg)
{
    say(arg);
    shoal_loop_run(&made.loop, say, (void *)(uintptr_t)&third);
    assert_int_equal(said[said_count - 1], *(const int *)arg); // not heard at once
}

static void post_one_that_posts(void)
{
    shoal_loop_run(&made.loop, say_and_post, (void *)(uintptr_t)&first);
    shoal_loop_run(&made.loop, say, (void *)(uintptr_t)&second);
}

static void assert_said_in_order(void)
{
    assert_int_equal(said_count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(said[i], i + 1);
    }
}

static void what_a_post_posts_is_heard_in_a_later_turn(void **state)
{
    (void)state;
    post_one_that_posts();
    uv_run(&made.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(said_count, 2);
    assert_int_equal(made.loop.post_count, 1);
    turn();
    assert_said_in_order();
}

static void a_loop_with_posts_does_not_end(void **state)
{
    (void)state;
    made.loop.is_stopping = true;
    shoal_loop_hold(&made.loop);
    shoal_loop_maybe_end(&made.loop);
    assert_false(made.loop.is_ended); // something of it is elsewhere
    post_one_that_posts();
    shoal_loop_release(&made.loop);
    shoal_loop_maybe_end(&made.loop);
    assert_false(made.loop.is_ended);
    turn();
    assert_true(made.loop.is_ended);
    assert_said_in_order();
    assert_int_equal(uv_run(&made.loop.uv, UV_RUN_NOWAIT), 0); // no handle is left open
}

static void posts_to_an_ended_loop_are_heard_by_who_ends_it(void **state)
{
    (void)state;
    made.loop.is_stopping = true;
    shoal_loop_maybe_end(&made.loop);
    turn();
    assert_true(made.loop.is_ended);
    post_one_that_posts();
    turn();
    assert_int_equal(said_count, 0); // the loop's clock and bell are gone
    shoal_loop_hear(&made.loop);
    assert_said_in_order(); // with what they posted in turn
    assert_int_equal(made.loop.post_count, 0);
    shoal_loop_hear(&made.loop);
    assert_int_equal(said_count, 3);
}

static void a_loop_that_does_not_stop_does_not_end(void **state)
{
    (void)state;
    shoal_loop_maybe_end(&made.loop);
    assert_false(made.loop.is_ended);
    assert_false(uv_is_closing((uv_handle_t *)&made.loop.tick));
}

static void a_loop_that_never_ran_leaves_nothing(void **state)
{
    (void)state;
    struct shoal_loop *loop = calloc(1, sizeof *loop);
    shoal_loop_init(loop);
    shoal_loop_run(loop, say, (void *)(uintptr_t)&first);
    shoal_loop_hear(loop);
    assert_int_equal(said_count, 1);
    int fd = uv_backend_fd(&loop->uv);
    assert_true(fcntl(fd, F_GETFD) >= 0);
    shoal_loop_fini(loop);
    assert_int_equal(fcntl(fd, F_GETFD), -1); // closed, as no handle was left
    free(loop);                               // the sanitizer looks at what it held
}

static void without_a_server_a_post_is_heard_at_once(void **state)
{
    (void)state;
    shoal_loop_post(3, say, (void *)(uintptr_t)&second);
    assert_int_equal(said_count, 1);
    assert_int_equal(said[0], 2);
}

static void the_clock_is_read_as_the_loop_wakes(void **state)
{
    (void)state;
    made.loop.now_ms = -1;
    made.loop.beat_ms = -1;
    assert_int_equal(shoal_loop_now(&made.loop), -1); // not read in between
    int64_t before_ms = shoal_tick_ms();
    shoal_loop_run(&made.loop, say, (void *)(uintptr_t)&first);
    turn();
    assert_true(shoal_loop_now(&made.loop) >= before_ms);
    assert_int_equal(made.loop.beat_ms, shoal_loop_now(&made.loop));
}

static void the_date_is_the_one_of_this_second(void **state)
{
    (void)state;
    made.loop.date_s = 784111777;
    shoal_date_format(made.loop.date_s, made.loop.date);
    int64_t before_s = shoal_now_ms() / 1000;
    const char *date = shoal_loop_date(&made.loop);
    int64_t after_s = shoal_now_ms() / 1000;
    int64_t date_s = shoal_date_parse(shoal_span(date));
    assert_true(date_s >= before_s && date_s <= after_s);
    assert_int_equal(date_s, made.loop.date_s);
    assert_int_equal(strlen(date), SHOAL_DATE_SIZE - 1);
    assert_ptr_equal(shoal_loop_date(&made.loop), date);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, forget, stop_loop)

static void run_none(void *self, struct shoal_call *call, struct shoal_request *request,
    enum shoal_phase phase)
{
    (void)self;
    (void)call;
    (void)request;
    (void)phase;
}

static void count_one(void *count)
{
    ++*(int *)count;
}

static void *stop_server(void *server)
{
    shoal_server_stop(server);
    return NULL;
}

static void a_server_that_is_held_is_not_freed_and_hears_the_last_post(void **state)
{
    (void)state;
    int count = 0;
    pthread_t stopper;
    struct shoal_router *router = shoal_router_new();
    shoal_server_use(router);
    const struct shoal_server_options options = {
        .loops = 1, .workers = 1, .stop_grace_ms = 100, .app = {.run = run_none}};
    struct shoal_server *server = shoal_server_start(&options, NULL);
    assert_non_null(server);
    assert_ptr_equal(shoal_server_hold(), server);
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, server), 0);
    usleep(500000); // it would be gone by now
    shoal_loop_run(server->loops[0], count_one, &count);
    shoal_server_let_go();
    pthread_join(stopper, NULL);
    assert_int_equal(count, 1);
    assert_null(shoal_server_hold());
    shoal_loop_post(0, count_one, &count);
    assert_int_equal(count, 2);
    shoal_router_free(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(posts_before_the_loop_runs_are_heard_in_order),
        CASE(what_a_post_posts_is_heard_in_a_later_turn),
        CASE(a_loop_with_posts_does_not_end),
        CASE(posts_to_an_ended_loop_are_heard_by_who_ends_it),
        CASE(a_loop_that_does_not_stop_does_not_end),
        CASE(a_loop_that_never_ran_leaves_nothing),
        CASE(without_a_server_a_post_is_heard_at_once),
        CASE(the_clock_is_read_as_the_loop_wakes),
        CASE(the_date_is_the_one_of_this_second),
        CASE(a_server_that_is_held_is_not_freed_and_hears_the_last_post),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
