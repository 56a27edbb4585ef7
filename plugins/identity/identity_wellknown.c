// identity_wellknown.c - WebFinger and host-meta: from a handle to the actor that it names.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "identity.h"

#define CACHE_S 60

static json_t *finger_make(struct shoal_call *call, const char *resource, const struct shoal_actor *actor)
{
    return json_pack("{s:s, s:[s], s:[{s:s, s:s, s:s}, {s:s, s:s}]}", "subject", resource, "aliases", actor->url,
        "links", "rel", "self", "type", "application/activity+json", "href", actor->url, "rel",
        "http://ostatus.org/schema/1.0/subscribe", "template",
        shoal_arena_printf(shoal_call_arena(call), "%s?uri={uri}", shoal_url(call, "/remote-interaction")));
}

static int webfinger(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_actor actor;
    struct shoal_err unknown = {0};
    const char *resource = shoal_request_query(request, "resource");
    int code = SHOAL_ENOTFOUND;
    if (!who_enabled(call)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    }
    if (resource == NULL || strlen(resource) > WHO_URL_MAX) {
        return shoal_fail_field(err, "resource", "resource has to be acct:name@%s", who_host(call));
    }
    if (who_is_ours(call, resource)) {
        code = shoal_actor_find(call, resource, &actor, &unknown);
    } else {
        const char *handle = strncmp(resource, "acct:", 5) == 0 ? resource + 5 : "";
        handle += *handle == '@';
        size_t length = strcspn(handle, "@");
        const char *host = handle[length] == '@' ? who_host_of(call, handle + length + 1, "443") : NULL;
        if (length == 0 || host == NULL || strpbrk(handle, "/?#") != NULL || strcmp(host, who_host(call)) != 0) {
            return shoal_fail_field(err, "resource", "resource has to be acct:name@%s", who_host(call));
        }
        code = shoal_actor_named(call, shoal_arena_strndup(shoal_call_arena(call), handle, length), "",
            &actor, &unknown);
    }
    if (code != 0) {
        return shoal_fail(err, code, code == SHOAL_ENOTFOUND ? "there is nobody called %.200s" : "%.200s cannot be looked up",
            resource);
    }
    return shoal_answer_json(request, 200, finger_make(call, resource, &actor));
}

static int host_meta(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    if (!who_enabled(call)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    }
    const char *text = shoal_arena_printf(shoal_call_arena(call),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<XRD xmlns=\"http://docs.oasis-open.org/ns/xri/xrd-1.0\">\n"
        "  <Link rel=\"lrdd\" type=\"application/xrd+xml\" template=\"%s?resource={uri}\"/>\n"
        "</XRD>\n",
        shoal_url(call, "/.well-known/webfinger"));
    return shoal_answer_bytes(request, 200, "application/xrd+xml; charset=utf-8", text, strlen(text));
}

int who_wellknown_start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct shoal_route route = {.method = "GET",
        .path = "/.well-known/webfinger",
        .handler = webfinger,
        .auth = SHOAL_AUTH_NONE,
        .cache_s = CACHE_S,
        .cors = true};
    int code = shoal_route_add(self, &route, err);
    route.path = "/.well-known/host-meta";
    route.handler = host_meta;
    return code == 0 ? shoal_route_add(self, &route, err) : code;
}
