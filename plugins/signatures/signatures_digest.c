// signatures_digest.c - base64, digests, and signatures over text.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <string.h>

#include "signatures.h"

#define SIGNATURE_MAX 1024 // bytes of RSA with 8192 bits

const char *sig_base64(struct shoal_call *call, const void *data, size_t bytes)
{
    size_t room = sodium_base64_encoded_len(bytes, sodium_base64_VARIANT_ORIGINAL);
    char *out = shoal_arena_alloc(shoal_call_arena(call), room);
    return sodium_bin2base64(out, room, data, bytes, sodium_base64_VARIANT_ORIGINAL);
}

const char *sig_digest(struct shoal_call *call, const void *data, size_t bytes)
{
    unsigned char sum[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(sum, data, bytes);
    return sig_base64(call, sum, sizeof sum);
}

const char *sig_rsa_sign(struct shoal_call *call, EVP_PKEY *key, const char *text, size_t bytes)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_signed = context != NULL &&
                     EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                     EVP_DigestSign(context, signature, &length, (const unsigned char *)text, bytes) == 1;
    EVP_MD_CTX_free(context);
    return is_signed ? sig_base64(call, signature, length) : NULL;
}

bool sig_signature_fits(EVP_PKEY *key, const char *text, size_t bytes, const char *base64)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t length = 0;
    if (base64 == NULL || sodium_base642bin(signature, sizeof signature, base64, strlen(base64), "",
                              &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0) {
        return false;
    }
    const EVP_MD *hash = EVP_PKEY_is_a(key, "RSA") ? EVP_sha256() : NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fits = context != NULL && EVP_DigestVerifyInit(context, NULL, hash, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, length, (const unsigned char *)text, bytes) == 1;
    EVP_MD_CTX_free(context);
    return fits;
}
