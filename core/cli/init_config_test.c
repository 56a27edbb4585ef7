// init_config_test.c - the first shoal.lua can be read back; templates are filled; packages are pinned.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/file.h"
#include "cli/plugins.h"
#include "cli/serve.h"

static void the_first_configuration_is_valid(void **unused)
{
    (void)unused;
    char folder[PATH_MAX], path[PATH_MAX + 16];
    snprintf(folder, sizeof folder, "%s/tests/init-XXXXXX", SHOAL_BUILD_DIR);
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/shoal.lua", folder);
    static const char *const plugins[] = {"storage_fs", "web", NULL};
    char *text = shoal_init_config("[::1]:9000", "https://videos.example.org", plugins);
    assert_int_equal(shoal_file_write_whole(path, text, strlen(text), 0640, NULL), 0);
    free(text);
    struct shoal_err err = {0};
    struct shoal_config *config = shoal_config_read(folder, NULL, 0, &err);
    assert_string_equal(err.text, "");
    assert_non_null(config);
    assert_string_equal(config->url, "https://videos.example.org");
    assert_int_equal(config->listen_count, 1);
    assert_string_equal(config->listens[0].host, "::1");
    assert_int_equal(config->listens[0].port, 9000);
    assert_int_equal(config->plugin_count, 2);
    assert_string_equal(config->plugins[1].name, "web");
    shoal_config_free(config);
    assert_int_equal(shoal_tree_remove(folder, NULL), 0);
}

static void addresses_are_checked_before_they_are_written(void **unused)
{
    (void)unused;
    assert_true(shoal_init_listen_valid("127.0.0.1:9000"));
    assert_true(shoal_init_listen_valid("[::]:443 tls"));
    assert_true(shoal_init_listen_valid("9000"));
    assert_true(shoal_init_listen_valid("unix:run/x.sock"));
    assert_false(shoal_init_listen_valid("127.0.0.1:90000"));
    assert_false(shoal_init_listen_valid("127.0.0.1:"));
    assert_false(shoal_init_listen_valid("example"));
    assert_false(shoal_init_listen_valid("unix:"));
}

static void templates_are_filled_with_the_name(void **unused)
{
    (void)unused;
    size_t length = 0;
    char *text = shoal_template_fill("-- @NAME@\n@NAME@x@NAM", 21, "fish", &length);
    assert_string_equal(text, "-- fish\nfishx@NAM");
    assert_int_equal(length, strlen(text));
    free(text);
}

static void a_pin_means_exactly_these_bytes(void **unused)
{
    (void)unused;
    struct shoal_err err = {0};
    const char *pin = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_int_equal(shoal_package_pin_check("abc", 3, pin, &err), 0);
    assert_int_equal(shoal_package_pin_check("abd", 3, pin, &err), SHOAL_EMISMATCH);
    assert_int_equal(shoal_package_pin_check("abc", 3, "ba78", &err), SHOAL_EINVAL);
}

static void a_signature_must_fit_package_and_key(void **unused)
{
    (void)unused;
    unsigned char public_key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
    unsigned char signature[crypto_sign_BYTES];
    char key[65], text[129];
    struct shoal_err err = {0};
    assert_true(sodium_init() >= 0);
    crypto_sign_keypair(public_key, secret);
    crypto_sign_detached(signature, NULL, (const unsigned char *)"abc", 3, secret);
    sodium_bin2hex(key, sizeof key, public_key, sizeof public_key);
    sodium_bin2hex(text, sizeof text, signature, sizeof signature);
    assert_int_equal(
        shoal_package_signature_check("abc", 3, key, signature, sizeof signature, &err), 0);
    assert_int_equal(shoal_package_signature_check("abc", 3, key, text, strlen(text), &err), 0);
    assert_int_equal(
        shoal_package_signature_check("abd", 3, key, text, strlen(text), &err), SHOAL_EMISMATCH);
    key[0] = key[0] == '0' ? '1' : '0';
    assert_int_not_equal(
        shoal_package_signature_check("abc", 3, key, text, strlen(text), &err), 0);
    assert_int_equal(shoal_package_signature_check("abc", 3, "short", text, 128, &err),
        SHOAL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_configuration_is_valid),
        cmocka_unit_test(addresses_are_checked_before_they_are_written),
        cmocka_unit_test(templates_are_filled_with_the_name),
        cmocka_unit_test(a_pin_means_exactly_these_bytes),
        cmocka_unit_test(a_signature_must_fit_package_and_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
