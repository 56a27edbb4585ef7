// p2p_nodes.h - which node of a site has the swarms of a video, and what nodes tell each other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#ifndef P2P_NODES_H
#define P2P_NODES_H
#include <shoal/plugin.h>

#define P2P_NODES_MAX  64
#define P2P_NODE_BYTES 33 // of a name

struct p2p_node {
    char name[P2P_NODE_BYTES];
    char elsewhere[160]; ///< what those are told who come to another one for what it has
};

/// The nodes of this site, as the settings name them; they stay as they are while the plugin runs.
struct p2p_nodes {
    size_t count; ///< 0: one process serves the site, and the paths have no node
    size_t self;
    struct p2p_node items[P2P_NODES_MAX];
};

/// Reads the settings: a list of names, and the name of this one. Returns: 0 or SHOAL_EINVAL.
int p2p_nodes_read(
    struct p2p_nodes *nodes, const json_t *names, const char *self, struct shoal_err *err);
/// The node of a video, the same wherever it is asked. One that is added takes 1/n of the videos, and the rest
/// stay where they are. 0 where there is one.
size_t p2p_node_of(const struct p2p_nodes *nodes, const char *uuid);
/// "/tracker/socket", or "/tracker/NAME/socket" of the video's node. what: "socket", "announce".
const char *p2p_node_path(struct shoal_arena *arena, const struct p2p_nodes *nodes, const char *uuid,
    const char *what);
/// Whether a request came by this node's own path, or by one that names none.
bool p2p_node_is_meant(const struct p2p_nodes *nodes, const struct shoal_request *request);

#endif
