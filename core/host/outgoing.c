// outgoing.c - the one way out for plugins: permission, then the guarded fetcher.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "base/sized.h"
#include "host/outgoing.h"
#include "host/permissions.h"
#include "host/plugin_priv.h"
#include "net/fetcher.h"

/// The host of a URL, without user, port and brackets.
static const char *host_of(struct shoal_arena *arena, const char *url)
{
    const char *at = strstr(url, "://");
    at = at ? at + 3 : url;
    size_t length = strcspn(at, "/?#");
    const char *user = memrchr(at, '@', length);
    if (user) {
        length -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    size_t name = *at == '[' ? strcspn(at, "]") + 1 : strcspn(at, ":");
    return shoal_arena_strndup(arena, at, name < length ? name : length);
}

/// A redirect may lead to another host, for which the permission counts as well.
static bool may_ask(struct shoal_call *call, const char *url)
{
    return shoal_permitted(shoal_call_plugin(call), "http", host_of(shoal_call_arena(call), url));
}

int shoal_fetch_sized(struct shoal_call *call, const struct shoal_fetch *what, size_t what_bytes,
    struct shoal_fetched *fetched, size_t fetched_bytes, struct shoal_err *err)
{
    struct shoal_fetch mine;
    struct shoal_fetched got = {0};
    shoal_sized_copy(&mine, sizeof(mine), what, what_bytes);
    const char *host = host_of(shoal_call_arena(call), mine.url);
    int code = shoal_permission_need(shoal_call_plugin(call), "http", host, err);
    if (code == 0) {
        code = shoal_fetcher_run(call, &mine, may_ask, &got, err);
        shoal_sized_copy(fetched, fetched_bytes, &got, sizeof(got));
    }
    return code;
}

int shoal_flight_begin_sized(struct shoal_call *call, struct shoal_flight *flight,
    const struct shoal_fetch *what, size_t what_bytes, void *mark, struct shoal_err *err)
{
    struct shoal_fetch mine;
    shoal_sized_copy(&mine, sizeof(mine), what, what_bytes);
    const char *host = host_of(shoal_call_arena(call), mine.url);
    int code = shoal_permission_need(shoal_call_plugin(call), "http", host, err);
    return code != 0 ? code : shoal_fetcher_begin(flight, &mine, mark, err);
}

int shoal_flight_take_sized(struct shoal_flight *flight, int64_t wait_ms, void **mark,
    struct shoal_fetched *fetched, size_t fetched_bytes, int *code, struct shoal_err *err)
{
    struct shoal_fetched got = {0};
    int taken = shoal_fetcher_take(flight, wait_ms, mark, &got, code, err);
    shoal_sized_copy(fetched, fetched_bytes, &got, sizeof(got));
    return taken;
}

int shoal_fetch_open(struct shoal_plugin *self, const char *network, struct shoal_err *err)
{
    int code = shoal_permission_need(self, "http", "any", err);
    return code == 0 ? shoal_fetcher_allow(network, err) : code;
}

int shoal_outgoing_start(
    const char *user_agent, const json_t *private_networks, struct shoal_err *err)
{
    struct shoal_guard guard = {0};
    size_t index;
    const json_t *network;
    json_array_foreach(private_networks, index, network)
    {
        int code = shoal_guard_allow(
            &guard, json_is_string(network) ? json_string_value(network) : "", err);
        if (code != 0) {
            return code;
        }
    }
    return shoal_fetcher_start(user_agent, &guard, err);
}
