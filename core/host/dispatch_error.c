// dispatch_error.c - turns an error into an answer: a page for people, problem+json for programs.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <string.h>

#include "host/dispatch_priv.h"
#include "host/permissions.h"
#include "host/registry_priv.h"
#include "net/negotiate.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fallback {
    struct shoal_plugin *owner;
    shoal_fallback_fn *fn;
    void *arg;
} fallback;

int shoal_fallback_set(
    struct shoal_plugin *self, shoal_fallback_fn *fn, void *arg, struct shoal_err *err)
{
    int code = shoal_plugin_may_register(self, "the error pages", err);
    code = code < 0 ? code : shoal_permission_need(self, "pages", NULL, err);
    if (code < 0) {
        return code;
    }
    pthread_mutex_lock(&lock);
    if (fallback.fn && fallback.owner != self) {
        code = shoal_fail(
            err, SHOAL_ECONFLICT, "%s renders the error pages already", fallback.owner->id.name);
    } else {
        fallback = (struct fallback){self, fn, arg};
    }
    pthread_mutex_unlock(&lock);
    return code;
}

bool shoal_fallback_get(struct shoal_plugin **owner, shoal_fallback_fn **fn, void **arg)
{
    pthread_mutex_lock(&lock);
    *owner = fallback.owner;
    *fn = fallback.fn;
    *arg = fallback.arg;
    pthread_mutex_unlock(&lock);
    return *fn && shoal_plugin_runs(*owner);
}

void shoal_fallback_remove(const struct shoal_plugin *plugin)
{
    pthread_mutex_lock(&lock);
    if (fallback.owner == plugin) {
        fallback = (struct fallback){0};
    }
    pthread_mutex_unlock(&lock);
}

static bool wants_page(struct shoal_request *request)
{
    if (shoal_request_internal(request) || strncmp(shoal_request_path(request), "/api/", 5) == 0) {
        return false;
    }
    struct shoal_span accept = shoal_span(shoal_request_header(request, "accept"));
    int page_q = shoal_accept_named_q(accept, "text/html");
    return page_q > 0 && page_q > shoal_accept_named_q(accept, "application/json") &&
        page_q > shoal_accept_named_q(accept, "application/activity+json") &&
        page_q > shoal_accept_named_q(accept, "application/ld+json");
}

static bool answer_page(
    struct shoal_call *call, struct shoal_request *request, int status, const struct shoal_err *why)
{
    struct shoal_plugin *owner = NULL;
    shoal_fallback_fn *fn = NULL;
    void *arg = NULL;
    struct shoal_err err = {0};
    if (!wants_page(request) || !shoal_fallback_get(&owner, &fn, &arg)) {
        return false;
    }
    int depth = call->depth;
    shoal_call_enter(call, owner);
    int code = fn(call, request, status, why, arg, &err);
    while (call->depth > depth) {
        shoal_call_leave(call);
    }
    int given = 0;
    bool is_answered = shoal_request_answered(request, &given);
    if (code < 0) {
        shoal_warn("plugin %s could not render the page for %d: %s", owner->id.name, status,
            err.text[0] ? err.text : shoal_error_text(code));
        if (is_answered) {
            shoal_request_unanswer(request);
        }
        return false;
    }
    return is_answered;
}

void shoal_dispatch_error(
    struct shoal_call *call, struct shoal_request *request, int status, const struct shoal_err *why)
{
    if (answer_page(call, request, status, why)) {
        if (status == 503) {
            shoal_answer_header(request, "Retry-After", "5"); // as shoal_answer_problem() does
        }
        return;
    }
    if (status == shoal_error_status(why->code)) {
        shoal_answer_problem(request, why);
        return;
    }
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
        "Method Not Allowed", "status", status, "detail", why->text, "error", why->text);
    shoal_answer_json(request, status, problem);
}
