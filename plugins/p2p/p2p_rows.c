// p2p_rows.c - writes the hashes of a video as a plan says, in one transaction.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/db.h>

#include "p2p_index.h"

SHOAL_SQL(p2p_hash_list, "SELECT hash FROM p2p_hash WHERE video_id = $1 LIMIT 1000");
SHOAL_SQL(p2p_hash_add, "INSERT INTO p2p_hash (hash, video_id, generation) VALUES ($1, $2, $3) "
                        "ON CONFLICT (hash, video_id) DO NOTHING");
SHOAL_SQL(p2p_hash_remove, "DELETE FROM p2p_hash WHERE video_id = $1 AND hash = $2");
SHOAL_SQL(p2p_video_remove, "DELETE FROM p2p_video WHERE video_id = $1");
SHOAL_SQL(p2p_video_set,
    "INSERT INTO p2p_video (video_id, uuid, base, privacy, is_open, is_blocked, updated) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (video_id) DO UPDATE SET "
    "base = excluded.base, privacy = excluded.privacy, is_open = excluded.is_open, "
    "is_blocked = excluded.is_blocked, updated = excluded.updated");

static bool is_wanted(const struct p2p_plan *plan, const unsigned char *bytes)
{
    for (size_t i = 0; i < plan->hashes_count; i++) {
        if (memcmp(plan->hashes[i].bytes, bytes, P2P_HASH_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

// Reads which hashes have to go. known: how many of the wanted ones are there.
static int hashes_read(struct shoal_db *tx, const struct p2p_plan *plan,
    struct p2p_hash removed[P2P_HASHES_MAX], size_t *removed_count, size_t *known,
    struct shoal_err *err)
{
    struct shoal_rows *rows =
        shoal_db_query(tx, &p2p_hash_list, SHOAL_ARGS(SHOAL_I64(plan->video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*removed_count < P2P_HASHES_MAX && shoal_rows_next(rows)) {
        size_t length = 0;
        const void *bytes = shoal_col_bytes(rows, 0, &length);
        if (length == P2P_HASH_BYTES && is_wanted(plan, bytes)) {
            ++*known;
        } else if (length == P2P_HASH_BYTES) {
            memcpy(removed[(*removed_count)++].bytes, bytes, P2P_HASH_BYTES);
        }
    }
    return shoal_rows_close(rows, err);
}

static int hashes_write(struct shoal_call *call, struct shoal_db *tx, struct p2p_plan *plan,
    struct shoal_err *err)
{
    struct p2p_hash *removed =
        shoal_arena_alloc(shoal_call_arena(call), P2P_HASHES_MAX * sizeof *removed);
    size_t removed_count = 0;
    size_t known = 0;
    int code = hashes_read(tx, plan, removed, &removed_count, &known, err);
    for (size_t i = 0; code == 0 && i < removed_count; i++) {
        code = shoal_db_exec(tx, &p2p_hash_remove,
            SHOAL_ARGS(SHOAL_I64(plan->video_id), SHOAL_BYTES(removed[i].bytes, P2P_HASH_BYTES)),
            NULL, err);
    }
    bool is_more = known < plan->hashes_count;
    for (size_t i = 0; code == 0 && is_more && i < plan->hashes_count; i++) {
        code = shoal_db_exec(tx, &p2p_hash_add,
            SHOAL_ARGS(SHOAL_BYTES(plan->hashes[i].bytes, P2P_HASH_BYTES),
                SHOAL_I64(plan->video_id), SHOAL_I64(plan->hashes[i].generation)),
            NULL, err);
    }
    plan->has_changed = removed_count > 0 || (is_more && known == 0);
    return code == 0 && (plan->has_changed || is_more) ? shoal_touch(call, tx, "hashes", err) : code;
}

int p2p_rows_write(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct p2p_plan *plan = arg;
    const struct p2p_video_row *video = &plan->video;
    int code = hashes_write(call, tx, plan, err);
    if (code == 0 && !plan->is_there) {
        return shoal_db_exec(
            tx, &p2p_video_remove, SHOAL_ARGS(SHOAL_I64(plan->video_id)), NULL, err);
    }
    return code != 0 ? code
                     : shoal_db_exec(tx, &p2p_video_set,
                           SHOAL_ARGS(SHOAL_I64(plan->video_id), SHOAL_TEXT(plan->uuid),
                               SHOAL_TEXT(plan->base), SHOAL_I64(video->privacy),
                               SHOAL_BOOL(video->is_open), SHOAL_BOOL(video->is_blocked),
                               SHOAL_TIME(video->updated_ms)),
                           NULL, err);
}
