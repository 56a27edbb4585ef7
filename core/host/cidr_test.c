// cidr_test.c - which addresses a list of networks holds.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/registry_priv.h"
#include "host/test_kit.h"

static void networks_hold_their_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *network, *address;
        bool is_in;
    } rows[] = {
        {"127.0.0.0/8", "127.3.2.1", true},
        {"127.0.0.0/8", "128.0.0.1", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"192.0.2.7/32", "192.0.2.6", false},
        {"192.0.2.128/25", "192.0.2.200", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.200/25", "192.0.2.129", true}, // its own bits behind the mask do not count
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "::1", false}, // of IPv4 alone
        {"::/0", "::1", true},
        {"::/0", "203.0.113.9", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::1/128", "::2", false},
        {"192.0.2.7", "::ffff:192.0.2.7", true}, // the same machine, seen by a socket for both
        {"::ffff:192.0.2.0/120", "192.0.2.9", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *list = json_pack("[s]", rows[i].network);
        if (shoal_cidr_lists(list, rows[i].address) != rows[i].is_in) {
            fail_msg("%s in %s", rows[i].address, rows[i].network);
        }
        json_decref(list);
    }
}

/// A line that is wrong opens nothing: not to all, and not to the address that it begins with.
static void what_is_no_network_holds_nobody(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "/", "/0", "x", "x/0", "127.0.0.1/", "127.0.0.1/33",
        "127.0.0.1/-1", "127.0.0.1/ 8", "127.0.0.1/+8", "127.0.0.1/8x", "127.0.0.1/8/8",
        "127.0.0.1/99999999999999999999", "::1/129", "127.0.0", "127.0.0.1 ",
        "000000000000000000000000000000000000000000000000000000000000127.0.0.1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *list = json_pack("[s]", bad[i]);
        if (shoal_cidr_lists(list, "127.0.0.1") || shoal_cidr_lists(list, "::1")) {
            fail_msg("\"%s\" let somebody in", bad[i]);
        }
        json_decref(list);
    }
}

static void what_is_no_address_is_nowhere(void **state)
{
    (void)state;
    json_t *list = json_pack("[s, i, n, s]", "0.0.0.0/0", 1, "::/0");
    assert_false(shoal_cidr_lists(list, NULL));
    assert_false(shoal_cidr_lists(list, ""));
    assert_false(shoal_cidr_lists(list, "nonsense"));
    assert_false(shoal_cidr_lists(list, "127.0.0.1:80"));
    assert_true(shoal_cidr_lists(list, "::1")); // what is no text in the list is passed over
    assert_false(shoal_cidr_lists(NULL, "127.0.0.1"));
    json_decref(list);
}

static void the_peer_of_a_unix_socket_is_allowed_by_name_alone(void **state)
{
    (void)state;
    json_t *list = json_pack("[s, s]", "0.0.0.0/0", "::/0");
    assert_false(shoal_cidr_lists(list, "unix"));
    json_array_clear(list);
    json_array_append_new(list, json_string("unix"));
    assert_true(shoal_cidr_lists(list, "unix"));
    assert_false(shoal_cidr_lists(list, "192.0.2.8"));
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(what_is_no_network_holds_nobody),
        cmocka_unit_test(what_is_no_address_is_nowhere),
        cmocka_unit_test(the_peer_of_a_unix_socket_is_allowed_by_name_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
