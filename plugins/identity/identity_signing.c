// identity_signing.c - what the service `signatures` is asked, each in its provider's name.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>

#include "identity.h"

static const struct shoal_svc_signatures *enter(
    struct shoal_call *call, struct shoal_service *service, struct shoal_err *err)
{
    if (!shoal_service_find("signatures", NULL, service)) {
        shoal_fail(err, SHOAL_EBUSY, "signatures are not here now");
        return NULL;
    }
    shoal_enter(call, service);
    return service->table;
}

int who_key_get(struct shoal_call *call, const struct shoal_actor *actor,
    struct shoal_actor_key *key, struct shoal_err *err)
{
    struct shoal_service service;
    err = who_err(call, err);
    const struct shoal_svc_signatures *table = enter(call, &service, err);
    if (table == NULL) {
        return err->code;
    }
    int code = table->key(call, service.arg, actor, key, err);
    shoal_leave(call);
    return code;
}

const char *const *who_sign(struct shoal_call *call, int64_t actor_id, const char *method,
    const char *url, const void *body, size_t body_bytes, struct shoal_err *err)
{
    struct shoal_service service;
    if (who_url_host(call, url) == NULL) {
        shoal_fail(err, SHOAL_EINVAL, "%.200s is not an address of another server", url);
        return NULL;
    }
    const struct shoal_svc_signatures *table = enter(call, &service, err);
    if (table == NULL) {
        return NULL;
    }
    const char *const *headers =
        table->sign(call, service.arg, actor_id, method, url, body, body_bytes, err);
    shoal_leave(call);
    return headers;
}

bool who_sign_refused(struct shoal_call *call, const char *url, bool asks)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table =
        who_url_host(call, url) != NULL ? enter(call, &service, NULL) : NULL;
    if (table == NULL) {
        return false;
    }
    bool is_worth = table->refused(call, service.arg, url, asks);
    shoal_leave(call);
    return is_worth;
}

int who_claim(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table = enter(call, &service, err);
    if (table == NULL) {
        return err->code;
    }
    int code = table->claim(call, service.arg, request, claim, err);
    shoal_leave(call);
    return code;
}

bool who_claim_fits(struct shoal_call *call, const struct shoal_claim *claim, const char *pem)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table = enter(call, &service, NULL);
    if (table == NULL) {
        return false;
    }
    bool fits = table->fits(call, service.arg, claim, pem);
    shoal_leave(call);
    return fits;
}

bool who_is_key(struct shoal_call *call, const char *pem)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table = enter(call, &service, NULL);
    if (table == NULL) {
        return false;
    }
    bool is_key = table->is_key(call, service.arg, pem);
    shoal_leave(call);
    return is_key;
}

void who_modern_set(struct shoal_call *call, const char *host, bool is_modern)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table = enter(call, &service, NULL);
    if (table != NULL) {
        table->understands(call, service.arg, host, is_modern);
        shoal_leave(call);
    }
}
