// sign.c - the service `signatures` in one line a call.
// SPDX-License-Identifier: MIT
#include "sign.h"

#include <strings.h>

#include <ask.h>

int sign_key(struct shoal_call *call, const struct shoal_actor *actor, struct shoal_actor_key *key,
    struct shoal_err *err)
{
    return ASK(call, signatures, err, SHOAL_EBUSY, key, actor, key, ask.err);
}

const char *const *sign_request(struct shoal_call *call, int64_t actor_id, const char *method,
    const char *url, const void *body, size_t body_bytes, struct shoal_err *err)
{
    return ASK(
        call, signatures, err, NULL, sign, actor_id, method, url, body, body_bytes, ask.err);
}

bool sign_is_modern(const char *const *headers)
{
    static const char name[] = "Signature-Input:";
    bool is_there = false;
    for (size_t i = 0; headers != NULL && headers[i] != NULL; i++) {
        is_there |= strncasecmp(headers[i], name, sizeof name - 1) == 0;
    }
    return is_there;
}

bool sign_refused(struct shoal_call *call, const char *url, bool was_modern, bool asks)
{
    return ASK(call, signatures, NULL, false, refused, url, was_modern, asks);
}

int sign_document(
    struct shoal_call *call, int64_t actor_id, json_t *activity, struct shoal_err *err)
{
    return ASK(call, signatures, err, SHOAL_EBUSY, sign_document, actor_id, activity, ask.err);
}

int sign_claim(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err)
{
    return ASK(call, signatures, err, SHOAL_EBUSY, claim, request, claim, ask.err);
}

bool sign_fits(struct shoal_call *call, const struct shoal_claim *claim, const char *public_pems)
{
    return ASK(call, signatures, NULL, false, fits, claim, public_pems);
}

const char *sign_read_key(struct shoal_call *call, const char *text)
{
    return ASK(call, signatures, NULL, NULL, read_key, text);
}

void sign_understands(struct shoal_call *call, const char *host, bool is_modern)
{
    ASK_TO(call, signatures, understands, host, is_modern);
}

int sign_take(struct shoal_call *call, const struct shoal_key_left *key, struct shoal_err *err)
{
    return ASK(call, signatures, err, SHOAL_EBUSY, take, key, ask.err);
}

int sign_known(
    struct shoal_call *call, int64_t actor_id, const char **url, struct shoal_err *err)
{
    return ASK(call, signatures, err, SHOAL_EBUSY, known, actor_id, url, ask.err);
}

int sign_keyed(struct shoal_call *call, int64_t after, int64_t *actor_ids, int room, struct shoal_err *err)
{
    return ASK(call, signatures, err, SHOAL_EBUSY, keyed, after, actor_ids, room, ask.err);
}
