// torrents_index.c - keeps the torrents of each video in line with what the video is.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/catalog.h>

#include "torrents.h"

#define TRIES_MAX 4

SHOAL_SQL(torrents_video_get, "SELECT id, privacy, is_open, is_blocked, origin_host, updated "
                              "FROM v1_video WHERE uuid = $1");
SHOAL_SQL(torrents_walked, "SELECT base, walked FROM torrents_walk WHERE id = 1");
SHOAL_SQL(torrents_walk_set, "INSERT INTO torrents_walk (id, base, walked) VALUES (1, $1, $2) "
                             "ON CONFLICT (id) DO UPDATE SET base = excluded.base, "
                             "walked = excluded.walked");
SHOAL_SQL(torrents_stale,
    "SELECT v.id, v.uuid FROM v1_video v LEFT JOIN torrents_video t ON t.video_id = v.id "
    "WHERE v.id > $1 AND v.origin_host = '' AND (t.video_id IS NULL OR t.base <> $2 OR "
    "t.privacy <> v.privacy OR t.is_blocked <> v.is_blocked OR t.updated <> v.updated) "
    "UNION ALL SELECT t.video_id, t.uuid FROM torrents_video t LEFT JOIN v1_video v "
    "ON v.id = t.video_id WHERE v.id IS NULL AND t.video_id > $1 ORDER BY 1 LIMIT 200");

int torrents_video_look(struct shoal_call *call, const char *uuid, struct torrents_video *out,
    struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &torrents_video_get, SHOAL_ARGS(SHOAL_TEXT(uuid)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    bool is_ours = false;
    if (is_there) {
        *out = (struct torrents_video){
            .id = shoal_col_i64(rows, 0),
            .privacy = shoal_col_i64(rows, 1),
            .is_open = shoal_col_bool(rows, 2),
            .is_blocked = shoal_col_bool(rows, 3),
            .updated_ms = shoal_col_i64(rows, 5),
        };
        const char *origin = shoal_col_text(rows, 4);
        is_ours = origin != NULL && origin[0] == '\0';
    }
    int code = shoal_rows_close(rows, err);
    if (code == 0 && !is_there) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "video %s: there is none", uuid);
    }
    if (code == 0 && is_ours && !out->is_blocked) {
        code = torrents_may_share(call, uuid, out->privacy, &out->is_shareable, err);
    }
    out->is_shared = code == 0 && out->is_shareable && out->is_open;
    return code;
}

static void drop(void *json)
{
    json_decref(json);
}

// What is read of a video, and what its rows are to be.
static int plan_read(struct shoal_call *call, struct torrents_plan *plan, struct shoal_err *err)
{
    struct shoal_err why = {0};
    int code = torrents_video_look(call, plan->uuid, &plan->video, &why);
    if (code == 0) {
        plan->json = shoal_video_get(call, plan->uuid, NULL, &why);
        code = plan->json != NULL ? 0 : why.code;
    }
    plan->is_there = code == 0;
    if (code == 0) {
        shoal_arena_defer(shoal_call_arena(call), drop, plan->json);
        plan->files_count = torrents_files_of(plan->json, shoal_url(call, ""), plan->files);
    }
    return code == 0 || code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
}

// Whether the video is still as it was read: another process may have written older rows meanwhile.
static bool is_same(const struct torrents_plan *a, const struct torrents_plan *b)
{
    bool is_alike = a->is_there == b->is_there && a->files_count == b->files_count &&
                    a->video.is_shareable == b->video.is_shareable;
    for (size_t i = 0; is_alike && i < a->files_count; i++) {
        is_alike = a->files[i].id == b->files[i].id;
    }
    return is_alike && (!a->is_there || strcmp(shoal_text(a->json, "name", ""),
                                            shoal_text(b->json, "name", "")) == 0);
}

static const char *base_of(struct shoal_call *call, void *arg)
{
    (void)arg;
    return shoal_url(call, "/");
}

static struct torrents_plan *plan_new(struct shoal_call *call, struct shoal_plugin *self,
    const char *uuid, int64_t video_id, bool is_late)
{
    struct torrents_plan *plan = shoal_arena_alloc(shoal_call_arena(call), sizeof *plan);
    *plan = (struct torrents_plan){.self = self,
        .uuid = uuid,
        .video_id = video_id,
        .base = base_of(call, NULL),
        .is_late = is_late};
    return plan;
}

int torrents_index_video(struct shoal_call *call, struct shoal_plugin *self, const char *uuid,
    int64_t video_id, bool is_late, struct shoal_err *err)
{
    struct torrents_plan *plan = plan_new(call, self, uuid, video_id, is_late);
    int code = plan_read(call, plan, err);
    for (int i = 0; code == 0 && i < TRIES_MAX; i++) {
        code = shoal_tx(call, torrents_rows_write, plan, err);
        if (code == 0 && plan->has_removed) {
            torrents_swarms_end(call, uuid);
        }
        struct torrents_plan *now = plan_new(call, self, uuid, video_id, is_late);
        code = code == 0 ? plan_read(call, now, err) : code;
        if (code != 0 || is_same(plan, now)) {
            break;
        }
        plan = now;
    }
    return code;
}

static int follow_video(struct shoal_call *call, const char *uuid, int64_t video_id, bool is_late,
    void *arg, struct shoal_err *err)
{
    return torrents_index_video(call, arg, uuid, video_id, is_late, err);
}

int torrents_index_start(
    struct shoal_plugin *self, struct follow **follow, struct shoal_err *err)
{
    *follow = shoal_arena_alloc(shoal_plugin_arena(self), sizeof **follow);
    **follow = (struct follow){.self = self,
        .arg = self,
        .video = follow_video,
        .base = base_of,
        .stale = &torrents_stale,
        .walked = &torrents_walked,
        .walk = &torrents_walk_set};
    return follow_start(*follow, err);
}
