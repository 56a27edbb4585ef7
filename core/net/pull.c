// pull.c - drains a source that makes its bytes while the client takes them.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>

#include <shoal/base.h>

#include "base/alloc.h"
#include "net/conn_priv.h"

#define BLOCK 65536

struct shoal_puller {
    struct shoal_loop *loop;
    struct shoal_conn *conn;       // [loop] NULL when it is gone
    struct shoal_request *request; // owned; holds the source
    bool is_busy, has_data, is_ended, is_chunked, is_sized;
    uint64_t left;
    int64_t got; // of the last read
    char size_line[24];
    char block[BLOCK];
};

struct shoal_puller *shoal_puller_new(struct shoal_conn *conn, struct shoal_request *request)
{
    struct shoal_puller *puller = shoal_alloc(1, sizeof *puller);
    puller->loop = conn->loop;
    puller->conn = conn;
    puller->request = request;
    puller->is_chunked = conn->out.reply.is_chunked;
    puller->left = conn->out.reply.pull_length;
    puller->is_sized = puller->left != UINT64_MAX;
    return puller;
}

static void free_puller(struct shoal_puller *puller)
{
    shoal_request_discard(puller->request);
    free(puller);
}

void shoal_puller_detach(struct shoal_puller *puller)
{
    puller->conn = NULL;
    if (!puller->is_busy) {
        free_puller(puller);
    }
}

static void came_back(void *arg)
{
    struct shoal_puller *puller = arg;
    struct shoal_conn *conn = puller->conn;
    shoal_loop_release(puller->loop);
    puller->is_busy = false;
    if (!conn) {
        free_puller(puller);
        return;
    }
    puller->has_data = true;
    shoal_conn_push(conn);
    if (conn->state != SHOAL_CONN_GONE) {
        shoal_conn_continue(conn);
    }
}

static void pull(void *arg)
{
    struct shoal_puller *puller = arg;
    const struct shoal_pull *source = &puller->request->answer.pull;
    size_t room = puller->left < BLOCK ? (size_t)puller->left : BLOCK;
    shoal_request_enter(puller->request); // each read has the route's time: a film may take hours
    puller->got = source->read(source->state, puller->block, room);
    shoal_request_leave(puller->request);
    if (puller->got > (int64_t)room) {
        shoal_error("a source gave more bytes than there was room for");
        abort(); // memory is already broken
    }
    shoal_loop_run(puller->loop, came_back, puller);
}

static int ask(struct shoal_puller *puller)
{
    puller->is_busy = true;
    shoal_loop_hold(puller->loop);
    shoal_pool_push(puller->loop->server->pulls, pull, puller);
    return SHOAL_FILE_WAIT;
}

static void add_piece(struct shoal_out *out, void *data, size_t length)
{
    out->pieces[out->count++] = (struct iovec){data, length};
}

static int at_end(struct shoal_puller *puller, struct shoal_out *out)
{
    static char last[] = "0\r\n\r\n";
    puller->is_ended = true;
    if (puller->is_sized && puller->left > 0) {
        return SHOAL_WIRE_BROKEN; // it promised more: the client must see that it is cut off
    }
    if (!puller->is_chunked) {
        return 0;
    }
    add_piece(out, last, sizeof last - 1);
    return 1;
}

int shoal_puller_next(struct shoal_conn *conn)
{
    static char line_end[] = "\r\n";
    struct shoal_out *out = &conn->out;
    struct shoal_puller *puller = out->puller;
    if (puller->is_ended) {
        return 0;
    }
    if (puller->is_busy) {
        return SHOAL_FILE_WAIT;
    }
    if (!puller->has_data) {
        return puller->is_sized && puller->left == 0 ? at_end(puller, out) : ask(puller);
    }
    puller->has_data = false;
    if (puller->got < 0) {
        return SHOAL_WIRE_BROKEN;
    }
    out->at = out->count = 0;
    if (puller->got == 0) {
        return at_end(puller, out);
    }
    size_t length = (size_t)puller->got;
    puller->left -= puller->is_sized ? length : 0;
    if (puller->is_chunked) {
        int size = snprintf(puller->size_line, sizeof puller->size_line, "%zx\r\n", length);
        add_piece(out, puller->size_line, (size_t)size);
    }
    add_piece(out, puller->block, length);
    if (puller->is_chunked) {
        add_piece(out, line_end, 2);
    }
    return 1;
}
