// signatures_public_test.c - public keys of others: what is one, in each of its forms, and what is none.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "signatures.h"

#define PEM(text) "-----BEGIN PUBLIC KEY-----\n" text "\n-----END PUBLIC KEY-----\n"

static const unsigned char public[32] = {0x2e, 0x6f, 0xcc, 0xe3, 0x67, 0x01, 0xdc, 0x79, 0x14, 0x88, 0xe0, 0xd0,
    0xb1, 0x74, 0x5c, 0xc1, 0xe3, 0x3a, 0x4c, 0x1c, 0x9f, 0xcc, 0x41, 0xc6, 0x3b, 0xd3, 0x43, 0xdb, 0xbe, 0x09,
    0x70, 0xe6};
static const char multikey[] = "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
static const char pem[] = PEM("MCowBQYDK2VwAyEALm/M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274JcOY=");

static struct shoal_arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = shoal_arena_new(0);
    return sodium_init() < 0;
}

static int teardown(void **state)
{
    (void)state;
    sig_public_keys_forget();
    shoal_arena_free(arena);
    return 0;
}

static void is_none(const char *text)
{
    if (sig_read_key(arena, text) != NULL) {
        fail_msg("\"%s\" was read", text);
    }
}

static void a_key_is_the_same_in_either_form(void **state)
{
    (void)state;
    assert_string_equal(sig_multibase(arena, public), multikey);
    assert_string_equal(sig_read_key(arena, multikey), pem);
    assert_string_equal(sig_read_key(arena, pem), pem);
    // As others write it.
    assert_string_equal(sig_read_key(arena, "-----BEGIN PUBLIC KEY-----\r\nMCowBQYDK2VwAyEALm/M42cB3HkUiODQ\r\n"
                                            "sXRcweM6TByfzEHGO9ND274JcOY=\r\n-----END PUBLIC KEY-----"),
        pem);
}

static void what_is_no_public_key_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {NULL, "", "x", PEM(""), PEM("AAAA"), " " PEM("AAAA"),
        "-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEALm/M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274JcOY=\n",
        // more, and less, than the key
        PEM("MCowBQYDK2VwAyEALm/M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274JcOYA"),
        PEM("MCowBQYDK2VwAyEALm/M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274J"),
        // P-256, which nobody in this network signs with
        PEM("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\n"
            "q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg=="),
        // of small order: it fits what nobody signed
        PEM("MCowBQYDK2VwAyEAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        // one that says to be encrypted, whose passphrase the terminal would be asked for
        PEM("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\n"
            "MCowBQYDK2VwAyEALm/M42cB3HkUiODQsXRcweM6TByfzEHGO9ND274JcOY=")};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        is_none(none[i]);
    }
}

static void what_is_no_multikey_is_none(void **state)
{
    (void)state;
    static const char *const none[] = {"z", "6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        "u7QEub8zjZwHceRSI4NCxdFzB4zpMHJ_MQcY700Pbvglw5g", // another alphabet
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do", "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doKK",
        "z16MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK", "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2d0K",
        "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK ",
        "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc", // X25519
        "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        is_none(none[i]);
    }
    char *large = shoal_arena_alloc(arena, 1 << 20);
    memset(large, 'z', (1 << 20) - 1);
    large[(1 << 20) - 1] = '\0';
    is_none(large);
    is_none(sig_multibase(arena, (const unsigned char[32]){1}));
}

static EVP_PKEY *rsa_with(const BIGNUM *modulus, const BIGNUM *exponent)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
    assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    return key;
}

static void an_rsa_key_has_a_size_and_an_exponent_that_are_cheap_to_check(void **state)
{
    (void)state;
    EVP_PKEY *fine = EVP_RSA_gen(1024), *small = EVP_RSA_gen(768);
    BIGNUM *modulus = NULL, *exponent = BN_new();
    assert_non_null(sig_read_key(arena, sig_pem(arena, fine)));
    assert_null(sig_read_key(arena, sig_pem(arena, small)));
    assert_int_equal(EVP_PKEY_get_bn_param(fine, OSSL_PKEY_PARAM_RSA_N, &modulus), 1);
    static const struct {
        const char *exponent; // hexadecimal
        bool is_fine;
    } rows[] = {{"3", true}, {"010001", true}, {"FFFFFFFF", true}, {"1", false}, {"10000", false},
        {"0100000001", false}, {"C0000000000000000000000000000000000000000000000000000000000000000000000001", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_not_equal(BN_hex2bn(&exponent, rows[i].exponent), 0);
        EVP_PKEY *key = rsa_with(modulus, exponent);
        const char *read = sig_read_key(arena, sig_pem(arena, key));
        if ((read != NULL) != rows[i].is_fine) {
            fail_msg("an exponent of %s", rows[i].exponent);
        }
        EVP_PKEY_free(key);
    }
    BN_free(modulus);
    BN_free(exponent);
    EVP_PKEY_free(fine);
    EVP_PKEY_free(small);
}

static void one_of_several_keys_fits(void **state)
{
    (void)state;
    unsigned char publics[5][32], private[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
    char base64[128];
    const char *keys = "";
    for (size_t i = 0; i < 5; i++) {
        crypto_sign_keypair(publics[i], private);
        keys = shoal_arena_printf(arena, "%s%s", keys, sig_read_key(arena, sig_multibase(arena, publics[i])));
    }
    crypto_sign_detached(signature, NULL, (const unsigned char *)"text", 4, private);
    sodium_bin2base64(base64, sizeof base64, signature, sizeof signature, sodium_base64_VARIANT_ORIGINAL);
    const struct shoal_claim claim = {.size = sizeof claim, .signature = base64, .text = "text"};
    const struct shoal_claim other = {.size = sizeof claim, .signature = base64, .text = "x", .other = "text"};
    const struct shoal_claim wrong = {.size = sizeof claim, .signature = base64, .text = "x", .other = "y"};
    size_t each = strlen(keys) / 5;
    assert_false(sig_claim_fits(&claim, keys)); // the fifth is not looked at
    for (size_t first = 1; first < 5; first++) {
        assert_true(sig_claim_fits(&claim, keys + first * each));
        assert_true(sig_claim_fits(&other, keys + first * each));
        assert_false(sig_claim_fits(&wrong, keys + first * each));
    }
    assert_false(sig_claim_fits(&claim, shoal_arena_strndup(arena, keys, 4 * each)));
    assert_false(sig_claim_fits(&claim, shoal_arena_printf(arena, "nothing\n%s", keys + 4 * each)));
    assert_false(sig_claim_fits(&claim, ""));
    assert_false(sig_claim_fits(&claim, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_the_same_in_either_form),
        cmocka_unit_test(what_is_no_public_key_is_none),
        cmocka_unit_test(what_is_no_multikey_is_none),
        cmocka_unit_test(an_rsa_key_has_a_size_and_an_exponent_that_are_cheap_to_check),
        cmocka_unit_test(one_of_several_keys_fits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
