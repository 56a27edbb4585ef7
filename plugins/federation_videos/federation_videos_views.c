// federation_videos_views.c - tells other servers what is watched here.
//
// Views of our videos go out as the number in an Update of the video, once in a while; how many
// watch now as one View that expires. Views of others' videos go to their servers, many in one
// Collection.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "federation_videos_viewers.h"

#define WATCHED_MAX    256
#define PACK_MAX       30  ///< Views in a Collection, each with context and signature: below 50 kB
#define VIEWS_MAX      300 ///< of one video at once
#define WATCHING_MAX   20  ///< viewers of one video of others that are told
#define TICK_MS        60000
#define EXPIRES_MS     (INT64_C(2) * 60 * 1000)
#define PRIORITY_VIEWS 10

// Videos that were seen lately: asked at each tick how many watch them, until nobody does.
static struct {
    pthread_mutex_t lock;
    int64_t ids[WATCHED_MAX];
    size_t count;
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void watched_add(int64_t id)
{
    bool is_there = false;
    pthread_mutex_lock(&watched.lock);
    for (size_t i = 0; i < watched.count && !is_there; i++) {
        is_there = watched.ids[i] == id;
    }
    if (!is_there && watched.count < WATCHED_MAX) {
        watched.ids[watched.count++] = id;
    }
    pthread_mutex_unlock(&watched.lock);
}

static void watched_remove(int64_t id)
{
    pthread_mutex_lock(&watched.lock);
    for (size_t i = 0; i < watched.count; i++) {
        if (watched.ids[i] == id) {
            watched.ids[i--] = watched.ids[--watched.count];
        }
    }
    pthread_mutex_unlock(&watched.lock);
}

struct views {
    struct fv *fv;
    struct shoal_video_ref ref;
    struct shoal_actor self, account;
    int64_t count, expires_ms; // expires_ms 0: views; else viewers
};

// One View. expires_ms: so many watch until then; 0: one more has watched.
static json_t *view_json(
    struct shoal_call *call, const struct views *views, const char *viewer, int64_t total)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *id = shoal_arena_printf(
        arena, "%s/views/videos/%lld/%s", views->self.url, (long long)views->ref.id, viewer);
    json_t *out = json_pack("{s:s, s:s, s:s, s:s}", "type", "View", "id", id, "actor",
        views->self.url, "object", views->ref.url);
    bool is_ours = views->ref.origin_host[0] == '\0';
    if (is_ours) {
        fv_audience_add(out, SHOAL_PRIVACY_PUBLIC, views->account.followers_url, NULL);
    } else {
        json_object_set_new(out, "to", json_pack("[s]", views->account.url));
        json_object_set_new(out, "cc", json_array());
    }
    if (views->expires_ms > 0) {
        char when[32];
        json_object_set_new(
            out, "expires", json_string(shoal_time_format(views->expires_ms, when)));
        json_object_set_new(out, "result",
            json_pack("{s:s, s:s, s:I}", "type", "InteractionCounter", "interactionType",
                "WatchAction", "userInteractionCount", (json_int_t)total));
    }
    return out;
}

// --- others' videos: to their servers ---

// One goes as it is. The number of several is text: 6.x answers 500 to one that is a number.
static json_t *pack_new(struct shoal_call *call, const struct views *views, json_t *items)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    char uuid[37];
    if (json_array_size(items) == 1) {
        json_t *only = json_incref(json_array_get(items, 0));
        json_decref(items);
        return only;
    }
    shoal_uuid_new(uuid);
    return json_pack("{s:s, s:s, s:s, s:s, s:o}", "type", "Collection", "id",
        shoal_arena_printf(arena, "%s/views/%s", views->self.url, uuid), "actor", views->self.url,
        "totalItems", shoal_arena_printf(arena, "%zu", json_array_size(items)), "items", items);
}

static int pack_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct views *views = arg;
    const int64_t to[] = {views->account.id, 0};
    int code = 0;
    for (int64_t sent = 0; sent < views->count && code == 0;) {
        json_t *items = json_array();
        for (; sent < views->count && json_array_size(items) < PACK_MAX; sent++) {
            // Who watches now is the same one the next time; who has watched was another.
            char viewer[40];
            if (views->expires_ms > 0) {
                snprintf(viewer, sizeof viewer, "%lld", (long long)sent);
            } else {
                shoal_uuid_new(viewer);
            }
            json_array_append_new(items, view_json(call, views, viewer, 1));
        }
        json_t *pack = pack_new(call, views, items);
        code = federate_deliver(call, tx,
            (struct shoal_delivery){.activity = pack,
                .actor_id = views->self.id,
                .context = "View",
                .actors = to,
                .is_signed = true,
                .priority = PRIORITY_VIEWS},
            err);
        json_decref(pack);
    }
    return code;
}

// --- our videos: to followers ---

static int watching_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct views *views = arg;
    json_t *view = view_json(call, views, views->ref.uuid, views->count);
    int code = federate_deliver(call, tx,
        (struct shoal_delivery){.activity = view,
            .actor_id = views->self.id,
            .context = "View",
            .followers_of = {views->account.id},
            .video_id = views->ref.id,
            .is_signed = true,
            .priority = PRIORITY_VIEWS,
            .replaces = shoal_arena_printf(shoal_call_arena(call), "viewers:%s", views->ref.url)},
        err);
    json_decref(view);
    return code;
}

static int update_later_tx(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct views *views = arg;
    json_t *payload = json_pack("{s:s}", "uuid", views->ref.uuid);
    const struct shoal_job_options options = {.unique = views->ref.uuid,
        .priority = PRIORITY_VIEWS,
        .run_at_ms = shoal_now_ms() + shoal_setting_i64(views->fv->self, "views_every")};
    int code = shoal_job_add(views->fv->self, tx, "views", payload, &options, NULL, err);
    json_decref(payload);
    return code;
}

static int update_run(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)arg;
    return fv_sync(call, shoal_text(job->payload, "uuid", ""), err);
}

int fv_views_queue(struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref,
    struct shoal_err *err)
{
    struct views views = {.fv = fv, .ref = *ref};
    return shoal_tx(call, update_later_tx, &views, err);
}

static int views_of(
    struct shoal_call *call, struct fv *fv, int64_t video_id, int64_t count, struct shoal_err *err)
{
    struct views views = {.fv = fv, .count = count > VIEWS_MAX ? VIEWS_MAX : count};
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%lld", (long long)video_id);
    int code = shoal_video_by_id(call, id, &views.ref, NULL);
    if (code != 0) {
        return code == SHOAL_ENOTFOUND ? 0 : code;
    }
    bool is_ours = views.ref.origin_host[0] == '\0';
    if (is_ours && !views.ref.is_federated) {
        return 0;
    }
    watched_add(video_id);
    if (is_ours) {
        return fv_views_queue(call, fv, &views.ref, err);
    }
    code = federate_self(call, &views.self, err);
    code =
        code == 0 ? shoal_actor_get(call, views.ref.account_actor_id, &views.account, err) : code;
    code = code == 0 ? shoal_tx(call, pack_tx, &views, err) : code;
    return code == 0 ? fv_refresh_queue(call, fv, &views.ref, err) : code;
}

static int viewed(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    int failed = 0;
    for (size_t i = 0; i < json_array_size(event) && federate_enabled(call); i++) {
        const json_t *row = json_array_get(event, i);
        int code = views_of(
            call, arg, shoal_integer(row, "video_id", 0), shoal_integer(row, "views", 0), err);
        failed = failed == 0 ? code : failed;
    }
    return failed;
}

// --- who watches now ---

static int64_t viewers_here(
    struct shoal_call *call, struct fv *fv, const struct shoal_video_ref *ref)
{
    int status = 0;
    json_t *video = NULL;
    const char *path = shoal_arena_printf(shoal_call_arena(call), "/api/v1/videos/%s", ref->uuid);
    if (shoal_inprocess(call, "GET", path, NULL, &status, &video, NULL) != 0 || status != 200) {
        json_decref(video);
        return 0;
    }
    int64_t viewers = shoal_integer(video, "viewers", 0) - fv_viewers_count(fv->viewers, ref->id);
    json_decref(video);
    return viewers < 0 ? 0 : viewers;
}

static int watching_of(
    struct shoal_call *call, struct fv *fv, int64_t video_id, struct shoal_err *err)
{
    struct views views = {.fv = fv, .expires_ms = shoal_now_ms() + EXPIRES_MS};
    const char *id = shoal_arena_printf(shoal_call_arena(call), "%lld", (long long)video_id);
    int code = shoal_video_by_id(call, id, &views.ref, NULL);
    int64_t here = code == 0 ? viewers_here(call, fv, &views.ref) : 0;
    if (here == 0) {
        watched_remove(video_id);
    }
    bool is_ours = code == 0 && views.ref.origin_host[0] == '\0';
    views.count = is_ours ? here + fv_viewers_count(fv->viewers, video_id)
                          : (here > WATCHING_MAX ? WATCHING_MAX : here);
    if (code != 0 || views.count == 0 || (is_ours && !views.ref.is_federated)) {
        return 0;
    }
    code = federate_self(call, &views.self, err);
    code =
        code == 0 ? shoal_actor_get(call, views.ref.account_actor_id, &views.account, err) : code;
    return code == 0 ? shoal_tx(call, is_ours ? watching_tx : pack_tx, &views, err) : code;
}

static int tick(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    int64_t ids[WATCHED_MAX];
    pthread_mutex_lock(&watched.lock);
    size_t count = watched.count;
    memcpy(ids, watched.ids, count * sizeof *ids);
    pthread_mutex_unlock(&watched.lock);
    int failed = 0;
    for (size_t i = 0; i < count && federate_enabled(call) && !shoal_call_cancelled(call); i++) {
        int code = watching_of(call, arg, ids[i], err);
        failed = failed == 0 ? code : failed;
    }
    return failed;
}

// Viewers of elsewhere are viewers too.
static int view_filter(struct shoal_call *call, json_t **value, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)err;
    const struct fv *fv = arg;
    json_t *video = json_object_get(*value, "video");
    int64_t more = fv_viewers_count(fv->viewers, shoal_integer(video, "id", 0));
    if (more > 0) {
        json_object_set_new(
            video, "viewers", json_integer(shoal_integer(video, "viewers", 0) + more));
    }
    return 0;
}

int fv_views_start(struct fv *fv, struct shoal_err *err)
{
    const struct shoal_job_kind kind = {
        .kind = "views", .run = update_run, .arg = fv, .attempts = 3};
    watched.count = 0; // of a server that was before in this process
    int code = shoal_job_kind_add(fv->self, &kind, err);
    code = code == 0 ? shoal_tell(fv->self, "video.viewed", viewed, fv) : code;
    code = code == 0 ? shoal_filter(fv->self, "video.view", view_filter, fv) : code;
    return code == 0 ? shoal_timer_add(fv->self, "watching", TICK_MS, false, tick, fv) : code;
}
