// file.c - sends files in turns; what is not in memory is read ahead on a file thread.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/conn_priv.h"

#define TURN   (512u * 1024)
#define STRIDE 65536u // the kernel reads ahead by more than this

struct shoal_ahead {
    struct shoal_loop *loop;
    struct shoal_conn *conn; // [loop] NULL when it is gone
    int file;                // its own descriptor
    uint64_t at;
    size_t length;
};

static bool is_cached(int file, uint64_t offset)
{
    char byte;
    struct iovec piece = {&byte, 1};
    return preadv2(file, &piece, 1, (off_t)offset, RWF_NOWAIT) == 1;
}

// How many of the next `want` bytes can be sent without waiting for the disk.
static size_t count_cached(const struct shoal_out *out, size_t want)
{
    size_t count = 0;
    if (out->known_until > out->file_at) {
        uint64_t known = out->known_until - out->file_at;
        count = known < want ? (size_t)known : want;
    }
    while (count < want && is_cached(out->reply.file, out->file_at + count)) {
        count = want - count < STRIDE ? want : count + STRIDE;
    }
    return count;
}

void shoal_ahead_detach(struct shoal_ahead *ahead)
{
    ahead->conn = NULL;
}

static void came_back(void *arg)
{
    struct shoal_ahead *ahead = arg;
    struct shoal_conn *conn = ahead->conn;
    shoal_loop_release(ahead->loop);
    if (conn) {
        conn->out.ahead = NULL;
        conn->out.known_until = ahead->at + ahead->length;
        shoal_conn_push(conn);
        if (conn->state != SHOAL_CONN_GONE) {
            shoal_conn_continue(conn);
        }
    }
    free(ahead);
}

static void read_ahead(void *arg)
{
    struct shoal_ahead *ahead = arg;
    char *block = shoal_alloc(1, STRIDE);
    uint64_t end = ahead->at + ahead->length;
    for (uint64_t at = ahead->at; at < end;) {
        size_t want = end - at < STRIDE ? (size_t)(end - at) : STRIDE;
        ssize_t count = pread(ahead->file, block, want, (off_t)at);
        if (count == 0 || (count < 0 && errno != EINTR)) {
            break; // sending will meet the same and end the connection
        }
        at += count > 0 ? (uint64_t)count : 0;
    }
    free(block);
    close(ahead->file);
    shoal_loop_run(ahead->loop, came_back, ahead);
}

static ssize_t start_reading(struct shoal_conn *conn, size_t want)
{
    struct shoal_ahead *ahead = shoal_alloc(1, sizeof *ahead);
    int file = fcntl(conn->out.reply.file, F_DUPFD_CLOEXEC, 3);
    if (file < 0) {
        free(ahead);
        return SHOAL_WIRE_BROKEN;
    }
    *ahead = (struct shoal_ahead){.loop = conn->loop, .conn = conn, .file = file,
        .at = conn->out.file_at, .length = want};
    conn->out.ahead = ahead;
    shoal_loop_hold(conn->loop);
    shoal_pool_push(conn->loop->server->files, read_ahead, ahead);
    return SHOAL_FILE_WAIT;
}

static ssize_t send_copied(struct shoal_conn *conn, size_t length)
{
    struct shoal_out *out = &conn->out;
    char *block = conn->loop->file;
    size_t want = out->retry > 0 ? out->retry : length < SHOAL_SCRATCH ? length : SHOAL_SCRATCH;
    ssize_t count = pread(out->reply.file, block, want, (off_t)out->file_at);
    if (count != (ssize_t)want) {
        return SHOAL_WIRE_BROKEN; // the file became shorter
    }
    struct iovec piece = {block, want};
    ssize_t done = shoal_wire_write(&conn->wire, &piece, 1, conn->loop->gather, false);
    out->retry = done == SHOAL_WIRE_AGAIN ? want : 0;
    return done;
}

ssize_t shoal_file_turn(struct shoal_conn *conn)
{
    struct shoal_out *out = &conn->out;
    if (out->file_left == 0) {
        return 0;
    }
    if (out->ahead) {
        return SHOAL_FILE_WAIT;
    }
    size_t want = out->file_left < TURN ? (size_t)out->file_left : TURN;
    size_t ready = out->retry > 0 ? out->retry : count_cached(out, want);
    if (ready == 0) {
        return start_reading(conn, want);
    }
    ssize_t done = shoal_wire_can_sendfile(&conn->wire)
        ? shoal_wire_sendfile(&conn->wire, out->reply.file, out->file_at, ready)
        : send_copied(conn, ready);
    if (done <= 0) {
        return done == 0 ? SHOAL_WIRE_BROKEN : done;
    }
    conn->moved += (size_t)done;
    atomic_fetch_add_explicit(&conn->loop->server->counters[SHOAL_COUNT_SENT_FILES], (uint64_t)done,
        memory_order_relaxed);
    out->file_at += (uint64_t)done;
    out->file_left -= (uint64_t)done;
    return out->file_left > 0 ? 1 : 0;
}
