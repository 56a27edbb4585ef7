// pin_test.c - pins and signatures of plugins that did not come with the server.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "host/pin.h"

#include <sodium.h>

#include "host/test_kit.h"

static struct kit kit;

static int begin(void **state)
{
    (void)state;
    kit_folder(&kit);
    kit_write(&kit, "plugin.json", "{}");
    kit_write(&kit, "code.so", "code");
    return sodium_init() < 0;
}

static int end(void **state)
{
    (void)state;
    return shoal_tree_remove(kit.folder, NULL);
}

/// A file in a folder that may not be there yet.
static void put(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", kit.folder, name);
    *strrchr(path, '/') = 0;
    assert_int_equal(shoal_folder_make(path, 0700, NULL), 0);
    kit_write(&kit, name, "x");
}

static void drop(const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", kit.folder, name);
    assert_int_equal(unlink(path), 0);
}

static int check(json_t *options, struct shoal_err *err)
{
    *err = (struct shoal_err){0};
    int code = shoal_pin_check("pinned", kit.folder, options, err);
    json_decref(options);
    return code;
}

static void a_pin_is_of_every_file(void **state)
{
    (void)state;
    static const char *const counted[] = {"more.lua", "migrations/001_a.sql", "locales/en.json",
        "pages/theme.json", "pages/scripts/a.mjs", "pages/templates/a.mustache", "fonts/a"};
    char digest[65];
    struct shoal_err err = {0};
    assert_int_equal(shoal_pin_digest(kit.folder, digest, &err), 0);
    assert_int_equal(strspn(digest, "0123456789abcdef"), 64);
    assert_int_equal(check(json_pack("{s:s}", "sha256", digest), &err), 0);
    for (size_t i = 0; i < sizeof(counted) / sizeof(counted[0]); i++) {
        put(counted[i]);
        if (check(json_pack("{s:s}", "sha256", digest), &err) != SHOAL_EFORBIDDEN) {
            fail_msg("%s is not covered by the pin", counted[i]);
        }
        drop(counted[i]);
        assert_int_equal(check(json_pack("{s:s}", "sha256", digest), &err), 0);
    }
    kit_write(&kit, "code.so", "c0de");
    assert_int_equal(check(json_pack("{s:s}", "sha256", digest), &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, "was changed"));
    assert_non_null(strstr(err.text, digest));
    kit_write(&kit, "code.so", "code");
    put(".git/HEAD"); // neither counted nor read
    put("fonts/.hidden");
    assert_int_equal(check(json_pack("{s:s}", "sha256", digest), &err), 0);
}

static void a_file_under_another_name_is_another_plugin(void **state)
{
    (void)state;
    char before[65];
    char after[65];
    put("a");
    assert_int_equal(shoal_pin_digest(kit.folder, before, NULL), 0);
    drop("a");
    put("b");
    assert_int_equal(shoal_pin_digest(kit.folder, after, NULL), 0);
    assert_string_not_equal(before, after);
}

static void letters_of_a_pin_may_be_large(void **state)
{
    (void)state;
    char digest[65];
    struct shoal_err err = {0};
    assert_int_equal(shoal_pin_digest(kit.folder, digest, &err), 0);
    for (char *c = digest; *c; c++) {
        *c = (char)(*c >= 'a' ? *c - 32 : *c);
    }
    assert_int_equal(check(json_pack("{s:s}", "sha256", digest), &err), 0);
    digest[63] = 0; // a part of it is none
    assert_int_equal(check(json_pack("{s:s}", "sha256", digest), &err), SHOAL_EFORBIDDEN);
    assert_int_equal(check(json_pack("{s:s}", "sha256", ""), &err), SHOAL_EFORBIDDEN);
}

static void without_a_pin_the_line_to_write_is_named(void **state)
{
    (void)state;
    char digest[65];
    char line[160];
    struct shoal_err err = {0};
    assert_int_equal(shoal_pin_digest(kit.folder, digest, &err), 0);
    snprintf(line, sizeof(line), "{ \"pinned\", sha256 = \"%s\" }", digest);
    assert_int_equal(check(NULL, &err), SHOAL_EFORBIDDEN);
    assert_non_null(strstr(err.text, line));
    assert_int_equal(check(json_pack("{s:s}", "signature", "x"), &err), SHOAL_EFORBIDDEN);
    assert_int_equal(check(json_pack("{s:i}", "sha256", 1), &err), SHOAL_EFORBIDDEN);
}

static void a_signature_is_of_the_digest_by_the_key(void **state)
{
    (void)state;
    unsigned char key[crypto_sign_PUBLICKEYBYTES];
    unsigned char secret[crypto_sign_SECRETKEYBYTES];
    unsigned char signature[crypto_sign_BYTES];
    char key_hex[sizeof(key) * 2 + 1];
    char signature_hex[sizeof(signature) * 2 + 1];
    char signature_base64[128];
    char digest[65];
    struct shoal_err err = {0};
    crypto_sign_keypair(key, secret);
    assert_int_equal(shoal_pin_digest(kit.folder, digest, &err), 0);
    crypto_sign_detached(signature, NULL, (const unsigned char *)digest, 64, secret);
    sodium_bin2hex(key_hex, sizeof(key_hex), key, sizeof(key));
    sodium_bin2hex(signature_hex, sizeof(signature_hex), signature, sizeof(signature));
    sodium_bin2base64(signature_base64, sizeof(signature_base64), signature, sizeof(signature),
        sodium_base64_VARIANT_ORIGINAL);
#define SIGNED(signature, key)                                                                     \
    check(json_pack("{s:s, s:s}", "signature", signature, "key", key), &err)
    assert_int_equal(SIGNED(signature_hex, key_hex), 0);
    assert_int_equal(SIGNED(signature_base64, key_hex), 0);
    assert_int_equal(SIGNED(signature_hex, "00ff"), SHOAL_EINVAL);
    assert_int_equal(SIGNED("no signature", key_hex), SHOAL_EINVAL);
    assert_int_equal(SIGNED(key_hex, key_hex), SHOAL_EINVAL); // too short for one
    kit_write(&kit, "code.so", "c0de");
    assert_int_equal(SIGNED(signature_hex, key_hex), SHOAL_EFORBIDDEN);
    kit_write(&kit, "code.so", "code");
    key_hex[0] = key_hex[0] == '0' ? '1' : '0';
    assert_int_equal(SIGNED(signature_hex, key_hex), SHOAL_EFORBIDDEN);
}

static void what_cannot_be_pinned_whole_is_not_pinned(void **state)
{
    (void)state;
    char digest[65];
    struct shoal_err err = {0};
    put("a/b/c/d/e/f/g/h/deep"); // the last depth that counts
    assert_int_equal(shoal_pin_digest(kit.folder, digest, &err), 0);
    put("a/b/c/d/e/f/g/h/i/deeper");
    assert_int_equal(shoal_pin_digest(kit.folder, digest, &err), SHOAL_ETOOLARGE);
    assert_true(shoal_pin_digest("/nowhere/at/all", digest, &err) < 0);
    char empty[128];
    snprintf(empty, sizeof(empty), "%s/empty", kit.folder);
    assert_int_equal(shoal_folder_make(empty, 0700, NULL), 0);
    assert_int_equal(shoal_pin_digest(empty, digest, &err), SHOAL_ENOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
        CASE(a_pin_is_of_every_file),
        CASE(a_file_under_another_name_is_another_plugin),
        CASE(letters_of_a_pin_may_be_large),
        CASE(without_a_pin_the_line_to_write_is_named),
        CASE(a_signature_is_of_the_digest_by_the_key),
        CASE(what_cannot_be_pinned_whole_is_not_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
