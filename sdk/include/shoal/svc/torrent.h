// svc/torrent.h - the contract of `torrent`: the torrents of this instance's files. One provider.
//
// The catalog asks it for what its own JSON says of torrents (the details of a video, never a list), and a
// tracker whose file an infohash is. It asks the service `tracker` which trackers its torrents name and
// what may be shared; without one they have the web seed alone. Without a provider files have no torrents.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_TORRENT_H
#define SHOAL_SVC_TORRENT_H
#include <jansson.h>
#include <stdint.h>

#include <shoal/version.h>

#define SHOAL_INFOHASH_BYTES 20

/// The torrent of a file without what changes with names and addresses.
struct shoal_torrent {
    size_t size; ///< sizeof(struct shoal_torrent)
    int64_t file_id, video_id, size_bytes, piece_bytes;
    const char *name;   ///< of the .torrent, as it is known outside: "UUID-720-hls.torrent"
    const void *pieces; ///< SHA-1 of each piece
    size_t pieces_bytes;
};

/// All calls are about videos of this instance, run on a worker outside of transactions and may read the
/// database; they must not ask for the video's details, whose making calls them. Results are new
/// references; NULL or a negative error with one sentence on failure. A video that is not there has none.
/// What torrents() answers is part of cached answers: the provider moves an epoch (shoal_touch()) in the
/// transaction that changes it.
struct shoal_svc_torrent {
    size_t size; ///< sizeof(struct shoal_svc_torrent)
    /// The torrents of a video (its UUID) by the file's number: {"31": {name: "…-720-hls.torrent",
    /// infohash: 40 hex characters, magnet: "magnet:?…"}}. A file without one is missing. They are there
    /// as soon as the file stands, though nobody gets one by its name before the video is out. The
    /// provider answers at /lazy-static/torrents/NAME and /download/torrents/NAME.
    json_t *(*torrents)(struct shoal_call *call, void *arg, const char *video,
        struct shoal_err *err);
    /// The numbers of the videos that have a file with this infohash, the oldest first: the same bytes
    /// under the same name are one torrent. [] where there is none.
    json_t *(*videos)(struct shoal_call *call, void *arg,
        const unsigned char infohash[SHOAL_INFOHASH_BYTES], struct shoal_err *err);
    /// Whether this video may be shared has changed: what is missing is made, soon.
    int (*renew)(struct shoal_call *call, void *arg, const char *video, struct shoal_err *err);
    /// Takes over a torrent that somebody else had made, with its name, also in place of its own.
    int (*take)(struct shoal_call *call, void *arg, const struct shoal_torrent *torrent,
        struct shoal_err *err);
};

#endif
