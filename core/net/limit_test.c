// limit_test.c - rate limits, and whose address counts.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/limit_priv.h"
#include "net/server.h"

static struct shoal_address address(const char *text)
{
    struct shoal_address found = {0};
    assert_true(shoal_address_parse(shoal_span(text), &found));
    return found;
}

static bool take(enum shoal_rate bucket, const char *token, const char *from, int64_t now_ms)
{
    struct shoal_address who = address(from);
    return !shoal_limit_take(bucket, shoal_span(token), &who, now_ms).is_refused;
}

static int set_up(void **state)
{
    (void)state;
    shoal_rate_set(SHOAL_RATE_API, 2, 1000);
    shoal_rate_set(SHOAL_RATE_LOGIN, 2, 1000);
    shoal_limit_clear();
    return 0;
}

static void refuses_after_the_count_and_recovers(void **state)
{
    (void)state;
    assert_true(take(SHOAL_RATE_API, NULL, "10.0.0.1", 1000));
    assert_true(take(SHOAL_RATE_API, NULL, "10.0.0.1", 1000));
    assert_false(take(SHOAL_RATE_API, NULL, "10.0.0.1", 1000));
    assert_true(take(SHOAL_RATE_API, NULL, "10.0.0.2", 1000));
    assert_true(take(SHOAL_RATE_LOGIN, NULL, "10.0.0.1", 1000));
    assert_false(take(SHOAL_RATE_API, NULL, "10.0.0.1", 1400));
    assert_true(take(SHOAL_RATE_API, NULL, "10.0.0.1", 1900));
}

static void says_how_long_to_wait(void **state)
{
    (void)state;
    shoal_rate_set(SHOAL_RATE_API, 1, 10000);
    struct shoal_address who = address("10.0.0.3");
    struct shoal_limit limit = shoal_limit_take(SHOAL_RATE_API, shoal_span(NULL), &who, 0);
    assert_false(limit.is_refused);
    assert_int_equal(limit.count, 1);
    assert_int_equal(limit.remaining, 0);
    limit = shoal_limit_take(SHOAL_RATE_API, shoal_span(NULL), &who, 5000);
    assert_true(limit.is_refused);
    assert_in_range(limit.retry_s, 5, 6);
    assert_false(shoal_limit_take(SHOAL_RATE_NONE, shoal_span(NULL), &who, 0).is_refused);
}

static void counts_an_ipv6_network_as_one(void **state)
{
    (void)state;
    assert_true(take(SHOAL_RATE_API, NULL, "2001:db8::1", 0));
    assert_true(take(SHOAL_RATE_API, NULL, "2001:db8::2", 0));
    assert_false(take(SHOAL_RATE_API, NULL, "2001:db8::3", 0));
    assert_true(take(SHOAL_RATE_API, NULL, "2001:db8:0:1::1", 0));
}

static void counts_tokens_apart_but_not_invented_ones(void **state)
{
    (void)state;
    assert_true(take(SHOAL_RATE_API, "a", "10.0.0.1", 0)); // not proved: the address pays
    assert_true(take(SHOAL_RATE_API, "b", "10.0.0.1", 0));
    assert_false(take(SHOAL_RATE_API, "c", "10.0.0.1", 0));
    assert_false(take(SHOAL_RATE_API, "a", "10.0.0.1", 0)); // however often it comes
    shoal_limit_prove(shoal_span("b"), 0);
    assert_true(take(SHOAL_RATE_API, "b", "10.0.0.1", 0)); // proved: its own bucket, wherever it is
    assert_true(take(SHOAL_RATE_API, "b", "10.0.0.2", 0));
    assert_false(take(SHOAL_RATE_API, "b", "10.0.0.3", 0));
    shoal_limit_prove(shoal_span("Bearer d"), 0);
    assert_true(take(SHOAL_RATE_API, "Bearer d", "10.0.0.4", 0));
    assert_true(take(SHOAL_RATE_API, "bearer  d", "10.0.0.4", 0));
    assert_false(take(SHOAL_RATE_API, "BEARER d", "10.0.0.4", 0)); // one token, one bucket
    assert_true(take(SHOAL_RATE_API, "a", "10.0.0.3", 0));
}

static void counts_logins_by_address_whatever_the_token(void **state)
{
    (void)state;
    shoal_limit_prove(shoal_span("b"), 0);
    assert_true(take(SHOAL_RATE_LOGIN, "a", "10.0.0.1", 0));
    assert_true(take(SHOAL_RATE_LOGIN, "a", "10.0.0.1", 0));
    assert_false(take(SHOAL_RATE_LOGIN, "b", "10.0.0.1", 0));
}

static void stays_bounded_under_many_addresses(void **state)
{
    (void)state;
    for (int i = 0; i < 200000; i++) {
        char text[32];
        snprintf(text, sizeof text, "10.%d.%d.%d", i >> 16, (i >> 8) & 255, i & 255);
        take(SHOAL_RATE_API, NULL, text, i);
    }
    assert_true(take(SHOAL_RATE_API, NULL, "192.0.2.1", 200000));
}

static bool reads_forwarded;

static void origin(const char *const *trusted, const char *peer, const char *headers,
    struct shoal_origin *out)
{
    static char text[1024];
    static struct shoal_head head;
    struct shoal_proxies proxies;
    struct shoal_refusal refusal;
    struct shoal_address from = address(peer);
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: own\r\n%s\r\n", headers);
    assert_int_equal(shoal_head_parse(text, strlen(text), &head, &refusal), 0);
    assert_int_equal(shoal_proxies_init(&proxies, trusted, NULL), 0);
    proxies.reads_forwarded = reads_forwarded;
    shoal_origin_read(&proxies, &from, false, &head, out);
    shoal_proxies_fini(&proxies);
}

static void check_address(const struct shoal_origin *found, const char *expected)
{
    char text[48];
    shoal_address_format(&found->address, text);
    assert_string_equal(text, expected);
}

static void believes_only_trusted_proxies(void **state)
{
    (void)state;
    static const char *const trusted[] = {"127.0.0.1", "10.0.0.0/8", "2001:db8::/32", NULL};
    struct shoal_origin found;
    const char *x = "X-Forwarded-For: 1.1.1.1, 203.0.113.9, 10.1.2.3\r\n"
                    "X-Forwarded-Proto: https\r\nX-Forwarded-Host: tube.example\r\n";
    origin(trusted, "127.0.0.1", x, &found);
    check_address(&found, "203.0.113.9");
    assert_true(found.is_https);
    assert_true(shoal_span_is(found.host, "tube.example"));
    origin(trusted, "192.0.2.1", x, &found);
    check_address(&found, "192.0.2.1");
    assert_false(found.is_https);
    assert_true(shoal_span_is(found.host, "own"));
    origin(NULL, "127.0.0.1", x, &found);
    check_address(&found, "127.0.0.1");
    origin(trusted, "127.0.0.1",
        "Forwarded: for=127.0.0.1;proto=http;host=evil.example\r\n"
        "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n", &found);
    check_address(&found, "203.0.113.9"); // the client's own Forwarded, which nginx passes on
    assert_true(found.is_https);
    assert_true(shoal_span_is(found.host, "own"));
    origin(trusted, "127.0.0.1", "Forwarded: for=203.0.113.9;proto=https\r\n", &found);
    check_address(&found, "127.0.0.1"); // alone it is the client's as well
    assert_false(found.is_https);
    origin(trusted, "127.0.0.1", "X-Forwarded-For: nonsense\r\nX-Forwarded-Host: a b\r\n", &found);
    check_address(&found, "127.0.0.1");
    assert_true(shoal_span_is(found.host, "own"));
}

static void believes_forwarded_alone_where_the_proxies_write_it(void **state)
{
    (void)state;
    static const char *const trusted[] = {"127.0.0.1", "2001:db8::/32", NULL};
    struct shoal_origin found;
    reads_forwarded = true;
    origin(trusted, "2001:db8::7",
        "Forwarded: for=9.9.9.9, for=\"[2001:dead::1]:4711\";proto=https;host=a.example\r\n"
        "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: b\r\n",
        &found);
    check_address(&found, "2001:dead::1");
    assert_true(found.is_https);
    assert_true(shoal_span_is(found.host, "a.example"));
    origin(trusted, "127.0.0.1", "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\n",
        &found);
    check_address(&found, "127.0.0.1"); // the client's own, which such a proxy passes on
    assert_false(found.is_https);
    reads_forwarded = false;
}

static void refuses_networks_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0/8", "::/129", "x", "10.0.0.0/", "1/-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *list[] = {bad[i], NULL};
        struct shoal_proxies proxies;
        assert_int_equal(shoal_proxies_init(&proxies, list, NULL), SHOAL_EINVAL);
    }
}

static void shortens_addresses(void **state)
{
    (void)state;
    char text[56];
    struct shoal_address four = address("203.0.113.9"), six = address("2001:db8:1:2:3::4");
    shoal_address_prefix(&four, text);
    assert_string_equal(text, "203.0.113.0/24");
    shoal_address_prefix(&six, text);
    assert_string_equal(text, "2001:db8:1:2::/64");
    struct shoal_address port = address("203.0.113.9:80");
    assert_memory_equal(&port, &four, sizeof four);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(refuses_after_the_count_and_recovers, set_up),
        cmocka_unit_test_setup(says_how_long_to_wait, set_up),
        cmocka_unit_test_setup(counts_an_ipv6_network_as_one, set_up),
        cmocka_unit_test_setup(counts_tokens_apart_but_not_invented_ones, set_up),
        cmocka_unit_test_setup(counts_logins_by_address_whatever_the_token, set_up),
        cmocka_unit_test_setup(stays_bounded_under_many_addresses, set_up),
        cmocka_unit_test(believes_only_trusted_proxies),
        cmocka_unit_test(believes_forwarded_alone_where_the_proxies_write_it),
        cmocka_unit_test(refuses_networks_that_are_none),
        cmocka_unit_test(shortens_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
