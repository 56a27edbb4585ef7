// sink.c - carries a body from the loop to a file thread, two blocks at a time.
//
// The loop fills one block while a file thread works on the other. When both are full the connection
// is not read from: the client waits for the disk. A sink that waits for its client has no block, or one
// with less than SUBMIT bytes; where there are many sinks, each has one block, and a small one.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/sink_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "net/conn_priv.h"

#define BLOCK       65536
#define BLOCK_SMALL 16384
#define SUBMIT      16384        // bytes that are worth a trip to a file thread
#define BLOCKS_MAX  (8u << 20)   // of all sinks; beyond, a sink has one block, and new ones are small

struct block {
    char *data; ///< NULL while it is not needed
    size_t size;
};

struct shoal_sink {
    struct shoal_request *request;
    struct block filling, writing;
    size_t filled, to_write;
    bool is_busy, has_ended, is_whole;
    // file side
    bool is_multipart, is_last;
    int file;
    uint64_t offset;
    struct shoal_uploading uploading;
    struct shoal_multipart parser;
    int rc;
    struct shoal_err err;
};

static bool is_form(const struct shoal_request *request, const char **type)
{
    *type = shoal_request_peek(request, "content-type");
    return *type && strncasecmp(*type, "multipart/form-data", 19) == 0;
}

struct shoal_sink *shoal_sink_new(struct shoal_request *request, struct shoal_err *err)
{
    struct shoal_sink *sink = shoal_alloc(1, sizeof *sink);
    sink->request = request;
    sink->file = sink->uploading.file = -1;
    sink->uploading.request = request;
    sink->uploading.fields.arena = request->call.arena;
    const char *type;
    if (request->mode == SHOAL_BODY_FILES && is_form(request, &type)) {
        sink->is_multipart = true;
        if (shoal_multipart_init(&sink->parser, shoal_span(type), &shoal_upload_ops,
                &sink->uploading, err)) {
            free(sink);
            return NULL;
        }
    }
    sink->offset = request->to_offset;
    return sink;
}

static bool there_are_many(const struct shoal_sink *sink)
{
    return atomic_load(&sink->request->server->sink_bytes) >= BLOCKS_MAX;
}

static void block_get(struct shoal_sink *sink)
{
    _Atomic size_t *all = &sink->request->server->sink_bytes;
    size_t size = there_are_many(sink) ? BLOCK_SMALL : BLOCK;
    sink->filling = (struct block){shoal_realloc(NULL, 1, size), size};
    atomic_fetch_add(all, size);
}

static void block_drop(struct shoal_sink *sink, struct block *block)
{
    atomic_fetch_sub(&sink->request->server->sink_bytes, block->size);
    free(block->data);
    *block = (struct block){0};
}

void shoal_sink_free(struct shoal_sink *sink)
{
    if (!sink) {
        return;
    }
    if (sink->file >= 0) {
        close(sink->file);
    }
    shoal_uploading_fini(&sink->uploading);
    block_drop(sink, &sink->filling);
    block_drop(sink, &sink->writing);
    free(sink);
}

const struct shoal_err *shoal_sink_error(const struct shoal_sink *sink)
{
    return sink->rc ? &sink->err : NULL;
}

static int write_raw(struct shoal_sink *sink)
{
    struct shoal_request *request = sink->request;
    if (sink->file < 0) {
        sink->file = shoal_file()->open(request->to_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (sink->file < 0) {
            return shoal_file_fail(&sink->err, errno, "open", request->to_path);
        }
    }
    size_t done = 0;
    while (done < sink->to_write) {
        ssize_t count = shoal_file()->pwrite(sink->file, sink->writing.data + done,
            sink->to_write - done, (off_t)sink->offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return shoal_file_fail(&sink->err, count < 0 ? errno : EIO, "write", request->to_path);
        }
        if (request->to_sum) {
            shoal_sha256_add(request->to_sum, sink->writing.data + done, (size_t)count);
        }
        done += (size_t)count;
        sink->offset += (uint64_t)count;
        request->written += (uint64_t)count;
    }
    return 0;
}

static int finish_form(struct shoal_sink *sink)
{
    struct shoal_form *form = &sink->uploading.fields.form;
    int rc = shoal_multipart_end(&sink->parser, &sink->err);
    if (rc) {
        return rc;
    }
    sink->request->json = shoal_form_to_json(form->items, form->count, true, &sink->err);
    return sink->request->json ? 0 : sink->err.code;
}

static void came_back(void *arg);

static void work(void *arg)
{
    struct shoal_sink *sink = arg;
    bool has_work = sink->to_write > 0 || !sink->is_multipart; // a file is made for no bytes, too
    if (sink->rc == 0 && has_work) {
        sink->rc = sink->is_multipart
            ? shoal_multipart_feed(&sink->parser, sink->writing.data, sink->to_write, &sink->err)
            : write_raw(sink);
    }
    if (sink->rc == 0 && sink->is_last && sink->is_whole && sink->is_multipart) {
        sink->rc = finish_form(sink);
    }
    if (sink->rc != 0 && sink->err.code != sink->rc) {
        shoal_fail(&sink->err, sink->rc, "%s", shoal_error_text(sink->rc)); // it is answered by it
    }
    if (sink->is_last && sink->file >= 0) {
        if (close(sink->file) != 0 && sink->rc == 0) {
            sink->rc = shoal_fail(&sink->err, SHOAL_EIO, "the body cannot be closed");
        }
        sink->file = -1;
    }
    shoal_loop_run(sink->request->loop, came_back, sink);
}

static void submit(struct shoal_sink *sink)
{
    struct block swap = sink->writing;
    sink->writing = sink->filling;
    sink->filling = swap;
    sink->to_write = sink->filled;
    sink->filled = 0;
    sink->is_last = sink->has_ended;
    sink->is_busy = true;
    sink->request->is_busy = true;
    shoal_loop_hold(sink->request->loop);
    shoal_pool_push(sink->request->server->files, work, sink);
}

// The body's last word: once, when nothing is under way any more.
static void tell(struct shoal_sink *sink)
{
    struct shoal_request *request = sink->request;
    request->is_whole = sink->is_whole && sink->rc == 0;
    if (request->conn) {
        shoal_exchange_body(request->conn);
    } else {
        shoal_exchange_abandon(request);
    }
}

static void came_back(void *arg)
{
    struct shoal_sink *sink = arg;
    struct shoal_request *request = sink->request;
    shoal_loop_release(request->loop);
    sink->is_busy = request->is_busy = false;
    if (!request->conn && !sink->has_ended) {
        shoal_sink_end(sink, false);
        return;
    }
    if (sink->rc || (sink->has_ended && sink->filled == 0 && sink->is_last)) {
        tell(sink);
        return;
    }
    if (sink->has_ended || sink->filled >= SUBMIT) {
        submit(sink);
    } else {
        block_drop(sink, &sink->writing);
        if (sink->filled == 0) {
            block_drop(sink, &sink->filling);
        }
    }
    if (request->conn && request->conn->state == SHOAL_CONN_BODY && !sink->has_ended) {
        request->conn->is_paused = false;
        shoal_conn_continue(request->conn);
    }
}

size_t shoal_sink_room(struct shoal_sink *sink)
{
    if (sink->filling.data == NULL) {
        if (sink->is_busy && there_are_many(sink)) {
            return 0; // its other block is being written
        }
        block_get(sink);
    }
    return sink->filling.size - sink->filled;
}

bool shoal_sink_has_ended(const struct shoal_sink *sink)
{
    return sink->has_ended;
}

size_t shoal_sink_take(struct shoal_sink *sink, const char *data, size_t length)
{
    size_t room = shoal_sink_room(sink);
    size_t taken = length < room ? length : room;
    memcpy(sink->filling.data + sink->filled, data, taken);
    sink->filled += taken;
    if (sink->filled >= SUBMIT && !sink->is_busy) {
        submit(sink);
    }
    return taken;
}

void shoal_sink_end(struct shoal_sink *sink, bool is_whole)
{
    sink->has_ended = true;
    sink->is_whole = is_whole;
    if (!sink->is_busy) {
        submit(sink); // even empty: it closes the file or ends the form
    }
}
