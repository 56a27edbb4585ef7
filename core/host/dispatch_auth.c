// dispatch_auth.c - who asks, may they come in, and does the request come from our own pages.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <shoal/base.h>
#include <shoal/jobs.h>
#include <shoal/json.h>

#include "host/dispatch_priv.h"
#include "host/plugin_priv.h"

static const struct shoal_host_auth *authentication;

void shoal_host_auth_set(const struct shoal_host_auth *auth)
{
    authentication = auth;
}

int shoal_dispatch_authenticate(struct shoal_call *call, struct shoal_request *request,
    enum shoal_auth auth, struct shoal_err *err)
{
    call->viewer = (struct shoal_viewer){.kind = SHOAL_VIEWER_ANONYMOUS, .role = SHOAL_ROLE_USER};
    if (auth == SHOAL_AUTH_NONE || !authentication) {
        return 0;
    }
    const char *token = shoal_request_bearer(request);
    bool by_cookie = !token;
    token = token ? token : shoal_request_cookie(request, SHOAL_SESSION_COOKIE);
    if (!token || !*token) {
        return by_cookie ? 0
                         : shoal_fail_api(err, SHOAL_EAUTH, "invalid_token",
                               "Invalid token: access token is invalid");
    }
    struct shoal_viewer viewer = call->viewer;
    struct shoal_err inner = {0};
    call->asked_ms = shoal_tick_ms();
    int code = authentication->token(call, token, by_cookie, &viewer, &inner);
    if (code == 0) {
        call->viewer = viewer;
        call->viewer.by_cookie = by_cookie;
        shoal_request_proved(token);
        return 0;
    }
    if (by_cookie && code == SHOAL_EAUTH) {
        return 0;
    }
    if (code == SHOAL_EAUTH && !inner.api_code[0]) {
        return shoal_fail_api(err, code, "invalid_token", "Invalid token: access token is invalid");
    }
    if (err) {
        *err = inner;
    }
    return code;
}

int shoal_dispatch_authorize(
    const struct shoal_call *call, enum shoal_auth auth, struct shoal_err *err)
{
    const struct shoal_viewer *viewer = &call->viewer;
    if (auth == SHOAL_AUTH_OPTIONAL || auth == SHOAL_AUTH_NONE ||
        viewer->kind == SHOAL_VIEWER_SYSTEM) {
        return 0;
    }
    if (viewer->kind != SHOAL_VIEWER_USER) {
        return shoal_fail(err, SHOAL_EAUTH, "Unauthorized request: no authentication given");
    }
    enum shoal_role least = auth == SHOAL_AUTH_ADMIN       ? SHOAL_ROLE_ADMIN
                            : auth == SHOAL_AUTH_MODERATOR ? SHOAL_ROLE_MODERATOR
                                                           : SHOAL_ROLE_USER;
    if (viewer->role > least) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "your account is not allowed to do this");
    }
    return 0;
}

static bool is_same_origin(struct shoal_request *request)
{
    const char *site = shoal_request_header(request, "sec-fetch-site");
    const char *origin = shoal_request_header(request, "origin");
    const char *host = shoal_request_host(request);
    const char *scheme = shoal_request_scheme(request);
    char own[512];
    if (site && strcmp(site, "same-origin") == 0) {
        return true;
    }
    if (!origin || !host || !scheme) {
        return false;
    }
    int length = snprintf(own, sizeof(own), "%s://%s", scheme, host);
    return length < (int)sizeof(own) && strcasecmp(own, origin) == 0;
}

static bool equals(const char *given, const char *wanted)
{
    size_t length = strlen(wanted);
    unsigned char difference = 0;
    if (!given || !*wanted || strlen(given) != length) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        difference |= (unsigned char)(given[i] ^ wanted[i]);
    }
    return difference == 0;
}

int shoal_dispatch_csrf(
    struct shoal_call *call, struct shoal_request *request, bool is_whole, struct shoal_err *err)
{
    const char *method = shoal_request_method(request);
    bool changes =
        strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0 && strcmp(method, "OPTIONS") != 0;
    if (!changes || !call->viewer.by_cookie || is_same_origin(request)) {
        return 0;
    }
    const char *wanted = shoal_csrf(call, request);
    if (equals(shoal_request_header(request, "x-shoal-csrf"), wanted)) {
        return 0;
    }
    if (!is_whole) {
        return SHOAL_LATER;
    }
    const json_t *body = shoal_request_body(request, NULL);
    if (equals(json_string_value(json_object_get(body, "csrf")), wanted)) {
        return 0;
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN,
        "this form is too old or comes from another site: load the page again");
}

int shoal_dispatch_enter(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_route *route, const struct shoal_plugin *owner, struct shoal_err *err)
{
    if (route->rate == SHOAL_RATE_NONE || !shoal_hook_heard("route.enter")) {
        return 0;
    }
    static const char *const kinds[] = {"anonymous", "user", "actor", "system"};
    json_t *payload = json_pack("{s:s, s:s, s:s, s:{s:s, s:s?, s:s?}, s:{s:s?, s:s?}}", "method",
        shoal_request_method(request), "path", shoal_request_path(request), "owner",
        owner ? owner->id.name : "core", "visitor", "kind", kinds[call->viewer.kind], "user",
        call->viewer.username, "address_prefix", shoal_request_address_prefix(request), "headers",
        "user-agent", shoal_request_header(request, "user-agent"), "accept-language",
        shoal_request_header(request, "accept-language"));
    if (!payload) {
        return shoal_fail(err, SHOAL_EINVAL, "the request's headers are not UTF-8");
    }
    struct shoal_decision decision;
    enum shoal_verdict verdict = shoal_fire_decide(call, "route.enter", payload, &decision);
    json_decref(payload);
    if (verdict == SHOAL_PASS) {
        return 0;
    }
    const char *why = decision.sentence[0] ? decision.sentence : "this request was refused";
    return shoal_fail(err, decision.failed ? SHOAL_EBUSY : SHOAL_EFORBIDDEN, "%s", why);
}
