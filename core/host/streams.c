// streams.c - WebSocket endpoints, server-sent events and listeners that plugins add.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <shoal/stream.h>
#include <shoal/topics.h>

#include "base/alloc.h"
#include "base/sized.h"
#include "host/host_priv.h"
#include "host/permissions.h"
#include "net/stream.h"

/// One event, with its JSON.
#define EVENT_MAX (4u << 20)

struct endpoint {
    struct shoal_socket_route route;
    struct shoal_stream_ops ops;
    struct shoal_plugin *owner;
};

static int upgrade(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct endpoint *endpoint = arg;
    const struct shoal_socket_route *route = &endpoint->route;
    void *state = NULL;
    if (route->any_origin && call->viewer.by_cookie) {
        call->viewer = (struct shoal_viewer){.role = SHOAL_ROLE_USER};
    }
    int code = shoal_websocket_check(request, route, err);
    code = code == 0 && route->ops->open ? route->ops->open(call, request, route->arg, &state, err)
                                        : code;
    if (code < 0) {
        return code;
    }
    code = shoal_websocket_answer(request, route, endpoint->owner, state, err);
    if (code < 0 && route->ops->closed) {
        route->ops->closed(0, state, 1006);
    }
    return code;
}

int shoal_socket_add_sized(struct shoal_plugin *self, const struct shoal_socket_route *theirs,
    size_t route_bytes, size_t ops_bytes, struct shoal_err *err)
{
    struct endpoint *endpoint = shoal_arena_alloc(self->arena, sizeof(*endpoint));
    struct shoal_socket_route *route = &endpoint->route;
    shoal_sized_copy(route, sizeof(*route), theirs, route_bytes);
    if (!route->path || !route->ops) {
        return shoal_fail(
            err, SHOAL_EINVAL, "a socket of %s lacks its path or its ops", self->id.name);
    }
    shoal_sized_copy(&endpoint->ops, sizeof(endpoint->ops), route->ops, ops_bytes);
    route->ops = &endpoint->ops;
    route->path = shoal_arena_strdup(self->arena, route->path);
    endpoint->owner = self;
    const struct shoal_route http = {.method = "GET",
        .path = endpoint->route.path,
        .handler = upgrade,
        .arg = endpoint,
        .auth = (enum shoal_auth)route->auth};
    return shoal_route_add(self, &http, err);
}

/// Events that repeat a topic: the subscription ends with the stream.
struct relay {
    struct shoal_stream_ops ops; ///< of the plugin
    void *state;
    char *topic;
    struct shoal_plugin *owner;
    _Atomic(uint64_t) subscription;
    _Atomic(shoal_stream) stream;
};

static void relay_message(const char *topic, const json_t *message, void *arg)
{
    struct relay *relay = arg;
    shoal_stream stream = atomic_load(&relay->stream);
    if (stream) {
        shoal_stream_event(stream, topic, message);
    }
}

static void relay_opened(shoal_stream stream, void *state)
{
    struct relay *relay = state;
    atomic_store(&relay->stream, stream);
    if (relay->ops.opened) {
        relay->ops.opened(stream, relay->state);
    }
}

static void relay_closed(shoal_stream stream, void *state, int code)
{
    struct relay *relay = state;
    uint64_t subscription = atomic_exchange(&relay->subscription, 0);
    if (subscription) {
        shoal_unsubscribe(subscription);
    }
    if (relay->ops.closed) {
        relay->ops.closed(stream, relay->state, code);
    }
    free(relay->topic);
    free(relay);
}

static void relay_drained(shoal_stream stream, void *state)
{
    struct relay *relay = state;
    if (relay->ops.drained) {
        relay->ops.drained(stream, relay->state);
    }
}

int shoal_answer_events_sized(struct shoal_request *request, const char *topic,
    const struct shoal_stream_ops *ops, size_t ops_bytes, void *state, struct shoal_err *err)
{
    struct shoal_call *call = shoal_call_current();
    struct shoal_plugin *owner = call ? shoal_call_plugin(call) : NULL;
    struct shoal_stream_ops mine;
    shoal_sized_copy(&mine, sizeof(mine), ops, ops_bytes);
    if (!topic) {
        return shoal_events_answer(request, &mine, owner, state, err);
    }
    if (shoal_permission_need(owner, "topics", NULL, err) < 0) {
        return SHOAL_EFORBIDDEN;
    }
    static const struct shoal_stream_ops relayed = {
        .opened = relay_opened, .drained = relay_drained, .closed = relay_closed};
    struct relay *relay = shoal_alloc(1, sizeof(*relay));
    relay->ops = mine;
    relay->state = state;
    relay->owner = owner;
    relay->topic = shoal_dup(topic);
    uint64_t subscription = shoal_subscribe(owner, relay->topic, relay_message, relay);
    atomic_store(&relay->subscription, subscription);
    int code = subscription ? shoal_events_answer(request, &relayed, owner, relay, err)
                            : shoal_fail(err, SHOAL_EBUSY, "too many listen to messages already");
    if (code < 0) {
        if (subscription) {
            shoal_unsubscribe(subscription);
        }
        free(relay->topic);
        free(relay);
    }
    return code;
}

int shoal_stream_event(shoal_stream stream, const char *event, const json_t *data)
{
    struct shoal_buf text = {.limit = EVENT_MAX};
    char *json = json_dumps(data, JSON_ENCODE_ANY | JSON_COMPACT);
    bool is_named = event && *event && !strpbrk(event, "\r\n");
    int code = json ? 0 : SHOAL_EINVAL;
    if (code == 0 && is_named) {
        code = shoal_buf_printf(&text, "event: %s\n", event);
    }
    code = code < 0 ? code : shoal_buf_printf(&text, "data: %s\n\n", json ? json : "");
    code = code < 0 ? code : shoal_stream_send(stream, text.data, text.length, true);
    shoal_buf_fini(&text);
    free(json);
    return code;
}
