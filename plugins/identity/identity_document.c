// identity_document.c - answers with ActivityPub documents, and the documents of local actors.
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
    if (shoal_hook_heard("federation.write")) {
        json_t *payload = write_payload(type, noun, *object, json_array());
        json_t *out = filtered(call, "federation.write", "object", payload);
        json_decref(*object);
        *object = out;
    }
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

static json_t *images_of(const json_t *pictures)
{
    json_t *out = json_array();
    // The largest first: who takes one takes the first.
    for (size_t i = json_array_size(pictures); i > 0; i--) {
        const json_t *picture = json_array_get(pictures, i - 1);
        json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:I, s:I}", "type", "Image", "mediaType",
            shoal_text(picture, "mime", "image/jpeg"), "url", shoal_text(picture, "url", ""), "width",
            (json_int_t)shoal_integer(picture, "width", 0), "height",
            (json_int_t)shoal_integer(picture, "height", 0)));
    }
    return out;
}

static void pictures_add(struct shoal_call *call, int64_t id, json_t *out)
{
    static const char *const rows[][2] = {{"icon", "avatars"}, {"image", "banners"}};
    json_t *pictures = shoal_actor_pictures(call, id, NULL);
    for (int i = 0; i < 2; i++) {
        json_t *images = images_of(json_object_get(pictures, rows[i][1]));
        if (json_array_size(images) > 0) {
            json_object_set(out, rows[i][0], images);
        }
        json_decref(images);
    }
    json_decref(pictures);
}

static int group_add(struct shoal_call *call, const struct shoal_actor *actor, json_t *out,
    struct shoal_err *err)
{
    struct shoal_actor owner;
    int code = shoal_actor_get(call, actor->owner_id, &owner, err);
    if (code == 0) {
        json_object_set_new(out, "support", actor->support ? json_string(actor->support) : json_null());
        json_object_set_new(out, "postingRestrictedToMods", json_true());
        // Objects, which 6.x wants; 8.x reads both.
        json_object_set_new(out, "attributedTo",
            json_pack("[{s:s, s:s}]", "type", "Person", "id", owner.url));
    }
    return code;
}

json_t *who_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_actor_key key = {.size = sizeof key};
    char created[32];
    bool is_group = actor->channel_id != 0;
    bool is_self = strcmp(actor->kind, "Application") == 0;
    if (sign_key(call, actor, &key, err) != 0) {
        return NULL;
    }
    const char *page = is_self ? shoal_url(call, "/")
                               : shoal_url(call, shoal_arena_printf(arena, "/%c/%s", is_group ? 'c' : 'a', actor->name));
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "type", actor->kind, "id",
        actor->url, "following", actor->following_url, "followers", actor->followers_url, "playlists",
        shoal_arena_printf(arena, "%s/playlists", actor->url), "inbox", actor->inbox_url, "outbox",
        actor->outbox_url, "preferredUsername", actor->name, "name",
        is_self ? "PeerTube" : actor->display_name ? actor->display_name : actor->name);
    // The first is plain text, which is all that 6.x takes; 8.x looks for Links.
    json_object_set_new(out, "url", json_pack("[s, {s:s, s:s, s:s}]", actor->url, "type", "Link", "mediaType",
        "text/html", "href", page));
    json_object_set_new(out, "endpoints", json_pack("{s:s}", "sharedInbox", actor->shared_inbox_url));
    json_object_set_new(out, "publicKey", json_pack("{s:s, s:s, s:s}", "id", key.id, "owner", actor->url,
        "publicKeyPem", key.public_pem));
    json_object_set_new(out, "assertionMethod", json_pack("[{s:s, s:s, s:s, s:s}]", "id", key.ed25519_id,
        "type", "Multikey", "controller", actor->url, "publicKeyMultibase", key.ed25519_multibase));
    json_object_set_new(out, "published", json_string(shoal_time_format(actor->created_ms, created)));
    json_object_set_new(out, "summary", actor->description ? json_string(actor->description) : json_null());
    json_object_set_new(out, "indexable", json_true());
    json_object_set_new(out, "discoverable", json_true());
    pictures_add(call, actor->id, out);
    if (is_group && group_add(call, actor, out, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
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

static int answer_actor(struct shoal_call *call, struct shoal_request *request, bool is_open,
    const struct shoal_actor *actor, struct shoal_err *err)
{
    json_t *document = who_actor_document(call, actor, err);
    if (document == NULL) {
        return err->code;
    }
    return is_open ? answer_open(call, request, "Actor", actor->kind, NULL, document)
                   : who_answer(call, request, "Actor", actor->kind, NULL, document, err);
}

// Keys are read before anybody can be known to sign right: the instance's own document is open to all.
static int self_get(struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_actor actor;
    int code = who_enabled(call) ? who_self(call, &actor, err)
                                 : shoal_fail(err, SHOAL_ENOTFOUND, "this server does not federate");
    return code == 0 ? answer_actor(call, request, true, &actor, err) : code;
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
    return code != 0 || actor.id == 0 ? code : answer_actor(call, request, true, &actor, err);
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
