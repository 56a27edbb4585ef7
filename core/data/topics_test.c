// topics_test.c - publish and subscribe: order, bounds, and who hears what.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <shoal/topics.h>

#include <pthread.h>
#include <stdatomic.h>

static const char *const allowed[] = {"topics", NULL};
static const struct shoal_plugin_id chat = {
    .name = "chat", .table_prefix = "chat_", .permissions = allowed};
static const struct shoal_plugin_id mute = {.name = "mute"};
static atomic_int heard, mistakes;
static atomic_bool is_held;
static _Atomic int64_t last;
static _Atomic uint64_t own_handle;

static struct shoal_plugin *owner(void)
{
    return (struct shoal_plugin *)(uintptr_t)&chat;
}

static int start(void **state)
{
    (void)state;
    atomic_store(&heard, 0);
    atomic_store(&mistakes, 0);
    atomic_store(&last, -1);
    atomic_store(&is_held, false);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    atomic_store(&is_held, false);
    shoal_topics_stop();
    return 0;
}

static void hear(const char *topic, const json_t *message, void *arg)
{
    int64_t n = shoal_integer(message, "n", -1);
    while (atomic_load(&is_held)) {
        usleep(1000);
    }
    if (strcmp(topic, arg) != 0 || n <= atomic_load(&last) ||
        shoal_call_plugin(shoal_call_current()) != owner()) {
        atomic_fetch_add(&mistakes, 1);
    }
    atomic_store(&last, n);
    atomic_fetch_add(&heard, 1);
}

static void publish(const char *topic, int n)
{
    json_t *message = json_pack("{s:i}", "n", n);
    shoal_publish(topic, message);
    json_decref(message);
}

static void wait_for(int value)
{
    for (int i = 0; i < 1000 && atomic_load(&heard) < value; i++) {
        usleep(5000);
    }
    assert_int_equal(atomic_load(&heard), value);
}

static void a_subscriber_hears_its_topic_in_order(void **state)
{
    (void)state;
    char topic[] = "video:1";
    assert_int_not_equal(shoal_subscribe(owner(), topic, hear, topic), 0);
    for (int i = 0; i < 200; i++) {
        publish("video:1", i);
        publish("video:2", i);
    }
    wait_for(200);
    assert_int_equal(atomic_load(&last), 199);
    assert_int_equal(atomic_load(&mistakes), 0);
}

static void a_slow_subscriber_loses_the_oldest(void **state)
{
    (void)state;
    char topic[] = "t";
    atomic_store(&is_held, true);
    shoal_subscribe(owner(), topic, hear, topic);
    for (int i = 0; i < 1000; i++) {
        publish("t", i);
    }
    atomic_store(&is_held, false);
    for (int i = 0; i < 1000 && atomic_load(&last) < 999; i++) {
        usleep(5000);
    }
    assert_int_equal(atomic_load(&last), 999);
    assert_in_range(atomic_load(&heard), 256, 257);
    assert_int_equal(atomic_load(&mistakes), 0);
}

static void topics_are_for_plugins_that_may(void **state)
{
    (void)state;
    struct shoal_call call;
    char topic[] = "t";
    struct shoal_plugin *silent = (struct shoal_plugin *)(uintptr_t)&mute;
    assert_int_equal(shoal_subscribe(silent, topic, hear, topic), 0);
    uint64_t handle = shoal_subscribe(owner(), topic, hear, topic);
    assert_true(handle != 0);
    shoal_call_init(&call);
    shoal_call_enter(&call, silent);
    publish("t", 1); // not sent
    json_t *message = json_pack("{s:i}", "n", 2);
    shoal_topics_send("t", message); // the core, in its call
    json_decref(message);
    shoal_call_leave(&call);
    shoal_call_fini(&call);
    wait_for(1);
    assert_int_equal(atomic_load(&last), 2);
    assert_int_equal(atomic_load(&heard), 1);
    shoal_unsubscribe(handle);
}

static void nothing_is_heard_after_unsubscribing(void **state)
{
    (void)state;
    char topic[] = "t";
    uint64_t handle = shoal_subscribe(owner(), topic, hear, topic);
    publish("t", 1);
    wait_for(1);
    shoal_unsubscribe(handle);
    shoal_unsubscribe(handle);
    shoal_unsubscribe(0);
    publish("t", 2);
    usleep(50000);
    assert_int_equal(atomic_load(&heard), 1);
}

static void *let_go(void *unused)
{
    (void)unused;
    usleep(100000);
    atomic_store(&is_held, false);
    return NULL;
}

static void unsubscribing_waits_for_the_callback(void **state)
{
    (void)state;
    char topic[] = "t";
    pthread_t thread;
    atomic_store(&is_held, true);
    uint64_t handle = shoal_subscribe(owner(), topic, hear, topic);
    publish("t", 1);
    publish("t", 2);
    usleep(50000);
    pthread_create(&thread, NULL, let_go, NULL);
    shoal_unsubscribe(handle);
    assert_false(atomic_load(&is_held));
    assert_int_equal(atomic_load(&heard), 1);
    pthread_join(thread, NULL);
    usleep(50000);
    assert_int_equal(atomic_load(&heard), 1);
}

static void end_itself(const char *topic, const json_t *message, void *arg)
{
    (void)topic;
    (void)message;
    (void)arg;
    shoal_unsubscribe(atomic_load(&own_handle));
    atomic_fetch_add(&heard, 1);
}

static void a_callback_may_unsubscribe_itself(void **state)
{
    (void)state;
    atomic_store(&own_handle, shoal_subscribe(owner(), "t", end_itself, NULL));
    publish("t", 1);
    publish("t", 2);
    wait_for(1);
    usleep(50000);
    assert_int_equal(atomic_load(&heard), 1);
}

static void subscriptions_of_a_plugin_are_bounded_and_go_with_it(void **state)
{
    (void)state;
    char topic[] = "t";
    for (int i = 0; i < 1024; i++) {
        assert_int_not_equal(shoal_subscribe(owner(), topic, hear, topic), 0);
    }
    assert_int_equal(shoal_subscribe(owner(), topic, hear, topic), 0);
    shoal_topics_owner_remove(owner());
    publish("t", 1);
    usleep(50000);
    assert_int_equal(atomic_load(&heard), 0);
    assert_int_not_equal(shoal_subscribe(owner(), topic, hear, topic), 0);
}

static void names_of_topics_are_bounded(void **state)
{
    (void)state;
    char topic[400];
    memset(topic, 't', sizeof(topic) - 1);
    topic[sizeof(topic) - 1] = 0;
    assert_int_equal(shoal_subscribe(owner(), topic, hear, topic), 0);
    assert_int_equal(shoal_subscribe(owner(), "", hear, topic), 0);
    publish(topic, 1);
    assert_int_equal(atomic_load(&heard), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)
        CASE(a_subscriber_hears_its_topic_in_order),
        CASE(a_slow_subscriber_loses_the_oldest),
        CASE(topics_are_for_plugins_that_may),
        CASE(nothing_is_heard_after_unsubscribing),
        CASE(unsubscribing_waits_for_the_callback),
        CASE(a_callback_may_unsubscribe_itself),
        CASE(subscriptions_of_a_plugin_are_bounded_and_go_with_it),
        CASE(names_of_topics_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
