// p2p_tracker_socket.h - one WebSocket peer; all of it but refs belongs to its loop.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_TRACKER_SOCKET_H
#define P2P_TRACKER_SOCKET_H
#include "p2p_tracker.h"

/// A swarm that the socket announced itself in.
struct p2p_member {
    unsigned char hash[SWARM_ID_BYTES], id[SWARM_ID_BYTES];
    struct swarm_seat *seat; ///< NULL while the hash is looked up
    bool has_id;           ///< it is in the swarm under this id
    bool was_in;           ///< of a swarm that has ended meanwhile
};

/// A message that cannot be answered yet.
struct p2p_waiting {
    struct p2p_waiting *next;
    size_t length;
    char data[];
};

struct p2p_socket {
    struct p2p_tracker *tracker;
    _Atomic uint32_t refs; ///< the stream, and what workers do for it
    shoal_stream stream;
    int loop;
    bool is_closed, has_warned;
    struct visitor_address address;
    struct visitor *visitor;
    char address_prefix[56];
    visitor_rate messages;
    int64_t now_ms; ///< when the message came that is being heard
    int dropped, unknown; ///< messages over the limit; hashes that are none of ours
    const unsigned char *lost; ///< a hash that it was in, while its messages are answered; else NULL
    struct p2p_member *members;
    uint16_t member_count, member_room;
    uint16_t waiting_count;
    struct swarm_seat *seats;
    struct p2p_waiting *first_waiting, **last_waiting;
};

void p2p_socket_unref(struct p2p_socket *socket);

// p2p_tracker_member.c
struct p2p_member *p2p_member_find(struct p2p_socket *socket, const unsigned char *hash);
/// The caller looked whether there may be one more.
struct p2p_member *p2p_member_add(struct p2p_socket *socket, const unsigned char *hash);
/// Leaves the swarm too.
void p2p_member_remove(struct p2p_socket *socket, struct p2p_member *member);
/// Gives the member its seat at the video, and asks for it the first time.
void p2p_member_settle(
    struct p2p_socket *socket, struct p2p_member *member, struct swarm_video *video);
void p2p_members_free(struct p2p_socket *socket);
/// Whether its viewer is to be asked about anew: the video is gone, or more is shared since it was refused.
bool p2p_seat_is_old(struct p2p_tracker *tracker, const struct swarm_seat *seat);
/// Looks up the hash of a member that has no seat, or checks one that has (is_check).
bool p2p_member_look_up(struct p2p_socket *socket, const unsigned char *hash, bool is_check);

/// Answers the messages that waited, as far as that is possible now.
void p2p_socket_go_on(struct p2p_socket *socket);
/// The hash is none of ours: its messages are answered so, and who asks too often is sent away.
void p2p_socket_unknown(struct p2p_socket *socket, const unsigned char *hash);

#endif
