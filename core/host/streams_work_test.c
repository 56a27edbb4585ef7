// streams_work_test.c - work that a plugin gives to a worker, and what runs behind it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/stream.h>

#include "host/host_priv.h"
#include "host/test_kit.h"

static struct kit kit;
static struct shoal_server *server;
static struct shoal_plugin *plugin;
static atomic_int worked;
static atomic_int done;
static atomic_int order;

static int do_nothing(struct shoal_plugin *self, struct shoal_err *err)
{
    (void)self;
    (void)err;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    struct shoal_err err = {0};
    kit_open(&kit, "");
    kit_start(&kit, false);
    assert_int_equal(kit_load("worker", do_nothing, "", NULL, &err), 0);
    plugin = shoal_plugin_find("worker");
    struct shoal_server_options options = {.loops = 2,
        .workers = 1,
        .temp_path = kit.folder,
        .app = shoal_host_app(),
        .stop_grace_ms = 1000};
    server = shoal_server_start(&options, &err);
    if (!server) {
        fail_msg("%s", err.text);
    }
    atomic_store(&worked, 0);
    atomic_store(&done, 0);
    atomic_store(&order, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    shoal_server_stop(server);
    kit_close(&kit);
    return 0;
}

static void work(struct shoal_call *call, void *arg)
{
    assert_ptr_equal(shoal_call_plugin(call), arg);
    assert_in_range(shoal_call_left_ms(call), 1, 10000); // for the watchdog
    shoal_call_enter(call, arg);                         // left open: the host tidies up
    atomic_store(&worked, atomic_fetch_add(&order, 1) + 1);
}

static void finish(void *arg)
{
    (void)arg;
    atomic_store(&done, atomic_fetch_add(&order, 1) + 1);
}

static void wait_for(atomic_int *what)
{
    for (int i = 0; i < 1000 && atomic_load(what) == 0; i++) {
        usleep(10000);
    }
    assert_int_not_equal(atomic_load(what), 0);
}

static void it_runs_as_the_plugin_and_ends_on_the_loop(void **state)
{
    (void)state;
    assert_int_equal(shoal_work(plugin, work, finish, plugin, 0), 0);
    wait_for(&done);
    assert_int_equal(atomic_load(&worked), 1); // first the work, then its end
    assert_int_equal(atomic_load(&done), 2);
    atomic_store(&worked, 0);
    assert_int_equal(shoal_work(plugin, work, NULL, plugin, 0), 0); // an end is not needed
    wait_for(&worked);
}

static void of_a_plugin_that_is_out_only_the_end_runs(void **state)
{
    (void)state;
    shoal_host_quarantine("worker", "it hung");
    assert_int_equal(shoal_work(plugin, work, finish, plugin, 0), 0);
    wait_for(&done);
    assert_int_equal(atomic_load(&worked), 0);
}

static void the_core_may_work_too(void **state)
{
    (void)state;
    assert_int_equal(shoal_work(NULL, work, finish, NULL, 0), 0);
    wait_for(&done);
    assert_int_equal(atomic_load(&worked), 1);
}

static void work_long(struct shoal_call *call, void *arg)
{
    (void)call;
    (void)arg;
    atomic_store(&worked, 1);
    usleep(700000); // the loop ends meanwhile
}

static void want_more(void *arg)
{
    assert_int_equal(shoal_work(plugin, work, finish, arg, 0), SHOAL_EBUSY);
    atomic_store(&done, 1);
}

static void an_end_that_comes_last_finds_no_worker_for_more(void **state)
{
    (void)state;
    assert_int_equal(shoal_work(plugin, work_long, want_more, NULL, 0), 0);
    wait_for(&worked);
    shoal_server_stop(server);
    server = NULL;
    assert_int_equal(atomic_load(&done), 1);
}

static void post_on(void *arg)
{
    shoal_loop_post(0, finish, arg);
}

static void an_end_that_comes_last_is_heard_on_every_loop(void **state)
{
    (void)state;
    assert_int_equal(shoal_work(plugin, work_long, post_on, NULL, 1), 0);
    wait_for(&worked);
    shoal_server_stop(server);
    server = NULL;
    assert_int_equal(atomic_load(&done), 1);
}

static void without_a_server_there_are_no_workers(void **state)
{
    (void)state;
    atomic_store(&worked, 0);
    assert_int_equal(shoal_work(NULL, work, finish, NULL, 0), SHOAL_EBUSY);
    assert_int_equal(atomic_load(&worked), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(it_runs_as_the_plugin_and_ends_on_the_loop),
        CASE(of_a_plugin_that_is_out_only_the_end_runs),
        CASE(the_core_may_work_too),
        CASE(an_end_that_comes_last_finds_no_worker_for_more),
        CASE(an_end_that_comes_last_is_heard_on_every_loop),
        cmocka_unit_test(without_a_server_there_are_no_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
