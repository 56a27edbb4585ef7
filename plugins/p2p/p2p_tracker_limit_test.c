// p2p_tracker_limit_test.c - addresses, and rates that they spend.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "p2p_tracker_limit.h"

static void a_rate_refills_with_time(void **state)
{
    (void)state;
    p2p_rate rate = 0;
    for (int i = 0; i < 60; i++) {
        assert_true(p2p_rate_take(&rate, 60, 5000));
    }
    assert_false(p2p_rate_take(&rate, 60, 5000));
    assert_false(p2p_rate_take(&rate, 60, 5999));
    assert_true(p2p_rate_take(&rate, 60, 6000));
    assert_false(p2p_rate_take(&rate, 60, 6000));
    for (int i = 0; i < 60; i++) {
        assert_true(p2p_rate_take(&rate, 60, 500000));
    }
    assert_false(p2p_rate_take(&rate, 60, 500000));
}

static void an_ipv6_network_is_one_visitor(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool is_same;
    } rows[] = {{"203.0.113.1", "203.0.113.1", true}, {"203.0.113.1", "203.0.113.2", false},
        {"2001:db8::1", "2001:db8::ffff:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false},
        {"::ffff:203.0.113.1", "203.0.113.1", true}};
    struct p2p_visitors visitors;
    p2p_visitors_init(&visitors);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct p2p_address a, b;
        assert_true(p2p_address_parse(rows[i].a, &a) && p2p_address_parse(rows[i].b, &b));
        struct p2p_visitor *one = p2p_visitor_ref(&visitors, &a);
        struct p2p_visitor *two = p2p_visitor_ref(&visitors, &b);
        assert_int_equal(one == two, rows[i].is_same);
        p2p_visitor_unref(&visitors, one);
        p2p_visitor_unref(&visitors, two);
    }
    struct p2p_address none;
    assert_false(p2p_address_parse("unix", &none));
    assert_false(p2p_address_parse(NULL, &none));
    p2p_visitors_fini(&visitors);
}

/// What was counted stays although nobody is here, and the table does not grow without end.
static void remembers_so_many_and_forgets_the_oldest(void **state)
{
    (void)state;
    struct p2p_visitors visitors;
    p2p_visitors_init(&visitors);
    struct p2p_address address;
    p2p_address_parse("198.51.100.1", &address);
    struct p2p_visitor *held = p2p_visitor_ref(&visitors, &address);
    held->sockets = 5;
    for (uint32_t i = 0; i < 70000; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
        p2p_address_parse(text, &address);
        struct p2p_visitor *visitor = p2p_visitor_ref(&visitors, &address);
        visitor->peers = 1;
        p2p_visitor_unref(&visitors, visitor);
    }
    assert_int_equal(visitors.count, 65536);
    struct p2p_visitor *newest = p2p_visitor_ref(&visitors, &address);
    assert_int_equal(newest->peers, 1);
    p2p_visitor_unref(&visitors, newest);
    p2p_address_parse("10.0.0.0", &address);
    struct p2p_visitor *oldest = p2p_visitor_ref(&visitors, &address);
    assert_int_equal(oldest->peers, 0);
    p2p_visitor_unref(&visitors, oldest);
    assert_int_equal(held->sockets, 5);
    p2p_visitor_unref(&visitors, held);
    p2p_visitors_fini(&visitors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_refills_with_time),
        cmocka_unit_test(an_ipv6_network_is_one_visitor),
        cmocka_unit_test(remembers_so_many_and_forgets_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
