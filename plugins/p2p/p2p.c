// p2p.c - starts and stops the parts of the plugin.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_index.h"

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct p2p *p2p = shoal_arena_alloc(shoal_plugin_arena(self), sizeof *p2p);
    p2p->self = self;
    shoal_plugin_keep(self, p2p);
    int code = p2p_nodes_settle(p2p, err);
    code = code == 0 ? p2p_tracker_start(p2p, err) : code;
    code = code == 0 ? p2p_nodes_start(p2p, err) : code;
    code = code == 0 ? p2p_index_start(p2p, err) : code;
    code = code == 0 ? p2p_torrents_start(p2p, err) : code;
    code = code == 0 ? p2p_service_start(p2p, err) : code;
    return code == 0 ? p2p_policy_start(p2p, err) : code;
}

static void stop(struct shoal_plugin *self)
{
    p2p_tracker_stop(shoal_plugin_kept(self));
}

SHOAL_PLUGIN(.name = "p2p", .start = start, .stop = stop);
