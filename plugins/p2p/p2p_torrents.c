// p2p_torrents.c - what the service `torrent` is asked, and given: earlier versions made torrents here.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <shoal/services.h>
#include <shoal/svc/torrent.h>

#include <shoal/db.h>
#include <shoal/jobs.h>

#include <ask.h>

#include "p2p_index.h"

#define GIVE_MS  INT64_C(2000)
#define GIVE_MAX 50 // torrents at once

SHOAL_SQL(p2p_torrent_left, "SELECT COUNT(*) FROM p2p_torrent");
SHOAL_SQL(p2p_torrent_next, "SELECT file_id, video_id, name, size_bytes, piece_bytes, pieces "
                            "FROM p2p_torrent ORDER BY file_id LIMIT 1");
SHOAL_SQL(p2p_torrent_remove, "DELETE FROM p2p_torrent WHERE file_id = $1");

static const struct shoal_svc_torrent *table_of(struct shoal_service *service)
{
    return shoal_service_find("torrent", NULL, service) ? service->table : NULL;
}

json_t *p2p_torrents_videos(struct shoal_call *call, const unsigned char infohash[P2P_HASH_BYTES])
{
    struct shoal_err why = {0};
    json_t *videos = ASK(call, torrent, &why, NULL, videos, infohash, ask.err);
    if (json_is_array(videos)) {
        return videos;
    }
    if (why.code != SHOAL_EBUSY) { // there may be nobody who makes torrents
        shoal_warn("an infohash could not be looked up: %s", why.text);
    }
    json_decref(videos);
    return json_array();
}

void p2p_torrents_renew(struct shoal_call *call, const char *uuid)
{
    struct shoal_err why = {0};
    int code = ASK(call, torrent, &why, 0, renew, uuid, ask.err);
    if (code != 0) {
        shoal_warn("the torrents of %s are looked at later: %s", uuid, why.text);
    }
}

// --- torrents of earlier versions ---

struct given {
    struct shoal_torrent torrent;
    bool is_there;
};

static int next(struct shoal_call *call, struct given *out, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    struct shoal_rows *rows =
        shoal_db_query(shoal_call_db(call), &p2p_torrent_next, SHOAL_NOARGS, err);
    if (rows == NULL) {
        return SHOAL_EIO;
    }
    *out = (struct given){.is_there = shoal_rows_next(rows)};
    if (out->is_there) {
        struct shoal_torrent *torrent = &out->torrent;
        *torrent = (struct shoal_torrent){.size = sizeof *torrent,
            .file_id = shoal_col_i64(rows, 0),
            .video_id = shoal_col_i64(rows, 1),
            .name = shoal_arena_strdup(arena, shoal_col_text(rows, 2)),
            .size_bytes = shoal_col_i64(rows, 3),
            .piece_bytes = shoal_col_i64(rows, 4)};
        const void *pieces = shoal_col_bytes(rows, 5, &torrent->pieces_bytes);
        torrent->pieces = shoal_arena_try_copy(arena, pieces, torrent->pieces_bytes);
    }
    int code = shoal_rows_close(rows, err);
    return code == 0 && out->is_there && out->torrent.pieces == NULL
               ? shoal_fail(err, SHOAL_EBUSY, "there is no memory for a torrent")
               : code;
}

static int remove_tx(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err)
{
    (void)call;
    const struct given *given = arg;
    return shoal_db_exec(
        tx, &p2p_torrent_remove, SHOAL_ARGS(SHOAL_I64(given->torrent.file_id)), NULL, err);
}

static int give_one(struct shoal_call *call, const struct shoal_service *service,
    struct given *given, struct shoal_err *err)
{
    const struct shoal_svc_torrent *table = service->table;
    shoal_enter(call, service);
    int code = table->take(call, service->arg, &given->torrent, err);
    shoal_leave(call);
    // One that nobody would take is made anew from its file.
    return code == 0 || code == SHOAL_EINVAL ? shoal_tx(call, remove_tx, given, err) : code;
}

// Torrents keep their names, under which they are known outside, and files need not be read again.
static int give(struct shoal_call *call, void *arg, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    struct shoal_service service;
    const struct shoal_svc_torrent *table = table_of(&service);
    bool has_taker = table != NULL && SHOAL_HAS(table, take);
    int64_t left = 0;
    if (p2p->is_given || (!has_taker && p2p->is_warned)) {
        return 0;
    }
    int code =
        shoal_db_i64(shoal_call_db(call), &p2p_torrent_left, SHOAL_NOARGS, &left, err);
    if (code == 0 && left > 0 && !has_taker) {
        shoal_warn("%lld torrents of before wait for the plugin torrents: list it in shoal.lua",
            (long long)left);
        p2p->is_warned = true;
        return 0;
    }
    struct given given = {.is_there = has_taker};
    for (int i = 0; code == 0 && given.is_there && i < GIVE_MAX; i++) {
        code = next(call, &given, err);
        code = code == 0 && given.is_there ? give_one(call, &service, &given, err) : code;
    }
    p2p->is_given = code == 0 && has_taker && !given.is_there;
    return code;
}

// Jobs that an earlier version left: their files are found by the other plugin.
static int end_job(
    struct shoal_call *call, const struct shoal_job *job, void *arg, struct shoal_err *err)
{
    (void)call;
    (void)job;
    (void)arg;
    (void)err;
    return 0;
}

int p2p_torrents_start(struct p2p *p2p, struct shoal_err *err)
{
    static const char *const kinds[] = {"pieces", "pieces_large"};
    int code = shoal_timer_add(p2p->self, "give", GIVE_MS, false, give, p2p);
    for (size_t i = 0; code == 0 && i < sizeof kinds / sizeof *kinds; i++) {
        const struct shoal_job_kind kind = {.kind = kinds[i], .run = end_job};
        code = shoal_job_kind_add(p2p->self, &kind, err);
    }
    return code;
}
