// p2p_find.c - which video a hash is of, and whether its viewers may share it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/catalog.h>
#include <shoal/db.h>

#include "p2p_index.h"

#define VIDEOS_MAX 64 // with the same hash

SHOAL_SQL(p2p_find_hash, "SELECT video_id FROM p2p_hash WHERE hash = $1 ORDER BY video_id LIMIT 64");
// Of this instance's videos alone: those of others have trackers at home.
SHOAL_SQL(p2p_find_video, "SELECT id, uuid, is_open = TRUE AND is_blocked = FALSE, privacy "
                          "FROM v1_video WHERE id = $1 AND origin_host = ''");

// The videos of a hash: of a playlist's swarm, or of a torrent.
static int videos_of(struct shoal_call *call, const unsigned char hash[P2P_HASH_BYTES],
    int64_t out[VIDEOS_MAX], size_t *count, struct shoal_err *err)
{
    *count = 0;
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &p2p_find_hash, SHOAL_ARGS(SHOAL_BYTES(hash, P2P_HASH_BYTES)), err);
    while (rows != NULL && *count < VIDEOS_MAX && shoal_rows_next(rows)) {
        out[(*count)++] = shoal_col_i64(rows, 0);
    }
    int code = rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
    if (code != 0 || *count > 0) {
        return code;
    }
    json_t *videos = p2p_torrents_videos(call, hash);
    for (size_t i = 0; i < json_array_size(videos) && *count < VIDEOS_MAX; i++) {
        out[(*count)++] = (int64_t)json_integer_value(json_array_get(videos, i));
    }
    json_decref(videos);
    return 0;
}

static int owner_read(struct p2p *p2p, struct shoal_call *call, int64_t video_id,
    struct p2p_owner *owner, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &p2p_find_video, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    if (!rows) {
        return SHOAL_EIO;
    }
    *owner = (struct p2p_owner){.video_id = 0};
    if (shoal_rows_next(rows)) {
        int64_t privacy = shoal_col_i64(rows, 3);
        bool is_public = privacy == SHOAL_PRIVACY_PUBLIC || privacy == SHOAL_PRIVACY_UNLISTED;
        *owner = (struct p2p_owner){.video_id = shoal_col_i64(rows, 0),
            .is_shared = shoal_col_bool(rows, 2) &&
                         (is_public || shoal_setting_bool(p2p->self, "private")),
            .node = p2p_node_of(&p2p->nodes, shoal_col_text(rows, 1))};
        owner->is_here = owner->node == p2p->nodes.self;
    }
    int code = shoal_rows_close(rows, err);
    owner->is_shared =
        code == 0 && owner->is_shared && p2p_policy_shares(call, owner->video_id);
    return code;
}

// Two uploads of the same bytes have one torrent: the oldest video that is shared stands for all, on each node
// that has one of them.
int p2p_hash_find(struct p2p *p2p, struct shoal_call *call, const unsigned char hash[P2P_HASH_BYTES],
    struct p2p_owner *owner, struct shoal_err *err)
{
    int64_t videos[VIDEOS_MAX];
    size_t count = 0;
    *owner = (struct p2p_owner){.video_id = 0};
    int code = videos_of(call, hash, videos, &count, err);
    for (size_t i = 0; code == 0 && !(owner->is_shared && owner->is_here) && i < count; i++) {
        struct p2p_owner one;
        code = owner_read(p2p, call, videos[i], &one, err);
        bool is_better = one.is_shared && (!owner->is_shared || one.is_here);
        if (code == 0 && one.video_id != 0 && (owner->video_id == 0 || is_better)) {
            *owner = one;
        }
    }
    return code != 0 ? code : owner->video_id != 0 ? 0 : SHOAL_ENOTFOUND;
}
