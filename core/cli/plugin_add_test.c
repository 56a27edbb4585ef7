// plugin_add_test.c - a package is what its pin or signature means, or it is not unpacked.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include <sodium.h>

#include "base/file.h"
#include "cli/output_test.h"
#include "cli/plugins.h"

#define PIN "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of "abc"

static char folder[] = "/tmp/shoal_add_XXXXXX";
static char package[64];
static struct output output;

static void pins_are_64_hexadecimal_digits(void **unused)
{
    (void)unused;
    static const struct {
        const char *pin;
        int code;
    } rows[] = {
        {PIN, 0},
        {"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", 0},
        {"", SHOAL_EINVAL},
        {PIN "00", SHOAL_EINVAL},
        {"xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", SHOAL_EINVAL},
        {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a ", SHOAL_EINVAL},
        {"00"
         "7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            SHOAL_EMISMATCH},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(shoal_package_pin_check("abc", 3, rows[i].pin, NULL), rows[i].code);
    }
    struct shoal_err err = {0};
    shoal_package_pin_check("abd", 3, PIN, &err);
    assert_null(strstr(err.text, PIN)); // it tells what the package is, not what it should be
}

static void a_signature_may_be_bytes_hex_or_base64(void **unused)
{
    (void)unused;
    unsigned char key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    unsigned char by[crypto_sign_BYTES];
    char hex[2 * sizeof by + 2], text[128], key_hex[2 * sizeof key + 1], key_text[64];
    crypto_sign_keypair(key, secret);
    crypto_sign_detached(by, NULL, (const unsigned char *)"abc", 3, secret);
    sodium_bin2hex(hex, sizeof hex, by, sizeof by);
    sodium_bin2base64(text, sizeof text, by, sizeof by, sodium_base64_VARIANT_ORIGINAL);
    sodium_bin2hex(key_hex, sizeof key_hex, key, sizeof key);
    sodium_bin2base64(key_text, sizeof key_text, key, sizeof key, sodium_base64_VARIANT_ORIGINAL);
    memcpy(hex + 2 * sizeof by, "\n", 2); // as an editor leaves it
    const struct {
        const void *data;
        size_t length;
    } good[] = {{by, sizeof by}, {hex, strlen(hex)}, {text, strlen(text)}};
    const char *const keys[] = {key_hex, key_text};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(shoal_package_signature_check(
                                 "abc", 3, keys[j], good[i].data, good[i].length, NULL),
                0);
            assert_int_equal(shoal_package_signature_check(
                                 "abd", 3, keys[j], good[i].data, good[i].length, NULL),
                SHOAL_EMISMATCH);
        }
        assert_int_equal(shoal_package_signature_check(
                             "abc", 3, key_hex, good[i].data, good[i].length - 2, NULL),
            SHOAL_EINVAL);
    }
    assert_int_equal(shoal_package_signature_check("abc", 3, key_hex, "", 0, NULL), SHOAL_EINVAL);
    assert_int_equal(
        shoal_package_signature_check("abc", 3, "", by, sizeof by, NULL), SHOAL_EINVAL);
    // 32 characters are no key, though they are as many bytes as one.
    assert_int_equal(shoal_package_signature_check(
                         "abc", 3, "0123456789abcdef0123456789abcdef", by, sizeof by, NULL),
        SHOAL_EINVAL);
}

static void one_of_both_has_to_be_given(void **unused)
{
    (void)unused;
    char *const at = folder;
    char *const from = package;
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "add", at, from), SHOAL_EXIT_USAGE);
    assert_int_equal(
        OUTPUT_RUN(&output, "plugin", "add", at, from, "--key", "00"), SHOAL_EXIT_USAGE);
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "add", at, from, "--sha256", PIN, "--key", "00",
                         "--signature", from),
        SHOAL_EXIT_USAGE);
}

static void what_does_not_fit_is_not_unpacked(void **unused)
{
    (void)unused;
    char *const at = folder;
    char *const from = package;
    char plugins[128];
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "add", at, from, "--sha256",
                         "007816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "SHA-256 is " PIN));
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "add", at, "/nowhere/at/all", "--sha256", PIN),
        SHOAL_EXIT_FAILED);
    assert_int_equal(OUTPUT_RUN(&output, "plugin", "add", at, from, "--key", "00", "--signature",
                         "/nowhere/at/all"),
        SHOAL_EXIT_FAILED);
    // The pin fits, and the folder is no instance.
    assert_int_equal(
        OUTPUT_RUN(&output, "plugin", "add", at, from, "--sha256", PIN), SHOAL_EXIT_FAILED);
    assert_non_null(strstr(output.err, "shoal init"));
    snprintf(plugins, sizeof plugins, "%s/plugins", folder);
    assert_int_not_equal(access(plugins, F_OK), 0);
}

static int setup(void **unused)
{
    (void)unused;
    assert_non_null(mkdtemp(folder));
    assert_true(sodium_init() >= 0);
    snprintf(package, sizeof package, "%s/package.tar.gz", folder);
    return shoal_file_write_whole(package, "abc", 3, 0600, NULL);
}

static int teardown(void **unused)
{
    (void)unused;
    return shoal_tree_remove(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pins_are_64_hexadecimal_digits),
        cmocka_unit_test(a_signature_may_be_bytes_hex_or_base64),
        cmocka_unit_test(one_of_both_has_to_be_given),
        cmocka_unit_test(what_does_not_fit_is_not_unpacked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
