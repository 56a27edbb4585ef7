// pool_test.c - work that is queued runs once, in its order, and before the pool is gone.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "data/data_test_kit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "data/pool.h"

#define ITEMS 200

struct piece {
    struct pool_item item; ///< first
    int number;
    int again; ///< how often it submits itself once more
};
static struct pool *pool;
static int order[ITEMS];
static atomic_int ran;
static atomic_bool gate;

static void note(struct pool_item *item)
{
    const struct piece *piece = (const struct piece *)item;
    order[atomic_fetch_add(&ran, 1)] = piece->number;
}

static void one_thread_keeps_the_order(void **state)
{
    (void)state;
    static struct piece pieces[ITEMS];
    atomic_store(&ran, 0);
    pool = pool_new(1);
    for (int i = 0; i < ITEMS; i++) {
        pieces[i] = (struct piece){.item.run = note, .number = i};
        assert_true(pool_submit(pool, &pieces[i].item));
    }
    pool_free(pool); // runs what is queued
    assert_int_equal(atomic_load(&ran), ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        assert_int_equal(order[i], i);
    }
}

static void count(struct pool_item *item)
{
    (void)item;
    atomic_fetch_add(&ran, 1);
}

static void many_threads_run_each_once(void **state)
{
    (void)state;
    static struct piece pieces[ITEMS];
    atomic_store(&ran, 0);
    pool = pool_new(100); // more than it takes
    for (int i = 0; i < ITEMS; i++) {
        pieces[i] = (struct piece){.item.run = count};
        assert_true(pool_submit(pool, &pieces[i].item));
    }
    pool_free(pool);
    assert_int_equal(atomic_load(&ran), ITEMS);
}

static void submit_again(struct pool_item *item)
{
    struct piece *piece = (struct piece *)item;
    atomic_fetch_add(&ran, 1);
    if (piece->again-- > 0) {
        assert_true(pool_submit(pool, item));
    } else {
        free(piece);
        atomic_store(&gate, true);
    }
}

static void a_piece_may_come_back_or_free_itself(void **state)
{
    (void)state;
    struct piece *piece = calloc(1, sizeof(*piece));
    assert_non_null(piece);
    *piece = (struct piece){.item.run = submit_again, .again = 5};
    atomic_store(&ran, 0);
    atomic_store(&gate, false);
    pool = pool_new(2);
    assert_true(pool_submit(pool, &piece->item));
    for (int i = 0; i < 1000 && !atomic_load(&gate); i++) {
        usleep(10000);
    }
    pool_free(pool);
    assert_int_equal(atomic_load(&ran), 6);
}

static void wait_for_gate(struct pool_item *item)
{
    (void)item;
    while (!atomic_load(&gate)) {
        usleep(1000);
    }
}

static void *free_it(void *arg)
{
    pool_free(arg);
    return NULL;
}

static void a_pool_that_stops_takes_no_more(void **state)
{
    (void)state;
    struct piece waiting = {.item.run = wait_for_gate};
    struct piece late[ITEMS];
    pthread_t thread;
    bool is_taken = true;
    int taken = 0;
    atomic_store(&ran, 0);
    atomic_store(&gate, false);
    pool = pool_new(1);
    assert_true(pool_submit(pool, &waiting.item));
    assert_int_equal(pthread_create(&thread, NULL, free_it, pool), 0);
    for (int i = 0; i < ITEMS && is_taken; i++) {
        late[i] = (struct piece){.item.run = count};
        is_taken = pool_submit(pool, &late[i].item);
        taken += is_taken;
        usleep(10000);
    }
    assert_false(is_taken);
    atomic_store(&gate, true);
    pthread_join(thread, NULL);
    assert_int_equal(atomic_load(&ran), taken); // what it took it still ran
}

static void without_threads_nothing_is_taken(void **state)
{
    (void)state;
    struct piece piece = {.item.run = count};
    pool = pool_new(0);
    assert_non_null(pool);
    assert_false(pool_submit(pool, &piece.item));
    pool_free(pool);
    pool_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_keeps_the_order),
        cmocka_unit_test(many_threads_run_each_once),
        cmocka_unit_test(a_piece_may_come_back_or_free_itself),
        cmocka_unit_test(a_pool_that_stops_takes_no_more),
        cmocka_unit_test(without_threads_nothing_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
