// federation_resolve.c - from a URL or a handle that somebody typed to what it names, fetched if need be.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "federation_inbox.h"

static json_t *actor_json(const struct shoal_actor *actor)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "type", actor->kind, "id", actor->url, "actor",
        (json_int_t)actor->id, "name", actor->name, "host", actor->host);
}

static json_t *video_json(const struct shoal_video_ref *video)
{
    return json_pack(
        "{s:s, s:s, s:s}", "type", "Video", "id", video->url, "video", video->uuid);
}

static json_t *find_known(struct shoal_call *call, const char *url)
{
    struct shoal_video_ref video;
    struct shoal_actor actor;
    if (shoal_video_by_url(call, url, &video, NULL) == 0) {
        return video_json(&video);
    }
    return shoal_actor_find(call, url, &actor, NULL) == 0 ? actor_json(&actor) : NULL;
}

// The author that an object names first on its own server: that one says that it exists.
static int find_author(struct shoal_call *call, const char *id, const json_t *object,
    struct shoal_actor *author, struct shoal_err *err)
{
    const json_t *named = json_object_get(object, "attributedTo");
    const json_t *first = json_is_array(named) ? json_array_get(named, 0) : named;
    const char *url = fed_id(first);
    if (url == NULL || !fed_same_host(call, id, url)) {
        return shoal_fail(err, SHOAL_EUPSTREAM, "%.200s does not say whose it is", id);
    }
    return fed_actor(call, url, 0, author, err);
}

static int receive(struct shoal_call *call, const char *id, const json_t *object,
    struct shoal_err *err)
{
    const char *kind = shoal_text(object, "type", "");
    const struct shoal_federated *type = fed_type_find(kind);
    struct shoal_actor author;
    if (type == NULL) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "%.200s is a %.40s, which nobody here keeps", id, kind);
    }
    int code = find_author(call, id, object, &author, err);
    if (code == 0 && !fed_may_say(call, &author, "Create", type, id, object, err)) {
        return SHOAL_EFORBIDDEN;
    }
    json_t *activity = json_pack("{s:s, s:s, s:s, s:O}", "type", "Create", "id", id, "actor",
        code == 0 ? author.url : "", "object", object);
    struct shoal_activity what = {.id = id,
        .type = "Create",
        .activity = activity,
        .object = object,
        .object_id = id,
        .object_type = kind,
        .actor = &author,
        .is_fetched = true,
        .is_crawled = true};
    code = code != 0 ? code : fed_type_receive(call, type, &what, err);
    json_decref(activity);
    return code;
}

static json_t *fetch(struct shoal_call *call, const char *url, struct shoal_err *err)
{
    json_t *object = fed_fetch_link(call, url, err);
    if (object == NULL) {
        return NULL;
    }
    const char *id = fed_id(json_object_get(object, "id"));
    const char *kind = shoal_text(object, "type", "");
    json_t *answer = NULL;
    struct shoal_actor actor;
    if (id == NULL) {
        shoal_fail(err, SHOAL_EUPSTREAM, "what %.200s answers has no id", url);
    } else if (fed_is_actor(kind)) {
        answer = fed_actor_keep(call, object, &actor, err) == 0 ? actor_json(&actor) : NULL;
    } else if (receive(call, id, object, err) == 0) {
        answer = find_known(call, id);
        answer = answer != NULL ? answer : json_pack("{s:s, s:s}", "type", kind, "id", id);
    }
    json_decref(object);
    return answer;
}

json_t *fed_resolve(struct shoal_call *call, const char *what, struct shoal_err *err)
{
    if (!fed_enabled(call)) {
        shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
        return NULL;
    }
    if (strlen(what) > FED_URL_MAX) {
        shoal_fail(err, SHOAL_EINVAL, "this is too long for a URL");
        return NULL;
    }
    if (strstr(what, "://") == NULL) {
        struct shoal_actor actor;
        return fed_handle(call, what, &actor, err) == 0 ? actor_json(&actor) : NULL;
    }
    const char *host = fed_url_host(call, what);
    if (host == NULL) {
        shoal_fail(err, SHOAL_EINVAL, "%.200s is no URL that this server asks", what);
        return NULL;
    }
    json_t *known = find_known(call, what);
    if (known != NULL) {
        return known;
    }
    if (strcmp(host, fed_host(call)) == 0) {
        shoal_fail(err, SHOAL_ENOTFOUND, "there is nothing at %.200s", what);
        return NULL;
    }
    if (fed_blocked(call, host)) {
        shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is blocked here", host);
        return NULL;
    }
    return fetch(call, what, err);
}
