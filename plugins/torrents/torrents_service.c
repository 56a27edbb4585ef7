// torrents_service.c - the service `torrent`: what the catalog and a tracker are told.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include "torrents.h"

SHOAL_SQL(torrents_of_video, "SELECT file_id, name, title, infohash, path FROM torrents_file "
                             "WHERE video_id = $1 AND title <> ''");
SHOAL_SQL(torrents_videos, "SELECT DISTINCT video_id FROM torrents_file WHERE infohash = $1 "
                           "AND title <> '' ORDER BY video_id LIMIT 64");
SHOAL_SQL(torrents_take, "INSERT INTO torrents_file (file_id, video_id, name, title, path, "
                         "size_bytes, piece_bytes, pieces, infohash) "
                         "VALUES ($1, $2, $3, '', '', $4, $5, $6, $7) "
                         "ON CONFLICT (file_id) DO UPDATE SET name = excluded.name");
SHOAL_SQL(torrents_take_there, "SELECT COUNT(*) FROM v1_video WHERE id = $1");
SHOAL_SQL(torrents_take_stale, "UPDATE torrents_video SET base = '' WHERE video_id = $1");
SHOAL_SQL(torrents_take_walk, "UPDATE torrents_walk SET base = '' WHERE id = 1");

// Returns: 0 also for a video that is not there: it is not shared.
static int find(struct shoal_call *call, const char *uuid, struct torrents_video *out,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    *out = (struct torrents_video){0};
    int code = torrents_video_look(call, uuid, out, &why);
    return code == 0 || code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
}

static json_t *torrent_json(struct shoal_call *call, const struct torrent *torrent,
    const json_t *trackers, const json_t *mirrors)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    char hex[2 * TORRENTS_HASH_BYTES + 1];
    const char *url =
        shoal_url(call, shoal_arena_printf(arena, "/lazy-static/torrents/%s", torrent->name));
    json_t *seeds = torrents_seeds_of(call, torrent, mirrors);
    torrents_hex(torrent->infohash, hex);
    json_t *out = json_pack("{s:s, s:s, s:s}", "name", torrent->name, "infohash", hex, "magnet",
        torrents_magnet(arena, torrent, url, trackers, seeds));
    json_decref(seeds);
    return out;
}

static int torrents_add(struct shoal_call *call, const char *uuid, int64_t video_id, json_t *out,
    struct shoal_err *err)
{
    json_t *mirrors = torrents_mirrors_of(call, uuid);
    json_t *trackers = torrents_trackers_of(call, uuid);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &torrents_of_video, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    while (rows != NULL && shoal_rows_next(rows)) {
        char key[24];
        size_t length = 0;
        struct torrent torrent = {.name = shoal_col_text(rows, 1),
            .title = shoal_col_text(rows, 2),
            .path = shoal_col_text(rows, 4)};
        const void *infohash = shoal_col_bytes(rows, 3, &length);
        if (length == TORRENTS_HASH_BYTES) {
            memcpy(torrent.infohash, infohash, length);
            snprintf(key, sizeof key, "%lld", (long long)shoal_col_i64(rows, 0));
            json_object_set_new(out, key, torrent_json(call, &torrent, trackers, mirrors));
        }
    }
    json_decref(trackers);
    json_decref(mirrors);
    return rows == NULL ? SHOAL_EIO : shoal_rows_close(rows, err);
}

static json_t *torrents(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    (void)arg;
    struct torrents_video video;
    if (find(call, uuid, &video, err) != 0) {
        return NULL;
    }
    json_t *out = json_object();
    if (video.is_shareable && torrents_add(call, uuid, video.id, out, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *videos(struct shoal_call *call, void *arg,
    const unsigned char infohash[SHOAL_INFOHASH_BYTES], struct shoal_err *err)
{
    (void)arg;
    struct shoal_rows *rows = shoal_db_query(shoal_call_db(call), &torrents_videos,
        SHOAL_ARGS(SHOAL_BYTES(infohash, TORRENTS_HASH_BYTES)), err);
    json_t *out = json_array();
    while (rows != NULL && shoal_rows_next(rows)) {
        json_array_append_new(out, json_integer(shoal_col_i64(rows, 0)));
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static int renew(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct torrents_video video;
    int code = find(call, uuid, &video, err);
    return code == 0 && video.id != 0 ? follow_add(call, arg, uuid, video.id, err) : code;
}

// Without a title, as one that was just made: the walk gives it one, or drops it with its file.
static int take_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    const struct shoal_torrent *torrent = arg;
    int64_t there = 0;
    int code = shoal_db_i64(
        tx, &torrents_take_there, SHOAL_ARGS(SHOAL_I64(torrent->video_id)), &there, err);
    if (code != 0 || there == 0) {
        return code;
    }
    code = shoal_db_exec(tx, &torrents_take,
        SHOAL_ARGS(SHOAL_I64(torrent->file_id), SHOAL_I64(torrent->video_id),
            SHOAL_TEXT(torrent->name), SHOAL_I64(torrent->size_bytes),
            SHOAL_I64(torrent->piece_bytes), SHOAL_BYTES(torrent->pieces, torrent->pieces_bytes),
            SHOAL_BYTES("", 0)),
        NULL, err);
    if (code == 0) {
        code = shoal_db_exec(
            tx, &torrents_take_stale, SHOAL_ARGS(SHOAL_I64(torrent->video_id)), NULL, err);
    }
    code = code == 0 ? shoal_db_exec(tx, &torrents_take_walk, SHOAL_NOARGS, NULL, err) : code;
    return code == 0 ? shoal_touch(call, tx, "torrents", err) : code;
}

static int take(struct shoal_call *call, void *arg, const struct shoal_torrent *torrent,
    struct shoal_err *err)
{
    (void)arg;
    struct shoal_torrent copy = *torrent;
    bool is_one = torrent->size >= sizeof *torrent && torrent->size_bytes > 0 &&
                  torrent->piece_bytes > 0 && torrent->name != NULL &&
                  strnlen(torrent->name, TORRENTS_NAME_MAX + 1) <= TORRENTS_NAME_MAX &&
                  (int64_t)torrent->pieces_bytes ==
                      ((torrent->size_bytes - 1) / torrent->piece_bytes + 1) * TORRENTS_HASH_BYTES;
    return is_one ? shoal_tx(call, take_tx, &copy, err)
                  : shoal_fail(err, SHOAL_EINVAL, "file %lld: this is no torrent of it",
                        (long long)torrent->file_id);
}

int torrents_service_start(
    struct shoal_plugin *self, struct follow *follow, struct shoal_err *err)
{
    static const struct shoal_svc_torrent table = {.size = sizeof table,
        .torrents = torrents,
        .videos = videos,
        .renew = renew,
        .take = take};
    return shoal_provide_single(self, "torrent", &table, follow, err);
}
