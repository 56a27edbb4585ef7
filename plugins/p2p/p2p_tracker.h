// p2p_tracker.h - the tracker as its files know it: who may join what, and what is said to whom.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_TRACKER_H
#define P2P_TRACKER_H
#include <shoal/plugin.h>

#include "p2p.h"
#include "p2p_scan.h"

/// So begins what is said to viewers who may not share: our player leaves its swarm when it reads this.
#define P2P_NOT_SHARED     "not shared: "
/// To who was in a swarm, when it ends and when he comes back to it: his connections to others stand still.
#define P2P_NO_LONGER      P2P_NOT_SHARED "this video no longer is"
#define P2P_MESSAGE_MAX    65536
#define P2P_QUEUE_MAX      (512u << 10) // bytes that wait for one socket
#define P2P_INTERVAL_S     600 // between announces of HTTP peers, and
#define P2P_WS_INTERVAL_S  120 // of those with a socket, whose offers get old
#define P2P_UNKNOWN_SLOTS  4096
#define P2P_REFUSED_SLOTS  4096

/// The settings, read once a second and when one was changed, not with each message.
struct p2p_limits {
    _Atomic bool is_on;
    _Atomic bool is_relayed; ///< what shows an address goes to nobody
    _Atomic int64_t address_sockets, address_peers, address_messages, socket_messages,
        socket_hashes, offers;
};

/// A small cache that forgets: a slot is overwritten by whoever comes next.
struct p2p_slot {
    uint64_t key;
    int64_t until_ms;
    const char *why; ///< the sentence; lives as long as the plugin
};

struct p2p_tracker {
    struct shoal_plugin *self;
    struct p2p *p2p;
    _Atomic uint32_t refs; ///< the plugin, its sockets, and what workers do for them
    struct p2p_limits limits;
    struct visitors visitors;
    struct swarms swarms;
    _Atomic size_t waiting_bytes; ///< messages that wait for a verdict
    pthread_mutex_t lock;         ///< of the slots
    struct p2p_slot unknown[P2P_UNKNOWN_SLOTS]; ///< hashes that have no swarm here
    struct p2p_slot refused[P2P_REFUSED_SLOTS]; ///< HTTP peers that may not join
    struct swarm_key key;
};

extern const char p2p_not_ours[];

void p2p_tracker_ref(struct p2p_tracker *tracker);
void p2p_tracker_unref(struct p2p_tracker *tracker);
/// Ends a swarm that does not belong here any more: its viewers with a socket are told why.
void p2p_tracker_close(
    struct p2p_tracker *tracker, const unsigned char hash[SWARM_ID_BYTES], const char *why);

// p2p_tracker_socket.c
int p2p_sockets_start(struct p2p_tracker *tracker, struct shoal_err *err);
// p2p_http.c
int p2p_http_start(struct p2p_tracker *tracker, struct shoal_err *err);

// p2p_tracker_gate.c
/// Whose a hash is, as far as that is known without asking. Returns: the video, to be released, or
/// NULL; *why: asked lately, and it has no swarm here: p2p_not_ours, or it belongs to another node. [any]
struct swarm_video *p2p_gate_known(struct p2p_tracker *tracker, const unsigned char *hash,
    const char **why, bool *is_stale);
/// Looks it up. Returns: the video, to be released; NULL where it has no swarm here.
struct swarm_video *p2p_gate_find(
    struct p2p_tracker *tracker, struct shoal_call *call, const unsigned char *hash);
/// Asks whether somebody may join. Returns: SHOAL_PASS, or why not in sentence.
enum shoal_verdict p2p_gate_ask(struct p2p_tracker *tracker, struct shoal_call *call,
    int64_t video_id, const char *kind, const char *address_prefix, char sentence[200]);
/// Whether the verdict of an HTTP peer was "no" lately, and noting it.
bool p2p_gate_refused(struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id);
void p2p_gate_refuse(struct p2p_tracker *tracker, const struct swarm_entry *entry, int64_t video_id);

// p2p_tracker_say.c: what peers with sockets are told. token: the hash as its peer wrote it.
void p2p_say_counts(shoal_stream stream, struct jsontext_slice token, const struct swarm_counts *counts);
void p2p_say_failure(shoal_stream stream, struct jsontext_slice token, const char *why);
void p2p_say_offers(const struct p2p_message *message, const struct swarm_result *result);
void p2p_say_answer(shoal_stream stream, const struct p2p_message *message);
/// Of a hash that nobody wrote just now: its swarm has ended for this peer.
void p2p_say_dismissed(
    shoal_stream stream, const unsigned char hash[SWARM_ID_BYTES], const char *why);
void p2p_say_scrape(
    struct swarms *swarms, shoal_stream stream, const struct p2p_message *message);

#endif
