// core_routes.c - what the core itself answers: /health and /metrics.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/json.h>

#include "host/host.h"
#include "host/registry_priv.h"
#include "net/request.h"

static int answer_health(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    // Host and scheme as they arrive here: `shoal doctor` compares them with the public address.
    json_t *health = shoal_host_health();
    const char *host = shoal_request_sent_host(request);
    json_object_set_new(health, "host", json_string(host ? host : ""));
    json_object_set_new(health, "scheme", json_string(shoal_request_scheme(request)));
    return shoal_answer_json(request, 200, health);
}

static int answer_metrics(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    json_t *allowed = shoal_instance_setting("metrics.allow");
    const char *address = shoal_request_address(request);
    bool may = shoal_cidr_lists(allowed, address);
    json_decref(allowed);
    if (!may) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "metrics are for the addresses that metrics.allow lists");
    }
    struct shoal_buf text = {0};
    int code = shoal_metrics_text(call, &text);
    if (code == 0) {
        code = shoal_answer_bytes(request, 200,
            "application/openmetrics-text; version=1.0.0; charset=utf-8", text.data, text.length);
    }
    shoal_buf_fini(&text);
    return code;
}

int shoal_core_routes_add(struct shoal_router *router, struct shoal_err *err)
{
    static const struct shoal_route routes[] = {
        {.method = "GET",
            .path = "/health",
            .handler = answer_health,
            .auth = SHOAL_AUTH_NONE,
            .rate = SHOAL_RATE_NONE},
        {.method = "GET",
            .path = "/metrics",
            .handler = answer_metrics,
            .auth = SHOAL_AUTH_NONE,
            .rate = SHOAL_RATE_NONE},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]) && code == 0; i++) {
        code = shoal_router_add(router, &routes[i], NULL, err);
    }
    return code;
}
