// delivery_breaker_test.c - when a server is left alone, when it is asked again, and what an answer means.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery.h"

#define S 1000
#define PAUSE (10 * S)

static void a_host_that_fails_is_left_alone_longer_each_time(void **state)
{
    (void)state;
    struct dlv_breaker breaker = {.last_ok_ms = 1};
    int64_t now = 100 * S, before = 0;
    for (int i = 1; i <= 14; i++) {
        assert_int_equal(dlv_breaker_room(&breaker, now, 4), i == 1 ? 4 : 1);
        enum dlv_change change = dlv_breaker_failed(&breaker, now + 1, now, PAUSE, "it is silent");
        assert_int_equal(change, i == 3 ? DLV_SLOW : i == 6 ? DLV_DOWN : DLV_SAME);
        assert_int_equal(breaker.failures, i);
        int64_t pause = breaker.next_ms - (now + 1);
        assert_true(pause >= before || pause >= 4 * 3600 * S);
        assert_true(pause <= 4 * 3600 * S * 6 / 5);
        assert_int_equal(dlv_breaker_room(&breaker, breaker.next_ms - 1, 4), 0);
        before = i == 1 ? pause : before;
        now = breaker.next_ms;
    }
    assert_true(before >= PAUSE && before <= PAUSE * 6 / 5);
    assert_int_equal(breaker.silent_since_ms, 100 * S + 1);
    assert_string_equal(breaker.last_error, "it is silent");
    assert_string_equal(dlv_breaker_state(breaker.failures), "down");
}

static void what_was_under_way_together_fails_once(void **state)
{
    (void)state;
    struct dlv_breaker breaker = {.last_ok_ms = 1};
    for (int i = 0; i < 4; i++) {
        dlv_breaker_failed(&breaker, 20 * S, 12 * S + i, PAUSE, "it took too long");
    }
    assert_int_equal(breaker.failures, 1);
    dlv_breaker_failed(&breaker, 60 * S, 50 * S, PAUSE, "it took too long");
    assert_int_equal(breaker.failures, 2);
}

static void it_comes_back_by_one_answer(void **state)
{
    (void)state;
    struct dlv_breaker breaker = {.failures = 2, .next_ms = 5};
    assert_int_equal(dlv_breaker_ok(&breaker, 7), DLV_SAME); // nobody was told that it was slow
    breaker = (struct dlv_breaker){.failures = 9, .next_ms = 5, .silent_since_ms = 1};
    assert_int_equal(dlv_breaker_ok(&breaker, 7), DLV_BACK);
    assert_int_equal(breaker.failures, 0);
    assert_int_equal(breaker.last_ok_ms, 7);
    assert_int_equal(breaker.silent_since_ms, 0);
    assert_int_equal(dlv_breaker_room(&breaker, 8, 4), 4);
    assert_string_equal(dlv_breaker_state(0), "well");
}

static void a_new_host_is_asked_carefully_and_a_busy_one_waits(void **state)
{
    (void)state;
    struct dlv_breaker breaker = {0};
    assert_int_equal(dlv_breaker_room(&breaker, 1, 4), 2);
    assert_int_equal(dlv_breaker_room(&breaker, 1, 1), 1);
    dlv_breaker_wait(&breaker, 10 * S, 30 * S);
    assert_int_equal(dlv_breaker_room(&breaker, 39 * S, 4), 0);
    assert_int_equal(dlv_breaker_room(&breaker, 40 * S, 4), 4);
    assert_int_equal(breaker.failures, 0);
}

static void each_answer_means_something(void **state)
{
    (void)state;
    static const struct {
        int code, status, tries;
        enum dlv_verdict verdict;
    } rows[] = {
        {0, 200, 1, DLV_DELIVERED},
        {0, 202, 1, DLV_DELIVERED},
        {0, 204, 3, DLV_DELIVERED},
        {SHOAL_ETOOLARGE, 200, 1, DLV_DELIVERED}, // what it says besides does not matter
        {0, 301, 1, DLV_LATER},
        {0, 400, 1, DLV_REFUSED},
        {0, 401, 1, DLV_LATER},
        {0, 403, 3, DLV_LATER},
        {0, 403, 4, DLV_REFUSED},
        {0, 404, 4, DLV_REFUSED},
        {0, 405, 1, DLV_REFUSED},
        {0, 408, 1, DLV_LATER},
        {0, 410, 1, DLV_INBOX_GONE},
        {0, 413, 1, DLV_REFUSED},
        {0, 422, 1, DLV_REFUSED},
        {0, 429, 9, DLV_HOST_WAITS},
        {0, 500, 1, DLV_HOST_FAILED},
        {0, 503, 9, DLV_HOST_FAILED},
        {SHOAL_ETIMEOUT, 0, 1, DLV_HOST_FAILED},
        {SHOAL_EUPSTREAM, 0, 9, DLV_HOST_FAILED},
        {SHOAL_EFORBIDDEN, 0, 1, DLV_HOST_FAILED},
        {SHOAL_EINVAL, 0, 1, DLV_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(dlv_judge(rows[i].code, rows[i].status, rows[i].tries), rows[i].verdict);
    }
    assert_int_equal(dlv_retry_ms(PAUSE, 1), 60 * S);
    assert_int_equal(dlv_retry_ms(PAUSE, 2), 300 * S);
    assert_int_equal(dlv_retry_ms(PAUSE, 60), 7200 * S);
}

static const char *said;
static const char *header(const struct shoal_fetched *fetched, const char *name)
{
    (void)fetched;
    return strcmp(name, "retry-after") == 0 ? said : NULL;
}

static void a_host_says_when_it_wants_to_be_asked_again(void **state)
{
    (void)state;
    struct shoal_fetched fetched = {.header = header};
    static const struct {
        const char *said;
        int64_t wait_ms;
    } rows[] = {{NULL, 60 * S}, {"5", 5 * S}, {"0", S}, {"99999999999999999999", 3600 * S},
        {"Fri, 31 Dec 2027 23:59:59 GMT", 60 * S}, {"-3", 60 * S}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        said = rows[i].said;
        assert_int_equal(dlv_retry_after(&fetched), rows[i].wait_ms);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_fails_is_left_alone_longer_each_time),
        cmocka_unit_test(what_was_under_way_together_fails_once),
        cmocka_unit_test(it_comes_back_by_one_answer),
        cmocka_unit_test(a_new_host_is_asked_carefully_and_a_busy_one_waits),
        cmocka_unit_test(each_answer_means_something),
        cmocka_unit_test(a_host_says_when_it_wants_to_be_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
