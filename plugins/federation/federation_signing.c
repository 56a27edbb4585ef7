// federation_signing.c - what the service `signatures` is asked, each in its provider's name.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>

#include "federation.h"

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

const char *const *fed_sign(struct shoal_call *call, int64_t actor_id, const char *method,
    const char *url, const void *body, size_t body_bytes, struct shoal_err *err)
{
    struct shoal_service service;
    if (fed_url_host(call, url) == NULL) {
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

bool fed_sign_refused(struct shoal_call *call, const char *url, bool asks)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table =
        fed_url_host(call, url) != NULL ? enter(call, &service, NULL) : NULL;
    if (table == NULL) {
        return false;
    }
    bool is_worth = table->refused(call, service.arg, url, asks);
    shoal_leave(call);
    return is_worth;
}

int fed_sign_document(
    struct shoal_call *call, int64_t actor_id, json_t *activity, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_signatures *table = enter(call, &service, err);
    if (table == NULL) {
        return err->code;
    }
    int code = table->sign_document(call, service.arg, actor_id, activity, err);
    shoal_leave(call);
    return code;
}

int fed_keyed(struct shoal_call *call, int64_t after, int64_t *actor_ids, int room, struct shoal_err *err)
{
    struct shoal_service service;
    const struct shoal_svc_signatures *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int count = table->keyed(call, service.arg, after, actor_ids, room, err);
    shoal_leave(call);
    return count;
}

int fed_key_known(
    struct shoal_call *call, int64_t actor_id, const char **url, struct shoal_err *err)
{
    struct shoal_service service;
    err = fed_err(call, err);
    const struct shoal_svc_signatures *table = enter(call, &service, err);
    if (table == NULL) {
        return SHOAL_EBUSY;
    }
    int code = table->known(call, service.arg, actor_id, url, err);
    shoal_leave(call);
    return code;
}
