// ratings_federation.c - tells the origin of a video what somebody here thinks of it.
//
// The job looks at what is kept and at what the origin was told last, and says the difference: a change
// of mind while it waits, or a job that runs twice, sends nothing wrong and nothing in a wrong order.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/remote.h>

#include "ratings.h"

#define JOB "send"

SHOAL_SQL(ratings_told_get,
    "SELECT CASE WHEN is_like = TRUE THEN 1 ELSE 2 END FROM ratings_told "
    "WHERE account_id = $1 AND video_id = $2");
SHOAL_SQL(ratings_told_put,
    "INSERT INTO ratings_told (account_id, video_id, is_like) VALUES ($1, $2, $3) "
    "ON CONFLICT (account_id, video_id) DO UPDATE SET is_like = excluded.is_like");
SHOAL_SQL(ratings_told_remove, "DELETE FROM ratings_told WHERE account_id = $1 AND video_id = $2");

const char *ratings_activity_id(
    struct shoal_arena *arena, const char *actor_url, bool is_like, int64_t video_id)
{
    return shoal_arena_printf(arena, "%s/%s/%lld", actor_url, is_like ? "likes" : "dislikes",
        (long long)video_id);
}

int ratings_send_tx(struct ratings *ratings, struct shoal_db *tx,
    const struct ratings_change *change, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_arena_new(256);
    struct shoal_job_options options = {
        .unique = shoal_arena_printf(arena, "%lld:%lld", (long long)change->account_id,
            (long long)change->video_id),
        .subject = shoal_arena_printf(arena, "video:%s", change->video_uuid)};
    json_t *payload = json_pack("{s:I, s:s, s:I, s:s}", "account_id",
        (json_int_t)change->account_id, "name", change->handle, "video_id",
        (json_int_t)change->video_id, "uuid", change->video_uuid);
    int code = shoal_job_add(ratings->self, tx, JOB, payload, &options, NULL, err);
    json_decref(payload);
    shoal_arena_free(arena);
    return code;
}

struct sending {
    int64_t account_id;
    const struct shoal_actor *actor, *owner;
    const struct shoal_video_ref *video;
};

json_t *ratings_activity(enum ratings_value value, const char *id, const char *actor_url,
    const char *video_url, const char *owner_url)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:[s], s:[]}", "id", id, "type",
        value == RATINGS_LIKE ? "Like" : "Dislike", "actor", actor_url, "object", video_url, "to",
        owner_url, "cc");
}

// One activity to the origin: that it is liked, or that this is taken back.
static int say(struct shoal_call *call, struct shoal_db *tx, const struct sending *sending,
    enum ratings_value value, bool is_undone, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *actor = sending->actor->url;
    const char *id =
        ratings_activity_id(arena, actor, value == RATINGS_LIKE, sending->video->id);
    json_t *activity =
        ratings_activity(value, id, actor, sending->video->url, sending->owner->url);
    if (is_undone) {
        activity = json_pack("{s:s, s:s, s:s, s:o, s:[s], s:[]}", "id",
            shoal_arena_printf(arena, "%s/undo", id), "type", "Undo", "actor", actor, "object",
            activity, "to", sending->owner->url, "cc");
    }
    const int64_t actors[] = {sending->owner->id, 0};
    int code = federate_deliver(call, tx,
        (struct shoal_delivery){.activity = activity,
            .actor_id = sending->actor->id,
            .actors = actors,
            .priority = 2},
        err);
    json_decref(activity);
    return code;
}

static int send_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct sending *sending = arg;
    enum ratings_value told = RATINGS_NONE, now = RATINGS_NONE;
    int64_t account_id = sending->account_id, video_id = sending->video->id;
    int code = ratings_read(tx, &ratings_told_get, account_id, video_id, &told, err);
    code = code == 0 ? ratings_get(tx, account_id, video_id, &now, err) : code;
    if (code != 0 || told == now) {
        return code;
    }
    code = told != RATINGS_NONE ? say(call, tx, sending, told, true, err) : 0;
    code = code == 0 && now != RATINGS_NONE ? say(call, tx, sending, now, false, err) : code;
    if (code != 0) {
        return code;
    }
    return now == RATINGS_NONE
               ? shoal_db_exec(tx, &ratings_told_remove,
                     SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(video_id)), NULL, err)
               : shoal_db_exec(tx, &ratings_told_put,
                     SHOAL_ARGS(SHOAL_I64(account_id), SHOAL_I64(video_id),
                         SHOAL_BOOL(now == RATINGS_LIKE)),
                     NULL, err);
}

// Whoever or whatever is gone since needs to tell nobody.
static int gone_is_done(int code)
{
    return code == SHOAL_ENOTFOUND ? 0 : code;
}

static int send_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    struct shoal_actor actor, owner;
    struct shoal_video_ref video;
    if (!federate_is_there()) {
        return 0;
    }
    int code = shoal_actor_named(call, shoal_text(job->payload, "name", ""), "", &actor, err);
    code = code == 0 ? shoal_video_by_id(call, shoal_text(job->payload, "uuid", ""), &video, err)
                     : code;
    code = code == 0 ? shoal_actor_get(call, video.account_actor_id, &owner, err) : code;
    if (code != 0 || *video.origin_host == '\0') {
        return gone_is_done(code);
    }
    struct sending sending = {.account_id = shoal_integer(job->payload, "account_id", 0),
        .actor = &actor,
        .owner = &owner,
        .video = &video};
    return shoal_tx(call, send_tx, &sending, err);
}

int ratings_federation_start(struct ratings *ratings, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {.kind = JOB, .run = send_job, .arg = ratings};
    return shoal_job_kind_add(ratings->self, &kind, err);
}
