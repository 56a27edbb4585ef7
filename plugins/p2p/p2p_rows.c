// p2p_rows.c - writes the hashes and torrents of a video as a plan says, in one transaction.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "p2p_torrents.h"

SHOAL_SQL(p2p_hash_list, "SELECT hash, generation FROM p2p_hash WHERE video_id = $1");
SHOAL_SQL(p2p_hash_add, "INSERT INTO p2p_hash (hash, video_id, generation) VALUES ($1, $2, $3) "
                        "ON CONFLICT (hash, video_id) DO NOTHING");
SHOAL_SQL(p2p_hash_remove, "DELETE FROM p2p_hash WHERE video_id = $1 AND hash = $2");
SHOAL_SQL(p2p_torrent_list, "SELECT file_id, size_bytes, piece_bytes, title, infohash, path "
                            "FROM p2p_torrent WHERE video_id = $1 ORDER BY file_id");
SHOAL_SQL(p2p_torrent_pieces, "SELECT pieces FROM p2p_torrent WHERE file_id = $1");
SHOAL_SQL(p2p_torrent_rename,
    "UPDATE p2p_torrent SET title = $2, infohash = $3 WHERE file_id = $1");
SHOAL_SQL(p2p_torrent_move, "UPDATE p2p_torrent SET path = $2 WHERE file_id = $1");
SHOAL_SQL(p2p_torrent_remove, "DELETE FROM p2p_torrent WHERE file_id = $1");
SHOAL_SQL(p2p_video_remove, "DELETE FROM p2p_video WHERE video_id = $1");
SHOAL_SQL(p2p_video_set,
    "INSERT INTO p2p_video (video_id, uuid, base, privacy, is_open, is_blocked, updated) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (video_id) DO UPDATE SET "
    "base = excluded.base, privacy = excluded.privacy, is_open = excluded.is_open, "
    "is_blocked = excluded.is_blocked, updated = excluded.updated");

// What is worked with within the transaction, which may run again.
struct work {
    struct shoal_call *call;
    struct shoal_db *tx;
    struct p2p_plan *plan;
    struct p2p_torrent *torrents; // of this video, as they are stored
    size_t torrents_count;
    struct p2p_hash *wanted; // of the playlist and of the torrents
    size_t wanted_count;
    bool is_changed;
};

static int torrents_read(struct work *work, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(work->call);
    work->torrents = shoal_arena_alloc(arena, P2P_FILES_MAX * sizeof *work->torrents);
    struct shoal_rows *rows = shoal_db_query(
        work->tx, &p2p_torrent_list, SHOAL_ARGS(SHOAL_I64(work->plan->video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (work->torrents_count < P2P_FILES_MAX && shoal_rows_next(rows)) {
        struct p2p_torrent *one = &work->torrents[work->torrents_count++];
        size_t length = 0;
        *one = (struct p2p_torrent){
            .file_id = shoal_col_i64(rows, 0),
            .size_bytes = shoal_col_i64(rows, 1),
            .piece_bytes = shoal_col_i64(rows, 2),
            .title = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
            .path = shoal_arena_strdup(arena, shoal_col_text(rows, 5)),
        };
        const void *infohash = shoal_col_bytes(rows, 4, &length);
        if (length == P2P_HASH_BYTES) {
            memcpy(one->infohash, infohash, P2P_HASH_BYTES);
        }
    }
    return shoal_rows_close(rows, err);
}

// The name stands inside of what is hashed: a video that is renamed has another infohash.
static int torrent_rename(
    struct work *work, struct p2p_torrent *torrent, const char *title, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        work->tx, &p2p_torrent_pieces, SHOAL_ARGS(SHOAL_I64(torrent->file_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    int code = SHOAL_ENOTFOUND;
    torrent->title = title;
    if (shoal_rows_next(rows)) {
        torrent->pieces = shoal_col_bytes(rows, 0, &torrent->pieces_length);
        code = p2p_infohash_make(torrent);
        torrent->pieces = NULL;
    }
    int closed = shoal_rows_close(rows, err);
    code = closed != 0 ? closed : code;
    work->is_changed = true;
    return code != 0 ? code
                     : shoal_db_exec(work->tx, &p2p_torrent_rename,
                           SHOAL_ARGS(SHOAL_I64(torrent->file_id), SHOAL_TEXT(title),
                               SHOAL_BYTES(torrent->infohash, P2P_HASH_BYTES)),
                           NULL, err);
}

static const struct p2p_file *file_of(const struct p2p_plan *plan, const struct p2p_torrent *torrent)
{
    for (size_t i = 0; i < plan->files_count; i++) {
        const struct p2p_file *file = &plan->files[i];
        if (file->id == torrent->file_id && file->size_bytes == torrent->size_bytes) {
            return file;
        }
    }
    return NULL;
}

static bool is_wanted(const struct work *work, const unsigned char *bytes)
{
    for (size_t i = 0; i < work->wanted_count; i++) {
        if (memcmp(work->wanted[i].bytes, bytes, P2P_HASH_BYTES) == 0) {
            return true;
        }
    }
    return false;
}

static int torrent_write(struct work *work, struct p2p_torrent *torrent, struct shoal_err *err)
{
    const struct p2p_plan *plan = work->plan;
    const struct p2p_file *file = file_of(plan, torrent);
    if (file == NULL) {
        work->is_changed = true;
        return shoal_db_exec(
            work->tx, &p2p_torrent_remove, SHOAL_ARGS(SHOAL_I64(torrent->file_id)), NULL, err);
    }
    const char *title = p2p_title(
        shoal_call_arena(work->call), shoal_text(plan->json, "name", ""), file->resolution);
    int code = strcmp(title, torrent->title) != 0 ? torrent_rename(work, torrent, title, err) : 0;
    if (code == 0 && strcmp(file->path, torrent->path) != 0) {
        work->is_changed = true;
        code = shoal_db_exec(work->tx, &p2p_torrent_move,
            SHOAL_ARGS(SHOAL_I64(torrent->file_id), SHOAL_TEXT(file->path)), NULL, err);
    }
    // The same bytes twice are one torrent.
    if (code == 0 && plan->video.is_shared && !is_wanted(work, torrent->infohash)) {
        struct p2p_hash *hash = &work->wanted[work->wanted_count++];
        hash->generation = 0;
        memcpy(hash->bytes, torrent->infohash, P2P_HASH_BYTES);
    }
    return code;
}

static int torrents_write(struct work *work, struct shoal_err *err)
{
    const struct p2p_plan *plan = work->plan;
    int code = torrents_read(work, err);
    for (size_t i = 0; code == 0 && i < work->torrents_count; i++) {
        code = torrent_write(work, &work->torrents[i], err);
    }
    for (size_t i = 0; code == 0 && plan->video.is_shareable && i < plan->files_count; i++) {
        const struct p2p_file *file = &plan->files[i];
        bool is_missing = file->is_ready && file->size_bytes > 0;
        for (size_t t = 0; is_missing && t < work->torrents_count; t++) {
            is_missing = file_of(plan, &work->torrents[t]) != file;
        }
        if (is_missing) {
            code = p2p_pieces_add(plan->p2p, work->tx, plan->uuid, file, plan->priority, err);
        }
    }
    return code;
}

// Reads which hashes have to go. known: how many of the wanted ones are there.
static int hashes_read(struct work *work, struct p2p_hash *removed, size_t room,
    size_t *removed_count, size_t *known, struct shoal_err *err)
{
    *removed_count = 0;
    *known = 0;
    struct shoal_rows *rows = shoal_db_query(
        work->tx, &p2p_hash_list, SHOAL_ARGS(SHOAL_I64(work->plan->video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (*removed_count < room && shoal_rows_next(rows)) {
        size_t length = 0;
        const void *bytes = shoal_col_bytes(rows, 0, &length);
        if (length != P2P_HASH_BYTES) {
            continue;
        }
        if (is_wanted(work, bytes)) {
            ++*known;
        } else {
            memcpy(removed[(*removed_count)++].bytes, bytes, P2P_HASH_BYTES);
        }
    }
    return shoal_rows_close(rows, err);
}

static int hashes_write(struct work *work, struct shoal_err *err)
{
    struct p2p_plan *plan = work->plan;
    size_t room = P2P_HASHES_MAX + P2P_FILES_MAX;
    struct p2p_hash *removed =
        shoal_arena_alloc(shoal_call_arena(work->call), room * sizeof *removed);
    size_t removed_count = 0;
    size_t known = 0;
    int code = hashes_read(work, removed, room, &removed_count, &known, err);
    for (size_t i = 0; code == 0 && i < removed_count; i++) {
        code = shoal_db_exec(work->tx, &p2p_hash_remove,
            SHOAL_ARGS(SHOAL_I64(plan->video_id), SHOAL_BYTES(removed[i].bytes, P2P_HASH_BYTES)),
            NULL, err);
    }
    for (size_t i = 0; code == 0 && known < work->wanted_count && i < work->wanted_count; i++) {
        code = shoal_db_exec(work->tx, &p2p_hash_add,
            SHOAL_ARGS(SHOAL_BYTES(work->wanted[i].bytes, P2P_HASH_BYTES),
                SHOAL_I64(plan->video_id), SHOAL_I64(work->wanted[i].generation)),
            NULL, err);
    }
    plan->has_removed = removed_count > 0;
    work->is_changed = work->is_changed || removed_count > 0 || known < work->wanted_count;
    return code;
}

static int video_write(struct work *work, struct shoal_err *err)
{
    const struct p2p_plan *plan = work->plan;
    const struct p2p_video *video = &plan->video;
    if (!plan->is_there) {
        return shoal_db_exec(
            work->tx, &p2p_video_remove, SHOAL_ARGS(SHOAL_I64(plan->video_id)), NULL, err);
    }
    return shoal_db_exec(work->tx, &p2p_video_set,
        SHOAL_ARGS(SHOAL_I64(plan->video_id), SHOAL_TEXT(plan->uuid), SHOAL_TEXT(plan->base),
            SHOAL_I64(video->privacy), SHOAL_BOOL(video->is_open), SHOAL_BOOL(video->is_blocked),
            SHOAL_TIME(video->updated_ms)),
        NULL, err);
}

int p2p_rows_write(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct p2p_plan *plan = arg;
    struct work work = {.call = call, .tx = tx, .plan = plan};
    work.wanted = shoal_arena_alloc(
        shoal_call_arena(call), (P2P_HASHES_MAX + P2P_FILES_MAX) * sizeof *work.wanted);
    memcpy(work.wanted, plan->hashes, plan->hashes_count * sizeof *work.wanted);
    work.wanted_count = plan->hashes_count;
    int code = torrents_write(&work, err);
    code = code == 0 ? hashes_write(&work, err) : code;
    code = code == 0 ? video_write(&work, err) : code;
    return code == 0 && work.is_changed ? shoal_touch(call, tx, "torrents", err) : code;
}
