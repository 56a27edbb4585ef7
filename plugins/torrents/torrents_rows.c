// torrents_rows.c - writes the torrents of a video as a plan says, in one transaction.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include "torrents.h"

SHOAL_SQL(torrents_list, "SELECT file_id, size_bytes, piece_bytes, title, path "
                         "FROM torrents_file WHERE video_id = $1 ORDER BY file_id");
SHOAL_SQL(torrents_pieces, "SELECT pieces FROM torrents_file WHERE file_id = $1");
SHOAL_SQL(torrents_rename, "UPDATE torrents_file SET title = $2, infohash = $3 WHERE file_id = $1");
SHOAL_SQL(torrents_move, "UPDATE torrents_file SET path = $2 WHERE file_id = $1");
SHOAL_SQL(torrents_remove, "DELETE FROM torrents_file WHERE file_id = $1");
SHOAL_SQL(torrents_video_remove, "DELETE FROM torrents_video WHERE video_id = $1");
SHOAL_SQL(torrents_video_set,
    "INSERT INTO torrents_video (video_id, uuid, base, privacy, is_blocked, updated) "
    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (video_id) DO UPDATE SET "
    "base = excluded.base, privacy = excluded.privacy, is_blocked = excluded.is_blocked, "
    "updated = excluded.updated");

// What is worked with within the transaction, which may run again.
struct work {
    struct shoal_call *call;
    struct shoal_db *tx;
    struct torrents_plan *plan;
    struct torrent *torrents; // of this video, as they are stored
    size_t torrents_count;
    bool is_changed;
};

static int torrents_read(struct work *work, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(work->call);
    work->torrents = shoal_arena_alloc(arena, TORRENTS_FILES_MAX * sizeof *work->torrents);
    struct shoal_rows *rows = shoal_db_query(
        work->tx, &torrents_list, SHOAL_ARGS(SHOAL_I64(work->plan->video_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    while (work->torrents_count < TORRENTS_FILES_MAX && shoal_rows_next(rows)) {
        work->torrents[work->torrents_count++] = (struct torrent){
            .file_id = shoal_col_i64(rows, 0),
            .size_bytes = shoal_col_i64(rows, 1),
            .piece_bytes = shoal_col_i64(rows, 2),
            .title = shoal_arena_strdup(arena, shoal_col_text(rows, 3)),
            .path = shoal_arena_strdup(arena, shoal_col_text(rows, 4)),
        };
    }
    return shoal_rows_close(rows, err);
}

// The name stands inside of what is hashed: a video that is renamed has another infohash.
static int torrent_rename(
    struct work *work, struct torrent *torrent, const char *title, struct shoal_err *err)
{
    struct shoal_rows *rows = shoal_db_query(
        work->tx, &torrents_pieces, SHOAL_ARGS(SHOAL_I64(torrent->file_id)), err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    int code = SHOAL_ENOTFOUND;
    work->plan->has_removed = work->plan->has_removed || torrent->title[0] != '\0';
    torrent->title = title;
    if (shoal_rows_next(rows)) {
        torrent->pieces = shoal_col_bytes(rows, 0, &torrent->pieces_length);
        code = torrents_infohash_make(torrent);
        torrent->pieces = NULL;
    }
    int closed = shoal_rows_close(rows, err);
    code = closed != 0 ? closed : code;
    work->is_changed = true;
    return code != 0 ? code
                     : shoal_db_exec(work->tx, &torrents_rename,
                           SHOAL_ARGS(SHOAL_I64(torrent->file_id), SHOAL_TEXT(title),
                               SHOAL_BYTES(torrent->infohash, TORRENTS_HASH_BYTES)),
                           NULL, err);
}

static const struct torrents_file *file_of(
    const struct torrents_plan *plan, const struct torrent *torrent)
{
    for (size_t i = 0; i < plan->files_count; i++) {
        const struct torrents_file *file = &plan->files[i];
        if (file->id == torrent->file_id && file->size_bytes == torrent->size_bytes) {
            return file;
        }
    }
    return NULL;
}

static int torrent_write(struct work *work, struct torrent *torrent, struct shoal_err *err)
{
    const struct torrents_plan *plan = work->plan;
    const struct torrents_file *file = file_of(plan, torrent);
    if (file == NULL) {
        work->is_changed = work->plan->has_removed = true;
        return shoal_db_exec(
            work->tx, &torrents_remove, SHOAL_ARGS(SHOAL_I64(torrent->file_id)), NULL, err);
    }
    const char *title = torrents_title(
        shoal_call_arena(work->call), shoal_text(plan->json, "name", ""), file->resolution);
    int code = strcmp(title, torrent->title) != 0 ? torrent_rename(work, torrent, title, err) : 0;
    if (code == 0 && strcmp(file->path, torrent->path) != 0) {
        work->is_changed = true;
        code = shoal_db_exec(work->tx, &torrents_move,
            SHOAL_ARGS(SHOAL_I64(torrent->file_id), SHOAL_TEXT(file->path)), NULL, err);
    }
    return code;
}

// Leaves jobs for files that have no torrent yet.
static int missing_add(struct work *work, struct shoal_err *err)
{
    const struct torrents_plan *plan = work->plan;
    int code = 0;
    for (size_t i = 0; code == 0 && plan->video.is_shareable && i < plan->files_count; i++) {
        const struct torrents_file *file = &plan->files[i];
        bool is_missing = file->is_ready && file->size_bytes > 0;
        for (size_t t = 0; is_missing && t < work->torrents_count; t++) {
            is_missing = file_of(plan, &work->torrents[t]) != file;
        }
        if (is_missing) {
            code = torrents_pieces_add(
                plan->self, work->tx, plan->uuid, file, plan->is_late, err);
        }
    }
    return code;
}

static int video_write(struct work *work, struct shoal_err *err)
{
    const struct torrents_plan *plan = work->plan;
    const struct torrents_video *video = &plan->video;
    if (!plan->is_there) {
        return shoal_db_exec(work->tx, &torrents_video_remove,
            SHOAL_ARGS(SHOAL_I64(plan->video_id)), NULL, err);
    }
    return shoal_db_exec(work->tx, &torrents_video_set,
        SHOAL_ARGS(SHOAL_I64(plan->video_id), SHOAL_TEXT(plan->uuid), SHOAL_TEXT(plan->base),
            SHOAL_I64(video->privacy), SHOAL_BOOL(video->is_blocked),
            SHOAL_TIME(video->updated_ms)),
        NULL, err);
}

int torrents_rows_write(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    struct work work = {.call = call, .tx = tx, .plan = arg};
    work.plan->has_removed = false;
    int code = torrents_read(&work, err);
    for (size_t i = 0; code == 0 && i < work.torrents_count; i++) {
        code = torrent_write(&work, &work.torrents[i], err);
    }
    code = code == 0 ? missing_add(&work, err) : code;
    code = code == 0 ? video_write(&work, err) : code;
    return code == 0 && work.is_changed ? shoal_touch(call, tx, "torrents", err) : code;
}
