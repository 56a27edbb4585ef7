// p2p_index.h - what the files about hashes know of each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_INDEX_H
#define P2P_INDEX_H
#include "p2p.h"

#define P2P_FILES_MAX  64                      // of one video
#define P2P_HASHES_MAX (3 * P2P_FILES_MAX + 2) // of the playlist of one video
#define P2P_NAME_BYTES 41                      // of a hash as text

// --- hashes (p2p_hashes.c) ---

/// A swarm of a video.
struct p2p_hash {
    int generation;
    unsigned char bytes[P2P_HASH_BYTES];
};
int p2p_hash_first(const char *master, int index, struct p2p_hash *out);
/// stream: "main-0", "secondary-0".
int p2p_hash_second(const char *master, const char *stream, struct p2p_hash *out);
/// stream: "main-default-720", "secondary-default-default".
int p2p_hash_third(const char *uuid, const char *stream, struct p2p_hash *out);
/// All hashes of the playlist of a video (details as the API has them). Returns: how many, 0 without
/// a playlist, or a negative error.
int p2p_hashes_make(const json_t *video, struct p2p_hash out[P2P_HASHES_MAX]);
/// As other instances are told: hex, or of generation 3 the text itself.
void p2p_hash_name(const struct p2p_hash *hash, char out[P2P_NAME_BYTES]);

// --- which videos are shared (p2p_index.c), and their rows (p2p_rows.c) ---

/// A video as the catalog's rows have it now.
struct p2p_video_row {
    int64_t id, privacy, updated_ms;
    bool is_open, is_blocked;
    bool is_shareable; ///< of ours, not blocked, of a privacy that is shared, and nobody said no
    bool is_shared;    ///< and it is out: it has swarms
};
/// Returns: 0 or SHOAL_ENOTFOUND. Thread: [worker].
int p2p_video_look(struct p2p *p2p, struct shoal_call *call, const char *uuid,
    struct p2p_video_row *out, struct shoal_err *err);
/// What the rows of a video are to be.
struct p2p_plan {
    const char *uuid, *base;
    int64_t video_id;
    bool is_there;
    struct p2p_video_row video;
    struct p2p_hash hashes[P2P_HASHES_MAX];
    size_t hashes_count;
    bool has_changed; ///< out: swarms are no longer its own, or it had none and has some now
};
/// [transaction] arg: a struct p2p_plan.
int p2p_rows_write(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err);
int p2p_index_start(struct p2p *p2p, struct shoal_err *err);

// --- the service (p2p_service.c) ---

/// The WebSocket of a tracker at an http or https URL of this site, always with its port.
const char *p2p_socket_url(struct shoal_arena *arena, const char *url);
int p2p_service_start(struct p2p *p2p, struct shoal_err *err);

// --- the plugin torrents (p2p_torrents.c) ---

/// The videos that have a file with this infohash: numbers; a new reference, [] where nobody knows.
json_t *p2p_torrents_videos(struct shoal_call *call, const unsigned char infohash[P2P_HASH_BYTES]);
/// Whether a video is shared has changed: its torrents are looked at.
void p2p_torrents_renew(struct shoal_call *call, const char *uuid);
int p2p_torrents_start(struct p2p *p2p, struct shoal_err *err);

#endif
