// timers_test.c - timers of each child, and those that run once per instance.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <stdatomic.h>
#include <time.h>

#include "data/jobs_priv.h"

static const struct shoal_plugin_id chat = {.name = "chat", .table_prefix = "chat_"};
static atomic_int ticks;
static atomic_bool is_held;
static _Atomic int64_t ahead_ms; ///< how far the clocks were moved

static struct shoal_plugin *owner(void)
{
    return (struct shoal_plugin *)(uintptr_t)&chat;
}

static int64_t read_ms(clockid_t id)
{
    struct timespec time;
    clock_gettime(id, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000 + atomic_load(&ahead_ms);
}

static int64_t now(void *self)
{
    (void)self;
    return read_ms(CLOCK_REALTIME);
}

static int64_t tick(void *self)
{
    (void)self;
    return read_ms(CLOCK_MONOTONIC);
}

static void real_sleep(void *self, int64_t ms)
{
    (void)self;
    usleep((useconds_t)ms * 1000);
}

static const struct shoal_clock movable = {.now_ms = now, .tick_ms = tick, .sleep = real_sleep};

static int start(void **state)
{
    atomic_store(&ticks, 0);
    atomic_store(&ahead_ms, 0);
    atomic_store(&is_held, false);
    shoal_clock_set(&movable);
    return kit_open(state);
}

static int stop(void **state)
{
    atomic_store(&is_held, false);
    int code = kit_close(state);
    shoal_clock_set(NULL);
    return code;
}

static int count(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    (void)err;
    assert_ptr_equal(shoal_call_plugin(call), owner());
    assert_in_range(shoal_call_left_ms(call), 1, 86400000); // the watchdog judges those alone
    atomic_fetch_add(&ticks, 1);
    while (atomic_load(&is_held) && shoal_call_sleep(call, 10) == 0) {
    }
    return 0;
}

static void wait_for(int value)
{
    for (int i = 0; i < 500 && atomic_load(&ticks) < value; i++) {
        usleep(10000);
    }
    assert_int_equal(atomic_load(&ticks), value);
}

static int add(const char *name, int64_t period_ms, bool is_once)
{
    return shoal_timers_add(owner(), name, period_ms, is_once, count, NULL);
}

static void comes_back_after_each_period(void **state)
{
    (void)state;
    assert_int_equal(add("clean", 60000, false), 0);
    usleep(300000);
    assert_int_equal(atomic_load(&ticks), 0);
    for (int i = 1; i <= 3; i++) {
        atomic_fetch_add(&ahead_ms, 60001);
        wait_for(i);
        usleep(50000);
    }
}

static void refuses_bad_ones(void **state)
{
    (void)state;
    assert_int_equal(add("clean", 999, false), SHOAL_EINVAL);
    assert_int_equal(add("", 1000, false), SHOAL_EINVAL);
    assert_int_equal(add("A b", 1000, false), SHOAL_EINVAL);
    assert_int_equal(add("clean", 1000, false), 0);
    assert_int_equal(add("clean", 1000, false), SHOAL_ECONFLICT);
}

static void runs_not_again_while_it_runs(void **state)
{
    (void)state;
    atomic_store(&is_held, true);
    assert_int_equal(add("slow", 1000, false), 0);
    atomic_fetch_add(&ahead_ms, 1001);
    wait_for(1);
    atomic_fetch_add(&ahead_ms, 5000);
    usleep(600000);
    assert_int_equal(atomic_load(&ticks), 1);
}

static void removing_an_owner_ends_its_running_timer(void **state)
{
    (void)state;
    atomic_store(&is_held, true);
    assert_int_equal(add("slow", 1000, false), 0);
    atomic_fetch_add(&ahead_ms, 1001);
    wait_for(1);
    shoal_timers_owner_remove(owner());
    atomic_fetch_add(&ahead_ms, 5000);
    usleep(400000);
    assert_int_equal(atomic_load(&ticks), 1);
    assert_int_equal(add("slow", 1000, false), 0);
}

static void once_per_instance_runs_after_its_period_also_over_restarts(void **state)
{
    (void)state;
    assert_int_equal(add("daily", 86400000, true), 0);
    atomic_fetch_add(&ahead_ms, 2000);
    kit_wait("SELECT COUNT(*) FROM timer_lease WHERE name = 'chat.daily'", 1);
    kit_reopen();
    atomic_fetch_add(&ahead_ms, 86400000);
    assert_int_equal(add("daily", 86400000, true), 0);
    atomic_fetch_add(&ahead_ms, 2000);
    wait_for(1);
    kit_wait("SELECT COUNT(*) FROM timer_lease WHERE busy_until_ms = 0", 1);
    atomic_fetch_add(&ahead_ms, 120000);
    usleep(600000);
    assert_int_equal(atomic_load(&ticks), 1);
}

static void once_per_instance_first_runs_a_period_after_it_was_added(void **state)
{
    (void)state;
    assert_int_equal(add("hourly", 3600000, true), 0);
    atomic_fetch_add(&ahead_ms, 3600001);
    wait_for(1);
}

static void put_lease(const char *holder, int64_t busy_until_ms)
{
    char text[400];
    snprintf(text, sizeof(text),
        "INSERT INTO timer_lease (name, holder, ran_ms, busy_until_ms)"
        " VALUES ('chat.daily', '%s', 0, %lld)",
        holder, (long long)busy_until_ms);
    kit_run(text);
}

static void once_per_instance_is_taken_over_from_a_process_that_is_gone(void **state)
{
    (void)state;
    char gone[96];
    jobs_holder_make(gone);
    snprintf(gone + JOB_NODE_LENGTH, sizeof(gone) - JOB_NODE_LENGTH, "/1.1.abc"); // never so early
    put_lease(gone, shoal_now_ms() + 3600000);
    assert_int_equal(add("daily", 1000, true), 0);
    atomic_fetch_add(&ahead_ms, 1001);
    wait_for(1);
}

static void once_per_instance_asks_soon_again_when_another_is_busy(void **state)
{
    (void)state;
    put_lease("other", shoal_now_ms() + 60000);
    assert_int_equal(add("daily", 1000, true), 0);
    atomic_fetch_add(&ahead_ms, 1001);
    usleep(700000);
    assert_int_equal(atomic_load(&ticks), 0);
    kit_run("UPDATE timer_lease SET busy_until_ms = 0");
    atomic_fetch_add(&ahead_ms, 2001);
    wait_for(1);
}

static void once_per_instance_ends_with_the_handing_over_and_the_others_go_on(void **state)
{
    (void)state;
    assert_int_equal(add("daily", 1000, true), 0);
    shoal_timers_hand_over();
    atomic_fetch_add(&ahead_ms, 10000);
    usleep(600000);
    assert_int_equal(atomic_load(&ticks), 0);
    assert_int_equal(add("status", 1000, false), 0);
    atomic_fetch_add(&ahead_ms, 1001);
    wait_for(1);
}

static void once_per_instance_leaves_it_to_whoever_is_busy(void **state)
{
    (void)state;
    put_lease("other", shoal_now_ms() + 3000000);
    assert_int_equal(add("daily", 1000, true), 0);
    atomic_fetch_add(&ahead_ms, 100000);
    usleep(700000);
    assert_int_equal(atomic_load(&ticks), 0);
    atomic_fetch_add(&ahead_ms, 3000000);
    wait_for(1);
}

static void a_clock_that_was_set_back_does_not_stop_it(void **state)
{
    (void)state;
    char text[300];
    snprintf(text, sizeof(text),
        "INSERT INTO timer_lease (name, holder, ran_ms, busy_until_ms)"
        " VALUES ('chat.daily', 'other', %lld, 0)",
        (long long)shoal_now_ms() + 86400000000);
    kit_run(text);
    assert_int_equal(add("daily", 86400000, true), 0);
    atomic_fetch_add(&ahead_ms, 2000);
    wait_for(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
        CASE(comes_back_after_each_period),
        CASE(refuses_bad_ones),
        CASE(runs_not_again_while_it_runs),
        CASE(removing_an_owner_ends_its_running_timer),
        CASE(once_per_instance_runs_after_its_period_also_over_restarts),
        CASE(once_per_instance_first_runs_a_period_after_it_was_added),
        CASE(once_per_instance_is_taken_over_from_a_process_that_is_gone),
        CASE(once_per_instance_asks_soon_again_when_another_is_busy),
        CASE(once_per_instance_ends_with_the_handing_over_and_the_others_go_on),
        CASE(once_per_instance_leaves_it_to_whoever_is_busy),
        CASE(a_clock_that_was_set_back_does_not_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
