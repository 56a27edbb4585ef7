// random_test.c - the table of chance, hex, and numbers that are each as likely.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include <shoal/base.h>

#include "base/random.h"

/// Gives the bytes of a script, over and over, and counts what it gave.
struct script {
    const unsigned char *bytes;
    size_t length, given;
};

static void fill(void *self, void *out, size_t bytes)
{
    struct script *script = self;
    for (size_t i = 0; i < bytes; i++) {
        ((unsigned char *)out)[i] = script->bytes[script->given++ % script->length];
    }
}

static int restore(void **state)
{
    (void)state;
    shoal_random_set(NULL);
    return 0;
}

static void asks_the_table_that_is_set(void **state)
{
    (void)state;
    struct script script = {.bytes = (const unsigned char *)"\x01\x02\xff", .length = 3};
    const struct shoal_random_source source = {.fill = fill, .self = &script};
    shoal_random_set(&source);
    unsigned char out[4];
    shoal_random(out, sizeof out);
    assert_memory_equal(out, "\x01\x02\xff\x01", 4);
}

static void writes_hex_of_any_length(void **state)
{
    (void)state;
    static const unsigned char bytes[] = {0x00, 0x0f, 0xa0, 0xff, 0x9c};
    static const struct {
        size_t bytes;
        const char *tail; // last digits
    } rows[] = {{1, "00"}, {5, "000fa0ff9c"}, {32, "000f"}, {33, "000fa0"}, {70, "000fa0ff9c"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct script script = {.bytes = bytes, .length = sizeof bytes};
        const struct shoal_random_source source = {.fill = fill, .self = &script};
        shoal_random_set(&source);
        char out[160];
        memset(out, 'x', sizeof out);
        shoal_random_hex(out, rows[i].bytes);
        assert_int_equal(strlen(out), 2 * rows[i].bytes);
        assert_int_equal(out[2 * rows[i].bytes + 1], 'x'); // nothing behind the end
        assert_int_equal(script.given, rows[i].bytes);
        assert_string_equal(out + strlen(out) - strlen(rows[i].tail), rows[i].tail);
    }
    char none[2] = "x";
    shoal_random_hex(none, 0);
    assert_string_equal(none, "");
}

static void numbers_stay_below_their_bound(void **state)
{
    (void)state;
    assert_int_equal(shoal_random_below(0), 0);
    assert_int_equal(shoal_random_below(1), 0);
    unsigned seen = 0;
    for (int i = 0; i < 2000; i++) {
        uint64_t value = shoal_random_below(7);
        assert_true(value < 7);
        seen |= 1u << value;
    }
    assert_int_equal(seen, 0x7f); // each of them came
}

static void draws_again_rather_than_favour_small_numbers(void **state)
{
    (void)state;
    // 2^64 is no multiple of 10: the six values 0 to 5 would make 0 to 5 a little likelier.
    unsigned char bytes[16];
    uint64_t first = 5, second = 28;
    memcpy(bytes, &first, 8);
    memcpy(bytes + 8, &second, 8);
    struct script script = {.bytes = bytes, .length = sizeof bytes};
    const struct shoal_random_source source = {.fill = fill, .self = &script};
    shoal_random_set(&source);
    assert_int_equal(shoal_random_below(10), 8);
    assert_int_equal(script.given, 16);
    first = 6; // the first that is taken
    memcpy(bytes, &first, 8);
    script.given = 0;
    assert_int_equal(shoal_random_below(10), 6);
    assert_int_equal(script.given, 8);
}

static void the_system_gives_other_bytes_each_time(void **state)
{
    (void)state;
    char one[65], other[65];
    shoal_random_hex(one, 32);
    shoal_random_hex(other, 32);
    assert_string_not_equal(one, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(asks_the_table_that_is_set, restore),
        cmocka_unit_test_teardown(writes_hex_of_any_length, restore),
        cmocka_unit_test_teardown(numbers_stay_below_their_bound, restore),
        cmocka_unit_test_teardown(draws_again_rather_than_favour_small_numbers, restore),
        cmocka_unit_test_teardown(the_system_gives_other_bytes_each_time, restore),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
