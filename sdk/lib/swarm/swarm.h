// swarm.h - who is in which swarm: shared by all loops and workers, locked by hash.
// SPDX-License-Identifier: MIT
#ifndef SWARM_H
#define SWARM_H
#include <stdlib.h>

#include <shoal/stream.h>

#include "swarm_mix.h"
#include "visitors.h"

#define SWARM_ID_BYTES  20 // of a hash, and of a peer
#define SWARM_FOUND_MAX 82 // peers that one is told of at once: what trackers agree on
#define SWARM_SHARDS   64
#define SWARM_IDLE_MS  1200000 // a peer that says nothing for so long has left
#define SWARM_FRESH_MS 60000   // so long is believed that a hash belongs to a video

/// What a peer announces.
enum swarm_event { SWARM_UPDATE, SWARM_STARTED, SWARM_STOPPED, SWARM_COMPLETED, SWARM_NO_EVENT };

/// A video that has swarms. Once it is gone, what was known of it has to be asked anew.
struct swarm_video {
    _Atomic uint32_t refs;
    int64_t id;
    _Atomic bool is_gone;
    _Atomic int viewers; ///< seats that are in a swarm
};

enum swarm_seat_state { SWARM_SEAT_ASKING, SWARM_SEAT_TAKEN, SWARM_SEAT_REFUSED };

/// One viewer of one video, in any number of its swarms. Its state belongs to who made it.
struct swarm_seat {
    _Atomic uint32_t refs;
    struct swarm_video *video;
    _Atomic int joined;
    enum swarm_seat_state state;
    struct swarm_seat *next;
    char *sentence; ///< why it was refused; the seat's
    bool is_once;   ///< nobody could be asked: the refusal is for one message, and the next one asks
    uint32_t since; ///< which changes of the swarms it knows of: a refusal of before one is none
};

struct swarm_peer {
    unsigned char id[SWARM_ID_BYTES];
    bool is_complete;
    uint16_t port; ///< of an HTTP peer; 0 of one with a socket
    uint32_t at;   ///< its place in the list of its swarm
    struct visitor_address address;
    shoal_stream stream;
    int64_t heard_ms;
    struct swarm *swarm;
    struct swarm_seat *seat;
    struct visitor *visitor; ///< of an HTTP peer: whose count of peers it is in
    visitor_rate offers;     ///< that others handed to it
    struct swarm_peer *next;       // in its bucket
    struct swarm_peer *older, *newer;
};

/// Peers that can reach each other: by sockets, or by addresses.
struct swarm_crowd {
    struct swarm_peer **peers;
    uint32_t count, room;
};

struct swarm {
    unsigned char hash[SWARM_ID_BYTES];
    struct swarm_video *video;
    struct swarm_crowd sockets, others;
    uint32_t complete, downloaded;
    int64_t checked_ms;
    struct swarm *next;
};

struct swarm_shard {
    pthread_mutex_t lock;
    struct swarm **swarms;
    struct swarm_peer **peers;
    uint32_t swarm_count, swarm_room, peer_count, peer_room;
    struct swarm_peer *oldest, *newest;
    uint64_t chance;
};

struct swarms {
    struct swarm_shard shards[SWARM_SHARDS];
    struct visitors *visitors;
    struct swarm_key key;
    _Atomic uint32_t peers_max;  ///< in one swarm
    _Atomic uint32_t offers_max; ///< that one peer with a socket is handed in a minute
    _Atomic uint32_t changes;   ///< grows with each swarms_forget() and swarms_renew()
    pthread_mutex_t lock;       // of the videos
    struct swarm_video **videos;
    size_t video_count, video_room;
};

/// Who announces what.
struct swarm_entry {
    const unsigned char *hash, *id;
    shoal_stream stream; ///< 0: an HTTP peer
    struct visitor_address address;
    uint16_t port;
    struct swarm_seat *seat;
    struct visitor *visitor;
    enum swarm_event event;
    bool is_complete;
    size_t wanted; ///< peers, at most SWARM_FOUND_MAX
    int peers_max; ///< of one visitor
};

struct swarm_found {
    unsigned char id[SWARM_ID_BYTES];
    struct visitor_address address;
    uint16_t port;
    shoal_stream stream;
};

struct swarm_counts {
    uint32_t complete, incomplete, downloaded;
};

struct swarm_result {
    struct swarm_counts counts;
    bool is_stale; ///< the hash has to be looked up again, which is told to one caller
    size_t count;
    struct swarm_found found[SWARM_FOUND_MAX];
};

enum swarm_outcome {
    SWARM_DONE,
    SWARM_GONE,  ///< the swarm ended, or is another video's now
    SWARM_TAKEN, ///< somebody else has this peer id
    SWARM_FULL,
};

void swarms_init(struct swarms *swarms, struct visitors *visitors);
void swarms_fini(struct swarms *swarms);

/// The video of a swarm that stands; release it with swarm_video_unref(). NULL: nobody asked for this
/// hash lately. is_stale: it has to be looked up again, which is told to one caller.
struct swarm_video *swarms_video(
    struct swarms *swarms, const unsigned char *hash, int64_t now_ms, bool *is_stale);
/// Says whose a hash is; a swarm of another video ends. Returns: the video, to be released.
struct swarm_video *swarms_open(
    struct swarms *swarms, const unsigned char *hash, int64_t video_id, int64_t now_ms);
/// Hears of a peer with a socket whose swarm has ended; no lock is held.
typedef void swarm_ended_fn(
    void *arg, const unsigned char hash[SWARM_ID_BYTES], shoal_stream stream);
/// Ends one swarm, and those of a video (0: of all).
void swarms_close(
    struct swarms *swarms, const unsigned char *hash, swarm_ended_fn *ended, void *arg);
void swarms_forget(
    struct swarms *swarms, int64_t video_id, swarm_ended_fn *ended, void *arg);
/// A video (0: all) has other swarms than before, or may be shared by more: refusals count no more, and its
/// swarms go on until the next announce in them, with which they are looked up again.
void swarms_renew(struct swarms *swarms, int64_t video_id);

/// Notes what a peer says, counts, and chooses others of its kind at random. With sockets each is an offer to
/// them, for which a browser opens a connection: who got as many as offers_max in a minute is left out.
enum swarm_outcome swarms_announce(struct swarms *swarms, const struct swarm_entry *entry,
    int64_t now_ms, struct swarm_result *result);
/// The seat that a peer has in a swarm, to be released; or NULL.
struct swarm_seat *swarms_seat(struct swarms *swarms, const struct swarm_entry *entry);
/// The stream of a peer with a socket; 0 where there is none.
shoal_stream swarms_stream(
    struct swarms *swarms, const unsigned char *hash, const unsigned char *id);
/// A socket leaves: nothing happens where another one has its peer id meanwhile.
void swarms_leave(struct swarms *swarms, const unsigned char *hash,
    const unsigned char *id, shoal_stream stream);
/// Counts of a swarm; zeros where there is none.
struct swarm_counts swarms_count(struct swarms *swarms, const unsigned char *hash);
/// Viewers of a video now.
int swarms_viewers(struct swarms *swarms, int64_t video_id);
/// Drops who was not heard, and swarms that nobody is in.
void swarms_sweep(struct swarms *swarms, int64_t now_ms);

void swarm_video_unref(struct swarm_video *video);
struct swarm_seat *swarm_seat_new(struct swarm_video *video);
struct swarm_seat *swarm_seat_ref(struct swarm_seat *seat);
void swarm_seat_unref(struct swarm_seat *seat);

/// Zeroed memory; what is asked for is small, and without it there is no going on.
static inline void *swarm_alloc(size_t bytes)
{
    void *memory = calloc(1, bytes);
    if (!memory) {
        abort();
    }
    return memory;
}

#endif
