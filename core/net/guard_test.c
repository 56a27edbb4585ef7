// guard_test.c - T29: no private address in any disguise.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/guard.h"

static bool passes(const struct shoal_guard *guard, const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return shoal_guard_passes(guard, (struct sockaddr *)&v4);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return shoal_guard_passes(guard, (struct sockaddr *)&v6);
}

static void T29_refuses_every_special_network(void **state)
{
    (void)state;
    static const char *const bad[] = {"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1",
        "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8",
        "192.0.2.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
        "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::c0a8:101", "64:ff9b:1::1", "2002:7f00:1::1",
        "2002:a00:1::", "2001::1", "2001:db8::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1",
        "ff02::1", "100::1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (passes(NULL, bad[i])) {
            fail_msg("%s passed", bad[i]);
        }
    }
}

static void lets_public_addresses_pass(void **state)
{
    (void)state;
    static const char *const good[] = {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255",
        "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "198.17.255.255",
        "223.255.255.255", "2606:4700::1111", "2a01:4f8::1", "::ffff:1.1.1.1", "64:ff9b::101:101"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (!passes(NULL, good[i])) {
            fail_msg("%s was refused", good[i]);
        }
    }
}

static void lets_only_what_the_setting_lists(void **state)
{
    (void)state;
    struct shoal_guard guard = {0};
    struct shoal_err err = {0};
    assert_int_equal(shoal_guard_allow(&guard, "10.1.0.0/16", &err), 0);
    assert_int_equal(shoal_guard_allow(&guard, "::1", &err), 0);
    assert_true(passes(&guard, "10.1.2.3"));
    assert_true(passes(&guard, "::1"));
    assert_false(passes(&guard, "10.2.0.1"));
    assert_false(passes(&guard, "127.0.0.1"));
}

static void names_the_network_that_is_wrong(void **state)
{
    (void)state;
    struct shoal_guard guard = {0};
    struct shoal_err err = {0};
    assert_int_equal(shoal_guard_allow(&guard, "10.1.0.0/33", &err), SHOAL_EINVAL);
    assert_non_null(strstr(err.text, "10.1.0.0/33"));
    assert_int_equal(shoal_guard_allow(&guard, "localhost", &err), SHOAL_EINVAL);
    assert_int_equal(guard.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(T29_refuses_every_special_network),
        cmocka_unit_test(lets_public_addresses_pass),
        cmocka_unit_test(lets_only_what_the_setting_lists),
        cmocka_unit_test(names_the_network_that_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
