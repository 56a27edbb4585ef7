// p2p_index.c - keeps the hashes of each video in line with what the video is.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <follow.h>
#include <shoal/catalog.h>

#include "p2p_index.h"

#define TRIES_MAX 4

SHOAL_SQL(p2p_video_get, "SELECT id, privacy, is_open, is_blocked, origin_host, updated "
                         "FROM v1_video WHERE uuid = $1");
SHOAL_SQL(p2p_walk_get, "SELECT base, walked FROM p2p_walk WHERE id = 1");
SHOAL_SQL(p2p_walk_set, "INSERT INTO p2p_walk (id, base, walked) VALUES (1, $1, $2) "
                        "ON CONFLICT (id) DO UPDATE SET base = excluded.base, "
                        "walked = excluded.walked");
SHOAL_SQL(p2p_walk_stale,
    "SELECT v.id, v.uuid FROM v1_video v LEFT JOIN p2p_video p ON p.video_id = v.id "
    "WHERE v.id > $1 AND v.origin_host = '' AND (p.video_id IS NULL OR p.base <> $2 OR "
    "p.privacy <> v.privacy OR p.is_open <> v.is_open OR p.is_blocked <> v.is_blocked OR "
    "p.updated <> v.updated) "
    "UNION ALL SELECT p.video_id, p.uuid FROM p2p_video p LEFT JOIN v1_video v "
    "ON v.id = p.video_id WHERE v.id IS NULL AND p.video_id > $1 ORDER BY 1 LIMIT 200");

// What all hashes depend on besides the video: the site's URL and what is shared.
static const char *base_of(struct shoal_call *call, void *arg)
{
    const struct p2p *p2p = arg;
    return shoal_arena_printf(shoal_call_arena(call), "%s%s", shoal_url(call, "/"),
        shoal_setting_bool(p2p->self, "private") ? " private" : "");
}

int p2p_video_look(struct p2p *p2p, struct shoal_call *call, const char *uuid,
    struct p2p_video_row *out, struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &p2p_video_get, SHOAL_ARGS(SHOAL_TEXT(uuid)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    bool is_there = shoal_rows_next(rows);
    if (is_there) {
        *out = (struct p2p_video_row){
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
    }
    int code = shoal_rows_close(rows, err);
    if (code != 0 || !is_there) {
        return code != 0 ? code
                         : shoal_fail(err, SHOAL_ENOTFOUND, "video %s: there is none", uuid);
    }
    out->is_shareable = out->is_shareable && p2p_policy_shares(call, out->id);
    out->is_shared = out->is_shareable && out->is_open;
    return 0;
}

// What is read of a video, and what its rows are to be.
static int plan_read(
    struct p2p *p2p, struct shoal_call *call, struct p2p_plan *plan, struct shoal_err *err)
{
    struct shoal_err why = {0};
    json_t *details = NULL;
    int count = 0;
    int code = p2p_video_look(p2p, call, plan->uuid, &plan->video, &why);
    if (code == 0) {
        details = shoal_video_get(call, plan->uuid, NULL, &why);
        code = details != NULL ? 0 : why.code;
    }
    plan->is_there = code == 0;
    if (code == 0 && plan->video.is_shared) {
        count = p2p_hashes_make(details, plan->hashes);
    }
    json_decref(details);
    plan->hashes_count = count > 0 ? (size_t)count : 0;
    if (count < 0) {
        return shoal_fail(err, count, "video %s: its hashes cannot be made", plan->uuid);
    }
    return code == 0 || code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
}

// Whether the video is still as it was read: another process may have written older rows meanwhile.
static bool is_same(const struct p2p_plan *a, const struct p2p_plan *b)
{
    bool is_alike = a->is_there == b->is_there && a->hashes_count == b->hashes_count &&
                    a->video.is_shared == b->video.is_shared;
    for (size_t i = 0; is_alike && i < a->hashes_count; i++) {
        is_alike = memcmp(a->hashes[i].bytes, b->hashes[i].bytes, P2P_HASH_BYTES) == 0;
    }
    return is_alike;
}

static struct p2p_plan *plan_new(
    struct p2p *p2p, struct shoal_call *call, const char *uuid, int64_t video_id)
{
    struct p2p_plan *plan = shoal_arena_alloc(shoal_call_arena(call), sizeof *plan);
    *plan = (struct p2p_plan){.uuid = uuid, .video_id = video_id, .base = base_of(call, p2p)};
    return plan;
}

static int index_video(struct shoal_call *call, const char *uuid, int64_t video_id, bool is_late,
    void *arg, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    struct p2p_plan *plan = plan_new(p2p, call, uuid, video_id);
    int code = plan_read(p2p, call, plan, err);
    for (int i = 0; code == 0 && i < TRIES_MAX; i++) {
        code = shoal_tx(call, p2p_rows_write, plan, err);
        if (code == 0 && (plan->has_changed || !plan->video.is_shared)) {
            p2p_video_forget(p2p, call, video_id, !plan->video.is_shared);
        }
        struct p2p_plan *now = plan_new(p2p, call, uuid, video_id);
        code = code == 0 ? plan_read(p2p, call, now, err) : code;
        if (code != 0 || is_same(plan, now)) {
            break;
        }
        plan = now;
    }
    if (code == 0 && is_late) { // nobody told of it: somebody may have switched something
        p2p_torrents_renew(call, uuid);
    }
    return code;
}

int p2p_index_start(struct p2p *p2p, struct shoal_err *err)
{
    struct follow *follow = shoal_arena_alloc(shoal_plugin_arena(p2p->self), sizeof *follow);
    *follow = (struct follow){.self = p2p->self,
        .arg = p2p,
        .video = index_video,
        .base = base_of,
        .stale = &p2p_walk_stale,
        .walked = &p2p_walk_get,
        .walk = &p2p_walk_set};
    return follow_start(follow, err);
}
