// identity_actor_keep.c - reads the document of a remote actor: what is wrong in it is refused or left out.
//
// T03, T28: nothing of it names anything on this server or on a third one, an account never becomes a
// channel, and a key belongs to the actor alone that has it in its own document.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "identity.h"

#define PICTURES_MAX 8
#define KEYS_MAX     4  // of an actor that are kept: as many are tried
#define KEYS_LOOKED  16 // at, of each list

const char *who_id_of(const json_t *value)
{
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        const char *id = who_id_of(json_is_array(json_array_get(value, i)) ? NULL : json_array_get(value, i));
        if (id != NULL) {
            return id;
        }
    }
    return json_is_string(value) ? json_string_value(value) : shoal_text(value, "id", NULL);
}

bool who_is_actor_document(const json_t *document)
{
    static const char *const kinds[] = {"Person", "Group", "Application", "Service", "Organization"};
    const char *type = shoal_text(document, "type", "");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i], type) == 0) {
            return true;
        }
    }
    return false;
}

// A URL of the document that may be missing; one of another host is as good as missing.
static const char *url_near(struct shoal_call *call, const json_t *document, const char *path, const char *id)
{
    const char *url = shoal_text(document, path, NULL);
    return url != NULL && who_same_host(call, url, id) ? url : NULL;
}

// The key that stands as PEM: "owner" has to be the actor itself, the key's id lies on its host.
static const char *key_of(struct shoal_call *call, const json_t *document, const char *id)
{
    const json_t *keys = json_object_get(document, "publicKey");
    size_t count = json_is_array(keys) ? json_array_size(keys) : 1;
    for (size_t i = 0; i < count && i < KEYS_LOOKED; i++) {
        const json_t *key = json_is_array(keys) ? json_array_get(keys, i) : keys;
        const char *owner = shoal_text(key, "owner", id);
        const char *key_id = shoal_text(key, "id", "");
        bool is_its = strcmp(owner, id) == 0 && who_same_host(call, key_id, id);
        const char *pem = is_its ? sign_read_key(call, shoal_text(key, "publicKeyPem", "")) : NULL;
        if (pem != NULL) {
            return pem;
        }
    }
    return NULL;
}

// The PEM of a Multikey (FEP-521a) that is the actor's and still good; NULL for anything else.
static const char *multikey_of(struct shoal_call *call, const json_t *key, const char *id)
{
    int64_t expires_ms = 0;
    const char *expires = shoal_text(key, "expires", NULL);
    bool is_over = json_object_get(key, "revoked") != NULL ||
                   (expires != NULL &&
                       (shoal_time_parse(expires, &expires_ms) != 0 || expires_ms < shoal_now_ms()));
    bool is_its = strcmp(shoal_text(key, "type", ""), "Multikey") == 0 &&
                  strcmp(shoal_text(key, "controller", ""), id) == 0 &&
                  who_same_host(call, shoal_text(key, "id", ""), id);
    return is_its && !is_over ? sign_read_key(call, shoal_text(key, "publicKeyMultibase", "")) : NULL;
}

// All keys of an actor that are read here, one behind another; NULL without one.
static const char *keys_of(struct shoal_call *call, const json_t *document, const char *id)
{
    const json_t *list = json_object_get(document, "assertionMethod");
    const char *keys = key_of(call, document, id);
    size_t count = json_is_array(list) ? json_array_size(list) : 1;
    for (size_t i = 0, kept = keys != NULL; i < count && i < KEYS_LOOKED && kept < KEYS_MAX; i++) {
        const char *pem = multikey_of(call, json_is_array(list) ? json_array_get(list, i) : list, id);
        if (pem != NULL && (keys == NULL || strstr(keys, pem) == NULL)) {
            keys = keys == NULL ? pem : shoal_arena_printf(shoal_call_arena(call), "%s%s", keys, pem);
            kept++;
        }
    }
    return keys;
}

static json_t *pictures_of(struct shoal_call *call, const json_t *images)
{
    json_t *out = json_array();
    size_t count = json_is_array(images) ? json_array_size(images) : 1;
    for (size_t i = 0; i < count && json_array_size(out) < PICTURES_MAX; i++) {
        const json_t *image = json_is_array(images) ? json_array_get(images, i) : images;
        const json_t *link = json_object_get(image, "url");
        const char *url = json_is_string(link) ? json_string_value(link) : shoal_text(link, "href", NULL);
        const char *mime = shoal_text(image, "mediaType", "");
        if (url != NULL && who_url_host(call, url) != NULL && !who_is_ours(call, url)) {
            json_array_append_new(out, json_pack("{s:s, s:s, s:I, s:I}", "url", url, "mime", mime,
                "width", (json_int_t)shoal_integer(image, "width", 0), "height",
                (json_int_t)shoal_integer(image, "height", 0)));
        }
    }
    return out;
}

// The account of a channel: the first Person that it names on its own host.
static int owner_find(struct shoal_call *call, const json_t *document, const char *id,
    struct shoal_actor *owner, struct shoal_err *err)
{
    const json_t *list = json_object_get(document, "attributedTo");
    size_t count = json_is_array(list) ? json_array_size(list) : 1;
    for (size_t i = 0; i < count && i < 5; i++) {
        const json_t *item = json_is_array(list) ? json_array_get(list, i) : list;
        const char *url = who_id_of(item);
        if (url == NULL || json_is_array(item) || strcmp(shoal_text(item, "type", "Person"), "Person") != 0 ||
            !who_same_host(call, url, id) || strcmp(url, id) == 0) {
            continue;
        }
        struct shoal_err why = {0};
        int code = shoal_actor_find(call, url, owner, &why);
        if (code != 0) {
            json_t *person = who_fetch(call, url, err);
            // Never a channel's owner's owner: an account has none.
            code = person == NULL ? err->code
                   : strcmp(shoal_text(person, "type", ""), "Group") == 0 || !who_is_actor_document(person)
                       ? SHOAL_EFORBIDDEN
                       : who_actor_keep(call, person, owner, err);
            json_decref(person);
        }
        if (code == 0 && owner->account_id != 0) {
            return 0;
        }
        if (code != 0 && code != SHOAL_EFORBIDDEN) {
            return code;
        }
    }
    return shoal_fail(err, SHOAL_EFORBIDDEN, "the channel %.200s belongs to no account of its host", id);
}

// What may not change about one that is known.
static int compare(struct shoal_call *call, const struct shoal_actor *fresh, struct shoal_err *err)
{
    struct shoal_actor known;
    struct shoal_err unknown = {0};
    int code = shoal_actor_find(call, fresh->url, &known, &unknown);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", unknown.text);
    }
    if ((strcmp(known.kind, "Group") == 0) != (strcmp(fresh->kind, "Group") == 0)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s was a %s", fresh->url, known.kind);
    }
    return strcmp(known.name, fresh->name) != 0
               ? shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s was called %.100s", fresh->url, known.name)
               : 0;
}

// A handle that another address had: where that one is gone (a server was set up anew under its name), the
// handle is free. One host says both.
static bool handle_is_freed(struct shoal_call *call, const struct shoal_actor *fresh)
{
    struct shoal_actor holder;
    struct shoal_err why = {0};
    if (shoal_actor_named(call, fresh->name, fresh->host, &holder, NULL) != 0 ||
        strcmp(holder.url, fresh->url) == 0 || !who_same_host(call, holder.url, fresh->url)) {
        return false;
    }
    json_t *document = who_fetch(call, holder.url, &why);
    bool is_gone = document == NULL ? why.code == SHOAL_ENOTFOUND || why.code == SHOAL_EGONE
                                    : strcmp(shoal_text(document, "type", ""), "Tombstone") == 0;
    json_decref(document);
    return is_gone && shoal_actor_remove(call, holder.id, NULL) == 0;
}

int who_actor_keep(struct shoal_call *call, const json_t *document, struct shoal_actor *actor,
    struct shoal_err *err)
{
    struct shoal_err own = {0};
    err = err == NULL ? &own : err;
    const char *id = shoal_text(document, "id", NULL);
    const char *host = who_url_host(call, id);
    if (host == NULL || strcmp(host, who_host(call)) == 0 || strchr(id, '#') != NULL ||
        !who_is_actor_document(document)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is no actor of another server", id ? id : "this");
    }
    struct shoal_actor fresh = {.kind = shoal_text(document, "type", ""),
        .name = shoal_text(document, "preferredUsername", ""),
        .host = host,
        .url = id,
        .inbox_url = url_near(call, document, "inbox", id),
        .shared_inbox_url = url_near(call, document, "endpoints.sharedInbox", id),
        .outbox_url = url_near(call, document, "outbox", id),
        .followers_url = url_near(call, document, "followers", id),
        .following_url = url_near(call, document, "following", id),
        .public_key = keys_of(call, document, id),
        .display_name = shoal_text(document, "name", NULL),
        .description = shoal_text(document, "summary", NULL),
        .support = shoal_text(document, "support", NULL)};
    if (fresh.inbox_url == NULL || fresh.public_key == NULL) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "the actor %.200s has no inbox or no key of its own", id);
    }
    struct shoal_actor owner = {0};
    int64_t number = 0;
    bool is_group = strcmp(fresh.kind, "Group") == 0;
    if (shoal_time_parse(shoal_text(document, "published", ""), &fresh.created_ms) != 0) {
        fresh.created_ms = 0;
    }
    int code = compare(call, &fresh, err);
    code = code == 0 && is_group ? owner_find(call, document, id, &owner, err) : code;
    if (code != 0) {
        return code;
    }
    fresh.owner_id = owner.id;
    json_t *pictures = json_pack("{s:o, s:o}", "avatars", pictures_of(call, json_object_get(document, "icon")),
        "banners", pictures_of(call, json_object_get(document, "image")));
    code = shoal_actor_put(call, &fresh, pictures, &number, err);
    if (code == SHOAL_ECONFLICT && handle_is_freed(call, &fresh)) {
        *err = (struct shoal_err){0};
        code = shoal_actor_put(call, &fresh, pictures, &number, err);
    }
    json_decref(pictures);
    if (code == SHOAL_EINVAL || code == SHOAL_ECONFLICT) {
        code = err->code = SHOAL_EFORBIDDEN; // of another server's document, not of who asked here
    }
    return code == 0 && actor != NULL ? shoal_actor_get(call, number, actor, err) : code;
}
