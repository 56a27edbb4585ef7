// p2p_scan.h - a message of a WebSocket peer, read where it lies: all that is kept are slices of it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_SCAN_H
#define P2P_SCAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jsontext.h>
#include <swarm.h>

#define P2P_OFFERS_MAX SWARM_FOUND_MAX // settings go lower

/// 20 bytes that travel as text of 20 characters: both forms. text is the token with its quotes.
struct p2p_id {
    struct jsontext_slice text;
    unsigned char bytes[SWARM_ID_BYTES];
};

struct p2p_offer {
    struct jsontext_slice offer, id;
};

enum p2p_action { P2P_NO_ACTION, P2P_ANNOUNCE, P2P_SCRAPE };

/// A member that is there and not what it has to be.
enum p2p_fault {
    P2P_FINE,
    P2P_NO_JSON,
    P2P_BAD_HASH,
    P2P_BAD_PEER,
    P2P_BAD_TARGET,
    P2P_BAD_OFFER,
    P2P_BAD_ANSWER,
};

struct p2p_message {
    enum p2p_action action;
    enum swarm_event event;
    bool is_complete; ///< "left" is 0
    struct p2p_id hash, peer, target, offer_id; ///< text.at NULL: not given
    struct jsontext_slice hashes; ///< a scrape's array
    struct jsontext_slice answer;
    struct p2p_offer offers[P2P_OFFERS_MAX];
    size_t offer_count;
};

/// Reads a message: one JSON object, nested 16 deep at most, all of it well-formed, since slices of it
/// go on to others. Offers past offers_max are read over.
///
/// Returns: P2P_FINE or what is wrong. Lives as long as text. Thread: [any].
enum p2p_fault p2p_scan(const char *text, size_t length, size_t offers_max,
    struct p2p_message *message);
/// Takes the next hash of a scrape's array, which the slice then begins behind.
/// Returns: false at the end, and at one that is no hash.
bool p2p_scan_next(struct jsontext_slice *hashes, struct p2p_id *hash);

#endif
