// range_test.c - ranges at the edges of a file and of numbers, and lists of entity tags.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "net/range_priv.h"

static void reads_ranges_at_the_edges(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
        enum shoal_range found;
        uint64_t first, length;
    } rows[] = {
        {"bytes=0-", 1, SHOAL_RANGE_PART, 0, 1}, {"bytes=0-0", 1, SHOAL_RANGE_PART, 0, 1},
        {"bytes=1-", 1, SHOAL_RANGE_NONE, 0, 0}, {"bytes=1-1", 1, SHOAL_RANGE_NONE, 0, 0},
        {"bytes=0-9", 10, SHOAL_RANGE_PART, 0, 10}, {"bytes=0-10", 10, SHOAL_RANGE_PART, 0, 10},
        {"bytes=9-", 10, SHOAL_RANGE_PART, 9, 1}, {"bytes=-1", 10, SHOAL_RANGE_PART, 9, 1},
        {"bytes=-10", 10, SHOAL_RANGE_PART, 0, 10}, {"bytes=-11", 10, SHOAL_RANGE_PART, 0, 10},
        {"bytes=-1", 0, SHOAL_RANGE_NONE, 0, 0}, {"bytes=-", 10, SHOAL_RANGE_ALL, 0, 0},
        {"bytes=--1", 10, SHOAL_RANGE_ALL, 0, 0}, {"bytes=-1-", 10, SHOAL_RANGE_ALL, 0, 0},
        {"bytes=1", 10, SHOAL_RANGE_ALL, 0, 0}, {"bytes=1-2-3", 10, SHOAL_RANGE_ALL, 0, 0},
        {"bytes=1 -2", 10, SHOAL_RANGE_ALL, 0, 0}, {"bytes=+1-2", 10, SHOAL_RANGE_ALL, 0, 0},
        {"bytes=0x1-2", 10, SHOAL_RANGE_ALL, 0, 0}, {"BYTES=1-2", 10, SHOAL_RANGE_PART, 1, 2},
        {"bytes= 1-2 ", 10, SHOAL_RANGE_PART, 1, 2}, {"bytes =1-2", 10, SHOAL_RANGE_ALL, 0, 0},
        {"bytes=0-999999999999999999", 10, SHOAL_RANGE_PART, 0, 10}, // 18 digits
        {"bytes=0-9999999999999999999", 10, SHOAL_RANGE_ALL, 0, 0},  // 19
        {"bytes=-999999999999999999", 10, SHOAL_RANGE_PART, 0, 10},
        {"bytes=-9999999999999999999", 10, SHOAL_RANGE_ALL, 0, 0},
        {"bytes=4294967296-4294967297", 1ull << 40, SHOAL_RANGE_PART, 1ull << 32, 2},
        {"bytes=1-", UINT64_MAX, SHOAL_RANGE_PART, 1, INT64_MAX}, // as far as numbers go
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t first = 77, length = 77;
        assert_int_equal(shoal_range_parse(shoal_span(rows[i].text), rows[i].size, &first, &length),
            rows[i].found);
        if (rows[i].found == SHOAL_RANGE_PART) {
            assert_int_equal(first, rows[i].first);
            assert_int_equal(length, rows[i].length);
        }
    }
}

static void a_range_of_nothing_is_no_range(void **state)
{
    (void)state;
    uint64_t first, length;
    assert_int_equal(
        shoal_range_parse((struct shoal_span){0}, 10, &first, &length), SHOAL_RANGE_ALL);
    assert_int_equal(shoal_range_parse((struct shoal_span){"bytes=1-2", 7}, 10, &first, &length),
        SHOAL_RANGE_ALL); // "bytes=1" and no more
}

static void finds_tags_in_lists(void **state)
{
    (void)state;
    static const struct {
        const char *list, *tag;
        bool strong, weak; // whether it is found
    } rows[] = {
        {"\"a\"", "\"a\"", true, true},
        {"W/\"a\"", "\"a\"", false, true},
        {"\"b\", W/\"a\" ,\"c\"", "\"a\"", false, true},
        {"\"b\",\"a\"", "\"a\"", true, true},
        {"*", "\"a\"", true, true},
        {"W/*", "\"a\"", true, true},
        {"\"A\"", "\"a\"", false, false},
        {"a", "\"a\"", false, false},
        {"\"a", "\"a\"", false, false},
        {"w/\"a\"", "\"a\"", false, false},
        {"W/", "\"a\"", false, false},
        {",,, \"a\"", "\"a\"", true, true},
        {"\"x, \\\"a\\\", y\"", "\"a\"", false, false},
        {"", "\"a\"", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct shoal_span list = shoal_span(rows[i].list);
        assert_int_equal(shoal_etag_listed(list, rows[i].tag, false), rows[i].strong);
        assert_int_equal(shoal_etag_listed(list, rows[i].tag, true), rows[i].weak);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_ranges_at_the_edges),
        cmocka_unit_test(a_range_of_nothing_is_no_range),
        cmocka_unit_test(finds_tags_in_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
