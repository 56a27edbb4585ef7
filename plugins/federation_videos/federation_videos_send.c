// federation_videos_send.c - brings other servers to what a video of ours is now.
//
// One row a video says that others know it. What happened is compared with that, whatever the hook
// was: a video that may be known and is not is told of, one that is known is changed, one that may
// not be known any more is taken back. So a hook that comes twice, or late, does no harm.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/follows.h>
#include "federation_videos.h"

#define PRIORITY_NOW    0
#define PRIORITY_UPDATE 1

SHOAL_SQL(fv_sent_get,
    "SELECT account_actor_id, channel_actor_id, uuid FROM federation_videos_sent "
    "WHERE video_id = $1");
SHOAL_SQL(fv_sent_put,
    "INSERT INTO federation_videos_sent (video_id, uuid, account_actor_id, channel_actor_id, sent) "
    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (video_id) DO UPDATE SET "
    "account_actor_id = excluded.account_actor_id, channel_actor_id = excluded.channel_actor_id");
SHOAL_SQL(fv_sent_remove, "DELETE FROM federation_videos_sent WHERE video_id = $1");

struct sent {
    bool is_there;
    int64_t account_id, channel_id; // actors
    const char *uuid;
};

struct send {
    struct shoal_video_ref ref;
    struct sent sent;
    struct shoal_actor account, channel, self;
    json_t *document;
    const char *url;
};

const char *fv_announce_url(struct shoal_call *call, const char *video_url, int64_t actor_id)
{
    return shoal_arena_printf(
        shoal_call_arena(call), "%s/announces/%lld", video_url, (long long)actor_id);
}

static int sent_find(
    struct shoal_call *call, int64_t video_id, struct sent *out, struct shoal_err *err)
{
    *out = (struct sent){0};
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &fv_sent_get, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    if (shoal_rows_next(rows)) {
        *out = (struct sent){true, shoal_col_i64(rows, 0), shoal_col_i64(rows, 1),
            shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 2))};
    }
    return shoal_rows_close(rows, err);
}

static json_t *activity_new(const char *type, const char *id, const char *actor, json_t *object)
{
    return json_pack(
        "{s:s, s:s, s:s, s:o}", "type", type, "id", id, "actor", actor, "object", object);
}

static int say(struct shoal_call *call, struct shoal_db *tx, json_t *activity,
    struct shoal_delivery what, struct shoal_err *err)
{
    what.activity = activity;
    int code = activity == NULL ? shoal_fail(err, SHOAL_EINTERNAL, "an activity cannot be written")
                                : federate_deliver(call, tx, what, err);
    json_decref(activity);
    return code;
}

static json_t *announce_json(
    struct shoal_call *call, const char *video_url, const struct shoal_actor *actor)
{
    json_t *out = activity_new("Announce", fv_announce_url(call, video_url, actor->id), actor->url,
        json_string(video_url));
    fv_audience_add(out, SHOAL_PRIVACY_PUBLIC, actor->followers_url, NULL);
    return out;
}

static int announce(struct shoal_call *call, struct shoal_db *tx, const struct send *send,
    const struct shoal_actor *actor, struct shoal_err *err)
{
    int code = shoal_share_put(
        call, send->ref.id, actor->id, fv_announce_url(call, send->url, actor->id), err);
    return code != 0 ? code
                     : say(call, tx, announce_json(call, send->url, actor),
                           (struct shoal_delivery){.actor_id = actor->id,
                               .followers_of = {actor->id},
                               .priority = PRIORITY_NOW},
                           err);
}

static int unannounce(struct shoal_call *call, struct shoal_db *tx, const char *video_url,
    int64_t actor_id, struct shoal_err *err)
{
    struct shoal_actor actor;
    struct shoal_err why = {0};
    if (shoal_actor_get(call, actor_id, &actor, &why) != 0) {
        return why.code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, why.code, "%s", why.text);
    }
    const char *url = fv_announce_url(call, video_url, actor_id);
    int code = shoal_share_remove(call, actor_id, url, &why);
    if (code != 0 && code != SHOAL_ENOTFOUND) {
        return shoal_fail(err, code, "%s", why.text);
    }
    json_t *undo = activity_new("Undo", shoal_arena_printf(shoal_call_arena(call), "%s/undo", url),
        actor.url, announce_json(call, video_url, &actor));
    fv_audience_add(undo, SHOAL_PRIVACY_PUBLIC, actor.followers_url, NULL);
    return say(call, tx, undo,
        (struct shoal_delivery){
            .actor_id = actor.id, .followers_of = {actor.id}, .priority = PRIORITY_NOW},
        err);
}

static int row_put(struct shoal_db *tx, const struct send *send, struct shoal_err *err)
{
    return shoal_db_exec(tx, &fv_sent_put,
        SHOAL_ARGS(SHOAL_I64(send->ref.id), SHOAL_TEXT(send->ref.uuid), SHOAL_I64(send->account.id),
            SHOAL_I64(send->channel.id), SHOAL_I64(shoal_now_ms())),
        NULL, err);
}

json_t *fv_activity(const char *type, const char *id, const char *actor_url, json_t *document)
{
    json_t *out = activity_new(type, id, actor_url, json_incref(document));
    json_object_set(out, "to", json_object_get(document, "to"));
    json_object_set(out, "cc", json_object_get(document, "cc"));
    return out;
}

static int create_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct send *send = arg;
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%s/activity", send->url);
    int code = row_put(tx, send, err);
    code = code == 0 ? announce(call, tx, send, &send->channel, err) : code;
    code = code == 0 ? announce(call, tx, send, &send->self, err) : code;
    return code == 0 ? say(call, tx, fv_activity("Create", id, send->account.url, send->document),
                           (struct shoal_delivery){.actor_id = send->account.id,
                               .context = "Video",
                               .followers_of = {send->account.id},
                               .priority = PRIORITY_NOW},
                           err)
                     : code;
}

static int update_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct send *send = arg;
    char now[32];
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *id = shoal_arena_printf(
        arena, "%s/updates/%s", send->url, shoal_time_format(shoal_now_ms(), now));
    int code = row_put(tx, send, err);
    bool has_moved = send->sent.channel_id != send->channel.id;
    if (code == 0 && has_moved) {
        code = unannounce(call, tx, send->url, send->sent.channel_id, err);
        code = code == 0 ? announce(call, tx, send, &send->channel, err) : code;
    }
    return code == 0 ? say(call, tx, fv_activity("Update", id, send->account.url, send->document),
                           (struct shoal_delivery){.actor_id = send->account.id,
                               .context = "Video",
                               .followers_of = {send->account.id},
                               .video_id = send->ref.id,
                               .priority = PRIORITY_UPDATE,
                               .replaces = shoal_arena_printf(arena, "update:%s", send->url)},
                           err)
                     : code;
}

// Taken back: everybody who may have it hears of it. The rows of shares go with the video, or now.
static int delete_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct send *send = arg;
    json_t *activity =
        activity_new("Delete", shoal_arena_printf(shoal_call_arena(call), "%s/delete", send->url),
            send->account.url, json_string(send->url));
    fv_audience_add(activity, SHOAL_PRIVACY_PUBLIC, send->account.followers_url, NULL);
    int code = say(call, tx, activity,
        (struct shoal_delivery){.actor_id = send->account.id,
            .followers_of = {send->account.id, send->sent.channel_id, send->self.id},
            .video_id = send->ref.id,
            .priority = PRIORITY_NOW},
        err);
    return code == 0
               ? shoal_db_exec(tx, &fv_sent_remove, SHOAL_ARGS(SHOAL_I64(send->ref.id)), NULL, err)
               : code;
}

static int remove_row_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    return shoal_db_exec(tx, &fv_sent_remove, SHOAL_ARGS(SHOAL_I64(*(int64_t *)arg)), NULL, err);
}

int fv_unsend(struct shoal_call *call, int64_t video_id, struct shoal_err *err)
{
    struct send send = {.ref = {.id = video_id}};
    struct shoal_err why = {0};
    int code = sent_find(call, video_id, &send.sent, err);
    if (code != 0 || !send.sent.is_there || !federate_enabled(call)) {
        return code;
    }
    send.url = shoal_url(
        call, shoal_arena_printf(shoal_call_arena(call), "/videos/watch/%s", send.sent.uuid));
    code = shoal_actor_get(call, send.sent.account_id, &send.account, &why);
    if (code == SHOAL_ENOTFOUND) {
        // Its account is gone, and said so itself: that takes all of its videos.
        return shoal_tx(call, remove_row_tx, &video_id, err);
    }
    code = code == 0 ? federate_self(call, &send.self, &why) : code;
    return code == 0 ? shoal_tx(call, delete_tx, &send, err)
                     : shoal_fail(err, code, "%s", why.text);
}

static int sync_out(struct shoal_call *call, struct send *send, struct shoal_err *err)
{
    struct shoal_err why = {0};
    json_t *noun = NULL;
    int code = shoal_actor_get(call, send->ref.account_actor_id, &send->account, err);
    code =
        code == 0 ? shoal_actor_get(call, send->ref.channel_actor_id, &send->channel, err) : code;
    code = code == 0 ? federate_self(call, &send->self, err) : code;
    if (code != 0) {
        return code;
    }
    send->document = fv_document_of(call, &send->ref, &noun, &why);
    if (send->document == NULL) {
        // Without a picture yet: video.files comes with the first one.
        return why.code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, why.code, "%s", why.text);
    }
    federate_written(call, "Video", noun, &send->document);
    if (!send->sent.is_there) {
        // Their keys are made with their documents: there from now on, even if they go before
        // anything is sent.
        json_decref(federate_actor_document(call, &send->account, NULL));
        json_decref(federate_actor_document(call, &send->channel, NULL));
    }
    code = shoal_tx(call, send->sent.is_there ? update_tx : create_tx, send, err);
    json_decref(noun);
    json_decref(send->document);
    return code;
}

int fv_sync(struct shoal_call *call, const char *uuid, struct shoal_err *err)
{
    struct send send = {0};
    struct shoal_err why = {0};
    if (!federate_enabled(call)) {
        return 0;
    }
    int code = shoal_video_by_id(call, uuid, &send.ref, &why);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
    }
    if (send.ref.origin_host[0] != '\0') {
        return 0;
    }
    send.url = send.ref.url;
    code = sent_find(call, send.ref.id, &send.sent, err);
    if (code != 0 || (!send.ref.is_federated && !send.sent.is_there)) {
        return code;
    }
    return send.ref.is_federated ? sync_out(call, &send, err) : fv_unsend(call, send.ref.id, err);
}
