// identity_document.c - answers with ActivityPub documents.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>
#include <string.h>

#include "identity.h"

#define CACHE_S 30

int who_admit(struct shoal_call *call, struct shoal_request *request, struct shoal_err *err)
{
    struct shoal_actor signer;
    if (!who_enabled(call)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    }
    if (!who_wants_signature(call)) {
        return 0;
    }
    shoal_answer_private(request);
    shoal_answer_header(request, "Accept-Signature",
        "sig1=(\"@method\" \"@target-uri\");created;keyid;alg=\"rsa-v1_5-sha256\"");
    int code = who_signer(call, request, &signer, err);
    return code == SHOAL_ENOTFOUND ? shoal_fail(err, SHOAL_EAUTH, "who signed is gone") : code;
}

static json_t *filtered(struct shoal_call *call, const char *hook, const char *key, json_t *payload)
{
    json_t *before = json_object_get(payload, key);
    shoal_fire_filter(call, hook, &payload);
    json_t *after = json_object_get(payload, key);
    json_t *out = json_incref(json_is_object(after) ? after : before);
    json_decref(payload);
    return out;
}

// noun: what the object was made of; there is none where nothing of the catalog is behind it.
static json_t *write_payload(const char *type, const json_t *noun, json_t *object, json_t *context)
{
    json_t *payload = json_pack("{s:s, s:O, s:o}", "type", type, "object", object, "context", context);
    if (noun != NULL) {
        json_object_set(payload, "noun", (json_t *)(uintptr_t)noun);
    }
    return payload;
}

void who_written(struct shoal_call *call, const char *type, const json_t *noun, json_t **object)
{
    if (!shoal_hook_heard("federation.write")) {
        return;
    }
    json_t *payload = write_payload(type, noun, *object, json_array());
    shoal_fire_filter(call, "federation.write", &payload);
    json_t *after = json_object_get(payload, "object"), *terms = json_object_get(payload, "context");
    if (json_is_object(after)) {
        json_incref(after);
        json_decref(*object);
        *object = after;
    }
    if (json_array_size(terms) > 0) {
        json_object_set(*object, "@context", terms);
    }
    json_decref(payload);
}

void who_read(struct shoal_call *call, const char *type, const json_t *object, json_t **draft)
{
    if (shoal_hook_heard("federation.read")) {
        json_t *payload = json_pack("{s:s, s:O, s:O}", "type", type, "object", object, "draft", *draft);
        json_t *out = filtered(call, "federation.read", "draft", payload);
        json_decref(*draft);
        *draft = out;
    }
}

// The context first, as people expect it, then the rest.
static json_t *with_context(json_t *context, json_t *document)
{
    json_t *out = json_pack("{s:o}", "@context", context);
    json_object_del(document, "@context");
    json_object_update(out, document);
    json_decref(document);
    return out;
}

static int send(struct shoal_request *request, int status, json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    if (text == NULL) {
        return SHOAL_EINTERNAL;
    }
    int code = shoal_answer_bytes(request, status, WHO_TYPE, text, strlen(text));
    free(text);
    return code;
}

// Where nobody adds to it the context is the text that it always is. document: taken.
static int send_usual(struct shoal_request *request, const char *context, json_t *document)
{
    json_object_del(document, "@context");
    char *text = json_dumps(document, JSON_COMPACT);
    bool is_empty = json_object_size(document) == 0;
    json_decref(document);
    if (text == NULL) {
        return SHOAL_EINTERNAL;
    }
    struct shoal_buf out = {0};
    shoal_buf_puts(&out, "{\"@context\":");
    who_context_write(context, &out);
    shoal_buf_puts(&out, is_empty ? "" : ",");
    shoal_buf_puts(&out, text + 1);
    int code = shoal_answer_bytes(request, 200, WHO_TYPE, out.data, out.length);
    shoal_buf_fini(&out);
    free(text);
    return code;
}

static int answer_open(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document)
{
    if (!shoal_hook_heard("federation.write")) {
        return send_usual(request, context, document);
    }
    json_t *terms = who_context(context);
    json_t *payload = write_payload(type, noun, document, json_incref(terms));
    shoal_fire_filter(call, "federation.write", &payload);
    json_t *object = json_object_get(payload, "object");
    json_t *more = json_object_get(payload, "context");
    if (json_is_object(object)) {
        json_incref(object);
        json_decref(document);
        document = object;
    }
    if (json_is_array(more)) {
        json_incref(more);
        json_decref(terms);
        terms = more;
    }
    json_decref(payload);
    return send(request, 200, with_context(terms, document));
}

int who_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err)
{
    int code = who_admit(call, request, err);
    if (code != 0) {
        json_decref(document);
        return code;
    }
    return answer_open(call, request, context, type, noun, document);
}

int who_actor_asked(struct shoal_call *call, struct shoal_request *request, bool is_group,
    struct shoal_actor *actor, struct shoal_err *err)
{
    const char *handle = shoal_request_param(request, "name");
    size_t length = strcspn(handle, "@");
    const char *name = shoal_arena_strndup(shoal_call_arena(call), handle, length);
    const char *host = handle[length] == '@' ? who_host_of(call, handle + length + 1, "443") : "";
    bool is_far = host != NULL && *host != '\0' && strcmp(host, who_host(call)) != 0;
    int code = host == NULL ? SHOAL_ENOTFOUND
                            : shoal_actor_named(call, name, is_far ? host : "", actor, err);
    if (code == 0 && (actor->channel_id != 0) != is_group) {
        code = SHOAL_ENOTFOUND;
    }
    if (code == 0 && is_far) {
        actor->id = 0;
        return shoal_answer_redirect(request, 302, actor->url);
    }
    return code == SHOAL_ENOTFOUND ? shoal_fail(err, code, "there is no %s %.100s",
                                         is_group ? "channel" : "account", handle)
                                   : code;
}

// Who may have it was asked before. Where nobody adds to it the document is written as it is sent.
static int answer_actor(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_actor *actor, struct shoal_err *err)
{
    if (shoal_hook_heard("federation.write")) {
        json_t *document = who_actor_document(call, actor, err);
        return document == NULL ? err->code : answer_open(call, request, "Actor", actor->kind, NULL, document);
    }
    struct shoal_buf text = {0};
    int code = who_actor_write(call, actor, "Actor", &text, err);
    code = code == 0 ? shoal_answer_bytes(request, 200, WHO_TYPE, text.data, text.length) : code;
    shoal_buf_fini(&text);
    return code;
}

// Keys are read before anybody can be known to sign right: the instance's own document is open to all.
static int self_get(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_actor actor;
    int code = who_enabled(call) ? who_self(call, &actor, err)
                                 : shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    return code == 0 ? answer_actor(call, request, &actor, err) : code;
}

static int actor_get(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    struct shoal_actor actor;
    int code = who_admit(call, request, err);
    code = code == 0 ? who_actor_asked(call, request, arg != NULL, &actor, err) : code;
    if (code == SHOAL_ENOTFOUND) {
        const char *url = shoal_url(call, shoal_arena_printf(shoal_call_arena(call), "/%s/%s",
            arg != NULL ? "video-channels" : "accounts", shoal_request_param(request, "name")));
        json_t *document = who_gone(call, url);
        return document != NULL ? send(request, 410, document) : SHOAL_ENOTFOUND;
    }
    return code != 0 || actor.id == 0 ? code : answer_actor(call, request, &actor, err);
}

int who_documents_start(struct shoal_plugin *self, struct shoal_err *err)
{
    static const char *const types[] = {"application/activity+json", "application/ld+json"};
    static const struct {
        const char *path;
        bool is_group;
    } paths[] = {{"/accounts/{name}", false}, {"/a/{name}", false}, {"/video-channels/{name}", true},
        {"/c/{name}", true}};
    struct shoal_route route = {.method = "GET",
        .path = "/accounts/peertube",
        .handler = self_get,
        .auth = SHOAL_AUTH_NONE,
        .cache_s = CACHE_S,
        .cors = true};
    int code = shoal_route_add(self, &route, err);
    route.handler = actor_get;
    route.named_only = true;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        for (int j = 0; j < 2 && code == 0; j++) {
            route.path = paths[i].path;
            route.produces = types[j];
            route.arg = paths[i].is_group ? self : NULL;
            code = shoal_route_add(self, &route, err);
        }
    }
    return code;
}
