// media_pull.c - sends a file from wherever its storage keeps it.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"

#define TRIES       5
#define WAIT_MS     50 ///< before the second try; doubled each time
#define FIRST_BYTES ((size_t)64 * 1024)
#define URL_TTL_S   3600
#define FOREVER_S   31536000

static bool is_worth_another(int64_t code)
{
    return code == SHOAL_EIO || code == SHOAL_EUPSTREAM || code == SHOAL_EBUSY ||
           code == SHOAL_ETIMEOUT || code == SHOAL_ERATE;
}

// A storage elsewhere fails now and then; what a client sees of it is at most a pause.
int64_t media_read(struct shoal_call *call, const struct shoal_service *storage, const char *key,
    uint64_t offset, void *out, size_t length, struct shoal_err *err)
{
    const struct shoal_svc_storage *table = storage->table;
    int64_t got = SHOAL_EIO;
    for (int i = 0; i < TRIES; i++) {
        struct shoal_err why = {0};
        shoal_enter(call, storage);
        got = table->read(call, storage->arg, key, offset, out, length, &why);
        if (got > (int64_t)length) {
            got = shoal_fail(&why, SHOAL_ECORRUPT, "the storage says it gave more than was asked for");
        }
        shoal_leave(call);
        if (got >= 0) {
            return got;
        }
        if (err != NULL) {
            *err = why;
        }
        if (!is_worth_another(got) || shoal_call_sleep(call, WAIT_MS << i) != 0) {
            break;
        }
    }
    return got;
}

int64_t media_size(struct shoal_call *call, const struct shoal_service *storage, const char *key,
    struct shoal_err *err)
{
    const struct shoal_svc_storage *table = storage->table;
    int64_t size = SHOAL_EIO;
    for (int i = 0; i < TRIES; i++) {
        struct shoal_err why = {0};
        shoal_enter(call, storage);
        size = table->stat(call, storage->arg, key, &why);
        shoal_leave(call);
        if (size >= 0) {
            return size;
        }
        if (err != NULL) {
            *err = why;
        }
        if (!is_worth_another(size) || shoal_call_sleep(call, WAIT_MS << i) != 0) {
            break;
        }
    }
    return size;
}

// A file on its way out of a storage.
struct source {
    struct shoal_call *call;
    struct shoal_service storage;
    char *key;
    uint64_t offset, size;
    char *first; // what was read before the answer began
    size_t first_length;
};

static int64_t source_read(void *state, void *out, size_t room)
{
    struct source *source = state;
    if (source->offset >= source->size) {
        return 0;
    }
    uint64_t left = source->size - source->offset;
    size_t want = room < left ? room : (size_t)left;
    if (source->offset < source->first_length) {
        size_t there = source->first_length - (size_t)source->offset;
        want = want < there ? want : there;
        memcpy(out, source->first + source->offset, want);
        source->offset += want;
        return (int64_t)want;
    }
    struct shoal_err err = {0};
    int64_t got =
        media_read(source->call, &source->storage, source->key, source->offset, out, want, &err);
    if (got <= 0) {
        // The length was promised: the host closes the connection, so that nobody takes it for whole.
        shoal_warn("%s: cannot be read on at %llu of %llu: %s", source->key,
            (unsigned long long)source->offset, (unsigned long long)source->size,
            got < 0 ? err.text : "it is shorter than it was");
        return got < 0 ? got : SHOAL_EUPSTREAM;
    }
    source->offset += (uint64_t)got;
    return got;
}

static int source_seek(void *state, uint64_t offset)
{
    struct source *source = state;
    if (offset > source->size) {
        return SHOAL_ERANGE;
    }
    source->offset = offset;
    return 0;
}

static void source_close(void *state)
{
    struct source *source = state;
    free(source->key);
    free(source->first);
    free(source);
}

int media_later(struct shoal_request *request, int status, const char *seconds,
    const char *sentence)
{
    shoal_answer_private(request);
    shoal_answer_header(request, "Cache-Control", "no-store");
    shoal_answer_header(request, "Retry-After", seconds);
    return shoal_answer_json(request, status,
        json_pack("{s:s, s:s, s:i, s:s, s:s}", "type", "about:blank", "title",
            status == 502 ? "Bad Gateway" : "Service Unavailable", "status", status, "detail",
            sentence, "error", sentence));
}

// A failing storage is a 502 or 503 with a sentence, as long as nothing was sent yet.
static int away(struct shoal_request *request, const struct shoal_media_file *file, int64_t code,
    const struct shoal_err *why, struct shoal_err *err)
{
    shoal_warn("%s in %s: %s", file->key, file->storage, why->text);
    if (code == SHOAL_ENOTFOUND) {
        return shoal_fail(err, SHOAL_ENOTFOUND, "%s is missing in its storage", file->name);
    }
    bool is_busy = code == SHOAL_EBUSY || code == SHOAL_ETIMEOUT || code == SHOAL_ERATE;
    return media_later(request, is_busy ? 503 : 502, "5",
        "the storage of this file does not answer: please try again");
}

// Opens a file and reads its beginning, so that what is broken shows before the answer begins. Leaves
// *source NULL when an answer or an error was given instead.
static int open_source(struct shoal_call *call, struct shoal_request *request,
    const struct shoal_service *storage, const struct shoal_media_file *file, struct source **out,
    struct shoal_err *err)
{
    struct shoal_err why = {0};
    int64_t size = media_size(call, storage, file->key, &why);
    if (size < 0) {
        return away(request, file, size, &why, err);
    }
    struct source *source = calloc(1, sizeof *source);
    if (source == NULL || (source->key = strdup(file->key)) == NULL) {
        abort();
    }
    source->call = call;
    source->storage = *storage;
    source->size = (uint64_t)size;
    if (shoal_request_header(request, "Range") == NULL && size > 0) {
        size_t want = (size_t)size < FIRST_BYTES ? (size_t)size : FIRST_BYTES;
        source->first = malloc(want);
        if (source->first == NULL) {
            abort();
        }
        int64_t got = media_read(call, storage, file->key, 0, source->first, want, &why);
        if (got <= 0) {
            source_close(source);
            return away(request, file, got < 0 ? got : SHOAL_EUPSTREAM, &why, err);
        }
        source->first_length = (size_t)got;
    }
    *out = source;
    return 0;
}

static int pull(struct shoal_request *request, struct source *source, const char *type)
{
    const struct shoal_pull what = {
        .read = source_read,
        .close = source_close,
        .state = source,
        .size_bytes = (int64_t)source->size,
        .seek = source_seek,
    };
    int code = shoal_answer_pull(request, 200, type, &what);
    if (code != 0) {
        source_close(source);
    }
    return code;
}

// Names hold a random UUID and are never used again, so what lies under one never changes. Those of
// a live do not and are replaced every few seconds.
static uint32_t cache_s(const struct media_path *path, const struct shoal_media_file *file,
    const struct shoal_svc_storage *table)
{
    char uuid[37] = "";
    memcpy(uuid, file->name, strnlen(file->name, 36));
    if (file->is_private || path->is_download) {
        return 0;
    }
    return shoal_uuid_valid(uuid) ? FOREVER_S : table->max_age_s < 2 ? table->max_age_s : 2;
}

static void say_cache(struct shoal_request *request, uint32_t age_s)
{
    if (age_s == 0) {
        shoal_answer_private(request);
        shoal_answer_header(request, "Cache-Control", "private, no-cache");
    } else {
        char text[64];
        snprintf(text, sizeof text, "public, max-age=%u%s", age_s,
            age_s >= FOREVER_S ? ", immutable" : "");
        shoal_answer_header(request, "Cache-Control", text);
    }
}

// A client may fetch it from the storage itself: only what no other file refers to by its place.
static bool redirects(const struct media_path *path, const struct shoal_media_file *file,
    const struct shoal_svc_storage *table)
{
    bool is_media = strcmp(file->kind, "web_video") == 0 || strcmp(file->kind, "hls_media") == 0;
    return is_media && !path->is_download && SHOAL_HAS(table, url);
}

int media_answer(struct shoal_call *call, struct shoal_request *request,
    const struct media_path *path, const struct shoal_media_file *file, struct shoal_err *err)
{
    struct shoal_service storage;
    if (!shoal_service_find("storage", file->storage, &storage)) {
        return media_later(request, 503, "60", "the storage of this file is away");
    }
    const struct shoal_svc_storage *table = storage.table;
    struct shoal_arena *arena = shoal_call_arena(call);
    const char *type = media_type(file->kind, file->name, file->mime);
    const char *name = path->is_download ? media_name_clean(arena,
                                               file->download_name != NULL ? file->download_name
                                                                           : file->name)
                                         : NULL;
    uint32_t age_s = cache_s(path, file, table);
    const char *place = NULL;
    if (SHOAL_HAS(table, local_path)) {
        shoal_enter(call, &storage);
        place = table->local_path(call, storage.arg, file->key);
        shoal_leave(call);
    }
    if (place != NULL) {
        return shoal_answer_file(request, place, type, name, age_s, err);
    }
    if (redirects(path, file, table)) {
        struct shoal_err why = {0};
        shoal_enter(call, &storage);
        const char *url = table->url(call, storage.arg, file->key, URL_TTL_S, &why);
        shoal_leave(call);
        if (url != NULL) {
            shoal_answer_private(request);
            shoal_answer_header(request, "Cache-Control", "private, max-age=60");
            return shoal_answer_redirect(request, 302, url);
        }
    }
    struct source *source = NULL;
    int code = open_source(call, request, &storage, file, &source, err);
    if (source == NULL) {
        return code;
    }
    say_cache(request, age_s);
    if (name != NULL) {
        shoal_answer_header(request, "Content-Disposition", media_disposition(arena, name));
    }
    return pull(request, source, type);
}
