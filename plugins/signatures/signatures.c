// signatures.c - hands what the plugin can do to others: the service `signatures`.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <sodium.h>
#include <string.h>

#include <shoal/services.h>

#include "signatures.h"

// The table's calls have an `arg` more than the functions behind them: there is one of each.
static int svc_key(struct shoal_call *call, void *arg, const struct shoal_actor *actor,
    struct shoal_actor_key *out, struct shoal_err *err)
{
    (void)arg;
    struct sig_key key = {0};
    int code = sig_key_get(call, actor, &key, err);
    struct shoal_actor_key found = {.size = out->size,
        .id = key.id,
        .public_pem = key.public_pem,
        .ed25519_id = key.ed25519_id,
        .ed25519_multibase = key.ed25519_multibase};
    if (code == 0) {
        memcpy(out, &found, out->size < sizeof found ? out->size : sizeof found);
    }
    return code;
}

static const char *const *svc_sign(struct shoal_call *call, void *arg, int64_t actor_id,
    const char *method, const char *url, const void *body, size_t body_bytes, struct shoal_err *err)
{
    (void)arg;
    return sig_sign(call, actor_id, method, url, body, body_bytes, err);
}

static bool svc_refused(struct shoal_call *call, void *arg, const char *url, bool was_modern, bool asks)
{
    (void)arg;
    return sig_sign_refused(call, url, was_modern, asks);
}

static int svc_sign_document(
    struct shoal_call *call, void *arg, int64_t actor_id, json_t *activity, struct shoal_err *err)
{
    (void)arg;
    return sig_sign_document(call, actor_id, activity, err);
}

static int svc_claim(struct shoal_call *call, void *arg, struct shoal_request *request,
    struct shoal_claim *out, struct shoal_err *err)
{
    (void)arg;
    struct shoal_claim claim = {.size = out->size};
    int code = sig_claim(call, request, &claim, err);
    memcpy(out, &claim, out->size < sizeof claim ? out->size : sizeof claim);
    return code;
}

static bool svc_fits(
    struct shoal_call *call, void *arg, const struct shoal_claim *claim, const char *public_pems)
{
    (void)call;
    (void)arg;
    return sig_claim_fits(claim, public_pems);
}

static const char *svc_read_key(struct shoal_call *call, void *arg, const char *text)
{
    (void)arg;
    return sig_read_key(shoal_call_arena(call), text);
}

static void svc_understands(struct shoal_call *call, void *arg, const char *host, bool is_modern)
{
    (void)arg;
    sig_modern_set(call, host, is_modern);
}

static int svc_take(
    struct shoal_call *call, void *arg, const struct shoal_key_left *key, struct shoal_err *err)
{
    (void)arg;
    return sig_key_take(call, key, err);
}

static int svc_known(struct shoal_call *call, void *arg, int64_t actor_id, const char **url,
    struct shoal_err *err)
{
    (void)arg;
    struct sig_key key;
    return sig_key_of(call, actor_id, &key, url, err);
}

static int svc_keyed(struct shoal_call *call, void *arg, int64_t after, int64_t *actor_ids, int room,
    struct shoal_err *err)
{
    (void)arg;
    return sig_keyed(call, after, actor_ids, room, err);
}

static int svc_keeper(void *arg, const struct shoal_key_keeper *keeper, struct shoal_err *err)
{
    (void)arg;
    return sig_keeper_set(keeper, err);
}

static const struct shoal_svc_signatures table = {.size = sizeof table,
    .key = svc_key,
    .sign = svc_sign,
    .refused = svc_refused,
    .sign_document = svc_sign_document,
    .claim = svc_claim,
    .fits = svc_fits,
    .read_key = svc_read_key,
    .understands = svc_understands,
    .take = svc_take,
    .known = svc_known,
    .keeper = svc_keeper,
    .keyed = svc_keyed};

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    return sodium_init() < 0 ? shoal_fail(err, SHOAL_EINTERNAL, "libsodium does not start")
                             : shoal_provide_single(self, "signatures", &table, NULL, err);
}

static void stop(struct shoal_plugin *self)
{
    (void)self;
    sig_keys_forget();
}

SHOAL_PLUGIN(.name = "signatures", .start = start, .stop = stop);
