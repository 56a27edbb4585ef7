// federation_inbox.h - what the parts of the inbox share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef FEDERATION_INBOX_H
#define FEDERATION_INBOX_H
#include "federation.h"

/// Forgets every type: their plugins stop.
void fed_types_clear(void);
/// The type whose plugin keeps an object of this id, or NULL.
const struct shoal_federated *fed_type_knowing(struct shoal_call *call, const char *id);
// What a type's plugin says and does, in its own name.
bool fed_type_owner(struct shoal_call *call, const struct shoal_federated *type, const char *id,
    const struct shoal_actor *actor);
int fed_type_receive(struct shoal_call *call, const struct shoal_federated *type,
    const struct shoal_activity *what, struct shoal_err *err);
bool fed_type_relays(struct shoal_call *call, const struct shoal_federated *type,
    const struct shoal_activity *what, int64_t *video_id);

/// The rule of a type for an activity, or NULL.
const struct shoal_may_say *fed_rule(const struct shoal_federated *type, const char *activity);
/// The id of a reference: text, or an object with one; NULL where there is none or it is too long.
const char *fed_id(const json_t *reference);
/// Whether a field names an actor: text, an object with that id, or a list with one of both.
bool fed_names(const json_t *reference, const char *url);

/// What an activity is about: a number for the thing, and the activity that it takes back, or NULL.
struct fed_about {
    int64_t subject;
    const char *undone;
};
/// The activity has a shape; undone lives as long as it does.
struct fed_about fed_about(const json_t *activity);
/// Whether something waits that the same actor said of the same thing before.
bool fed_waits(struct shoal_call *call, int64_t signer_id, const struct fed_about *about);

/// Whether what came in is about nothing that anybody here keeps: it is taken, and forgotten.
bool fed_is_nothing(struct shoal_call *call, const json_t *activity);
/// Whether what came in can be applied without asking another server.
bool fed_is_quick(struct shoal_call *call, const json_t *activity, const struct shoal_actor *signer);
/// Puts what came in through trust, the hook and its type; bytes are passed on where its type says so.
/// is_awaited: its sender waits, so that nobody else is asked.
int fed_apply_bytes(struct shoal_call *call, const json_t *activity, const char *bytes,
    const struct shoal_actor *signer, bool is_awaited, struct shoal_err *err);

/// Takes the body of a request whose key had to be read first; see `proved` of svc/identity.h.
int fed_inbox_proved(struct shoal_call *call, const struct shoal_actor *signer, const char *bytes,
    size_t length, struct shoal_err *err);

/// Follow, and Accept, Reject and Undo of one. Returns false for any other activity.
bool fed_follow_is(const json_t *activity);
int fed_follow_receive(struct shoal_call *call, const json_t *activity,
    const struct shoal_actor *actor, struct shoal_err *err);

/// How many follow an actor of here (side "target"), or it follows (side "follower"), in a state; of one host and with
/// one type of actor, where these are not NULL.
int64_t fed_follows_count(struct shoal_call *call, const char *side, const char *name, const char *state,
    const char *host, const char *type);

/// Whether a type is one of an actor.
bool fed_is_actor(const char *type);
/// Whether an error may go away when it is tried again.
bool fed_passes(int code);

/// The actor that stands for a whole server.
int fed_host_actor(struct shoal_call *call, const char *host, struct shoal_actor *actor,
    struct shoal_err *err);
/// What somebody typed or pasted ("example.org", "@name@example.org", "https://example.org/"): a host, or a name with its
/// host. NULL: neither.
const char *fed_name_read(struct shoal_call *call, const char *text);
/// The instance follows (or no longer follows) a host or a handle, as fed_name_read() has it.
int fed_server_follow(struct shoal_call *call, const char *name, bool follows,
    struct shoal_err *err);

int fed_blocks_start(struct shoal_plugin *self, struct shoal_err *err);
int fed_server_start(struct shoal_plugin *self, struct shoal_err *err);

#endif
