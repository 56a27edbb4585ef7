// p2p.h - what the parts of the plugin know of each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_H
#define P2P_H
#include <shoal/plugin.h>

#include "p2p_nodes.h"

#define P2P_HASH_BYTES 20

/// So begins what is said to who is at the wrong node: our player asks the site again, and goes to the right one.
#define P2P_ELSEWHERE "elsewhere: "

struct p2p_tracker; // p2p_tracker.c: the swarms

struct p2p {
    struct shoal_plugin *self;
    struct p2p_tracker *tracker;
    struct p2p_nodes nodes;
    _Atomic int openness;     ///< p2p_policy.c: who might share, and how, when it looked last
    bool is_given, is_warned; ///< p2p_torrents.c: what became of torrents of before
};

/// The video that a swarm belongs to.
struct p2p_owner {
    int64_t video_id;
    size_t node;    ///< that has its swarms
    bool is_here;   ///< it is this one
    bool is_shared; ///< public or unlisted, published, not blocked, P2P not switched off
};
/// Looks a hash up. Returns: 0, or SHOAL_ENOTFOUND: it is none of ours. Thread: [worker].
int p2p_hash_find(struct p2p *p2p, struct shoal_call *call, const unsigned char hash[P2P_HASH_BYTES],
    struct p2p_owner *owner, struct shoal_err *err);
/// Whether the owners of a video and its channel let viewers share it; false too where that cannot be
/// read. The administrator's own switches are not asked here. Thread: [worker].
bool p2p_policy_shares(struct shoal_call *call, int64_t video_id);
/// The trackers of a video that is shared; else, and until they know its swarms, []. Returns: a new
/// reference, NULL when that cannot be read. Thread: [worker].
json_t *p2p_service_trackers(
    struct p2p *p2p, struct shoal_call *call, const char *uuid, struct shoal_err *err);
/// What was known of a video (0: of all) counts no more: whoever was refused is asked about anew. is_dismissed: it
/// may not be shared any more, its swarms end, and its viewers with a socket are told so. Thread: [any].
void p2p_tracker_forget(struct p2p_tracker *tracker, int64_t video_id, bool is_dismissed);
/// The same in whichever process of whichever node they are: of another one in a second or two. Thread: [worker].
void p2p_video_forget(
    struct p2p *p2p, struct shoal_call *call, int64_t video_id, bool is_dismissed);
/// The same of all videos of a channel, told at once. Errors: SHOAL_EIO.
int p2p_channel_forget(struct p2p *p2p, struct shoal_call *call, int64_t channel_id,
    bool is_dismissed, struct shoal_err *err);
/// Whether viewers may connect through relays alone, so that nobody learns another's address.
bool p2p_policy_is_relayed(const struct p2p *p2p);
/// Reads the settings that it goes by. Thread: [worker], and start().
void p2p_tracker_settings(struct p2p_tracker *tracker);
/// Peers that are connected for a video now. Thread: [any].
int p2p_tracker_peers(struct p2p_tracker *tracker, int64_t video_id);

// What each part registers when the plugin starts.
int p2p_nodes_settle(struct p2p *p2p, struct shoal_err *err);  // reads who they are, before all others
int p2p_nodes_start(struct p2p *p2p, struct shoal_err *err);   // hears of them
int p2p_tracker_start(struct p2p *p2p, struct shoal_err *err); // sockets and HTTP announces
int p2p_policy_start(struct p2p *p2p, struct shoal_err *err);  // who shares with whom
void p2p_tracker_stop(struct p2p *p2p);

#endif
