// p2p.h - what the parts of the plugin know of each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_H
#define P2P_H
#include <shoal/plugin.h>

#define P2P_HASH_BYTES 20

struct p2p_tracker; // p2p_tracker.c: the swarms

struct p2p {
    struct shoal_plugin *self;
    struct p2p_tracker *tracker;
};

/// The video that a swarm belongs to.
struct p2p_owner {
    int64_t video_id;
    char uuid[37];
    bool is_shared; ///< public or unlisted, published, not blocked, P2P not switched off
};
/// Looks a hash up. Returns: 0, or SHOAL_ENOTFOUND: it is none of ours. Thread: [worker].
int p2p_hash_find(struct shoal_plugin *self, struct shoal_call *call,
    const unsigned char hash[P2P_HASH_BYTES], struct p2p_owner *owner, struct shoal_err *err);
/// Whether the owners of a video and its channel let viewers share it; false too where that cannot be
/// read. The administrator's own switches are not asked here. Thread: [worker].
bool p2p_policy_shares(struct shoal_call *call, int64_t video_id);
/// The trackers of a video that is shared; else, and until they know its swarms, []. Returns: a new
/// reference, NULL when that cannot be read. Thread: [worker].
json_t *p2p_service_trackers(
    struct p2p *p2p, struct shoal_call *call, const char *uuid, struct shoal_err *err);
/// Ends the swarms of a video: hidden, deleted, or its hashes changed. Thread: [any].
void p2p_tracker_forget(struct p2p_tracker *tracker, int64_t video_id);
/// Peers that are connected for a video now. Thread: [any].
int p2p_tracker_peers(struct p2p_tracker *tracker, int64_t video_id);

// What each part registers when the plugin starts.
int p2p_tracker_start(struct p2p *p2p, struct shoal_err *err);  // sockets and HTTP announces
int p2p_torrents_start(struct p2p *p2p, struct shoal_err *err); // hashes, torrents, the service
int p2p_policy_start(struct p2p *p2p, struct shoal_err *err);   // who shares with whom
void p2p_tracker_stop(struct p2p *p2p);

#endif
