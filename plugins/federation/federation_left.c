// federation_left.c - hands keys of earlier versions over to the plugin signatures, and starts the rest of it.
//
// Peers know our actors by their keys, so that none may be lost or doubled: before an actor gets a key there,
// all of them are handed over, in one transaction.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <stdatomic.h>

#include <ask.h>
#include <sign.h>

#include "federation_left.h"

#define PERIOD_MS 60000

SHOAL_SQL(left_keys, "SELECT COUNT(*) FROM (SELECT 1 FROM federation_key WHERE given = FALSE LIMIT 1) AS one");
SHOAL_SQL(left_hosts, "SELECT COUNT(*) FROM (SELECT 1 FROM federation_modern LIMIT 1) AS one");
SHOAL_SQL(left_key_next,
    "SELECT actor_id, actor_url, public_pem, rsa_sealed, ed25519_multibase, ed25519_sealed "
    "FROM federation_key WHERE actor_id > $1 AND given = FALSE ORDER BY actor_id LIMIT 1");
SHOAL_SQL(left_key_given, "UPDATE federation_key SET given = TRUE WHERE actor_id = $1");
SHOAL_SQL(left_modern_next, "SELECT host FROM federation_modern WHERE host > $1 ORDER BY host LIMIT 1");
SHOAL_SQL(left_modern_done, "DELETE FROM federation_modern");

// Said by the timer alone, which is in no transaction that could be undone.
static atomic_bool is_all_given;

struct keys {
    unsigned char secret[crypto_secretbox_KEYBYTES];
};

// The private part in memory of the arena; NULL where it was sealed under another secret.
static unsigned char *unsealed(
    struct shoal_arena *arena, const struct keys *keys, const unsigned char *data, size_t *bytes)
{
    size_t head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    if (data == NULL || *bytes <= head) {
        return NULL;
    }
    unsigned char *plain = shoal_arena_alloc(arena, *bytes - head);
    bool is_open = crypto_secretbox_open_easy(plain, data + crypto_secretbox_NONCEBYTES,
                       *bytes - crypto_secretbox_NONCEBYTES, data, keys->secret) == 0;
    *bytes -= head;
    return is_open ? plain : NULL;
}

// The next key behind *after: 0, SHOAL_ENOTFOUND, or an error. rsa NULL: it does not open.
static int key_read(struct shoal_call *call, struct shoal_db *tx, const struct keys *keys, int64_t after,
    struct shoal_key_left *out, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows = shoal_db_query(tx, &left_key_next, SHOAL_ARGS(SHOAL_I64(after)), err);
    bool is_there = rows != NULL && shoal_rows_next(rows);
    if (is_there) {
        *out = (struct shoal_key_left){.size = sizeof *out,
            .actor_id = shoal_col_i64(rows, 0),
            .actor_url = shoal_arena_strdup(arena, shoal_col_text(rows, 1)),
            .public_pem = shoal_arena_strdup(arena, shoal_col_text(rows, 2)),
            .ed25519_multibase = shoal_arena_strdup(arena, shoal_col_text(rows, 4))};
        const void *rsa = shoal_col_bytes(rows, 3, &out->rsa_bytes);
        out->rsa = unsealed(arena, keys, rsa, &out->rsa_bytes);
        const void *ed25519 = shoal_col_bytes(rows, 5, &out->ed25519_bytes);
        out->ed25519 = unsealed(arena, keys, ed25519, &out->ed25519_bytes);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    return code != 0 || is_there ? code : SHOAL_ENOTFOUND;
}

static void wipe(const struct shoal_key_left *key)
{
    if (key->rsa != NULL) {
        sodium_memzero((void *)(uintptr_t)key->rsa, key->rsa_bytes);
    }
    if (key->ed25519 != NULL) {
        sodium_memzero((void *)(uintptr_t)key->ed25519, key->ed25519_bytes);
    }
}

static int key_give(struct shoal_call *call, struct shoal_db *tx, const struct shoal_key_left *key,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    bool is_open = key->rsa != NULL && key->ed25519 != NULL;
    int code = is_open ? sign_take(call, key, &why) : SHOAL_EINVAL;
    wipe(key);
    if (code == SHOAL_EINVAL) {
        shoal_warn("the key of %s does not open with this instance's secret: it gets a new one", key->actor_url);
    } else if (code != 0) {
        return shoal_fail(err, code, "%s", why.text);
    }
    return shoal_db_exec(tx, &left_key_given, SHOAL_ARGS(SHOAL_I64(key->actor_id)), NULL, err);
}

static int modern_give(struct shoal_call *call, struct shoal_db *tx, struct shoal_err *err)
{
    const char *host = "";
    int code = 0;
    while (code == 0 && host != NULL) {
        struct shoal_rows *rows = shoal_db_query(tx, &left_modern_next, SHOAL_ARGS(SHOAL_TEXT(host)), err);
        host = rows != NULL && shoal_rows_next(rows)
                   ? shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 0))
                   : NULL;
        code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
        if (code == 0 && host != NULL) {
            sign_understands(call, host, true);
        }
    }
    return code != 0 ? code : shoal_db_exec(tx, &left_modern_done, SHOAL_NOARGS, NULL, err);
}

static int keys_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct keys *keys = arg;
    struct shoal_key_left key = {0};
    struct shoal_arena *scratch = shoal_arena_new(0);
    struct shoal_arena *own = shoal_call_arena_use(call, scratch);
    int code = 0, count = 0;
    while (code == 0) {
        shoal_arena_reset(scratch);
        code = key_read(call, tx, keys, key.actor_id, &key, err);
        code = code == 0 ? key_give(call, tx, &key, err) : code;
        count += code == 0 ? 1 : 0;
    }
    code = code == SHOAL_ENOTFOUND ? modern_give(call, tx, err) : code;
    shoal_call_arena_use(call, own);
    shoal_arena_free(scratch);
    if (code == 0 && count > 0) {
        shoal_info("%d keys are the plugin signatures' now", count);
    }
    return code;
}

bool fed_left_nothing(void)
{
    return atomic_load(&is_all_given);
}

int fed_left_keys(struct shoal_call *call, struct shoal_err *err)
{
    int64_t left = 0, hosts = 0;
    if (fed_left_nothing()) {
        return 0;
    }
    int code = shoal_db_i64(shoal_call_db(call), &left_keys, SHOAL_NOARGS, &left, err);
    code = code != 0 ? code : shoal_db_i64(shoal_call_db(call), &left_hosts, SHOAL_NOARGS, &hosts, err);
    if (code != 0 || left + hosts == 0) {
        return code;
    }
    struct keys keys = {0};
    code = ask_is_there("signatures")
               ? shoal_secret(call, "keys", keys.secret, sizeof keys.secret, err)
               : shoal_fail(err, SHOAL_EBUSY, "keys of before wait for the plugin signatures");
    code = code != 0 ? code : shoal_tx(call, keys_tx, &keys, err);
    sodium_memzero(keys.secret, sizeof keys.secret);
    return code;
}

static int give(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    (void)arg;
    int code = fed_left_all(call, err);
    if (code == 0) {
        atomic_store(&is_all_given, true);
    }
    return code;
}

static int started(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    (void)event;
    return give(call, arg, err);
}

static int keys_left(
    struct shoal_call *call, int64_t actor_id, void *arg, struct shoal_err *err)
{
    (void)actor_id;
    (void)arg;
    return fed_left_keys(call, err);
}

static int keeper_set(struct shoal_err *err)
{
    static const struct shoal_key_keeper keeper = {
        .size = sizeof keeper, .plugin = "federation", .left = keys_left};
    return ASK_START(signatures, err, keeper, &keeper);
}

// Jobs that an earlier version left: what they were to do is done by the other plugin.
static int end_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)job;
    (void)arg;
    (void)err;
    return 0;
}

int fed_left_start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const kinds[] = {"spread", "send"};
    atomic_store(&is_all_given, false);
    int code = keeper_set(err);
    code = code != 0 ? code : shoal_tell(self, "instance.started", started, NULL);
    code = code != 0 ? code : shoal_timer_add(self, "left", PERIOD_MS, false, give, NULL);
    for (size_t i = 0; code == 0 && i < sizeof kinds / sizeof *kinds; i++) {
        const struct shoal_job_kind kind = {.kind = kinds[i], .run = end_job};
        code = shoal_job_kind_add(self, &kind, err);
    }
    return code;
}
