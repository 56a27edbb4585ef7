// streams_work.c - long work that a stream hands to a worker.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdlib.h>

#include <shoal/base.h>
#include <shoal/stream.h>

#include "base/alloc.h"
#include "host/plugin_priv.h"
#include "net/server_priv.h"

#define WORK_MS 10000

struct piece {
    struct shoal_plugin *owner;
    void (*fn)(struct shoal_call *call, void *arg);
    void (*done)(void *arg);
    void *arg;
    int loop;
};

/// Runs although its plugin may stop meanwhile: what it holds must be let go by done().
static void run_piece(void *arg)
{
    struct piece *piece = arg;
    struct shoal_call call;
    shoal_call_init(&call);
    call.deadline_ms = shoal_tick_ms() + WORK_MS;
    if (!piece->owner || shoal_plugin_runs(piece->owner)) {
        shoal_call_enter(&call, piece->owner);
        piece->fn(&call, piece->arg);
        while (call.depth > 0) {
            shoal_call_leave(&call);
        }
    }
    shoal_call_fini(&call);
    if (piece->done) {
        shoal_loop_post(piece->loop, piece->done, piece->arg);
    }
    free(piece);
}

int shoal_work(struct shoal_plugin *self, void (*fn)(struct shoal_call *call, void *arg),
    void (*done)(void *arg), void *arg, int loop)
{
    struct shoal_server *server = shoal_server_hold();
    if (!server) {
        return SHOAL_EBUSY;
    }
    struct piece *piece = shoal_alloc(1, sizeof(*piece));
    *piece = (struct piece){.owner = self, .fn = fn, .done = done, .arg = arg, .loop = loop};
    int code = shoal_pool_add(server->workers, run_piece, piece);
    shoal_server_let_go();
    if (code < 0) {
        free(piece);
    }
    return code;
}
