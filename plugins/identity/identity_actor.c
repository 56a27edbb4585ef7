// identity_actor.c - finds actors of other servers, by URL or handle, and reads them anew.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>
#include <strings.h>

#include <urlhost.h>

#include "identity.h"

#define FINGER_MAX 65536

static int actor_fetch(
    struct shoal_call *call, const char *url, struct shoal_actor *actor, struct shoal_err *err)
{
    json_t *document = who_fetch(call, url, err);
    if (document == NULL) {
        return err->code;
    }
    int code = who_is_actor_document(document)
                   ? who_actor_keep(call, document, actor, err)
                   : shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is no actor", url);
    json_decref(document);
    return code;
}

// Who is known stays so while the other server cannot be asked; one that is gone for good goes here too,
// and one whom its server has long not known.
static int actor_refresh(
    struct shoal_call *call, const char *url, struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_err why = {0};
    struct shoal_actor fresh = {0};
    int code = actor_fetch(call, url, &fresh, &why);
    if (code == 0) {
        *actor = fresh;
        return 0;
    }
    bool is_gone = code == SHOAL_EGONE;
    if (code == SHOAL_ENOTFOUND) {
        code = shoal_actor_missing(call, actor->id, &is_gone, err);
    } else {
        code = is_gone ? shoal_actor_remove(call, actor->id, err) : 0;
    }
    if (code == 0 && !is_gone) {
        shoal_debug("%s could not be read anew: %s", url, why.text);
        return 0;
    }
    return code == 0 ? shoal_fail(err, SHOAL_EGONE, "%s", why.text) : code;
}

int who_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_err own = {0}, unknown = {0};
    err = err == NULL ? &own : err;
    url = who_url_bare(call, url);
    const char *host = who_url_host(call, url);
    if (host == NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "%.200s is not the address of an actor", url);
    }
    if (strcmp(host, who_host(call)) == 0) {
        return shoal_actor_find(call, url, actor, err);
    }
    int code = shoal_actor_find(call, url, actor, &unknown);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? actor_fetch(call, url, actor, err)
                                       : shoal_fail(err, code, "%s", unknown.text);
    }
    bool is_old = max_age_ms < 0 || (max_age_ms > 0 && shoal_now_ms() - actor->updated_ms > max_age_ms);
    return is_old ? actor_refresh(call, url, actor, err) : 0;
}

static bool is_json(const char *type)
{
    size_t length = strcspn(type, "; \t");
    return (length == 16 && strncasecmp(type, "application/json", length) == 0) ||
           (length == 20 && strncasecmp(type, "application/jrd+json", length) == 0);
}

// The first link of a WebFinger answer that is an actor; in the arena, NULL without one.
static const char *self_link(struct shoal_call *call, const json_t *answer)
{
    const json_t *links = json_object_get(answer, "links");
    for (size_t i = 0; i < json_array_size(links) && i < 64; i++) {
        const json_t *link = json_array_get(links, i);
        const char *type = shoal_text(link, "type", "application/activity+json");
        const char *href = shoal_text(link, "href", NULL);
        if (strcmp(shoal_text(link, "rel", ""), "self") == 0 && who_is_activity_type(type) &&
            who_url_host(call, href) != NULL) {
            return shoal_arena_strdup(shoal_call_arena(call), href);
        }
    }
    return NULL;
}

static const char *finger(
    struct shoal_call *call, const char *at, const char *handle, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_fetched fetched = {0};
    const char *headers[] = {"Accept: application/jrd+json, application/json", NULL};
    const char *scheme = urlhost_scheme(shoal_url(call, ""), who_is_private(call));
    const struct shoal_fetch what = {.url = shoal_arena_printf(arena,
                                         "%s://%s/.well-known/webfinger?resource=acct:%s", scheme, at,
                                         shoal_url_encode(arena, handle)),
        .headers = headers,
        .max_bytes = FINGER_MAX,
        .timeout_ms = 7000,
        .redirects = 3};
    int code = shoal_fetch(call, &what, &fetched, err);
    if (code != 0) {
        return NULL;
    }
    if (fetched.status == 404 || fetched.status == 410 || fetched.status == 400) {
        shoal_fail(err, SHOAL_ENOTFOUND, "nobody on %s is %s", at, handle);
        return NULL;
    }
    json_t *answer = fetched.status == 200 && is_json(fetched.type)
                         ? shoal_json_parse(fetched.body, fetched.body_bytes, NULL)
                         : NULL;
    const char *link = self_link(call, answer);
    json_decref(answer);
    if (link == NULL) {
        shoal_fail(err, SHOAL_EUPSTREAM, "%s does not say who %s is", at, handle);
    }
    return link;
}

int who_handle(
    struct shoal_call *call, const char *handle, struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_err own = {0};
    err = err == NULL ? &own : err;
    handle += strncmp(handle, "acct:", 5) == 0 ? 5 : 0;
    handle += *handle == '@';
    size_t length = strcspn(handle, "@");
    const char *name = shoal_arena_strndup(arena, handle, length);
    bool is_here = handle[length] == '\0';
    const char *host = is_here ? who_host(call) : who_host_of(call, handle + length + 1, "443");
    if (length == 0 || length > 120 || host == NULL || strpbrk(handle, " /?#\"") != NULL) {
        return shoal_fail(err, SHOAL_EINVAL, "\"%.100s\" is no handle like name@example.org", handle);
    }
    if (strcmp(host, who_host(call)) == 0) {
        return shoal_actor_named(call, name, "", actor, err);
    }
    if (who_blocked(call, host)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%s is blocked here", host);
    }
    handle = shoal_arena_printf(arena, "%s@%s", name, host);
    const char *link = finger(call, host, handle, err);
    const char *other = link == NULL ? NULL : who_url_host(call, link);
    // Handles may be of another host than their actors, if that one says the same.
    if (link != NULL && strcmp(other, host) != 0) {
        const char *again = strcmp(other, who_host(call)) == 0 ? NULL : finger(call, other, handle, err);
        if (again == NULL || strcmp(again, link) != 0) {
            return shoal_fail(err, SHOAL_EFORBIDDEN, "%s does not know %s as its own", other, handle);
        }
    }
    return link == NULL ? err->code : who_actor(call, link, 0, actor, err);
}
