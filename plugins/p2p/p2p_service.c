// p2p_service.c - the service `tracker`: what the catalog and others are told of a video's swarms.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <string.h>

#include <shoal/db.h>
#include <shoal/svc/tracker.h>

#include "p2p_index.h"
#include "p2p_policy.h"

SHOAL_SQL(p2p_service_hashes, "SELECT hash, generation FROM p2p_hash "
                              "WHERE video_id = $1 ORDER BY generation, hash");
SHOAL_SQL(p2p_service_swarms, "SELECT COUNT(*) FROM p2p_hash WHERE video_id = $1");

const char *p2p_socket_url(struct shoal_arena *arena, const char *url)
{
    bool is_safe = strncmp(url, "https://", 8) == 0;
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    size_t length = strcspn(host, "/?#");
    size_t name = length;
    while (name > 0 && host[name - 1] >= '0' && host[name - 1] <= '9') {
        name--;
    }
    // The digits at the end of an address are no port, and one in brackets ends with the bracket.
    bool has_port = name > 0 && name < length && host[name - 1] == ':';
    const char *port = has_port ? "" : is_safe ? ":443" : ":80";
    return shoal_arena_printf(arena, "%s://%.*s%s%s", is_safe ? "wss" : "ws", (int)length, host, port,
        host + length);
}

static json_t *all_urls(const struct p2p *p2p, struct shoal_call *call, const char *uuid)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *announce = p2p_node_path(arena, &p2p->nodes, uuid, "announce");
    const char *socket = p2p_node_path(arena, &p2p->nodes, uuid, "socket");
    return json_pack(
        "[s, s]", shoal_url(call, announce), p2p_socket_url(arena, shoal_url(call, socket)));
}

// Returns: 0 also for a video that is not there: it is not shared.
static int find(struct p2p *p2p, struct shoal_call *call, const char *uuid, struct p2p_video_row *out,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    *out = (struct p2p_video_row){0};
    int code = p2p_video_look(p2p, call, uuid, out, &why);
    return code == 0 || code == SHOAL_ENOTFOUND ? 0 : shoal_fail(err, code, "%s", why.text);
}

// Trackers are named once they know the swarms of the playlist: whoever came sooner would be refused, and
// players ask again only minutes later. Torrents are known by others from the start.
json_t *p2p_service_trackers(
    struct p2p *p2p, struct shoal_call *call, const char *uuid, struct shoal_err *err)
{
    struct p2p_video_row video;
    int64_t count = 0;
    int code = find(p2p, call, uuid, &video, err);
    if (code == 0 && video.is_shared) {
        code = shoal_db_i64(shoal_call_db(call), &p2p_service_swarms,
            SHOAL_ARGS(SHOAL_I64(video.id)), &count, err);
    }
    if (code != 0) {
        return NULL;
    }
    return count > 0 ? all_urls(p2p, call, uuid) : json_array();
}

// What stands in a video's details and what other sites are told is for players of any kind: nothing, where
// those may not share.
static json_t *announce_urls(
    struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    return p2p_policy_reach(arg, call) == P2P_REACH_ALL ? p2p_service_trackers(arg, call, uuid, err)
                                                        : json_array();
}

static json_t *hashes(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct p2p_video_row video;
    if (find(arg, call, uuid, &video, err) != 0) {
        return NULL;
    }
    json_t *out = json_array();
    if (!video.is_shared || p2p_policy_reach(arg, call) != P2P_REACH_ALL) {
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

static int shares(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct p2p_video_row video;
    int code = find(arg, call, uuid, &video, err);
    return code != 0 ? code : video.is_shareable ? 1 : 0;
}

static json_t *torrent_urls(
    struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    struct p2p_video_row video;
    if (find(p2p, call, uuid, &video, err) != 0) {
        return NULL;
    }
    bool is_named = video.is_shareable && shoal_setting_bool(p2p->self, "tracker") &&
                    !p2p_policy_is_relayed(p2p); // clients of torrents show their addresses
    return is_named ? all_urls(p2p, call, uuid) : json_array();
}

static int forget(struct shoal_call *call, void *arg, const char *uuid, struct shoal_err *err)
{
    struct p2p *p2p = arg;
    struct p2p_video_row video;
    int code = find(p2p, call, uuid, &video, err);
    if (code == 0 && video.id != 0) {
        p2p_video_forget(p2p, call, video.id, !video.is_shared);
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
        .forget = forget,
        .viewers = viewers,
        .shares = shares,
        .torrent_urls = torrent_urls};
    return shoal_provide_single(p2p->self, "tracker", &table, p2p, err);
}
