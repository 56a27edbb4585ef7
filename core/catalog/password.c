// password.c - hashes and checks passwords: Argon2id with 19 MiB, two passes, two at once.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "catalog/catalog_priv.h"

#define PASSWORD_OPS    2
#define PASSWORD_MEMORY (19u * 1024 * 1024)
#define AT_ONCE         2

_Static_assert(crypto_pwhash_STRBYTES <= 128, "the hash fits into its buffer");

// Bounds the memory that log-ins can take: the others wait their turn.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static int running;
// What an unknown user is checked against, so that the time tells nothing; made on first use.
static char nobody[128];
static pthread_once_t nobody_once = PTHREAD_ONCE_INIT;

static void take_turn(void)
{
    pthread_mutex_lock(&lock);
    while (running >= AT_ONCE) {
        pthread_cond_wait(&turn, &lock);
    }
    running++;
    pthread_mutex_unlock(&lock);
}

static void give_turn(void)
{
    pthread_mutex_lock(&lock);
    running--;
    pthread_cond_signal(&turn);
    pthread_mutex_unlock(&lock);
}

int catalog_password_hash(const char *password, char out[128], struct shoal_err *err)
{
    take_turn();
    int failed =
        sodium_init() < 0 || crypto_pwhash_str_alg(out, password, strlen(password), PASSWORD_OPS,
                                 PASSWORD_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0;
    give_turn();
    if (failed) {
        return shoal_fail(err, SHOAL_EBUSY, "there is no memory to hash a password");
    }
    return 0;
}

static void nobody_make(void)
{
    char secret[33];
    shoal_random_hex(secret, 16);
    if (catalog_password_hash(secret, nobody, NULL) != 0) {
        nobody[0] = '\0';
    }
}

bool catalog_password_check(const char *hash, const char *password)
{
    pthread_once(&nobody_once, nobody_make);
    bool is_known = hash != NULL && hash[0] != '\0';
    take_turn();
    bool is_right =
        crypto_pwhash_str_verify(is_known ? hash : nobody, password, strlen(password)) == 0;
    give_turn();
    return is_known && is_right;
}
