// p2p_torrents.c - starts what makes and hands out hashes and torrents.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "p2p_torrents.h"

int p2p_torrents_start(struct p2p *p2p, struct shoal_err *err)
{
    int code = p2p_index_start(p2p, err);
    code = code == 0 ? p2p_pieces_start(p2p, err) : code;
    code = code == 0 ? p2p_torrents_routes(p2p, err) : code;
    return code == 0 ? p2p_service_start(p2p, err) : code;
}
