// p2p_worth_show_test.c - shares, and days as bars that fit into their picture.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "p2p_worth.h"

static void rounds_shares_down(void **state)
{
    (void)state;
    assert_int_equal(p2p_worth_percent(0, 0), -1);
    assert_int_equal(p2p_worth_percent(0, 5), 0);
    assert_int_equal(p2p_worth_percent(5, 0), 100);
    assert_int_equal(p2p_worth_percent(999, 1), 99);
    assert_int_equal(p2p_worth_percent(INT64_MAX / 2 + 1, INT64_MAX / 2), 50);
}

static json_t *day(const char *name, int64_t peers, int64_t server)
{
    return json_pack("{s:s, s:I, s:I}", "day", name, "peerBytes", (json_int_t)peers, "serverBytes",
        (json_int_t)server);
}

static void draws_each_day(void **state)
{
    (void)state;
    json_t *days = json_pack("[o, o, o]", day("2026-01-01", 0, 0), day("2026-01-02", 2500, 1000),
        day("2026-01-03", 1, 0));
    json_t *chart = p2p_worth_chart(days);
    assert_int_equal(shoal_integer(chart, "width", 0), 30);
    assert_int_equal(shoal_integer(chart, "height", 0), 1000);
    assert_int_equal(shoal_integer(chart, "top", 0), 5000);
    assert_int_equal(shoal_integer(chart, "half", 0), 2500);
    assert_string_equal(shoal_text(chart, "first", ""), "2026-01-01");
    assert_string_equal(shoal_text(chart, "last", ""), "2026-01-03");
    assert_int_equal(shoal_integer(chart, "bars.0.server.height", -1), 0);
    assert_int_equal(shoal_integer(chart, "bars.0.peers.height", -1), 0);
    assert_int_equal(shoal_integer(chart, "bars.1.x", 0), 10);
    assert_int_equal(shoal_integer(chart, "bars.1.server.height", 0), 200);
    assert_int_equal(shoal_integer(chart, "bars.1.server.y", 0), 800);
    assert_int_equal(shoal_integer(chart, "bars.1.peers.height", 0), 500);
    assert_int_equal(shoal_integer(chart, "bars.1.peers.y", 0), 300);
    assert_int_equal(shoal_integer(chart, "bars.1.serverBytes", 0), 1000);
    assert_int_equal(shoal_integer(chart, "bars.2.peers.height", 0), 1); // something is never nothing
    json_decref(chart);
    json_decref(days);
}

static void scales_are_round(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes, top;
    } rows[] = {{0, 1000}, {1000, 1000}, {1001, 2000}, {2001, 5000}, {5001, 10000},
        {INT64_C(7300000000), INT64_C(10000000000)}, {INT64_C(1) << 59, INT64_C(1000000000000000000)}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *days = json_pack("[o]", day("2026-01-01", rows[i].bytes, 0));
        json_t *chart = p2p_worth_chart(days);
        assert_int_equal(shoal_integer(chart, "top", 0), rows[i].top);
        assert_in_range(shoal_integer(chart, "bars.0.peers.y", -1), 0, 1000);
        json_decref(chart);
        json_decref(days);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_shares_down),
        cmocka_unit_test(draws_each_day),
        cmocka_unit_test(scales_are_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
