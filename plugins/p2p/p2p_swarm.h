// p2p_swarm.h - who is in which swarm: shared by all loops and workers, locked by hash.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_SWARM_H
#define P2P_SWARM_H
#include <stdlib.h>

#include <shoal/stream.h>

#include "p2p_scan.h"
#include "p2p_tracker_limit.h"

#define P2P_SHARDS   64
#define P2P_IDLE_MS  1200000 // a peer that says nothing for so long has left
#define P2P_FRESH_MS 60000   // so long is believed that a hash belongs to a video

/// A video that has swarms. Once it is gone, what was known of it has to be asked anew.
struct p2p_video {
    _Atomic uint32_t refs;
    int64_t id;
    _Atomic bool is_gone;
    _Atomic int viewers; ///< seats that are in a swarm
};

enum p2p_seat_state { P2P_SEAT_ASKING, P2P_SEAT_TAKEN, P2P_SEAT_REFUSED };

/// One viewer of one video, in any number of its swarms. Its state belongs to who made it.
struct p2p_seat {
    _Atomic uint32_t refs;
    struct p2p_video *video;
    _Atomic int joined;
    enum p2p_seat_state state;
    struct p2p_seat *next;
    char *sentence; ///< why it was refused; the seat's
    bool is_once;   ///< nobody could be asked: the refusal is for one message, and the next one asks
};

struct p2p_peer {
    unsigned char id[P2P_ID_BYTES];
    bool is_complete;
    uint16_t port; ///< of an HTTP peer; 0 of one with a socket
    uint32_t at;   ///< its place in the list of its swarm
    struct p2p_address address;
    shoal_stream stream;
    int64_t heard_ms;
    struct p2p_swarm *swarm;
    struct p2p_seat *seat;
    struct p2p_visitor *visitor; ///< of an HTTP peer: whose count of peers it is in
    struct p2p_peer *next;       // in its bucket
    struct p2p_peer *older, *newer;
};

/// Peers that can reach each other: by sockets, or by addresses.
struct p2p_crowd {
    struct p2p_peer **peers;
    uint32_t count, room;
};

struct p2p_swarm {
    unsigned char hash[P2P_ID_BYTES];
    struct p2p_video *video;
    struct p2p_crowd sockets, others;
    uint32_t complete, downloaded;
    int64_t checked_ms;
    struct p2p_swarm *next;
};

struct p2p_shard {
    pthread_mutex_t lock;
    struct p2p_swarm **swarms;
    struct p2p_peer **peers;
    uint32_t swarm_count, swarm_room, peer_count, peer_room;
    struct p2p_peer *oldest, *newest;
    uint64_t chance;
};

struct p2p_swarms {
    struct p2p_shard shards[P2P_SHARDS];
    struct p2p_visitors *visitors;
    uint64_t seed;
    _Atomic uint32_t peers_max; ///< in one swarm
    _Atomic uint32_t forgotten; ///< grows with each p2p_swarms_forget()
    pthread_mutex_t lock;       // of the videos
    struct p2p_video **videos;
    size_t video_count, video_room;
};

/// Who announces what.
struct p2p_entry {
    const unsigned char *hash, *id;
    shoal_stream stream; ///< 0: an HTTP peer
    struct p2p_address address;
    uint16_t port;
    struct p2p_seat *seat;
    struct p2p_visitor *visitor;
    enum p2p_event event;
    bool is_complete;
    size_t wanted; ///< peers, at most P2P_OFFERS_MAX
    int peers_max; ///< of one visitor
};

struct p2p_found {
    unsigned char id[P2P_ID_BYTES];
    struct p2p_address address;
    uint16_t port;
    shoal_stream stream;
};

struct p2p_counts {
    uint32_t complete, incomplete, downloaded;
};

struct p2p_result {
    struct p2p_counts counts;
    bool is_stale; ///< the hash has to be looked up again, which is told to one caller
    size_t count;
    struct p2p_found found[P2P_OFFERS_MAX];
};

enum p2p_outcome {
    P2P_DONE,
    P2P_GONE,  ///< the swarm ended, or is another video's now
    P2P_TAKEN, ///< somebody else has this peer id
    P2P_FULL,
};

void p2p_swarms_init(struct p2p_swarms *swarms, struct p2p_visitors *visitors);
void p2p_swarms_fini(struct p2p_swarms *swarms);

/// The video of a swarm that stands; release it with p2p_video_unref(). NULL: nobody asked for this
/// hash lately. is_stale: it has to be looked up again, which is told to one caller.
struct p2p_video *p2p_swarms_video(
    struct p2p_swarms *swarms, const unsigned char *hash, int64_t now_ms, bool *is_stale);
/// Says whose a hash is; a swarm of another video ends. Returns: the video, to be released.
struct p2p_video *p2p_swarms_open(
    struct p2p_swarms *swarms, const unsigned char *hash, int64_t video_id, int64_t now_ms);
/// Ends one swarm, and those of a video.
void p2p_swarms_close(struct p2p_swarms *swarms, const unsigned char *hash);
void p2p_swarms_forget(struct p2p_swarms *swarms, int64_t video_id);

/// Notes what a peer says, counts, and chooses others of its kind at random.
enum p2p_outcome p2p_swarms_announce(struct p2p_swarms *swarms, const struct p2p_entry *entry,
    int64_t now_ms, struct p2p_result *result);
/// The seat that a peer has in a swarm, to be released; or NULL.
struct p2p_seat *p2p_swarms_seat(struct p2p_swarms *swarms, const struct p2p_entry *entry);
/// The stream of a peer with a socket; 0 where there is none.
shoal_stream p2p_swarms_stream(
    struct p2p_swarms *swarms, const unsigned char *hash, const unsigned char *id);
/// A socket leaves: nothing happens where another one has its peer id meanwhile.
void p2p_swarms_leave(struct p2p_swarms *swarms, const unsigned char *hash,
    const unsigned char *id, shoal_stream stream);
/// Counts of a swarm; zeros where there is none.
struct p2p_counts p2p_swarms_count(struct p2p_swarms *swarms, const unsigned char *hash);
/// Viewers of a video now.
int p2p_swarms_viewers(struct p2p_swarms *swarms, int64_t video_id);
/// Drops who was not heard, and swarms that nobody is in.
void p2p_swarms_sweep(struct p2p_swarms *swarms, int64_t now_ms);

void p2p_video_unref(struct p2p_video *video);
struct p2p_seat *p2p_seat_new(struct p2p_video *video);
struct p2p_seat *p2p_seat_ref(struct p2p_seat *seat);
void p2p_seat_unref(struct p2p_seat *seat);

/// Zeroed memory; what is asked for is small, and without it there is no going on.
static inline void *p2p_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory) {
        abort();
    }
    return memory;
}

#endif
