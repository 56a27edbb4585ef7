// buf_test.c - a byte buffer that grows.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <shoal/buf.h>
#include <shoal/error.h>

static void grows_and_stays_terminated(void **state)
{
    (void)state;
    struct shoal_buf buf = {0};
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(shoal_buf_printf(&buf, "%04d", i), 0);
    }
    assert_int_equal(buf.length, 4000);
    assert_int_equal(strlen(buf.data), 4000);
    assert_memory_equal(buf.data + 3996, "0999", 5);
    shoal_buf_fini(&buf);
    assert_null(buf.data);
}

static void refuses_what_passes_its_limit_and_stays_as_it_was(void **state)
{
    (void)state;
    struct shoal_buf buf = {.limit = 5};
    assert_int_equal(shoal_buf_puts(&buf, "abc"), 0);
    assert_int_equal(shoal_buf_puts(&buf, "def"), SHOAL_ETOOLARGE);
    assert_int_equal(shoal_buf_printf(&buf, "%s", "def"), SHOAL_ETOOLARGE);
    assert_int_equal(shoal_buf_reserve(&buf, SIZE_MAX), SHOAL_ETOOLARGE);
    assert_string_equal(buf.data, "abc");
    assert_int_equal(shoal_buf_puts(&buf, "de"), 0);
    assert_string_equal(buf.data, "abcde");
    shoal_buf_fini(&buf);
}

static void hands_its_bytes_over(void **state)
{
    (void)state;
    struct shoal_buf buf = {0};
    size_t length = 7;
    char *nothing = shoal_buf_take(&buf, &length);
    assert_string_equal(nothing, "");
    assert_int_equal(length, 0);
    free(nothing);
    shoal_buf_add(&buf, "a\0b", 3);
    char *taken = shoal_buf_take(&buf, &length);
    assert_int_equal(length, 3);
    assert_memory_equal(taken, "a\0b", 4);
    assert_int_equal(buf.length, 0);
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(grows_and_stays_terminated),
        cmocka_unit_test(refuses_what_passes_its_limit_and_stays_as_it_was),
        cmocka_unit_test(hands_its_bytes_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
