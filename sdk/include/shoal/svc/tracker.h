// svc/tracker.h - the contract of `tracker`: who brings the viewers of a video together. One provider.
//
// The catalog asks it for what its own JSON says of P2P (the details of a video, never a list), federation
// for what other instances are told, and torrents for the trackers that they name. Without a provider a
// video has no announce URLs and no swarms, and plays on; one that fails costs a warning. What it answers
// is part of cached answers: it moves an epoch (shoal_touch()) in the transaction that changes it.
// SPDX-License-Identifier: MIT
#ifndef SHOAL_SVC_TRACKER_H
#define SHOAL_SVC_TRACKER_H
#include <jansson.h>
#include <stdint.h>

#include <shoal/version.h>

/// All calls are about videos of this instance, named by their UUID, run on a worker outside of
/// transactions and may read the database; they must not ask for the video's details, whose making
/// calls them. Results are new references; NULL or a negative error with one sentence on failure. A
/// video that is not there is one that is not shared.
struct shoal_svc_tracker {
    size_t size; ///< sizeof(struct shoal_svc_tracker)
    /// ["https://HOST/tracker/announce", "wss://HOST:PORT/tracker/socket"], with a name between where several
    /// servers share a site (/tracker/NAME/socket); empty for a video that is not shared (private, switched
    /// off by its creator), not out yet, or whose swarms are not known yet.
    json_t *(*announce_urls)(struct shoal_call *call, void *arg, const char *video,
        struct shoal_err *err);
    /// The names of its swarms, as other instances are told: [{generation: 1 to 3, name}]; the name of
    /// generations 1 and 2 is 40 hex characters, that of generation 3 is 20 characters of base64.
    json_t *(*hashes)(struct shoal_call *call, void *arg, const char *video, struct shoal_err *err);
    /// Ends its swarms now: whoever announces again is asked anew whether he may.
    int (*forget)(struct shoal_call *call, void *arg, const char *video, struct shoal_err *err);
    /// How many are connected to this server for a video now, by its number. Of several that share a site
    /// one has them all.
    int64_t (*viewers)(struct shoal_call *call, void *arg, int64_t video_id);
    /// Whether it may be shared: 1 or 0. Nobody switched that off, it is not blocked, and its privacy is
    /// one that is shared; it may not be out yet. Torrents are made of such videos alone.
    int (*shares)(struct shoal_call *call, void *arg, const char *video, struct shoal_err *err);
    /// The same URLs for the torrents of its files, whose infohashes the tracker finds by the service
    /// `torrent`: there from the first moment, as torrents carry them on.
    json_t *(*torrent_urls)(struct shoal_call *call, void *arg, const char *video,
        struct shoal_err *err);
};

#endif
