// p2p_index.c - keeps the hashes of each video in line with what the video is.
//
// A job for each video does it when something is told of the video. A walk through all videos finds
// what nobody told: videos from before the plugin, another URL of the site, a missed tell.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_torrents.h"

#define LOOK_MS     INT64_C(5000)
#define WALK_MS     INT64_C(600000)
#define PAGE_MAX    200
#define TRIES_MAX   4
#define LATE        10 // priority of what the walk finds: behind what was uploaded just now

SHOAL_SQL(p2p_video_get, "SELECT id, privacy, is_open, is_blocked, origin_host, updated "
                         "FROM v1_video WHERE uuid = $1");
SHOAL_SQL(p2p_walk_get, "SELECT base, walked FROM p2p_walk WHERE id = 1");
SHOAL_SQL(p2p_walk_set, "INSERT INTO p2p_walk (id, base, walked) VALUES (1, $1, $2) "
                        "ON CONFLICT (id) DO UPDATE SET base = excluded.base, "
                        "walked = excluded.walked");
SHOAL_SQL(p2p_walk_page,
    "SELECT v.id, v.uuid, v.origin_host, v.privacy, v.is_open, v.is_blocked, v.updated, "
    "p.base, p.privacy, p.is_open, p.is_blocked, p.updated "
    "FROM v1_video v LEFT JOIN p2p_video p ON p.video_id = v.id WHERE v.id > $1 "
    "ORDER BY v.id LIMIT 200");
SHOAL_SQL(p2p_walk_gone,
    "SELECT p.video_id, p.uuid FROM p2p_video p LEFT JOIN v1_video v ON v.id = p.video_id "
    "WHERE v.id IS NULL AND p.video_id > $1 ORDER BY p.video_id LIMIT 200");

const char *p2p_base(struct p2p *p2p, struct shoal_call *call)
{
    return shoal_arena_printf(shoal_call_arena(call), "%s%s", shoal_url(call, "/"),
        shoal_setting_bool(p2p->self, "private") ? " private" : "");
}

int p2p_video_look(struct p2p *p2p, struct shoal_call *call, const char *uuid,
    struct p2p_video *out, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &p2p_video_get, SHOAL_ARGS(SHOAL_TEXT(uuid)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    if (is_there) {
        *out = (struct p2p_video){
            .id = shoal_col_i64(rows, 0),
            .privacy = shoal_col_i64(rows, 1),
            .is_open = shoal_col_bool(rows, 2),
            .is_blocked = shoal_col_bool(rows, 3),
            .updated_ms = shoal_col_i64(rows, 5),
        };
        const char *origin = shoal_col_text(rows, 4);
        bool is_public =
            out->privacy == SHOAL_PRIVACY_PUBLIC || out->privacy == SHOAL_PRIVACY_UNLISTED;
        out->is_shareable = origin != NULL && origin[0] == '\0' && !out->is_blocked &&
                            (is_public || shoal_setting_bool(p2p->self, "private"));
        out->is_shared = out->is_shareable && out->is_open;
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && is_there && out->is_shareable && !p2p_policy_shares(call, out->id)) {
        out->is_shareable = out->is_shared = false;
    }
    return code != 0  ? code
           : is_there ? 0
                      : shoal_fail(err, SHOAL_ENOTFOUND, "video %s: there is none", uuid);
}

// --- one video ---

static void drop(void *json)
{
    json_decref(json);
}

// What is read of a video, and what its rows are to be.
static int plan_read(struct p2p *p2p, struct shoal_call *call, const char *uuid,
    struct p2p_plan *plan, struct shoal_err *err)
{
    struct shoal_err why = {0};
    plan->hashes_count = 0;
    plan->files_count = 0;
    int code = p2p_video_look(p2p, call, uuid, &plan->video, &why);
    if (code == 0) {
        plan->json = shoal_video_get(call, uuid, NULL, &why);
        code = plan->json != NULL ? 0 : why.code;
    }
    plan->is_there = code == 0;
    if (code == SHOAL_ENOTFOUND) {
        return 0;
    }
    if (code != 0) {
        return shoal_fail(err, code, "%s", why.text);
    }
    shoal_arena_defer(shoal_call_arena(call), drop, plan->json);
    plan->files_count = p2p_files_of(plan->json, shoal_url(call, ""), plan->files);
    int count = plan->video.is_shared ? p2p_hashes_make(plan->json, plan->hashes) : 0;
    plan->hashes_count = count > 0 ? (size_t)count : 0;
    return count < 0 ? shoal_fail(err, count, "video %s: its hashes cannot be made", uuid) : 0;
}

// Whether the video is still as it was read: another process may have written older rows meanwhile.
static bool is_same(const struct p2p_plan *a, const struct p2p_plan *b)
{
    bool is_alike = a->is_there == b->is_there && a->files_count == b->files_count &&
                    a->hashes_count == b->hashes_count &&
                    a->video.is_shared == b->video.is_shared &&
                    a->video.is_shareable == b->video.is_shareable;
    for (size_t i = 0; is_alike && i < a->files_count; i++) {
        is_alike = a->files[i].id == b->files[i].id;
    }
    for (size_t i = 0; is_alike && i < a->hashes_count; i++) {
        is_alike = memcmp(a->hashes[i].bytes, b->hashes[i].bytes, P2P_HASH_BYTES) == 0;
    }
    return is_alike && (!a->is_there || strcmp(shoal_text(a->json, "name", ""),
                                            shoal_text(b->json, "name", "")) == 0);
}

void p2p_video_forget(struct p2p *p2p, int64_t video_id)
{
    p2p_tracker_forget(p2p->tracker, video_id);
    json_t *message = json_pack("{s:I}", "video", (json_int_t)video_id);
    shoal_publish("p2p:forget", message); // its swarms may be another process's
    json_decref(message);
}

static struct p2p_plan *plan_new(
    struct p2p *p2p, struct shoal_call *call, const char *uuid, int64_t video_id, int priority)
{
    struct p2p_plan *plan = shoal_arena_alloc(shoal_call_arena(call), sizeof *plan);
    *plan = (struct p2p_plan){.p2p = p2p,
        .uuid = uuid,
        .video_id = video_id,
        .base = p2p_base(p2p, call),
        .priority = priority};
    return plan;
}

static int index_video(struct p2p *p2p, struct shoal_call *call, const char *uuid,
    int64_t video_id, int priority, struct shoal_err *err)
{
    struct p2p_plan *plan = plan_new(p2p, call, uuid, video_id, priority);
    int code = plan_read(p2p, call, uuid, plan, err);
    for (int i = 0; code == 0 && i < TRIES_MAX; i++) {
        code = shoal_tx(call, p2p_rows_write, plan, err);
        if (code == 0 && plan->has_removed) {
            p2p_video_forget(p2p, video_id);
        }
        struct p2p_plan *now = plan_new(p2p, call, uuid, video_id, priority);
        code = code == 0 ? plan_read(p2p, call, uuid, now, err) : code;
        if (code != 0 || is_same(plan, now)) {
            break;
        }
        plan = now;
    }
    return code;
}

int p2p_index_video(struct p2p *p2p, struct shoal_call *call, const char *uuid, int64_t video_id,
    struct shoal_err *err)
{
    return index_video(p2p, call, uuid, video_id, 0, err);
}

static int run_index(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    const char *uuid = shoal_text(job->payload, "uuid", "");
    return p2p_index_video(arg, call, uuid, shoal_integer(job->payload, "video", 0), err);
}

struct order {
    struct p2p *p2p;
    const char *kind, *unique, *base;
    json_t *payload;
};

static int add_index(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct order *order = arg;
    const struct shoal_job_options options = {.unique = order->unique, .subject = order->unique};
    return shoal_job_add(order->p2p->self, tx, "index", order->payload, &options, NULL, err);
}

static int on_tell(struct shoal_call *call, const json_t *event, void *arg, struct shoal_err *err)
{
    const char *uuid = shoal_text(event, "video.uuid", "");
    int64_t id = shoal_integer(event, "video.id", 0);
    if (!shoal_flag(event, "video.isLocal", true) || !shoal_uuid_valid(uuid) || id <= 0) {
        return 0;
    }
    struct order order = {.p2p = arg,
        .unique = shoal_arena_printf(shoal_call_arena(call), "video:%s", uuid),
        .payload = json_pack("{s:s, s:I}", "uuid", uuid, "video", (json_int_t)id)};
    int code = shoal_tx(call, add_index, &order, err);
    json_decref(order.payload);
    return code;
}

// --- all videos ---

struct found {
    int64_t id;
    const char *uuid;
    bool is_stale;
};

static void found_read(struct shoal_call *call, const struct shoal_rows *rows, const char *base,
    struct found *out)
{
    const char *origin = shoal_col_text(rows, 2);
    const char *known = shoal_col_text(rows, 7); // NULL: never indexed
    bool is_same = known != NULL && strcmp(known, base) == 0 &&
                   shoal_col_i64(rows, 3) == shoal_col_i64(rows, 8) &&
                   shoal_col_bool(rows, 4) == shoal_col_bool(rows, 9) &&
                   shoal_col_bool(rows, 5) == shoal_col_bool(rows, 10) &&
                   shoal_col_i64(rows, 6) == shoal_col_i64(rows, 11);
    *out = (struct found){
        .id = shoal_col_i64(rows, 0),
        .uuid = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 1)),
        .is_stale = origin != NULL && origin[0] == '\0' && !is_same,
    };
}

// Reads the next page behind the number `after`. base NULL: the rows of videos that are gone.
static int page_read(struct shoal_call *call, int64_t after, const char *base,
    struct found out[PAGE_MAX], size_t *count, struct shoal_err *err)
{
    *count = 0;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call),
        base != NULL ? &p2p_walk_page : &p2p_walk_gone, SHOAL_ARGS(SHOAL_I64(after)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*count < PAGE_MAX && shoal_rows_next(rows)) {
        struct found *one = &out[(*count)++];
        if (base != NULL) {
            found_read(call, rows, base, one);
            continue;
        }
        *one = (struct found){.id = shoal_col_i64(rows, 0),
            .uuid = shoal_arena_strdup(shoal_call_arena(call), shoal_col_text(rows, 1)),
            .is_stale = true};
    }
    return shoal_rows_close(rows, err);
}

static int page_index(struct p2p *p2p, struct shoal_call *call, const struct shoal_job *job,
    const struct found *found, size_t count, struct shoal_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (shoal_call_cancelled(call) || shoal_job_progress(call, job, 50) != 0) {
            return shoal_fail(err, SHOAL_ECANCELLED, "looking through the videos was stopped");
        }
        int code = 0;
        if (found[i].is_stale) {
            code = index_video(p2p, call, found[i].uuid, found[i].id, LATE, err);
        }
        if (code != 0) {
            return code;
        }
    }
    return 0;
}

// Begun again after a crash it finds little to do: what it has indexed is no longer stale.
static int run_walk(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    for (int pass = 0; pass < 2; pass++) {
        const char *base = pass == 0 ? p2p_base(p2p, call) : NULL;
        int64_t after = 0;
        for (size_t count = PAGE_MAX; count == PAGE_MAX;) {
            struct found *page =
                shoal_arena_alloc(shoal_call_arena(call), PAGE_MAX * sizeof *page);
            int code = page_read(call, after, base, page, &count, err);
            code = code == 0 ? page_index(p2p, call, job, page, count, err) : code;
            if (code != 0) {
                return code;
            }
            after = count > 0 ? page[count - 1].id : after;
        }
    }
    return 0;
}

static int add_walk(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct order *order = arg;
    const struct shoal_job_options options = {.unique = "walk", .priority = LATE};
    int code = shoal_job_add(order->p2p->self, tx, "walk", NULL, &options, NULL, err);
    return code == 0 ? shoal_db_exec(tx, &p2p_walk_set,
                           SHOAL_ARGS(SHOAL_TEXT(order->base), SHOAL_TIME(shoal_now_ms())), NULL,
                           err)
                     : code;
}

// The URL of the site and what is shared may have changed with a restart or a setting.
static int look(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct order order = {.p2p = arg, .base = p2p_base(arg, call)};
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &p2p_walk_get, SHOAL_NOARGS, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_done = shoal_rows_next(rows);
    if (is_done) {
        int64_t age_ms = shoal_now_ms() - shoal_col_i64(rows, 1);
        is_done = strcmp(shoal_col_text(rows, 0), order.base) == 0 && age_ms >= 0 &&
                  age_ms < WALK_MS;
    }
    int code = shoal_rows_close(rows, err);
    return code != 0 || is_done ? code : shoal_tx(call, add_walk, &order, err);
}

static void on_forget(const char *topic, const json_t *message, void *arg)
{
    (void)topic;
    const struct p2p *p2p = arg;
    p2p_tracker_forget(p2p->tracker, shoal_integer(message, "video", 0));
}

int p2p_index_start(struct p2p *p2p, struct shoal_err *err)
{
    // The last is what is told of a private video that comes out.
    static const char *const hooks[] = {"video.files", "video.changed", "video.published",
        "video.hidden", "video.deleted", "video.state"};
    const struct shoal_job_kind kinds[] = {
        {.kind = "index", .run = run_index, .arg = p2p, .attempts = 10},
        {.kind = "walk", .run = run_walk, .arg = p2p, .attempts = 10, .concurrency = 1},
    };
    int code = 0;
    for (size_t i = 0; code == 0 && i < sizeof kinds / sizeof *kinds; i++) {
        code = shoal_job_kind_add(p2p->self, &kinds[i], err);
    }
    for (size_t i = 0; code == 0 && i < sizeof hooks / sizeof *hooks; i++) {
        code = shoal_tell(p2p->self, hooks[i], on_tell, p2p);
    }
    if (code == 0) {
        code = shoal_timer_add(p2p->self, "look", LOOK_MS, false, look, p2p);
    }
    if (code == 0 && shoal_subscribe(p2p->self, "p2p:forget", on_forget, p2p) == 0) {
        code = shoal_fail(err, SHOAL_EFORBIDDEN, "swarms cannot be ended from another process");
    }
    return code;
}
