// federation_server.c - which instances follow this one and whom it follows, as administrators see it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <shoal/follows.h>

#include <paging.h>
#include <urlhost.h>

#include "federation_inbox.h"

#define LIST_MAX 100
#define FOLLOWS_AT_ONCE_MAX 100
#define HANDLE_MAX 320
#define FOLLOW_MS 20000 // another server is asked

static int list_get(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    static const char *const names[] = {"state", "actorType", "search", "sort", "host"};
    const char *side = arg;
    int64_t start = 0, count = 15;
    int code = paging_read(request, LIST_MAX, &start, &count, err);
    if (code != 0) {
        return code;
    }
    json_t *query = json_pack("{s:s, s:I, s:I}", side, "peertube", "start", (json_int_t)start,
        "count", (json_int_t)count);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = shoal_request_query(request, names[i]);
        if (value != NULL) {
            json_object_set_new(query, names[i], json_string(value));
        }
    }
    json_t *answer = shoal_follow_list(call, query, err);
    json_decref(query);
    return answer != NULL ? shoal_answer_json(request, 200, answer) : err->code;
}

// The actor of a host is the one that its nodeinfo names, or "peertube" of it.
static bool read_application(struct shoal_call *call, const char *host, const char *text,
    size_t length, struct shoal_actor *actor)
{
    json_t *document = shoal_json_parse(text, length, NULL);
    bool found = false;
    size_t i;
    json_t *link;
    json_array_foreach(json_object_get(document, "links"), i, link)
    {
        const char *href = fed_id(json_object_get(link, "href"));
        const char *rel = shoal_text(link, "rel", "");
        if (strcmp(rel, "https://www.w3.org/ns/activitystreams#Application") == 0 && href != NULL &&
            fed_url_host(call, href) != NULL && strcmp(fed_url_host(call, href), host) == 0) {
            found = fed_actor(call, href, 0, actor, fed_err(call, NULL)) == 0;
            break;
        }
    }
    json_decref(document);
    return found;
}

int fed_host_actor(struct shoal_call *call, const char *host, struct shoal_actor *actor,
    struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    if (fed_blocked(call, host)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is blocked here", host);
    }
    const char *scheme = urlhost_scheme(shoal_url(call, ""), fed_is_private());
    struct shoal_fetch what = {
        .url = shoal_arena_printf(arena, "%s://%s/.well-known/nodeinfo", scheme, host),
        .max_bytes = 65536,
        .timeout_ms = 7000};
    struct shoal_fetched answer = {0};
    int code = shoal_fetch(call, &what, &answer, err);
    if (code == 0 && answer.status == 200 &&
        read_application(call, host, answer.body, answer.body_bytes, actor)) {
        return 0;
    }
    if (code == SHOAL_EFORBIDDEN) {
        return code;
    }
    code = fed_handle(call, shoal_arena_printf(arena, "peertube@%s", host), actor, err);
    return code == 0 ? 0
                     : shoal_fail(err, code == SHOAL_EFORBIDDEN ? code : SHOAL_EUPSTREAM,
                           "%.200s does not answer as a server that can be followed", host);
}

// "name@host" of an actor that is known here: whom it no longer follows may be long gone, and is not asked who it is.
static int find_known(struct shoal_call *call, const char *handle, const char *field,
    struct shoal_actor *actor, struct shoal_err *err)
{
    const char *at = strchr(handle, '@');
    if (at == NULL || at == handle) {
        return shoal_fail_field(err, field, "this is not like name@videos.example.org");
    }
    const char *name = shoal_arena_strndup(shoal_call_arena(call), handle, (size_t)(at - handle));
    return shoal_actor_named(call, name, at + 1, actor, err);
}

// As PeerTube's lists have it: a host or a handle, nothing around it.
static bool is_name(const char *name)
{
    return name[0] != '\0' && strlen(name) <= HANDLE_MAX && strpbrk(name, " /\t\r\n") == NULL;
}

// The server of a host that is followed, which need not call itself "peertube".
static int find_followed(struct shoal_call *call, const char *host, struct shoal_actor *actor,
    struct shoal_err *err)
{
    json_t *query = json_pack("{s:s, s:s, s:s, s:i, s:i}", "follower", "peertube", "host", host, "actorType",
        "Application", "start", 0, "count", 1);
    json_t *list = shoal_follow_list(call, query, err);
    json_decref(query);
    if (list == NULL) {
        return err->code;
    }
    int code = shoal_actor_named(call, shoal_text(list, "data.0.following.name", "peertube"), host, actor, err);
    json_decref(list);
    return code;
}

static int needs_federation(struct shoal_call *call, struct shoal_err *err)
{
    return fed_enabled(call) ? 0
                             : shoal_fail(err, SHOAL_ECONFLICT,
                                   "this server does not federate: it needs a fixed url");
}

const char *fed_name_read(struct shoal_call *call, const char *text)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    size_t length = text != NULL ? strnlen(text, HANDLE_MAX + 1) : 0;
    if (length == 0 || length > HANDLE_MAX) {
        return NULL;
    }
    text += strspn(text, " \t");
    text += strncasecmp(text, "https://", 8) == 0 ? 8 : strncasecmp(text, "http://", 7) == 0 ? 7 : 0;
    bool is_handle = text[0] == '@';
    text += is_handle;
    const char *name = shoal_arena_strndup(arena, text, strcspn(text, " \t/"));
    const char *rest = text + strlen(name);
    const char *at = strchr(name, '@');
    bool is_bad = name[0] == '\0' || at == name || (is_handle && at == NULL) || rest[strspn(rest, " \t/")] != '\0' ||
                  strpbrk(name, "?#\\\"<>\r\n") != NULL ||
                  (at != NULL && (at[1] == '\0' || strchr(at + 1, '@') != NULL));
    return is_bad ? NULL : name;
}

int fed_server_follow(struct shoal_call *call, const char *text, bool follows,
    struct shoal_err *err)
{
    struct shoal_actor self, target;
    const char *name = fed_name_read(call, text);
    bool is_host = name != NULL && strchr(name, '@') == NULL;
    const char *host = is_host ? fed_url_host(call, shoal_arena_printf(shoal_call_arena(call), "https://%s", name))
                               : NULL;
    int code = follows ? needs_federation(call, err) : 0;
    code = code != 0 ? code : fed_self(call, &self, err);
    if (code == 0 && (name == NULL || (is_host && host == NULL))) {
        code = shoal_fail(err, SHOAL_EINVAL,
            "\"%.80s\" is no host like videos.example.org, and no handle like name@videos.example.org", text);
    }
    if (code == 0 && is_host) {
        code = strcmp(host, fed_host(call)) == 0
                   ? shoal_fail(err, SHOAL_ECONFLICT, "a server cannot follow itself")
               : follows ? fed_host_actor(call, host, &target, err)
                         : find_followed(call, host, &target, err);
    } else if (code == 0) {
        code = follows ? fed_handle(call, name, &target, err)
                       : find_known(call, name, "hostOrHandle", &target, err);
    }
    code = code != 0 ? code : fed_follow(call, self.id, target.id, follows, err);
    return code == SHOAL_ENOTFOUND && !follows
               ? shoal_fail(err, code, "this server does not follow %.200s", name)
               : code;
}

static int follow_job(struct shoal_call *call, const struct shoal_job *job, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return fed_server_follow(call, shoal_text(job->payload, "name", ""), true, err);
}

static int queue_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const json_t *names = arg;
    int code = 0;
    size_t i;
    json_t *name;
    json_array_foreach(names, i, name)
    {
        json_t *payload = json_pack("{s:O}", "name", name);
        struct shoal_job_options options = {
            .unique = json_string_value(name), .subject = json_string_value(name)};
        code = code != 0 ? code
                         : shoal_job_add(fed_plugin, tx, "follow", payload, &options, NULL, err);
        json_decref(payload);
    }
    return code;
}

static int gather(json_t *names, const json_t *body, const char *field, struct shoal_err *err)
{
    const json_t *list = json_object_get(body, field);
    size_t i;
    json_t *item;
    if (list != NULL && !json_is_array(list)) {
        return shoal_fail_field(err, field, "%s is a list", field);
    }
    json_array_foreach(list, i, item)
    {
        const char *text = json_string_value(item);
        if (text == NULL || !is_name(text) ||
            (strcmp(field, "hosts") == 0) == (strchr(text, '@') != NULL)) {
            return shoal_fail_field(err, field, strcmp(field, "hosts") == 0
                    ? "a host is a name like videos.example.org"
                    : "a handle is like name@videos.example.org");
        }
        json_array_append(names, item);
    }
    return 0;
}

// One is followed at once, so that who asked hears what is wrong; of several each has its job.
static int following_post(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    if (needs_federation(call, err) != 0) {
        return err->code;
    }
    json_t *names = json_array();
    int code = gather(names, body, "hosts", err);
    code = code != 0 ? code : gather(names, body, "handles", err);
    size_t count = json_array_size(names);
    if (code == 0 && (count == 0 || count > FOLLOWS_AT_ONCE_MAX)) {
        code = shoal_fail_field(err, "hosts", "1 to %d hosts or handles can be followed at once", FOLLOWS_AT_ONCE_MAX);
    }
    if (code == 0) {
        code = count == 1 ? fed_server_follow(call, json_string_value(json_array_get(names, 0)), true, err)
                          : shoal_tx(call, queue_tx, names, err);
    }
    json_decref(names);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static int following_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    int code = fed_server_follow(call, shoal_request_param(request, "hostOrHandle"), false, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static int find_follower(struct shoal_call *call, const char *handle, struct shoal_follow *follow,
    struct shoal_err *err)
{
    struct shoal_actor self, follower;
    int code = fed_self(call, &self, err);
    code = code != 0 ? code : find_known(call, handle, "handle", &follower, err);
    return code != 0 ? code : shoal_follow_get(call, follower.id, self.id, follow, err);
}

static int follower_change(struct shoal_call *call, struct shoal_request *request,
    enum shoal_follow_state state, struct shoal_err *err)
{
    struct shoal_follow follow = {0};
    int code = find_follower(call, shoal_request_param(request, "handle"), &follow, err);
    if (code == 0 && state == SHOAL_FOLLOW_NONE) {
        code = shoal_follow_remove(call, follow.follower_id, follow.target_id, false, err);
    } else if (code == 0) {
        follow.state = state;
        follow.by_peer = false;
        code = shoal_follow_put(call, &follow, err);
    }
    return code != 0 ? code : shoal_answer_status(request, 204);
}

static int follower_accept(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return follower_change(call, request, SHOAL_FOLLOW_ACCEPTED, err);
}

static int follower_reject(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return follower_change(call, request, SHOAL_FOLLOW_REJECTED, err);
}

static int follower_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)arg;
    return follower_change(call, request, SHOAL_FOLLOW_NONE, err);
}

// One field for both, as somebody types it; /server/following wants them apart.
static int follow_post(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    const json_t *body = shoal_request_body(request, err);
    const char *name = body != NULL ? fed_name_read(call, shoal_text(body, "name", NULL)) : NULL;
    if (name == NULL) {
        return body == NULL ? err->code
                            : shoal_fail_field(err, "name",
                                  "a server is a name like videos.example.org, somebody there is name@videos.example.org");
    }
    if (!fed_enabled(call)) {
        return shoal_fail(err, SHOAL_ECONFLICT, "this server does not federate: it needs a fixed url");
    }
    int code = fed_server_follow(call, name, true, err);
    return code != 0 ? code : shoal_answer_status(request, 204);
}

int fed_server_start(struct shoal_plugin *self, struct shoal_err *err)
{
    const struct shoal_route routes[] = {
        {.method = "GET",
            .path = "/api/v1/server/followers",
            .handler = list_get,
            .arg = (void *)"target",
            .cors = true},
        {.method = "GET",
            .path = "/api/v1/server/following",
            .handler = list_get,
            .arg = (void *)"follower",
            .cors = true},
        {.method = "POST",
            .path = "/api/v1/server/following",
            .handler = following_post,
            .auth = SHOAL_AUTH_ADMIN,
            .body = SHOAL_BODY_DATA,
            .timeout_ms = 30000,
            .rate = SHOAL_RATE_WRITE,
            .cors = true},
        {.method = "POST",
            .path = "/api/v1/federation/following",
            .handler = follow_post,
            .auth = SHOAL_AUTH_ADMIN,
            .body = SHOAL_BODY_DATA,
            .timeout_ms = FOLLOW_MS,
            .rate = SHOAL_RATE_WRITE,
            .cors = true},
        {.method = "DELETE",
            .path = "/api/v1/server/following/{hostOrHandle}",
            .handler = following_delete,
            .auth = SHOAL_AUTH_ADMIN,
            .cors = true},
        {.method = "POST",
            .path = "/api/v1/server/followers/{handle}/accept",
            .handler = follower_accept,
            .auth = SHOAL_AUTH_ADMIN,
            .body = SHOAL_BODY_DATA,
            .cors = true},
        {.method = "POST",
            .path = "/api/v1/server/followers/{handle}/reject",
            .handler = follower_reject,
            .auth = SHOAL_AUTH_ADMIN,
            .body = SHOAL_BODY_DATA,
            .cors = true},
        {.method = "DELETE",
            .path = "/api/v1/server/followers/{handle}",
            .handler = follower_delete,
            .auth = SHOAL_AUTH_ADMIN,
            .cors = true},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && code == 0; i++) {
        code = shoal_route_add(self, &routes[i], err);
    }
    struct shoal_job_kind kind = {.kind = "follow", .run = follow_job, .concurrency = 2};
    return code != 0 ? code : shoal_job_kind_add(self, &kind, err);
}
