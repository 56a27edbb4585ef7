// torrents.c - starts the parts of the plugin.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "torrents.h"

static int start(struct shoal_plugin *self, struct shoal_err *err)
{
    struct follow *follow = NULL;
    int code = torrents_index_start(self, &follow, err);
    code = code == 0 ? torrents_pieces_start(self, err) : code;
    code = code == 0 ? torrents_routes_start(self, err) : code;
    return code == 0 ? torrents_service_start(self, follow, err) : code;
}

SHOAL_PLUGIN(.name = "torrents", .start = start);
