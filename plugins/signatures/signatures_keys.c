// signatures_keys.c - the key pairs of local actors: made when first needed, sealed in the database.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <given.h>

#include "signatures.h"

#define RSA_BITS 2048
#define CACHED   256 // key pairs in memory; by number, so that a busy one stays
#define LEFT_MAX 8192 // bytes of a key that is handed over

SHOAL_SQL(signatures_key_get, "SELECT actor_url, public_pem, rsa_sealed, ed25519_multibase "
                              "FROM signatures_key WHERE actor_id = $1");
SHOAL_SQL(signatures_key_add,
    "INSERT INTO signatures_key (actor_id, actor_url, public_pem, rsa_sealed, ed25519_multibase, "
    "ed25519_sealed, created) VALUES ($1, $2, $3, $4, $5, $6, $7) "
    "ON CONFLICT (actor_id) DO NOTHING");
SHOAL_SQL(signatures_key_list, "SELECT actor_id FROM signatures_key WHERE actor_id > $1 "
                               "ORDER BY actor_id LIMIT CAST($2 AS BIGINT)");
SHOAL_SQL(signatures_key_drop, "DELETE FROM signatures_key WHERE actor_id = $1 AND public_pem = $2");

static struct {
    pthread_mutex_t lock;
    struct cached {
        int64_t actor_id;
        char *url, *pem, *multibase;
        EVP_PKEY *rsa;
    } keys[CACHED];
} cache = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct shoal_key_keeper keeper;
static struct given given = {"keys of before", &keeper, sizeof keeper};

int sig_keeper_set(const struct shoal_key_keeper *from, struct shoal_err *err)
{
    return given_set(&given, from, err);
}

static int keeper_ask(struct shoal_call *call, int64_t actor_id, struct shoal_err *err)
{
    return GIVEN_ASK(call, &given, &keeper, 0, left, actor_id, keeper.arg, err);
}

static void key_release(void *key)
{
    EVP_PKEY_free(key);
}

static void cached_clear(struct cached *entry)
{
    EVP_PKEY_free(entry->rsa);
    free(entry->url);
    free(entry->pem);
    free(entry->multibase);
    *entry = (struct cached){0};
}

void sig_keys_forget(void)
{
    given_forget(&given);
    pthread_mutex_lock(&cache.lock);
    for (size_t i = 0; i < CACHED; i++) {
        cached_clear(&cache.keys[i]);
    }
    pthread_mutex_unlock(&cache.lock);
    sig_public_keys_forget();
}

// Fills in what the caller gets: text of the arena, and a reference that ends with the call.
static void key_fill(struct shoal_call *call, struct sig_key *key, const char **url,
    const struct cached *from)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    *url = shoal_arena_strdup(arena, from->url);
    EVP_PKEY_up_ref(from->rsa);
    shoal_arena_defer(arena, key_release, from->rsa);
    *key = (struct sig_key){.id = shoal_arena_printf(arena, "%s#main-key", from->url),
        .public_pem = shoal_arena_strdup(arena, from->pem),
        .rsa = from->rsa,
        .ed25519_id = shoal_arena_printf(arena, "%s#ed25519-key", from->url),
        .ed25519_multibase = shoal_arena_strdup(arena, from->multibase)};
}

static bool cache_find(
    struct shoal_call *call, int64_t actor_id, struct sig_key *key, const char **url)
{
    pthread_mutex_lock(&cache.lock);
    const struct cached *entry = &cache.keys[actor_id % CACHED];
    bool is_there = entry->actor_id == actor_id && entry->rsa != NULL;
    if (is_there) {
        key_fill(call, key, url, entry);
    }
    pthread_mutex_unlock(&cache.lock);
    return is_there;
}

static void *sealed(struct shoal_arena *arena, const void *data, size_t bytes,
    const unsigned char secret[32], size_t *length)
{
    *length = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + bytes;
    unsigned char *out = shoal_arena_alloc(arena, *length);
    shoal_random(out, crypto_secretbox_NONCEBYTES);
    crypto_secretbox_easy(out + crypto_secretbox_NONCEBYTES, data, bytes, out, secret);
    return out;
}

static EVP_PKEY *unsealed(struct shoal_arena *arena, const unsigned char *data, size_t bytes,
    const unsigned char secret[32])
{
    size_t head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (data == NULL || bytes <= head) {
        return NULL;
    }
    unsigned char *plain = shoal_arena_alloc(arena, bytes - head);
    const unsigned char *at = plain;
    EVP_PKEY *key = NULL;
    if (crypto_secretbox_open_easy(plain, data + crypto_secretbox_NONCEBYTES,
            bytes - crypto_secretbox_NONCEBYTES, data, secret) == 0) {
        key = d2i_AutoPrivateKey(NULL, &at, (long)(bytes - head));
    }
    sodium_memzero(plain, bytes - head);
    return key;
}

struct fresh {
    int64_t actor_id;
    const char *url, *pem, *multibase;
    void *rsa, *ed25519;
    size_t rsa_bytes, ed25519_bytes;
};

static int add_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct fresh *key = arg;
    return shoal_db_exec(tx, &signatures_key_add,
        SHOAL_ARGS(SHOAL_I64(key->actor_id), SHOAL_TEXT(key->url), SHOAL_TEXT(key->pem),
            SHOAL_BYTES(key->rsa, key->rsa_bytes), SHOAL_TEXT(key->multibase),
            SHOAL_BYTES(key->ed25519, key->ed25519_bytes), SHOAL_TIME(shoal_now_ms())),
        NULL, err);
}

// Two workers may make one at the same time: the row that came first is the key of both.
static int key_make(struct shoal_call *call, int64_t actor_id, const char *url,
    const unsigned char secret[32], struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct fresh fresh = {.actor_id = actor_id, .url = url};
    unsigned char public[crypto_sign_PUBLICKEYBYTES], private[crypto_sign_SECRETKEYBYTES];
    unsigned char *der = NULL;
    EVP_PKEY *rsa = EVP_RSA_gen(RSA_BITS);
    int length = rsa == NULL ? 0 : i2d_PrivateKey(rsa, &der);
    if (length > 0) {
        fresh.rsa = sealed(arena, der, (size_t)length, secret, &fresh.rsa_bytes);
        fresh.pem = sig_pem(arena, rsa);
        OPENSSL_clear_free(der, (size_t)length);
        crypto_sign_keypair(public, private);
        fresh.multibase = sig_multibase(arena, public);
        fresh.ed25519 = sealed(arena, private, sizeof private, secret, &fresh.ed25519_bytes);
        sodium_memzero(private, sizeof private);
    }
    EVP_PKEY_free(rsa);
    return fresh.pem == NULL ? shoal_fail(err, SHOAL_EINTERNAL, "no key pair could be made")
                             : shoal_tx(call, add_tx, &fresh, err);
}

// Both fit what is known of them: a key that nobody can sign with is none.
static bool is_whole(struct shoal_arena *arena, const struct shoal_key_left *left)
{
    const unsigned char *at = left->rsa;
    EVP_PKEY *rsa = d2i_AutoPrivateKey(NULL, &at, (long)left->rsa_bytes);
    const char *pem = rsa == NULL ? NULL : sig_pem(arena, rsa);
    EVP_PKEY_free(rsa);
    return pem != NULL && strcmp(pem, left->public_pem) == 0 &&
           left->ed25519_bytes == crypto_sign_SECRETKEYBYTES &&
           strcmp(sig_multibase(arena, (const unsigned char *)left->ed25519 + crypto_sign_SEEDBYTES),
               left->ed25519_multibase) == 0;
}

int sig_key_take(struct shoal_call *call, const struct shoal_key_left *left, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    unsigned char secret[crypto_secretbox_KEYBYTES];
    if (left->size < sizeof *left || left->rsa_bytes > LEFT_MAX || !is_whole(arena, left)) {
        return shoal_fail(err, SHOAL_EINVAL, "these are no keys of %.200s", left->actor_url);
    }
    int code = shoal_secret(call, "keys", secret, sizeof secret, err);
    struct fresh fresh = {.actor_id = left->actor_id,
        .url = left->actor_url,
        .pem = left->public_pem,
        .multibase = left->ed25519_multibase};
    if (code == 0) {
        fresh.rsa = sealed(arena, left->rsa, left->rsa_bytes, secret, &fresh.rsa_bytes);
        fresh.ed25519 = sealed(arena, left->ed25519, left->ed25519_bytes, secret, &fresh.ed25519_bytes);
        code = shoal_tx(call, add_tx, &fresh, err);
    }
    sodium_memzero(secret, sizeof secret);
    return code;
}

// A row that does not open was sealed under the secret of another folder: the actor gets a new key.
static int drop_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct fresh *key = arg;
    return shoal_db_exec(tx, &signatures_key_drop,
        SHOAL_ARGS(SHOAL_I64(key->actor_id), SHOAL_TEXT(key->pem)), NULL, err);
}

// Reads the row into `out`, whose text is the arena's; SHOAL_ENOTFOUND without one.
static int key_read(struct shoal_call *call, int64_t actor_id, const unsigned char secret[32],
    struct cached *out, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &signatures_key_get, SHOAL_ARGS(SHOAL_I64(actor_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    if (is_there) {
        size_t length = 0;
        const void *bytes = shoal_col_bytes(rows, 2, &length);
        *out = (struct cached){.actor_id = actor_id,
            .url = shoal_arena_strdup(arena, shoal_col_text(rows, 0)),
            .pem = shoal_arena_strdup(arena, shoal_col_text(rows, 1)),
            .multibase = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
            .rsa = unsealed(arena, bytes, length, secret)};
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 || is_there ? code : SHOAL_ENOTFOUND;
}

static void cache_put(const struct cached *from)
{
    pthread_mutex_lock(&cache.lock);
    struct cached *entry = &cache.keys[from->actor_id % CACHED];
    cached_clear(entry);
    EVP_PKEY_up_ref(from->rsa);
    *entry = (struct cached){.actor_id = from->actor_id,
        .url = strdup(from->url),
        .pem = strdup(from->pem),
        .multibase = strdup(from->multibase),
        .rsa = from->rsa};
    pthread_mutex_unlock(&cache.lock);
}

// url NULL: only a key that is there already.
static int key_find(struct shoal_call *call, int64_t actor_id, const char *actor_url,
    struct sig_key *key, const char **url, struct shoal_err *err)
{
    unsigned char secret[crypto_secretbox_KEYBYTES];
    struct cached found = {0};
    if (cache_find(call, actor_id, key, url)) {
        return 0;
    }
    int code = shoal_secret(call, "keys", secret, sizeof secret, err);
    if (code != 0) {
        return code;
    }
    bool was_asked = false;
    for (int tries = 0; tries < 4; tries++) {
        code = key_read(call, actor_id, secret, &found, err);
        if (code == 0 && found.rsa == NULL) {
            struct fresh lost = {.actor_id = actor_id, .pem = found.pem};
            shoal_warn("the key of %s does not open with this instance's secret: it gets a new one", found.url);
            code = shoal_tx(call, drop_tx, &lost, err);
            code = code == 0 ? SHOAL_ENOTFOUND : code;
        }
        if (code != SHOAL_ENOTFOUND || (was_asked && actor_url == NULL)) {
            break;
        }
        code = was_asked ? key_make(call, actor_id, actor_url, secret, err)
                         : keeper_ask(call, actor_id, err);
        was_asked = true;
        if (code != 0) {
            break;
        }
    }
    sodium_memzero(secret, sizeof secret);
    if (code == 0 && found.rsa != NULL) {
        cache_put(&found);
        key_fill(call, key, url, &found);
    }
    EVP_PKEY_free(found.rsa);
    return code == SHOAL_ENOTFOUND ? shoal_fail(err, code, "actor %lld has no key", (long long)actor_id)
                                   : code;
}

int sig_key_get(struct shoal_call *call, const struct shoal_actor *actor, struct sig_key *key,
    struct shoal_err *err)
{
    const char *url = NULL;
    if (actor->host != NULL && actor->host[0] != '\0') {
        return shoal_fail(err, SHOAL_EINVAL, "%.200s is not ours to sign for", actor->url);
    }
    return key_find(call, actor->id, actor->url, key, &url, err);
}

int sig_key_of(struct shoal_call *call, int64_t actor_id, struct sig_key *key, const char **url,
    struct shoal_err *err)
{
    struct shoal_actor actor = {0};
    struct shoal_err gone = {0};
    if (cache_find(call, actor_id, key, url)) {
        return 0;
    }
    int code = shoal_actor_get(call, actor_id, &actor, &gone);
    if (code == 0 && actor.host != NULL && actor.host[0] != '\0') {
        return shoal_fail(err, SHOAL_EINVAL, "%.200s is not ours to sign for", actor.url);
    }
    if (code != 0 && code != SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "%s", gone.text);
    }
    return key_find(call, actor_id, code == 0 ? actor.url : NULL, key, url, err);
}

int sig_keyed(struct shoal_call *call, int64_t after, int64_t *actor_ids, int room, struct shoal_err *err)
{
    int count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &signatures_key_list,
        SHOAL_ARGS(SHOAL_I64(after), SHOAL_I64(room)), err);
    while (rows != NULL && count < room && shoal_rows_next(rows)) {
        actor_ids[count++] = shoal_col_i64(rows, 0);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 ? code : count;
}
