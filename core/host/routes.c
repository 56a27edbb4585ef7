// routes.c - routes of plugins.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/http.h>

#include <string.h>

#include "base/sized.h"
#include "host/host_priv.h"
#include "host/permissions.h"

struct taken {
    const struct shoal_route *route;
    const char *plugin;
};

static void find_taken(const struct shoal_route *route, struct shoal_plugin *owner, void *arg)
{
    struct taken *taken = arg;
    bool is_same = strcmp(route->method, taken->route->method) == 0 &&
                   strcmp(route->path, taken->route->path) == 0;
    if (is_same && owner) {
        taken->plugin = owner->id.name;
    }
}

int shoal_route_add_sized(struct shoal_plugin *self, const struct shoal_route *theirs,
    size_t route_bytes, struct shoal_err *err)
{
    struct shoal_router *router = shoal_host_get()->options.router;
    struct shoal_route route;
    shoal_sized_copy(&route, sizeof(route), theirs, route_bytes);
    if (!route.path || !route.method || !route.handler) {
        return shoal_fail(err, SHOAL_EINVAL, "a route of %s lacks its method, path or handler",
            self ? self->id.name : "core");
    }
    if (route.quick && (route.auth != SHOAL_AUTH_NONE || route.body != SHOAL_BODY_NONE ||
                           route.head || route.cache_s > 0)) {
        return shoal_fail(err, SHOAL_EINVAL,
            "route %s %s is quick: it can have no auth, no body, no head handler and no cache_s",
            route.method, route.path);
    }
    int code = shoal_plugin_may_register(self, route.path, err);
    code = code < 0 ? code : shoal_permission_need(self, "routes", route.path, err);
    if (code < 0 || !router) {
        return code; // a command has no router: what is answered does not matter there
    }
    code = shoal_router_add(router, &route, self, err);
    if (code == SHOAL_ECONFLICT) {
        struct taken taken = {.route = &route, .plugin = "another"};
        shoal_router_each(router, find_taken, &taken);
        shoal_fail(err, code, "plugin %s answers %s %s already, and stands before %s in shoal.lua",
            taken.plugin, route.method, route.path, self ? self->id.name : "it");
    }
    return code;
}
