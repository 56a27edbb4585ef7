// visitors_test.c - addresses, and rates that they spend.
// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "visitors.h"

static void a_rate_refills_with_time(void **state)
{
    (void)state;
    visitor_rate rate = 0;
    for (int i = 0; i < 60; i++) {
        assert_true(visitor_rate_take(&rate, 60, 5000));
    }
    assert_false(visitor_rate_take(&rate, 60, 5000));
    assert_false(visitor_rate_take(&rate, 60, 5999));
    assert_true(visitor_rate_take(&rate, 60, 6000));
    assert_false(visitor_rate_take(&rate, 60, 6000));
    for (int i = 0; i < 60; i++) {
        assert_true(visitor_rate_take(&rate, 60, 500000));
    }
    assert_false(visitor_rate_take(&rate, 60, 500000));
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
    struct visitors visitors;
    visitors_init(&visitors);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct visitor_address a, b;
        assert_true(visitor_address_parse(rows[i].a, &a) && visitor_address_parse(rows[i].b, &b));
        struct visitor *one = visitor_ref(&visitors, &a);
        struct visitor *two = visitor_ref(&visitors, &b);
        assert_int_equal(one == two, rows[i].is_same);
        visitor_unref(&visitors, one);
        visitor_unref(&visitors, two);
    }
    struct visitor_address none;
    assert_false(visitor_address_parse("unix", &none));
    assert_false(visitor_address_parse(NULL, &none));
    visitors_fini(&visitors);
}

static struct visitor *visitor_of(struct visitors *visitors, unsigned network, unsigned host)
{
    char text[64];
    struct visitor_address address;
    snprintf(text, sizeof text, "2001:db8:7:%x::%x", network, host);
    assert_true(visitor_address_parse(text, &address));
    return visitor_ref(visitors, &address);
}

/// Whoever has a /48 takes a new /64 for each message.
static void a_48_is_no_crowd_of_strangers(void **state)
{
    (void)state;
    struct visitors visitors;
    visitors_init(&visitors);
    int messages = 0, unknown = 0, sockets = 0, peers = 0;
    struct visitor *held[200];
    for (unsigned i = 0; i < 200; i++) {
        struct visitor *visitor = held[i] = visitor_of(&visitors, i, 1);
        messages += visitor_message_take(visitor, 4, 1000);
        messages += visitor_message_take(visitor, 4, 1000);
        unknown += visitor_unknown_take(visitor, 2, 1000);
        sockets += visitor_socket_add(visitor, 3);
        if (visitor_has_room(visitor, 1)) {
            visitor_peers_add(visitor, 1);
            peers++;
        }
    }
    assert_int_equal(messages, 4 * VISITOR_WIDE);
    assert_int_equal(unknown, 2 * VISITOR_WIDE);
    assert_int_equal(sockets, 3 * VISITOR_WIDE);
    assert_int_equal(peers, VISITOR_WIDE);
    struct visitor_address address;
    visitor_address_parse("2001:db8:8::1", &address);
    struct visitor *other = visitor_ref(&visitors, &address); // the next /48
    assert_true(visitor_message_take(other, 4, 1000) && visitor_socket_add(other, 3));
    visitor_socket_remove(held[0]);
    assert_true(visitor_socket_add(held[199], 3));
    visitor_unref(&visitors, other);
    for (unsigned i = 0; i < 200; i++) {
        visitor_unref(&visitors, held[i]);
    }
    // What was counted is remembered after all have gone, also of the network.
    struct visitor *again = visitor_of(&visitors, 999, 1);
    assert_false(visitor_message_take(again, 4, 1000));
    visitor_unref(&visitors, again);
    visitors_fini(&visitors);
}

/// The /64 "2001:db8:7::" is not the /48 of that name.
static void a_network_is_not_taken_for_its_first_part(void **state)
{
    (void)state;
    struct visitors visitors;
    visitors_init(&visitors);
    struct visitor *first = visitor_of(&visitors, 0, 1), *second = visitor_of(&visitors, 1, 1);
    assert_ptr_not_equal(first, first->wide);
    assert_ptr_equal(first->wide, second->wide);
    assert_int_equal(visitors.count, 3);
    visitor_unref(&visitors, first);
    assert_non_null(second->wide);
    visitor_unref(&visitors, second);
    visitors_fini(&visitors);
}

/// What was counted stays although nobody is here, and the table does not grow without end.
static void remembers_so_many_and_forgets_the_oldest(void **state)
{
    (void)state;
    struct visitors visitors;
    visitors_init(&visitors);
    struct visitor_address address;
    visitor_address_parse("198.51.100.1", &address);
    struct visitor *held = visitor_ref(&visitors, &address);
    held->sockets = 5;
    for (uint32_t i = 0; i < 70000; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
        visitor_address_parse(text, &address);
        struct visitor *visitor = visitor_ref(&visitors, &address);
        visitor->peers = 1;
        visitor_unref(&visitors, visitor);
    }
    assert_int_equal(visitors.count, 65536);
    struct visitor *newest = visitor_ref(&visitors, &address);
    assert_int_equal(newest->peers, 1);
    visitor_unref(&visitors, newest);
    visitor_address_parse("10.0.0.0", &address);
    struct visitor *oldest = visitor_ref(&visitors, &address);
    assert_int_equal(oldest->peers, 0);
    visitor_unref(&visitors, oldest);
    assert_int_equal(held->sockets, 5);
    visitor_unref(&visitors, held);
    visitors_fini(&visitors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rate_refills_with_time),
        cmocka_unit_test(an_ipv6_network_is_one_visitor),
        cmocka_unit_test(a_48_is_no_crowd_of_strangers),
        cmocka_unit_test(a_network_is_not_taken_for_its_first_part),
        cmocka_unit_test(remembers_so_many_and_forgets_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
