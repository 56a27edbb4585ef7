// proxies_test.c - trusted networks of any size, and chains of proxies that are long or lie.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "net/address_priv.h"

static bool trusts(const char *network, const char *text)
{
    const char *const list[] = {network, NULL};
    struct shoal_proxies proxies;
    struct shoal_address address = {0};
    assert_int_equal(shoal_proxies_init(&proxies, list, NULL), 0);
    assert_true(strcmp(text, "unix") == 0 || shoal_address_parse(shoal_span(text), &address));
    bool result = shoal_proxies_trust(&proxies, &address);
    shoal_proxies_fini(&proxies);
    return result;
}

static void knows_who_is_in_a_network(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool is_in;
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", true}, {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.0/8", "10.255.255.255", true}, {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/9", "10.127.0.1", true}, {"10.0.0.0/9", "10.128.0.1", false},
        {"192.168.1.128/25", "192.168.1.129", true}, {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.4/31", "192.168.1.5", true}, {"192.168.1.4/31", "192.168.1.6", false},
        {"0.0.0.0/0", "203.0.113.9", true}, {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true}, {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false}, {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"unix", "unix", true}, {"unix", "127.0.0.1", false}, {"127.0.0.1", "unix", false},
        {"::/0", "unix", false}, // a socket's file is no address
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(trusts(rows[i].network, rows[i].address), rows[i].is_in);
    }
}

static void names_the_network_that_is_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "Unix", "10.0.0.0/33", "::/129", "10.0.0.0/1000",
        "10.0.0.0/8x", "10.0.0.0/-8", "10.0.0.0/", "/8", "example.org"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *const list[] = {"unix", "127.0.0.1", bad[i], NULL};
        struct shoal_proxies proxies;
        struct shoal_err err = {0};
        assert_int_equal(shoal_proxies_init(&proxies, list, &err), SHOAL_EINVAL);
        char quoted[64];
        snprintf(quoted, sizeof quoted, "\"%s\"", bad[i]);
        assert_non_null(strstr(err.text, quoted));
        assert_false(proxies.trusts_unix); // nothing of the list is left
        assert_int_equal(proxies.count, 0);
    }
}

/// Reads an origin behind the proxies 10.0.0.0/8 and a Unix socket; peer NULL: the socket.
static void read_origin(const char *peer, const char *headers, bool reads_forwarded, bool is_tls,
    struct shoal_origin *origin, char address[48])
{
    static char text[4096];
    static struct shoal_head head;
    const char *const list[] = {"unix", "10.0.0.0/8", NULL};
    struct shoal_proxies proxies;
    struct shoal_refusal refusal;
    struct shoal_address from = {0};
    if (peer) {
        assert_true(shoal_address_parse(shoal_span(peer), &from));
    }
    snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: own\r\n%s\r\n", headers);
    assert_int_equal(shoal_head_parse(text, strlen(text), &head, &refusal), 0);
    assert_int_equal(shoal_proxies_init(&proxies, list, NULL), 0);
    proxies.reads_forwarded = reads_forwarded;
    shoal_origin_read(&proxies, &from, is_tls, &head, origin);
    shoal_address_format(&origin->address, address);
    shoal_proxies_fini(&proxies);
}

static void follows_the_chain_as_far_as_it_is_trusted(void **state)
{
    (void)state;
    static const struct {
        const char *peer, *headers, *address, *host;
        bool is_https, forwarded;
    } rows[] = {
        {"10.0.0.1", "", "10.0.0.1", "own", false, false},
        {NULL, "X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9", "own", false, false},
        {"10.0.0.1", "X-Forwarded-For: 1.1.1.1, 203.0.113.9\r\n", "203.0.113.9", "own", false,
            false},
        {"10.0.0.1", "X-Forwarded-For: 203.0.113.9, 10.0.0.7\r\n", "203.0.113.9", "own", false,
            false},
        {"10.0.0.1", "X-Forwarded-For: 203.0.113.9, rubbish, 10.0.0.7\r\n", "10.0.0.7", "own",
            false, false},
        {"10.0.0.1", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9",
            "own", false, false}, // the nearest wrote the last
        {"10.0.0.1", "X-Forwarded-Proto: http, https\r\nX-Forwarded-Host: a, b.example\r\n",
            "10.0.0.1", "b.example", true, false},
        {"10.0.0.1", "X-Forwarded-Proto: https, http\r\nX-Forwarded-Host: \r\n", "10.0.0.1", "own",
            false, false},
        {"10.0.0.1", "X-Forwarded-Host: a/b\r\n", "10.0.0.1", "own", false, false},
        {"203.0.113.1", "X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n", "203.0.113.1",
            "own", false, false},
        {"10.0.0.1", "Forwarded: for=1.1.1.1, FOR=203.0.113.9;Proto=HTTPS;host=\"t.example\"\r\n",
            "203.0.113.9", "t.example", true, true},
        {"10.0.0.1", "Forwarded: for=_hidden;proto=https\r\n", "10.0.0.1", "own", true, true},
        {"10.0.0.1", "Forwarded: proto=https\r\n", "10.0.0.1", "own", true, true},
        {"10.0.0.1", "Forwarded: for=203.0.113.9;host=\"a b\"\r\n", "203.0.113.9", "own", false,
            true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_origin origin;
        char address[48];
        read_origin(rows[i].peer, rows[i].headers, rows[i].forwarded, false, &origin, address);
        assert_string_equal(address, rows[i].address);
        assert_true(shoal_span_is(origin.host, rows[i].host));
        assert_int_equal(origin.is_https, rows[i].is_https);
    }
    struct shoal_origin origin;
    char address[48];
    read_origin("203.0.113.1", "", false, true, &origin, address);
    assert_true(origin.is_https); // what we saw ourselves
}

static void quotation_marks_of_a_client_hide_nobody(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *address, *host;
        bool is_https, forwarded;
    } rows[] = { // what a client sent, and what the proxy wrote behind its comma
        {"X-Forwarded-For: \", 203.0.113.9\r\n", "203.0.113.9", "own", false, false},
        {"X-Forwarded-For: [1.1.1.1]\", 203.0.113.9\r\n", "203.0.113.9", "own", false, false},
        {"X-Forwarded-For: 1.1.1.1:\"\\, 203.0.113.9\r\n", "203.0.113.9", "own", false, false},
        {"X-Forwarded-For: [10.0.0.9]\", 203.0.113.9, 10.0.0.7\r\n", "203.0.113.9", "own", false,
            false},
        {"X-Forwarded-Proto: http\", https\r\nX-Forwarded-Host: a\", b.example\r\n", "10.0.0.1",
            "b.example", true, false},
        {"Forwarded: for=1.1.1.1;x=\", for=203.0.113.9;host=t.example\r\n", "203.0.113.9",
            "t.example", false, true},
        {"Forwarded: for=\"[::1]\";host=\"a, for=203.0.113.9;proto=https\r\n", "203.0.113.9", "own",
            true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_origin origin;
        char address[48];
        read_origin("10.0.0.1", rows[i].headers, rows[i].forwarded, false, &origin, address);
        assert_string_equal(address, rows[i].address);
        assert_true(shoal_span_is(origin.host, rows[i].host));
        assert_int_equal(origin.is_https, rows[i].is_https);
    }
}

static void goes_only_so_many_hops(void **state)
{
    (void)state;
    char headers[1024] = "X-Forwarded-For: 203.0.113.9";
    for (int i = 1; i <= 40; i++) {
        size_t length = strlen(headers);
        snprintf(headers + length, sizeof headers - length, ", 10.0.1.%d", i);
    }
    size_t length = strlen(headers);
    snprintf(headers + length, sizeof headers - length, "\r\n");
    struct shoal_origin origin;
    char address[48];
    read_origin("10.0.0.1", headers, false, false, &origin, address);
    assert_string_equal(address, "10.0.1.25"); // the sixteenth from the end
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_who_is_in_a_network),
        cmocka_unit_test(names_the_network_that_is_none),
        cmocka_unit_test(follows_the_chain_as_far_as_it_is_trusted),
        cmocka_unit_test(quotation_marks_of_a_client_hide_nobody),
        cmocka_unit_test(goes_only_so_many_hops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
