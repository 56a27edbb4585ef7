// dispatch.c - runs a request: who asks, may they, the handler, and what becomes of errors.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "data/data.h"
#include "host/dispatch_priv.h"
#include "host/host_priv.h"
#include "host/registry_priv.h"

#define TIMEOUT_MS 10000

static const char *owner_name(const struct shoal_plugin *owner)
{
    return owner ? owner->id.name : "core";
}

/// Everything before the handler; once for a request, but for the form's token.
static int admit(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_route *route, const struct shoal_plugin *owner, bool is_whole,
    struct shoal_err *err)
{
    bool is_internal = shoal_request_internal(request);
    if (is_internal) {
        return shoal_dispatch_authorize(call, route->auth, err);
    }
    int code = 0;
    if (!call->is_admitted) {
        code = shoal_dispatch_authenticate(call, request, route->auth, err);
        code = code < 0 ? code : shoal_dispatch_authorize(call, route->auth, err);
    }
    code = code < 0 ? code : shoal_dispatch_csrf(call, request, is_whole || route->head, err);
    if (code == 0 && !call->is_admitted) {
        code = shoal_dispatch_enter(call, request, route, owner, err);
    }
    call->is_admitted = code >= 0;
    return code < 0 ? code : 0;
}

static int invoke(struct shoal_call *call, struct shoal_request *request, shoal_handler_fn *handler,
    const struct shoal_route *route, struct shoal_plugin *owner, struct shoal_err *err)
{
    int64_t deadline = shoal_tick_ms() + (route->timeout_ms > 0 ? route->timeout_ms : TIMEOUT_MS);
    int64_t outer = call->deadline_ms;
    int depth = call->depth;
    call->deadline_ms = outer > 0 && outer < deadline ? outer : deadline;
    shoal_call_enter(call, owner);
    int code = handler(call, request, route->arg, err);
    while (call->depth > depth) {
        shoal_call_leave(call);
    }
    call->deadline_ms = outer;
    return code;
}

static bool path_below(const char *path, const char *prefix)
{
    return strncmp(path, prefix, strlen(prefix)) == 0;
}

static void answer_unknown(
    struct shoal_call *call, struct shoal_request *request, const char *allow)
{
    struct shoal_err err = {0};
    const char *path = shoal_request_path(request);
    if (!shoal_request_internal(request)) {
        shoal_dispatch_authenticate(call, request, SHOAL_AUTH_OPTIONAL, NULL);
    }
    if (allow) {
        shoal_answer_header(request, "allow", allow);
        shoal_fail(
            &err, SHOAL_ENOTFOUND, "%s does not take %s", path, shoal_request_method(request));
        shoal_dispatch_error(call, request, 405, &err);
    } else if (path_below(path, "/api/v1/")) {
        shoal_answer_json(request, 400, json_object());
    } else {
        shoal_fail(&err, SHOAL_ENOTFOUND, "there is nothing at %s", path);
        shoal_dispatch_error(call, request, 404, &err);
    }
}

static void answer_failure(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_plugin *owner, int code, struct shoal_err *err)
{
    int status = 0;
    if (shoal_request_answered(request, &status)) {
        shoal_request_unanswer(request);
    }
    if (err->code != code || !err->text[0]) {
        shoal_fail(err, code, "%s", err->text[0] ? err->text : shoal_error_text(code));
    }
    shoal_problem_hide(
        call, shoal_request_method(request), shoal_request_path(request), owner_name(owner), err);
    shoal_dispatch_error(call, request, shoal_error_status(code), err);
}

/// On a loop: what would have to ask somebody is left to the handler.
static void dispatch_quick(struct shoal_call *call, struct shoal_request *request)
{
    struct shoal_plugin *owner = NULL;
    struct shoal_err err = {0};
    int64_t begin = shoal_tick_ms();
    int status = 0;
    const struct shoal_route *route = shoal_request_route(request, &owner, NULL);
    bool is_heard = route && route->rate != SHOAL_RATE_NONE && shoal_hook_heard("route.enter");
    if (!route || !route->quick || is_heard || (owner && !shoal_plugin_runs(owner))) {
        return;
    }
    shoal_dispatch_authenticate(call, request, SHOAL_AUTH_NONE, NULL);
    int code = invoke(call, request, route->quick, route, owner, &err);
    if (!shoal_request_answered(request, &status)) {
        return;
    }
    if (code == 0) {
        shoal_host_metrics_request(status, owner_name(owner), shoal_tick_ms() - begin);
    } else {
        shoal_request_unanswer(request);
    }
}

void shoal_dispatch(struct shoal_call *call, struct shoal_request *request, enum shoal_phase phase)
{
    if (phase == SHOAL_PHASE_QUICK) {
        dispatch_quick(call, request);
        return;
    }
    struct shoal_plugin *owner = NULL;
    const char *allow = NULL;
    struct shoal_err err = {0};
    int64_t begin = shoal_tick_ms();
    const struct shoal_route *route = shoal_request_route(request, &owner, &allow);
    bool is_whole = phase == SHOAL_PHASE_BODY;
    int code = 0;
    int status = 0;
    if (!route || (owner && !shoal_plugin_runs(owner))) {
        answer_unknown(call, request, route ? NULL : allow);
    } else {
        code = admit(call, request, route, owner, is_whole, &err);
        shoal_handler_fn *handler = is_whole ? route->handler : route->head;
        if (code == 0 && handler) {
            code = invoke(call, request, handler, route, owner, &err);
        }
        if (code >= 0 && is_whole && !shoal_request_answered(request, &status) &&
            !shoal_request_awaits(request)) {
            code = shoal_fail(&err, SHOAL_EINTERNAL, "%s gave no answer", owner_name(owner));
        }
    }
    if (code < 0) {
        answer_failure(call, request, owner, code, &err);
    }
    if (shoal_request_answered(request, &status) && !shoal_request_internal(request)) {
        shoal_host_metrics_request(status, owner_name(owner), shoal_tick_ms() - begin);
    }
}

static void run(
    void *self, struct shoal_call *call, struct shoal_request *request, enum shoal_phase phase)
{
    (void)self;
    call->request = request;
    shoal_dispatch(call, request, phase);
}

static uint64_t epoch(void *self)
{
    (void)self;
    return shoal_epoch();
}

struct shoal_app shoal_host_app(void)
{
    return (struct shoal_app){.self = shoal_host_get(), .run = run, .epoch = epoch};
}
