// address_test.c - addresses in and out of text and sockets, and how many bits are kept.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "net/address_priv.h"

static void reads_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to; // NULL: refused
    } rows[] = {
        {"203.0.113.9", "203.0.113.9"},
        {"203.0.113.9:65535", "203.0.113.9"},
        {"[2001:db8::1]", "2001:db8::1"},
        {"[2001:db8::1]:443", "2001:db8::1"},
        {"2001:DB8:0:0::1", "2001:db8::1"},
        {"::1", "::1"},
        {"::ffff:203.0.113.9", "203.0.113.9"}, // the same one, however it is written
        {"[::ffff:203.0.113.9]:80", "203.0.113.9"},
        {"", NULL},
        {":80", NULL},
        {"[]", NULL},
        {"[::1", NULL},
        {"[203.0.113.9", NULL},
        {"203.0.113", NULL},
        {"203.0.113.256", NULL},
        {"0x7f.0.0.1", NULL},
        {"203.0.113.9 ", NULL},
        {"localhost", NULL},
        {"2001:db8::1::2", NULL},
        {"fe80::1%eth0", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:f", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_address address = {0};
        bool is_read = shoal_address_parse(shoal_span(rows[i].from), &address);
        assert_int_equal(is_read, rows[i].to != NULL);
        if (is_read) {
            char text[48];
            shoal_address_format(&address, text);
            assert_string_equal(text, rows[i].to);
        }
    }
    struct shoal_address address;
    assert_false(shoal_address_parse((struct shoal_span){0}, &address));
    assert_false(shoal_address_parse((struct shoal_span){"[::1]", 4}, &address));
}

static void takes_addresses_of_sockets(void **state)
{
    (void)state;
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(65535)}, mapped = {.sin6_family = AF_INET6};
    struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "x"};
    inet_pton(AF_INET, "203.0.113.9", &four.sin_addr);
    inet_pton(AF_INET6, "2001:db8::9", &six.sin6_addr);
    inet_pton(AF_INET6, "::ffff:203.0.113.9", &mapped.sin6_addr);
    const struct {
        const void *peer;
        const char *text;
        bool is_ipv4;
        uint16_t port;
    } rows[] = {
        {&four, "203.0.113.9", true, 80},
        {&six, "2001:db8::9", false, 65535},
        {&mapped, "203.0.113.9", true, 0}, // what a socket of both families gives
        {&local, "unix", false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_address address;
        memset(&address, 0xee, sizeof address);
        shoal_address_from(rows[i].peer, &address);
        char text[48];
        shoal_address_format(&address, text);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(shoal_address_is_ipv4(&address), rows[i].is_ipv4);
        assert_int_equal(shoal_address_port(rows[i].peer), rows[i].port);
    }
}

static void keeps_only_the_network(void **state)
{
    (void)state;
    static const struct {
        const char *address, *prefix, *group;
    } rows[] = {
        {"203.0.113.255", "203.0.113.0/24", "203.0.113.255"},
        {"2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", "2001:db8:1:2::"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_address address;
        char text[56];
        assert_true(shoal_address_parse(shoal_span(rows[i].address), &address));
        struct shoal_address group = shoal_address_group(&address);
        shoal_address_prefix(&address, text);
        assert_string_equal(text, rows[i].prefix);
        shoal_address_format(&group, text);
        assert_string_equal(text, rows[i].group);
    }
    struct shoal_address none = {0};
    char text[56];
    shoal_address_prefix(&none, text);
    assert_string_equal(text, "unix");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_addresses),
        cmocka_unit_test(takes_addresses_of_sockets),
        cmocka_unit_test(keeps_only_the_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
