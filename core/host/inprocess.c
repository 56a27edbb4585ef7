// inprocess.c - requests that a plugin makes to a route of this server, on the same worker.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/http.h>

#include "host/dispatch_priv.h"

#define DEPTH_MAX 4

static int run_internal(struct shoal_call *call, struct shoal_request *from,
    struct shoal_request *uploads, const char *method, const char *path, const json_t *body,
    int *status, json_t **answer, struct shoal_err *err)
{
    *status = 0;
    *answer = NULL;
    if (call->inprocess_depth >= DEPTH_MAX) {
        return shoal_fail(err, SHOAL_EINVAL, "requests within requests go deeper than %d: %s %s",
            DEPTH_MAX, method, path);
    }
    if (shoal_call_cancelled(call)) {
        return shoal_fail(err, SHOAL_ECANCELLED, "the request was cancelled");
    }
    struct shoal_request *request = shoal_request_internal_new(call, from, method, path, body, err);
    if (!request) {
        return err && err->code ? err->code : SHOAL_EINVAL;
    }
    if (uploads) {
        shoal_request_internal_uploads(request, uploads);
    }
    struct shoal_request *outer = call->request;
    call->inprocess_depth++;
    call->request = request;
    int given = 0;
    shoal_dispatch(call, request, SHOAL_PHASE_HEAD);
    if (!shoal_request_answered(request, &given)) {
        shoal_dispatch(call, request, SHOAL_PHASE_BODY);
    }
    call->request = outer;
    call->inprocess_depth--;
    if (from && shoal_request_is_private(request)) {
        shoal_answer_private(from); // what was made from a private answer is private too
    }
    *status = shoal_request_internal_take(request, answer);
    return *status < 0 ? shoal_fail(err, *status, "%s %s gave no answer", method, path) : 0;
}

int shoal_inprocess(struct shoal_call *call, const char *method, const char *path,
    const json_t *body, int *status, json_t **answer, struct shoal_err *err)
{
    return run_internal(call, call->request, NULL, method, path, body, status, answer, err);
}

int shoal_inprocess_from(struct shoal_call *call, struct shoal_request *from, const char *method,
    const char *path, const json_t *body, int *status, json_t **answer, struct shoal_err *err)
{
    return run_internal(call, from, from, method, path, body, status, answer, err);
}
