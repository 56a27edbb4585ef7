// seed_serve.c - gives viewers the files that are here, and no other.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seed_mirror.h"

#define FOREVER_S   31536000 // names are drawn anew whenever the bytes change
#define BLOCK_BYTES ((size_t)64 << 10)

static bool is_here(struct seed_mirror *mirror, const char *uuid, const char *name)
{
    pthread_mutex_lock(&mirror->lock);
    struct seed_video *video = seed_video_find(mirror, uuid);
    const struct seed_file *file =
        video != NULL && video->is_chosen ? seed_file_find(video, name) : NULL;
    bool is_it = file != NULL && file->is_here;
    pthread_mutex_unlock(&mirror->lock);
    return is_it;
}

/// A file that goes out no faster than it may.
struct source {
    struct seed_mirror *mirror;
    struct shoal_call *call;
    int fd;
    uint64_t offset;
};

static int64_t source_read(void *state, void *out, size_t room)
{
    struct source *source = state;
    size_t want = room < BLOCK_BYTES ? room : BLOCK_BYTES;
    if (seed_bucket_take(source->call, source->mirror, &source->mirror->sending, want) != 0) {
        return SHOAL_ECANCELLED;
    }
    ssize_t got = pread(source->fd, out, want, (off_t)source->offset);
    source->offset += got > 0 ? (uint64_t)got : 0;
    return got < 0 ? SHOAL_EIO : got;
}

static int source_seek(void *state, uint64_t offset_bytes)
{
    struct source *source = state;
    source->offset = offset_bytes;
    return 0;
}

static void source_close(void *state)
{
    struct source *source = state;
    close(source->fd);
    free(source);
}

static int answer_slowly(struct shoal_call *call, struct shoal_request *request,
    struct seed_mirror *mirror, const char *path, const char *type, struct shoal_err *err)
{
    struct stat info;
    struct source *source = calloc(1, sizeof *source);
    int fd = source != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
    if (fd < 0 || fstat(fd, &info) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        free(source);
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such file");
    }
    *source = (struct source){.mirror = mirror, .call = call, .fd = fd};
    const struct shoal_pull pull = {.read = source_read,
        .close = source_close,
        .state = source,
        .size_bytes = info.st_size,
        .seek = source_seek};
    shoal_answer_etag(request, strrchr(path, '/') + 1);
    shoal_answer_header(request, "Cache-Control", "public, max-age=31536000, immutable");
    int code = shoal_answer_pull(request, 200, type, &pull);
    if (code != 0) {
        source_close(source);
    }
    return code;
}

static int serve(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    static const char *const types[] = {
        [SEED_KIND_MASTER] = "application/vnd.apple.mpegurl",
        [SEED_KIND_PLAYLIST] = "application/vnd.apple.mpegurl",
        [SEED_KIND_MEDIA] = "video/mp4",
        [SEED_KIND_LIST] = "application/json; charset=utf-8",
    };
    struct seed_mirror *mirror = arg;
    const char *uuid = shoal_request_param(request, "video");
    const char *name = shoal_request_param(request, "name");
    enum seed_kind kind = seed_name_kind(name);
    if (uuid == NULL || !shoal_uuid_valid(uuid) || kind == SEED_KIND_NONE ||
        !is_here(mirror, uuid, name)) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "there is no such file");
    }
    const char *path =
        shoal_arena_printf(shoal_call_arena(call), "%s/%s/%s", mirror->folder, uuid, name);
    // What came from a stranger is never a page of this address, whatever it looks like.
    shoal_answer_header(request, "Content-Security-Policy", "default-src 'none'; sandbox");
    shoal_answer_header(request, "Cross-Origin-Resource-Policy", "cross-origin");
    return mirror->sending.rate > 0
               ? answer_slowly(call, request, mirror, path, types[kind], err)
               : shoal_answer_file(request, path, types[kind], NULL, FOREVER_S, err);
}

/// Shows the origin, and nobody else, that this address is ours: only there is the token known.
static int prove(
    struct shoal_call *call, struct shoal_request *request, void *arg, struct shoal_err *err)
{
    const struct seed_mirror *mirror = arg;
    const char *nonce = shoal_request_query(request, "nonce");
    char proof[65];
    (void)call;
    if (!seed_nonce_valid(nonce)) {
        return shoal_fail_field(err, "nonce", "nonce is %d hex digits", 2 * SEED_NONCE_BYTES);
    }
    if (!seed_proof(mirror->token_sha256, nonce, mirror->base, proof)) {
        return shoal_fail(err, SHOAL_EINTERNAL, "the token has no hash");
    }
    shoal_answer_private(request);
    return shoal_answer_text(request, 200, proof);
}

int seed_serve_start(struct seed_mirror *mirror, struct shoal_err *err)
{
    const struct shoal_route files = {.method = "GET",
        .path = "/hls/{video}/{name}",
        .handler = serve,
        .arg = mirror,
        .auth = SHOAL_AUTH_NONE,
        .timeout_ms = 30000,
        .rate = SHOAL_RATE_NONE,
        .cors = true};
    const struct shoal_route proof = {.method = "GET",
        .path = "/hls/proof",
        .handler = prove,
        .arg = mirror,
        .auth = SHOAL_AUTH_NONE};
    int code = shoal_route_add(mirror->self, &files, err);
    return code != 0 ? code : shoal_route_add(mirror->self, &proof, err);
}
