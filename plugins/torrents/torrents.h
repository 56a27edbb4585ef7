// torrents.h - what the parts of the plugin know of each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef TORRENTS_H
#define TORRENTS_H
#include <follow.h>
#include <shoal/svc/torrent.h>

#define TORRENTS_HASH_BYTES SHOAL_INFOHASH_BYTES
#define TORRENTS_FILES_MAX  64    // of one video
#define TORRENTS_PIECES_MAX 65536 // of one torrent: a terabyte
#define TORRENTS_NAME_MAX   80    // bytes of the name of a .torrent

// --- torrents as text (torrents_make.c) ---

struct torrent {
    int64_t file_id, video_id, size_bytes, piece_bytes;
    const char *name;  ///< of the .torrent: UUID-720-hls.torrent
    const char *title; ///< of the file: "A video 720p.mp4"
    const char *path;  ///< of the file's URL, below the site's
    const void *pieces;
    size_t pieces_length;
    unsigned char infohash[TORRENTS_HASH_BYTES];
};
/// How long the pieces of a file of this size are.
int64_t torrents_piece_bytes(int64_t size_bytes);
const char *torrents_title(struct shoal_arena *arena, const char *video, int resolution);
/// SHA-1 of the torrent's info dictionary, into infohash.
int torrents_infohash_make(struct torrent *torrent);
void torrents_hex(const unsigned char infohash[TORRENTS_HASH_BYTES],
    char out[2 * TORRENTS_HASH_BYTES + 1]);
/// The whole file. trackers: URLs in the order in which they are to be asked. seeds: URLs of the bytes.
int torrents_write(const struct torrent *torrent, const json_t *trackers, const json_t *seeds,
    struct shoal_buf *out);
const char *torrents_magnet(struct shoal_arena *arena, const struct torrent *torrent,
    const char *torrent_url, const json_t *trackers, const json_t *seeds);

// --- the files of a video, and what others know of it (torrents_files.c) ---

struct torrents_file {
    int64_t id, size_bytes;
    int resolution;
    bool is_hls, is_ready;
    const char *path; ///< of its URL below the site's; borrowed from the video
};
/// The files of a video (details as the API has them) that a torrent can be made of. site: its URL.
size_t torrents_files_of(
    const json_t *video, const char *site, struct torrents_file out[TORRENTS_FILES_MAX]);
/// What mirrors hold of the playlist of a video: base URLs; a new reference.
json_t *torrents_mirrors_of(struct shoal_call *call, const char *uuid);
/// Where the bytes of a torrent's file are: its URL, and those of the mirrors; a new reference.
json_t *torrents_seeds_of(
    struct shoal_call *call, const struct torrent *torrent, const json_t *mirrors);

// --- the service tracker, where there is one (torrents_tracker.c) ---

/// The trackers that torrents of a video name; a new reference, [] where nobody answers.
json_t *torrents_trackers_of(struct shoal_call *call, const char *uuid);
/// Whether viewers may share a video of this privacy; *shares is out. Without a tracker: a public one.
int torrents_may_share(struct shoal_call *call, const char *uuid, int64_t privacy, bool *shares,
    struct shoal_err *err);
/// An infohash of the video is another's or nobody's now: whoever has joined under it is let go.
void torrents_swarms_end(struct shoal_call *call, const char *uuid);

// --- which videos are shared (torrents_index.c), and their rows (torrents_rows.c) ---

/// A video as the catalog's rows have it now.
struct torrents_video {
    int64_t id, privacy, updated_ms;
    bool is_open, is_blocked;
    bool is_shareable; ///< of ours, not blocked, and may be shared: its files get torrents
    bool is_shared;    ///< and it is out: they are handed out
};
/// Returns: 0 or SHOAL_ENOTFOUND. Thread: [worker].
int torrents_video_look(struct shoal_call *call, const char *uuid, struct torrents_video *out,
    struct shoal_err *err);
/// What the rows of a video are to be.
struct torrents_plan {
    struct shoal_plugin *self;
    const char *uuid, *base;
    int64_t video_id;
    bool is_late; ///< jobs that it leaves are in no hurry
    bool is_there;
    json_t *json; ///< its details as the API has them, while it is there
    struct torrents_video video;
    struct torrents_file files[TORRENTS_FILES_MAX];
    size_t files_count;
    bool has_removed; ///< out: some infohash is no longer its own
};
/// [transaction] arg: a struct torrents_plan.
int torrents_rows_write(
    struct shoal_call *call, struct shoal_db *tx, void *arg, struct shoal_err *err);
/// Brings the rows of a video in line with what it is now, and has missing torrents made.
int torrents_index_video(struct shoal_call *call, struct shoal_plugin *self, const char *uuid,
    int64_t video_id, bool is_late, struct shoal_err *err);
/// Sets *follow to what was started.
int torrents_index_start(
    struct shoal_plugin *self, struct follow **follow, struct shoal_err *err);

// --- pieces (torrents_pieces.c), routes (torrents_routes.c), the service (torrents_service.c) ---

/// Leaves the job that makes the pieces of a file.
int torrents_pieces_add(struct shoal_plugin *self, struct shoal_db *tx, const char *uuid,
    const struct torrents_file *file, bool is_late, struct shoal_err *err);
int torrents_pieces_start(struct shoal_plugin *self, struct shoal_err *err);
int torrents_routes_start(struct shoal_plugin *self, struct shoal_err *err);
int torrents_service_start(
    struct shoal_plugin *self, struct follow *follow, struct shoal_err *err);

#endif
