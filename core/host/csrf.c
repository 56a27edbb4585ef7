// csrf.c - the token that proves that a form was made by this site for this session.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "data/data.h"
#include "host/dispatch_priv.h"

#define SECRET_BYTES crypto_auth_hmacsha256_KEYBYTES
#define STORE_OWNER  "host"
#define STORE_KEY    "csrf"

static int write_secret(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    return shoal_store_set(call, tx, STORE_OWNER, STORE_KEY, arg, err);
}

/// The instance's secret, made the first time that it is needed.
static int read_secret(struct shoal_call *call, unsigned char out[SECRET_BYTES])
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct shoal_err err = {0};
    int code = 0;
    pthread_mutex_lock(&lock);
    json_t *stored = shoal_store_get(STORE_OWNER, STORE_KEY);
    if (!json_is_string(stored)) {
        char hex[SECRET_BYTES * 2 + 1];
        shoal_random_hex(hex, SECRET_BYTES);
        json_decref(stored);
        stored = json_string(hex);
        code = shoal_tx(call, write_secret, stored, &err);
    }
    pthread_mutex_unlock(&lock);
    const char *text = json_string_value(stored);
    size_t got = 0;
    if (code == 0 &&
        (sodium_hex2bin(out, SECRET_BYTES, text, strlen(text), NULL, &got, NULL) != 0 ||
            got != SECRET_BYTES)) {
        code = shoal_fail(&err, SHOAL_ECORRUPT, "the stored secret of forms is damaged");
    }
    if (code < 0) {
        shoal_error("%s", err.text);
    }
    json_decref(stored);
    return code;
}

const char *shoal_csrf(struct shoal_call *call, struct shoal_request *request)
{
    const char *session = shoal_request_cookie(request, SHOAL_SESSION_COOKIE);
    unsigned char secret[SECRET_BYTES];
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    if (!session || !*session || read_secret(call, secret) < 0) {
        return "";
    }
    crypto_auth_hmacsha256(mac, (const unsigned char *)session, strlen(session), secret);
    sodium_memzero(secret, sizeof(secret));
    char *out = shoal_arena_alloc(call->arena, sizeof(mac) * 2 + 1);
    sodium_bin2hex(out, sizeof(mac) * 2 + 1, mac, sizeof(mac));
    return out;
}
