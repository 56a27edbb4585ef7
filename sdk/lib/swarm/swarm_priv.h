// swarm_priv.h - what the files of the swarms share.
// SPDX-License-Identifier: MIT
#ifndef SWARM_PRIV_H
#define SWARM_PRIV_H
#include <string.h>

#include "swarm.h"

// swarm_video.c
struct swarm_video *swarm_video_ref(struct swarm_video *video);
/// The video of this number, made when it is not there; held for the caller.
struct swarm_video *swarm_video_get(struct swarms *swarms, int64_t id);
/// id: 0 for all.
void swarm_video_end(struct swarms *swarms, int64_t id);
void swarm_videos_sweep(struct swarms *swarms);
void swarm_seat_join(struct swarm_seat *seat);
void swarm_seat_part(struct swarm_seat *seat);

// swarm_peer.c, all with the shard's lock held
struct swarm_peer *swarm_peer_find(struct swarms *swarms, struct swarm_shard *shard,
    const struct swarm *swarm, const struct swarm_entry *entry);
struct swarm_peer *swarm_peer_add(struct swarms *swarms, struct swarm_shard *shard,
    struct swarm *swarm, const struct swarm_entry *entry);
void swarm_peer_remove(
    struct swarms *swarms, struct swarm_shard *shard, struct swarm_peer *peer);
/// Heard of just now.
void swarm_peer_touch(struct swarm_shard *shard, struct swarm_peer *peer, int64_t now_ms);
void swarm_peer_complete(struct swarm_peer *peer, bool is_complete);
/// Some of the peers that this one can reach, but not itself; of those with sockets none that has
/// offers_max of this minute.
void swarm_peers_pick(struct swarm_shard *shard, struct swarm_crowd *crowd, const struct swarm_peer *self,
    size_t wanted, uint32_t offers_max, int64_t now_ms, struct swarm_result *result);

#endif
