// sha256_test.c - sums against those of FIPS 180-4's examples.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <shoal/base.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void sums_pieces_as_the_whole(void **state)
{
    (void)state;
    char out[65];
    struct shoal_sha256 *sum = shoal_sha256_new();
    shoal_sha256_add(sum, "abc", 3);
    shoal_sha256_end(sum, out);
    assert_string_equal(out, ABC);
    shoal_sha256_add(sum, "a", 1);
    shoal_sha256_add(sum, "", 0);
    shoal_sha256_add(sum, "bc", 2);
    shoal_sha256_end(sum, out);
    assert_string_equal(out, ABC);
    shoal_sha256_free(sum);
}

static void sums_nothing(void **state)
{
    (void)state;
    char out[65];
    struct shoal_sha256 *sum = shoal_sha256_new();
    shoal_sha256_end(sum, out);
    assert_string_equal(out, EMPTY);
    shoal_sha256_end(sum, out);
    assert_string_equal(out, EMPTY);
    shoal_sha256_free(sum);
    shoal_sha256_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_pieces_as_the_whole),
        cmocka_unit_test(sums_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
