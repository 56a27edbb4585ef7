// p2p_torrents.h - what the files about hashes and torrents know of each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_TORRENTS_H
#define P2P_TORRENTS_H
#include "p2p.h"

#define P2P_FILES_MAX  64                      // of one video
#define P2P_HASHES_MAX (3 * P2P_FILES_MAX + 2) // of the playlist of one video
#define P2P_NAME_BYTES 41                      // of a hash as text
#define P2P_PIECES_MAX 65536                   // of one torrent: a terabyte

// --- hashes (p2p_hashes.c) ---

/// A swarm of a video. Generation 0 is the torrent of a file.
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
void p2p_hex(const unsigned char *bytes, size_t length, char *out);

// --- torrents as text (p2p_torrents_make.c) ---

struct p2p_torrent {
    int64_t file_id, video_id, size_bytes, piece_bytes;
    const char *name;  ///< of the .torrent: UUID-720-hls.torrent
    const char *title; ///< of the file: "A video 720p.mp4"
    const char *path;  ///< of the file's URL, below the site's
    const void *pieces;
    size_t pieces_length;
    unsigned char infohash[P2P_HASH_BYTES];
};
/// How long the pieces of a file of this size are.
int64_t p2p_piece_bytes(int64_t size_bytes);
const char *p2p_title(struct shoal_arena *arena, const char *video, int resolution);
/// SHA-1 of the torrent's info dictionary, into infohash.
int p2p_infohash_make(struct p2p_torrent *torrent);
/// The whole file. trackers: URLs in the order in which they are to be asked. seeds: URLs of the bytes.
int p2p_torrent_write(const struct p2p_torrent *torrent, const json_t *trackers,
    const json_t *seeds, struct shoal_buf *out);
const char *p2p_magnet(struct shoal_arena *arena, const struct p2p_torrent *torrent,
    const char *torrent_url, const json_t *trackers, const json_t *seeds);
/// The WebSocket of a tracker at an http or https URL of this site, always with its port.
const char *p2p_socket_url(struct shoal_arena *arena, const char *url);
/// [announce URL, socket URL] of this instance; a new reference.
json_t *p2p_announce_urls(struct shoal_call *call);

// --- the files of a video (p2p_files.c) ---

struct p2p_file {
    int64_t id, size_bytes;
    int resolution;
    bool is_hls, is_ready;
    const char *path; ///< of its URL below the site's; borrowed from the video
};
/// The files of a video (details as the API has them) that a torrent can be made of. site: its URL.
size_t p2p_files_of(const json_t *video, const char *site, struct p2p_file out[P2P_FILES_MAX]);
/// What mirrors hold of the playlist of a video: base URLs; a new reference.
json_t *p2p_mirrors_of(struct shoal_call *call, const char *uuid);
/// Where the bytes of a torrent's file are: its URL, and those of the mirrors; a new reference.
json_t *p2p_seeds_of(
    struct shoal_call *call, const struct p2p_torrent *torrent, const json_t *mirrors);

// --- which videos are shared (p2p_index.c), and their rows (p2p_rows.c) ---

/// A video as the catalog's rows have it now.
struct p2p_video {
    int64_t id, privacy, updated_ms;
    bool is_open, is_blocked;
    bool is_shareable; ///< of ours, not blocked, of a privacy that is shared: its files get torrents
    bool is_shared;    ///< and it is out: it has swarms
};
/// Returns: 0 or SHOAL_ENOTFOUND. Thread: [worker].
int p2p_video_look(struct p2p *p2p, struct shoal_call *call, const char *uuid,
    struct p2p_video *out, struct shoal_err *err);
/// What the rows of a video are to be.
struct p2p_plan {
    struct p2p *p2p;
    const char *uuid, *base;
    int64_t video_id;
    int priority; ///< of the jobs that it leaves
    bool is_there;
    json_t *json; ///< its details as the API has them, while it is there
    struct p2p_video video;
    struct p2p_file files[P2P_FILES_MAX];
    size_t files_count;
    struct p2p_hash hashes[P2P_HASHES_MAX];
    size_t hashes_count;
    bool has_removed; ///< out: some of its swarms are no longer its own
};
/// [transaction] arg: a struct p2p_plan.
int p2p_rows_write(struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err);
/// Brings the rows of a video in line with what it is now, and has missing torrents made.
int p2p_index_video(struct p2p *p2p, struct shoal_call *call, const char *uuid, int64_t video_id,
    struct shoal_err *err);
/// Ends its swarms, in whichever process they are.
void p2p_video_forget(struct p2p *p2p, int64_t video_id);
/// What all hashes depend on besides the video: the site's URL and what is shared.
const char *p2p_base(struct p2p *p2p, struct shoal_call *call);
int p2p_index_start(struct p2p *p2p, struct shoal_err *err);

// --- pieces (p2p_torrents_pieces.c), routes (p2p_torrents_routes.c), the service (p2p_service.c) ---

/// Leaves the job that makes the pieces of a file.
int p2p_pieces_add(struct p2p *p2p, struct shoal_db *tx, const char *uuid,
    const struct p2p_file *file, int priority, struct shoal_err *err);
int p2p_pieces_start(struct p2p *p2p, struct shoal_err *err);
int p2p_torrents_routes(struct p2p *p2p, struct shoal_err *err);
int p2p_service_start(struct p2p *p2p, struct shoal_err *err);

#endif
