// federation_apply.c - from an activity with a proven sender to the plugin of its object.
//
// Its sender is its author, or it was passed on: then its origin is asked whether it is true.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "federation_inbox.h"

#define RELAYED_MAX (128 * 1024) // bytes of an activity

static const char *const actor_kinds[] = {
    "Person", "Group", "Application", "Service", "Organization"};

struct incoming {
    const json_t *activity;
    json_t *fetched;       // what its origin says of the activity or of its object, or NULL
    const char *id, *type; // of the activity
    const json_t *object;  // whole, or NULL
    const char *object_id, *object_type;
    struct shoal_actor actor; // its author
    bool is_relayed, is_awaited, is_fetched, is_proven;
};

bool fed_passes(int code)
{
    switch (code) {
    case SHOAL_EUPSTREAM:
    case SHOAL_ETIMEOUT:
    case SHOAL_EBUSY:
    case SHOAL_EFULL:
    case SHOAL_EIO:
    case SHOAL_ECANCELLED:
    case SHOAL_EINTERNAL: return true;
    default: return false;
    }
}

bool fed_is_actor(const char *type)
{
    for (size_t i = 0; type != NULL && i < sizeof actor_kinds / sizeof *actor_kinds; i++) {
        if (strcmp(type, actor_kinds[i]) == 0) {
            return true;
        }
    }
    return false;
}

// What it is about: the object whole where it has a type, and its name. A Tombstone is one that was
// deleted. Of what is to be deleted its id counts alone: whose it is says who keeps it, not who wants it gone.
static void read_object(struct incoming *in)
{
    const json_t *object = json_object_get(in->activity, "object");
    in->object_id = fed_id(object);
    in->object_type = shoal_text(object, "type", NULL);
    in->object = in->object_type != NULL && strcmp(in->type, "Delete") != 0 ? object : NULL;
    if (in->object_type != NULL && strcmp(in->object_type, "Tombstone") == 0) {
        if (strcmp(in->type, "Create") == 0 || strcmp(in->type, "Update") == 0) {
            in->type = "Delete";
        }
        in->object = NULL;
        in->object_type = NULL;
    }
}

// The bounds of every activity, whatever it is about.
static int read_shape(struct shoal_call *call, struct incoming *in, const char **actor_url,
    struct shoal_err *err)
{
    in->id = fed_id(json_object_get(in->activity, "id"));
    in->type = shoal_text(in->activity, "type", NULL);
    *actor_url = fed_id(json_object_get(in->activity, "actor"));
    if (in->id == NULL || fed_url_host(call, in->id) == NULL) {
        return shoal_fail_field(err, "id", "an activity needs an id that is a URL");
    }
    if (in->type == NULL || strlen(in->type) > 64) {
        return shoal_fail_field(err, "type", "an activity needs a type");
    }
    if (*actor_url == NULL || fed_url_host(call, *actor_url) == NULL) {
        return shoal_fail_field(err, "actor", "an activity needs an actor that is a URL");
    }
    // Who owns a video deletes a comment of another server in the name of that comment.
    const char *about = fed_id(json_object_get(in->activity, "object"));
    bool is_deletion = strcmp(in->type, "Delete") == 0 && about != NULL &&
                       strncmp(in->id, about, strlen(about)) == 0;
    if (!fed_same_host(call, in->id, *actor_url) && !is_deletion) {
        return shoal_fail_field(err, "id", "an activity has its id on the server of its actor");
    }
    if (fed_same_host(call, *actor_url, shoal_url(call, "/"))) {
        return shoal_fail(err, SHOAL_ECONFLICT, "an actor of this server says nothing to it");
    }
    if (fed_blocked(call, fed_url_host(call, *actor_url))) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s is blocked here",
            fed_url_host(call, *actor_url));
    }
    read_object(in);
    return 0;
}

// The origin of an object says that it is gone: whoever passed its Delete on was right. An actor, with all
// that is theirs, is gone where their server says so in as many words.
static int prove_gone(struct shoal_call *call, struct incoming *in, struct shoal_err *err)
{
    struct shoal_err why = {0};
    if (!fed_same_host(call, in->object_id, in->actor.url)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s says nothing of %.200s through others",
            in->actor.url, in->object_id);
    }
    bool is_itself = strcmp(in->object_id, in->actor.url) == 0;
    json_t *found = fed_fetch(call, in->object_id, &why);
    if (found == NULL) {
        in->is_proven = why.code == SHOAL_EGONE || (why.code == SHOAL_ENOTFOUND && !is_itself);
    } else {
        in->is_proven = strcmp(shoal_text(found, "type", ""), "Tombstone") == 0;
        json_decref(found);
    }
    if (found == NULL && !in->is_proven && fed_passes(why.code)) {
        return shoal_fail(err, why.code, "%s", why.text);
    }
    return in->is_proven ? 0
                         : shoal_fail(err, SHOAL_EFORBIDDEN,
                               "%.200s is still there: its deletion is not believed", in->object_id);
}

// An activity that can be asked for at its origin is read from there.
static int prove_activity(struct shoal_call *call, struct incoming *in, struct shoal_err *err)
{
    in->fetched = fed_fetch(call, in->id, err);
    if (in->fetched == NULL) {
        return err->code != 0 ? err->code : SHOAL_EUPSTREAM;
    }
    if (strcmp(shoal_text(in->fetched, "type", ""), in->type) != 0 ||
        !fed_names(json_object_get(in->fetched, "actor"), in->actor.url)) {
        return shoal_fail(
            err, SHOAL_EFORBIDDEN, "%.200s is another activity where it comes from", in->id);
    }
    in->activity = in->fetched;
    read_object(in);
    return 0;
}

// Whoever passes on what others say is believed as far as their servers agree.
static int believe_relayed(struct shoal_call *call, struct incoming *in,
    const struct shoal_actor *signer, struct shoal_err *err)
{
    in->is_relayed = true;
    if (in->object_id == NULL) {
        return shoal_fail_field(err, "object", "the object of a relayed activity needs an id");
    }
    if (strcmp(in->type, "View") == 0) {
        return fed_same_host(call, in->object_id, signer->url)
                   ? 0
                   : shoal_fail(err, SHOAL_EFORBIDDEN,
                         "views of %.200s are passed on by its own server alone", in->object_id);
    }
    if (strcmp(in->type, "Delete") == 0) {
        return prove_gone(call, in, err);
    }
    if (strcmp(in->type, "Create") == 0 || strcmp(in->type, "Update") == 0) {
        return 0; // its object is fetched below
    }
    return prove_activity(call, in, err);
}

// The object as its own server has it.
static int fetch_object(struct shoal_call *call, struct incoming *in, struct shoal_err *err)
{
    json_t *document = fed_fetch(call, in->object_id, err);
    if (document == NULL) {
        return err->code != 0 ? err->code : SHOAL_EUPSTREAM;
    }
    // The arena of the call outlives the document.
    shoal_arena_defer(shoal_call_arena(call), (void (*)(void *))json_decref, document);
    const char *id = fed_id(document);
    if (id == NULL || strcmp(id, in->object_id) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s calls itself %.200s", in->object_id,
            id != NULL ? id : "nothing");
    }
    in->object = document;
    in->object_type = shoal_text(document, "type", NULL);
    in->is_fetched = true;
    if (in->object_type != NULL && strcmp(in->object_type, "Tombstone") == 0) {
        in->type = "Delete";
        in->object = NULL;
        in->object_type = NULL;
        in->is_proven = true;
    }
    return 0;
}

// An actor tells of itself: its new document, or that it is gone.
static bool is_about_itself(const struct incoming *in)
{
    bool is_update = strcmp(in->type, "Update") == 0 && fed_is_actor(in->object_type);
    bool is_delete = strcmp(in->type, "Delete") == 0 && in->object_id != NULL &&
                     (strcmp(in->object_id, in->actor.url) == 0 || fed_is_actor(in->object_type));
    return is_update || is_delete;
}

static int apply_to_itself(struct shoal_call *call, struct incoming *in, struct shoal_err *err)
{
    if (in->object_id == NULL || strcmp(in->object_id, in->actor.url) != 0) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s may not say %.40s of the actor %.200s",
            in->actor.url, in->type, in->object_id != NULL ? in->object_id : "without an id");
    }
    if (strcmp(in->type, "Delete") == 0) {
        return shoal_actor_remove(call, in->actor.id, err);
    }
    struct shoal_actor actor;
    if (in->is_relayed) {
        return fed_actor(call, in->actor.url, -1, &actor, err);
    }
    return fed_actor_keep(call, in->object, &actor, err);
}

// The type that an activity is about: its object's, its own (a Like is the object that is kept), or
// that of whoever knows the id.
static const struct shoal_federated *find_type(struct shoal_call *call, const struct incoming *in)
{
    const struct shoal_federated *type = fed_type_find(in->type);
    if (type == NULL && in->object_type != NULL) {
        type = fed_type_find(in->object_type);
    }
    if (type == NULL && in->object_id != NULL &&
        (strcmp(in->type, "Delete") == 0 || strcmp(in->type, "Undo") == 0)) {
        type = fed_type_knowing(call, in->object_id);
    }
    return type;
}

static int ask_hook(struct shoal_call *call, const struct incoming *in, struct shoal_err *err)
{
    if (!shoal_hook_heard("federation.inbound")) {
        return 0;
    }
    json_t *event = json_pack("{s:O, s:O*, s:s, s:s, s:s}", "activity", in->activity, "object",
        in->object, "objectId", in->object_id != NULL ? in->object_id : "", "actor", in->actor.url,
        "host", in->actor.host);
    struct shoal_decision decision = {0};
    enum shoal_verdict verdict = shoal_fire_decide(call, "federation.inbound", event, &decision);
    json_decref(event);
    if (verdict == SHOAL_REFUSE) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%s",
            decision.sentence[0] != '\0' ? decision.sentence : "it is refused by a rule here");
    }
    return verdict == SHOAL_HOLD
               ? shoal_fail(err, SHOAL_EBUSY, "%s", decision.sentence[0] != '\0' ? decision.sentence : "it is held by a rule here")
               : 0;
}

static int hand_over(struct shoal_call *call, const struct incoming *in,
    const struct shoal_federated *type, const char *bytes, const struct shoal_actor *signer,
    struct shoal_err *err)
{
    struct shoal_activity what = {.id = in->id,
        .type = in->type,
        .activity = in->activity,
        .object = in->object,
        .object_id = in->object_id,
        .object_type = in->object_type != NULL ? in->object_type : type->type,
        .actor = &in->actor,
        .is_fetched = in->is_fetched,
        .is_relayed = in->is_relayed,
        .is_awaited = in->is_awaited};
    int code = fed_type_receive(call, type, &what, err);
    int64_t video_id = 0;
    // What others passed on has been passed on. What is far longer than a comment goes to no thousand servers.
    if (code == 0 && bytes != NULL && !in->is_relayed && strlen(bytes) <= RELAYED_MAX &&
        fed_type_relays(call, type, &what, &video_id)) {
        code = fed_relay(call, NULL, bytes, video_id, signer->host, err);
    }
    return code;
}

static int apply_to_type(struct shoal_call *call, struct incoming *in, const char *bytes,
    const struct shoal_actor *signer, struct shoal_err *err)
{
    const struct shoal_federated *type = find_type(call, in);
    if (type == NULL) {
        return 0; // nothing that anybody here keeps
    }
    if (in->object_id == NULL) {
        return shoal_fail_field(err, "object", "the object of %.40s needs an id", in->type);
    }
    const struct shoal_may_say *rule = fed_rule(type, in->type);
    bool is_made = strcmp(in->type, "Create") == 0 || strcmp(in->type, "Update") == 0;
    // Nobody has other servers asked by naming things of which they may say nothing in any case.
    bool is_near = rule != NULL && (rule->who == SHOAL_SAY_ANYONE || rule->who == SHOAL_SAY_OWNER ||
                                       fed_same_host(call, in->object_id, in->actor.url));
    bool is_fetched = is_near && !in->is_fetched && (rule->is_fetched || (is_made && in->is_relayed));
    int code = is_fetched ? fetch_object(call, in, err) : 0;
    if (code == 0 && !in->is_proven &&
        !fed_may_say(call, &in->actor, in->type, type, in->object_id, in->object, err)) {
        code = SHOAL_EFORBIDDEN;
    }
    if (code == 0 && is_made && in->object == NULL && !in->is_proven) {
        code = shoal_fail_field(err, "object", "the object of %.40s has to be in it", in->type);
    }
    code = code != 0 ? code : ask_hook(call, in, err);
    return code != 0 ? code : hand_over(call, in, type, bytes, signer, err);
}

static int apply(struct shoal_call *call, struct incoming *in, const char *bytes,
    const struct shoal_actor *signer, struct shoal_err *err)
{
    const char *actor_url = NULL;
    int code = read_shape(call, in, &actor_url, err);
    if (code != 0) {
        return code;
    }
    if (strcmp(actor_url, signer->url) == 0) {
        in->actor = *signer;
    } else if (fed_follow_is(in->activity)) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "nobody follows in the name of another");
    } else {
        code = fed_actor(call, actor_url, 0, &in->actor, err);
        bool is_gone = code == SHOAL_ENOTFOUND || code == SHOAL_EGONE;
        if (is_gone && strcmp(in->type, "Delete") == 0) {
            return 0; // somebody whom nobody here ever knew
        }
        code = code != 0 ? code : believe_relayed(call, in, signer, err);
        if (code != 0) {
            return code;
        }
    }
    if (fed_follow_is(in->activity)) {
        code = ask_hook(call, in, err);
        return code != 0 ? code : fed_follow_receive(call, in->activity, &in->actor, err);
    }
    if (is_about_itself(in)) {
        code = ask_hook(call, in, err);
        return code != 0 ? code : apply_to_itself(call, in, err);
    }
    return apply_to_type(call, in, bytes, signer, err);
}

int fed_apply_bytes(struct shoal_call *call, const json_t *activity, const char *bytes,
    const struct shoal_actor *signer, bool is_awaited, struct shoal_err *err)
{
    struct incoming in = {.activity = activity, .is_awaited = is_awaited};
    struct shoal_err own = {0};
    int code = apply(call, &in, bytes, signer, &own);
    json_decref(in.fetched);
    if (code != 0 && err != NULL) {
        *err = own;
    }
    return code;
}

bool fed_is_nothing(struct shoal_call *call, const json_t *activity)
{
    struct incoming in = {.activity = activity, .type = shoal_text(activity, "type", "")};
    read_object(&in);
    const char *actor_url = fed_id(json_object_get(activity, "actor"));
    bool is_itself = in.object_id != NULL && actor_url != NULL && strcmp(in.object_id, actor_url) == 0;
    struct shoal_actor known;
    // The farewell of somebody whom nobody here knows ends nothing; large servers send these by the thousand.
    if (strcmp(in.type, "Delete") == 0 && is_itself) {
        return shoal_actor_find(call, actor_url, &known, NULL) == SHOAL_ENOTFOUND;
    }
    bool is_of_actor = strcmp(in.type, "Update") == 0 && (is_itself || fed_is_actor(in.object_type));
    return !is_of_actor && !fed_follow_is(activity) && find_type(call, &in) == NULL;
}

bool fed_is_quick(struct shoal_call *call, const json_t *activity, const struct shoal_actor *signer)
{
    struct incoming in = {.activity = activity};
    in.type = shoal_text(activity, "type", "");
    const char *actor_url = fed_id(json_object_get(activity, "actor"));
    if (actor_url == NULL || strcmp(actor_url, signer->url) != 0) {
        return false;
    }
    read_object(&in);
    const struct shoal_federated *type = find_type(call, &in);
    const struct shoal_may_say *rule = type != NULL ? fed_rule(type, in.type) : NULL;
    return rule != NULL && type->is_quick && !rule->is_fetched;
}
