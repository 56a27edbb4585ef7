// federation_videos_receive.c - what other servers say of videos: made, changed, gone, shared,
// seen.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/follows.h>

#include <urlhost.h>

#include "federation_videos_viewers.h"

#define ACTOR_AGE_MS (INT64_C(2) * 24 * 3600 * 1000)
#define AUTHORS_MAX  8

// The channel of a video: the first Group that it names, of its own host; and whose it is.
static int channel_find(struct shoal_call *call, const json_t *document,
    struct shoal_actor *channel, struct shoal_err *err)
{
    const json_t *lists[] = {
        json_object_get(document, "audience"), json_object_get(document, "attributedTo")};
    struct shoal_err why = {0};
    for (int l = 0; l < 2; l++) {
        bool is_list = json_is_array(lists[l]);
        size_t count = is_list ? json_array_size(lists[l]) : lists[l] != NULL;
        for (size_t i = 0; i < count && i < AUTHORS_MAX; i++) {
            const json_t *item = is_list ? json_array_get(lists[l], i) : lists[l];
            const char *url = activity_id(item);
            if (url == NULL || strcmp(shoal_text(item, "type", "Group"), "Group") != 0 ||
                !urlhost_same(shoal_call_arena(call), url, shoal_text(document, "id", ""), true)) {
                continue; // groups of other servers that it is shared with are none of its own
            }
            int code = federate_actor(call, url, ACTOR_AGE_MS, channel, &why);
            if (code == 0 && channel->channel_id != 0 && channel->host[0] != '\0') {
                return 0;
            }
            if (code == SHOAL_EUPSTREAM || code == SHOAL_ETIMEOUT || code == SHOAL_EBUSY) {
                return shoal_fail(err, code, "%s", why.text); // later it may be there
            }
        }
    }
    return shoal_fail(
        err, SHOAL_EINVAL, "the video %.200s has no channel", shoal_text(document, "id", ""));
}

static int put(struct shoal_call *call, const json_t *document, const json_t *activity, bool *is_new,
    struct shoal_err *err)
{
    struct shoal_actor channel;
    char uuid[37];
    json_t *draft = fv_draft(shoal_call_arena(call), document, activity, err);
    if (draft == NULL) {
        return err != NULL && err->code != 0 ? err->code : SHOAL_EINVAL;
    }
    int code = channel_find(call, document, &channel, err);
    if (code == 0) {
        json_object_set_new(draft, "channelActorId", json_integer(channel.id));
        federate_read(call, "Video", document, &draft);
        code = shoal_video_put(call, draft, uuid, is_new, err);
    }
    json_decref(draft);
    return code;
}

static int keep(struct shoal_call *call, struct fv *fv, const json_t *document,
    const json_t *activity, struct shoal_err *err)
{
    bool is_new = false;
    int code = put(call, document, activity, &is_new, err);
    return code == 0 ? fv_details_queue(call, fv, shoal_text(document, "id", ""), is_new ? FV_NEW : FV_CHANGED, err)
                     : code;
}

int fv_video_again(
    struct shoal_call *call, const char *url, const json_t *document, struct shoal_err *err)
{
    const char *id = activity_id(json_object_get(document, "id"));
    return id == NULL || strcmp(id, url) != 0
               ? shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s calls itself something else", url)
               : put(call, document, NULL, NULL, err);
}

// document: taken.
static int keep_fetched(struct shoal_call *call, struct fv *fv, const char *url, json_t *document,
    struct shoal_err *err)
{
    const char *id = activity_id(json_object_get(document, "id"));
    int code = id == NULL || strcmp(id, url) != 0
                   ? shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s calls itself something else", url)
                   : keep(call, fv, document, NULL, err);
    json_decref(document);
    return code;
}

static int fetch_and_keep(
    struct shoal_call *call, struct fv *fv, const char *url, struct shoal_err *err)
{
    json_t *document = federate_fetch(call, url, err);
    if (document == NULL) {
        return err != NULL && err->code != 0 ? err->code : SHOAL_EUPSTREAM;
    }
    return keep_fetched(call, fv, url, document, err);
}

bool fv_knows_video(struct shoal_call *call, const char *id, void *arg)
{
    (void)arg;
    struct shoal_video_ref ref;
    return shoal_video_by_url(call, id, &ref, NULL) == 0;
}

bool fv_owns_video(
    struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg)
{
    (void)arg;
    struct shoal_video_ref ref;
    return shoal_video_by_url(call, id, &ref, NULL) == 0 && ref.origin_host[0] != '\0' &&
           (ref.account_actor_id == actor->id || ref.channel_actor_id == actor->id);
}

int fv_receive_video(
    struct shoal_call *call, const struct shoal_activity *what, void *arg, struct shoal_err *err)
{
    struct fv *fv = arg;
    struct shoal_video_ref ref;
    bool is_known = shoal_video_by_url(call, what->object_id, &ref, NULL) == 0;
    if (is_known && ref.origin_host[0] == '\0') {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "a video of this server is its own");
    }
    if (strcmp(what->type, "Delete") == 0) {
        int code = is_known ? shoal_video_remove(call, ref.id, err) : 0;
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    bool is_update = strcmp(what->type, "Update") == 0;
    bool is_owner = is_known && (ref.account_actor_id == what->actor->id ||
                                    ref.channel_actor_id == what->actor->id);
    // What is embedded is believed of who has the video here; all else is what its origin says.
    bool is_whole = what->object != NULL && (what->is_fetched || (is_update && is_owner));
    return is_whole ? keep(call, fv, what->object, what->is_fetched ? NULL : what->activity, err)
                    : fetch_and_keep(call, fv, what->object_id, err);
}

int fv_video_ensure(
    struct shoal_call *call, const char *url, struct shoal_video_ref *ref, struct shoal_err *err)
{
    int code = shoal_video_by_url(call, url, ref, NULL);
    if (code != SHOAL_ENOTFOUND) {
        return code;
    }
    json_t *found = federate_resolve(call, url, err);
    if (found == NULL) {
        return err != NULL && err->code != 0 ? err->code : SHOAL_EUPSTREAM;
    }
    bool is_video = strcmp(shoal_text(found, "type", ""), "Video") == 0;
    json_decref(found);
    return is_video ? shoal_video_by_url(call, url, ref, err)
                    : shoal_fail(err, SHOAL_EINVAL, "%.200s is no video", url);
}

// PeerTube's servers answer 404 for what was deleted, and any server does while it is half up: it is
// believed when it is said again and again.
static int missing(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    bool is_gone = false;
    int code = shoal_video_missing(call, ref->id, &is_gone, &why);
    if (code == SHOAL_ENOTFOUND) {
        return 0;
    }
    return code != 0   ? shoal_fail(err, code, "%s", why.text)
           : is_gone ? 0
                       : fv_missing_queue(call, fv, ref, err);
}

int fv_video_refresh(struct shoal_call *call, struct fv *fv, const char *url, struct shoal_err *err)
{
    struct shoal_video_ref ref;
    struct shoal_err why = {0};
    int code = shoal_video_by_url(call, url, &ref, NULL);
    if (code != 0 || ref.origin_host[0] == '\0') {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    json_t *document = federate_fetch(call, ref.url, &why);
    if (document != NULL) {
        code = keep_fetched(call, fv, ref.url, document, &why);
        return code == 0 ? 0 : shoal_fail(err, code, "%s", why.text);
    }
    if (why.code == SHOAL_EGONE) {
        code = shoal_video_remove(call, ref.id, err);
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    return why.code == SHOAL_ENOTFOUND
               ? missing(call, fv, &ref, err)
               : shoal_fail(err, why.code != 0 ? why.code : SHOAL_EUPSTREAM, "%s", why.text);
}

// --- Announce: a channel or a server tells its followers of a video ---

bool fv_knows_share(struct shoal_call *call, const char *id, void *arg)
{
    (void)arg;
    int64_t actor_id = 0;
    return shoal_share_actor(call, id, &actor_id, NULL) == 0;
}

bool fv_owns_share(
    struct shoal_call *call, const char *id, const struct shoal_actor *actor, void *arg)
{
    (void)arg;
    int64_t actor_id = 0;
    return shoal_share_actor(call, id, &actor_id, NULL) == 0 && actor_id == actor->id;
}

static int share_end(
    struct shoal_call *call, const struct shoal_activity *what, struct shoal_err *err)
{
    struct shoal_err why = {0};
    int code = shoal_share_remove(call, what->actor->id, what->object_id, &why);
    return code == 0 || code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
}

int fv_receive_announce(
    struct shoal_call *call, const struct shoal_activity *what, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_video_ref ref;
    const char *kind = what->actor->kind;
    if (strcmp(what->type, "Undo") == 0) {
        return share_end(call, what, err);
    }
    // A person's boost is no share: PeerTube's videos come from channels and servers.
    if (strcmp(kind, "Group") != 0 && strcmp(kind, "Application") != 0) {
        return 0;
    }
    int code = what->is_awaited ? shoal_video_by_url(call, what->object_id, &ref, NULL)
                                : fv_video_ensure(call, what->object_id, &ref, err);
    if (code == SHOAL_ENOTFOUND && what->is_awaited) {
        return shoal_fail(err, SHOAL_EBUSY, "%.200s is not known here yet", what->object_id);
    }
    if (code == 0 && ref.origin_host[0] == '\0' && !ref.is_federated) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this video is not for others");
    }
    return code == 0 ? shoal_share_put(call, ref.id, what->actor->id, what->id, err) : code;
}

// --- View: somebody watched, or so many watch now ---

int fv_receive_view(
    struct shoal_call *call, const struct shoal_activity *what, void *arg, struct shoal_err *err)
{
    struct fv *fv = arg;
    struct shoal_video_ref ref;
    int code = shoal_video_by_url(call, what->object_id, &ref, NULL);
    if (code == SHOAL_ENOTFOUND) {
        return 0; // views alone bring no video in
    }
    bool is_ours = code == 0 && ref.origin_host[0] == '\0';
    // Of others' videos their own server alone says how many watch.
    if (code == 0 && !is_ours && strcmp(ref.origin_host, what->actor->host) != 0 &&
        !what->is_relayed) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "%.200s counts views of its own videos alone",
            what->actor->host);
    }
    if (code == 0 && is_ours && !ref.is_federated) {
        return shoal_fail(err, SHOAL_EFORBIDDEN, "this video is not for others");
    }
    int64_t expires_ms = fv_time(what->activity, "expires");
    expires_ms =
        expires_ms < 0 ? fv_time(what->activity, "expiration") : expires_ms; // as 6.x says it
    if (code != 0) {
        return code;
    }
    if (expires_ms < 0) {
        // Servers say things again when they heard no answer.
        bool is_said = fv_viewers_seen(fv->viewers, what->id);
        code = is_said ? 0 : shoal_video_views_add(call, ref.id, 1, err);
        return code == 0 && is_ours && !is_said ? fv_views_queue(call, fv, &ref, err) : code;
    }
    int64_t count = shoal_integer(what->activity, "result.userInteractionCount", 1);
    const char *kind = shoal_text(what->activity, "result.interactionType", "WatchAction");
    bool is_watching =
        strcmp(kind, "WatchAction") == 0 || strcmp(kind, "http://schema.org/WatchAction") == 0;
    if (is_watching && count > 0) {
        // One server is at most so many viewers of ours as it says one by one.
        fv_viewers_set(fv->viewers, ref.id, ref.uuid, what->id, is_ours ? 1 : count, expires_ms);
    }
    return 0;
}

bool fv_relays(
    struct shoal_call *call, const struct shoal_activity *what, int64_t *video_id, void *arg)
{
    (void)arg;
    struct shoal_video_ref ref;
    bool is_ours = shoal_video_by_url(call, what->object_id, &ref, NULL) == 0 &&
                   ref.origin_host[0] == '\0' && ref.is_federated;
    *video_id = is_ours ? ref.id : 0;
    return is_ours;
}
