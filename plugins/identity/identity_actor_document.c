// identity_actor_document.c - the documents of local actors.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "identity.h"
#include "identity_text.h"

static void images_write(struct shoal_buf *out, const char *key, const json_t *pictures)
{
    if (json_array_size(pictures) == 0) {
        return;
    }
    who_text_open(out, key, '[');
    // The largest first: who takes one takes the first.
    for (size_t i = json_array_size(pictures); i > 0; i--) {
        const json_t *picture = json_array_get(pictures, i - 1);
        who_text_open(out, NULL, '{');
        who_text_string(out, "type", "Image");
        who_text_string(out, "mediaType", shoal_text(picture, "mime", "image/jpeg"));
        who_text_string(out, "url", shoal_text(picture, "url", ""));
        who_text_integer(out, "width", (long long)shoal_integer(picture, "width", 0));
        who_text_integer(out, "height", (long long)shoal_integer(picture, "height", 0));
        who_text_close(out, '}');
    }
    who_text_close(out, ']');
}

static void keys_write(
    struct shoal_buf *out, const struct shoal_actor *actor, const struct shoal_actor_key *key)
{
    who_text_open(out, "publicKey", '{');
    who_text_string(out, "id", key->id);
    who_text_string(out, "owner", actor->url);
    who_text_string(out, "publicKeyPem", key->public_pem);
    who_text_close(out, '}');
    who_text_open(out, "assertionMethod", '[');
    who_text_open(out, NULL, '{');
    who_text_string(out, "id", key->ed25519_id);
    who_text_string(out, "type", "Multikey");
    who_text_string(out, "controller", actor->url);
    who_text_string(out, "publicKeyMultibase", key->ed25519_multibase);
    who_text_close(out, '}');
    who_text_close(out, ']');
}

static void url_write(struct shoal_call *call, const struct shoal_actor *actor, struct shoal_buf *out)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *path = strcmp(actor->kind, "Application") == 0
                           ? "/"
                           : shoal_arena_printf(arena, "/%c/%s", actor->channel_id != 0 ? 'c' : 'a', actor->name);
    // The first is plain text, which is all that 6.x takes; 8.x looks for Links.
    who_text_open(out, "url", '[');
    who_text_string(out, NULL, actor->url);
    who_text_open(out, NULL, '{');
    who_text_string(out, "type", "Link");
    who_text_string(out, "mediaType", "text/html");
    who_text_string(out, "href", shoal_url(call, path));
    who_text_close(out, '}');
    who_text_close(out, ']');
}

static void group_write(
    struct shoal_buf *out, const struct shoal_actor *actor, const struct shoal_actor *owner)
{
    who_text_string(out, "support", actor->support);
    who_text_true(out, "postingRestrictedToMods");
    // Objects, which 6.x wants; 8.x reads both.
    who_text_open(out, "attributedTo", '[');
    who_text_open(out, NULL, '{');
    who_text_string(out, "type", "Person");
    who_text_string(out, "id", owner->url);
    who_text_close(out, '}');
    who_text_close(out, ']');
}

static void names_write(struct shoal_call *call, const struct shoal_actor *actor, struct shoal_buf *out)
{
    const char *name = actor->display_name != NULL ? actor->display_name : actor->name;
    who_text_string(out, "type", actor->kind);
    who_text_string(out, "id", actor->url);
    who_text_string(out, "following", actor->following_url);
    who_text_string(out, "followers", actor->followers_url);
    who_text_string(out, "playlists", shoal_arena_printf(shoal_call_arena(call), "%s/playlists", actor->url));
    who_text_string(out, "inbox", actor->inbox_url);
    who_text_string(out, "outbox", actor->outbox_url);
    who_text_string(out, "preferredUsername", actor->name);
    who_text_string(out, "name", strcmp(actor->kind, "Application") == 0 ? "PeerTube" : name);
    url_write(call, actor, out);
    who_text_open(out, "endpoints", '{');
    who_text_string(out, "sharedInbox", actor->shared_inbox_url);
    who_text_close(out, '}');
}

int who_actor_write(struct shoal_call *call, const struct shoal_actor *actor, const char *context,
    struct shoal_buf *out, struct shoal_err *err)
{
    struct shoal_actor_key key = {.size = sizeof key};
    struct shoal_actor owner;
    char created[32];
    int code = sign_key(call, actor, &key, err);
    if (code == 0 && actor->channel_id != 0) {
        code = shoal_actor_get(call, actor->owner_id, &owner, err);
    }
    if (code != 0) {
        return code;
    }
    json_t *pictures = shoal_actor_pictures(call, actor->id, NULL);
    shoal_buf_reserve(out, 4095);
    who_text_open(out, NULL, '{');
    if (context != NULL) {
        who_text_key(out, "@context");
        who_context_write(context, out);
    }
    names_write(call, actor, out);
    keys_write(out, actor, &key);
    who_text_string(out, "published", shoal_time_format(actor->created_ms, created));
    who_text_string(out, "summary", actor->description);
    who_text_true(out, "indexable");
    who_text_true(out, "discoverable");
    images_write(out, "icon", json_object_get(pictures, "avatars"));
    images_write(out, "image", json_object_get(pictures, "banners"));
    json_decref(pictures);
    if (actor->channel_id != 0) {
        group_write(out, actor, &owner);
    }
    who_text_close(out, '}');
    return 0;
}

json_t *who_actor_document(
    struct shoal_call *call, const struct shoal_actor *actor, struct shoal_err *err)
{
    struct shoal_buf text = {0};
    json_t *out = who_actor_write(call, actor, NULL, &text, err) == 0
                      ? json_loadb(text.data, text.length, 0, NULL)
                      : NULL;
    shoal_buf_fini(&text);
    return out;
}
