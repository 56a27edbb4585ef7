// version_range_test.c - which versions lie in which range, and what is no range.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/manifest.h"
#include "host/test_kit.h"

static void versions_lie_in_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *version, *range;
        bool is_in;
    } rows[] = {
        {"1.4.2", "^1.0", true},
        {"2.0.0", "^1.0", false},
        {"1.0.0", "^1.1", false},
        {"1.1.0", "^1.1", true},
        {"0.3.9", "^0.3.1", true}, // before 1.0 the second number breaks things
        {"0.4.0", "^0.3.1", false},
        {"0.9.0", "^0", true},
        {"1.0.0", "^0", false},
        {"1.4.9", "~1.4.2", true},
        {"1.4.1", "~1.4.2", false},
        {"1.5.0", "~1.4", false},
        {"1.9.0", "~1", true},
        {"1.4.2", ">=1.0 <2", true},
        {"2.0.0", ">=1.0 <2", false},
        {"0.9.9", "  >=1.0   <2 ", false},
        {"1.0.0", ">1.0.0", false},
        {"1.0.1", ">1.0.0", true},
        {"1.0.0", "<=1.0.0", true},
        {"1.0.1", "<=1.0.0", false},
        {"1.0", "<1.0.1", true},
        {"1.4.2", "1", true},
        {"1.4.2", "1.4", true},
        {"1.4.2", "=1.4.2", true},
        {"1.4.2", "1.4.3", false},
        {"1.10.0", ">=1.9.0", true}, // numbers, not letters
        {"1.4.2", "1.x", true},
        {"2.4.2", "1.*", false},
        {"1.4.2", "*", true},
        {"1.4.2", "x", true},
        {"soon", "*", false},
        {"", "*", false},
        {"1.4.2", "soon", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (shoal_version_in_range(rows[i].version, rows[i].range) != rows[i].is_in) {
            fail_msg("%s in %s", rows[i].version, rows[i].range);
        }
    }
}

static void what_is_no_range_is_known(void **state)
{
    (void)state;
    static const char *const good[] = {"1", "1.2.3", "^1.0", "~1", ">=1.0 <2", "=1", "*", "1.x"};
    static const char *const bad[] = {"", " ", "soon", "1.", ".1", "1..2", "1.2.3.4", "v1", "^",
        ">= 1.0", "=>1", "<<1", "^^1", "==1", ">=1.0<2", "1.2-beta", "1 || 2", "1,2", "-1", "1.x.2",
        "xy"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!shoal_version_range_valid(good[i])) {
            fail_msg("%s is a range", good[i]);
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (shoal_version_range_valid(bad[i])) {
            fail_msg("\"%s\" is no range", bad[i]);
        }
    }
}

static void numbers_without_end_do_no_harm(void **state)
{
    (void)state;
    assert_true(shoal_version_in_range("99999999999999999999999.0.0", ">1.0"));
    assert_false(shoal_version_in_range("1.0.0", ">99999999999999999999999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_lie_in_ranges),
        cmocka_unit_test(what_is_no_range_is_known),
        cmocka_unit_test(numbers_without_end_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
