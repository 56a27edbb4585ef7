// federation.h - the parts of the plugin, and what each asks of the others.
//
// inbox → trust → apply → types; follows beside them. Who is who, what is signed and what is sent are other
// plugins, asked through federation_identity.c, <sign.h> and federation_sending.c.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef FEDERATION_H
#define FEDERATION_H
#include <shoal/base.h>
#include <shoal/call.h>
#include <shoal/db.h>
#include <shoal/error.h>
#include <shoal/fetch.h>
#include <shoal/hooks.h>
#include <shoal/http.h>
#include <shoal/jobs.h>
#include <shoal/json.h>
#include <shoal/plugin.h>
#include <shoal/remote.h>
#include <shoal/services.h>
#include <shoal/settings.h>
#include <shoal/svc/delivery.h>
#include <shoal/svc/federation.h>
#include <shoal/svc/signatures.h>
#include <shoal/timer.h>

#define FED_BODY_MAX (1024u * 1024) ///< of an activity that comes in
#define FED_URL_MAX 2000

extern struct shoal_plugin *fed_plugin;

/// Where to say what went wrong, for who does not want to hear it: what runs below may read it.
static inline struct shoal_err *fed_err(struct shoal_call *call, struct shoal_err *err)
{
    return err != NULL ? err : shoal_arena_alloc(shoal_call_arena(call), sizeof *err);
}

// Each part registers its routes, jobs, timers and hooks; called by federation.c in this order.
int fed_inbox_start(struct shoal_plugin *self, struct shoal_err *err);    // inboxes, what comes in
int fed_follows_start(struct shoal_plugin *self, struct shoal_err *err);  // the handshake, /server/followers|following
int fed_admin_start(struct shoal_plugin *self, struct shoal_err *err);    // `shoal federation …`
int fed_identity_start(struct shoal_err *err); // the rules of who is who
int fed_sending_start(struct shoal_err *err);  // the rules of deliveries

// federation_url.c

/// Whether this instance federates now: the setting "enabled", and a fixed url.
bool fed_enabled(struct shoal_call *call);
/// The setting "allow_private_network".
bool fed_is_private(void);
/// Host and port at the start of text ("Example.org:8443/x"), lower case, without the usual port; NULL
/// for what is none.
const char *fed_host_of(struct shoal_call *call, const char *text, const char *usual_port);
/// The instance's host as handles have it ("example.org", "127.0.0.1:9000").
const char *fed_host(struct shoal_call *call);
/// Host with port of a URL as handles have it, in the call's arena; NULL for what is no http(s) URL that
/// we would ask (http only where "allow_private_network" is on).
const char *fed_url_host(struct shoal_call *call, const char *url);
/// Whether both URLs lie on one host.
bool fed_same_host(struct shoal_call *call, const char *url, const char *other);

// The service `identity` (federation_identity.c); see svc/identity.h.

int fed_signer_here(struct shoal_call *call, struct shoal_request *request, struct shoal_claim *claim,
    struct shoal_actor *actor, struct shoal_err *err);
int fed_signer_later(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_claim *claim, struct shoal_err *err);
bool fed_signer_waits(struct shoal_call *call, const struct shoal_claim *claim);
json_t *fed_fetch(struct shoal_call *call, const char *url, struct shoal_err *err);
/// What a person entered.
json_t *fed_fetch_link(struct shoal_call *call, const char *url, struct shoal_err *err);
int fed_actor(struct shoal_call *call, const char *url, int64_t max_age_ms,
    struct shoal_actor *actor, struct shoal_err *err);
int fed_handle(struct shoal_call *call, const char *handle, struct shoal_actor *actor,
    struct shoal_err *err);
int fed_actor_keep(struct shoal_call *call, const json_t *document, struct shoal_actor *actor,
    struct shoal_err *err);
json_t *fed_actor_document(struct shoal_call *call, const struct shoal_actor *actor,
    struct shoal_err *err);
json_t *fed_context(struct shoal_call *call, const char *kind);
int fed_answer(struct shoal_call *call, struct shoal_request *request, const char *context,
    const char *type, const json_t *noun, json_t *document, struct shoal_err *err);
int fed_answer_collection(struct shoal_call *call, struct shoal_request *request, const char *path,
    const char *path_id, shoal_collection_fn *page, void *page_arg, struct shoal_err *err);
int fed_crawl(struct shoal_call *call, const char *url, int items_max,
    bool (*each)(struct shoal_call *call, const json_t *item, void *state), void *state,
    struct shoal_err *err);
void fed_written(struct shoal_call *call, const char *type, const json_t *noun, json_t **object);
void fed_read(struct shoal_call *call, const char *type, const json_t *object, json_t **draft);
/// The instance's own actor.
static inline int fed_self(struct shoal_call *call, struct shoal_actor *actor, struct shoal_err *err)
{
    return shoal_actor_named(call, "peertube", "", actor, err);
}

// inbox and trust: what comes in.

/// Registers a type (Follow, Accept, Reject, actors are the plugin's own).
int fed_type_add(const struct shoal_federated *type, struct shoal_err *err);
const struct shoal_federated *fed_type_find(const char *type);
/// The one function: may this actor say this about that object? object: whole, or NULL where only its id
/// is known. Fills in a sentence when not.
bool fed_may_say(struct shoal_call *call, const struct shoal_actor *actor, const char *activity,
    const struct shoal_federated *type, const char *object_id, const json_t *object,
    struct shoal_err *err);
/// Finds or fetches what a URL or handle names (see svc/federation.h: resolve).
json_t *fed_resolve(struct shoal_call *call, const char *what, struct shoal_err *err);
/// Whether a host is blocked by the administrator, in either direction.
bool fed_blocked(struct shoal_call *call, const char *host);

// What goes out, through the service `delivery` (federation_sending.c).

/// See svc/delivery.h; nothing where this instance does not federate.
int fed_deliver(struct shoal_call *call, struct shoal_db *tx, const struct shoal_delivery *what,
    struct shoal_err *err);
int fed_relay(struct shoal_call *call, struct shoal_db *tx, const char *bytes, int64_t video_id,
    const char *except_host, struct shoal_err *err);
json_t *fed_hosts(struct shoal_call *call, const char *host, int start, int count,
    struct shoal_err *err);
void fed_waiting(struct shoal_call *call, int64_t *deliveries, int64_t *hosts);
int fed_host_retry(struct shoal_call *call, const char *host, struct shoal_err *err);

// federation_farewell.c

/// Hears of accounts and channels of ours that changed or are gone.
int fed_farewell_start(struct shoal_plugin *self, struct shoal_err *err);
/// The Tombstone of an actor of ours that was at `url` and is gone; a new reference, NULL: there was none.
json_t *fed_farewell_document(struct shoal_call *call, const char *url);

// follows: the handshake.

int fed_follow(struct shoal_call *call, int64_t follower_id, int64_t target_id, bool follows,
    struct shoal_err *err);

#endif
