// delivery_hosts.c - other servers as deliveries find them, for administrators.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/http.h>

#include <paging.h>

#include "delivery.h"

#define LIST_MAX 100

SHOAL_SQL(hosts_count, "SELECT COUNT(*) FROM delivery_host");

// A time as the API has it; null: never.
static json_t *time_json(int64_t time_ms)
{
    char text[32];
    return time_ms == 0 ? json_null() : json_string(shoal_time_format(time_ms, text));
}

static json_t *host_json(const json_t *host)
{
    int64_t next_ms = shoal_integer(host, "next_ms", 0);
    const char *why = shoal_text(host, "last_error", "");
    return json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:s?}", "host",
        shoal_text(host, "host", ""), "state", shoal_text(host, "state", ""), "waiting",
        (json_int_t)shoal_integer(host, "waiting", 0), "failures",
        (json_int_t)shoal_integer(host, "failures", 0), "lastReachedAt",
        time_json(shoal_integer(host, "last_ok_ms", 0)), "silentSince",
        time_json(shoal_integer(host, "silent_since_ms", 0)), "nextTryAt",
        time_json(next_ms > shoal_now_ms() ? next_ms : 0), "lastError",
        why[0] != '\0' ? why : NULL);
}

static int hosts_get(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int64_t start = 0, count = 15, total = 0;
    int code = paging_read(request, LIST_MAX, &start, &count, err);
    code = code != 0 ? code
                     : shoal_db_i64(shoal_call_db(call), &hosts_count, SHOAL_NOARGS, &total, err);
    json_t *hosts = code != 0 ? NULL : dlv_hosts(call, NULL, (int)start, (int)count, err);
    if (hosts == NULL) {
        return code != 0 ? code : err->code;
    }
    json_t *data = json_array();
    size_t index;
    const json_t *host;
    json_array_foreach(hosts, index, host)
    {
        json_array_append_new(data, host_json(host));
    }
    json_decref(hosts);
    return shoal_answer_json(
        request, 200, json_pack("{s:I, s:o}", "total", (json_int_t)total, "data", data));
}

static int host_retry(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    int code = dlv_host_retry(call, shoal_request_param(request, "host"), err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int dlv_hosts_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET",
            .path = "/api/v1/federation/hosts",
            .handler = hosts_get,
            .auth = SHOAL_AUTH_ADMIN,
            .cors = true},
        {.method = "POST",
            .path = "/api/v1/federation/hosts/{host}/retry",
            .handler = host_retry,
            .auth = SHOAL_AUTH_ADMIN,
            .body = SHOAL_BODY_DATA,
            .rate = SHOAL_RATE_WRITE,
            .cors = true},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    return code;
}
