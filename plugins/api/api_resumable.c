// api_resumable.c - /videos/upload-resumable: a file in chunks, over connections that break.
// SPDX-License-Identifier: AGPL-3.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api.h"
#include "api_digest.h"
#include "api_fields.h"
#include "api_session.h"
#include "api_upload.h"

#define UPLOAD_PATH API_PREFIX "/videos/upload-resumable"

// Errors of the protocol itself have the body that uploaders of this kind read.
static int refuse(struct shoal_request *request, int status, const char *code, const char *message)
{
    json_t *error = json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message);
    char *text = json_dumps(error, JSON_COMPACT);
    json_decref(error);
    int result = shoal_answer_bytes(request, status, "application/json; charset=utf-8", text,
        text != NULL ? strlen(text) : 0);
    free(text);
    return result;
}

static void keep_out_of_caches(struct shoal_request *request)
{
    shoal_answer_private(request);
    shoal_answer_header(request, "Cache-Control", "no-store");
}

// "bytes=0--1" for nothing is what PeerTube says: its own client reads it as 0, and waits for ever
// where a 308 has no Range.
static void say_range(struct shoal_call *call, struct shoal_request *request, uint64_t written)
{
    shoal_answer_header(request, "Range",
        shoal_arena_printf(shoal_call_arena(call), "bytes=0-%lld", (long long)written - 1));
}

static int go_on(struct shoal_call *call, struct shoal_request *request, uint64_t written)
{
    say_range(call, request, written);
    return shoal_answer_status(request, 308);
}

static uint64_t size_of(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 ? (uint64_t)found.st_size : 0;
}

// ---- POST: begin ----

int api_resumable_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    (void)call;
    (void)arg;
    (void)err;
    shoal_request_limit(request, API_IMAGES_MAX);
    return 0;
}

static int read_size(struct shoal_request *request, uint64_t *size, struct shoal_err *err)
{
    const char *text = shoal_request_header(request, "X-Upload-Content-Length");
    size_t digits = text != NULL ? strspn(text, "0123456789") : 0;
    if (digits == 0 || digits > 15 || text[digits] != '\0') {
        return shoal_fail_field(err, "x-upload-content-length",
            "Should specify the file length in X-Upload-Content-Length");
    }
    *size = strtoull(text, NULL, 10);
    return *size > 0 ? 0 : shoal_fail_field(err, "x-upload-content-length", "The file is empty");
}

// What is uploaded, from headers and fields; the draft is a new reference.
static int read_session(struct shoal_call *call, struct shoal_request *request,
    struct api_session *session, json_t **draft, struct shoal_err *err)
{
    struct shoal_arena *arena = shoal_call_arena(call);
    int code = read_size(request, &session->size_bytes, err);
    if (code != 0) {
        return code;
    }
    const char *mime = shoal_request_header(request, "X-Upload-Content-Type");
    if (mime == NULL || *mime == '\0' || strlen(mime) > 200) {
        return shoal_fail_field(err, "x-upload-content-type",
            "Should specify the file mimetype in X-Upload-Content-Type");
    }
    json_t *body = shoal_request_body(request, err);
    if (body == NULL) {
        return err->code;
    }
    const char *filename = shoal_text(body, "filename", "");
    if (*filename == '\0' || strlen(filename) > 1000) {
        return shoal_fail_field(err, "filename", "Should have a valid filename");
    }
    *draft = api_fields_video(body, true, err);
    if (*draft == NULL) {
        return err->code;
    }
    char *text = json_dumps(*draft, JSON_COMPACT | JSON_SORT_KEYS);
    session->draft = shoal_arena_strdup(arena, text);
    free(text);
    session->filename = shoal_arena_strdup(arena, filename);
    session->mime = shoal_arena_strdup(arena, mime);
    session->user_id = shoal_call_viewer(call)->user_id;
    const char *size = shoal_arena_printf(arena, "%llu", (unsigned long long)session->size_bytes);
    const char *parts[] = {session->filename, size, session->mime, session->draft, NULL};
    api_upload_id(session->user_id, parts, session->id);
    return 0;
}

static int may_begin(struct shoal_call *call, struct api *api, const struct api_session *session,
    const json_t *draft, struct shoal_err *err)
{
    uint64_t reserved = 0;
    int64_t open_count = 0;
    int code =
        api_session_reserved(call, api, session->user_id, session->id, &reserved, &open_count, err);
    if (code == 0) {
        code = api_upload_room(call, session->size_bytes, reserved, err);
    }
    if (code == 0 && open_count >= shoal_setting_i64(api->plugin, "upload_open")) {
        code = shoal_fail(err, SHOAL_ERATE,
            "There are %lld unfinished uploads of yours: finish or delete some of them first",
            (long long)open_count);
    }
    return code != 0 ? code : api_upload_begin(call, draft, session->filename, session->size_bytes,
                                  session->mime, err);
}

// A picture that is none is refused now, not after hours of uploading.
static int keep_image(struct shoal_call *call, struct shoal_request *request, const char *kind,
    const char *path, struct shoal_err *err)
{
    const char *field = shoal_arena_printf(shoal_call_arena(call), "%sfile", kind);
    const struct shoal_upload *file = shoal_request_upload(request, field);
    unlink(path);
    int code = file != NULL ? shoal_video_image_check(call, kind, file->path, err) : 0;
    if (code != 0) {
        return code;
    }
    if (file != NULL && rename(file->path, path) != 0) {
        return shoal_fail(err, errno == ENOSPC ? SHOAL_EFULL : SHOAL_EIO, "%s cannot be kept", field);
    }
    return 0;
}

static int create(struct shoal_call *call, struct shoal_request *request, struct api *api,
    const struct api_session *session, struct shoal_err *err)
{
    int code = api_session_create(call, session, err);
    if (code == 0) {
        code = keep_image(call, request, "thumbnail", session->thumbnail_path, err);
    }
    if (code == 0) {
        code = keep_image(call, request, "preview", session->preview_path, err);
    }
    if (code != 0) {
        api_session_remove(call, api, session, NULL);
    }
    return code;
}

int api_resumable_begin(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct api *api = arg;
    struct api_session session = {0};
    json_t *draft = NULL;
    keep_out_of_caches(request);
    int code = read_session(call, request, &session, &draft, err);
    if (code != 0) {
        return code;
    }
    struct api_session found;
    bool is_known = api_session_find(call, api, session.id, &found, NULL) == 0 &&
                    found.state == API_SESSION_OPEN && access(found.path, W_OK) == 0;
    if (!is_known) {
        code = may_begin(call, api, &session, draft, err);
        if (code == 0) {
            code = api_session_paths(call, api, &session, err);
        }
        if (code == 0) {
            code = create(call, request, api, &session, err);
        }
    }
    json_decref(draft);
    if (code != 0) {
        return code;
    }
    char expires[32];
    shoal_answer_header(request, "X-Upload-Expires",
        shoal_time_format(shoal_now_ms() + API_SESSION_DAYS_MS, expires));
    shoal_answer_header(request, "Location",
        shoal_url(call, shoal_arena_printf(shoal_call_arena(call), UPLOAD_PATH "?upload_id=%s",
                            session.id)));
    uint64_t written = is_known ? size_of(found.path) : 0;
    if (written > 0) {
        say_range(call, request, written);
    }
    return shoal_answer_status(request, written > 0 ? 200 : 201);
}

// ---- PUT: a chunk, or how far we are ----

// Finds the session that a request names. False: it was answered, with its result in *code.
static bool find_session(struct shoal_call *call, struct shoal_request *request, struct api *api,
    struct api_session *session, int *code, struct shoal_err *err)
{
    const char *id = shoal_request_query(request, "upload_id");
    keep_out_of_caches(request);
    if (!api_upload_id_valid(id) || !api_upload_id_owned(id, shoal_call_viewer(call)->user_id)) {
        *code = refuse(request, 403, "Forbidden", "This is no upload of yours");
        return false;
    }
    *code = api_session_find(call, api, id, session, err);
    if (*code == SHOAL_ENOTFOUND) {
        *code = refuse(request, 404, "FileNotFound", "This upload is not known");
        return false;
    }
    if (*code == 0 && session->state == API_SESSION_EXPIRED) {
        *code = refuse(request, 410, "Gone", "This upload has expired");
        return false;
    }
    return *code == 0;
}

struct chunk {
    struct api_session session;
    struct api_lock *lock;
    uint64_t first, length;
    struct shoal_sha256 *sum; // of all bytes up to where it writes; NULL where they were not summed up
};

static void drop_sum(void *arg)
{
    struct chunk *chunk = arg;
    shoal_sha256_free(chunk->sum);
    chunk->sum = NULL;
}

// The bytes go to their place, and into the sum of the upload on the way.
static int receive(struct shoal_call *call, struct shoal_request *request, struct api *api,
    struct chunk *chunk, struct shoal_err *err)
{
    int code = shoal_request_body_to(request, chunk->session.path, chunk->first, chunk->length, err);
    if (code == 0) {
        chunk->sum = api_running_take(api->running, chunk->session.id, chunk->first);
        shoal_arena_defer(shoal_call_arena(call), drop_sum, chunk);
        shoal_request_body_sum(request, chunk->sum);
    }
    return code;
}

static int answer_done(struct shoal_request *request, const struct api_session *session)
{
    return shoal_answer_bytes(request, 200, "application/json; charset=utf-8", session->answer,
        strlen(session->answer));
}

// Reads which bytes come. NULL, or the sentence why the line is bad.
static const char *read_range(struct shoal_request *request, const struct api_session *session,
    struct api_range *range)
{
    const char *line = shoal_request_header(request, "Content-Range");
    int64_t length = shoal_request_content_length(request);
    if (line == NULL) {
        // Without the line, the whole file comes at once.
        *range = (struct api_range){.last = session->size_bytes - 1,
            .has_total = true,
            .total = session->size_bytes};
        return length == (int64_t)session->size_bytes ? NULL : "Content-Range is missing";
    }
    if (api_range_parse(line, range) != 0) {
        return "Content-Range is not valid";
    }
    if (range->has_total && range->total != session->size_bytes) {
        return "Content-Range has another total than the upload";
    }
    if (range->is_query) {
        return length > 0 ? "a question has no body" : NULL;
    }
    if (range->last >= session->size_bytes) {
        return "Content-Range goes beyond the upload";
    }
    if (length >= 0 && (uint64_t)length != range->last - range->first + 1) {
        return "Content-Length and Content-Range do not fit together";
    }
    return NULL;
}

static int refuse_locked(struct shoal_request *request, const struct api_session *session, int code)
{
    if (code == SHOAL_EGONE) {
        return refuse(request, 410, "Gone", "The bytes of this upload are gone");
    }
    if (size_of(session->path) < session->size_bytes) {
        return refuse(request, 423, "FileLocked", "Another request writes to this upload");
    }
    shoal_answer_header(request, "Retry-After", "300");
    return refuse(request, 503, "FileLocked", "The file is being processed");
}

int api_resumable_put_head(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct api *api = arg;
    struct chunk *chunk = shoal_arena_alloc(shoal_call_arena(call), sizeof *chunk);
    struct api_session *session = &chunk->session;
    struct api_range range;
    int code = 0;
    if (!find_session(call, request, api, session, &code, err)) {
        return code;
    }
    if (session->state == API_SESSION_DONE) {
        return answer_done(request, session);
    }
    const char *wrong = read_range(request, session, &range);
    if (wrong != NULL) {
        return refuse(request, 400, "InvalidRange", wrong);
    }
    uint64_t written = size_of(session->path);
    if (range.is_query && written < session->size_bytes && access(session->path, F_OK) == 0) {
        return go_on(call, request, written);
    }
    chunk->lock = api_lock_take(call, session->path, &code);
    if (chunk->lock == NULL) {
        return code == SHOAL_EIO ? code : refuse_locked(request, session, code);
    }
    written = size_of(session->path);
    if (!range.is_query && range.first > written) {
        api_lock_release(chunk->lock);
        return refuse(request, 409, "FileConflict", "Bytes before this chunk are missing");
    }
    shoal_request_keep(request, chunk);
    if (range.is_query) {
        return 0;
    }
    chunk->first = range.first;
    chunk->length = range.last - range.first + 1;
    return receive(call, request, api, chunk, err);
}

// An error that the same bytes would meet again: the upload is over.
static bool is_final(int code)
{
    switch (code) {
    case SHOAL_EINVAL:
    case SHOAL_ENOTFOUND:
    case SHOAL_EFORBIDDEN:
    case SHOAL_ETOOLARGE:
    case SHOAL_ETYPE:
    case SHOAL_EUNREADABLE:
        return true;
    default:
        return false;
    }
}

static int submit(struct shoal_call *call, struct api *api, const struct api_session *session,
    json_t **video, struct shoal_err *err)
{
    char sha256[65];
    int code = api_running_finish(api->running, call, session->id, session->path,
        session->size_bytes, sha256, err);
    if (code != 0) {
        return code;
    }
    json_t *draft = shoal_json_parse(session->draft, strlen(session->draft), err);
    if (draft == NULL) {
        return err->code;
    }
    const struct shoal_submission what = {
        .draft = draft,
        .path = session->path,
        .filename = session->filename,
        .sha256 = sha256,
        .size_bytes = session->size_bytes,
        .source = "upload",
        .thumbnail = access(session->thumbnail_path, R_OK) == 0 ? session->thumbnail_path : NULL,
        .preview = access(session->preview_path, R_OK) == 0 ? session->preview_path : NULL,
        .commit = api_session_done,
        .arg = (void *)session,
    };
    code = shoal_media_submit(call, &what, video, err);
    json_decref(draft);
    return code;
}

// The file is whole: hands it in. Its answer is kept with it, for a client that did not hear it.
static int finish(struct shoal_call *call, struct shoal_request *request, struct api *api,
    const struct chunk *chunk, struct shoal_err *err)
{
    const struct api_session *session = &chunk->session;
    json_t *video = NULL;
    int code = submit(call, api, session, &video, err);
    if (code != 0) {
        if (is_final(code)) {
            api_session_remove(call, api, session, NULL);
        }
        return code;
    }
    return shoal_answer_json(request, 200, json_pack("{s:o}", "video", video));
}

// Takes wrong bytes back, so that the client sends them again from where they began.
static int mismatch(struct shoal_request *request, const struct chunk *chunk, int code, const struct shoal_err *err)
{
    if (truncate(chunk->session.path, (off_t)chunk->first) != 0) {
        return SHOAL_EIO;
    }
    bool is_mismatch = code == SHOAL_EMISMATCH;
    return refuse(request, is_mismatch ? 460 : shoal_error_status(code),
        is_mismatch ? "ChecksumMismatch" : "UnsupportedChecksumAlgorithm", err->text);
}

static int take_chunk(struct shoal_call *call, struct shoal_request *request, struct api *api,
    struct chunk *chunk, struct shoal_err *err)
{
    const struct api_session *session = &chunk->session;
    bool is_whole = true;
    uint64_t arrived = chunk->length > 0 ? shoal_request_written(request, &is_whole) : 0;
    if (chunk->length > 0) {
        const char *digest = shoal_request_header(request, "Digest");
        const char *md5 = shoal_request_header(request, "Content-MD5");
        int code = is_whole && (digest != NULL || md5 != NULL)
                       ? api_digest_check(session->path, chunk->first, arrived, digest, md5, err)
                       : 0;
        if (code != 0) {
            return mismatch(request, chunk, code, err);
        }
        api_running_put(api->running, session->id, chunk->sum, chunk->first + arrived);
        chunk->sum = NULL;
    }
    uint64_t written = size_of(session->path);
    if (written >= session->size_bytes && is_whole) {
        return finish(call, request, api, chunk, err);
    }
    return go_on(call, request, written);
}

int api_resumable_put(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct api *api = arg;
    struct chunk *chunk = shoal_request_kept(request);
    if (chunk == NULL) {
        return shoal_fail(err, SHOAL_EINTERNAL, "a chunk without its head");
    }
    int code = take_chunk(call, request, api, chunk, err);
    api_lock_release(chunk->lock); // before the client hears of it and sends the next chunk
    return code;
}

// ---- DELETE: never mind ----

int api_resumable_delete(struct shoal_call *call, struct shoal_request *request, void *arg,
    struct shoal_err *err)
{
    struct api *api = arg;
    struct api_session session;
    int code = 0;
    if (!find_session(call, request, api, &session, &code, err)) {
        return code;
    }
    struct api_lock *lock = api_lock_take(call, session.path, &code);
    if (code == SHOAL_ELOCKED) {
        return refuse_locked(request, &session, code);
    }
    code = api_session_remove(call, api, &session, err);
    api_lock_release(lock);
    return api_done(request, code);
}
