// p2p_swarm_priv.h - what the files of the swarms share.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_SWARM_PRIV_H
#define P2P_SWARM_PRIV_H
#include <string.h>

#include "p2p_swarm.h"

// p2p_swarm_video.c
struct p2p_video *p2p_video_ref(struct p2p_video *video);
/// The video of this number, made when it is not there; held for the caller.
struct p2p_video *p2p_video_get(struct p2p_swarms *swarms, int64_t id);
void p2p_video_end(struct p2p_swarms *swarms, int64_t id);
void p2p_videos_sweep(struct p2p_swarms *swarms);
void p2p_seat_join(struct p2p_seat *seat);
void p2p_seat_part(struct p2p_seat *seat);

// p2p_swarm_peer.c, all with the shard's lock held
uint64_t p2p_mix(uint64_t seed, const unsigned char *bytes);
struct p2p_peer *p2p_peer_find(struct p2p_swarms *swarms, struct p2p_shard *shard,
    const struct p2p_swarm *swarm, const struct p2p_entry *entry);
struct p2p_peer *p2p_peer_add(struct p2p_swarms *swarms, struct p2p_shard *shard,
    struct p2p_swarm *swarm, const struct p2p_entry *entry);
void p2p_peer_remove(
    struct p2p_swarms *swarms, struct p2p_shard *shard, struct p2p_peer *peer);
/// Heard of just now.
void p2p_peer_touch(struct p2p_shard *shard, struct p2p_peer *peer, int64_t now_ms);
void p2p_peer_complete(struct p2p_peer *peer, bool is_complete);
/// Some of the peers that this one can reach, but not itself.
void p2p_peers_pick(struct p2p_shard *shard, struct p2p_crowd *crowd, const struct p2p_peer *self,
    size_t wanted, struct p2p_result *result);

#endif
