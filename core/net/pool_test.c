// pool_test.c - jobs in their order, a queue with a bound, and nothing lost at the end.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "net/pool_priv.h"

static sem_t entered, gate;
static int order[1000];
static atomic_int done;

static int set_up(void **state)
{
    (void)state;
    sem_init(&entered, 0, 0);
    sem_init(&gate, 0, 0);
    atomic_store(&done, 0);
    return 0;
}

static void note(void *arg)
{
    order[atomic_fetch_add(&done, 1)] = (int)(intptr_t)arg;
}

static void wait_at_gate(void *arg)
{
    (void)arg;
    sem_post(&entered);
    sem_wait(&gate);
}

static void one_thread_keeps_the_order(void **state)
{
    (void)state;
    struct shoal_pool *pool = shoal_pool_new("order", 1, 1000);
    shoal_pool_push(pool, wait_at_gate, NULL);
    sem_wait(&entered);
    for (intptr_t i = 0; i < 700; i++) { // more than the queue has room for at first
        assert_int_equal(shoal_pool_add(pool, note, (void *)i), 0);
    }
    assert_int_equal(atomic_load(&done), 0);
    sem_post(&gate);
    shoal_pool_free(pool); // what waits is done before
    assert_int_equal(atomic_load(&done), 700);
    for (int i = 0; i < 700; i++) {
        assert_int_equal(order[i], i);
    }
}

static void grows_in_the_middle_of_its_ring(void **state)
{
    (void)state;
    struct shoal_pool *pool = shoal_pool_new("ring", 1, 1000);
    for (int turn = 0; turn < 2; turn++) { // the second turn begins where the first ended
        atomic_store(&done, 0);
        shoal_pool_push(pool, wait_at_gate, NULL);
        sem_wait(&entered);
        for (intptr_t i = 0; i < (turn ? 200 : 40); i++) {
            assert_int_equal(shoal_pool_add(pool, note, (void *)i), 0);
        }
        shoal_pool_push(pool, wait_at_gate, NULL);
        sem_post(&gate);
        sem_wait(&entered);
        assert_int_equal(atomic_load(&done), turn ? 200 : 40);
        for (int i = 0; i < atomic_load(&done); i++) {
            assert_int_equal(order[i], i);
        }
        sem_post(&gate);
    }
    shoal_pool_free(pool);
}

static void refuses_what_the_queue_has_no_room_for(void **state)
{
    (void)state;
    struct shoal_pool *pool = shoal_pool_new("full", 2, 3);
    for (int i = 0; i < 2; i++) {
        shoal_pool_push(pool, wait_at_gate, NULL);
        sem_wait(&entered);
    }
    for (intptr_t i = 0; i < 3; i++) {
        assert_int_equal(shoal_pool_add(pool, note, (void *)i), 0);
    }
    assert_int_equal(shoal_pool_add(pool, note, NULL), SHOAL_EBUSY);
    shoal_pool_push(pool, note, NULL); // the second half of something is always taken
    assert_int_equal(shoal_pool_add(pool, note, NULL), SHOAL_EBUSY);
    sem_post(&gate);
    sem_post(&gate);
    shoal_pool_free(pool);
    assert_int_equal(atomic_load(&done), 4);
}

static void a_queue_of_none_takes_what_an_idle_thread_does(void **state)
{
    (void)state;
    struct shoal_pool *pool = shoal_pool_new("none", 1, 0);
    while (shoal_pool_add(pool, wait_at_gate, NULL) != 0) {
        // the thread has not come to its queue yet
    }
    sem_wait(&entered);
    assert_int_equal(shoal_pool_add(pool, note, NULL), SHOAL_EBUSY);
    sem_post(&gate);
    shoal_pool_free(pool);
    assert_int_equal(atomic_load(&done), 0);
}

static struct shoal_pool *ending;

static void go_on(void *arg)
{
    (void)arg;
    note(NULL);
    usleep(50000); // shoal_pool_end() waits by now
    assert_int_equal(shoal_pool_add(ending, note, NULL), 0);
}

static void ends_with_what_its_own_jobs_bring_and_takes_nothing_more(void **state)
{
    (void)state;
    ending = shoal_pool_new("end", 2, 4);
    assert_int_equal(shoal_pool_add(ending, go_on, NULL), 0);
    shoal_pool_end(ending);
    assert_int_equal(atomic_load(&done), 2);
    assert_int_equal(shoal_pool_add(ending, note, NULL), SHOAL_EBUSY);
    assert_int_equal(atomic_load(&done), 2);
    shoal_pool_push(ending, note, NULL); // cannot be refused: it is done here
    assert_int_equal(atomic_load(&done), 3);
    shoal_pool_end(ending);
    shoal_pool_free(ending);
}

static void look_at_signals(void *arg)
{
    sigset_t blocked;
    bool *results = arg;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    results[0] = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGCHLD);
    results[1] = !sigismember(&blocked, SIGSEGV) && !sigismember(&blocked, SIGABRT);
    char name[16];
    pthread_getname_np(pthread_self(), name, sizeof name);
    results[2] = strcmp(name, "a-name-of-e 0") == 0;
}

static void leaves_signals_to_the_main_thread_but_faults_to_their_own(void **state)
{
    (void)state;
    bool results[3] = {0};
    struct shoal_pool *pool = shoal_pool_new("a-name-of-eleven-and-more", 1, 1);
    shoal_pool_push(pool, look_at_signals, results);
    shoal_pool_free(pool);
    assert_true(results[0]);
    assert_true(results[1]);
    assert_true(results[2]);
    sigset_t ours;
    pthread_sigmask(SIG_SETMASK, NULL, &ours);
    assert_false(sigismember(&ours, SIGTERM));
    shoal_pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_thread_keeps_the_order, set_up),
        cmocka_unit_test_setup(grows_in_the_middle_of_its_ring, set_up),
        cmocka_unit_test_setup(refuses_what_the_queue_has_no_room_for, set_up),
        cmocka_unit_test_setup(a_queue_of_none_takes_what_an_idle_thread_does, set_up),
        cmocka_unit_test_setup(
            ends_with_what_its_own_jobs_bring_and_takes_nothing_more, set_up),
        cmocka_unit_test_setup(leaves_signals_to_the_main_thread_but_faults_to_their_own, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
