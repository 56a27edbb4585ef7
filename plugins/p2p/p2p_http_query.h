// p2p_http_query.h - the query of an HTTP announce: names, numbers, and bytes that are no text.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_HTTP_QUERY_H
#define P2P_HTTP_QUERY_H
#include "p2p_scan.h"

struct p2p_query {
    unsigned char hash[SWARM_ID_BYTES], id[SWARM_ID_BYTES];
    bool has_hash, has_id;
    int64_t port, left, wanted; ///< -1: not given, or no number
    enum swarm_event event;
    bool is_compact;
};

/// Reads "info_hash=%12…&port=6881". What a tracker does not need is read over; of a name that comes
/// twice the last one counts.
void p2p_query_read(const char *text, struct p2p_query *query);
/// The next info_hash of a scrape; *text moves behind it. Returns: false at the end.
/// *is_good: it is 20 bytes.
bool p2p_query_next(const char **text, unsigned char hash[SWARM_ID_BYTES], bool *is_good);

#endif
