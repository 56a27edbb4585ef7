// follows_priv.h - what the files about follows share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef SHOAL_CORE_CATALOG_FOLLOWS_PRIV_H
#define SHOAL_CORE_CATALOG_FOLLOWS_PRIV_H
#include <shoal/follows.h>

#include "catalog/catalog_priv.h"

/// Who here follows where a video of another server comes from.
enum catalog_followed {
    CATALOG_HIDDEN = -1, ///< its server is hidden: nobody but the staff sees it
    CATALOG_UNFOLLOWED = 0,
    CATALOG_BY_USER = 1,
    CATALOG_BY_INSTANCE = 2,
};
/// What lists of everybody show: videos that are followed at least so (setting
/// video.list_subscribed).
enum catalog_followed catalog_followed_least(void);

/// A row of catalog_actor; texts are in the call's arena.
struct catalog_actor {
    int64_t id;
    const char *kind, *name, *host, *url;
    bool is_local;
};
int catalog_actor_by_id(
    struct shoal_call *call, int64_t id, struct catalog_actor *out, struct shoal_err *err);
/// By "name" or "name@host". SHOAL_ENOTFOUND.
int catalog_actor_by_handle(struct shoal_call *call, const char *handle, struct catalog_actor *out,
    struct shoal_err *err);
/// Its public address: of ours made from the name.
const char *catalog_actor_url(struct shoal_call *call, const struct catalog_actor *actor);
/// As the hooks of follows show it: {id, type, name, host, url, isLocal}.
json_t *catalog_actor_side(struct shoal_call *call, const struct catalog_actor *actor);
const char *catalog_follow_state_name(enum shoal_follow_state state);

/// The actor that follows when the user of this call subscribes. SHOAL_EAUTH.
int catalog_subscriber(struct shoal_call *call, int64_t *actor_id, struct shoal_err *err);

/// A page of addresses: what is asked for, within bounds.
static inline int64_t catalog_page_size(int64_t count)
{
    return count < 1 ? 1 : count > 1000 ? 1000 : count;
}

/// Looks anew at the videos that a follow of this actor brings, some at once and the rest in a job; in
/// a transaction.
int catalog_followed_look(
    struct shoal_call *call, struct shoal_db *tx, int64_t actor_id, struct shoal_err *err);
/// The same for all videos of a server and of those below its name.
int catalog_followed_look_host(
    struct shoal_call *call, struct shoal_db *tx, const char *host, struct shoal_err *err);
int catalog_followed_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err);
/// Looks anew at one video; *changed is set where it is another than before.
int catalog_followed_one(
    struct shoal_db *tx, int64_t video_id, bool *changed, struct shoal_err *err);

/// Before an account and its channels (account_id) or one channel (channel_id) go: their follows end,
/// the other sides are counted, and a tell is written for each server that has to hear of it.
int catalog_follows_forget(struct shoal_call *call, struct shoal_db *tx, int64_t account_id,
    int64_t channel_id, struct shoal_err *err);
/// The resumer of follow.request: what was held is accepted or rejected. subject: "follow:ID".
int catalog_follow_resume(struct shoal_call *call, const char *hook, const char *subject,
    bool released, const char *sentence, void *arg, struct shoal_err *err);

#endif
