// signatures_public.c - public keys, as PEM and as Multikey: read strictly, written out, kept in memory.
//
// Whoever shows a key chose all of it. What would ask for a passphrase, is dear to check, or fits whatever was
// signed is no key.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "signatures.h"

#define PEM_MAX      5000
#define DER_MAX      2048
#define KEPT_MAX     1024 // public keys of others in memory
#define EXPONENT_MAX 32   // bits: one as long as the modulus makes a check a hundred times as dear
#define MULTIKEY_MAX 64   // letters of an Ed25519 key, and some

static const char head[] = "-----BEGIN PUBLIC KEY-----";
static const char foot[] = "-----END PUBLIC KEY-----";
static const char letters[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const unsigned char multicodec[2] = {0xed, 0x01};

static struct {
    pthread_mutex_t lock;
    struct kept {
        unsigned char sum[16];
        EVP_PKEY *key;
    } keys[KEPT_MAX];
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

const char *sig_multibase(struct shoal_arena *arena, const unsigned char public[32])
{
    unsigned char bytes[34];
    char digits[64];
    size_t count = 0;
    memcpy(bytes, multicodec, sizeof multicodec);
    memcpy(bytes + 2, public, 32);
    for (size_t i = 0; i < sizeof bytes; i++) {
        unsigned carry = bytes[i];
        for (size_t j = 0; j < count || carry > 0; j++) {
            carry += j < count ? (unsigned)digits[j] * 256 : 0;
            digits[j] = (char)(carry % 58);
            carry /= 58;
            count = j >= count ? j + 1 : count;
        }
    }
    char *out = shoal_arena_alloc(arena, count + 2);
    out[0] = 'z';
    for (size_t i = 0; i < count; i++) {
        out[1 + i] = letters[(unsigned char)digits[count - 1 - i]];
    }
    return out;
}

// The number that the letters write, to its last byte; false for one that has no room.
static bool base58_read(const char *text, unsigned char *out, size_t bytes)
{
    memset(out, 0, bytes);
    for (; *text != '\0'; text++) {
        const char *letter = strchr(letters, *text);
        unsigned carry = letter != NULL ? (unsigned)(letter - letters) : 0;
        for (size_t i = bytes; i > 0; i--) {
            carry += out[i - 1] * 58u;
            out[i - 1] = (unsigned char)carry;
            carry >>= 8;
        }
        if (letter == NULL || carry > 0) {
            return false;
        }
    }
    return true;
}

static bool is_sound(EVP_PKEY *key)
{
    unsigned char point[crypto_core_ed25519_BYTES];
    size_t bytes = sizeof point;
    BIGNUM *exponent = NULL;
    if (EVP_PKEY_is_a(key, "ED25519")) { // a point of small order fits what nobody signed
        return EVP_PKEY_get_raw_public_key(key, point, &bytes) == 1 && crypto_core_ed25519_is_valid_point(point);
    }
    int bits = EVP_PKEY_get_bits(key);
    bool is_rsa = EVP_PKEY_is_a(key, "RSA") && bits >= 1024 && bits <= 8192 &&
                  EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) == 1 && BN_is_odd(exponent) &&
                  BN_num_bits(exponent) > 1 && BN_num_bits(exponent) <= EXPONENT_MAX;
    BN_free(exponent);
    return is_rsa;
}

static EVP_PKEY *sound(EVP_PKEY *key)
{
    if (key == NULL || is_sound(key)) {
        return key;
    }
    EVP_PKEY_free(key);
    return NULL;
}

// Of other kinds not even the rest is looked at.
static bool is_known_kind(const unsigned char *der, size_t bytes)
{
    static const unsigned char rsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
    static const unsigned char ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    size_t front = bytes < 24 ? bytes : 24;
    return memmem(der, front, rsa, sizeof rsa) != NULL || memmem(der, front, ed25519, sizeof ed25519) != NULL;
}

const char *sig_pem_next(const char **pems, size_t *length)
{
    const char *from = *pems == NULL ? "" : *pems + strspn(*pems, "\r\n");
    const char *to = strncmp(from, head, sizeof head - 1) == 0 ? strstr(from, foot) : NULL;
    *length = to == NULL ? 0 : (size_t)(to - from) + sizeof foot - 1;
    *pems = from + *length;
    return to == NULL || *length > PEM_MAX ? NULL : from;
}

// Not by libcrypto's own reader: it asks the terminal for the passphrase of one that says to be encrypted.
EVP_PKEY *sig_public_key(const char *pem, size_t length)
{
    unsigned char der[DER_MAX];
    const unsigned char *at = der;
    size_t bytes = 0, around = sizeof head + sizeof foot - 2;
    if (pem == NULL || length <= around || length > PEM_MAX ||
        sodium_base642bin(der, sizeof der, pem + sizeof head - 1, length - around, " \t\r\n", &bytes, NULL,
            sodium_base64_VARIANT_ORIGINAL) != 0 ||
        !is_known_kind(der, bytes)) {
        return NULL;
    }
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)bytes);
    if (at != der + bytes) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return sound(key);
}

static EVP_PKEY *multikey_read(const char *text)
{
    unsigned char bytes[34];
    bool is_read = text[0] == 'z' && text[1] != letters[0] && strnlen(text, MULTIKEY_MAX) < MULTIKEY_MAX &&
                   base58_read(text + 1, bytes, sizeof bytes) && memcmp(bytes, multicodec, sizeof multicodec) == 0;
    return is_read ? sound(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, bytes + 2, 32)) : NULL;
}

const char *sig_pem(struct shoal_arena *arena, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length = bio != NULL && PEM_write_bio_PUBKEY(bio, key) ? BIO_get_mem_data(bio, &text) : 0;
    const char *out = length > 0 ? shoal_arena_strndup(arena, text, (size_t)length) : NULL;
    BIO_free(bio);
    return out;
}

const char *sig_read_key(struct shoal_arena *arena, const char *text)
{
    size_t length = 0;
    const char *pem = sig_pem_next(&text, &length);
    EVP_PKEY *key = pem != NULL ? sig_public_key(pem, length) : multikey_read(text);
    const char *out = key == NULL ? NULL : sig_pem(arena, key);
    EVP_PKEY_free(key);
    return out;
}

EVP_PKEY *sig_public_key_kept(const char *pem, size_t length)
{
    unsigned char sum[16];
    EVP_PKEY *key = NULL;
    crypto_generichash(sum, sizeof sum, (const unsigned char *)pem, length, NULL, 0);
    struct kept *kept = &cache.keys[(sum[0] | sum[1] << 8) % KEPT_MAX];
    pthread_mutex_lock(&cache.lock);
    if (kept->key != NULL && memcmp(kept->sum, sum, sizeof sum) == 0) {
        key = kept->key;
        EVP_PKEY_up_ref(key);
    }
    pthread_mutex_unlock(&cache.lock);
    if (key != NULL || (key = sig_public_key(pem, length)) == NULL) {
        return key;
    }
    pthread_mutex_lock(&cache.lock);
    EVP_PKEY_free(kept->key);
    EVP_PKEY_up_ref(key);
    kept->key = key;
    memcpy(kept->sum, sum, sizeof sum);
    pthread_mutex_unlock(&cache.lock);
    return key;
}

void sig_public_keys_forget(void)
{
    pthread_mutex_lock(&cache.lock);
    for (size_t i = 0; i < KEPT_MAX; i++) {
        EVP_PKEY_free(cache.keys[i].key);
        cache.keys[i] = (struct kept){0};
    }
    pthread_mutex_unlock(&cache.lock);
}
