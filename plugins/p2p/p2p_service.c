// p2p_service.c - the service `tracker`: what the catalog and others are told of a video's swarms.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <string.h>

#include <shoal/svc/tracker.h>
#include "p2p_torrents.h"

SHOAL_SQL(p2p_service_hashes, "SELECT hash, generation FROM p2p_hash "
                              "WHERE video_id = $1 AND generation > 0 ORDER BY generation, hash");
SHOAL_SQL(p2p_service_swarms,
    "SELECT COUNT(*) FROM p2p_hash WHERE video_id = $1 AND generation > 0");
SHOAL_SQL(p2p_service_torrents, "SELECT file_id, name, title, infohash, path FROM p2p_torrent "
                                "WHERE video_id = $1 AND title <> ''");

// Returns: 0 also for a video that is not there: it is not shared.
static int find(struct p2p *p2p, struct shoal_call *call, const char *uuid, struct p2p_video *out,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    *out = (struct p2p_video){0};
    int code = p2p_video_look(p2p, call, uuid, out, &why);
    return code == 0 || code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
}

// Trackers are named once they know the swarms of the playlist: whoever came sooner would be refused, and
// players ask again only minutes later. Torrents have them in themselves.
json_t *p2p_service_trackers(
    struct p2p *p2p, struct shoal_call *call, const char *uuid, struct shoal_err *err)
{
    struct p2p_video video;
    int64_t count = 0;
    int code = find(p2p, call, uuid, &video, err);
    if (code == 0 && video.is_shared) {
        code = shoal_db_i64(shoal_call_db(call), &p2p_service_swarms,
            SHOAL_ARGS(SHOAL_I64(video.id)), &count, err);
    }
    if (code != 0) {
        return NULL;
    }
    return count > 0 ? p2p_announce_urls(call) : json_array();
}

static json_t *announce_urls(
    struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    return p2p_service_trackers(arg, call, uuid, err);
}

static json_t *hashes(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct p2p_video video;
    if (find(arg, call, uuid, &video, err) != 0) {
        return NULL;
    }
    json_t *out = json_array();
    if (!video.is_shared) {
        return out;
    }
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &p2p_service_hashes, SHOAL_ARGS(SHOAL_I64(video.id)), err);
    while (rows != NULL && shoal_rows_next(rows)) {
        size_t length = 0;
        char name[P2P_NAME_BYTES];
        struct p2p_hash hash = {.generation = (int)shoal_col_i64(rows, 1)};
        const void *bytes = shoal_col_bytes(rows, 0, &length);
        if (length == P2P_HASH_BYTES) {
            memcpy(hash.bytes, bytes, length);
            p2p_hash_name(&hash, name);
            json_array_append_new(
                out, json_pack("{s:i, s:s}", "generation", hash.generation, "name", name));
        }
    }
    if (rows == NULL || shoal_rows_close(rows, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static json_t *torrent_json(struct shoal_call *call, const struct p2p_torrent *torrent,
    const json_t *trackers, const json_t *mirrors)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    char hex[2 * P2P_HASH_BYTES + 1];
    const char *url =
        shoal_url(call, shoal_arena_printf(arena, "/lazy-static/torrents/%s", torrent->name));
    json_t *seeds = p2p_seeds_of(call, torrent, mirrors);
    p2p_hex(torrent->infohash, P2P_HASH_BYTES, hex);
    json_t *out = json_pack("{s:s, s:s, s:s}", "name", torrent->name, "infohash", hex, "magnet",
        p2p_magnet(arena, torrent, url, trackers, seeds));
    json_decref(seeds);
    return out;
}

static int torrents_add(struct shoal_call *call, const char *uuid, int64_t video_id, json_t *out,
    struct shoal_err *err)
{
    json_t *mirrors = p2p_mirrors_of(call, uuid);
    json_t *trackers = p2p_announce_urls(call);
    struct shoal_rows *rows = shoal_db_query(
        shoal_call_db(call), &p2p_service_torrents, SHOAL_ARGS(SHOAL_I64(video_id)), err);
    while (rows != NULL && shoal_rows_next(rows)) {
        char key[24];
        size_t length = 0;
        struct p2p_torrent torrent = {.name = shoal_col_text(rows, 1),
            .title = shoal_col_text(rows, 2),
            .path = shoal_col_text(rows, 4)};
        const void *infohash = shoal_col_bytes(rows, 3, &length);
        if (length == P2P_HASH_BYTES) {
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
    struct p2p_video video;
    if (find(arg, call, uuid, &video, err) != 0) {
        return NULL;
    }
    json_t *out = json_object();
    if (video.is_shareable && torrents_add(call, uuid, video.id, out, err) != 0) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static int forget(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    struct p2p_video video;
    int code = find(p2p, call, uuid, &video, err);
    if (code == 0 && video.id != 0) {
        p2p_video_forget(p2p, video.id);
    }
    return code;
}

static int64_t viewers(struct shoal_call *call, void *arg, int64_t video_id)
{
    (void)call;
    const struct p2p *p2p = arg;
    return p2p_tracker_peers(p2p->tracker, video_id);
}

int p2p_service_start(struct p2p *p2p, struct shoal_err *err)
{
    static const struct shoal_svc_tracker table = {.size = sizeof table,
        .announce_urls = announce_urls,
        .hashes = hashes,
        .torrents = torrents,
        .forget = forget,
        .viewers = viewers};
    return shoal_provide(p2p->self, "tracker", &table, p2p, err);
}
