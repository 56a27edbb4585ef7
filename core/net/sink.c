// sink.c - carries a body from the loop to a file thread, two blocks at a time.
//
// The loop fills one block while a file thread works on the other. When both are full the connection
// is not read from: the client waits for the disk.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include "net/sink_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "net/conn_priv.h"

#define BLOCK 65536

struct shoal_sink {
    struct shoal_request *request;
    char *filling, *writing;
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
    sink->filling = shoal_alloc(1, BLOCK);
    sink->writing = shoal_alloc(1, BLOCK);
    return sink;
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
    free(sink->filling);
    free(sink->writing);
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
        ssize_t count = shoal_file()->pwrite(sink->file, sink->writing + done,
            sink->to_write - done, (off_t)sink->offset);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return shoal_file_fail(&sink->err, count < 0 ? errno : EIO, "write", request->to_path);
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
    if (sink->rc == 0) {
        sink->rc = sink->is_multipart
            ? shoal_multipart_feed(&sink->parser, sink->writing, sink->to_write, &sink->err)
            : write_raw(sink);
    }
    if (sink->rc == 0 && sink->is_last && sink->is_whole && sink->is_multipart) {
        sink->rc = finish_form(sink);
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
    char *swap = sink->writing;
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
    if (sink->has_ended || sink->filled == BLOCK) {
        submit(sink);
    }
    if (request->conn && request->conn->state == SHOAL_CONN_BODY && !sink->has_ended) {
        request->conn->is_paused = false;
        shoal_conn_continue(request->conn);
    }
}

size_t shoal_sink_room(const struct shoal_sink *sink)
{
    return BLOCK - sink->filled;
}

bool shoal_sink_has_ended(const struct shoal_sink *sink)
{
    return sink->has_ended;
}

size_t shoal_sink_take(struct shoal_sink *sink, const char *data, size_t length)
{
    size_t room = BLOCK - sink->filled;
    size_t taken = length < room ? length : room;
    memcpy(sink->filling + sink->filled, data, taken);
    sink->filled += taken;
    if (sink->filled == BLOCK && !sink->is_busy) {
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
