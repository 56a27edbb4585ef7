// sha256.c - SHA-256 of bytes that come in pieces.
//
// OpenSSL's, which uses the processor's instructions for it; libsodium's is several times slower.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/base.h>

#include <openssl/evp.h>
#include <sodium.h>
#include <stdlib.h>

#define BYTES 32

struct shoal_sha256 {
    EVP_MD_CTX *state;
    bool has_begun;
};

struct shoal_sha256 *shoal_sha256_new(void)
{
    struct shoal_sha256 *sum = calloc(1, sizeof *sum);
    EVP_MD_CTX *state = sum ? EVP_MD_CTX_new() : NULL;
    if (!state || EVP_DigestInit_ex(state, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(state);
        free(sum);
        return NULL;
    }
    sum->state = state;
    sum->has_begun = true;
    return sum;
}

// An initialised context does not fail when it is begun anew: it has all that it needs.
static void begin(struct shoal_sha256 *sum)
{
    if (!sum->has_begun && EVP_DigestInit_ex(sum->state, NULL, NULL) != 1) {
        abort();
    }
    sum->has_begun = true;
}

void shoal_sha256_add(struct shoal_sha256 *sum, const void *data, size_t length)
{
    begin(sum);
    EVP_DigestUpdate(sum->state, data, length);
}

void shoal_sha256_end(struct shoal_sha256 *sum, char out[65])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    begin(sum);
    EVP_DigestFinal_ex(sum->state, bytes, NULL);
    sodium_bin2hex(out, 2 * BYTES + 1, bytes, BYTES);
    sum->has_begun = false;
}

void shoal_sha256_free(struct shoal_sha256 *sum)
{
    if (sum) {
        EVP_MD_CTX_free(sum->state);
        free(sum);
    }
}
